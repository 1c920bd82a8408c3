"""Call auction on 128 price ticks, in integers, by the very rule of the contract `EnergyTrading`.

The band feed-in … retail is cut into ticks, `tickPrice(t) = feedIn + floor(t * (retail - feedIn) / 127)`. A bid stands
at the highest tick not above its limit, an offer at the lowest tick not below it; a bid above retail counts as retail,
an offer below feed-in as feed-in; a bid below feed-in or an offer above retail is refused. With D(t) the demand at
ticks >= t and S(t) the supply at ticks <= t, the clearing tick has the largest volume min(D, S); ties go to the
smallest |S - D|, then to the price nearest to the reference, then to the lowest tick. Both sides are filled from their
best tick to the margin tick, and there in order of time.

Parameters of `clear_book`: `floor`, `cap`, `reference`, currency per kWh; what is left out is taken from the book
(lowest limit, highest limit, middle of the two).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import BookError
from microgrid.domain.records import AuctionResult, Order, PriceBand, Side
from microgrid.domain.units import MICRO_PER_UNIT, micro, units
from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Trades, at_prices, pair
from microgrid.market.parameters import check_price
from microgrid.market.quanta import QUANTA_PER_WH, summed

WAIVES = frozenset({"efficiency", "merit order"})
"""Limits that share a tick count as equal, and fractions of a Wh do not trade."""

TICKS = 128
MICRO_TOLERANCE = 1e-6
"""A decimal limit may miss its whole micro by this much in binary before it is rounded away from the limit."""


@dataclass(frozen=True, eq=False, slots=True)
class TickClearing:
    """Outcome in integers.

    Attributes:
        tick: Clearing tick.
        price: Its price, micro per kWh.
        volume_wh: Energy bought, equal to energy sold.
        buy_margin_tick: Buyers above are filled whole, below not at all.
        sell_margin_tick: Sellers below are filled whole, above not at all.
        buy_fill_wh: Energy filled at the buy margin tick.
        sell_fill_wh: Energy filled at the sell margin tick.
        bought_wh: Fill of each bid, shape (bids,).
        sold_wh: Fill of each offer, shape (offers,).
    """

    tick: int
    price: int
    volume_wh: int
    buy_margin_tick: int
    sell_margin_tick: int
    buy_fill_wh: int
    sell_fill_wh: int
    bought_wh: IntArray
    sold_wh: IntArray


def tick_prices(band: PriceBand) -> IntArray:
    """Price of each tick, micro per kWh, shape (128,)."""
    ticks = np.arange(TICKS, dtype=np.int64)
    return band.feed_in + ticks * (band.retail - band.feed_in) // (TICKS - 1)


def bid_ticks(limit: IntArray, prices: IntArray) -> IntArray:
    """Tick of each bid: the highest one with a price not above the limit; -1 where the bid is refused."""
    above, width = _above_lowest(limit, prices)
    highest = ((TICKS - 1) * (above + 1) - 1) // max(width, 1)
    return np.where(above < 0, -1, np.where(above >= width, TICKS - 1, highest))


def ask_ticks(limit: IntArray, prices: IntArray) -> IntArray:
    """Tick of each offer: the lowest one with a price not below the limit; 128 where the offer is refused."""
    above, width = _above_lowest(limit, prices)
    lowest = -((TICKS - 1) * -above // max(width, 1))
    return np.where(above > width, TICKS, np.where(above <= 0, 0, lowest))


def clear_ticks(
    band: PriceBand, bid_limit: IntArray, bid_wh: IntArray, ask_limit: IntArray, ask_wh: IntArray
) -> TickClearing:
    """Clear integer orders given in order of time; refused ones (outside the band) get nothing.

    Args:
        band: Feed-in, retail and reference price, micro per kWh.
        bid_limit: Limits of the buyers, micro per kWh, shape (bids,).
        bid_wh: Energy wanted, Wh, shape (bids,).
        ask_limit: Limits of the sellers, micro per kWh, shape (offers,).
        ask_wh: Energy offered, Wh, shape (offers,).
    """
    prices = tick_prices(band)
    bids, asks = bid_ticks(bid_limit, prices), ask_ticks(ask_limit, prices)
    wanted, offered = _level(bids, bid_wh), _level(asks, ask_wh)
    demand, supply = np.cumsum(wanted[::-1])[::-1], np.cumsum(offered)
    tick = _clearing_tick(demand, supply, prices, band.reference)
    volume = int(min(demand[tick], supply[tick]))
    if volume == 0:
        return TickClearing(tick, int(prices[tick]), 0, 0, 0, 0, 0, np.zeros_like(bid_wh), np.zeros_like(ask_wh))
    buy_margin = int(np.flatnonzero(demand >= volume)[-1])
    sell_margin = int(np.flatnonzero(supply >= volume)[0])
    buy_fill = volume - int(demand[buy_margin] - wanted[buy_margin])
    sell_fill = volume - int(supply[sell_margin] - offered[sell_margin])
    return TickClearing(
        tick,
        int(prices[tick]),
        volume,
        buy_margin,
        sell_margin,
        buy_fill,
        sell_fill,
        _fills(TICKS - 1 - bids, bid_wh, TICKS - 1 - buy_margin, buy_fill),
        _fills(asks, ask_wh, sell_margin, sell_fill),
    )


def auction(interval: int, orders: Iterable[Order], band: PriceBand) -> AuctionResult:
    """Clear the orders of one interval as the contract does.

    Args:
        interval: Interval index, for the result.
        orders: Orders that stand in the interval, in the order in which they were accepted. A second order of the same
            account and side is refused, as is one outside the band; refused orders are absent from the result.
        band: Prices of the interval, as the contract has them.
    """
    accepted: dict[tuple[str, Side], Order] = {}
    for order in orders:
        if _inside(order, band):
            accepted.setdefault((order.trader, order.side), order)
    buyers = [order for (_, side), order in accepted.items() if side is Side.BUY]
    sellers = [order for (_, side), order in accepted.items() if side is Side.SELL]
    cleared = clear_ticks(band, *_integers(buyers), *_integers(sellers))
    return AuctionResult(
        interval,
        cleared.tick,
        cleared.price,
        cleared.volume_wh,
        cleared.buy_margin_tick,
        cleared.sell_margin_tick,
        cleared.buy_fill_wh,
        cleared.sell_fill_wh,
        {order.trader: fill for order, fill in zip(buyers, cleared.bought_wh.tolist(), strict=True)},
        {order.trader: fill for order, fill in zip(sellers, cleared.sold_wh.tolist(), strict=True)},
    )


def clear_book(
    book: Book, *, floor: float | None = None, cap: float | None = None, reference: float | None = None
) -> Clearing:
    """Clear a book of decimals on the tick grid, in whole Wh; fractions of a Wh stay unmatched.

    Args:
        book: The orders.
        floor: Price of the lowest tick, currency per kWh.
        cap: Price of the highest tick.
        reference: Decides between equally good ticks.

    Raises:
        BookError: the floor lies above the cap.
    """
    bid_limit = _rounded_down(book.bid_price * MICRO_PER_UNIT)
    ask_limit = -_rounded_down(-book.ask_price * MICRO_PER_UNIT)
    band = _band(np.concatenate([bid_limit, ask_limit]), floor, cap, reference)
    bid_wh, ask_wh = book.bid_quanta // QUANTA_PER_WH, book.ask_quanta // QUANTA_PER_WH
    cleared = clear_ticks(band, bid_limit, bid_wh, ask_limit, ask_wh)
    bought, sold = cleared.bought_wh * QUANTA_PER_WH, cleared.sold_wh * QUANTA_PER_WH
    price = units(cleared.price)

    def trades() -> Trades:
        prices, buyers, sellers = tick_prices(band), np.flatnonzero(bought), np.flatnonzero(sold)
        buyers = buyers[np.argsort(-bid_ticks(bid_limit[buyers], prices), kind="stable")]
        sellers = sellers[np.argsort(ask_ticks(ask_limit[sellers], prices), kind="stable")]
        return at_prices(pair(bought, sold, buyers, sellers), price, price)

    return Clearing("tick_auction", book, price if cleared.volume_wh else None, bought, sold, trades, WAIVES)


def _above_lowest(limit: IntArray, prices: IntArray) -> tuple[IntArray, int]:
    """Limits above the lowest tick, cut to one step outside the band, and the width of the band, micro per kWh.

    With prices floor(t * width / 127) above the lowest, the tick of a limit follows by one division.
    """
    lowest, width = int(prices[0]), int(prices[-1] - prices[0])
    return np.clip(limit, lowest - 1, lowest + width + 1) - lowest, width


def _level(ticks: IntArray, energy_wh: IntArray) -> IntArray:
    """Energy at each tick, shape (128,); refused orders stand at no tick."""
    valid = np.flatnonzero((ticks >= 0) & (ticks < TICKS))
    return summed(ticks[valid], energy_wh[valid], TICKS)


def _clearing_tick(demand: IntArray, supply: IntArray, prices: IntArray, reference: int) -> int:
    """The last key of lexsort decides first; it is stable, so the lowest tick wins what is still equal."""
    distance = np.abs(prices - reference)
    volume = np.minimum(demand, supply)
    if not volume.any():
        return int(np.argmin(distance))
    return int(np.lexsort((distance, np.abs(supply - demand), -volume))[0])


def _fills(rank: IntArray, energy_wh: IntArray, margin_rank: int, margin_fill_wh: int) -> IntArray:
    """Fill of each order; rank counts ticks from the side's best price, so both sides read alike."""
    at_margin = rank == margin_rank
    margin_wh = np.where(at_margin, energy_wh, 0)
    ahead = np.cumsum(margin_wh) - margin_wh
    partial = np.clip(margin_fill_wh - ahead, 0, margin_wh)
    return np.where(rank < margin_rank, energy_wh, partial)


def _inside(order: Order, band: PriceBand) -> bool:
    if order.side is Side.BUY:
        return order.price_micro_per_kwh >= band.feed_in
    return order.price_micro_per_kwh <= band.retail


def _integers(orders: list[Order]) -> tuple[IntArray, IntArray]:
    limit = np.array([order.price_micro_per_kwh for order in orders], dtype=np.int64)
    energy = np.array([order.energy_wh for order in orders], dtype=np.int64)
    return limit, energy


def _rounded_down(limit_micro: FloatArray) -> IntArray:
    return np.floor(limit_micro + MICRO_TOLERANCE).astype(np.int64)


def _band(limits: IntArray, floor: float | None, cap: float | None, reference: float | None) -> PriceBand:
    known = limits.tolist() or [_price("floor", floor, 0)]
    lowest, highest = _price("floor", floor, min(known)), _price("cap", cap, max(known))
    if lowest > highest:
        raise BookError(what="floor", found=units(lowest), right=f"at most the cap, {units(highest)}")
    return PriceBand(lowest, highest, _price("reference", reference, (lowest + highest) // 2))


def _price(name: str, price: float | None, otherwise_micro: int) -> int:
    if price is None:
        return otherwise_micro
    check_price(name, price)
    return micro(price)
