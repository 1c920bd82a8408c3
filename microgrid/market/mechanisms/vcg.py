"""Vickrey-Clarke-Groves: everybody pays what its presence costs the others (Clarke pivot); no parameters.

The largest volume is traded in merit order. With W the welfare and W(-i) that without trader i, trader i gains
W - W(-i): a buyer pays value - (W - W(-i)), a seller gets cost + (W - W(-i)). The truth is the best strategy and the
welfare the largest, but the operator pays in sum(gains) - W. Source: Clarke, Public Choice 11 (1971) 17; Loertscher,
Marx, Wilkening, J. Economic Literature 53 (2015) 857.

No book is cleared twice. Energy x that buyer i leaves goes where it is worth most: to bids that were left out, or back
to sellers, dearest ask first. So the buyer pays the integral from 0 to x of those worths sorted down, its own rest left
out; likewise a seller gets the integral of what would replace its energy, sorted up. An order's payment is spread
evenly over its energy.
"""

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Trades, at_prices, pairs_in_merit_order
from microgrid.market.merit_order import efficient_exchange

WAIVES = frozenset({"budget"})


def clear_book(book: Book) -> Clearing:
    """Clear with the payments of the Clarke pivot; `price` is None because every order has its own."""
    best = efficient_exchange(book)

    def trades() -> Trades:
        pairs = pairs_in_merit_order(book, best.bought, best.sold)
        paid = -externalities(-book.bid_price, book.bid_quanta, best.bought, -book.ask_price, best.sold)
        received = externalities(book.ask_price, book.ask_quanta, best.sold, book.bid_price, best.bought)
        return at_prices(pairs, paid[pairs.buyer], received[pairs.seller])

    return Clearing("vcg", book, None, best.bought, best.sold, trades, WAIVES)


def externalities(
    price: FloatArray, quanta: IntArray, filled: IntArray, other_price: FloatArray, other_filled: IntArray
) -> FloatArray:
    """Cost per kWh of replacing each seller's energy by the next best, shape (orders,); zero where nothing is filled.

    Buyers are sellers with the signs of all prices turned.

    Args:
        price: Limits of the side, cheapest first to trade, shape (orders,).
        quanta: Energies of the side, shape (orders,).
        filled: Fills of the side, shape (orders,).
        other_price: Limits of the other side, shape (others,).
        other_filled: Fills of the other side, shape (others,).
    """
    rest = quanta - filled
    all_prices, all_energy = np.concatenate([price, other_price]), np.concatenate([rest, other_filled])
    payment = _cheapest(all_prices, all_energy, filled)
    for index in np.flatnonzero((filled > 0) & (rest > 0)):  # one order at most: the last one in merit order
        without_own = all_energy.copy()
        without_own[index] = 0
        payment[index] = _cheapest(all_prices, without_own, filled[index : index + 1])[0]
    return np.divide(payment, filled, out=np.zeros_like(payment), where=filled > 0)


def _cheapest(price: FloatArray, quanta: IntArray, wanted: IntArray) -> FloatArray:
    """Cost of the cheapest energies with the sum `wanted`, price times quanta, shape of `wanted`."""
    live = np.flatnonzero(quanta)
    if not len(live):
        return np.zeros(len(wanted))
    order = live[np.argsort(price[live], kind="stable")]
    price, quanta = price[order], quanta[order]
    until, cost_until = np.cumsum(quanta), np.cumsum(price * quanta)
    last = np.searchsorted(until, wanted)
    before = until[last] - quanta[last]
    # What comes before the last energy, not what ends with it less its rest: a rest of GWh would drown a payment of Wh.
    cost_before = np.concatenate([[0.0], cost_until[:-1]])[last]
    cost: FloatArray = cost_before + price[last] * (wanted - before)
    return cost
