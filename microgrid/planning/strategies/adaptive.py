"""Each home keeps back some of its gain, the less the more energy it has to place.

With u the largest share a home keeps back (drawn once per home from 0…1/2), n the net energy forecast and a the mean of
|n| so far, the share is `u / (1 + |n| / a)`. A buyer bids `high - share * (high - low)`, a seller asks
`low + share * (high - low)`, where low is feed-in and high is retail minus fee, the most that a buyer can pay; where a
fee leaves no room, a seller asks low. As long as all homes have the same prices, bids lie in the upper and asks in the
lower half: all energy that can be traded is traded, and the price falls towards feed-in when there is plenty, and rises
towards retail when it is scarce.
"""

import numpy as np

from microgrid.domain.interfaces import OUT, EnergyArray, Prices, SeriesArray
from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_ranges, single_limit

LARGEST_SHARE = 0.5


class AdaptiveStrategies:
    """N homes that remember how much they usually trade.

    Args:
        patience: Largest share of the range that each home keeps back, 0…1/2, shape (N,).
    """

    def __init__(self, patience: SeriesArray) -> None:
        self._patience = patience
        self._count = 0
        self._sum_wh = np.zeros(len(patience), dtype=np.int64)

    def limit_prices(self, net_wh: EnergyArray, feed_in: Prices, retail: Prices, fee: Prices) -> EnergyArray:
        """Limits in micro per kWh, shape (N,); each call counts as one interval of experience."""
        self._count += 1
        amount_wh = np.abs(net_wh)
        self._sum_wh += amount_wh
        lowest, highest, trades = rational_ranges(net_wh, feed_in, retail, fee)
        relative = amount_wh * self._count / np.maximum(self._sum_wh, 1)
        room = np.maximum(highest - np.where(net_wh > 0, 0, fee) - lowest, 0)
        kept = (room * self._patience / (1 + relative)).astype(np.int64)
        return np.where(trades, np.where(net_wh > 0, highest - kept, lowest + kept), OUT)


class AdaptiveStrategy:
    """One home that remembers how much it usually trades.

    Args:
        patience: Largest share of the range that the home keeps back, 0…1/2.
    """

    def __init__(self, patience: float) -> None:
        self._one = AdaptiveStrategies(np.array([patience]))

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh; each call counts as one interval of experience."""
        return single_limit(self._one, net_wh, band, fee_micro_per_kwh)


def build(generator: np.random.Generator) -> AdaptiveStrategy:
    """A home whose patience is drawn once."""
    return AdaptiveStrategy(float(generator.uniform(0.0, LARGEST_SHARE)))


def build_many(count: int, generator: np.random.Generator) -> AdaptiveStrategies:
    """Homes whose patience is drawn once, home after home."""
    return AdaptiveStrategies(generator.uniform(0.0, LARGEST_SHARE, count))
