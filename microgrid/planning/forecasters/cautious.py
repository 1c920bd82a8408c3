"""What a home can rely on: a low quantile of what this time of day brought lately.

Promising too much costs more than promising too little gains, so the order should not be the expected value but the
q-quantile of the amount, q = gain / (gain + loss), the newsvendor rule (Arrow, Harris and Marschak, Econometrica 19
(1951) 250). Samples are the net energies of the same time of day, one interval to either side included, on up to
seven past days; before there are three, the last three intervals. Where low and high quantile differ in sign the home
may end on either side, and it stays out.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR

DAYS = 7
LEAST_SAMPLES = 3
QUANTILE = 0.2


@dataclass(frozen=True, slots=True)
class CautiousForecaster:
    """Knows how many intervals a day has."""

    per_day: int

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """Energy that the home will need (above zero) or have to spare (below) in four of five cases, Wh."""
        return int(_reliable(_samples(history_wh[:, None], 0, self.per_day))[0])

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """What is reliable at each time of day, over and over, shape (S, N).

        Nothing of the coming day is known, so that interval k is forecast like interval k modulo a day.
        """
        day = [_reliable(_samples(history, phase, per_day)) for phase in range(min(per_day, len(actual)))]
        return np.array(day).reshape(-1, history.shape[1])[np.arange(len(actual)) % per_day]


def _samples(history: SeriesArray | EnergyArray, phase: int, per_day: int) -> SeriesArray | EnergyArray:
    """What this time of day brought, `phase` intervals after the history ends, shape (n, N)."""
    same_time = len(history) + phase - per_day * np.arange(1, DAYS + 1)
    places = (same_time[:, None] + np.array([-1, 0, 1])).ravel()
    places = places[(places >= 0) & (places < len(history))]
    return history[places] if len(places) >= LEAST_SAMPLES else history[-LEAST_SAMPLES:]


def _reliable(samples: SeriesArray | EnergyArray) -> SeriesArray:
    """The low quantile of what is needed, or of what can be spared; 0 where the sign is open, shape (N,)."""
    if len(samples) < LEAST_SAMPLES:
        return np.zeros(samples.shape[1])
    low, high = np.quantile(samples, [QUANTILE, 1 - QUANTILE], axis=0)
    reliable: SeriesArray = np.where(low > 0, low, np.minimum(high, 0.0))
    return reliable


def build(interval_seconds: int) -> CautiousForecaster:
    """A cautious forecaster for intervals of this length."""
    return CautiousForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds))
