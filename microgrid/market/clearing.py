"""What a mechanism makes of a book, and the shape every mechanism has."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from microgrid.market.book import Book, FloatArray, from_quanta, to_quanta
from microgrid.market.ladder import Trades


@dataclass(frozen=True, eq=False, slots=True)
class Clearing:
    """Outcome of one auction.

    Attributes:
        mechanism: Name of the rule.
        book: The orders it was given.
        price: The one price of all trades, currency per kWh; None without trades or with several prices.
        bought: Energy of each bid that was filled, kWh, shape (bids,).
        sold: Energy of each ask that was filled, kWh, shape (asks,).
        trades: Who trades with whom, at which price.
    """

    mechanism: str
    book: Book
    price: float | None
    bought: FloatArray
    sold: FloatArray
    trades: Trades

    @property
    def volume(self) -> float:
        """Energy traded, kWh."""
        return float(self.trades.quantity.sum())

    @property
    def welfare(self) -> float:
        """Gain of all traders together: sum of bid limit times energy bought minus ask limit times energy sold."""
        gain = self.book.bid_price @ self.bought - self.book.ask_price @ self.sold
        return float(gain)

    @property
    def budget_surplus(self) -> float:
        """What the operator keeps: paid by buyers minus received by sellers."""
        trades = self.trades
        return float(((trades.buyer_price - trades.seller_price) * trades.quantity).sum())

    def to_document(self) -> dict[str, Any]:
        """The result as plain lists and numbers, ready for JSON."""
        book, trades = self.book, self.trades
        rows = zip(
            trades.buyer.tolist(),
            trades.seller.tolist(),
            trades.quantity.tolist(),
            trades.buyer_price.tolist(),
            trades.seller_price.tolist(),
            strict=True,
        )
        return {
            "mechanism": self.mechanism,
            "clearing_price": self.price,
            "volume": self.volume,
            "welfare": self.welfare,
            "trades": [
                {
                    "buyer": book.bid_ids[buyer],
                    "seller": book.ask_ids[seller],
                    "qty": quantity,
                    "buyer_price": buyer_price,
                    "seller_price": seller_price,
                }
                for buyer, seller, quantity, buyer_price, seller_price in rows
            ],
            "unmatched": self._unmatched(),
        }

    def _unmatched(self) -> list[dict[str, Any]]:
        book = self.book
        sides = (
            ("bid", book.bid_ids, book.bid_price, book.bid_quantity, self.bought),
            ("ask", book.ask_ids, book.ask_price, book.ask_quantity, self.sold),
        )
        return [
            {"id": ids[index], "side": side, "price": float(price[index]), "qty": left}
            for side, ids, price, quantity, filled in sides
            for index, left in enumerate(_remaining(quantity, filled))
            if left > 0
        ]


class Mechanism(Protocol):
    """What the module of a mechanism offers."""

    def clear_book(self, book: Book, **parameters: Any) -> Clearing:
        """Clear a book; parameters are keyword-only and named in the module's docstring."""


def _remaining(quantity: FloatArray, filled: FloatArray) -> list[float]:
    left: list[float] = from_quanta(np.maximum(to_quanta(quantity) - to_quanta(filled), 0)).tolist()
    return left
