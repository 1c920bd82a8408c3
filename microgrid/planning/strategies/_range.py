"""The prices between which a trade pays for both sides."""

from microgrid.domain.records import PriceBand


def rational_range(net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> tuple[int, int] | None:
    """Lowest and highest limit that is rational and admissible, micro per kWh.

    Args:
        net_wh: What the home wants: above zero to buy, below zero to sell.
        band: Grid prices.
        fee_micro_per_kwh: Fee on bought energy; it comes off what a buyer can bid.

    Returns:
        None where there is nothing to trade or no such limit.
    """
    highest = band.retail - fee_micro_per_kwh if net_wh > 0 else band.retail
    return (band.feed_in, highest) if net_wh and highest >= band.feed_in else None
