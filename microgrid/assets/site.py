"""Where homes stand, and the instants at which their sky is looked at."""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import Interval

LONGEST_SUBSTEP_S = 900


@dataclass(frozen=True, slots=True)
class Site:
    """A place; the default lies near the Greenwich meridian (Valencia), where the sun keeps UTC."""

    latitude: float = 39.47
    longitude: float = -0.38
    altitude_m: float = 15.0
    linke_turbidity: float = 3.0


def substeps(interval: Interval) -> int:
    """Number of instants that stand for one interval: one a quarter of an hour at least."""
    return max(1, -(-interval.seconds // LONGEST_SUBSTEP_S))


def midpoints_s(first: Interval, count: int) -> FloatArray:
    """The middles of the substeps of `count` intervals, Unix seconds to the millisecond, shape (S,)."""
    step_s = first.seconds / substeps(first)
    offsets_s = (np.arange(count * substeps(first)) + 0.5) * step_s
    times_s: FloatArray = first.start_s + np.rint(offsets_s * 1_000) / 1_000
    return times_s


def interval_means(values: FloatArray, first: Interval) -> FloatArray:
    """Mean over the substeps of each interval, (S, ...) to (T, ...)."""
    means: FloatArray = values.reshape(-1, substeps(first), *values.shape[1:]).mean(axis=1)
    return means
