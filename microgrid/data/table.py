"""A CSV file (plain or gzip) as rows that remember their line in the file."""

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from microgrid.domain.errors import DataFileError

GZIP_MAGIC = b"\x1f\x8b"
LARGEST_AMOUNT = 1e9
"""Above any kWh, kW or price of a home; sums of such amounts still fit whole Wh and micro."""


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: cells by column name, and the line it ends on."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A parsed file: header and the text of its data rows."""

    path: str
    columns: tuple[str, ...]
    text: str

    def require(self, *columns: str) -> None:
        """Raise unless all columns are there.

        Raises:
            DataFileError: names the missing column and those that are there.
        """
        for column in columns:
            if column not in self.columns:
                reason = f"the column is missing; the header has {', '.join(self.columns)}"
                raise DataFileError(self.path, reason, line=1, column=column)

    def rows(self) -> Iterator[Row]:
        """The data rows; empty lines are passed over.

        Raises:
            DataFileError: a row with more or fewer cells than the header.
        """
        reader = csv.reader(StringIO(self.text))
        next(reader)
        try:
            for cells in reader:
                if cells:
                    yield self._row(reader.line_num, cells)
        except csv.Error as error:
            raise DataFileError(self.path, f"is no CSV: {error}", line=reader.line_num) from error

    def _row(self, line: int, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            reason = f"has {len(cells)} cells where the header has {len(self.columns)}"
            raise DataFileError(self.path, reason, line=line)
        return Row(line, dict(zip(self.columns, cells, strict=True)))


def read_table(path: Path) -> Table:
    """Read a file and its header.

    Raises:
        DataFileError: no such file, unreadable, not text, empty, or without a header of column names.
    """
    text = _read_text(path)
    if not text.strip():
        raise DataFileError(str(path), "is empty; expected a header line and data")
    if "\0" in text:
        raise DataFileError(str(path), "is no text file; expected CSV or gzip-compressed CSV")
    header = next(csv.reader(StringIO(text)))
    columns = tuple(cell.strip() for cell in header)
    if len(columns) < 2:  # noqa: PLR2004 - one column holds no series
        shown = columns[0][:60] if columns else ""
        raise DataFileError(str(path), f"is no comma-separated table: its header is {shown!r}", line=1)
    return Table(str(path), columns, text)


def number(table: Table, row: Row, column: str) -> float:
    """The finite number in a cell.

    Raises:
        DataFileError: empty, no number, NaN or infinite.
    """
    cell = row.cells[column]
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataFileError(table.path, f"{cell!r} is no number", line=row.line, column=column)
    return value


def amount(table: Table, row: Row, column: str) -> float:
    """The number in a cell, which must not be negative.

    Raises:
        DataFileError: no number, below zero or above `LARGEST_AMOUNT`.
    """
    value = number(table, row, column)
    if value < 0:
        raise DataFileError(table.path, f"{value:g} must not be negative", line=row.line, column=column)
    if value > LARGEST_AMOUNT:
        reason = f"{value:g} must be at most {LARGEST_AMOUNT:g}"
        raise DataFileError(table.path, reason, line=row.line, column=column)
    return value


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataFileError(str(path), "there is no such file") from error
    except UnicodeDecodeError as error:
        reason = "is no text file in UTF-8; expected CSV or gzip-compressed CSV"
        raise DataFileError(str(path), reason) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataFileError(str(path), f"is damaged: {error}") from error
    except OSError as error:
        raise DataFileError(str(path), f"cannot be read: {error.strerror}") from error
