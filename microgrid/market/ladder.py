"""Merit order, equilibrium and pairing: what every call auction shares.

With D>=(p) the demand of bids at or above p, D>(p) that strictly above, and S<=, S< likewise for asks, a price p clears
the market if and only if D>(p) <= S<=(p) and S<(p) <= D>=(p). The largest volume is max over p of min(D>=(p), S<=(p)),
and trading it in merit order also gives the largest welfare.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.market.book import Book, FloatArray, IntArray, from_quanta


@dataclass(frozen=True, eq=False, slots=True)
class Curves:
    """Cumulative demand and supply at each price that occurs in the book, in quanta, shape (prices,)."""

    price: FloatArray
    demand_at_or_above: IntArray
    demand_above: IntArray
    supply_at_or_below: IntArray
    supply_below: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Trades:
    """Pairs of a buyer and a seller, shape (trades,).

    Attributes:
        buyer: Index of the bid in the book.
        seller: Index of the ask in the book.
        quantity: Energy, kWh.
        buyer_price: What the buyer pays, currency per kWh.
        seller_price: What the seller gets, currency per kWh.
    """

    buyer: IntArray
    seller: IntArray
    quantity: FloatArray
    buyer_price: FloatArray
    seller_price: FloatArray


def curves(book: Book) -> Curves:
    """Demand and supply at the book's own prices; orders without energy do not count."""
    bid_live, ask_live = book.bid_quanta > 0, book.ask_quanta > 0
    price = np.unique(np.concatenate([book.bid_price[bid_live], book.ask_price[ask_live]]))
    wanted = _by_price(price, book.bid_price[bid_live], book.bid_quanta[bid_live])
    offered = _by_price(price, book.ask_price[ask_live], book.ask_quanta[ask_live])
    at_or_above = np.cumsum(wanted[::-1])[::-1]
    at_or_below = np.cumsum(offered)
    return Curves(price, at_or_above, at_or_above - wanted, at_or_below, at_or_below - offered)


def largest_volume(curve: Curves) -> int:
    """Largest energy that buyers and sellers can exchange within their limits, in quanta."""
    return int(np.minimum(curve.demand_at_or_above, curve.supply_at_or_below).max(initial=0))


def equilibrium_prices(curve: Curves) -> tuple[float, float] | None:
    """Lowest and highest price that clears the market; None where nothing can be traded."""
    if largest_volume(curve) == 0:
        return None
    clears = (curve.demand_above <= curve.supply_at_or_below) & (curve.supply_below <= curve.demand_at_or_above)
    prices = curve.price[clears]
    return float(prices[0]), float(prices[-1])


def buyers_in_merit_order(book: Book) -> IntArray:
    """Indices of the bids, dearest first, then in time order."""
    return np.argsort(-book.bid_price, kind="stable")


def sellers_in_merit_order(book: Book) -> IntArray:
    """Indices of the asks, cheapest first, then in time order."""
    return np.argsort(book.ask_price, kind="stable")


def fill_in_order(quanta: IntArray, order: IntArray, volume: int) -> IntArray:
    """Energy of each order when `volume` is handed out in `order`, shape of `quanta`."""
    filled = np.zeros_like(quanta)
    placed_before = np.cumsum(quanta[order]) - quanta[order]
    filled[order] = np.clip(volume - placed_before, 0, quanta[order])
    return filled


def pair(bought: IntArray, sold: IntArray, buyers: IntArray, sellers: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Buyer index, seller index and quanta of each trade when both sides are laid end to end in the orders given.

    The sums of `bought` and `sold` must be equal.
    """
    bought_until, sold_until = np.cumsum(bought[buyers]), np.cumsum(sold[sellers])
    ends = np.unique(np.concatenate([bought_until, sold_until]))
    ends = ends[ends > 0]
    buyer = buyers[np.searchsorted(bought_until, ends)]
    seller = sellers[np.searchsorted(sold_until, ends)]
    return buyer, seller, np.diff(ends, prepend=0)


def trades_at_one_price(price: float, bought: IntArray, sold: IntArray, buyers: IntArray, sellers: IntArray) -> Trades:
    """All trades of a uniform price."""
    buyer, seller, quanta = pair(bought, sold, buyers, sellers)
    prices = np.full(len(quanta), price, dtype=np.float64)
    return Trades(buyer, seller, from_quanta(quanta), prices, prices)


def _by_price(price: FloatArray, order_price: FloatArray, quanta: IntArray) -> IntArray:
    sums = np.zeros(len(price), dtype=np.int64)
    np.add.at(sums, np.searchsorted(price, order_price), quanta)
    return sums
