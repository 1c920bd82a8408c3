"""What a mechanism makes of a book, and the shape every mechanism has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.market.book import Book
from microgrid.market.ladder import Trades, at_prices, pairs_in_merit_order, pairs_in_time_order
from microgrid.market.merit_order import efficient_exchange
from microgrid.market.quanta import from_quanta


@dataclass(frozen=True, eq=False)  # without slots: the trades are made when they are asked for, and kept
class Clearing:
    """Outcome of one auction.

    Attributes:
        mechanism: Name of the rule.
        book: The orders it was given.
        price: The one price of the exchange, before fees, currency per kWh; None without trades or with several prices.
        bought_quanta: Energy of each bid that was filled, quanta, shape (bids,).
        sold_quanta: Energy of each ask that was filled, quanta, shape (asks,).
        pairing: Makes the trades.
        waives: Names of the invariants and promises (`microgrid.market.invariants`) that the rule does not give.
    """

    mechanism: str
    book: Book
    price: float | None
    bought_quanta: IntArray
    sold_quanta: IntArray
    pairing: Callable[[], Trades]
    waives: frozenset[str] = frozenset()

    @cached_property
    def trades(self) -> Trades:
        """Who trades with whom, at which price."""
        return self.pairing()

    @property
    def bought(self) -> FloatArray:
        """Energy of each bid that was filled, kWh, shape (bids,)."""
        return from_quanta(self.bought_quanta)

    @property
    def sold(self) -> FloatArray:
        """Energy of each ask that was filled, kWh, shape (asks,)."""
        return from_quanta(self.sold_quanta)

    @property
    def volume(self) -> float:
        """Energy traded, kWh."""
        return float(from_quanta(self.bought_quanta.sum()))

    @property
    def welfare(self) -> float:
        """Gain of all traders and the operator: sum of bid limit times energy bought less ask limit times energy sold.

        An ask limit is what the energy is worth to the seller, a bid limit what it is worth to the buyer.
        """
        return _welfare(self.book, self.bought_quanta, self.sold_quanta)

    @cached_property
    def best_welfare(self) -> float:
        """The largest welfare that the book allows."""
        best = efficient_exchange(self.book)
        return _welfare(self.book, best.bought, best.sold)

    @property
    def budget_surplus(self) -> float:
        """What the operator keeps, negative where it pays in: paid by buyers minus received by sellers."""
        trades = self.trades
        return float(((trades.buyer_price - trades.seller_price) * trades.quantity).sum())

    @property
    def bid_gain(self) -> FloatArray:
        """Gain of each bid, shape (bids,): limit times energy bought minus what is paid."""
        trades, book = self.trades, self.book
        paid = np.bincount(trades.buyer, trades.buyer_price * trades.quantity, len(book.bid_price))
        return book.bid_price * self.bought - paid

    @property
    def ask_gain(self) -> FloatArray:
        """Gain of each ask, shape (asks,): what is received minus limit times energy sold."""
        trades, book = self.trades, self.book
        received = np.bincount(trades.seller, trades.seller_price * trades.quantity, len(book.ask_price))
        return received - book.ask_price * self.sold

    def to_document(self) -> dict[str, Any]:
        """The result as plain lists and numbers, ready for JSON."""
        return {
            "mechanism": self.mechanism,
            "clearing_price": self.price,
            "volume": self.volume,
            "welfare": self.welfare,
            "trades": self._trade_documents(),
            "unmatched": self._unmatched(),
        }

    def _trade_documents(self) -> list[dict[str, Any]]:
        book, trades = self.book, self.trades
        columns = (trades.buyer, trades.seller, trades.quantity, trades.buyer_price, trades.seller_price)
        documents = [
            {
                "buyer": book.bid_ids[buyer],
                "seller": book.ask_ids[seller],
                "qty": quantity,
                "buyer_price": buyer_price,
                "seller_price": seller_price,
            }
            for buyer, seller, quantity, buyer_price, seller_price in zip(*(c.tolist() for c in columns), strict=True)
        ]
        if trades.tier is not None:
            for document, tier in zip(documents, trades.tier.tolist(), strict=True):
                document["tier"] = trades.tiers[tier]
        return documents

    def _unmatched(self) -> list[dict[str, Any]]:
        book = self.book
        sides = (
            ("bid", book.bid_ids, book.bid_price, from_quanta(book.bid_quanta - self.bought_quanta)),
            ("ask", book.ask_ids, book.ask_price, from_quanta(book.ask_quanta - self.sold_quanta)),
        )
        return [
            {"id": ids[index], "side": side, "price": float(price[index]), "qty": float(left[index])}
            for side, ids, price, left in sides
            for index in np.flatnonzero(left > 0).tolist()
        ]


class Mechanism(Protocol):
    """What the module of a mechanism offers."""

    WAIVES: frozenset[str]
    """Invariants and promises (`microgrid.market.invariants`) that the rule does not give."""

    def clear_book(self, book: Book, **parameters: Any) -> Clearing:
        """Clear a book; parameters are keyword-only and named in the module's docstring."""


def at_one_price(
    mechanism: str,
    book: Book,
    price: float | None,
    filled: tuple[IntArray, IntArray],
    waives: frozenset[str] = frozenset(),
    *,
    ranked: bool = True,
) -> Clearing:
    """The clearing in which everybody pays and gets the same price.

    Args:
        mechanism: Name of the rule.
        book: The orders.
        price: The price; None only where nothing is filled.
        filled: Fill of each bid and of each ask, quanta.
        waives: As in `Clearing`.
        ranked: Whether pairs meet in merit order (or in order of time).
    """
    bought, sold = filled

    def trades() -> Trades:
        pairs = pairs_in_merit_order(book, bought, sold) if ranked else pairs_in_time_order(bought, sold)
        return at_prices(pairs, price or 0.0, price or 0.0)

    return Clearing(mechanism, book, price if bought.any() else None, bought, sold, trades, waives)


def nothing_traded(mechanism: str, book: Book, waives: frozenset[str] = frozenset()) -> Clearing:
    """The clearing of a book in which nobody trades."""
    return Clearing(
        mechanism, book, None, np.zeros_like(book.bid_quanta), np.zeros_like(book.ask_quanta), _none, waives
    )


def _none() -> Trades:
    index, price = np.zeros(0, np.int64), np.zeros(0)
    return Trades(index, index, index, price, price)


def _welfare(book: Book, bought: IntArray, sold: IntArray) -> float:
    return float(book.bid_price @ from_quanta(bought) - book.ask_price @ from_quanta(sold))
