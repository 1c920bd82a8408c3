"""The band between what the grid pays and what it asks."""

from microgrid.domain.errors import TariffError
from microgrid.domain.records import PriceBand
from microgrid.domain.units import units


def price_band(feed_in: int, retail: int) -> PriceBand:
    """Band of two grid prices, micro per kWh, with the middle as reference.

    Raises:
        TariffError: feed-in below zero or above retail.
    """
    if feed_in < 0:
        raise TariffError(what="feed-in price", found=units(feed_in), right="zero or more")
    if retail < feed_in:
        raise TariffError(
            what="retail price", found=units(retail), right=f"at least the feed-in price {units(feed_in)}"
        )
    return PriceBand(feed_in, retail, (feed_in + retail) // 2)
