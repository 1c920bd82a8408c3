"""One book under every rule: what each gives to whom."""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import UnknownNameError
from microgrid.market.book import Book
from microgrid.market.clearing import Clearing

GAIN_TOLERANCE = 1e-9
"""Less than this is neither a gain nor a loss, in currency units."""


@dataclass(frozen=True, slots=True)
class Loser:
    """The order that loses most.

    Attributes:
        name: Its id in the book.
        side: `bid` or `ask`.
        gain: What it gains, negative, in currency units.
    """

    name: str
    side: str
    gain: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule makes of a book; gains are measured by the orders' own limits, against no trade at all.

    Attributes:
        clearing: The result itself.
        buyer_price: Mean price that buyers pay, fees included, currency per kWh; None where nothing is traded.
        seller_price: Mean price that sellers get; None likewise.
        best_welfare: The largest welfare that the book allows.
        welfare_share: The part of it that the rule reaches; None where there is none to reach.
        operator_surplus: What the operator keeps, negative where it pays in.
        gainers: Number of orders that are better off.
        losers: Number of orders that are worse off.
        biggest_loser: The order that loses most; None where nobody loses.
    """

    clearing: Clearing
    buyer_price: float | None
    seller_price: float | None
    best_welfare: float
    welfare_share: float | None
    operator_surplus: float
    gainers: int
    losers: int
    biggest_loser: Loser | None

    def to_document(self) -> dict[str, Any]:
        """The clearing's document with the figures of the comparison beside it, ready for JSON."""
        loser = self.biggest_loser
        return self.clearing.to_document() | {
            "average_buyer_price": self.buyer_price,
            "average_seller_price": self.seller_price,
            "best_welfare": self.best_welfare,
            "welfare_share": self.welfare_share,
            "operator_surplus": self.operator_surplus,
            "gainers": self.gainers,
            "losers": self.losers,
            "biggest_loser": None if loser is None else {"id": loser.name, "side": loser.side, "gain": loser.gain},
        }


def parameters_of(mechanism: str) -> dict[str, Any]:
    """Parameters of a rule with their defaults.

    Raises:
        UnknownNameError: there is no such rule.
    """
    rule = plugins.load("mechanism", mechanism).clear_book
    found = inspect.signature(rule).parameters.values()
    return {parameter.name: parameter.default for parameter in found if parameter.name != "book"}


def under_every_rule(book: Book, **parameters: float) -> list[Outcome]:
    """Clear a book under every rule, in alphabetical order.

    Args:
        book: The orders.
        parameters: Each is given to every rule that has one of that name.

    Raises:
        UnknownNameError: no rule has a parameter of that name.
        BookError: a parameter's value cannot be used.
    """
    known = {name: parameters_of(name) for name in plugins.names("mechanism")}
    every = {parameter for rule in known.values() for parameter in rule}
    kind = "parameter of the rules"
    for name in parameters:
        if name not in every:
            raise UnknownNameError(kind, name, every)
    return [
        outcome(plugins.load("mechanism", name).clear_book(book, **{k: v for k, v in parameters.items() if k in rule}))
        for name, rule in known.items()
    ]


def outcome(clearing: Clearing) -> Outcome:
    """The figures of one clearing."""
    trades, best = clearing.trades, clearing.best_welfare
    bid_gain, ask_gain = clearing.bid_gain, clearing.ask_gain
    gains = np.concatenate([bid_gain, ask_gain])
    return Outcome(
        clearing,
        _mean(trades.buyer_price, trades.quantity),
        _mean(trades.seller_price, trades.quantity),
        best,
        clearing.welfare / best if best > GAIN_TOLERANCE else None,
        clearing.budget_surplus,
        int((gains > GAIN_TOLERANCE).sum()),
        int((gains < -GAIN_TOLERANCE).sum()),
        _biggest_loser(clearing.book, bid_gain, ask_gain),
    )


def _mean(price: FloatArray, weight: FloatArray) -> float | None:
    return float(np.average(price, weights=weight)) if len(price) else None


def _biggest_loser(book: Book, bid_gain: FloatArray, ask_gain: FloatArray) -> Loser | None:
    sides = (("bid", book.bid_ids, bid_gain), ("ask", book.ask_ids, ask_gain))
    worst = [Loser(ids[int(gain.argmin())], side, float(gain.min())) for side, ids, gain in sides if len(gain)]
    loser = min(worst, key=lambda one: one.gain, default=None)
    return loser if loser is not None and loser.gain < -GAIN_TOLERANCE else None
