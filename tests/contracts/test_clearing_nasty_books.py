"""The contract's clearing on levels as nasty as they get, against the written rule applied to every tick in turn."""

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import function_abi_to_4byte_selector
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyrevm import EVM

TICKS = 128
FULL_WH = 2**32 - 1
BOOKS = 2_500
HARNESS = json.loads((Path(__file__).parent / "artifacts" / "AuctionHarness.json").read_text("utf-8"))
CLEAR = next(entry for entry in HARNESS["abi"] if entry.get("name") == "clearLevels")
INPUTS = ["uint64", "uint64", "uint64", "uint256[16]", "uint256[16]"]
CALLER = "0x" + "33" * 20

Levels = list[int]
"""Energy at each tick, Wh."""
Band = tuple[int, int, int]
"""Feed-in, retail and reference price."""


@pytest.fixture(scope="module")
def harness() -> tuple[EVM, str]:
    evm = EVM(gas_limit=2**62)
    return evm, evm.deploy(CALLER, bytes.fromhex(HARNESS["bytecode"].removeprefix("0x")))


def packed(levels: Levels) -> list[int]:
    """Eight ticks of 32 bits to a word."""
    return [sum(levels[8 * word + lane] << (32 * lane) for lane in range(8)) for word in range(TICKS // 8)]


def by_contract(harness: tuple[EVM, str], band: Band, demand: Levels, supply: Levels) -> tuple[int, ...]:
    evm, address = harness
    data = function_abi_to_4byte_selector(CLEAR) + encode(INPUTS, [*band, packed(demand), packed(supply)])
    output: Any = decode(["uint256"] * 6, bytes(evm.message_call(CALLER, address, calldata=data)))
    return tuple(output)


def by_the_rule(band: Band, demand: Levels, supply: Levels) -> tuple[int, ...]:
    """Tick, buy and sell margin, volume, buy and sell fill."""
    feed_in, retail, reference = band
    distance = [abs(feed_in + tick * (retail - feed_in) // (TICKS - 1) - reference) for tick in range(TICKS)]
    wanted = list(accumulate(demand[::-1]))[::-1]
    offered = list(accumulate(supply))
    volume = [min(pair) for pair in zip(wanted, offered, strict=True)]
    gap = [abs(d - s) for d, s in zip(wanted, offered, strict=True)]
    if not any(volume):
        return min(range(TICKS), key=lambda t: (distance[t], t)), 0, 0, 0, 0, 0
    best = min(range(TICKS), key=lambda t: (-volume[t], gap[t], distance[t], t))
    energy = volume[best]
    buy = max(t for t in range(TICKS) if wanted[t] >= energy)
    sell = min(t for t in range(TICKS) if offered[t] >= energy)
    return best, buy, sell, energy, energy - (wanted[buy] - demand[buy]), energy - (offered[sell] - supply[sell])


@st.composite
def bands(draw: st.DrawFn) -> Band:
    """From no width, where all ticks have one price, to wide; references also outside."""
    feed_in = draw(st.sampled_from([0, 1, 80_000]))
    widths = st.sampled_from([0, 1, 2, 5, 63, 126, 127, 128, 253, 254, 220_000, 2**40]) | st.integers(0, 400)
    retail = feed_in + draw(widths)
    return feed_in, retail, draw(st.integers(max(0, feed_in - 3), retail + 3))


@st.composite
def sides(draw: st.DrawFn) -> Levels:
    """A few ticks, often at the ends of words, or long runs of one level: plateaus, or all that fits."""
    level = st.sampled_from([0, 1, 1, 2, 5, FULL_WH - 1, FULL_WH]) | st.integers(0, FULL_WH)
    levels = [draw(st.sampled_from([0, 0, 0, 1, FULL_WH]))] * TICKS
    tick = st.integers(0, TICKS - 1) | st.sampled_from([0, 7, 8, 15, 63, 64, 119, 120, 127])
    for first, last, energy in draw(st.lists(st.tuples(tick, tick, level), max_size=4)):
        levels[first : last + 1] = [energy] * len(levels[first : last + 1])
    for place, energy in draw(st.lists(st.tuples(tick, level), max_size=4)):
        levels[place] = energy
    return levels


NOTHING = [0] * TICKS
ALL = [FULL_WH] * TICKS
LOWEST = [5] + [0] * (TICKS - 1)
HIGHEST = LOWEST[::-1]


@pytest.mark.slow
@given(band=bands(), demand=sides(), supply=sides())
@settings(max_examples=BOOKS, deadline=None)
@example(band=(0, 127, 60), demand=NOTHING, supply=NOTHING)
@example(band=(0, 127, 60), demand=ALL, supply=NOTHING)
@example(band=(0, 127, 60), demand=NOTHING, supply=ALL)
@example(band=(0, 127, 60), demand=ALL, supply=ALL)
@example(band=(0, 127, 60), demand=HIGHEST, supply=LOWEST)
@example(band=(0, 127, 60), demand=LOWEST, supply=HIGHEST)
@example(band=(0, 127, 200), demand=LOWEST, supply=LOWEST)
@example(band=(0, 127, 0), demand=HIGHEST, supply=HIGHEST)
@example(band=(5, 5, 5), demand=HIGHEST, supply=LOWEST)
@example(band=(5, 8, 7), demand=HIGHEST, supply=LOWEST)
@example(band=(0, 1, 1), demand=ALL, supply=LOWEST)
def test_any_levels_clear_as_the_written_rule(
    harness: tuple[EVM, str], band: Band, demand: Levels, supply: Levels
) -> None:
    assert by_contract(harness, band, demand, supply) == by_the_rule(band, demand, supply)


@pytest.mark.slow
@given(band=bands(), levels=sides(), cut=st.integers(0, TICKS), shift=st.integers(-2, 2))
@settings(max_examples=BOOKS, deadline=None)
def test_ties_across_the_crossing_go_by_the_written_rule(
    harness: tuple[EVM, str], band: Band, levels: Levels, cut: int, shift: int
) -> None:
    """Demand mirrors the supply, so that both are equal, or nearly so, over a plateau in the middle."""
    supply = levels[:cut] + [0] * (TICKS - cut)
    demand = supply[::-1]
    demand[-1] = min(max(demand[-1] + shift, 0), FULL_WH)
    assert by_contract(harness, band, demand, supply) == by_the_rule(band, demand, supply)
