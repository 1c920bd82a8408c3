"""Zero intelligence with a budget: a limit drawn evenly from all rational ones.

Source: Gode and Sunder, Journal of Political Economy 101 (1993) 119, the constrained (ZI-C) trader.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.interfaces import OUT, EnergyArray, Prices
from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_ranges, single_limit


@dataclass(frozen=True, slots=True)
class ZeroIntelligenceStrategies:
    """Homes that draw from one generator; those that stay out draw nothing."""

    generator: np.random.Generator

    def limit_prices(self, net_wh: EnergyArray, feed_in: Prices, retail: Prices, fee: Prices) -> EnergyArray:
        """Limits in micro per kWh, shape (N,)."""
        lowest, highest, trades = rational_ranges(net_wh, feed_in, retail, fee)
        limits = np.full(len(net_wh), OUT, dtype=np.int64)
        limits[trades] = self.generator.integers(lowest[trades], highest[trades], endpoint=True)
        return limits


@dataclass(frozen=True, slots=True)
class ZeroIntelligenceStrategy:
    """One home that draws from its own generator."""

    generator: np.random.Generator

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh."""
        return single_limit(ZeroIntelligenceStrategies(self.generator), net_wh, band, fee_micro_per_kwh)


def build(generator: np.random.Generator) -> ZeroIntelligenceStrategy:
    """A home that draws its limits."""
    return ZeroIntelligenceStrategy(generator)


def build_many(count: int, generator: np.random.Generator) -> ZeroIntelligenceStrategies:  # noqa: ARG001 - any number
    """Homes that draw their limits."""
    return ZeroIntelligenceStrategies(generator)
