"""Double auction at one price inside the interval of clearing prices (the k-double auction).

The largest volume is traded in merit order, which gives the largest welfare. With [low, high] the interval of prices
that clear the market, price = (1 - k) * low + k * high. Parameter `k` in 0…1: 0.5 (the default) is the middle, 1 the
highest clearing price, which favours sellers, 0 the lowest, which favours buyers. Source: Rustichini, Satterthwaite,
Williams, Econometrica 62 (1994) 1041.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price
from microgrid.market.merit_order import efficient_exchange
from microgrid.market.parameters import check_share

WAIVES: frozenset[str] = frozenset()


def clear_book(book: Book, *, k: float = 0.5) -> Clearing:
    """Clear at the part `k` of the equilibrium interval; price None where nothing trades.

    Raises:
        BookError: `k` lies outside 0…1.
    """
    check_share("k of uniform_price", k)
    best = efficient_exchange(book)
    return at_one_price("uniform_price", book, best.price(k), (best.bought, best.sold), WAIVES)
