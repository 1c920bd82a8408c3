"""Double auction at one price between the limits of the last bid and the last ask that trade.

The largest volume is traded in merit order; price = (1 - k) * last accepted ask + k * last accepted bid. Parameter `k`
in 0…1: 0 is the ask-side price (the last accepted ask, as in wholesale merit order), 1 the bid-side price, 0.5 (the
default) the middle of the pair. Nobody trades at a loss, but the price may lie outside the interval of prices that
clear the market: an order of which a part is left over would then gladly trade more. Source: Wilson, Econometrica 53
(1985) 1101, and the pay-as-clear rules of local market simulators.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price, nothing_traded
from microgrid.market.marginal import marginal_ask, marginal_bid
from microgrid.market.merit_order import efficient_exchange
from microgrid.market.parameters import check_share

WAIVES: frozenset[str] = frozenset()


def clear_book(book: Book, *, k: float = 0.5) -> Clearing:
    """Clear between the last accepted ask and the last accepted bid; price None where nothing trades.

    Raises:
        BookError: `k` lies outside 0…1.
    """
    check_share("k of last_pair", k)
    best = efficient_exchange(book)
    if best.volume == 0:
        return nothing_traded("last_pair", book, WAIVES)
    ask, bid = book.ask_price[marginal_ask(book, best.sold)], book.bid_price[marginal_bid(book, best.bought)]
    price = float((1 - k) * ask + k * bid)
    return at_one_price("last_pair", book, price, (best.bought, best.sold), WAIVES)
