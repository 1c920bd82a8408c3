"""The bytes on the wire: what a device signs and what the oracle and the contract check.

A frame is a 65-byte recoverable secp256k1 signature (r, s, v with v 27 or 28, low s) followed by the exact payload
bytes, JSON with integers only. The signature covers the EIP-712 digest of the registers *and* of the payload's hash, so
one signature is judged twice: by the oracle over every byte, by the contract over the registers it bills.
"""

from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property
from typing import Self

import coincurve
import msgspec
from Crypto.Hash import keccak as _keccak

from microgrid.domain.errors import InvalidKeyError, WireError
from microgrid.domain.records import Cancellation, Order, Reading, SignedCancellation, SignedOrder

SIGNATURE_BYTES = 65
SECRET_BYTES = 32
MAX_FRAME_BYTES = 1_024
PAYLOAD_VERSION = 1
V_OFFSET = 27
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (not SHA3-256)."""
    return _keccak.new(digest_bits=256, data=data).digest()


class Quality(IntFlag):
    """Quality bits of a reading."""

    ESTIMATED = 1
    CLOCK_UNSYNCHRONISED = 2
    HISTORICAL = 4
    TAMPER = 8
    TEST = 16


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading as JSON: version, device, epoch, sequence, Unix time, registers Wh, power W, voltage mV, quality."""

    v: int
    dev: str
    ep: int
    seq: int
    ts: int
    imp: int
    exp: int
    w: int
    v_mv: int
    q: int


class ReceiptPayload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt as JSON: all readings of `dev` in epoch `ep` up to `seq` are stored; `ts` is the oracle's time."""

    v: int
    dev: str
    ep: int
    seq: int
    ts: int


_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_decoder = msgspec.json.Decoder(Payload)
_receipt_decoder = msgspec.json.Decoder(ReceiptPayload)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _address_word(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x")).rjust(32, b"\0")


@dataclass(frozen=True)
class SigningDomain:
    """An EIP-712 domain: name and version of the contract, its chain and its address."""

    name: str
    chain_id: int
    contract: str
    version: str = "1"

    @cached_property
    def separator(self) -> bytes:
        """The domain separator, EIP-712 section "Definition of domainSeparator"."""
        kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        parts = [keccak256(kind), keccak256(self.name.encode()), keccak256(self.version.encode())]
        return keccak256(b"".join(parts) + _word(self.chain_id) + _address_word(self.contract))

    def digest(self, struct_hash: bytes) -> bytes:
        """What is signed: keccak256(0x1901, separator, struct hash)."""
        return keccak256(b"\x19\x01" + self.separator + struct_hash)


READING_TYPE = keccak256(
    b"Reading(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 importWh,uint64 exportWh,bytes32 detail)"
)
ORDER_TYPE = keccak256(
    b"Order(address trader,uint64 interval,uint32 duration,uint8 side,"
    b"uint64 energyWh,uint64 price,uint64 nonce,uint64 deadline)"
)
CANCELLATION_TYPE = keccak256(b"Cancellation(address trader,uint64 interval,uint8 side,uint64 deadline)")


def device_id(name: str) -> bytes:
    """The 32-byte id of a device."""
    return keccak256(name.encode())


def order_struct_hash(order: Order) -> bytes:
    """EIP-712 struct hash of an order."""
    numbers = (
        order.interval,
        order.duration,
        int(order.side),
        order.energy_wh,
        order.price_micro_per_kwh,
        order.nonce,
        order.deadline_s,
    )
    return keccak256(ORDER_TYPE + _address_word(order.trader) + b"".join(map(_word, numbers)))


class SigningKey:
    """A secp256k1 key; signatures are deterministic (RFC 6979). Its representation never shows the secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = coincurve.PrivateKey(secret)
        self.address = address_of(self._key.public_key)

    @classmethod
    def from_hex(cls, text: str, source: str) -> Self:
        """The key written as 64 hexadecimal digits; `source` names where it stands, for the error.

        Raises:
            InvalidKeyError: anything else, zero and numbers above the curve's order included.
        """
        digits = text.strip().removeprefix("0x")
        if len(digits) != 2 * SECRET_BYTES:
            raise InvalidKeyError(source)
        try:
            return cls(bytes.fromhex(digits))
        except ValueError:
            raise InvalidKeyError(source) from None

    @property
    def secret(self) -> bytes:
        """The 32 secret bytes."""
        return self._key.secret

    def sign(self, digest: bytes) -> bytes:
        """65-byte signature r, s, v of a 32-byte digest."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([signature[64] + V_OFFSET])

    def __repr__(self) -> str:
        return f"SigningKey({self.address})"


def address_of(public_key: coincurve.PublicKey) -> str:
    """EIP-55 checksummed address of a public key."""
    return checksum(keccak256(public_key.format(compressed=False)[1:])[12:])


def checksum(address: bytes) -> str:
    """EIP-55 form of 20 address bytes."""
    plain = address.hex()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(plain, digest, strict=False))  # noqa: PLR2004


