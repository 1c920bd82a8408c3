"""Local market with a fee: the uniform price, and every kWh bought costs a fee on top, which the operator keeps.

A buyer competes with bid - fee; with [low, high] the interval of prices that clear the market so, sellers get
price = (low + high) / 2 and buyers pay price + fee. Parameter: `fee` per kWh (0.03). The price of the clearing is the
one before the fee. Pairs whose limits lie closer together than the fee do not trade, so some welfare is lost.
Source: as `uniform_price`; the fee works as a tax on a market does (Mankiw, Principles of Economics, chapter 6).
"""

from microgrid.market.book import Book
from microgrid.market.clearing import Clearing
from microgrid.market.ladder import Trades, at_prices, pairs_in_merit_order
from microgrid.market.parameters import check_not_negative
from microgrid.market.tiers import exchange_with_fee

WAIVES = frozenset({"efficiency"})


def clear_book(book: Book, *, fee: float = 0.03) -> Clearing:
    """Clear at one price before the fee; price None where nothing trades.

    Raises:
        BookError: the fee is negative.
    """
    check_not_negative("fee of local_market", fee)
    best = exchange_with_fee(book, book.bid_quanta, book.ask_quanta, fee)
    price = best.price(0.5)

    def trades() -> Trades:
        pairs = pairs_in_merit_order(book, best.bought, best.sold)
        return at_prices(pairs, (price or 0.0) + fee, price or 0.0)

    return Clearing("local_market", book, price, best.bought, best.sold, trades, WAIVES)
