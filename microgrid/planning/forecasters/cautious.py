"""What a home can rely on: a low quantile of what this time of day brought lately.

Promising too much costs more than promising too little gains, so the order should not be the expected value but the
q-quantile of the amount, q = gain / (gain + loss), the newsvendor rule (Arrow, Harris and Marschak, Econometrica 19
(1951) 250). Samples are the net energies of the same time of day, one interval to either side included, on up to
seven past days; before there are three, the last three intervals. Where low and high quantile differ in sign the home
may end on either side, and it stays out.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.interfaces import EnergyArray
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
        samples = self._samples(history_wh)
        if len(samples) < LEAST_SAMPLES:
            return 0
        low, high = np.quantile(samples, [QUANTILE, 1 - QUANTILE])
        return int(max(low, 0.0) or min(high, 0.0))

    def _samples(self, history_wh: EnergyArray) -> EnergyArray:
        same_time = len(history_wh) - self.per_day * np.arange(1, DAYS + 1)
        places = (same_time[:, None] + np.array([-1, 0, 1])).ravel()
        places = places[(places >= 0) & (places < len(history_wh))]
        return history_wh[places] if len(places) >= LEAST_SAMPLES else history_wh[-LEAST_SAMPLES:]


def build(interval_seconds: int) -> CautiousForecaster:
    """A cautious forecaster for intervals of this length."""
    return CautiousForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds))
