"""What must hold for every clearing, as predicates for tests and for run time, and what most rules promise."""

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.market.clearing import Clearing
from microgrid.market.quanta import summed

MONEY_TOLERANCE = 1e-9


def is_balanced(clearing: Clearing) -> bool:
    """Energy bought, energy sold and energy in the trades are equal, to the last quantum."""
    return bool(clearing.bought_quanta.sum() == clearing.sold_quanta.sum() == clearing.trades.quanta.sum())


def is_within_quantities(clearing: Clearing) -> bool:
    """No order is filled by more than it asked for, none by less than nothing."""
    return all(bool(((filled >= 0) & (filled <= wanted)).all()) for _, wanted, filled in _sides(clearing))


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
    bought = summed(trades.buyer, trades.quanta, len(book.bid_price))
    sold = summed(trades.seller, trades.quanta, len(book.ask_price))
    same = np.array_equal(bought, clearing.bought_quanta) and np.array_equal(sold, clearing.sold_quanta)
    return same and bool((trades.quanta > 0).all())


INVARIANTS = {
    "balance": is_balanced,
    "quantities": is_within_quantities,
    "individual rationality": is_individually_rational,
    "budget": has_no_deficit,
    "trades": has_consistent_trades,
}
"""Every predicate by name."""


def broken(clearing: Clearing) -> list[str]:
    """Names of the invariants that a clearing breaks, without those that its rule waives; empty when all hold."""
    return [name for name, holds in INVARIANTS.items() if name not in clearing.waives and not holds(clearing)]


def is_efficient(clearing: Clearing) -> bool:
    """No other exchange of the book has a larger welfare."""
    book = clearing.book
    turnover = float(np.abs(book.bid_price) @ clearing.bought + np.abs(book.ask_price) @ clearing.sold)
    return clearing.welfare >= clearing.best_welfare - MONEY_TOLERANCE * max(1.0, turnover)


def keeps_merit_order(clearing: Clearing) -> bool:
    """No order trades while a better limit of its side has energy left."""
    for worth, wanted, filled in _sides(clearing):
        served, waiting = worth[filled > 0], worth[filled < wanted]
        if len(served) and len(waiting) and waiting.max() > served.min():
            return False
    return True


def keeps_time_priority(clearing: Clearing) -> bool:
    """No order trades while an earlier one with the same limit has energy left."""
    for worth, wanted, filled in _sides(clearing):
        live = np.flatnonzero(wanted)
        order = live[np.argsort(worth[live], kind="stable")]
        earlier, later = order[:-1], order[1:]
        same = worth[earlier] == worth[later]
        if (same & (filled[later] > 0) & (filled[earlier] < wanted[earlier])).any():
            return False
    return True


PROMISES = {
    "efficiency": is_efficient,
    "merit order": keeps_merit_order,
    "time priority": keeps_time_priority,
}
"""What a rule does unless it waives it; nothing that must hold for the books to be right."""


def unkept(clearing: Clearing) -> list[str]:
    """Names of the promises that a clearing does not keep, without those that its rule waives."""
    return [name for name, holds in PROMISES.items() if name not in clearing.waives and not holds(clearing)]


def _sides(clearing: Clearing) -> tuple[tuple[FloatArray, IntArray, IntArray], ...]:
    """Worth (higher is better), quanta and fill of both sides."""
    book = clearing.book
    return (
        (book.bid_price, book.bid_quanta, clearing.bought_quanta),
        (-book.ask_price, book.ask_quanta, clearing.sold_quanta),
    )
