"""Discriminatory double auction: every pair trades at its own price.

Pairs form in merit order (dearest bid with cheapest ask) up to the largest volume, and each trades at
`k * bid + (1 - k) * ask`. Parameter `k` in 0…1: 1 (the default) is pay-as-bid, 0.5 the midpoint of each pair.
"""

from microgrid.domain.errors import BookError
from microgrid.market.book import Book, from_quanta
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import (
    Trades,
    buyers_in_merit_order,
    curves,
    fill_in_order,
    largest_volume,
    pair,
    sellers_in_merit_order,
)


def clear_book(book: Book, *, k: float = 1.0) -> Clearing:
    """Clear pair by pair; `price` is None because there are as many prices as pairs.

    Raises:
        BookError: `k` lies outside 0…1.
    """
    if not 0 <= k <= 1:
        raise BookError(what="k of pay_as_bid", found=k, right="between 0 (the ask) and 1 (the bid)")
    volume = largest_volume(curves(book))
    buyers, sellers = buyers_in_merit_order(book), sellers_in_merit_order(book)
    bought = fill_in_order(book.bid_quanta, buyers, volume)
    sold = fill_in_order(book.ask_quanta, sellers, volume)
    buyer, seller, quanta = pair(bought, sold, buyers, sellers)
    price = k * book.bid_price[buyer] + (1 - k) * book.ask_price[seller]
    trades = Trades(buyer, seller, from_quanta(quanta), price, price)
    return Clearing("pay_as_bid", book, None, from_quanta(bought), from_quanta(sold), trades)
