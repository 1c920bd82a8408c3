"""The prices between which a trade pays for both sides, and the one home among many."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from microgrid.domain.interfaces import OUT, EnergyArray, Prices, Strategies
from microgrid.domain.records import PriceBand


class RationalRange(NamedTuple):
    """Lowest and highest limit of N homes, micro per kWh, and who can trade at all; shape (N,) each."""

    lowest: EnergyArray
    highest: EnergyArray
    trades: npt.NDArray[np.bool_]


def rational_ranges(net_wh: EnergyArray, feed_in: Prices, retail: Prices, fee: Prices) -> RationalRange:
    """Limits that are rational and admissible.

    Args:
        net_wh: What each home wants: above zero to buy, below zero to sell, shape (N,).
        feed_in: What the grid pays each home, micro per kWh.
        retail: What the grid asks of each home, micro per kWh.
        fee: Fee on bought energy, micro per kWh; it comes off what a buyer can bid.
    """
    lowest = np.broadcast_to(np.asarray(feed_in, dtype=np.int64), net_wh.shape)
    highest = np.asarray(retail, dtype=np.int64) - np.where(net_wh > 0, fee, 0)
    return RationalRange(lowest, highest, (net_wh != 0) & (highest >= lowest))


def single_limit(strategies: Strategies, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
    """The limit of a population of one; None where it stays out."""
    limits = strategies.limit_prices(np.array([net_wh]), band.feed_in, band.retail, fee_micro_per_kwh)
    limit = int(limits[0])
    return None if limit == OUT else limit
