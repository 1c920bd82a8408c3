"""The wire format against eth-account's independent EIP-712 implementation, and against broken bytes."""

import string

import msgspec
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from metering import DOMAIN, EPOCH, ORACLE, frame_of, meter_key, payload

from microgrid.domain.errors import WireError
from microgrid.domain.records import Order, Side
from microgrid.domain.wire import (
    HALF_ORDER,
    Payload,
    ReceiptPayload,
    decode_reading,
    decode_receipt,
    device_id,
    encode_reading,
    encode_receipt,
    reading_digest,
    reading_topic,
    recover,
    sign_order,
    topic_device,
)

CURVE_ORDER = 2 * HALF_ORDER + 1
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=30)
PAYLOADS = st.builds(
    Payload,
    v=st.just(1),
    dev=NAMES,
    ep=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 2**32 - 1),
    ts=st.integers(0, 2**40),
    imp=st.integers(0, 2**63 - 1),
    exp=st.integers(0, 2**63 - 1),
    w=st.integers(-(10**6), 10**6),
    v_mv=st.integers(0, 500_000),
    q=st.integers(0, 31),
)
EIP712_DOMAIN = {
    "name": DOMAIN.name,
    "version": DOMAIN.version,
    "chainId": DOMAIN.chain_id,
    "verifyingContract": DOMAIN.contract,
}
READING_FIELDS = {
    "Reading": [
        {"name": "deviceId", "type": "bytes32"},
        {"name": "sequence", "type": "uint64"},
        {"name": "timestamp", "type": "uint64"},
        {"name": "importWh", "type": "uint64"},
        {"name": "exportWh", "type": "uint64"},
        {"name": "detail", "type": "bytes32"},
    ]
}
ORDER_FIELDS = {
    "Order": [
        {"name": "trader", "type": "address"},
        {"name": "interval", "type": "uint64"},
        {"name": "duration", "type": "uint32"},
        {"name": "side", "type": "uint8"},
        {"name": "energyWh", "type": "uint64"},
        {"name": "price", "type": "uint64"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
    ]
}


@settings(max_examples=100)
@given(body=PAYLOADS)
def test_a_frame_carries_every_field_and_its_signature_recovers_the_key(body: Payload) -> None:
    key = meter_key(3)
    reading = decode_reading(encode_reading(body, key, DOMAIN))
    assert msgspec.json.decode(reading.payload, type=Payload) == body
    assert (reading.device, reading.epoch, reading.sequence) == (body.dev, body.ep, body.seq)
    assert (reading.timestamp_s, reading.import_wh, reading.export_wh) == (body.ts, body.imp, body.exp)
    assert recover(reading_digest(reading, DOMAIN), reading.signature) == key.address


@settings(max_examples=60)
@given(body=PAYLOADS)
def test_the_signature_equals_the_one_of_eth_account_over_the_same_struct(body: Payload) -> None:
    key = meter_key(4)
    reading = decode_reading(encode_reading(body, key, DOMAIN))
    message = {
        "deviceId": keccak(text=body.dev),
        "sequence": body.ep * 2**32 + body.seq,
        "timestamp": body.ts,
        "importWh": body.imp,
        "exportWh": body.exp,
        "detail": keccak(reading.payload),
    }
    signable = encode_typed_data(EIP712_DOMAIN, READING_FIELDS, message)
    assert Account.sign_message(signable, key.secret).signature == reading.signature
    assert Account.recover_message(signable, signature=reading.signature) == key.address


@settings(max_examples=40)
@given(numbers=st.tuples(*[st.integers(0, 2**63)] * 5), duration=st.integers(0, 2**32 - 1), side=st.sampled_from(Side))
def test_an_orders_signature_equals_the_one_of_eth_account(numbers: tuple[int, ...], duration: int, side: Side) -> None:
    key = meter_key(5)
    interval, energy_wh, price, nonce, deadline_s = numbers
    order = Order(key.address, interval, side, energy_wh, price, nonce, deadline_s, duration)
    message = {
        "trader": key.address,
        "interval": interval,
        "duration": duration,
        "side": int(side),
        "energyWh": energy_wh,
        "price": price,
        "nonce": nonce,
        "deadline": deadline_s,
    }
    signable = encode_typed_data(EIP712_DOMAIN, ORDER_FIELDS, message)
    assert sign_order(order, key, DOMAIN).signature == Account.sign_message(signable, key.secret).signature


def test_addresses_are_checksummed_like_eth_account_does() -> None:
    for number in range(20):
        assert meter_key(number).address == Account.from_key(meter_key(number).secret).address


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_a_wire_error_and_nothing_else(data: bytes) -> None:
    with pytest.raises(WireError):
        decode_reading(data)


BROKEN = {
    "field missing": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":0,"q":0}',
    "field unknown": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":0,"v_mv":0,"q":0,"x":1}',
    "a fraction": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":0.5,"exp":0,"w":0,"v_mv":0,"q":0}',
    "not a number": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":NaN,"exp":0,"w":0,"v_mv":0,"q":0}',
    "below zero": b'{"v":1,"dev":"a","ep":0,"seq":-1,"ts":1,"imp":0,"exp":0,"w":0,"v_mv":0,"q":0}',
    "too large": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":9223372036854775808,"exp":0,"w":0,"v_mv":0,"q":0}',
    "absurd power": b'{"v":1,"dev":"a","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":-2147483648,"v_mv":0,"q":0}',
    "another version": b'{"v":2,"dev":"a","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":0,"v_mv":0,"q":0}',
    "bad text": b'{"v":1,"dev":"\xff","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":0,"v_mv":0,"q":0}',
    "half a character": b'{"v":1,"dev":"\\ud800","ep":0,"seq":0,"ts":1,"imp":0,"exp":0,"w":0,"v_mv":0,"q":0}',
    "deep nesting": b"[" * 900,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_payload_that_is_not_exactly_one_reading_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        decode_reading(bytes(65) + body)


def test_a_signature_with_a_high_s_is_refused() -> None:
    """Otherwise one reading would have two valid frames."""
    reading = decode_reading(frame_of(payload(1)).data)
    r, s, v = reading.signature[:32], int.from_bytes(reading.signature[32:64], "big"), reading.signature[64]
    mirrored = r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([27 + 28 - v])
    with pytest.raises(WireError, match="high s"):
        recover(reading_digest(reading, DOMAIN), mirrored)


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 64 + b"\x1b", bytes(64) + b"\x1c", b"\x01" * 64])
def test_a_signature_that_is_none_is_refused(signature: bytes) -> None:
    with pytest.raises(WireError):
        recover(bytes(32), signature)


def test_a_receipt_is_read_only_when_the_oracle_signed_it() -> None:
    receipt = ReceiptPayload(v=1, dev="meter-0", ep=EPOCH, seq=7, ts=EPOCH)
    assert decode_receipt(encode_receipt(receipt, ORACLE), ORACLE.address) == receipt
    with pytest.raises(WireError, match="not signed by the oracle"):
        decode_receipt(encode_receipt(receipt, meter_key(0)), ORACLE.address)
    with pytest.raises(WireError):
        decode_receipt(ORACLE.sign(keccak(b"{}")) + b"{}", ORACLE.address)


def test_topics_name_site_and_device() -> None:
    assert reading_topic("north", "meter-1") == "mg/1/north/meter-1/up/r"
    assert topic_device("mg/1/north/meter-1/up/r") == "meter-1"
    assert topic_device("nonsense") == ""


def test_a_device_id_is_the_keccak_hash_of_its_name() -> None:
    assert device_id("meter-1") == keccak(text="meter-1")


def test_a_key_never_shows_its_secret() -> None:
    key = meter_key(1)
    assert key.secret.hex() not in repr(key)
    assert key.address in repr(key)
