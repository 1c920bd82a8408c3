"""Three tiers: own use first (before the book), then bilateral trades, then the local market for what is left.

Tier `bilateral`: pairs in merit order, each order up to `cap_kwh` and with at most `partners` others, each pair at
`ask + k * (bid - ask)`. Tier `local_market`: what is left of every order trades at one price, the middle of the prices
that clear it, and buyers pay the fee on top. Each trade names its tier. Parameters: `k` in 0…1 (0.5), `cap_kwh` (3.0),
`partners` (1; 0 for any number), `fee` per kWh (0.03). Source: the order of tiers is that of prosumer communities that
rank self-consumption before peers and peers before a market; the rules of the tiers are those of `bilateral` and
`local_market`.
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Pairs, Trades, at_prices, in_tiers, negotiated, pairs_in_merit_order
from microgrid.market.merit_order import MeritOrder
from microgrid.market.parameters import check_not_negative, check_share, check_whole
from microgrid.market.tiers import exchange_with_fee, filled, negotiate

TIERS = ("bilateral", "local_market")
WAIVES = frozenset({"efficiency", "merit order", "time priority"})


def clear_book(book: Book, *, k: float = 0.5, cap_kwh: float = 3.0, partners: float = 1, fee: float = 0.03) -> Clearing:
    """Clear both tiers; `price` is None because every pair of the first has its own.

    Raises:
        BookError: `k` lies outside 0…1, the cap or the fee is negative, or `partners` is no whole number.
    """
    check_share("k of three_tier", k)
    check_not_negative("cap_kwh of three_tier", cap_kwh)
    check_not_negative("fee of three_tier", fee)
    first = negotiate(book, cap_kwh, check_whole("partners of three_tier", partners))
    bought, sold = filled(book, first)
    second = exchange_with_fee(book, book.bid_quanta - bought, book.ask_quanta - sold, fee)
    bought, sold = bought + second.bought, sold + second.sold
    return Clearing("three_tier", book, None, bought, sold, lambda: _trades(book, first, second, k, fee), WAIVES)


def _trades(book: Book, first: Pairs, second: MeritOrder, k: float, fee: float) -> Trades:
    price = second.price(0.5) or 0.0
    return in_tiers(
        bilateral=negotiated(book, first, k),
        local_market=at_prices(pairs_in_merit_order(book, second.bought, second.sold), price + fee, price),
    )
