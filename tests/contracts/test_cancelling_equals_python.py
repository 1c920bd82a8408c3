"""A book with cancelled orders clears as the Python auction clears the orders that are left."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import function_abi_to_4byte_selector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyrevm import EVM

from microgrid.domain.records import Order, PriceBand, Side
from microgrid.market.mechanisms.tick_auction import auction

BOOKS = 1_500
HARNESS = json.loads((Path(__file__).parent / "artifacts" / "BookHarness.json").read_text())
SELECTORS = {entry["name"]: function_abi_to_4byte_selector(entry) for entry in HARNESS["abi"]}
BAND_KINDS = ["uint64", "uint64", "uint64"]
OUTPUTS = ["(uint256,uint256,uint256,uint256,uint256,uint256)", "uint256[]"]
CALLER = "0x" + "01" * 20
BAND = PriceBand(80_000, 300_000, 190_000)

Steps = list[tuple[bool, int, int]]
"""Whether it is a bid, energy, limit; without energy the step cancels the order placed in the step of that number."""


@pytest.fixture(scope="module")
def harness() -> tuple[EVM, str]:
    evm = EVM(gas_limit=2**62)
    return evm, evm.deploy(CALLER, bytes.fromhex(HARNESS["bytecode"].removeprefix("0x")))


def call(harness: tuple[EVM, str], name: str, kinds: list[str], values: list[Any]) -> bytes:
    evm, address = harness
    return bytes(evm.message_call(CALLER, address, calldata=SELECTORS[name] + encode(kinds, values)))


def cleared(harness: tuple[EVM, str], steps: Steps) -> tuple[tuple[int, ...], list[int]]:
    """Outcome, and what the order of every step gets."""
    values = [BAND.feed_in, BAND.retail, BAND.reference, steps]
    output = call(harness, "run", [*BAND_KINDS, "(bool,uint64,uint64)[]"], values)
    outcome, fills = decode(OUTPUTS, output)
    return tuple(outcome), list(fills)


def expected(steps: Steps) -> tuple[tuple[int, ...], list[int]]:
    """The auction of the orders that nobody cancelled, in the order in which they came."""
    gone = {limit for _, energy_wh, limit in steps if energy_wh == 0}
    orders = [
        Order(str(n), 1, Side.BUY if buy else Side.SELL, energy_wh, limit, n, 0)
        for n, (buy, energy_wh, limit) in enumerate(steps)
        if energy_wh and n not in gone
    ]
    result = auction(1, orders, BAND)
    fills = {**result.bought_wh, **result.sold_wh}
    outcome = (result.tick, result.buy_margin_tick, result.sell_margin_tick)
    amounts = (result.volume_wh, result.buy_fill_wh, result.sell_fill_wh)
    return outcome + amounts, [fills.get(str(n), 0) for n in range(len(steps))]


@st.composite
def histories(draw: st.DrawFn) -> Steps:
    """Few limits, so that queues are long; amounts around the widths of the tree; cancellations at any time."""
    limit = st.sampled_from([BAND.feed_in, BAND.reference, BAND.retail]) | st.integers(BAND.feed_in, BAND.retail)
    limits = draw(st.lists(limit, min_size=1, max_size=3))
    amount = st.sampled_from([1, 255, 256, 257, 2_048, 16_384]) | st.integers(1, 600) | st.integers(1, 2**24 - 1)
    steps: Steps = []
    standing: list[int] = []
    for number in range(draw(st.integers(0, 40))):
        if standing and draw(st.integers(0, 2)) == 0:
            chosen = draw(st.sampled_from(standing))
            standing.remove(chosen)
            steps.append((False, 0, chosen))
        else:
            standing.append(number)
            steps.append((draw(st.booleans()), draw(amount), draw(st.sampled_from(limits))))
    return steps


@given(steps=histories())
@settings(max_examples=BOOKS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_cancelled_order_is_as_if_it_had_never_come(harness: tuple[EVM, str], steps: Steps) -> None:
    assert cleared(harness, steps) == expected(steps)


def test_books_full_of_gaps_clear_as_if_they_had_none(harness: tuple[EVM, str]) -> None:
    """Queues at every tick on both sides, every second order of each cancelled; then long ones at two ticks."""
    prices = [BAND.feed_in + tick * (BAND.retail - BAND.feed_in) // 127 for tick in range(128)]
    wide: Steps = [(side, 700, price) for price in prices for side in (True, False) for _ in range(4)]
    wide += [(False, 0, number) for number in range(0, len(wide), 2)]
    deep: Steps = [(n % 2 == 0, 1 + 997 * n, BAND.reference) for n in range(1_200)]
    deep += [(False, 0, n) for n in range(1_196) if n % 4 < 2]
    for steps in (wide, deep):
        assert cleared(harness, steps) == expected(steps)
