"""Discriminatory double auction: every pair trades at its own price.

Pairs form in merit order (dearest bid with cheapest ask) up to the largest volume, and each trades at
`ask + k * (bid - ask)`. Parameter `k` in 0…1: 1 (the default) is pay-as-bid, 0.5 the midpoint of each pair, 0
pay-as-ask. Source: Nicolaisen, Petrov, Tesfatsion, IEEE Trans. Evolutionary Computation 5 (2001) 504.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Trades, negotiated, pairs_in_merit_order
from microgrid.market.merit_order import efficient_exchange
from microgrid.market.parameters import check_share

WAIVES: frozenset[str] = frozenset()


def clear_book(book: Book, *, k: float = 1.0) -> Clearing:
    """Clear pair by pair; `price` is None because there are as many prices as pairs.

    Raises:
        BookError: `k` lies outside 0…1.
    """
    check_share("k of pay_as_bid", k)
    best = efficient_exchange(book)

    def trades() -> Trades:
        return negotiated(book, pairs_in_merit_order(book, best.bought, best.sold), k)

    return Clearing("pay_as_bid", book, None, best.bought, best.sold, trades, WAIVES)
