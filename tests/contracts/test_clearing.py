"""The call auction: worked examples on the market, and any book against a brute-force implementation of the rule."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, RETAIL, SELL, START, World, reverts
from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyrevm import EVM

GATE = START - CONFIG.gate_lead_seconds
ARTIFACTS = Path(__file__).parent / "artifacts"
RUN = "run(uint64,uint64,uint64,(bool,uint64,uint64)[])"
OUTCOME = "(uint256,uint256,uint256,uint256,uint256,uint256)"
CALLER = "0x" + "22" * 20


@dataclass(frozen=True)
class Bid:
    """An order of the brute-force auction; `buy` tells the side."""

    buy: bool
    energy_wh: int
    limit: int


@dataclass(frozen=True)
class Result:
    tick: int
    price: int
    volume_wh: int
    fills: list[int]


def brute_force(feed_in: int, retail: int, reference: int, orders: Sequence[Bid]) -> Result:
    """The written rule by looking at every tick and serving order after order."""
    prices = [feed_in + tick * (retail - feed_in) // 127 for tick in range(128)]
    ticks = [
        max(t for t in range(128) if prices[t] <= order.limit)
        if order.buy
        else min(t for t in range(128) if prices[t] >= order.limit)
        for order in orders
    ]

    def volume_and_gap(tick: int) -> tuple[int, int]:
        demand = sum(o.energy_wh for o, t in zip(orders, ticks, strict=True) if o.buy and t >= tick)
        supply = sum(o.energy_wh for o, t in zip(orders, ticks, strict=True) if not o.buy and t <= tick)
        return min(demand, supply), abs(demand - supply)

    def rank(tick: int) -> tuple[int, int, int, int]:
        volume, gap = volume_and_gap(tick)
        return -volume, gap, abs(prices[tick] - reference), tick

    best = min(range(128), key=rank)
    volume = volume_and_gap(best)[0]
    if volume == 0:
        best = min(range(128), key=lambda tick: (abs(prices[tick] - reference), tick))
    fills = [0] * len(orders)
    for buy in (True, False):
        left = volume
        sign = -1 if buy else 1
        queue = sorted((sign * ticks[i], i) for i, order in enumerate(orders) if order.buy == buy)
        for _, i in queue:
            fills[i] = min(left, orders[i].energy_wh)
            left -= fills[i]
    return Result(best, prices[best], volume, fills)


class Harness:
    """The contract's auction on a bare EVM."""

    def __init__(self) -> None:
        self._evm = EVM(spec_id="CANCUN")
        code = json.loads((ARTIFACTS / "AuctionHarness.json").read_text("utf-8"))["bytecode"]
        self._address = self._evm.deploy(CALLER, bytes.fromhex(code[2:]))

    def clear(self, feed_in: int, retail: int, reference: int, orders: Sequence[Bid]) -> Result:
        items = [(order.buy, order.energy_wh, order.limit) for order in orders]
        kinds = ["uint64", "uint64", "uint64", "(bool,uint64,uint64)[]"]
        data = function_signature_to_4byte_selector(RUN) + encode(kinds, [feed_in, retail, reference, items])
        answer = self._evm.message_call(CALLER, self._address, data)
        outcome, price, fills = decode([OUTCOME, "uint256", "uint256[]"], answer)
        return Result(outcome[0], price, outcome[3], list(fills))


@pytest.fixture(scope="module")
def harness() -> Harness:
    return Harness()


@st.composite
def books(draw: st.DrawFn) -> tuple[int, int, int, list[Bid]]:
    """Bands and books; few distinct prices and energies, so that ties abound."""
    feed_in = draw(st.integers(0, 300))
    retail = feed_in + draw(st.sampled_from([0, 1, 126, 127, 128, 254, 1_000, 250_000]))
    reference = draw(st.integers(max(0, feed_in - 5), retail + 5))
    limits = draw(st.lists(st.integers(feed_in, retail), min_size=1, max_size=6))
    energies = st.sampled_from([1, 10, 10, 25, 40, draw(st.integers(1, 2**24 - 1))])
    order = st.builds(Bid, st.booleans(), energies, st.sampled_from(limits))
    return feed_in, retail, reference, draw(st.lists(order, max_size=14))


@settings(max_examples=2_500, deadline=None)
@given(book=books())
@example(book=(0, 127, 60, []))
@example(book=(0, 127, 60, [Bid(True, 10, 20), Bid(False, 10, 30)]))
@example(book=(0, 127, 60, [Bid(True, 10, 90), Bid(False, 10, 30)]))
@example(book=(0, 127, 60, [Bid(True, 10, 90), Bid(True, 5, 90), Bid(False, 12, 90)]))
@example(book=(5, 5, 5, [Bid(True, 3, 5), Bid(False, 2, 5), Bid(False, 2, 5)]))
def test_the_contract_clears_any_book_as_the_written_rule(
    book: tuple[int, int, int, list[Bid]], harness: Harness
) -> None:
    result = harness.clear(*book)
    assert result == brute_force(*book)
    orders = book[3]
    assert sum(f for f, o in zip(result.fills, orders, strict=True) if o.buy) == result.volume_wh
    assert sum(f for f, o in zip(result.fills, orders, strict=True) if not o.buy) == result.volume_wh
    for order, fill in zip(orders, result.fills, strict=True):
        assert 0 <= fill <= order.energy_wh
        if fill:
            assert order.limit >= result.price if order.buy else order.limit <= result.price


def clearing(world: World) -> dict[str, Any]:
    names = ("status", "tick", "buy_margin", "sell_margin", "members", "volume", "buy_fill", "sell_fill", "price")
    return dict(zip(names, world.trading.functions.clearing(FIRST).call(), strict=True))


