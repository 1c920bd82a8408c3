"""Knows the future: the benchmark that shows what forecast errors cost."""

from microgrid.domain.interfaces import EnergyArray, SeriesArray

LEARNS = False
"""It needs no past."""

FORESIGHT = True
"""It needs no patience either: what it says of a day is the same on every day before."""


class ExactForecaster:
    """Answers with what will happen."""

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - the past does not matter
        """The coming interval's net energy, Wh."""
        return actual_wh

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:  # noqa: ARG002 - as above
        """What will happen, shape (S, N)."""
        return actual.copy()


def build(interval_seconds: int) -> ExactForecaster:  # noqa: ARG001 - any length will do
    """An exact forecaster."""
    return ExactForecaster()
