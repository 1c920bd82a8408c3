"""Why a home paid more or less than without the market.

With u = min(b, m) the bought energy that was used and d = min(s, e) the sold energy that was delivered, the money rule
of `statement` and the bill without a market differ by exactly

    (r - p) u + (p - f) d        gain of trading
    - F b                        fee
    - (p - f) (b - u)            bought but not used, resold to the grid
    - (r - p) (s - d)            sold but not delivered, supplied by the grid

and by the two roundings. The first line is never negative for prices inside the band, so a home is worse off only by
fees and imbalance. Without a reading nothing is metered, and the whole difference stands under `no_reading`.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import starmap

from microgrid.domain.records import HomeStatement, PriceBand
from microgrid.domain.units import NANO_PER_MICRO, nano
from microgrid.settlement.statement import MeteredEnergy, Prices, amount_without_market_micro


@dataclass(frozen=True, slots=True)
class BillDifference:
    """Credit with the market minus credit without it, split by cause; above zero is in the home's favour, all nano.

    The sum of the six fields is the difference of the two bills to the last nano.
    """

    gain_nano: int = 0
    fee_nano: int = 0
    unused_purchase_nano: int = 0
    undelivered_sale_nano: int = 0
    no_reading_nano: int = 0
    rounding_nano: int = 0

    def __add__(self, other: "BillDifference") -> "BillDifference":
        return BillDifference(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def total_micro(self) -> int:
        """The whole difference; above zero the market paid off."""
        total_nano: int = sum(astuple(self))
        return total_nano // NANO_PER_MICRO

    @property
    def imbalance_nano(self) -> int:
        """What forecast errors and missing readings took."""
        return self.unused_purchase_nano + self.undelivered_sale_nano + self.no_reading_nano

    @property
    def is_worse_off(self) -> bool:
        """Whether the home paid more than without the market."""
        return self.total_micro < 0

    @property
    def main_cause(self) -> str:
        """The cause that took most, in words; empty where nothing was lost."""
        causes = {
            "energy bought but not used, resold at the feed-in price": self.unused_purchase_nano,
            "energy sold but not delivered, bought at the retail price": self.undelivered_sale_nano,
            "a reading that never came": self.no_reading_nano,
            "trading fees": self.fee_nano,
            "rounding": self.rounding_nano,
        }
        cause, taken = min(causes.items(), key=lambda item: item[1])
        return cause if taken < 0 else ""


def difference(statement: HomeStatement, prices: Prices) -> BillDifference:
    """The difference of one home in one interval."""
    bought, sold = statement.bought_wh, statement.sold_wh
    fee = -nano(bought, prices.fee)
    if statement.metered:
        used, delivered = min(bought, statement.import_wh), min(sold, statement.export_wh)
        gain = nano(used, prices.retail - prices.clearing) + nano(delivered, prices.clearing - prices.feed_in)
        unused = -nano(bought - used, prices.clearing - prices.feed_in)
        undelivered = -nano(sold - delivered, prices.retail - prices.clearing)
        no_reading = 0
    else:
        gain = unused = undelivered = 0
        no_reading = -nano(bought, prices.clearing) - nano(sold, prices.retail - prices.clearing)
    exact = gain + fee + unused + undelivered + no_reading
    rounding = _bills_difference_micro(statement, prices) * NANO_PER_MICRO - exact
    return BillDifference(gain, fee, unused, undelivered, no_reading, rounding)


def explain(rows: Iterable[tuple[HomeStatement, Prices]]) -> BillDifference:
    """The difference of one home over a run: its statements, each with the prices of its interval."""
    return sum(starmap(difference, rows), start=BillDifference())


def _bills_difference_micro(statement: HomeStatement, prices: Prices) -> int:
    band = PriceBand(prices.feed_in, prices.retail, prices.clearing)
    metered = MeteredEnergy(statement.import_wh, statement.export_wh)
    return statement.amount_micro - amount_without_market_micro(metered, band)
