"""The shortcuts in py-evm change nothing but the time it takes."""

from typing import Any

import pytest
from eth.vm.computation import BaseComputation
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st
from village import FIRST, START_S, Village, open_market

from microgrid.chain import evm
from microgrid.chain.backends import eth_tester
from microgrid.chain.evm import LocalChain
from microgrid.chain.fast_vm import FastCancunVM, FastComputation
from microgrid.domain.records import Side

CALLER, TARGET = Address(b"\x01" * 20), Address(b"\x02" * 20)
HOT = [*range(0x60, 0xA0), 0x50, 0x51, 0x52, 0x56, 0x57, 0x5B, 0x01, 0x02, 0x03, 0x04, 0x10, 0x11, 0x14, 0x15, 0x16]
HOT += [0x17, 0x19, 0x1B, 0x1C, 0x5F, 0x53, 0x20, 0x59, 0x5A, 0x58, 0x00, 0xF3, 0xFD]
SMALL = st.integers(0, 255).map(lambda value: bytes([0x60, value]))
WIDE = st.binary(min_size=32, max_size=32).map(lambda value: b"\x7f" + value)
PROGRAMS = st.lists(st.one_of(SMALL, SMALL, WIDE, st.sampled_from(HOT).map(lambda code: bytes([code]))), max_size=60)


@pytest.fixture(scope="module")
def state() -> Any:
    return LocalChain(START_S).state()


def outcome(kind: type[BaseComputation], state: Any, code: bytes, gas: int) -> tuple[Any, ...]:
    """All that a program leaves behind."""
    context = CancunTransactionContext(gas_price=0, origin=CALLER)
    message = Message(gas=gas, to=TARGET, sender=CALLER, value=0, data=b"\x07" * 40, code=code)
    computation: Any = kind.apply_computation(state, message, context)
    stack = [value if isinstance(value, int) else int.from_bytes(value, "big") for value in computation._stack.values]
    error = type(computation._error)
    return error, computation.output, computation.get_gas_remaining(), stack, bytes(computation._memory._bytes)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")  # any program may hold it
@settings(max_examples=600)
@given(parts=PROGRAMS, gas=st.sampled_from([0, 20, 100, 100_000]))
def test_any_program_ends_the_same(state: Any, parts: list[bytes], gas: int) -> None:
    code = b"".join(parts)
    assert outcome(FastComputation, state, code, gas) == outcome(CancunComputation, state, code, gas)


@pytest.mark.parametrize(
    "code",
    [
        "6003565b00",  # a jump to a JUMPDEST
        "600456605b00",  # a jump into the data of a PUSH
        "6000600a57005b",  # a condition that is zero
        "6001600557005b",  # a jump past the end of a PUSH
        "60ff60ff60ff5657",  # a jump out of the code
        "7f" + "ff" * 20,  # a PUSH that the code ends in
        "60",  # likewise, without a byte
        "5b60005600",  # a loop until the gas is gone
        "60016101001b60016101001c",  # shifts by the width of a word and beyond
        "6000600104",  # division by zero
        "60005260206000f3",  # nothing on the stack to store
        "6001" + "80" * 1_024,  # one value too many
    ],
)
def test_the_corners_end_the_same(state: Any, code: str) -> None:
    program = bytes.fromhex(code)
    assert outcome(FastComputation, state, program, 50_000) == outcome(CancunComputation, state, program, 50_000)


def test_the_contracts_leave_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state root after an interval's orders and clearing is the same, and so is all gas."""
    assert _root_after_clearing(FastCancunVM, monkeypatch) == _root_after_clearing(CancunVM, monkeypatch)


def _root_after_clearing(machine: type, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(evm, "FastCancunVM", machine)
    backend = eth_tester.connect(None, START_S)
    village = Village(open_market(backend))
    village.open()
    village.order(0, Side.BUY, 1_000, 250_000)
    village.order(1, Side.SELL, 900, 60_000)
    village.market.advance_to(START_S)
    village.market.clear(FIRST)
    return bytes(backend.chain.head.state_root)
