"""Users' price files: `interval_start,retail_per_kwh[,feed_in_per_kwh]`.

A column named `retail_…_per_kwh` and one named `feed_in_…_per_kwh` are taken, too; of several retail columns one has to
be chosen. Prices are in currency units per kWh; they are
kept as whole micro.
"""

import re
from decimal import Decimal
from pathlib import Path

import numpy as np

from microgrid.data.clock import Clock
from microgrid.data.steps import Samples, first_samples, infer_step
from microgrid.data.table import Row, Table, amount, read_table
from microgrid.domain.errors import DataFileError
from microgrid.domain.units import micro, units
from microgrid.tariffs.table import PriceTable

TIME = "interval_start"
RETAIL = re.compile(r"retail(_\w+)?_per_kwh")
FEED_IN = re.compile(r"feed_in(_\w+)?_per_kwh")


def read_prices(
    path: str | Path,
    *,
    timezone: str = "UTC",
    feed_in_per_kwh: Decimal | float | str = "0.05",
    retail_column: str | None = None,
) -> PriceTable:
    """Read grid prices; gaps are kept, the tariff refuses an interval that falls into one.

    Args:
        path: CSV or gzip-compressed CSV.
        timezone: Clock of labels without a zone; UTC keeps them as they stand.
        feed_in_per_kwh: Feed-in price where the file has none, currency per kWh.
        retail_column: Name of the retail column; the only one by default.

    Raises:
        DataFileError: anything wrong with the file, with line and column.
    """
    table = read_table(Path(path))
    table.require(TIME)
    retail_column, feed_in_column = _retail_column(table, retail_column), _column(table, FEED_IN)
    clock = Clock(table.path, timezone)
    rows = [(row, *clock.instants(row.cells[TIME], row.line, TIME)) for row in table.rows()]
    if not rows:
        raise DataFileError(table.path, "has a header and no data", line=1)
    prices = [_band(table, row, retail_column, feed_in_column, micro(feed_in_per_kwh)) for row, *_ in rows]
    starts = _starts(rows)
    samples = Samples(
        np.array([row.line for row, *_ in rows]),
        np.array(starts),
        np.zeros(len(rows), dtype=np.int64),
        np.array(prices, dtype=np.float64),
        ("the price list",),
    )
    seconds = infer_step(table.path, samples)
    first_samples(table.path, samples, lenient=False)
    return PriceTable(seconds, dict(zip(starts, prices, strict=True)), _currency(retail_column))


def _currency(column: str) -> str:
    """`USD` of `retail_usd_per_kwh`; empty where the name holds no three-letter code."""
    code = re.fullmatch(r"retail_([a-z]{3})_per_kwh", column)
    return code[1].upper() if code else ""


def _starts(rows: list[tuple[Row, int, int]]) -> list[int]:
    """Of an hour that comes twice the first row is the earlier one."""
    seen: set[int] = set()
    starts = []
    for _, earlier, later in rows:
        start = later if earlier in seen else earlier
        seen.add(start)
        starts.append(start)
    return starts


def _retail_column(table: Table, chosen: str | None) -> str:
    found = [column for column in table.columns if RETAIL.fullmatch(column)]
    if not found:
        reason = f"no column named retail_per_kwh or retail_…_per_kwh; the header has {', '.join(table.columns)}"
    elif chosen is not None and chosen not in found:
        reason = f"no retail column {chosen!r}; it has {', '.join(found)}"
    elif chosen is None and len(found) > 1:
        reason = f"several retail columns, {', '.join(found)}; choose one with --retail-column"
    else:
        return chosen or found[0]
    raise DataFileError(table.path, reason, line=1)


def _column(table: Table, pattern: re.Pattern[str]) -> str | None:
    return next((column for column in table.columns if pattern.fullmatch(column)), None)


def _band(
    table: Table, row: Row, retail_column: str, feed_in_column: str | None, feed_in_default: int
) -> tuple[int, int]:
    retail = _micro(table, row, retail_column)
    feed_in = feed_in_default if feed_in_column is None else _micro(table, row, feed_in_column)
    if feed_in > retail:
        whose = "the one set, as the file has none" if feed_in_column is None else "per kWh"
        reason = f"retail {units(retail)} lies below feed-in {units(feed_in)} ({whose})"
        raise DataFileError(table.path, reason, line=row.line, column=retail_column)
    return feed_in, retail


def _micro(table: Table, row: Row, column: str) -> int:
    """The decimal as written, so that 0.1 is 100000 and not the nearest binary number."""
    amount(table, row, column)
    return micro(row.cells[column].strip())
