"""The contract's clearing is the Python mechanism's, on any book: same tick, margins, price and fills."""

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

BOOKS = 2_500
HARNESS = json.loads((Path(__file__).parent / "artifacts" / "AuctionHarness.json").read_text())
RUN = next(entry for entry in HARNESS["abi"] if entry.get("name") == "run")
INPUTS = ["uint64", "uint64", "uint64", "(bool,uint64,uint64)[]"]
CALLER = "0x" + "01" * 20
LARGEST_WH = (2**32 - 1) // 14


@pytest.fixture(scope="module")
def harness() -> tuple[EVM, str]:
    evm = EVM(gas_limit=2**62)
    return evm, evm.deploy(CALLER, bytes.fromhex(HARNESS["bytecode"].removeprefix("0x")))


def cleared_by_contract(harness: tuple[EVM, str], band: PriceBand, orders: list[Order]) -> tuple[Any, int, list[int]]:
    evm, address = harness
    rows = [(o.side is Side.BUY, o.energy_wh, o.price_micro_per_kwh) for o in orders]
    data = function_abi_to_4byte_selector(RUN) + encode(INPUTS, [band.feed_in, band.retail, band.reference, rows])
    output = evm.message_call(CALLER, address, calldata=data)
    kinds = [_kind(entry) for entry in RUN["outputs"]]
    outcome, price, fills = decode(kinds, bytes(output))
    names = [part["name"] for part in RUN["outputs"][0]["components"]]
    return dict(zip(names, outcome, strict=True)), price, list(fills)


def _kind(entry: dict[str, Any]) -> str:
    if entry["type"] != "tuple":
        return str(entry["type"])
    return f"({','.join(_kind(part) for part in entry['components'])})"


@st.composite
def books(draw: st.DrawFn) -> tuple[PriceBand, list[Order]]:
    """Bands from no width to wide; few distinct limits and amounts, so that ties are common; also empty books."""
    feed_in = draw(st.integers(0, 300_000))
    retail = feed_in + draw(st.sampled_from([1, 5, 127, 128, 1_000, 250_000]) | st.integers(1, 1_000_000))
    reference = draw(st.integers(feed_in, retail))
    limit = st.integers(feed_in, retail) | st.sampled_from([feed_in, retail, reference])
    amount = st.sampled_from([1, 10, 1_000]) | st.integers(1, 10_000) | st.just(LARGEST_WH)
    count = draw(st.integers(0, 14))
    return PriceBand(feed_in, retail, reference), [
        Order(f"home {n}", 1, draw(st.sampled_from(Side)), draw(amount), draw(limit), n, 0) for n in range(count)
    ]


@given(book=books())
@settings(max_examples=BOOKS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_clearing_on_chain_equals_clearing_in_python(
    harness: tuple[EVM, str], book: tuple[PriceBand, list[Order]]
) -> None:
    band, orders = book
    outcome, price, fills = cleared_by_contract(harness, band, orders)
    expected = auction(1, orders, band)
    assert price == expected.price_micro_per_kwh
    assert outcome == {
        "tick": expected.tick,
        "buyMarginTick": expected.buy_margin_tick,
        "sellMarginTick": expected.sell_margin_tick,
        "volumeWh": expected.volume_wh,
        "buyFillWh": expected.buy_fill_wh,
        "sellFillWh": expected.sell_fill_wh,
    }
    assert fills == [(expected.bought_wh if o.side is Side.BUY else expected.sold_wh)[o.trader] for o in orders]
