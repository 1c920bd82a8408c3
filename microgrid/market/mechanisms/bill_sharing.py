"""Bill sharing: neighbours give each other energy for nothing and share the community's bill; no parameters.

min(S, D) of the energy offered and wanted is shared out in proportion to the orders, at the price 0 and whatever the
limits; who sells is rewarded when the bill with the grid is shared over the whole time, at
`microgrid.market.sharing.bill_sharing_prices`. In a single book that reward is missing, so sellers lose. Source: Long
et al., IEEE PESGM 2017, doi:10.1109/PESGM.2017.8274546, equations 12-14.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price
from microgrid.market.pool import shared_pro_rata

WAIVES = frozenset({"individual rationality", "efficiency", "merit order", "time priority"})


def clear_book(book: Book) -> Clearing:
    """Share for nothing; price None where nothing can be shared."""
    filled = shared_pro_rata(book.bid_quanta, book.ask_quanta)
    return at_one_price("bill_sharing", book, 0.0, filled, WAIVES, ranked=False)
