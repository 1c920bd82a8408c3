"""Double auction at one price, the middle of all prices that clear the market (k = 0.5); no parameters.

The largest volume is traded in merit order, which gives the largest welfare. With [low, high] the interval of
equilibrium prices, price = (low + high) / 2. Source: Rustichini, Satterthwaite, Williams, Econometrica 62 (1994) 1041,
the k-double auction with k = 1/2.
"""

from microgrid.market.book import Book, from_quanta
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import (
    buyers_in_merit_order,
    curves,
    equilibrium_prices,
    fill_in_order,
    largest_volume,
    sellers_in_merit_order,
    trades_at_one_price,
)


def clear_book(book: Book) -> Clearing:
    """Clear at the middle of the equilibrium interval; price None where nothing trades."""
    curve = curves(book)
    volume, interval = largest_volume(curve), equilibrium_prices(curve)
    price = (interval[0] + interval[1]) / 2 if interval else None
    buyers, sellers = buyers_in_merit_order(book), sellers_in_merit_order(book)
    bought = fill_in_order(book.bid_quanta, buyers, volume)
    sold = fill_in_order(book.ask_quanta, sellers, volume)
    trades = trades_at_one_price(price or 0.0, bought, sold, buyers, sellers)
    return Clearing("uniform_price", book, price, from_quanta(bought), from_quanta(sold), trades)
