"""The truthful multi-unit double auction of Huang, Scheller-Wolf and Sycara; no parameters.

Let i be the last bid and j the last ask that trade in merit order. Both are left out and set the prices: buyers pay
bid[i], sellers get ask[j], and the operator keeps the difference. What the bids before i want and what the asks before
j offer is traded; the longer side bears the excess in equal parts, no order more than all of its own. Source: Huang,
Scheller-Wolf, Sycara, Computational Intelligence 18 (2002) 596.
"""

from bisect import bisect_left

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.market.book import Book
from microgrid.market.clearing import Clearing, nothing_traded
from microgrid.market.ladder import Trades, at_prices, pairs_in_merit_order
from microgrid.market.marginal import marginal_ask, marginal_bid, without_marginal_orders
from microgrid.market.merit_order import efficient_exchange
from microgrid.market.quanta import coarsest_unit

WAIVES = frozenset({"efficiency", "merit order", "time priority", "a single pair trades"})


def clear_book(book: Book) -> Clearing:
    """Clear truthfully; `price` is None where buyers and sellers have different prices."""
    best = efficient_exchange(book)
    if best.volume == 0:
        return nothing_traded("huang", book, WAIVES)
    bid = float(book.bid_price[marginal_bid(book, best.bought)])
    ask = float(book.ask_price[marginal_ask(book, best.sold)])
    wanted, offered = without_marginal_orders(book, best)
    volume = min(int(wanted.sum()), int(offered.sum()))
    unit = coarsest_unit(wanted, offered)
    bought, sold = (cut_equally(side // unit, volume // unit) * unit for side in (wanted, offered))

    def trades() -> Trades:
        return at_prices(pairs_in_merit_order(book, bought, sold), bid, ask)

    return Clearing("huang", book, bid if bid == ask and volume else None, bought, sold, trades, WAIVES)


def cut_equally(energy: IntArray, volume: int) -> IntArray:
    """Fills with the sum `volume`: every order gives up the same, or all it has where that is less, shape (orders,).

    What cannot be divided is given up by the later orders.
    """

    def left(cut: int) -> int:
        return int(np.maximum(energy - cut, 0).sum())

    cut = bisect_left(range(int(energy.max(initial=0))), x=True, key=lambda cut: left(cut) <= volume)
    filled = np.maximum(energy - cut, 0)
    spared = np.flatnonzero(filled < energy)
    spared = spared[energy[spared] >= cut][: volume - int(filled.sum())]
    filled[spared] += 1
    return filled
