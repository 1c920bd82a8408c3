"""Tomorrow's weather is today's: the next interval is like the last one."""

from microgrid.domain.interfaces import EnergyArray


class PersistenceForecaster:
    """Repeats the last measured net energy; zero before there is one, so that the home stays out of the market."""

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """The last interval's net energy, Wh."""
        return int(history_wh[-1]) if len(history_wh) else 0


def build(interval_seconds: int) -> PersistenceForecaster:  # noqa: ARG001 - any length will do
    """A persistence forecaster."""
    return PersistenceForecaster()
