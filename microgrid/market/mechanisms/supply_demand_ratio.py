"""Supply-demand ratio: the price falls from retail to feed-in as supply grows, shared in proportion.

With S offered, D wanted (by all orders) and r = S / D, min(S, D) is exchanged at
p = feed_in * retail / ((retail - feed_in) * r + feed_in), feed_in where r >= 1, and shared out in proportion to the
orders. The rest goes to the grid, so a kWh costs and earns on average what
`microgrid.market.sharing.supply_demand_prices` says. An order whose limit does not accept p stays out. Parameters:
`retail` and `feed_in`, what the grid takes and pays per kWh; left out, they are the highest bid and the lowest ask of
the book, not below zero. Source: Liu et al., IEEE Trans. Power Systems 32 (2017), doi:10.1109/TPWRS.2017.2649558,
equations 7-10.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price, nothing_traded
from microgrid.market.pool import accepting, grid_prices, shared_pro_rata
from microgrid.market.quanta import from_quanta
from microgrid.market.sharing import supply_demand_price

WAIVES = frozenset({"efficiency", "merit order", "time priority"})


def clear_book(book: Book, *, retail: float | None = None, feed_in: float | None = None) -> Clearing:
    """Share at the internal price; price None where nothing trades.

    Raises:
        BookError: prices of the grid that cannot be, or feed-in above retail.
    """
    grid = grid_prices(book, "supply_demand_ratio", retail, feed_in)
    if grid is None:
        return nothing_traded("supply_demand_ratio", book, WAIVES)
    wanted, offered = (float(from_quanta(quanta.sum())) for quanta in (book.bid_quanta, book.ask_quanta))
    price = float(supply_demand_price(wanted, offered, grid.retail, grid.feed_in))
    filled = shared_pro_rata(*accepting(book, price))
    return at_one_price("supply_demand_ratio", book, price, filled, WAIVES, ranked=False)
