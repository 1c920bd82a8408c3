"""Zero intelligence with a budget: a limit drawn evenly from all rational ones.

Source: Gode and Sunder, Journal of Political Economy 101 (1993) 119, the constrained (ZI-C) trader.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_range


@dataclass(frozen=True, slots=True)
class ZeroIntelligenceStrategy:
    """Draws from its own generator."""

    generator: np.random.Generator

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh."""
        limits = rational_range(net_wh, band, fee_micro_per_kwh)
        return None if limits is None else int(self.generator.integers(limits[0], limits[1], endpoint=True))


def build(generator: np.random.Generator) -> ZeroIntelligenceStrategy:
    """A home that draws its limits."""
    return ZeroIntelligenceStrategy(generator)
