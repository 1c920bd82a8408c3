"""Users' smart-meter files: energy of homes over time.

Columns `interval_start,home_id` and one pair of `load_kwh,pv_kwh`, `import_kwh,export_kwh` (the two registers of a net
meter) or `load_kw,pv_kw` (mean power in the interval). `interval_start` is the beginning of the interval; its step is
inferred.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from microgrid.assets.profile import Profiles
from microgrid.data.clock import Clock, utc_label
from microgrid.data.filling import FILLS, filler
from microgrid.data.steps import Samples, first_samples, infer_step
from microgrid.data.table import Row, Table, amount, read_table
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import DataFileError
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR, Interval

TIME: Final = "interval_start"
HOME: Final = "home_id"
GROSS_KWH: Final = ("load_kwh", "pv_kwh")
NET_KWH: Final = ("import_kwh", "export_kwh")
GROSS_KW: Final = ("load_kw", "pv_kw")
FORMULA_STARTS: Final = ("=", "+", "-", "@")
PAIRS: Final = (GROSS_KWH, NET_KWH, GROSS_KW)


@dataclass(frozen=True, slots=True)
class Window:
    """The intervals wanted: `count` steps from `first_s`, Unix seconds."""

    first_s: int
    step_s: int
    count: int

    @property
    def end_s(self) -> int:
        """First second after the window."""
        return self.first_s + self.count * self.step_s


def read_profiles(
    path: str | Path,
    *,
    start: datetime | None = None,
    hours: float | None = None,
    timezone: str = "UTC",
    fill: str | None = None,
    homes: Sequence[str] | None = None,
) -> Profiles:
    """Read a community's profiles.

    Args:
        path: CSV or gzip-compressed CSV.
        start: First interval; without a zone it is on the clock of `timezone`. None: where the file begins.
        hours: Length; None: to the end of the file.
        timezone: Clock of labels without a zone; UTC keeps them as they stand.
        fill: `zero`, `previous` or `interpolate` replaces what is missing, doubled, negative or no number; None
            refuses it.
        homes: Names to read, in that order; None: all, in the order of the file.

    Returns:
        Profiles in UTC; `filled` counts the homes' intervals that were repaired.

    Raises:
        DataFileError: anything wrong with the file, with line and column.
        UnknownNameError: no such way to fill.
    """
    file = _read(Path(path), timezone, fill, homes)
    return _cut(file, _window(file, file.clock.seconds(start) if start else None, hours))


def read_days_before(
    path: str | Path,
    end: datetime,
    most_days: int,
    *,
    timezone: str = "UTC",
    fill: str | None = None,
    homes: Sequence[str] | None = None,
) -> Profiles | None:
    """Read the days just before a time, as many whole ones as the file has without a gap.

    Args:
        path: As for `read_profiles`.
        end: When the interval after the last one begins.
        most_days: Days to read at most.
        timezone: As for `read_profiles`.
        fill: As for `read_profiles`.
        homes: As for `read_profiles`.

    Returns:
        Profiles of those days, or None where the file has not even one.

    Raises:
        DataFileError: a row that cannot be read.
        UnknownNameError: no such way to fill.
    """
    file = _read(Path(path), timezone, fill, homes)
    end_s = file.clock.seconds(end)
    for days in range(most_days, 0, -1):
        with suppress(DataFileError):
            window = _window(file, end_s - days * HOURS_PER_DAY * SECONDS_PER_HOUR, days * HOURS_PER_DAY)
            return _cut(file, window)
    return None


@dataclass(frozen=True, slots=True)
class _File:
    """What a file says of the homes wanted; `doubled` of its rows came twice and count once."""

    path: str
    clock: Clock
    pair: tuple[str, str]
    names: tuple[str, ...]
    samples: Samples
    step_s: int
    doubled: int
    fill_series: Callable[[FloatArray], FloatArray] | None


def _read(path: Path, timezone: str, fill: str | None, homes: Sequence[str] | None) -> _File:
    fill_series = filler(fill) if fill is not None else None
    table = read_table(path)
    clock, pair = Clock(table.path, timezone), _value_columns(table)
    names, samples = _chosen(table, _samples(table, clock, pair, lenient=fill is not None), homes)
    step_s = infer_step(table.path, samples)
    samples, doubled = first_samples(table.path, samples, lenient=fill is not None)
    return _File(table.path, clock, pair, names, samples, step_s, doubled, fill_series)


def _cut(file: _File, window: Window) -> Profiles:
    grid, filled = _grid(file.path, file.samples, window, file.names), file.doubled
    if file.fill_series is None:
        _refuse_gaps(file.path, file.samples, window, file.names, grid)
    else:
        _refuse_silent_homes(file.path, window, file.names, grid)
        filled += int(np.isnan(grid).any(axis=0).sum())
        grid = np.apply_along_axis(file.fill_series, 1, grid)
    return _profiles(file.names, Interval(window.first_s // file.step_s, file.step_s), file.pair, grid, filled)


def _value_columns(table: Table) -> tuple[str, str]:
    table.require(TIME, HOME)
    for pair in PAIRS:
        if set(pair) <= set(table.columns):
            return pair
    halves = [column for pair in PAIRS for column in pair if set(pair) & set(table.columns)]
    missing = next((column for column in halves if column not in table.columns), GROSS_KWH[0])
    reason = f"the column is missing; expected {' or '.join(','.join(pair) for pair in PAIRS)}"
    raise DataFileError(table.path, reason, line=1, column=missing)


def _samples(table: Table, clock: Clock, pair: tuple[str, str], *, lenient: bool) -> Samples:
    """All rows as arrays; the second row of an hour that comes twice is the later one."""
    homes: dict[str, int] = {}
    seen: set[tuple[int, int]] = set()
    lines, starts, columns, values = [], [], [], []
    for row in table.rows():
        home = homes.setdefault(_home(table, row), len(homes))
        earlier, later = clock.instants(row.cells[TIME], row.line, TIME)
        start = later if earlier != later and (home, earlier) in seen else earlier
        if earlier != later:
            seen.add((home, start))
        lines.append(row.line)
        starts.append(start)
        columns.append(home)
        values.append([_value(table, row, column, lenient=lenient) for column in pair])
    if not lines:
        raise DataFileError(table.path, "has a header and no data", line=1)
    return Samples(np.array(lines), np.array(starts), np.array(columns), np.array(values), tuple(homes))


def _home(table: Table, row: Row) -> str:
    name = row.cells[HOME].strip()
    if not name:
        raise DataFileError(table.path, "names no home", line=row.line, column=HOME)
    if name.startswith(FORMULA_STARTS) or not name.isprintable():
        reason = (
            f"names a home {name!r}; a spreadsheet would run what begins with {' '.join(FORMULA_STARTS)} as a formula "
            "when it opens the run's tables, so begin with a letter or a digit and use characters that can be printed"
        )
        raise DataFileError(table.path, reason, line=row.line, column=HOME)
    return name


def _value(table: Table, row: Row, column: str, *, lenient: bool) -> float:
    try:
        return amount(table, row, column)
    except DataFileError:
        if lenient:
            return math.nan
        raise


def _chosen(table: Table, samples: Samples, homes: Sequence[str] | None) -> tuple[tuple[str, ...], Samples]:
    if homes is None:
        return samples.names, samples
    for home in homes:
        if home not in samples.names:
            reason = f"there is no home {home!r}; the file has {', '.join(samples.names)}"
            raise DataFileError(table.path, reason, column=HOME)
    position = np.array([homes.index(name) if name in homes else -1 for name in samples.names])
    series = position[samples.series]
    return tuple(homes), replace(samples, series=series, names=tuple(homes)).where(series >= 0)


def _window(file: _File, start_s: int | None, hours: float | None) -> Window:
    path, step_s = file.path, file.step_s
    begin, end = int(file.samples.start_s.min()), int(file.samples.start_s.max()) + step_s
    first_s = begin if start_s is None else start_s
    spans = f"the data goes from {utc_label(begin)} to {utc_label(end)} in steps of {step_s} s"
    if first_s % step_s or not begin <= first_s < end:
        raise DataFileError(path, f"holds no interval that starts at {utc_label(first_s)}: {spans}")
    seconds = end - first_s if hours is None else round(hours * SECONDS_PER_HOUR)
    if seconds < step_s or seconds % step_s or first_s + seconds > end:
        wanted = f"{seconds / SECONDS_PER_HOUR:g} hours from {utc_label(first_s)}"
        raise DataFileError(path, f"does not hold {wanted} in whole intervals: {spans}")
    return Window(first_s, step_s, seconds // step_s)


def _grid(path: str, samples: Samples, window: Window, names: tuple[str, ...]) -> FloatArray:
    """Both values by column, time and home, NaN where there is none, shape (2, T, N)."""
    inside = samples.where((samples.start_s >= window.first_s) & (samples.start_s < window.end_s))
    if not len(inside.line):
        raise DataFileError(path, f"has no row between {utc_label(window.first_s)} and {utc_label(window.end_s)}")
    grid = np.full((2, window.count, len(names)), np.nan)
    grid[:, (inside.start_s - window.first_s) // window.step_s, inside.series] = inside.values.T
    return grid


def _refuse_gaps(path: str, samples: Samples, window: Window, names: tuple[str, ...], grid: FloatArray) -> None:
    """The line named is the home's next one after the gap, or its last one."""
    missing = np.argwhere(np.isnan(grid[0]))
    if not len(missing):
        return
    step, home = missing[0]
    start_s = window.first_s + int(step) * window.step_s
    own = samples.where(samples.series == home)
    after = own.line[own.start_s > start_s]
    line = int(after[0]) if after.size else int(own.line[-1])
    reason = (
        f"gap: {names[home]} has no value for {utc_label(start_s)}; choose a start and a length without gaps, "
        f"or fill with --fill {'|'.join(FILLS)}"
    )
    if np.isnan(grid[0, step]).all():
        reason += "; if no home has it because the clock is put forward there, name its time zone"
    raise DataFileError(path, reason, line=line)


def _refuse_silent_homes(path: str, window: Window, names: tuple[str, ...], grid: FloatArray) -> None:
    silent = np.isnan(grid).all(axis=1).any(axis=0)
    if silent.any():
        home = names[int(np.argmax(silent))]
        reason = f"{home} has no value at all between {utc_label(window.first_s)} and {utc_label(window.end_s)}"
        raise DataFileError(path, reason, column=HOME)


def _profiles(
    names: tuple[str, ...], first: Interval, pair: tuple[str, str], grid: FloatArray, filled: int
) -> Profiles:
    one, other = grid
    if pair == NET_KWH:
        return Profiles(names, first, one, other, filled=filled)
    if pair == GROSS_KW:
        one, other = one * first.hours, other * first.hours
    return Profiles.from_load_and_pv(names, first, one, other, filled)
