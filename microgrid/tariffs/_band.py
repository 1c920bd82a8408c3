"""The band between what the grid pays and what it asks."""

from microgrid.domain.errors import TariffError
from microgrid.domain.records import PriceBand
from microgrid.domain.units import MICRO_PER_UNIT, units

DEAREST = 1_000_000 * MICRO_PER_UNIT
"""Far above any currency's price, far below the 64 bits in which contracts hold it, micro per kWh."""


def price_band(feed_in: int, retail: int) -> PriceBand:
    """Band of two grid prices, micro per kWh, with the middle as reference.

    Raises:
        TariffError: feed-in below zero or above retail, or retail above what any currency needs.
    """
    if feed_in < 0:
        raise TariffError(what="feed-in price", found=units(feed_in), right="zero or more")
    if retail < feed_in:
        raise TariffError(
            what="retail price", found=units(retail), right=f"at least the feed-in price {units(feed_in)}"
        )
    if retail > DEAREST:
        raise TariffError(what="retail price", found=units(retail), right=f"at most {units(DEAREST):,.0f} per kWh")
    return PriceBand(feed_in, retail, (feed_in + retail) // 2)
