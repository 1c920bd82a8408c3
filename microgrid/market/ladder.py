"""Who trades with whom, and at which prices: fills of both sides paired into trades."""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.market.book import Book
from microgrid.market.quanta import from_quanta


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Buyers and sellers that exchange energy, shape (trades,).

    Attributes:
        buyer: Index of the bid in the book.
        seller: Index of the ask in the book.
        quanta: Energy, in quanta.
    """

    buyer: IntArray
    seller: IntArray
    quanta: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Trades:
    """Pairs of a buyer and a seller with what they pay and get, shape (trades,).

    Attributes:
        buyer: Index of the bid in the book.
        seller: Index of the ask in the book.
        quanta: Energy, in quanta.
        buyer_price: What the buyer pays, currency per kWh.
        seller_price: What the seller gets, currency per kWh.
        tier: Index into `tiers` of the market in which the pair met; None where there is one market only.
        tiers: Names of the markets.
    """

    buyer: IntArray
    seller: IntArray
    quanta: IntArray
    buyer_price: FloatArray
    seller_price: FloatArray
    tier: IntArray | None = None
    tiers: tuple[str, ...] = ()

    @property
    def quantity(self) -> FloatArray:
        """Energy, kWh."""
        return from_quanta(self.quanta)


def pair(bought: IntArray, sold: IntArray, buyers: IntArray, sellers: IntArray) -> Pairs:
    """Both sides laid end to end in the orders given and cut wherever one order ends.

    Args:
        bought: Fill of each bid in quanta, shape (bids,).
        sold: Fill of each ask in quanta, with the same sum, shape (asks,).
        buyers: Indices of the bids that have a fill, in the order in which they are served.
        sellers: Indices of the asks that have a fill, likewise.
    """
    bought_until, sold_until = np.cumsum(bought[buyers]), np.cumsum(sold[sellers])
    ends = np.sort(np.concatenate([bought_until, sold_until]))
    quanta = np.diff(ends, prepend=0)
    ends, quanta = ends[quanta > 0], quanta[quanta > 0]
    buyer = buyers[np.searchsorted(bought_until, ends)]
    seller = sellers[np.searchsorted(sold_until, ends)]
    return Pairs(buyer, seller, quanta)


def pairs_in_merit_order(book: Book, bought: IntArray, sold: IntArray) -> Pairs:
    """Dearest bid with cheapest ask and so on down; equal prices in order of time."""
    buyers, sellers = np.flatnonzero(bought), np.flatnonzero(sold)
    buyers = buyers[np.argsort(-book.bid_price[buyers], kind="stable")]
    sellers = sellers[np.argsort(book.ask_price[sellers], kind="stable")]
    return pair(bought, sold, buyers, sellers)


def pairs_in_time_order(bought: IntArray, sold: IntArray) -> Pairs:
    """First filled bid with first filled ask and so on, for rules that rank nobody."""
    return pair(bought, sold, np.flatnonzero(bought), np.flatnonzero(sold))


def at_prices(pairs: Pairs, buyer_price: float | FloatArray, seller_price: float | FloatArray) -> Trades:
    """Trades of the pairs; a price is one number, or one for each pair."""
    shape = pairs.quanta.shape
    paid, received = (np.broadcast_to(np.asarray(side, np.float64), shape) for side in (buyer_price, seller_price))
    return Trades(pairs.buyer, pairs.seller, pairs.quanta, paid, received)


def in_tiers(**parts: Trades) -> Trades:
    """The trades of several markets, one after the other, each with the name of its market."""
    markets = list(parts.values())
    return Trades(
        np.concatenate([part.buyer for part in markets]),
        np.concatenate([part.seller for part in markets]),
        np.concatenate([part.quanta for part in markets]),
        np.concatenate([part.buyer_price for part in markets]),
        np.concatenate([part.seller_price for part in markets]),
        np.repeat(np.arange(len(markets)), [len(part.quanta) for part in markets]),
        tuple(parts),
    )


def negotiated(book: Book, pairs: Pairs, k: float) -> Trades:
    """Each pair at its own price between its limits: ask + k * (bid - ask)."""
    price = k * book.bid_price[pairs.buyer] + (1 - k) * book.ask_price[pairs.seller]
    return at_prices(pairs, price, price)
