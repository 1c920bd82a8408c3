"""Columns of whole numbers and labels as CSV, written by numpy: the bytes that `csv.writer` would give, much faster.

Every cell becomes a row of a byte matrix, cells of one column padded to one width; the matrices of all columns stand
side by side, and the padding is dropped when they are laid end to end. Padding is 0xFF, which UTF-8 never has.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from microgrid.sim.tables import Column, Table

ByteMatrix = npt.NDArray[np.uint8]
PAD = 0xFF
ZERO, POINT, MINUS, COMMA, NEWLINE = b"0.-,\n"
CHUNK_ROWS = 32_768
LARGEST_32_BIT = 1 << 32
LARGEST_SPAN = 131_072
"""A column whose values span no more is written through a table of all of them."""


class _Cells(NamedTuple):
    """Texts of a column: row `values[i] - first` of `texts`, or what `_digits` makes of `values[i]` without `texts`."""

    values: npt.NDArray[np.int64]
    first: int
    texts: ByteMatrix | None
    decimals: int


def csv_bytes(table: Table) -> Iterator[bytes]:
    """The CSV file of a table, header first, in portions of `CHUNK_ROWS` rows.

    Numbers have all their decimals (-5 with three is -0.005), labels are quoted where `csv.writer` quotes them, lines
    end in a newline.
    """
    yield _line([column.name for column in table.columns])
    single = len(table.columns) == 1
    cells = [_cells(column, single=single) for column in table.columns]
    for start in range(0, table.rows, CHUNK_ROWS):
        yield _rows(cells, start, min(start + CHUNK_ROWS, table.rows))


def write_table(path: Path, table: Table) -> None:
    """Write a table as a CSV file in UTF-8."""
    with path.open("wb") as file:
        file.writelines(csv_bytes(table))


def _rows(cells: Sequence[_Cells], start: int, end: int) -> bytes:
    parts = [_texts(column, column.values[start:end]) for column in cells]
    lines = np.empty((end - start, sum(part.shape[1] + 1 for part in parts)), dtype=np.uint8)
    place = 0
    for part in parts:
        lines[:, place : place + part.shape[1]] = part
        place += part.shape[1] + 1
        lines[:, place - 1] = COMMA
    lines[:, -1] = NEWLINE
    return lines.tobytes().translate(None, bytes([PAD]))


def _texts(cells: _Cells, index: npt.NDArray[np.int64]) -> ByteMatrix:
    if cells.texts is None:
        return _digits(index, cells.decimals)
    return cells.texts.take(index - cells.first, axis=0)


def _cells(column: Column, *, single: bool) -> _Cells:
    values = np.ascontiguousarray(column.values, dtype=np.int64)
    if len(column.labels):
        return _Cells(values, 0, _label_matrix(column.labels, single=single), 0)
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low >= min(LARGEST_SPAN, len(values)):
        return _Cells(values, 0, None, column.decimals)
    return _Cells(values, low, _digits(low + np.arange(high - low + 1), column.decimals), column.decimals)


def _digits(values: npt.NDArray[np.int64], decimals: int) -> ByteMatrix:
    """Each number in decimal, right-aligned, shape (rows, width)."""
    magnitude = _magnitude(values)
    figures = max(len(str(magnitude.max(initial=0))), decimals + 1)
    width = 1 + figures + (decimals > 0)
    lines = np.full((width, len(values)), PAD, dtype=np.uint8)
    sign = np.full(len(values), width - 1)  # where a minus would stand: before the first figure
    place = width - 1
    for figure in range(figures):
        if figure == decimals > 0:
            lines[place] = POINT
            place -= 1
        shown = np.True_ if figure <= decimals else magnitude > 0
        rest = magnitude // magnitude.dtype.type(10)
        digit = (magnitude - rest * magnitude.dtype.type(10)).astype(np.uint8) + np.uint8(ZERO)
        lines[place] = np.where(shown, digit, PAD)
        sign = np.where(shown, place - 1, sign)
        magnitude, place = rest, place - 1
    negative = np.flatnonzero(values < 0)
    lines[sign[negative], negative] = MINUS
    return np.ascontiguousarray(lines.T)


def _magnitude(values: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Numbers without sign; the smallest of 64 bits has one in unsigned numbers only, where 0 - x wraps around.

    Half the width, where it will do, is twice as fast to divide.
    """
    unsigned = values.astype(np.uint64)
    magnitude = np.where(values < 0, np.uint64(0) - unsigned, unsigned)
    return magnitude.astype(np.uint32) if magnitude.max(initial=0) < LARGEST_32_BIT else magnitude


def _label_matrix(labels: Sequence[str], *, single: bool) -> ByteMatrix:
    """Labels as a CSV cell each, shape (labels, longest)."""
    cells = [_label(label, single=single) for label in labels]
    width = max(map(len, cells))
    padded = b"".join(cell.ljust(width, bytes([PAD])) for cell in cells)
    return np.frombuffer(padded, dtype=np.uint8).reshape(len(cells), width)


def _label(label: str, *, single: bool) -> bytes:
    """A label in quotes where needed; an empty one in the only column needs them, or its line would be blank."""
    return _line([label])[:-1] if single else _line([label, "-"])[: -len(",-\n")]


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
