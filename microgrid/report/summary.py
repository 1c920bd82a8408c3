"""`summary.json` and `scenario.toml`: totals in whole micro and Wh, the invariants, and how to run it again."""

from collections.abc import Mapping

from microgrid.domain.run import HomeTotal, RunResult
from microgrid.report.formats import FORMAT
from microgrid.report.reasons import worse_off_reason


def summary(result: RunResult) -> dict[str, object]:
    """Content of `summary.json`; all but `timings_s` is equal for two runs of one seed."""
    return {
        "format": FORMAT,
        "currency": result.currency,
        "fee_micro_per_kwh": result.fee_micro_per_kwh,
        "period": _period(result),
        "totals": _totals(result),
        "homes": [_home(total) for total in result.totals],
        "worse_off": [
            {
                "home_id": total.home.home_id,
                "saving_micro": total.saving_micro,
                "reason": worse_off_reason(total, result.currency),
            }
            for total in result.worse_off
        ],
        "filled": result.filled,
        "readings": {
            "sent": result.readings.sent,
            "stored": result.readings.stored,
            "on_chain": result.readings.on_chain,
            "refused": dict(sorted(result.readings.refused.items())),
        },
        "gas": gas_table(result),
        "rewards_wad": {home.home_id: str(result.rewards_wad.get(home.account, 0)) for home in result.homes},
        "invariants": [
            {"name": item.name, "error": item.error, "description": item.description} for item in result.invariants
        ],
        "reproduce": {
            "command": result.reproduce.command,
            "version": result.reproduce.version,
            "seed": result.reproduce.seed,
            "inputs": dict(result.reproduce.inputs),
        },
        "settings": dict(result.settings),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in result.timings_s.items()},
    }


def _period(result: RunResult) -> dict[str, object]:
    if not result.intervals:
        return {"intervals": 0}
    first, last = result.intervals[0].interval, result.intervals[-1].interval
    return {
        "intervals": len(result.intervals),
        "interval_seconds": first.seconds,
        "start": first.start_utc.isoformat(),
        "end": last.end_utc.isoformat(),
    }


def _totals(result: RunResult) -> dict[str, int]:
    money = [outcome.settlement.money for outcome in result.intervals]
    return {
        "homes": len(result.homes),
        "bills_micro": sum(total.bill_micro for total in result.totals),
        "bills_without_market_micro": sum(total.without_market_micro for total in result.totals),
        "saving_micro": sum(total.saving_micro for total in result.totals),
        "homes_better_off": sum(total.saving_micro > 0 for total in result.totals),
        "homes_worse_off": len(result.worse_off),
        "grid_micro": sum(item.grid_micro for item in money),
        "fees_micro": sum(item.fees_micro for item in money),
        "dust_micro": sum(item.dust_micro for item in money),
        "traded_wh": sum(outcome.auction.volume_wh for outcome in result.intervals),
        "import_wh": sum(total.energy_wh("import_wh") for total in result.totals),
        "export_wh": sum(total.energy_wh("export_wh") for total in result.totals),
        "orders": sum(len(outcome.orders) for outcome in result.intervals),
        "orders_refused": sum(outcome.order_refusals for outcome in result.intervals),
        "gas": sum(use.gas for use in result.gas),
    }


def _home(total: HomeTotal) -> dict[str, object]:
    home = total.home
    return {
        "home_id": home.home_id,
        "account": home.account,
        "member_id": home.member_id,
        "device": home.device,
        "has_pv": home.has_pv,
        "bill_micro": total.bill_micro,
        "bill_without_market_micro": total.without_market_micro,
        "saving_micro": total.saving_micro,
    }


def gas_table(result: RunResult) -> list[dict[str, object]]:
    """Transactions, items and gas by operation, in the order of first occurrence; the mean is per item."""
    rows: list[dict[str, object]] = []
    for operation in dict.fromkeys(use.operation for use in result.gas):
        uses = [use for use in result.gas if use.operation == operation]
        gas, items = sum(use.gas for use in uses), sum(use.items for use in uses)
        rows.append(
            {
                "operation": operation,
                "transactions": len(uses),
                "items": items,
                "gas": gas,
                "most_gas": max(use.gas for use in uses),
                "gas_per_item": round(gas / items) if items else 0,
            }
        )
    return rows


def scenario_toml(settings: Mapping[str, object]) -> str:
    """Settings as TOML: plain values first, then one table per mapping, mappings within in line; None is left out."""
    plain = {key: value for key, value in settings.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
    parts = [_assignments(plain), *(f"[{name}]\n{_assignments(table)}" for name, table in tables.items())]
    return "\n".join(part for part in parts if part)


def _assignments(values: Mapping[str, object]) -> str:
    return "".join(f"{_toml_key(key)} = {_toml(value)}\n" for key, value in values.items() if value is not None)


def _toml_key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else _toml_text(key)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return _toml_text(str(value))


def _toml_text(text: str) -> str:
    """A basic string: quote, backslash and control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
