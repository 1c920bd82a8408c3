"""The same time yesterday; within the first day, the last interval; before that, nothing."""

from dataclasses import dataclass

from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.planning.forecasters._seasonal import same_time_yesterday


@dataclass(frozen=True, slots=True)
class SeasonalNaiveForecaster:
    """Repeats the net energy of `per_day` intervals ago."""

    per_day: int

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """Yesterday's net energy of the same interval, Wh."""
        if len(history_wh) >= self.per_day:
            return int(history_wh[-self.per_day])
        return int(history_wh[-1]) if len(history_wh) else 0

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """The last day over and over, shape (S, N)."""
        return same_time_yesterday(history, len(actual), per_day)


def build(interval_seconds: int) -> SeasonalNaiveForecaster:
    """A seasonal naive forecaster for intervals of this length."""
    return SeasonalNaiveForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds))
