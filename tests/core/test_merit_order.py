"""The efficient exchange on arrays against a slow and literal implementation, on books of any kind."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microgrid.market import Book, clear, clear_arrays, merit_order
from microgrid.market.merit_order import MeritOrder
from microgrid.market.quanta import apportioned, summed

Orders = list[tuple[float, int]]
Literal = tuple[tuple[float, float] | None, list[int], list[int]]


def literally(bids: Orders, asks: Orders) -> Literal:
    """The definition price by price and order by order, in Python's integers."""
    prices = sorted({price for price, quanta in (*bids, *asks) if quanta})

    def volume(p: float) -> int:
        return min(sum(q for b, q in bids if b >= p), sum(q for a, q in asks if a <= p))

    def clears(p: float) -> bool:
        demand_above, demand = sum(q for b, q in bids if b > p), sum(q for b, q in bids if b >= p)
        supply_below, supply = sum(q for a, q in asks if a < p), sum(q for a, q in asks if a <= p)
        return demand_above <= supply and supply_below <= demand

    def serve(orders: Orders, energy: int, sign: int) -> list[int]:
        fills = [0] * len(orders)
        for _, index in sorted((sign * price, index) for index, (price, _) in enumerate(orders)):
            fills[index] = min(orders[index][1], energy)
            energy -= fills[index]
        return fills

    most = max(map(volume, prices), default=0)
    clearing = [p for p in prices if clears(p)] if most else []
    interval = (clearing[0], clearing[-1]) if clearing else None
    return interval, serve(bids, most, -1), serve(asks, most, 1)


def arrays(bids: Orders, asks: Orders) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    columns = [
        (np.array([p for p, _ in side], float), np.array([q for _, q in side], np.int64)) for side in (bids, asks)
    ]
    return (*columns[0], *columns[1])


def cleared(bids: Orders, asks: Orders) -> Literal:
    result = merit_order.merit_order(*arrays(bids, asks))
    interval = None if result.low is None or result.high is None else (result.low, result.high)
    return interval, result.bought.tolist(), result.sold.tolist()


GRID = st.integers(-3, 12).map(float)
CENTS = st.integers(-500, 4_000).map(lambda cents: cents / 100)
WILD = st.floats(-1e9, 1e9, allow_nan=False) | st.sampled_from([0.1 + 0.2, 0.3, 5e-324, -0.0, 1e9])
QUANTA = st.integers(0, 5) | st.integers(0, 10**10) | st.integers(2**52, 2**58)


def sides(price: st.SearchStrategy[float]) -> st.SearchStrategy[Orders]:
    return st.lists(st.tuples(price, QUANTA), max_size=15)


BOOKS = st.one_of(*(st.tuples(sides(price), sides(price)) for price in (GRID, CENTS, WILD)))


@settings(max_examples=400)
@given(book=BOOKS)
@example(book=([(5.0, 1), (3.0, 1)], [(1.0, 1), (3.0, 1)]))
@example(book=([(1.0, 0), (9.0, 0)], [(0.0, 5)]))
def test_interval_and_fills_are_those_of_the_literal_rule(book: tuple[Orders, Orders]) -> None:
    assert cleared(*book) == literally(*book)


@settings(max_examples=400)
@given(book=BOOKS, buckets=st.sampled_from([2, 3, 7, 64, 4_096]))
def test_buckets_change_nothing(book: tuple[Orders, Orders], buckets: int) -> None:
    """With no order so few that it is sorted at once, every book goes through the buckets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merit_order, "FEW_ORDERS", 0)
        patch.setattr(merit_order, "BUCKETS", buckets)
        assert cleared(*book) == literally(*book)


def by_sorting(*book: np.ndarray) -> MeritOrder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merit_order, "FEW_ORDERS", 10**9)
        return merit_order.merit_order(*book)


def test_clearing_prices_far_apart_in_a_large_book() -> None:
    """Of 20,000 unit orders a side, half can trade and none has a limit between 0.20 and 0.25."""
    price = np.concatenate([np.linspace(0.10, 0.20, 10_000), np.linspace(0.25, 0.30, 10_000)])
    unit = np.full(20_000, 10**9)
    result = merit_order.merit_order(price, unit, price, unit)
    assert (result.low, result.high, result.volume) == (0.20, 0.25, 10_000 * 10**9)
    assert np.array_equal(result.bought, np.where(price >= 0.25, unit, 0))
    assert np.array_equal(result.sold, np.where(price <= 0.20, unit, 0))


@pytest.mark.parametrize("spread", ["even", "ladder", "two prices", "outlier", "two clusters", "one side above"])
def test_large_books_are_cleared_as_by_sorting(spread: str) -> None:
    generator = np.random.default_rng(5)
    bid, ask = generator.uniform(0.10, 0.30, 20_000), generator.uniform(0.08, 0.28, 20_000)
    if spread == "ladder":
        bid, ask = bid.round(2), ask.round(2)
    if spread == "two prices":
        bid, ask = np.where(bid > 0.2, 0.3, 0.1), np.where(ask > 0.2, 0.3, 0.1)
    if spread == "outlier":
        bid[0], ask[0] = 1e9, -1e9
    if spread == "two clusters":
        bid, ask = 0.3 + bid * 1e-9, 0.1 + ask * 1e-9
    if spread == "one side above":
        bid, ask = bid + 1, ask - 1
    quanta = [generator.integers(0, 2 * 10**9, 20_000) for _ in range(2)]
    fast, sorted_ = (rule(bid, quanta[0], ask, quanta[1]) for rule in (merit_order.merit_order, by_sorting))
    assert (fast.low, fast.high, fast.volume) == (sorted_.low, sorted_.high, sorted_.volume)
    assert np.array_equal(fast.bought, sorted_.bought)
    assert np.array_equal(fast.sold, sorted_.sold)


def test_an_order_of_both_sides_may_meet_itself() -> None:
    assert cleared([(0.3, 4)], [(0.3, 4)]) == ((0.3, 0.3), [4], [4])


def test_the_array_call_and_the_book_agree() -> None:
    generator = np.random.default_rng(2)
    bid, ask = generator.uniform(0.1, 0.3, (2, 50)), generator.uniform(0.1, 0.3, (2, 50))
    interval, bought, sold = clear_arrays(bid[0], bid[1], ask[0], ask[1])
    result = clear(Book(bid[0], bid[1], ask[0], ask[1]))
    assert interval is not None
    assert result.price == pytest.approx(sum(interval) / 2)
    assert (bought.tolist(), sold.tolist()) == (result.bought.tolist(), result.sold.tolist())
    assert clear_arrays(*(np.zeros(0),) * 4)[0] is None


@given(
    orders=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**59)), max_size=8),
)
def test_sums_by_group_are_exact(orders: list[tuple[int, int]]) -> None:
    table = np.array(orders, dtype=np.int64).reshape(-1, 2)
    expected = [sum(energy for group, energy in orders if group == index) for index in range(5)]
    assert summed(table[:, 0], table[:, 1], 5).tolist() == expected


@given(energy=st.lists(st.integers(0, 2**58), max_size=8), share=st.fractions(0, 1))
def test_a_share_is_handed_out_whole_and_nobody_is_a_unit_off(energy: list[int], share: float) -> None:
    volume = int(sum(energy) * share)
    fills = apportioned(volume, np.array(energy, dtype=np.int64)).tolist()
    assert sum(fills) == volume
    total = max(sum(energy), 1)
    for fill, wanted in zip(fills, energy, strict=True):
        assert 0 <= fill <= wanted
        assert abs(fill * total - volume * wanted) < total
