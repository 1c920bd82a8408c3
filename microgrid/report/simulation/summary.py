"""`summary.json` of a simulated run: totals in whole micro and Wh, figures, invariants, and how to run it again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from microgrid.domain.blocks import LedgerHistory
from microgrid.domain.run import Reproduce
from microgrid.domain.units import MICRO_PER_UNIT
from microgrid.report.formats import SIMULATION_FORMAT
from microgrid.sim.results import Results


def summary(results: Results, reproduce: Reproduce, timings_s: Mapping[str, float]) -> dict[str, Any]:
    """Content of `summary.json`; all but `timings_s` is equal for two runs of one seed."""
    scenario = results.scenario
    return {
        "format": SIMULATION_FORMAT,
        "scenario": scenario.name,
        "description": scenario.description,
        "currency": scenario.prices.currency,
        "period": _period(results),
        "totals": _totals(results),
        "metrics": results.metrics,
        "homes": _homes(results),
        "worse_off": _worse_off(results),
        "tiers": list(results.tiers),
        "money": {name: int(getattr(results.money, name).sum()) for name in MONEY},
        "regulator": _regulator(results) if scenario.regulator.enabled else None,
        "ledger": _ledger(results.ledger),
        "contracts": _contracts(results.ledger),
        "credits": _credits(results) if scenario.credits.enabled else None,
        "series": {
            "uncontrolled_load_wh": results.energy.plain_load_wh.sum(axis=1).tolist(),
            "carbon_kg_per_kwh": results.grid.carbon_kg_per_kwh.tolist(),
        },
        "filled": results.filled,
        "invariants": [
            {"name": item.name, "error": item.error, "description": item.description} for item in results.invariants
        ],
        "reproduce": {
            "command": reproduce.command,
            "version": reproduce.version,
            "seed": reproduce.seed,
            "inputs": dict(reproduce.inputs),
        },
        "settings": scenario.to_mapping(),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in timings_s.items()},
    }


MONEY = ("homes_micro", "grid_micro", "operator_micro", "regulator_micro", "dust_micro")


def _period(results: Results) -> dict[str, Any]:
    first = results.first
    return {
        "intervals": results.steps,
        "interval_seconds": first.seconds,
        "start": first.start_utc.isoformat(),
        "end": type(first)(first.index + results.steps - 1, first.seconds).end_utc.isoformat(),
    }


def _totals(results: Results) -> dict[str, int]:
    """The names are those of an emulated run, so that runs can be compared."""
    saving = results.without_market_micro - results.bill_micro
    energy = results.energy
    return {
        "homes": results.homes,
        "bills_micro": int(results.bill_micro.sum()),
        "bills_without_market_micro": int(results.without_market_micro.sum()),
        "bills_baseline_micro": int(results.baseline_micro.sum()),
        "saving_micro": int(saving.sum()),
        "homes_better_off": int((saving > 0).sum()),
        "homes_worse_off": int((saving < 0).sum()),
        "grid_micro": int(results.money.grid_micro.sum()),
        "fees_micro": int(results.money.operator_micro.sum()),
        "dust_micro": int(results.money.dust_micro.sum()),
        "traded_wh": int(results.trades.energy_wh.sum()),
        "import_wh": int(energy.import_wh.sum()),
        "export_wh": int(energy.export_wh.sum()),
        "load_wh": int(energy.load_wh.sum()),
        "pv_wh": int(energy.pv_wh.sum()),
        "orders": int(np.count_nonzero(results.trading.order_wh)),
        "trades": len(results.trades.energy_wh),
    }


def _homes(results: Results) -> list[dict[str, Any]]:
    most = results.scenario.batteries.soc_max
    usable = results.energy.soc_limits_kwh[1]
    columns = {
        "home_id": list(results.home_ids),
        **({"home_type": list(results.home_types)} if results.home_types else {}),
        "battery_kwh": [round(float(high) / most, 3) if most else 0.0 for high in usable],
        "bill_micro": results.bill_micro.tolist(),
        "bill_without_market_micro": results.without_market_micro.tolist(),
        "bill_baseline_micro": results.baseline_micro.tolist(),
        "saving_micro": (results.without_market_micro - results.bill_micro).tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _worse_off(results: Results) -> list[dict[str, Any]]:
    """Homes that pay more than with the grid alone, worst first, and why."""
    saving = results.without_market_micro - results.bill_micro
    worst = np.argsort(saving, kind="stable")[: int((saving < 0).sum())]
    return [
        {"home_id": results.home_ids[home], "saving_micro": int(saving[home]), "reason": _reason(results, home)}
        for home in worst.tolist()
    ]


def _reason(results: Results, home: int) -> str:
    trading, currency = results.trading, results.scenario.prices.currency
    bonus, penalty = int(trading.bonus_micro[:, home].sum()), int(trading.penalty_micro[:, home].sum())
    alone = int(trading.without_market_micro[:, home].sum())
    gain = int(trading.amount_micro[:, home].sum()) - alone
    if penalty > bonus and gain >= 0:
        return (
            f"penalties of {_money(penalty)} {currency} outweigh the {_money(gain)} that trading gained "
            f"and the bonuses of {_money(bonus)}"
        )
    if gain >= -results.steps:
        return "rounding: each interval is rounded down once, to a millionth, against the home"
    return f"what it traded was {_money(-gain)} {currency} worse than the grid: fees, or energy ordered and not used"


def _money(amount_micro: int) -> str:
    return f"{amount_micro / MICRO_PER_UNIT:.3f}"


def _regulator(results: Results) -> dict[str, Any]:
    trading = results.trading
    return {
        "bonus_micro": int(trading.bonus_micro.sum()),
        "penalty_micro": int(trading.penalty_micro.sum()),
        "bans": [
            {
                "home_id": results.home_ids[ban.home],
                "decided": ban.decided,
                "first": ban.first,
                "steps": ban.steps,
                "reason": ban.reason,
            }
            for ban in results.bans
        ],
    }


def _ledger(history: LedgerHistory | None) -> dict[str, Any] | None:
    if history is None or history.chain is None:
        return None
    names = ("name", "power", "hashes", "blocks", "stale", "balance_micro")
    blocks = history.chain.blocks[1:]
    return {
        "ledger": history.ledger,
        "difficulty": history.chain.rules.difficulty,
        "transactions": sum(len(block.transactions) for block in blocks),
        "hashes": sum(miner.hashes for miner in history.miners),
        "head": history.chain.blocks[-1].hash,
        "miners": [{name: getattr(miner, name) for name in names} for miner in history.miners],
        "blocks": [
            {
                "index": block.index,
                "timestamp_s": block.timestamp_s,
                "miner": block.miner,
                "transactions": len(block.transactions),
                "hashes": work.hashes,
            }
            for block, work in zip(blocks, history.work, strict=True)
        ],
    }


def _contracts(history: LedgerHistory | None) -> dict[str, Any] | None:
    return None if history is None or history.contracts is None else asdict(history.contracts)


def _credits(results: Results) -> dict[str, Any]:
    done = [entry for entry in results.transfers if not entry.refused]
    return {
        "transfers": len(done),
        "refused": len(results.transfers) - len(done),
        "moved_wh": sum(entry.amount_wh for entry in done),
        "balances_wh": dict(results.credits_wh),
    }
