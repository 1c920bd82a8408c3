"""What must hold for every clearing, as predicates for tests and for run time."""

import numpy as np

from microgrid.market.book import to_quanta
from microgrid.market.clearing import Clearing

MONEY_TOLERANCE = 1e-9


def is_balanced(clearing: Clearing) -> bool:
    """Energy bought, energy sold and energy in the trades are equal, to the last quantum."""
    bought, sold = to_quanta(clearing.bought).sum(), to_quanta(clearing.sold).sum()
    return bool(bought == sold == to_quanta(clearing.trades.quantity).sum())


def is_within_quantities(clearing: Clearing) -> bool:
    """No order is filled by more than it asked for, none by less than nothing."""
    pairs = ((clearing.bought, clearing.book.bid_quantity), (clearing.sold, clearing.book.ask_quantity))
    return all(bool(((filled >= 0) & (to_quanta(filled) <= to_quanta(wanted))).all()) for filled, wanted in pairs)


def is_individually_rational(clearing: Clearing) -> bool:
    """No buyer pays more than its limit, no seller gets less."""
    trades, book = clearing.trades, clearing.book
    bid, ask = book.bid_price[trades.buyer], book.ask_price[trades.seller]
    slack = MONEY_TOLERANCE * np.maximum(1.0, np.maximum(np.abs(bid), np.abs(ask)))
    return bool(((trades.buyer_price <= bid + slack) & (trades.seller_price >= ask - slack)).all())


def has_no_deficit(clearing: Clearing) -> bool:
    """Buyers pay at least what sellers get."""
    trades = clearing.trades
    turnover = float((np.abs(trades.buyer_price) * trades.quantity).sum())
    return clearing.budget_surplus >= -MONEY_TOLERANCE * max(1.0, turnover)


def has_consistent_trades(clearing: Clearing) -> bool:
    """The trades of each order add up to its fill, and every trade carries energy."""
    trades, book = clearing.trades, clearing.book
    quanta = to_quanta(trades.quantity)
    bought, sold = np.zeros_like(book.bid_quanta), np.zeros_like(book.ask_quanta)
    np.add.at(bought, trades.buyer, quanta)
    np.add.at(sold, trades.seller, quanta)
    same = np.array_equal(bought, to_quanta(clearing.bought)) and np.array_equal(sold, to_quanta(clearing.sold))
    return same and bool((quanta > 0).all())


INVARIANTS = {
    "balance": is_balanced,
    "quantities": is_within_quantities,
    "individual rationality": is_individually_rational,
    "budget": has_no_deficit,
    "trades": has_consistent_trades,
}
"""Every predicate by name."""


def broken(clearing: Clearing) -> list[str]:
    """Names of the invariants that a clearing breaks; empty when all hold."""
    return [name for name, holds in INVARIANTS.items() if not holds(clearing)]
