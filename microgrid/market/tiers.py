"""The two markets of a community that trades in tiers: pairs first, then the local market for what is left."""

import numpy as np

from microgrid.market.book import LARGEST_SIDE_KWH, Book
from microgrid.market.merit_order import MeritOrder, merit_order
from microgrid.market.quanta import QUANTA_PER_KWH, IntArray

FEE_DECIMALS = 12
"""A limit less the fee is rounded so far, so that a bid of 0.13 less 0.03 meets an ask of 0.10."""


def bilateral_exchange(book: Book, cap_kwh: float) -> MeritOrder:
    """Pairs in merit order, no order with more than `cap_kwh`."""
    cap = round(min(cap_kwh, LARGEST_SIDE_KWH) * QUANTA_PER_KWH)
    return merit_order(
        book.bid_price, np.minimum(book.bid_quanta, cap), book.ask_price, np.minimum(book.ask_quanta, cap)
    )


def exchange_with_fee(book: Book, bid_quanta: IntArray, ask_quanta: IntArray, fee: float) -> MeritOrder:
    """The efficient exchange where every kWh that is bought costs `fee` on top: a buyer competes with limit - fee."""
    return merit_order(np.round(book.bid_price - fee, FEE_DECIMALS), bid_quanta, book.ask_price, ask_quanta)
