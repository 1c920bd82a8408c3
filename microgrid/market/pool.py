"""Sharing in proportion inside one book: who accepts the price of the pool, and how much each one gets."""

from typing import NamedTuple

from microgrid.domain.arrays import IntArray
from microgrid.domain.errors import BookError
from microgrid.market.book import Book
from microgrid.market.parameters import check_not_negative
from microgrid.market.quanta import apportioned, coarsest_unit

PRICE_SLACK = 1e-12
"""A limit may miss the pool's price by this much, so that 0.2 accepts (0.1 + 0.3) / 2."""


class GridPrices(NamedTuple):
    """What the grid takes and pays for a kWh."""

    retail: float
    feed_in: float


def grid_prices(book: Book, rule: str, retail: float | None, feed_in: float | None) -> GridPrices | None:
    """The prices of the grid; what is None is read from the book: the highest bid and the lowest ask, not below zero.

    Who can buy from the grid bids no more than its price, and who can sell to it asks no less. None where the book has
    no such order.

    Raises:
        BookError: a price below zero or above 1e9, or a feed-in price above the retail price.
    """
    for name, price in (("retail", retail), ("feed_in", feed_in)):
        if price is not None:
            check_not_negative(f"{name} of {rule}", price)
    if retail is not None and feed_in is not None and feed_in > retail:
        raise BookError(what=f"feed_in of {rule}", found=feed_in, right=f"at most retail, {retail:g}")
    bids, asks = book.bid_price[book.bid_quanta > 0], book.ask_price[book.ask_quanta > 0]
    if not len(bids) or not len(asks):
        return None
    highest, lowest = max(float(bids.max()), 0.0), max(float(asks.min()), 0.0)
    return GridPrices(highest if retail is None else retail, lowest if feed_in is None else feed_in)


def accepting(book: Book, price: float) -> tuple[IntArray, IntArray]:
    """Quanta of the bids and of the asks whose limits accept a price; zero for the others."""
    bids, asks = book.bid_price >= price - PRICE_SLACK, book.ask_price <= price + PRICE_SLACK
    return book.bid_quanta * bids, book.ask_quanta * asks


def shared_pro_rata(wanted: IntArray, offered: IntArray) -> tuple[IntArray, IntArray]:
    """Fills of both sides: the smaller side is filled whole, the larger one in proportion, in the coarsest unit."""
    unit = coarsest_unit(wanted, offered)
    wanted, offered = wanted // unit, offered // unit
    volume = min(int(wanted.sum()), int(offered.sum()))
    return apportioned(volume, wanted) * unit, apportioned(volume, offered) * unit
