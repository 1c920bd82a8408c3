"""Readings as the registry takes and tells them: numbers packed into one word, signatures in their short form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from microgrid.domain.records import Reading
from microgrid.domain.wire import HALF_ORDER, SIGNATURE_BYTES, V_OFFSET, keccak256

PackedReading = tuple[bytes, int, bytes, bytes, bytes]

_MASK_64: Final = (1 << 64) - 1
_MASK_40: Final = (1 << 40) - 1
_MASK_23: Final = (1 << 23) - 1
_NO_SIGNATURE: Final = (bytes(32), bytes(32))


@dataclass(frozen=True, slots=True)
class ToldReading:
    """A reading of a batch as its event tells it.

    Attributes:
        device_number: The number of its device, counted from 0 in order of registration; wrong for an unknown device.
        sequence: Its number on chain.
        refused: Whether the contract refused it.
    """

    device_number: int
    sequence: int
    timestamp_s: int
    import_wh: int
    export_wh: int
    refused: bool


def packed(reading: Reading) -> PackedReading:
    """The five words of a signed reading: device id, numbers, detail, r, vs."""
    numbers = pack_numbers(reading.chain_sequence, reading.timestamp_s, reading.import_wh, reading.export_wh)
    return (reading.device_id, numbers, keccak256(reading.payload), *short_signature(reading.signature))


def pack_numbers(sequence: int, timestamp_s: int, import_wh: int, export_wh: int) -> int:
    """Four 64-bit numbers in one word, the first at the top."""
    return sequence << 192 | timestamp_s << 128 | import_wh << 64 | export_wh


def short_signature(signature: bytes) -> tuple[bytes, bytes]:
    """EIP-2098: r, and s with v - 27 in its top bit; a misshapen signature becomes zeros, which no key signs."""
    if len(signature) != SIGNATURE_BYTES or signature[64] - V_OFFSET not in (0, 1):
        return _NO_SIGNATURE
    s = int.from_bytes(signature[32:64], "big")
    if s > HALF_ORDER:
        return _NO_SIGNATURE
    return signature[:32], (s | (signature[64] - V_OFFSET) << 255).to_bytes(32, "big")


def long_signature(r: bytes, vs: bytes) -> bytes:
    """The 65 bytes r, s, v that `short_signature` shortened."""
    word = int.from_bytes(vs, "big")
    return r + (word & ~(1 << 255)).to_bytes(32, "big") + bytes([V_OFFSET + (word >> 255)])


def told_readings(words: Sequence[int]) -> Iterator[ToldReading]:
    """Take the words of a batch's event apart."""
    for word in words:
        yield ToldReading(
            device_number=(word >> 168) & _MASK_23,
            sequence=word >> 192,
            timestamp_s=(word >> 128) & _MASK_40,
            import_wh=(word >> 64) & _MASK_64,
            export_wh=word & _MASK_64,
            refused=bool(word >> 191 & 1),
        )
