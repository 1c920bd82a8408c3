"""The two markets of a community that trades in tiers: pairs first, then the local market for what is left."""

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.market.book import LARGEST_SIDE_KWH, Book
from microgrid.market.ladder import Pairs, pairs_in_merit_order
from microgrid.market.merit_order import MeritOrder, merit_order
from microgrid.market.quanta import QUANTA_PER_KWH, summed

FEE_DECIMALS = 12
"""A limit less the fee is rounded so far, so that a bid of 0.13 less 0.03 meets an ask of 0.10."""


def bilateral_exchange(book: Book, cap_kwh: float) -> MeritOrder:
    """Pairs in merit order, no order with more than `cap_kwh`."""
    cap = round(min(cap_kwh, LARGEST_SIDE_KWH) * QUANTA_PER_KWH)
    return merit_order(
        book.bid_price, np.minimum(book.bid_quanta, cap), book.ask_price, np.minimum(book.ask_quanta, cap)
    )


def negotiate(book: Book, cap_kwh: float, partners: int) -> Pairs:
    """Pairs of homes that agree on a deal, each home with at most `partners` others and `cap_kwh`.

    In each round the k-th dearest bid meets the k-th cheapest ask, and they deal where bid >= ask. With `partners` 0 a
    home goes on with the next one until its energy or its cap is used up.
    """
    if not partners:
        best = bilateral_exchange(book, cap_kwh)
        return pairs_in_merit_order(book, best.bought, best.sold)
    cap = round(min(cap_kwh, LARGEST_SIDE_KWH) * QUANTA_PER_KWH)
    wanted, offered = np.minimum(book.bid_quanta, cap), np.minimum(book.ask_quanta, cap)
    rounds = []
    for _ in range(partners):
        rounds.append(_meet(book, wanted, offered))
        bought, sold = filled(book, rounds[-1])
        wanted, offered = wanted - bought, offered - sold
    return Pairs(
        np.concatenate([pairs.buyer for pairs in rounds]),
        np.concatenate([pairs.seller for pairs in rounds]),
        np.concatenate([pairs.quanta for pairs in rounds]),
    )


def filled(book: Book, pairs: Pairs) -> tuple[IntArray, IntArray]:
    """Quanta that the pairs give each bid and each ask, shapes (bids,) and (asks,)."""
    return (
        summed(pairs.buyer, pairs.quanta, len(book.bid_price)),
        summed(pairs.seller, pairs.quanta, len(book.ask_price)),
    )


def _meet(book: Book, wanted: IntArray, offered: IntArray) -> Pairs:
    """One round: everyone meets one other, the keenest first."""
    buyers, sellers = np.flatnonzero(wanted), np.flatnonzero(offered)
    met = min(len(buyers), len(sellers))
    buyer = buyers[np.argsort(-book.bid_price[buyers], kind="stable")][:met]
    seller = sellers[np.argsort(book.ask_price[sellers], kind="stable")][:met]
    agreed = book.bid_price[buyer] >= book.ask_price[seller]
    buyer, seller = buyer[agreed], seller[agreed]
    return Pairs(buyer, seller, np.minimum(wanted[buyer], offered[seller]))


def exchange_with_fee(book: Book, bid_quanta: IntArray, ask_quanta: IntArray, fee: float) -> MeritOrder:
    """The efficient exchange where every kWh that is bought costs `fee` on top: a buyer competes with limit - fee."""
    return merit_order(np.round(book.bid_price - fee, FEE_DECIMALS), bid_quanta, book.ask_price, ask_quanta)