def recover(digest: bytes, signature: bytes) -> str:
    """Address whose key signed the digest.

    Raises:
        WireError: no valid signature (wrong length, v not 27 or 28, high s, no curve point).
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] - V_OFFSET not in (0, 1):
        message = "signature is not 65 bytes r, s, v with v 27 or 28"
        raise WireError(message)
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        message = "signature has a high s"
        raise WireError(message)
    compact = signature[:64] + bytes([signature[64] - V_OFFSET])
    try:
        return address_of(coincurve.PublicKey.from_signature_and_message(compact, digest, hasher=None))
    except ValueError as error:
        message = "signature recovers no key"
        raise WireError(message) from error


def encode_reading(payload: Payload, key: SigningKey, domain: SigningDomain) -> bytes:
    """Frame bytes of a signed reading."""
    body = msgspec.json.encode(payload)
    return key.sign(reading_digest(_reading(payload, body, b""), domain)) + body


def decode_reading(data: bytes) -> Reading:
    """The reading in a frame; the signature is not checked here.

    Raises:
        WireError: too short, not JSON, a field missing, unknown, of another type or out of range.
    """
    signature, body = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    try:
        payload = _decoder.decode(body)
    except _UNREADABLE as error:
        raise WireError(str(error)) from error
    _check_ranges(payload)
    return _reading(payload, body, signature)


def _reading(payload: Payload, body: bytes, signature: bytes) -> Reading:
    return Reading(
        device=payload.dev,
        device_id=device_id(payload.dev),
        epoch=payload.ep,
        sequence=payload.seq,
        timestamp_s=payload.ts,
        import_wh=payload.imp,
        export_wh=payload.exp,
        power_w=payload.w,
        voltage_mv=payload.v_mv,
        quality=payload.q,
        payload=body,
        signature=signature,
    )


def _check_ranges(payload: Payload) -> None:
    if payload.v != PAYLOAD_VERSION:
        message = f"payload version {payload.v} is not {PAYLOAD_VERSION}"
        raise WireError(message)
    limits = {"ep": 32, "seq": 32, "ts": 48, "imp": 63, "exp": 63, "v_mv": 31, "q": 31}
    for name, bits in limits.items():
        if not 0 <= getattr(payload, name) < 1 << bits:
            message = f"field {name!r} does not fit {bits} bits"
            raise WireError(message)
    if abs(payload.w) >= 1 << 31:
        message = "field 'w' does not fit 31 bits and a sign"
        raise WireError(message)


def reading_digest(reading: Reading, domain: SigningDomain) -> bytes:
    """What the device signs: EIP-712 digest of registers, time, counter and the hash of the exact payload bytes."""
    numbers = (reading.chain_sequence, reading.timestamp_s, reading.import_wh, reading.export_wh)
    return registers_digest(reading.device_id, numbers, keccak256(reading.payload), domain)


def registers_digest(
    identity: bytes, numbers: tuple[int, int, int, int], detail: bytes, domain: SigningDomain
) -> bytes:
    """The same from what the contract keeps: counter, time, import and export, and the payload's hash as `detail`."""
    return domain.digest(keccak256(READING_TYPE + identity + b"".join(map(_word, numbers)) + detail))


def sign_order(order: Order, key: SigningKey, domain: SigningDomain) -> SignedOrder:
    """An order with its home's signature."""
    return SignedOrder(order, key.sign(domain.digest(order_struct_hash(order))))


def sign_cancellation(wanted: Cancellation, key: SigningKey, domain: SigningDomain) -> SignedCancellation:
    """A cancellation with its home's signature."""
    numbers = (wanted.interval, int(wanted.side), wanted.deadline_s)
    struct_hash = keccak256(CANCELLATION_TYPE + _address_word(wanted.trader) + b"".join(map(_word, numbers)))
    return SignedCancellation(wanted, key.sign(domain.digest(struct_hash)))


def encode_receipt(receipt: ReceiptPayload, key: SigningKey) -> bytes:
    """Frame bytes of a receipt, signed over keccak256 of its bytes by the oracle's key."""
    body = msgspec.json.encode(receipt)
    return key.sign(keccak256(body)) + body


def decode_receipt(data: bytes, oracle: str) -> ReceiptPayload:
    """The receipt in a frame.

    Raises:
        WireError: malformed, or not signed by the oracle's key.
    """
    signature, body = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    if recover(keccak256(body), signature) != oracle:
        message = "receipt is not signed by the oracle"
        raise WireError(message)
    try:
        return _receipt_decoder.decode(body)
    except _UNREADABLE as error:
        raise WireError(str(error)) from error


def reading_topic(site: str, device: str) -> str:
    """Topic that a device publishes its readings on."""
    return f"mg/1/{site}/{device}/up/r"


def receipt_topic(site: str, device: str) -> str:
    """Topic that a device hears its receipts on."""
    return f"mg/1/{site}/{device}/down/rcpt"


def topic_device(topic: str) -> str:
    """Device named by a topic; empty where there is none."""
    parts = topic.split("/")
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004