def fills(world: World) -> list[tuple[int, int]]:
    functions = world.trading.functions
    return [
        (functions.fill(FIRST, home.member_id, BUY).call(), functions.fill(FIRST, home.member_id, SELL).call())
        for home in world.homes
    ]


def test_an_empty_book_clears_at_the_tick_nearest_to_the_reference_price(world: World) -> None:
    """Reference 250 000 (base rate); ticks 98 and 99 are at 249 763 and 251 496 (rounded down)."""
    hour = FIRST % 24
    expected = 250_000 if hour < 18 else 300_000
    receipt = world.clear()
    prices = [FEED_IN + tick * (RETAIL - FEED_IN) // 127 for tick in range(128)]
    tick = min(range(128), key=lambda t: (abs(prices[t] - expected), t))
    assert clearing(world) == {
        "status": 1,
        "tick": tick,
        "buy_margin": 0,
        "sell_margin": 0,
        "members": 4,
        "volume": 0,
        "buy_fill": 0,
        "sell_fill": 0,
        "price": prices[tick],
    }
    event = {"interval": FIRST, "tick": tick, "price": prices[tick], "volumeWh": 0}
    assert world.events(receipt, world.trading, "IntervalCleared") == [event]


def test_an_uncrossed_book_clears_without_volume(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, 100_000)
    world.order(world.homes[1], SELL, 1_000, 200_000)
    world.clear()
    assert clearing(world)["volume"] == 0
    assert fills(world) == [(0, 0)] * 4


def test_time_decides_at_the_margin(world: World) -> None:
    """Buyers want 3 000 at retail and 1 500 at 200 000; sellers offer 2 000 at feed-in and 1 600 at 100 000.

    At any tick between 100 000 and 200 000 demand is 4 500 and supply 3 600: the volume. The bid at retail is filled,
    the other with what is left, 600; both offers are filled.
    """
    homes = world.homes
    world.order(homes[0], BUY, 3_000, RETAIL)
    world.order(homes[1], BUY, 1_500, 200_000)
    world.order(homes[2], SELL, 2_000, FEED_IN)
    world.order(homes[3], SELL, 1_600, 100_000)
    world.clear()
    found = clearing(world)
    assert (found["volume"], found["buy_fill"], found["sell_fill"]) == (3_600, 600, 1_600)
    assert fills(world) == [(3_000, 0), (600, 0), (0, 2_000), (0, 1_600)]


def test_at_one_tick_the_earlier_order_is_served_first(world: World) -> None:
    homes = world.homes
    for home in (homes[2], homes[0], homes[3]):
        world.order(home, SELL, 1_000, 150_000)
    world.order(homes[1], BUY, 1_700, RETAIL)
    world.clear()
    assert fills(world) == [(0, 700), (1_700, 0), (0, 1_000), (0, 0)]


def test_a_tie_in_volume_and_gap_goes_to_the_price_nearest_to_the_reference(world: World) -> None:
    """Demand and supply of 1 000 cross over all ticks from 120 000 to 280 000: the reference, 250 000, decides."""
    world.order(world.homes[0], BUY, 1_000, 280_000)
    world.order(world.homes[1], SELL, 1_000, 120_000)
    world.clear()
    prices = [FEED_IN + tick * (RETAIL - FEED_IN) // 127 for tick in range(128)]
    reference = world.grid.functions.band(FIRST).call()[2]
    inside = [tick for tick in range(128) if 120_000 <= prices[tick] <= 280_000]
    assert clearing(world)["tick"] == min(inside, key=lambda t: (abs(prices[t] - reference), t))


def test_a_band_of_one_price_trades_at_that_price(world: World) -> None:
    interval = FIRST + 4
    world.open(interval, 150_000, 150_000)
    world.order(world.homes[0], BUY, 1_000, 150_000, interval)
    world.order(world.homes[1], SELL, 800, 150_000, interval)
    world.clear(interval)
    assert world.trading.functions.clearing(interval).call()[5] == 800
    assert world.trading.functions.clearing(interval).call()[8] == 150_000


def test_an_order_may_not_meet_orders_of_another_interval(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL, FIRST)
    world.order(world.homes[1], SELL, 1_000, FEED_IN, FIRST + 1)
    world.clear()
    assert clearing(world)["volume"] == 0


def test_anybody_clears_but_only_after_the_gate(world: World) -> None:
    stranger = world.parties.issuer
    world.at(GATE - 1)
    with reverts(world.trading, "GateStillOpen", FIRST, GATE):
        world.send(world.trading.functions.clear(FIRST), stranger)
    world.at(GATE)
    world.send(world.trading.functions.clear(FIRST), stranger)


def test_an_interval_is_cleared_once(world: World) -> None:
    world.clear()
    with reverts(world.trading, "AlreadyCleared", FIRST):
        world.clear()


def test_an_interval_without_a_tariff_is_not_cleared(world: World) -> None:
    with reverts(world.trading, "IntervalNotOpen", FIRST - 1):
        world.clear(FIRST - 1)


def test_before_clearing_there_is_no_result(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    assert world.trading.functions.clearing(FIRST).call() == (0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert fills(world) == [(0, 0)] * 4


def test_gas_of_clearing_does_not_depend_on_the_number_of_orders(world: World) -> None:
    for home in world.homes:
        world.order(home, BUY, 1_000, 200_000)
        world.order(home, SELL, 1_000, 100_000)
    many = world.clear()["gasUsed"]
    world.order(world.homes[0], BUY, 1_000, 200_000, FIRST + 1)
    world.order(world.homes[1], SELL, 1_000, 100_000, FIRST + 1)
    few = world.clear(FIRST + 1)["gasUsed"]
    assert abs(many - few) < 5_000
    assert many < 300_000
