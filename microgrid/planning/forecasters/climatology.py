"""The usual: the median of what this time of day brought on up to 28 past days.

The median is the value with the least absolute error, so that for a home's load this simple yardstick is harder to beat
than yesterday. Within the first day it is the last interval; before that, nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.planning.forecasters._seasonal import same_time_yesterday

DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class ClimatologyForecaster:
    """Knows how many intervals a day has."""

    per_day: int

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """The usual net energy of the coming interval, Wh."""
        history = history_wh[:, None].astype(np.float64)
        return round(float(self.ahead(history, np.zeros((1, 1)), per_day=self.per_day)[0, 0]))

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """The usual day over and over, shape (S, N)."""
        days = min(DAYS, len(history) // per_day)
        if not days:
            return same_time_yesterday(history, len(actual), per_day)
        known = history[len(history) - days * per_day :].reshape(days, per_day, history.shape[1])
        phase = np.arange(min(len(actual), per_day))
        usual: SeriesArray = np.median(known[:, phase], axis=0)[np.arange(len(actual)) % per_day]
        return usual


def build(interval_seconds: int) -> ClimatologyForecaster:
    """A climatology for intervals of this length."""
    return ClimatologyForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds))
