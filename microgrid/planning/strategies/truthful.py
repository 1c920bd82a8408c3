"""Says what the energy is worth: a buyer bids retail minus fee, a seller asks feed-in."""

import numpy as np

from microgrid.domain.interfaces import OUT, EnergyArray, Prices
from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_ranges, single_limit


class TruthfulStrategies:
    """Limits are each home's alternative, the grid."""

    def limit_prices(self, net_wh: EnergyArray, feed_in: Prices, retail: Prices, fee: Prices) -> EnergyArray:
        """Limits in micro per kWh, shape (N,)."""
        lowest, highest, trades = rational_ranges(net_wh, feed_in, retail, fee)
        return np.where(trades, np.where(net_wh > 0, highest, lowest), OUT)


class TruthfulStrategy:
    """One truthful home."""

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh."""
        return single_limit(TruthfulStrategies(), net_wh, band, fee_micro_per_kwh)


def build(generator: np.random.Generator) -> TruthfulStrategy:  # noqa: ARG001 - truth knows no chance
    """A truthful home."""
    return TruthfulStrategy()


def build_many(count: int, generator: np.random.Generator) -> TruthfulStrategies:  # noqa: ARG001 - any number, no chance
    """Truthful homes."""
    return TruthfulStrategies()
