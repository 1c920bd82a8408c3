"""Mid-market rate: everybody exchanges at the middle of the grid's two prices, in proportion.

With S offered and D wanted, min(S, D) is exchanged at p = (retail + feed_in) / 2 and shared out in proportion to the
orders. The rest goes to the grid, so a kWh costs and earns on average what `microgrid.market.sharing.mid_market_prices`
says. An order whose limit does not accept p stays out. Parameters: `retail` and `feed_in`, what the grid takes and pays
per kWh; left out, they are the highest bid and the lowest ask of the book, not below zero. Source: Long et al., IEEE
PESGM 2017, doi:10.1109/PESGM.2017.8274546, equations 15-17.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price, nothing_traded
from microgrid.market.pool import accepting, grid_prices, shared_pro_rata
from microgrid.market.quanta import from_quanta
from microgrid.market.sharing import mid_market_price

WAIVES = frozenset({"efficiency", "merit order", "time priority"})


def clear_book(book: Book, *, retail: float | None = None, feed_in: float | None = None) -> Clearing:
    """Share at the internal price; price None where nothing trades.

    Raises:
        BookError: prices of the grid that cannot be, or feed-in above retail.
    """
    grid = grid_prices(book, "mid_market_rate", retail, feed_in)
    if grid is None:
        return nothing_traded("mid_market_rate", book, WAIVES)
    wanted, offered = (float(from_quanta(quanta.sum())) for quanta in (book.bid_quanta, book.ask_quanta))
    price = float(mid_market_price(wanted, offered, grid.retail, grid.feed_in))
    filled = shared_pro_rata(*accepting(book, price))
    return at_one_price("mid_market_rate", book, price, filled, WAIVES, ranked=False)
