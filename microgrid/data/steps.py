"""Rows of a data file as arrays, and what their times tell: step, doubles, mixed steps."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from microgrid.data.clock import utc_label
from microgrid.domain.arrays import BoolArray, FloatArray, IntArray
from microgrid.domain.errors import DataFileError

SUSTAINED = 4
"""Equal distances in a row that make another step; scattered gaps of the same length rarely come to that."""


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Rows of a file.

    Attributes:
        line: Line in the file, shape (R,).
        start_s: Beginning of the interval, Unix seconds, shape (R,).
        series: Which of `names` the row belongs to, shape (R,).
        values: The two values of the row, shape (R, 2); NaN where wrong.
        names: Names of the series (homes).
    """

    line: IntArray
    start_s: IntArray
    series: IntArray
    values: FloatArray
    names: tuple[str, ...]

    def where(self, keep: BoolArray | IntArray) -> Self:
        """Some of the rows."""
        return replace(
            self,
            line=self.line[keep],
            start_s=self.start_s[keep],
            series=self.series[keep],
            values=self.values[keep],
        )

    def in_order(self) -> Self:
        """Rows by series, then time, then line."""
        return self.where(np.lexsort((self.line, self.start_s, self.series)))


def infer_step(path: str, samples: Samples) -> int:
    """Length of the intervals in seconds: the commonest distance of two rows of a series.

    Raises:
        DataFileError: only one interval, rows of another step, or times that do not lie on the grid of the step.
    """
    rows = samples.in_order()
    distance = np.diff(rows.start_s)
    same_series = np.diff(rows.series) == 0
    usable = distance[same_series & (distance > 0)]
    if not usable.size:
        raise DataFileError(path, "holds one interval only, so its length is unknown", line=int(rows.line[0]))
    steps, counts = np.unique(usable, return_counts=True)
    step_s = int(steps[np.argmax(counts)])
    _refuse_mixed_steps(path, rows, np.where(same_series, distance, 0), step_s)
    off_grid = np.flatnonzero(samples.start_s % step_s)
    if off_grid.size:
        index = off_grid[0]
        shown = utc_label(int(samples.start_s[index]))
        reason = (
            f"{shown} does not begin an interval of {step_s} s (in UTC); for a clock that is off by part of one, "
            "write local times without a zone and leave the time zone at UTC, or use shorter intervals"
        )
        raise DataFileError(path, reason, line=int(samples.line[index]))
    return step_s


def first_samples(path: str, samples: Samples, *, lenient: bool) -> tuple[Samples, int]:
    """The first row of each series and time, and how many more there were.

    Raises:
        DataFileError: there were more, and not `lenient`.
    """
    rows = samples.in_order()
    doubled = np.zeros(len(rows.line), dtype=np.bool_)
    doubled[1:] = (np.diff(rows.series) == 0) & (np.diff(rows.start_s) == 0)
    if doubled.any() and not lenient:
        index = np.flatnonzero(doubled)[np.argmin(rows.line[doubled])]
        reason = (
            f"{rows.names[rows.series[index]]} has {utc_label(int(rows.start_s[index]))} already in line "
            f"{rows.line[index - 1]}; if the clock is put back there, name its time zone"
        )
        raise DataFileError(path, reason, line=int(rows.line[index]))
    return rows.where(~doubled), int(doubled.sum())


def _refuse_mixed_steps(path: str, rows: Samples, distance: IntArray, step_s: int) -> None:
    """A distance that is no multiple of the step, or another one time and again, is no gap but another step."""
    other = (distance != step_s) & (distance != 0)
    again = np.zeros_like(other)
    if len(distance) >= SUSTAINED:
        windows = np.lib.stride_tricks.sliding_window_view(distance, SUSTAINED)
        again[: len(windows)] = other[: len(windows)] & (windows == windows[:, :1]).all(axis=1)
    mixed = np.flatnonzero((distance % step_s != 0) | again)
    if mixed.size:
        index = mixed[np.argmin(rows.line[mixed + 1])]
        reason = f"mixed steps: {distance[index]} s here, {step_s} s elsewhere"
        raise DataFileError(path, reason, line=int(rows.line[index + 1]))
