"""The baseline: nobody trades with a neighbour, everybody with the grid alone; no parameters.

Its volume and its welfare are zero, so the welfare of another rule is what that rule adds.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, nothing_traded

WAIVES = frozenset({"efficiency", "a single pair trades", "trade"})


def clear_book(book: Book) -> Clearing:
    """Fill nothing."""
    return nothing_traded("no_market", book, WAIVES)
