"""Read a simulated run's folder back."""

import csv
import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np

from microgrid.domain.errors import DataFileError, RunFolderError
from microgrid.report.formats import SIMULATION_FORMAT
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.tables import KWH_DECIMALS, MONEY_DECIMALS, Column, Table

LABELS = frozenset(
    [
        "interval_start",
        "home_id",
        "home_type",
        "side",
        "banned",
        "buyer",
        "seller",
        "kind",
        "action",
        "target",
        "reason",
        "sender",
        "receiver",
        "refused",
    ]
)
COUNTS = frozenset({"orders", "trades", "banned", "banned_steps"})
TABLES = ("prosumer_energy", "prosumer_trading", "all_trades", "regulator_actions", "community_summary", "bills")
OPTIONAL = ("credit_transfers",)


def read_simulation(folder: Path, tables: Iterable[str] = (*TABLES, *OPTIONAL)) -> SimulationView:
    """Read a run.

    Args:
        folder: The run folder.
        tables: Those wanted; those that a run may lack are left out where they do.

    Raises:
        RunFolderError: the folder holds no simulated run, or a part is missing or damaged.
        DataFileError: a table holds a value that is no number.
    """
    summary = read_summary(folder)
    present = [name for name in tables if name not in OPTIONAL or (folder / f"{name}.csv").exists()]
    return SimulationView(summary, {name: _read_table(folder, name) for name in present})


def read_summary(folder: Path) -> dict[str, Any]:
    """`summary.json` of a simulated run.

    Raises:
        RunFolderError: there is none.
    """
    content = read_json(folder)
    if content.get("format") != SIMULATION_FORMAT:
        raise RunFolderError(str(folder), f"summary.json is not of format {SIMULATION_FORMAT!r}")
    return content


def read_json(folder: Path) -> dict[str, Any]:
    """`summary.json` of a run of any format.

    Raises:
        RunFolderError: there is none, or it is no JSON object.
    """
    try:
        content = json.loads((folder / "summary.json").read_text("utf-8"))
    except OSError as error:
        raise RunFolderError(str(folder), "holds no summary.json; name a folder that a run has written") from error
    except ValueError as error:
        raise RunFolderError(str(folder), f"summary.json is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise RunFolderError(str(folder), "summary.json holds no object")
    return content


def _read_table(folder: Path, name: str) -> Table:
    import pandas as pd  # noqa: PLC0415 - only who reads folders waits for it

    path = folder / f"{name}.csv"
    try:
        header = pd.read_csv(path, nrows=0).columns
        kinds = {column: "category" if _is_label(name, column) else "float64" for column in header}
        frame = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[])
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise RunFolderError(str(folder), f"{path.name} cannot be read: {error}") from error
    except ValueError as error:
        raise _first_bad_number(path, name) from error
    return Table(tuple(_column(name, column, frame[column]) for column in header))


def _is_label(table: str, column: str) -> bool:
    return column in LABELS and (table, column) != ("community_summary", "banned")


def _column(table: str, name: str, series: Any) -> Column:
    if not _is_label(table, name):
        decimals = (
            0 if name in COUNTS else KWH_DECIMALS if name.endswith("_kwh") and "per_kwh" not in name else MONEY_DECIMALS
        )
        return Column(name, np.rint(series.to_numpy() * 10**decimals).astype(np.int64), decimals)
    codes, labels = series.cat.codes.to_numpy().astype(np.int64), series.cat.categories.astype(str)
    seen, first = np.unique(codes, return_index=True)
    order = seen[np.argsort(first)]
    place = np.zeros(len(labels) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return Column(name, place[codes], labels=tuple(labels[order]) or ("",))


def _first_bad_number(path: Path, table: str) -> DataFileError:
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            for column, cell in row.items():
                if not _is_label(table, column) and not _is_number(cell):
                    return DataFileError(str(path), f"{cell!r} is no number", line=line, column=column)
    return DataFileError(str(path), "holds a value that is no number")


def _is_number(cell: object) -> bool:
    try:
        return Decimal(str(cell)).is_finite()
    except InvalidOperation:
        return False
