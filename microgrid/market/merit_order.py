"""The efficient double auction on arrays, exact and in linear time: price interval, volume and fills.

With D>=(p) the demand of bids at or above p, D>(p) that strictly above, and S<=, S< likewise for asks, a price p clears
the market if and only if D>(p) <= S<=(p) and S<(p) <= D>=(p). D> - S<= falls and S< - D>= rises with p, so the clearing
prices are one interval: `low` is the first price with the first property, `high` the last one with the second. The
largest volume is min(D>=(low), S<=(low)), and trading it in merit order also gives the largest welfare.

Nothing is sorted but the orders near the margin: energies are summed into price buckets, the buckets that hold `low`
and `high` are cut out, and so on until few orders are left. A bucket is a monotone function of the price, equal prices
share one, and energies are integers, so the result is exact.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.market.book import Book
from microgrid.market.quanta import from_quanta, summed, to_quanta

BUCKETS = 4_096
FEW_ORDERS = 2_048
"""So many orders are faster sorted than put into buckets."""


@dataclass(frozen=True, eq=False, slots=True)
class MeritOrder:
    """The efficient exchange of a book.

    Attributes:
        low: Lowest price that clears the market, currency per kWh; None where nothing can be traded.
        high: Highest price that clears the market; None likewise.
        volume: Energy traded, quanta.
        bought: Fill of each bid, quanta, shape (bids,): dearest first, equal prices in order of time.
        sold: Fill of each ask, quanta, shape (asks,): cheapest first, equal prices in order of time.
    """

    low: float | None
    high: float | None
    volume: int
    bought: IntArray
    sold: IntArray

    def price(self, k: float) -> float | None:
        """Price at the part `k` of the way from `low` to `high`; None where nothing can be traded."""
        if self.low is None or self.high is None:
            return None
        return (1 - k) * self.low + k * self.high


@dataclass(frozen=True, eq=False, slots=True)
class _Window:
    """Orders among which the margin lies, and the energy of those that are better than all of them."""

    bid_price: FloatArray
    bid_quanta: IntArray
    ask_price: FloatArray
    ask_quanta: IntArray
    demand_above: int = 0
    supply_below: int = 0

    @property
    def orders(self) -> int:
        return len(self.bid_price) + len(self.ask_price)


@dataclass(frozen=True, eq=False, slots=True)
class _Margin:
    """The clearing prices, and demand and supply around the lower one, in quanta."""

    low: float
    high: float
    volume: int
    demand_above_low: int
    supply_below_low: int


def clear_arrays(
    bid_price: FloatArray, bid_kwh: FloatArray, ask_price: FloatArray, ask_kwh: FloatArray
) -> tuple[tuple[float, float] | None, FloatArray, FloatArray]:
    """The efficient exchange from arrays to arrays, without a book and without pairs.

    Args:
        bid_price: Limits of the buyers in order of time, currency per kWh, shape (bids,).
        bid_kwh: Energy wanted, kWh, shape (bids,).
        ask_price: Limits of the sellers in order of time, currency per kWh, shape (asks,).
        ask_kwh: Energy offered, kWh, shape (asks,).

    Returns:
        Lowest and highest clearing price (None where nothing can be traded), energy bought of each bid and energy sold
        of each ask, kWh. The values are not checked; `Book` does that.
    """
    result = merit_order(bid_price, to_quanta(bid_kwh), ask_price, to_quanta(ask_kwh))
    interval = None if result.low is None or result.high is None else (result.low, result.high)
    return interval, from_quanta(result.bought), from_quanta(result.sold)


def efficient_exchange(book: Book) -> MeritOrder:
    """The efficient exchange of a book."""
    return merit_order(book.bid_price, book.bid_quanta, book.ask_price, book.ask_quanta)


def merit_order(bid_price: FloatArray, bid_quanta: IntArray, ask_price: FloatArray, ask_quanta: IntArray) -> MeritOrder:
    """The efficient exchange of orders in quanta, given in order of time; arrays as in `Book`."""
    margin = _margin(_Window(bid_price, bid_quanta, ask_price, ask_quanta))
    if margin is None:
        return MeritOrder(None, None, 0, np.zeros_like(bid_quanta), np.zeros_like(ask_quanta))
    low, volume = margin.low, margin.volume
    bought = _filled(bid_quanta, bid_price > low, bid_price == low, volume - margin.demand_above_low)
    sold = _filled(ask_quanta, ask_price < low, ask_price == low, volume - margin.supply_below_low)
    return MeritOrder(low, margin.high, volume, bought, sold)


def _margin(window: _Window) -> _Margin | None:
    """None where nothing can be traded."""
    bids, asks = window.bid_price, window.ask_price
    if not len(bids) or not len(asks) or bids.max() < asks.min():
        return None
    while window.orders > FEW_ORDERS:
        narrower = _narrowed(window)
        if narrower is None or narrower.orders > window.orders // 2:
            break
        window = narrower
    return _margin_by_sorting(window)


def _narrowed(window: _Window) -> _Window | None:
    """The orders of the buckets that hold the lowest and the highest clearing price; None where no bucket helps.

    Between the two buckets there are no orders: no order has a limit strictly inside the interval of clearing prices.
    """
    if not len(window.bid_price) or not len(window.ask_price):
        return None
    lowest, highest = float(window.ask_price.min()), float(window.bid_price.max())
    if not highest > lowest or not np.isfinite(BUCKETS / (highest - lowest)):
        return None
    bid_bucket = _buckets(window.bid_price, lowest, highest)
    ask_bucket = _buckets(window.ask_price, lowest, highest)
    wanted, offered = summed(bid_bucket, window.bid_quanta, BUCKETS), summed(ask_bucket, window.ask_quanta, BUCKETS)
    at_or_above = window.demand_above + np.cumsum(wanted[::-1])[::-1]
    at_or_below = window.supply_below + np.cumsum(offered)
    above, below = at_or_above - wanted, at_or_below - offered
    first, last = int(np.argmax(above <= at_or_below)), int(np.flatnonzero(below <= at_or_above)[-1])
    bids = np.flatnonzero((bid_bucket >= first) & (bid_bucket <= last))
    asks = np.flatnonzero((ask_bucket >= first) & (ask_bucket <= last))
    return _Window(
        window.bid_price[bids],
        window.bid_quanta[bids],
        window.ask_price[asks],
        window.ask_quanta[asks],
        int(above[last]),
        int(below[first]),
    )


def _buckets(price: FloatArray, lowest: float, highest: float) -> IntArray:
    """Bucket of each price, monotone in it; prices outside the range share the outer buckets."""
    position = np.maximum(price, lowest)
    np.minimum(position, highest, out=position)
    position -= lowest
    position *= (BUCKETS - 1) / (highest - lowest)
    return position.astype(np.int64)


def _margin_by_sorting(window: _Window) -> _Margin | None:
    bid_live, ask_live = np.flatnonzero(window.bid_quanta), np.flatnonzero(window.ask_quanta)
    bid_price, ask_price = window.bid_price[bid_live], window.ask_price[ask_live]
    price = _distinct(np.concatenate([bid_price, ask_price]))
    wanted = summed(np.searchsorted(price, bid_price), window.bid_quanta[bid_live], len(price))
    offered = summed(np.searchsorted(price, ask_price), window.ask_quanta[ask_live], len(price))
    at_or_above = window.demand_above + np.cumsum(wanted[::-1])[::-1]
    at_or_below = window.supply_below + np.cumsum(offered)
    above, below = at_or_above - wanted, at_or_below - offered
    volume = int(np.minimum(at_or_above, at_or_below).max(initial=0))
    if volume == 0:
        return None
    low, high = int(np.argmax(above <= at_or_below)), int(np.flatnonzero(below <= at_or_above)[-1])
    return _Margin(float(price[low]), float(price[high]), volume, int(above[low]), int(below[low]))


def _distinct(values: FloatArray) -> FloatArray:
    values.sort()
    new = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values[new]


def _filled(quanta: IntArray, better: npt.NDArray[np.bool_], at_margin: npt.NDArray[np.bool_], left: int) -> IntArray:
    """Better orders whole, those at the margin in order of time until `left` is handed out."""
    filled = quanta * better
    margin = np.flatnonzero(at_margin)
    wanted = quanta[margin]
    filled[margin] = np.clip(left - (np.cumsum(wanted) - wanted), 0, wanted)
    return filled
