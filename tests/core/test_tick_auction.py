"""The tick auction against a second, slow and literal implementation of the rule that the contract states."""

from dataclasses import dataclass

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microgrid.domain.records import Order, PriceBand, Side
from microgrid.market import Book, clear
from microgrid.market.mechanisms.tick_auction import auction, clear_ticks, tick_prices

BAND = PriceBand(feed_in=80_000, retail=300_000, reference=190_000)


@dataclass(frozen=True)
class Literal:
    tick: int
    volume: int
    buy_fills: list[int]
    sell_fills: list[int]


def literally(band: PriceBand, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> Literal:
    """The rule word by word, one tick and one order at a time."""
    price = [band.feed_in + t * (band.retail - band.feed_in) // 127 for t in range(128)]
    bid_tick = [max((t for t in range(128) if price[t] <= limit), default=None) for limit, _ in bids]
    ask_tick = [min((t for t in range(128) if price[t] >= limit), default=None) for limit, _ in asks]

    def demand(t: int) -> int:
        return sum(q for (_, q), at in zip(bids, bid_tick, strict=True) if at is not None and at >= t)

    def supply(t: int) -> int:
        return sum(q for (_, q), at in zip(asks, ask_tick, strict=True) if at is not None and at <= t)

    def merit(t: int) -> tuple[int, int, int, int]:
        gap = abs(supply(t) - demand(t)) if any(min(demand(u), supply(u)) for u in range(128)) else 0
        return -min(demand(t), supply(t)), gap, abs(price[t] - band.reference), t

    tick = min(range(128), key=merit)
    volume = min(demand(tick), supply(tick))

    def serve(orders: list[tuple[int, int]], ticks: list[int | None], best_first: range) -> list[int]:
        left, fills = volume, [0] * len(orders)
        for t in best_first:
            for index, (_, quantity) in enumerate(orders):
                if ticks[index] == t:
                    fills[index] = min(left, quantity)
                    left -= fills[index]
        return fills

    return Literal(tick, volume, serve(bids, bid_tick, range(127, -1, -1)), serve(asks, ask_tick, range(128)))


def arrays(orders: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(orders, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


LIMITS = st.one_of(st.integers(60_000, 320_000), st.sampled_from([80_000, 190_000, 300_000, 81_732, 81_733]))
ORDERS = st.lists(st.tuples(LIMITS, st.integers(0, 40) | st.integers(1, 10_000)), max_size=10)
BANDS = st.builds(
    lambda feed_in, width, share: PriceBand(feed_in, feed_in + width, feed_in + int(width * share)),
    st.integers(0, 200_000),
    st.sampled_from([0, 1, 60, 126, 127, 128, 5_000, 220_000]),
    st.floats(-0.5, 1.5),
)


@settings(max_examples=300)
@given(band=st.just(BAND) | BANDS, bids=ORDERS, asks=ORDERS)
@example(band=BAND, bids=[], asks=[])
@example(band=BAND, bids=[(300_000, 5), (300_000, 5)], asks=[(80_000, 7)])
@example(band=PriceBand(0, 0, 0), bids=[(0, 5)], asks=[(0, 5)])
def test_tick_volume_and_fills_are_those_of_the_literal_rule(
    band: PriceBand, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    expected = literally(band, bids, asks)
    result = clear_ticks(band, *arrays(bids), *arrays(asks))
    assert (result.tick, result.volume_wh) == (expected.tick, expected.volume)
    assert result.bought_wh.tolist() == expected.buy_fills
    assert result.sold_wh.tolist() == expected.sell_fills
    assert result.price == band.feed_in + result.tick * (band.retail - band.feed_in) // 127


def test_the_ticks_run_from_feed_in_to_retail() -> None:
    prices = tick_prices(BAND)
    assert (len(prices), prices[0], prices[1], prices[127]) == (128, 80_000, 80_000 + 220_000 // 127, 300_000)


def test_an_uncrossed_book_clears_nothing_at_the_tick_nearest_to_the_reference() -> None:
    bids, asks = arrays([(100_000, 50)]), arrays([(200_000, 50)])
    result = clear_ticks(BAND, *bids, *asks)
    nearest = min(range(128), key=lambda t: abs(80_000 + t * 220_000 // 127 - 190_000))
    assert (result.tick, result.volume_wh, result.buy_margin_tick, result.sell_margin_tick) == (nearest, 0, 0, 0)
    assert (result.buy_fill_wh, result.sell_fill_wh) == (0, 0)


def test_margin_fills_are_what_is_left_for_the_margin_tick() -> None:
    """Demand 10 at the top and 10 lower down, supply 15: the lower tick gets 5."""
    result = clear_ticks(BAND, *arrays([(300_000, 10), (200_000, 10)]), *arrays([(80_000, 15)]))
    assert (result.volume_wh, result.buy_fill_wh, result.sell_fill_wh) == (15, 5, 15)
    assert (result.buy_margin_tick, result.sell_margin_tick) == (69, 0)


def order(trader: str, side: Side, price: int, energy: int) -> Order:
    return Order(trader, 7, side, energy, price, 0, 0)


def test_a_second_order_and_one_outside_the_band_are_refused_and_absent() -> None:
    orders = [
        order("a", Side.BUY, 250_000, 10),
        order("a", Side.BUY, 300_000, 99),
        order("low", Side.BUY, 79_999, 10),
        order("high", Side.SELL, 300_001, 10),
        order("b", Side.SELL, 10, 6),
        order("c", Side.SELL, 90_000, 6),
    ]
    result = auction(7, orders, BAND)
    assert (result.interval, result.volume_wh) == (7, 10)
    assert result.bought_wh == {"a": 10}
    assert result.sold_wh == {"b": 6, "c": 4}


def test_a_home_may_buy_and_sell_in_one_interval() -> None:
    orders = [order("a", Side.BUY, 250_000, 10), order("a", Side.SELL, 100_000, 4)]
    result = auction(7, orders, BAND)
    assert (result.bought_wh, result.sold_wh) == ({"a": 4}, {"a": 4})


def test_a_bid_above_retail_and_an_offer_below_feed_in_count_as_the_bounds() -> None:
    result = auction(1, [order("a", Side.BUY, 10**9, 5), order("b", Side.SELL, 0, 5)], BAND)
    assert (result.volume_wh, result.buy_margin_tick, result.sell_margin_tick) == (5, 127, 0)


def test_the_decimal_form_gives_the_prices_of_the_integer_form() -> None:
    book = Book.from_lists([(0.25, 1.0), (0.20, 1.0)], [(0.10, 1.5)])
    result = clear(book, "tick_auction", floor=0.08, cap=0.30, reference=0.19)
    expected = literally(BAND, [(250_000, 1_000), (200_000, 1_000)], [(100_000, 1_500)])
    assert result.bought.tolist() == [quantity / 1_000 for quantity in expected.buy_fills]
    assert result.price == (80_000 + expected.tick * 220_000 // 127) / 1_000_000


@given(micro=st.integers(0, 1_000_000))
@example(micro=125_014)  # 0.125014 * 1e6 is less than 125014 in floats
def test_decimal_limits_in_whole_micro_meet_each_other_to_the_last_one(micro: int) -> None:
    price = micro / 1e6
    cleared = clear(Book.from_lists([(price, 1.0)], [(price, 1.0)]), "tick_auction", floor=price, cap=price + 0.1)
    assert (cleared.price, cleared.volume) == (price, 1.0)
