"""Each home keeps back some of its gain, the less the more energy it has to place.

With u the largest share a home keeps back (drawn once per home from 0…1/2), n the net energy forecast and a the mean of
|n| so far, the share is `u / (1 + |n| / a)`. A buyer bids `high - share * (high - low)`, a seller asks
`low + share * (high - low)` within its rational range low…high. Bids thus lie in the upper and asks in the lower half:
all energy that can be traded is traded, and the price falls towards feed-in when there is plenty, and rises towards
retail when it is scarce.
"""

import numpy as np

from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_range

LARGEST_SHARE = 0.5


class AdaptiveStrategy:
    """Remembers how much it usually trades.

    Args:
        patience: Largest share of the range that the home keeps back, 0…1/2.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._count = 0
        self._sum_wh = 0

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh; each call counts as one interval of experience."""
        self._count += 1
        self._sum_wh += abs(net_wh)
        limits = rational_range(net_wh, band, fee_micro_per_kwh)
        if limits is None:
            return None
        low, high = limits
        kept = int((high - low) * self._patience / (1 + abs(net_wh) * self._count / self._sum_wh))
        return high - kept if net_wh > 0 else low + kept


def build(generator: np.random.Generator) -> AdaptiveStrategy:
    """A home whose patience is drawn once."""
    return AdaptiveStrategy(float(generator.uniform(0.0, LARGEST_SHARE)))
