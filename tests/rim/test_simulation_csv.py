"""Columns as CSV: the bytes that `csv.writer` gives for the same cells."""

import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.report import columns
from microgrid.report.columns import csv_bytes
from microgrid.sim.tables import Column, Table

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-2_000, 2_000), st.sampled_from([-(2**63), 2**63 - 1])
)
LABELS = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=5, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(0, 12))
    made = []
    for place in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            labels = tuple(draw(LABELS))
            values = draw(st.lists(st.integers(0, len(labels) - 1), min_size=rows, max_size=rows))
            made.append(Column(f"label {place}", np.array(values, dtype=np.int64), labels=labels))
        else:
            numbers = draw(st.lists(INTEGERS, min_size=rows, max_size=rows))
            decimals = draw(st.sampled_from([0, 3, 6]))
            made.append(Column(f"number, {place}", np.array(numbers, dtype=np.int64), decimals))
    return Table(tuple(made))


def plain(table: Table) -> bytes:
    """By `csv.writer` and Python's integers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(zip(*(list(map(_cell(column), column.values.tolist())) for column in table.columns), strict=True))
    return text.getvalue().encode()


def _cell(column: Column):  # type: ignore[no-untyped-def]  # noqa: ANN202 - int to str
    def cell(value: int) -> str:
        if column.labels:
            return column.labels[value]
        sign, digits = "-" if value < 0 else "", str(abs(value)).rjust(column.decimals + 1, "0")
        whole, fraction = digits[: len(digits) - column.decimals], digits[len(digits) - column.decimals :]
        return f"{sign}{whole}.{fraction}" if column.decimals else f"{sign}{whole}"

    return cell


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_table_is_what_csv_writer_gives(table: Table) -> None:
    assert b"".join(csv_bytes(table)) == plain(table)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (0, 3, "0.000"),
        (-5, 3, "-0.005"),
        (-1_000, 3, "-1.000"),
        (12_345_678, 6, "12.345678"),
        (-(2**63), 6, "-9223372036854.775808"),
        (2**63 - 1, 0, "9223372036854775807"),
    ],
)
def test_a_number_has_all_its_decimals(value: int, decimals: int, text: str) -> None:
    table = Table((Column("n", np.array([value], dtype=np.int64), decimals),))
    assert b"".join(csv_bytes(table)).decode() == f"n\n{text}\n"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("", '""'),
        ("a,b", '"a,b"'),
        ('say "so"', '"say ""so"""'),
        ("two\nlines", '"two\nlines"'),
        ("Küche €", "Küche €"),
    ],
)
def test_labels_are_quoted_where_needed(label: str, text: str) -> None:
    table = Table((Column("l", np.array([0]), labels=(label,)),))
    assert b"".join(csv_bytes(table)).decode() == f"l\n{text}\n"


def test_portions_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "CHUNK_ROWS", 7)
    table = Table((Column("n", np.arange(-30, 30), 3), Column("wide", np.arange(60) * 10**12, 6)))
    assert b"".join(csv_bytes(table)) == plain(table)
