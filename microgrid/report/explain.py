"""Why a home of a run folder paid what it paid; for emulated runs as far as their tables tell."""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from microgrid.domain.errors import RunFolderError
from microgrid.report.formats import FORMAT, SIMULATION_FORMAT
from microgrid.report.simulation.explain import TABLES, explain_bill, explain_step, find_home, find_step
from microgrid.report.simulation.reading import read_json, read_simulation
from microgrid.report.tables import Row

PARTS = (
    ("energy_bought", "bought in the auction and directly", 1),
    ("fees", "fee on bought energy", 1),
    ("grid_import", "from the grid", 1),
    ("shortage", "sold but not delivered, made up by the grid", 1),
    ("energy_sold", "sold in the auction and directly", -1),
    ("grid_feed_in", "to the grid", -1),
    ("unused_resold", "bought but not used, given to the grid", -1),
    ("rounding", "rounding", 1),
)
REASONS = {
    "auction": "everybody had the one price of the auction, the tick of the grid's band at which most energy trades",
    "direct": "buyer and seller agreed on it between themselves",
}


def explain(folder: Path, home_id: str, when: str | None = None) -> dict[str, Any]:
    """Explain a home's bill, or one interval of it.

    Args:
        folder: Folder of a simulated or emulated run.
        home_id: The home.
        when: Number of the interval from 0, or an ISO time within it; the whole bill where absent.

    Raises:
        RunFolderError: the folder holds no run.
        ValueRefusedError: no such home, or a time outside the run.
    """
    summary = read_json(folder)
    if summary.get("format") == SIMULATION_FORMAT:
        view = read_simulation(folder, TABLES)
        return explain_bill(view, home_id) if when is None else explain_step(view, home_id, when)
    if summary.get("format") != FORMAT:
        raise RunFolderError(str(folder), f"summary.json is of no known format: {summary.get('format')!r}")
    home = summary["homes"][find_home([home["home_id"] for home in summary["homes"]], home_id)]
    return _bill(folder, summary, home_id) if when is None else _step(folder, summary, home["home_id"], when)


def _bill(folder: Path, summary: Mapping[str, Any], home_id: str) -> dict[str, Any]:
    row = next(_rows(folder, "bills", home_id=home_id))
    notes = [f"Worse off: {home['reason']}." for home in summary["worse_off"] if home["home_id"] == home_id]
    return {
        "home_id": home_id,
        "currency": summary["currency"],
        "parts": [
            {"part": label, "amount": str(sign * Decimal(row[name]))}
            for name, label, sign in PARTS
            if Decimal(row[name])
        ],
        **{name: row[name] for name in ("bill", "bill_without_market", "saving")},
        "notes": notes,
    }


def _step(folder: Path, summary: Mapping[str, Any], home_id: str, when: str) -> dict[str, Any]:
    community = list(_rows(folder, "community_summary"))
    starts = [row["interval_start"] for row in community]
    step = find_step([datetime.fromisoformat(stamp) for stamp in (*starts, summary["period"]["end"])], when)
    at = {"interval_start": starts[step]}
    trading, energy = (next(_rows(folder, f"prosumer_{name}", home_id=home_id, **at)) for name in ("trading", "energy"))
    order = {"side": "side", "energy_kwh": "order_kwh", "limit_price_per_kwh": "limit_price_per_kwh"}
    trades = list(_trades(folder, home_id, at))
    return {
        "home_id": home_id,
        "step": step,
        **at,
        "currency": summary["currency"],
        "energy": {name: energy[name] for name in ("load_kwh", "pv_kwh", "import_kwh", "export_kwh")},
        "order": {name: trading[column] for name, column in order.items()} if trading["side"] else None,
        "grid": {name: community[step][name] for name in ("retail_per_kwh", "feed_in_per_kwh")},
        "trades": trades,
        "parts": _step_parts(summary, trading, energy, community[step], trades),
        **{name: trading[name] for name in ("bill", "bill_without_market", "saving")},
    }


def _step_parts(
    summary: Mapping[str, Any], trading: Row, energy: Row, band: Row, trades: list[dict[str, str]]
) -> list[dict[str, str]]:
    """The money rule of one interval, with what rounding leaves."""
    bought, sold, imported, exported = (
        Decimal(row[name])
        for row, name in (
            (trading, "bought_kwh"),
            (trading, "sold_kwh"),
            (energy, "import_kwh"),
            (energy, "export_kwh"),
        )
    )
    retail, feed_in = Decimal(band["retail_per_kwh"]), Decimal(band["feed_in_per_kwh"])
    value = {
        side: sum((_value(t) for t in trades if t["side"] == side), Decimal(0)) for side in ("bought from", "sold to")
    }
    parts = {
        "bought in the auction and directly": value["bought from"],
        "fee on bought energy": bought * Decimal(summary["fee_micro_per_kwh"]).scaleb(-6),
        "from the grid": max(imported - bought, Decimal(0)) * retail,
        "sold but not delivered, made up by the grid": max(sold - exported, Decimal(0)) * retail,
        "sold in the auction and directly": -value["sold to"],
        "to the grid": -max(exported - sold, Decimal(0)) * feed_in,
        "bought but not used, given to the grid": -max(bought - imported, Decimal(0)) * feed_in,
    }
    rounding = Decimal(trading["bill"]) - sum(parts.values())
    return [
        {"part": name, "amount": f"{amount:.9f}"} for name, amount in (parts | {"rounding": rounding}).items() if amount
    ]


def _value(trade: Mapping[str, str]) -> Decimal:
    return Decimal(trade["energy_kwh"]) * Decimal(trade["price_per_kwh"])


def _trades(folder: Path, home_id: str, at: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for own, other, side in (("buyer", "seller", "bought from"), ("seller", "buyer", "sold to")):
        for row in _rows(folder, "all_trades", **{own: home_id}, **at):
            yield {
                "side": side,
                "partner": row[other],
                "market": row["kind"],
                "energy_kwh": row["energy_kwh"],
                "price_per_kwh": row["price_per_kwh"],
                "why": REASONS[row["kind"]],
            }


def _rows(folder: Path, name: str, **wanted: str) -> Iterator[Row]:
    """Rows of a table whose cells are as wanted."""
    try:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if all(row[column] == cell for column, cell in wanted.items()):
                    yield row
    except (OSError, UnicodeError, KeyError) as error:
        raise RunFolderError(str(folder), f"{name}.csv cannot be read: {error}") from error
