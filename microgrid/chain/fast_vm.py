"""py-evm with shortcuts for the opcodes that contracts spend most of their time in.

A shortcut does the plain case (enough gas, enough stack, a valid jump) with a few list operations and leaves every
other case to py-evm's own opcode, so that gas, results and errors are py-evm's by construction.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from eth.vm import opcode_values as op
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.state import CancunState

Opcode = Callable[..., Any]
WORD = 2**256 - 1
WORD_BITS = 256
WORD_BYTES = 32
STACK_LIMIT = 1_024
PUSH_SIZES = range(1, 33)
DEPTHS = range(1, 17)

BINARY: Mapping[int, Callable[[int, int], int]] = {
    op.ADD: lambda a, b: (a + b) & WORD,
    op.SUB: lambda a, b: (a - b) & WORD,
    op.MUL: lambda a, b: (a * b) & WORD,
    op.DIV: lambda a, b: a // b if b else 0,
    op.AND: lambda a, b: a & b,
    op.OR: lambda a, b: a | b,
    op.LT: lambda a, b: 1 if a < b else 0,
    op.GT: lambda a, b: 1 if a > b else 0,
    op.EQ: lambda a, b: 1 if a == b else 0,
    op.SHL: lambda shift, value: (value << shift) & WORD if shift < WORD_BITS else 0,
    op.SHR: lambda shift, value: value >> shift if shift < WORD_BITS else 0,
}
UNARY: Mapping[int, Callable[[int], int]] = {op.ISZERO: lambda a: 0 if a else 1, op.NOT: lambda a: a ^ WORD}


def _integer(value: int | bytes) -> int:
    return value if value.__class__ is int else int.from_bytes(value, "big")  # type: ignore[arg-type]


def _binary(slow: Any, compute: Callable[[int, int], int]) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or len(values) < 2:  # noqa: PLR2004
            slow(computation)
            return
        meter.gas_remaining -= cost
        first = _integer(values.pop())
        values[-1] = compute(first, _integer(values[-1]))

    return fast


def _unary(slow: Any, compute: Callable[[int], int]) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or not values:
            slow(computation)
            return
        meter.gas_remaining -= cost
        values[-1] = compute(_integer(values[-1]))

    return fast


def _push(slow: Any, size: int) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter, code = computation._stack.values, computation._gas_meter, computation.code  # noqa: SLF001
        begin = code.program_counter
        end = begin + size
        if meter.gas_remaining < cost or len(values) >= STACK_LIMIT or end > len(code):
            slow(computation)
            return
        meter.gas_remaining -= cost
        values.append(int.from_bytes(code._raw_code_bytes[begin:end], "big"))  # noqa: SLF001
        code.program_counter = end

    return fast


def _dup(slow: Any, depth: int) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or not depth <= len(values) < STACK_LIMIT:
            slow(computation)
            return
        meter.gas_remaining -= cost
        values.append(values[-depth])

    return fast


def _swap(slow: Any, depth: int) -> Opcode:
    cost, other = slow.gas_cost, -depth - 1

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or len(values) <= depth:
            slow(computation)
            return
        meter.gas_remaining -= cost
        values[-1], values[other] = values[other], values[-1]

    return fast


def _pop(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or not values:
            slow(computation)
            return
        meter.gas_remaining -= cost
        values.pop()

    return fast


def _jumpdest(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        meter = computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost:
            slow(computation)
            return
        meter.gas_remaining -= cost

    return fast


def _jump(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or not values or _integer(values[-1]) not in _destinations(computation):
            slow(computation)
            return
        meter.gas_remaining -= cost
        computation.code.program_counter = _integer(values.pop())

    return fast


def _jumpi(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        if meter.gas_remaining < cost or len(values) < 2:  # noqa: PLR2004
            slow(computation)
            return
        if _integer(values[-2]):
            destination = _integer(values[-1])
            if destination not in _destinations(computation):
                slow(computation)
                return
            computation.code.program_counter = destination
        meter.gas_remaining -= cost
        del values[-2:]

    return fast


def _mload(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        content = computation._memory._bytes  # noqa: SLF001
        if meter.gas_remaining < cost or not values or (begin := _integer(values[-1])) + WORD_BYTES > len(content):
            slow(computation)
            return
        meter.gas_remaining -= cost
        values[-1] = int.from_bytes(content[begin : begin + WORD_BYTES], "big")

    return fast


def _mstore(slow: Any) -> Opcode:
    cost = slow.gas_cost

    def fast(computation: Any) -> None:
        values, meter = computation._stack.values, computation._gas_meter  # noqa: SLF001
        content = computation._memory._bytes  # noqa: SLF001
        if (
            meter.gas_remaining < cost
            or len(values) < 2  # noqa: PLR2004
            or (begin := _integer(values[-1])) + WORD_BYTES > len(content)
        ):
            slow(computation)
            return
        meter.gas_remaining -= cost
        content[begin : begin + WORD_BYTES] = _integer(values[-2]).to_bytes(WORD_BYTES, "big")
        del values[-2:]

    return fast


def _destinations(computation: Any) -> frozenset[int]:
    """Valid jump destinations of the code that runs; kept on the computation, since a call jumps often."""
    known: frozenset[int] | None = computation.destinations
    if known is None:
        known = computation.destinations = _scan(computation.code._raw_code_bytes)  # noqa: SLF001
    return known


@lru_cache(maxsize=128)
def _scan(code: bytes) -> frozenset[int]:
    """Positions of JUMPDEST that are no data of a PUSH."""
    found, position = set(), 0
    while position < len(code):
        opcode = code[position]
        if opcode == op.JUMPDEST:
            found.add(position)
        position += opcode - op.PUSH1 + 2 if op.PUSH1 <= opcode <= op.PUSH32 else 1
    return frozenset(found)


def _shortcuts(slow: Mapping[int, Any]) -> dict[int, Opcode]:
    return {
        **{code: _binary(slow[code], compute) for code, compute in BINARY.items()},
        **{code: _unary(slow[code], compute) for code, compute in UNARY.items()},
        **{code: _push(slow[code], size) for size in PUSH_SIZES for code in [op.PUSH1 + size - 1]},
        **{code: _dup(slow[code], depth) for depth in DEPTHS for code in [op.DUP1 + depth - 1]},
        **{code: _swap(slow[code], depth) for depth in DEPTHS for code in [op.SWAP1 + depth - 1]},
        op.POP: _pop(slow[op.POP]),
        op.JUMPDEST: _jumpdest(slow[op.JUMPDEST]),
        op.JUMP: _jump(slow[op.JUMP]),
        op.JUMPI: _jumpi(slow[op.JUMPI]),
        op.MLOAD: _mload(slow[op.MLOAD]),
        op.MSTORE: _mstore(slow[op.MSTORE]),
    }


class FastComputation(CancunComputation):
    """Cancun's opcodes with shortcuts."""

    destinations: frozenset[int] | None = None
    opcodes: ClassVar[dict[int, Any]] = {**CancunComputation.opcodes, **_shortcuts(CancunComputation.opcodes)}  # type: ignore[misc]


class FastState(CancunState):
    """State that computes with shortcuts."""

    computation_class = FastComputation


class FastCancunVM(CancunVM):
    """Cancun's rules with shortcuts."""

    _state_class = FastState
