"""The tables of a run folder against the ones that a recomputed market gives."""

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from microgrid.domain.errors import AuditError, RunFolderError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import Settlement
from microgrid.domain.run import HomeInfo, IntervalOutcome, ReadingCounts, Reproduce, RunResult
from microgrid.report.summary import summary
from microgrid.report.tables import COLUMNS, Row, all_tables
from microgrid.settlement.audit import AuditedInterval, Recomputed
from microgrid.settlement.statement import MeteredEnergy, amount_without_market_micro

# What neither events nor readings tell: what is behind the meters, forecasts, refusals, tokens.
UNTOLD: Mapping[str, frozenset[str]] = {
    "prosumer_energy": frozenset({"load_kwh", "pv_kwh", "forecast_net_kwh"}),
    "community_summary": frozenset({"load_kwh", "pv_kwh", "orders_refused", "readings_accepted", "readings_refused"}),
    "bills": frozenset({"reward"}),
    "totals": frozenset({"orders_refused", "gas"}),
}
FOLDER = "the folder"
TABLES = ("bills", "prosumer_trading", "all_trades", "community_summary", "prosumer_energy")


def check_folder(folder: Path, recomputed: Recomputed, interval_seconds: int) -> int:
    """Compare a run folder's tables and totals; returns how many cells were compared.

    Raises:
        RunFolderError: a part of the folder is missing or damaged.
        AuditError: names the first cell that differs.
    """
    try:
        content = json.loads((folder / "summary.json").read_text("utf-8"))
        result = _result(content, recomputed, interval_seconds)
    except OSError as error:
        raise RunFolderError(str(folder), f"holds no summary.json that can be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunFolderError(str(folder), "holds a damaged summary.json") from error
    tables = all_tables(result)
    cells = sum(_check_table(folder, name, tables[name]) for name in TABLES)
    again = json.loads(json.dumps(summary(result)))
    cells += _check_cells("totals", "totals in summary.json", content["totals"], again["totals"])
    for found, right in zip(content["homes"], again["homes"], strict=True):
        cells += _check_cells("homes", f"home {right['home_id']} in summary.json", found, right)
    return cells


def _result(content: Mapping[str, Any], recomputed: Recomputed, interval_seconds: int) -> RunResult:
    names = ("home_id", "account", "member_id", "device", "has_pv")
    homes = tuple(HomeInfo(*(home[name] for name in names)) for home in content["homes"])
    for home in homes:
        known = dict(enumerate(recomputed.accounts, 1)).get(home.member_id, "nobody")
        if known != home.account:
            raise AuditError(
                of=f"home {home.home_id} in summary.json",
                what="account",
                recorded=home.account,
                recomputed=known,
                where=FOLDER,
            )
    return RunResult(
        homes=homes,
        intervals=tuple(
            _outcome(audited, audited.settlement, interval_seconds)
            for audited in recomputed.intervals
            if audited.settlement is not None
        ),
        invariants=(),
        readings=ReadingCounts(0, 0, 0),
        reproduce=Reproduce("", "", None),
        fee_micro_per_kwh=content["fee_micro_per_kwh"],
    )


def _outcome(audited: AuditedInterval, settlement: Settlement, interval_seconds: int) -> IntervalOutcome:
    return IntervalOutcome(
        interval=Interval(audited.index, interval_seconds),
        band=audited.band,
        auction=audited.auction,
        settlement=settlement,
        orders=audited.orders,
        deals=audited.deals,
        direct_trades=audited.direct_trades,
        bill_without_market_micro={
            s.account: -amount_without_market_micro(MeteredEnergy(s.import_wh, s.export_wh), audited.band)
            for s in settlement.statements
        },
    )


def _check_table(folder: Path, name: str, rows: Sequence[Row]) -> int:
    try:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS[name]:
                raise RunFolderError(str(folder), f"holds a {name}.csv with other columns")
            found = list(reader)
    except OSError as error:
        raise RunFolderError(str(folder), f"holds no {name}.csv that can be read: {error.strerror}") from error
    if len(found) != len(rows):
        raise AuditError(
            what="number of rows", of=f"{name}.csv", recorded=len(found), recomputed=len(rows), where=FOLDER
        )
    return sum(_check_cells(name, _row_label(name, right), row, right) for row, right in zip(found, rows, strict=True))


def _row_label(name: str, row: Row) -> str:
    keys = ("interval_start", "home_id", "buyer", "seller")
    where = " ".join(row[key] for key in keys if key in row)
    return f"{where} in {name}.csv"


def _check_cells(name: str, label: str, found: Mapping[str, Any], right: Mapping[str, Any]) -> int:
    told = [column for column in right if column not in UNTOLD.get(name, ())]
    for column in told:
        if found.get(column) != right[column]:
            raise AuditError(column, _number(found.get(column)), _number(right[column]), FOLDER, of=label)
    return len(told)


def _number(cell: object) -> object:
    """A decimal where the text is one, so that the difference can be told."""
    try:
        return Decimal(cell) if isinstance(cell, str) else cell
    except InvalidOperation:
        return cell
