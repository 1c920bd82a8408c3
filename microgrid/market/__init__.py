"""Market mechanisms: one book in, one clearing out.

`clear(Book.from_lists(bids=[(0.30, 2)], asks=[(0.10, 1)]))`
"""

from typing import Any

from microgrid.domain import plugins
from microgrid.domain.errors import UnknownNameError
from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.comparison import parameters_of
from microgrid.market.merit_order import clear_arrays

__all__ = ["Book", "Clearing", "clear", "clear_arrays"]


def clear(book: Book, mechanism: str = "uniform_price", **parameters: Any) -> Clearing:
    """Clear a book under a rule named as its file in `microgrid/market/mechanisms`.

    Args:
        book: The orders.
        mechanism: Name of the rule.
        parameters: Those that the rule has, by name.

    Raises:
        UnknownNameError: no such rule, or the rule has no such parameter; the message lists what there is.
        BookError: a parameter's value cannot be used.
    """
    known = parameters_of(mechanism)
    kind = f"parameter of {mechanism}"
    for name in parameters:
        if name not in known:
            raise UnknownNameError(kind, name, known or ["none"])
    result: Clearing = plugins.load("mechanism", mechanism).clear_book(book, **parameters)
    return result
