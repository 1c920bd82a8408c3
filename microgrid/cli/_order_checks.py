"""What can be said against an order, an offer or a deposit before anything is sent for it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from microgrid.chain.client import MarketChain
from microgrid.cli._chain import clock_s
from microgrid.domain.errors import BadInputError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import Order, Side
from microgrid.domain.units import MICRO_PER_UNIT, decimal_kwh, decimal_units

DEAREST_MICRO = 1_000_000 * MICRO_PER_UNIT  # far beyond any price, far below what could overflow a bill


def check_order(market: MarketChain, wanted: Order) -> None:
    """Refuse an order that the contract would refuse for what is written in it.

    Raises:
        BadInputError: no member, or energy, duration, interval or price out of range.
    """
    check_member(market, wanted.trader)
    check_energy(market, wanted.energy_wh)
    _, _, most_intervals = market.trading.order_limits()
    if wanted.duration > most_intervals:
        message = f"--duration {wanted.duration} is out of range: an order runs 1 to {most_intervals} intervals"
        raise BadInputError(message)
    check_gate(market, wanted.interval)
    for interval in range(wanted.interval, wanted.interval + wanted.duration):
        _check_price(market, wanted, interval)


def check_member(market: MarketChain, account: str) -> int:
    """The member number of an account.

    Raises:
        BadInputError: it is no member.
    """
    if member_id := market.registry.member_of(account):
        return member_id
    message = f"{account} is no member of this market; a home becomes one with its first device"
    raise BadInputError(message)


def check_deposit(market: MarketChain, account: str, amount_micro: int) -> None:
    """Refuse money for nobody, and no money, before tokens are issued for it.

    Raises:
        BadInputError: no amount, or an account that the market does not keep.
    """
    if not amount_micro:
        message = "AMOUNT is 0: there is nothing to pay in"
        raise BadInputError(message)
    if account not in (market.grid_account, market.fee_account, market.trading.contract.address):
        check_member(market, account)


def check_energy(market: MarketChain, energy_wh: int) -> None:
    """Refuse energy that no order and no offer may have.

    Raises:
        BadInputError: names the range.
    """
    least_wh, most_wh, _ = market.trading.order_limits()
    if not least_wh <= energy_wh <= most_wh:
        allowed = f"{decimal_kwh(least_wh)} to {decimal_kwh(most_wh)} kWh"
        message = f"ENERGY {decimal_kwh(energy_wh)} is out of range: an order here is for {allowed}"
        raise BadInputError(message)


def check_gate(market: MarketChain, interval: int) -> None:
    """Refuse an interval whose gate has closed.

    Raises:
        BadInputError: says when that was.
    """
    closure_s = market.trading.gate_closure_s(interval)
    if clock_s(market) >= closure_s:
        closed = datetime.fromtimestamp(closure_s, UTC).isoformat()
        message = f"interval {interval} takes no more orders: its gate closed at {closed}; `next` is the next open one"
        raise BadInputError(message)


def check_tariff(market: MarketChain, wanted: Sequence[Interval], feed_in: int | None, retail: int | None) -> None:
    """Refuse prices that make no band, and intervals that have begun or have their tariff.

    Raises:
        BadInputError: names the price or the interval.
    """
    if (feed_in is None) != (retail is None):
        message = "RETAIL is missing: write FEED_IN and RETAIL, or neither for the price formula"
        raise BadInputError(message)
    if feed_in is not None and retail is not None:
        if feed_in > retail:
            message = f"FEED_IN {decimal_units(feed_in)} is above RETAIL {decimal_units(retail)}"
            raise BadInputError(message)
        if retail > DEAREST_MICRO:
            message = (
                f"RETAIL {decimal_units(retail)} is out of range: a price is at most {decimal_units(DEAREST_MICRO)}"
            )
            raise BadInputError(message)
    now_s = clock_s(market)
    for each in wanted:
        if each.start_s <= now_s:
            message = f"interval {each.index} began at {each.start_utc.isoformat()}: a tariff comes before"
            raise BadInputError(message)
        if market.grid.band(each.index) is not None:
            message = f"interval {each.index} from {each.start_utc.isoformat()} has its tariff already"
            raise BadInputError(message)


def _check_price(market: MarketChain, wanted: Order, interval: int) -> None:
    """Where a tariff is published already; an interval without one gets it when the order is placed."""
    band = market.grid.band(interval)
    if band is None:
        return
    price = wanted.price_micro_per_kwh
    if wanted.side is Side.BUY and price < band.feed_in:
        allowed = f"a bid there offers at least the feed-in price, {decimal_units(band.feed_in)} per kWh"
    elif wanted.side is Side.SELL and price > band.retail:
        allowed = f"an offer there asks at most the retail price, {decimal_units(band.retail)} per kWh"
    else:
        return
    message = f"PRICE {decimal_units(price)} is out of range in interval {interval}: {allowed}"
    raise BadInputError(message)
