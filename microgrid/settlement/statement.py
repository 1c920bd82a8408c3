"""The money rule of one interval, in exact integers, as the contract `EnergyTrading` has it.

Per home, with b bought and s sold in the auction, m metered import and e metered export (Wh), p the clearing price, r
the retail and f the feed-in price, F the fee per bought kWh (micro per kWh):

    nano = -(p + F) b + f max(0, b - m) - r max(0, m - b) + p s - r max(0, s - e) + f max(0, e - s)

A buyer's unused energy goes to the grid at f, what it lacks comes at r; the grid supplies at r what a seller fails to
deliver and takes a seller's surplus at f.

A direct deal between two homes is part of b and s, at its own price instead of p: one promise, one delivery, one sum.

A home without a reading counts as having used and delivered nothing; what it did is in its next reading. Each home's
nano is rounded down to micro once; grid and fees are summed over homes and rounded down once; what rounding leaves is
dust.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

from microgrid.domain.errors import InvariantError
from microgrid.domain.records import (
    NO_DEALS,
    AuctionResult,
    DirectDeals,
    HomeStatement,
    IntervalMoney,
    PriceBand,
    Settlement,
)
from microgrid.domain.units import floor_micro, nano

MEMBERS_ONLY = "every trader is a member"
ZERO_SUM = "homes + grid + fees + dust = 0"


@dataclass(frozen=True, slots=True)
class MeteredEnergy:
    """Register differences of one home over one interval, Wh."""

    import_wh: int
    export_wh: int


NOTHING = MeteredEnergy(0, 0)


@dataclass(frozen=True, slots=True)
class Position:
    """What one home promised and did in one interval, Wh."""

    bought_wh: int
    sold_wh: int
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one settled interval, micro per kWh."""

    clearing: int
    retail: int
    feed_in: int
    fee: int

    @classmethod
    def of(cls, auction: AuctionResult, band: PriceBand, fee_micro_per_kwh: int) -> "Prices":
        """The prices that settle an auction."""
        return cls(auction.price_micro_per_kwh, band.retail, band.feed_in, fee_micro_per_kwh)


def grid_nano(position: Position, prices: Prices) -> int:
    """What the grid gets from one home, nano: retail for what it supplies, minus feed-in for what it takes."""
    bought, sold = position.bought_wh, position.sold_wh
    supplied_wh = max(0, position.import_wh - bought) + max(0, sold - position.export_wh)
    taken_wh = max(0, bought - position.import_wh) + max(0, position.export_wh - sold)
    return nano(supplied_wh, prices.retail) - nano(taken_wh, prices.feed_in)


def home_nano(position: Position, prices: Prices) -> int:
    """What one home gets, nano, by the equation at the top of this module; below zero it pays."""
    market = nano(position.sold_wh, prices.clearing) - nano(position.bought_wh, prices.clearing + prices.fee)
    return market - grid_nano(position, prices)


def amount_without_market_micro(metered: MeteredEnergy, band: PriceBand) -> int:
    """Credit of a home that trades with the grid alone, micro: floor((f e - r m) / 1000); its bill is the negative."""
    return floor_micro(nano(metered.export_wh, band.feed_in) - nano(metered.import_wh, band.retail))


def settle(
    auction: AuctionResult,
    metered: Mapping[str, MeteredEnergy | None],
    band: PriceBand,
    fee_micro_per_kwh: int,
    deals: Mapping[str, DirectDeals] | None = None,
) -> Settlement:
    """Settle one interval; deals count as promises beside the auction's fills, each at its own price.

    Args:
        auction: Price and fills.
        metered: Energy of every member by account, in the order of the statements; None where no reading came.
        band: Prices of the interval.
        fee_micro_per_kwh: Trading fee on bought energy.
        deals: Accepted direct deals by account; none by default.

    Raises:
        InvariantError: an account traded that is no member, or homes, grid, fees and dust do not sum to zero.
    """
    direct = deals or {}
    strangers = (auction.bought_wh.keys() | auction.sold_wh.keys() | direct.keys()) - metered.keys()
    if strangers:
        raise InvariantError(MEMBERS_ONLY, len(strangers), f"in interval {auction.interval}")
    prices = Prices.of(auction, band, fee_micro_per_kwh)
    positions = {
        account: Position(
            auction.bought_wh.get(account, 0) + direct.get(account, NO_DEALS).bought_wh,
            auction.sold_wh.get(account, 0) + direct.get(account, NO_DEALS).sold_wh,
            *astuple(energy or NOTHING),
        )
        for account, energy in metered.items()
    }
    statements = tuple(
        _statement(
            auction.interval,
            account,
            position,
            home_nano(position, prices) + direct.get(account, NO_DEALS).gain_nano(prices.clearing),
            metered=metered[account] is not None,
        )
        for account, position in positions.items()
    )
    return Settlement(_money(auction.interval, statements, positions.values(), prices), statements)


def _statement(interval: int, account: str, position: Position, amount_nano: int, *, metered: bool) -> HomeStatement:
    return HomeStatement(
        interval,
        account,
        position.bought_wh,
        position.sold_wh,
        position.import_wh,
        position.export_wh,
        metered,
        floor_micro(amount_nano),
    )


def _money(
    interval: int, statements: Iterable[HomeStatement], positions: Iterable[Position], prices: Prices
) -> IntervalMoney:
    """Dust is what rounding left, so the check is that it lies where rounding can put it: 0 … one micro per account."""
    positions = list(positions)
    homes = sum(statement.amount_micro for statement in statements)
    grid = floor_micro(sum(grid_nano(position, prices) for position in positions))
    fees = floor_micro(sum(nano(position.bought_wh, prices.fee) for position in positions))
    dust = -(homes + grid + fees)
    if not 0 <= dust <= len(positions) + 2:
        raise InvariantError(ZERO_SUM, dust, f"in interval {interval}")
    return IntervalMoney(interval, homes, grid, fees, dust)
