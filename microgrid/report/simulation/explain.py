"""Why a home of a simulated run paid what it paid."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import numpy as np

from microgrid.domain.errors import ValueRefusedError
from microgrid.domain.units import MICRO_PER_UNIT, decimal_kwh, decimal_units
from microgrid.report.simulation.bill import Part, bill_parts
from microgrid.report.simulation.reasons import price, priced_trade, why
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.tables import BATTERY_NAME

TABLES = ("prosumer_energy", "prosumer_trading", "all_trades", "regulator_actions", "community_summary", "bills")
ENERGY = ("load", "flexible", "pv", "charge", "discharge", "soc", "own_use", "import", "export")
SUGGESTIONS = 5


def explain_bill(view: SimulationView, home_id: str) -> dict[str, Any]:
    """The whole bill of a home: its parts, which add up to it, and what the alternatives would have cost.

    Raises:
        ValueRefusedError: no such home; it names similar ones.
    """
    home = find_home(view.home_ids, home_id)
    entry = view.summary["homes"][home]
    bans = [ban for ban in (view.summary["regulator"] or {"bans": []})["bans"] if ban["home_id"] == home_id]
    return {
        "home_id": home_id,
        "home_type": entry.get("home_type", ""),
        "currency": view.currency,
        "parts": [_part(part) for part in bill_parts(view, home)],
        "bill": decimal_units(entry["bill_micro"]),
        "bill_without_market": decimal_units(entry["bill_without_market_micro"]),
        "bill_baseline": decimal_units(entry["bill_baseline_micro"]),
        "saving": decimal_units(entry["saving_micro"]),
        "partners": _partners(view, home),
        "bans": bans,
    }


def explain_step(view: SimulationView, home_id: str, when: str) -> dict[str, Any]:
    """One interval of a home: energy, order, each trade with the reason of its price, the grid, the regulator.

    Args:
        view: The run.
        home_id: The home.
        when: Number of the interval from 0, or an ISO time within it, UTC where it has no zone.

    Raises:
        ValueRefusedError: no such home, or a time outside the run.
    """
    home, step = find_home(view.home_ids, home_id), find_step(view.edges, when)
    trading = {name: int(view.whole("prosumer_trading", name)[step, home]) for name in MONEY}
    return {
        "home_id": home_id,
        "step": step,
        "interval_start": view.edges[step].isoformat(),
        "currency": view.currency,
        "energy": {f"{name}_kwh": decimal_kwh(_wh(view, name, step, home)) for name in ENERGY},
        "order": _order(view, step, home),
        "banned": _label(view, "banned", step, home) == "yes",
        "grid": {name: decimal_units(_band(view, name, step)) for name in ("retail_per_kwh", "feed_in_per_kwh")},
        "trades": list(_trades(view, step, home)),
        "parts": [_part(part) for part in bill_parts(view, home, slice(step, step + 1))],
        **{name: decimal_units(amount) for name, amount in trading.items()},
        "bans_decided": _bans_decided(view, step, home_id),
    }


MONEY = ("bill", "bill_without_market", "bill_baseline", "saving", "bonus", "penalty", "balance")


def find_home(home_ids: Sequence[str], home_id: str) -> int:
    """Index of a home.

    Raises:
        ValueRefusedError: there is none of that name; it names the nearest.
    """
    if home_id in home_ids:
        return home_ids.index(home_id)
    close = get_close_matches(home_id, home_ids, n=SUGGESTIONS, cutoff=0.4) or list(home_ids[:SUGGESTIONS])
    right = f"one of the run's {len(home_ids)} homes, such as {', '.join(close)}"
    raise ValueRefusedError(what="--home", found=repr(home_id), right=right)


def find_step(edges: Sequence[datetime], when: str) -> int:
    """Number of the interval.

    Args:
        edges: Starts of all intervals and the end of the last.
        when: Its number from 0, or an ISO time within it.

    Raises:
        ValueRefusedError: neither, or outside the run; it names the range.
    """
    last = len(edges) - 2
    right = f"0 to {last}, or a time from {edges[0].isoformat()} until before {edges[-1].isoformat()}"
    refused = ValueRefusedError(what="--step", found=repr(when), right=right)
    try:
        number = int(when)
    except ValueError:
        number = _interval_of(edges, when)
    if not 0 <= number <= last:
        raise refused
    return number


def _interval_of(edges: Sequence[datetime], when: str) -> int:
    try:
        time = datetime.fromisoformat(when)
    except ValueError:
        return -1
    return bisect_right(edges, time if time.tzinfo else time.replace(tzinfo=UTC)) - 1


def _wh(view: SimulationView, name: str, step: int, home: int) -> int:
    return int(view.whole("prosumer_energy", f"{name}_kwh")[step, home])


def _band(view: SimulationView, name: str, step: int) -> int:
    return int(view.column("community_summary", name).values[step])


def _label(view: SimulationView, name: str, step: int, home: int) -> str:
    column = view.column("prosumer_trading", name)
    label: str = column.labels[column.values[step * view.homes + home]]
    return label


def _part(part: Part) -> dict[str, Any]:
    energy = {} if part.energy_wh is None else {"energy_kwh": decimal_kwh(part.energy_wh)}
    return {"part": part.name, "amount": decimal_units(part.amount_micro), **energy}


def _order(view: SimulationView, step: int, home: int) -> dict[str, str] | None:
    side = _label(view, "side", step, home)
    if not side:
        return None
    energy, limit = (
        int(view.whole("prosumer_trading", name)[step, home]) for name in ("order_kwh", "limit_price_per_kwh")
    )
    return {"side": side, "energy_kwh": decimal_kwh(energy), "limit_price_per_kwh": decimal_units(limit)}


def _trades(view: SimulationView, step: int, home: int) -> Iterator[dict[str, str]]:
    """Trades of a home in an interval, purchases first."""
    names = (*view.home_ids, BATTERY_NAME)
    mine = view.trade_steps == step
    for side, own, other, column in (
        ("bought from", view.buyers, view.sellers, "price_per_kwh"),
        ("sold to", view.sellers, view.buyers, "seller_price_per_kwh"),
    ):
        for trade in np.flatnonzero(mine & (own == home)).tolist():
            yield {
                "side": side,
                "partner": names[other[trade]],
                "market": view.tiers[view.trade_tiers[trade]],
                "energy_kwh": decimal_kwh(int(view.column("all_trades", "energy_kwh").values[trade])),
                "price_per_kwh": decimal_units(int(view.column("all_trades", column).values[trade])),
                "why": why(priced_trade(view, trade)) + _fee(view, trade, side),
            }


def _fee(view: SimulationView, trade: int, side: str) -> str:
    fee = float(view.settings["market"]["trading_fee"])
    central = view.homes in {int(view.buyers[trade]), int(view.sellers[trade])}
    if not fee or central or side != "bought from":
        return ""
    return f"; the fee on all trades adds {price(fee * MICRO_PER_UNIT)}"


def _bans_decided(view: SimulationView, step: int, home_id: str) -> list[dict[str, Any]]:
    regulator = view.summary["regulator"]
    bans = regulator["bans"] if regulator else []
    return [ban for ban in bans if ban["home_id"] == home_id and ban["decided"] == step]


def _partners(view: SimulationView, home: int) -> list[dict[str, str]]:
    """With whom the home traded how much, most first."""
    names, energy = (*view.home_ids, BATTERY_NAME), view.column("all_trades", "energy_kwh").values
    rows: list[dict[str, str]] = []
    for side, own, other, column in (
        ("bought from", view.buyers, view.sellers, "price_per_kwh"),
        ("sold to", view.sellers, view.buyers, "seller_price_per_kwh"),
    ):
        mine = own == home
        count = view.homes + 1
        volume = np.bincount(other[mine], weights=energy[mine], minlength=count)
        value = np.bincount(
            other[mine], weights=energy[mine] * view.column("all_trades", column).values[mine], minlength=count
        )
        rows.extend(
            {
                "side": side,
                "partner": names[partner],
                "energy_kwh": decimal_kwh(int(volume[partner])),
                "mean_price_per_kwh": decimal_units(int(value[partner] // volume[partner])),
            }
            for partner in np.argsort(-volume, kind="stable")[: int((volume > 0).sum())].tolist()
        )
    return rows
