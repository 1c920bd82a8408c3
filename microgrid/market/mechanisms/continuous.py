"""Continuous double auction: orders meet as they come, at the price of the one that waited; no parameters.

Orders arrive by their position in the book, a bid before the ask of the same position. An arriving order trades at
once with the best waiting orders of the other side (dearest bid, cheapest ask; equal prices in order of time), each at
the waiting order's limit, for as long as its own limit allows; what is left of it waits. Who comes early may trade with
somebody whom the merit order would leave out, so welfare is lost. Source: Smith, J. Political Economy 70 (1962) 111;
price-time priority as on stock exchanges.
"""

from heapq import heappop, heappush

import numpy as np

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Trades

WAIVES = frozenset({"efficiency", "merit order"})


class _Floor:
    """Waiting orders, what is left of each order, and the trades so far."""

    def __init__(self, book: Book) -> None:
        self.bid_price, self.ask_price = book.bid_price.tolist(), book.ask_price.tolist()
        self.bid_left, self.ask_left = book.bid_quanta.tolist(), book.ask_quanta.tolist()
        self.bids: list[tuple[float, int]] = []
        self.asks: list[tuple[float, int]] = []
        self.trades: list[tuple[int, int, int, float]] = []

    def open(self) -> None:
        """Let every order arrive."""
        for position in range(max(len(self.bid_price), len(self.ask_price))):
            if position < len(self.bid_price):
                self.bid(position)
            if position < len(self.ask_price):
                self.ask(position)

    def bid(self, buyer: int) -> None:
        """A buyer arrives."""
        limit = self.bid_price[buyer]
        while self.bid_left[buyer] and self.asks and self.asks[0][0] <= limit:
            price, seller = self.asks[0]
            self.trade(buyer, seller, price)
            if not self.ask_left[seller]:
                heappop(self.asks)
        if self.bid_left[buyer]:
            heappush(self.bids, (-limit, buyer))

    def ask(self, seller: int) -> None:
        """A seller arrives."""
        limit = self.ask_price[seller]
        while self.ask_left[seller] and self.bids and -self.bids[0][0] >= limit:
            price, buyer = self.bids[0]
            self.trade(buyer, seller, -price)
            if not self.bid_left[buyer]:
                heappop(self.bids)
        if self.ask_left[seller]:
            heappush(self.asks, (limit, seller))

    def trade(self, buyer: int, seller: int, price: float) -> None:
        """Exchange as much as both have left."""
        quanta = min(self.bid_left[buyer], self.ask_left[seller])
        self.bid_left[buyer] -= quanta
        self.ask_left[seller] -= quanta
        self.trades.append((buyer, seller, quanta, price))


def clear_book(book: Book) -> Clearing:
    """Let the orders arrive one by one; `price` is None because every trade has its own."""
    floor = _Floor(book)
    floor.open()
    index = np.array([trade[:3] for trade in floor.trades], dtype=np.int64).reshape(-1, 3)
    price = np.array([trade[3] for trade in floor.trades], dtype=np.float64)
    trades = Trades(index[:, 0], index[:, 1], index[:, 2], price, price)
    bought = book.bid_quanta - np.array(floor.bid_left, dtype=np.int64)
    sold = book.ask_quanta - np.array(floor.ask_left, dtype=np.int64)
    return Clearing("continuous", book, None, bought, sold, lambda: trades, WAIVES)
