"""Tomorrow's weather is today's: the next interval is like the last one."""

from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.planning.forecasters._seasonal import same_time_yesterday


class PersistenceForecaster:
    """Repeats the last measured net energy; zero before there is one, so that the home stays out of the market."""

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """The last interval's net energy, Wh."""
        return int(history_wh[-1]) if len(history_wh) else 0

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:  # noqa: ARG002 - as above
        """The last interval over and over, shape (S, N)."""
        return same_time_yesterday(history, len(actual), 1)


def build(interval_seconds: int) -> PersistenceForecaster:  # noqa: ARG001 - any length will do
    """A persistence forecaster."""
    return PersistenceForecaster()
