"""Read a run folder back as the plain view that report and plots draw from."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from microgrid.domain.errors import DataFileError, RunFolderError
from microgrid.report.formats import FORMAT
from microgrid.report.tables import COLUMNS, Row


@dataclass(frozen=True)
class ReportView:
    """A run folder's content: `summary` as in `summary.json`, the tables as rows of decimal strings."""

    summary: dict[str, Any]
    community: list[Row]
    bills: list[Row]

    @property
    def currency(self) -> str:
        """Code to print behind amounts."""
        return str(self.summary["currency"])


def read_view(folder: Path) -> ReportView:
    """Read the parts of a run folder that the report shows.

    Raises:
        RunFolderError: the folder holds no run of a known format.
        DataFileError: a table lacks columns or holds a value that is no number.
    """
    try:
        content = json.loads((folder / "summary.json").read_text("utf-8"))
    except OSError as error:
        raise RunFolderError(str(folder), "holds no summary.json; name a folder that a run has written") from error
    except ValueError as error:
        raise RunFolderError(str(folder), f"summary.json is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunFolderError(str(folder), f"summary.json is not of format {FORMAT!r}")
    return ReportView(content, _read_csv(folder, "community_summary"), _read_csv(folder, "bills"))


def _read_csv(folder: Path, name: str) -> list[Row]:
    path = folder / f"{name}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS[name]) - set(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeError) as error:
        raise RunFolderError(str(folder), f"{path.name} cannot be read: {error}") from error
    if missing:
        raise DataFileError(str(path), f"columns are missing: {', '.join(sorted(missing))}", line=1)
    for line, row in enumerate(rows, start=2):
        _check_numbers(path, line, row)
    return rows


def _check_numbers(path: Path, line: int, row: Row) -> None:
    for column, cell in row.items():
        if column in {"interval_start", "home_id"} or cell == "":
            continue
        try:
            Decimal(cell)
        except (InvalidOperation, TypeError) as error:
            raise DataFileError(str(path), f"{cell!r} is no number", line=line, column=column) from error


def numbers(rows: Sequence[Row], column: str) -> list[float]:
    """A column as floats for drawing; empty cells are not a number."""
    return [float(row[column]) if row[column] else float("nan") for row in rows]
