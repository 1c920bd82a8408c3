"""Bilateral trades: pairs in merit order agree on a price between their limits, each order up to a cap.

The dearest bid meets the cheapest ask and so on down, while bid >= ask; each pair trades at
`ask + k * (bid - ask)`, the Nash bargaining price with bargaining power `1 - k` of the buyer. Parameters: `k` in 0…1
(0.5), `cap_kwh` (3.0), the most energy that one order trades in this way, `partners` (0: any number), the most others
that one order deals with. Source: Nash, Econometrica 18 (1950) 155; Sousa et al., Renewable and Sustainable Energy
Reviews 104 (2019) 367 (full peer-to-peer market).
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import negotiated
from microgrid.market.parameters import check_not_negative, check_share, check_whole
from microgrid.market.tiers import filled, negotiate

WAIVES = frozenset({"efficiency", "merit order", "time priority"})


def clear_book(book: Book, *, k: float = 0.5, cap_kwh: float = 3.0, partners: float = 0) -> Clearing:
    """Clear pair by pair up to the cap; `price` is None because there are as many prices as pairs.

    Raises:
        BookError: `k` lies outside 0…1, the cap is negative, or `partners` is no whole number.
    """
    check_share("k of bilateral", k)
    check_not_negative("cap_kwh of bilateral", cap_kwh)
    pairs = negotiate(book, cap_kwh, check_whole("partners of bilateral", partners))
    bought, sold = filled(book, pairs)
    return Clearing("bilateral", book, None, bought, sold, lambda: negotiated(book, pairs, k), WAIVES)
