"""Says what the energy is worth: a buyer bids retail minus fee, a seller asks feed-in."""

import numpy as np

from microgrid.domain.records import PriceBand
from microgrid.planning.strategies._range import rational_range


class TruthfulStrategy:
    """Limits are the home's alternative, the grid."""

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit in micro per kWh."""
        limits = rational_range(net_wh, band, fee_micro_per_kwh)
        if limits is None:
            return None
        return limits[1] if net_wh > 0 else limits[0]


def build(generator: np.random.Generator) -> TruthfulStrategy:  # noqa: ARG001 - truth knows no chance
    """A truthful home."""
    return TruthfulStrategy()
