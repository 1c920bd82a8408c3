"""The orders at the margin: the last that trade and the first that do not."""

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.market.book import Book
from microgrid.market.merit_order import MeritOrder


def marginal_bid(book: Book, bought: IntArray) -> int:
    """Index of the last bid in merit order that is filled at all; there must be one."""
    filled = np.flatnonzero(bought)
    price = book.bid_price[filled]
    return int(filled[price == price.min()][-1])


def marginal_ask(book: Book, sold: IntArray) -> int:
    """Index of the last ask in merit order that is filled at all; there must be one."""
    filled = np.flatnonzero(sold)
    price = book.ask_price[filled]
    return int(filled[price == price.max()][-1])


def first_excluded_bid(book: Book, bought: IntArray) -> float | None:
    """Limit of the dearest bid that is not filled at all; None where every bid trades."""
    excluded = book.bid_price[(bought == 0) & (book.bid_quanta > 0)]
    return float(excluded.max()) if len(excluded) else None


def first_excluded_ask(book: Book, sold: IntArray) -> float | None:
    """Limit of the cheapest ask that is not filled at all; None where every ask trades."""
    excluded = book.ask_price[(sold == 0) & (book.ask_quanta > 0)]
    return float(excluded.min()) if len(excluded) else None


def without_marginal_orders(book: Book, best: MeritOrder) -> tuple[IntArray, IntArray]:
    """Quanta of the bids and of the asks that rank before the marginal order of their side; zero for the others."""
    wanted, offered = best.bought.copy(), best.sold.copy()
    wanted[marginal_bid(book, best.bought)] = 0
    offered[marginal_ask(book, best.sold)] = 0
    return wanted, offered
