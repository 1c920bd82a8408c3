"""Simple forecasts of the coming day, made at many origins at once, for a model that weighs them.

Those of the time of day look back from each interval i to i - 1 day, i - 2 days, …: the day before, the same weekday,
the median of a week, median and mean of all days, a mean that fades by half in two days, and the upper quartile of a
week, which for a solar array stands for the clear sky. Four more know how things stand at the origin: the last value,
the median moved by the last error, and the clear sky times its index k = Σ a^j y / Σ a^j clear over the last day, with
a fading by half in an hour, four hours or a day ("smart persistence": Inman, Pedro and Coimbra, Progress in Energy and
Combustion Science 39 (2013) 535). A time of day that has only ever had one value keeps it: nights are dark.

An origin t with a lead below a day looks at nothing from t on: i - 1 day = t + lead - 1 day < t.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from microgrid.domain.interfaces import SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY

Places = npt.NDArray[np.intp]

WEEK: Final = 7
FADING_DAYS: Final = 2.0
CLEAR_QUANTILE: Final = 0.75
INDEX_HOURS: Final = (1.0, 4.0, 24.0)
MOST_INDEX: Final = 1.5
LEAST_CLEAR: Final = 1e-9
YESTERDAY, MEDIAN, CLEAR = 0, 2, 6


@dataclass(frozen=True, eq=False, slots=True)
class SimpleForecasts:
    """Forecasts of N series over D whole days, T = D * per_day intervals, and the day after them.

    Attributes:
        series: What was measured, shape (T, N).
        by_time: Forecasts of the time of day, shape (T + per_day, N, 7); zero before the first day asked for.
        lowest: Least of all earlier days at this time of day, shape (T + per_day, N).
        highest: Most of them.
        per_day: Intervals of a day.
    """

    series: SeriesArray
    by_time: SeriesArray
    lowest: SeriesArray
    highest: SeriesArray
    per_day: int

    @classmethod
    def of(cls, series: SeriesArray, per_day: int, first_day: int) -> Self:
        """All that is known of the days from `first_day` (at least 1) on; origins may begin a day later.

        Args:
            series: Whole days, shape (D * per_day, N).
            per_day: Intervals of a day.
            first_day: First day of which forecasts are wanted, counted from 0.
        """
        days = series.reshape(-1, per_day, series.shape[1])
        by_time = np.zeros((len(days) + 1, *days.shape[1:], CLEAR + 1))
        lowest, highest = np.zeros(by_time.shape[:-1]), np.zeros(by_time.shape[:-1])
        for day in range(first_day, len(days) + 1):
            by_time[day] = _by_time_of_day(days[:day])
            lowest[day], highest[day] = days[:day].min(axis=0), days[:day].max(axis=0)
        flat = (-1, series.shape[1])
        return cls(series, by_time.reshape(*flat, CLEAR + 1), lowest.reshape(flat), highest.reshape(flat), per_day)

    def at(self, origins: Places, leads: Places) -> SeriesArray:
        """Forecasts made at O origins for K leads, both in intervals, shape (O, K, N, M).

        Lead 0 is the interval that begins at the origin; leads are below a day.
        """
        places = origins[:, None] + leads
        by_time = self.by_time[places]
        last = self.series[origins - 1]
        error = last - self.by_time[origins - 1, :, MEDIAN]
        index = self._clear_index(origins)
        forecasts = np.concatenate(
            [
                by_time,
                np.broadcast_to(last[:, None, :, None], (*by_time.shape[:-1], 1)),
                by_time[..., MEDIAN, None] + error[:, None, :, None],
                by_time[..., CLEAR, None] * index[:, None],
            ],
            axis=-1,
        )
        always = (self.lowest[places] == self.highest[places])[..., None]
        return np.where(always, self.lowest[places][..., None], forecasts)

    def within_range(self, origin: int, forecast: SeriesArray) -> SeriesArray:
        """A forecast of shape (K, N) held in the range that each time of day has had."""
        places = slice(origin, origin + len(forecast))
        return np.clip(forecast, self.lowest[places], self.highest[places])

    def _clear_index(self, origins: Places) -> SeriesArray:
        """What came of a clear sky of late, shape (O, N, 3); 1 where there was none to speak of."""
        ages = np.arange(1, self.per_day + 1)
        places = origins[:, None] - ages
        fading = 0.5 ** (ages[:, None] * HOURS_PER_DAY / self.per_day / np.array(INDEX_HOURS))
        found = np.einsum("oln,li->oni", self.series[places], fading)
        clear = np.einsum("oln,li->oni", np.maximum(self.by_time[places, :, CLEAR], 0.0), fading)
        some = clear > LEAST_CLEAR
        return np.where(some, np.clip(found / np.where(some, clear, 1.0), 0.0, MOST_INDEX), 1.0)


def _by_time_of_day(days: SeriesArray) -> SeriesArray:
    """Forecasts of the day after `days`, shape (per_day, N, 7)."""
    week = days[-WEEK:]
    fading = 0.5 ** (np.arange(len(days))[::-1] / FADING_DAYS)
    median, clear = np.quantile(week, [0.5, CLEAR_QUANTILE], axis=0)
    return np.stack(
        [
            days[-1],
            week[0] if len(week) == WEEK else days[-1],
            median,
            np.median(days, axis=0) if len(days) > WEEK else median,
            days.mean(axis=0),
            np.tensordot(fading / fading.sum(), days, axes=1),
            clear,
        ],
        axis=-1,
    )
