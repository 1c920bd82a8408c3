"""McAfee's truthful double auction: one price, or two prices and one pair less; no parameters.

With bids sorted down and asks sorted up let k be the last pair that can trade, and p0 = (bid[k+1] + ask[k+1]) / 2 the
middle of the first pair left out. If ask[k] <= p0 <= bid[k], all k pairs trade at p0. Otherwise, and where a side has
no (k+1)-th order, the k-th pair is left out as well: buyers pay bid[k], sellers get ask[k], and the operator keeps the
difference. No order moves its own price, so the truth is the best strategy. Source: McAfee, J. Economic Theory 56
(1992) 434.

The source has one unit an order. Here an order of any size counts as one: the k-th is the last that trades at all, the
(k+1)-th the first that does not; where the reduced sides differ, the longer one is served in merit order.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, at_one_price, nothing_traded
from microgrid.market.ladder import Trades, at_prices, pairs_in_merit_order
from microgrid.market.marginal import (
    first_excluded_ask,
    first_excluded_bid,
    marginal_ask,
    marginal_bid,
    without_marginal_orders,
)
from microgrid.market.merit_order import efficient_exchange, merit_order

WAIVES = frozenset({"efficiency", "a single pair trades"})


def clear_book(book: Book) -> Clearing:
    """Clear truthfully; `price` is None where buyers and sellers have different prices."""
    best = efficient_exchange(book)
    if best.volume == 0:
        return nothing_traded("mcafee", book, WAIVES)
    bid = float(book.bid_price[marginal_bid(book, best.bought)])
    ask = float(book.ask_price[marginal_ask(book, best.sold)])
    next_bid, next_ask = first_excluded_bid(book, best.bought), first_excluded_ask(book, best.sold)
    if next_bid is not None and next_ask is not None and ask <= (next_bid + next_ask) / 2 <= bid:
        return at_one_price("mcafee", book, (next_bid + next_ask) / 2, (best.bought, best.sold), WAIVES)
    wanted, offered = without_marginal_orders(book, best)
    rest = merit_order(book.bid_price, wanted, book.ask_price, offered)

    def trades() -> Trades:
        return at_prices(pairs_in_merit_order(book, rest.bought, rest.sold), bid, ask)

    price = bid if bid == ask and rest.volume else None
    return Clearing("mcafee", book, price, rest.bought, rest.sold, trades, WAIVES)
