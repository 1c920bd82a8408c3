"""Devices without a network: every device type, the outbox and its file, the faults on the way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from behaviours.device import Create, DeviceBehaviour
from metering import DOMAIN, EPOCH, HOUR_S, ORACLE, SITE, START_S, meter_key, meters, profiles

from iot_sim.device import Device
from iot_sim.devices.smart_meter import SmartMeter
from iot_sim.faults import FaultInjector, FaultRates, tampered_payload
from iot_sim.outbox import Outbox
from microgrid.domain import plugins
from microgrid.domain.records import Frame
from microgrid.domain.wire import ReceiptPayload, SigningKey, decode_reading, encode_receipt


@pytest.fixture(scope="module", params=plugins.names("device type"))
def create(request: pytest.FixtureRequest) -> Create:
    made: Create = plugins.load("device type", request.param).create
    return made


class TestEveryDeviceType(DeviceBehaviour):
    """The suite of the interface, once a file in the folder."""


def receipt(up_to: int, *, name: str = "meter-0", epoch: int = EPOCH, key: SigningKey = ORACLE) -> bytes:
    return encode_receipt(ReceiptPayload(v=1, dev=name, ep=epoch, seq=up_to, ts=START_S), key)


@pytest.fixture
def device() -> Device:
    return meters(profiles(1, 24))[0]


def test_readings_count_from_zero_in_an_epoch_that_is_the_time_of_the_first(device: Device) -> None:
    readings = [decode_reading(device.read(START_S + number * HOUR_S).data) for number in range(3)]
    assert [(reading.epoch, reading.sequence) for reading in readings] == [(START_S, 0), (START_S, 1), (START_S, 2)]
    assert [reading.timestamp_s for reading in readings] == [START_S, START_S + HOUR_S, START_S + 2 * HOUR_S]


def test_a_reading_is_kept_until_a_receipt_covers_it(device: Device) -> None:
    frames = [device.read(START_S + number * HOUR_S) for number in range(4)]
    assert device.unconfirmed(10) == frames
    assert device.hear(receipt(1))
    assert device.unconfirmed(10) == frames[2:]
    assert device.unconfirmed(1) == frames[2:3]
    assert not device.hear(receipt(1))
    assert device.hear(receipt(3))
    assert device.unconfirmed(10) == []


@pytest.mark.parametrize(
    "data",
    [
        receipt(9, key=meter_key(0)),
        receipt(9, name="meter-1"),
        receipt(9, epoch=EPOCH - 1),
        receipt(9)[:-1],
        b"",
        bytes(65) + b"{}",
    ],
    ids=["forged", "of another device", "of another epoch", "cut short", "empty", "unsigned"],
)
def test_a_receipt_that_is_not_the_oracles_word_covers_nothing(device: Device, data: bytes) -> None:
    device.read(START_S)
    assert not device.hear(data)
    assert len(device.outbox) == 1


def test_a_skewed_clock_shows_in_the_time_only(device: Device) -> None:
    skewed = Device(
        "meter-0", meter_key(0), SmartMeter(profiles(1, 24)[0], np.random.default_rng(0)),
        site=SITE, domain=DOMAIN, oracle=ORACLE.address, clock_skew_s=-HOUR_S,
    )  # fmt: skip
    right, wrong = (decode_reading(one.read(START_S + HOUR_S).data) for one in (device, skewed))
    assert wrong.timestamp_s == right.timestamp_s - HOUR_S
    assert wrong.import_wh == right.import_wh


class TestOutboxFile:
    def test_a_restarted_device_goes_on_where_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "meter.jsonl"
        before = Outbox(path)
        before.begin_epoch(EPOCH)
        for number in range(4):
            before.add(b"frame %d" % number)
        before.forget(1)
        after = Outbox(path)
        assert (after.epoch, after.next_sequence) == (EPOCH, 4)
        assert after.oldest(10) == [b"frame 2", b"frame 3"]

    def test_the_counter_survives_an_empty_outbox_and_any_number_of_restarts(self, tmp_path: Path) -> None:
        path = tmp_path / "meter.jsonl"
        for number in range(5):
            outbox = Outbox(path)
            if outbox.epoch is None:
                outbox.begin_epoch(EPOCH)
            assert outbox.next_sequence == number
            outbox.add(b"frame")
            outbox.forget(number)

    def test_a_line_cut_short_by_a_crash_was_never_sent(self, tmp_path: Path) -> None:
        path = tmp_path / "meter.jsonl"
        outbox = Outbox(path)
        outbox.begin_epoch(EPOCH)
        outbox.add(b"whole")
        outbox.add(b"torn")
        path.write_bytes(path.read_bytes()[:-5])
        after = Outbox(path)
        assert (after.epoch, after.next_sequence, after.oldest(9)) == (EPOCH, 1, [b"whole"])
        after.add(b"again")
        assert Outbox(path).oldest(9) == [b"whole", b"again"]

    @pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"{}\n", b"not json\n", b"[1]\n", b'{"sequence": "x"}\n'])
    def test_a_damaged_file_is_lost_state_and_begins_a_new_epoch(self, tmp_path: Path, damage: bytes) -> None:
        path = tmp_path / "meter.jsonl"
        device = _with_outbox(Outbox(path))
        device.read(START_S)
        path.write_bytes(damage + path.read_bytes())
        replaced = _with_outbox(Outbox(path))
        reading = decode_reading(replaced.read(START_S + HOUR_S).data)
        assert (reading.epoch, reading.sequence) == (START_S + HOUR_S, 0)

    def test_the_sequence_is_on_disk_before_the_frame_is_out(self, tmp_path: Path) -> None:
        path = tmp_path / "meter.jsonl"
        device = _with_outbox(Outbox(path))
        frame = device.read(START_S)
        assert Outbox(path).oldest(1) == [frame.data]


def _with_outbox(outbox: Outbox) -> Device:
    meter = SmartMeter(profiles(1, 24)[0], np.random.default_rng(0))
    return Device("meter-0", meter_key(0), meter, site=SITE, domain=DOMAIN, oracle=ORACLE.address, outbox=outbox)


FRAMES = [Frame("mg/1/north/meter-0/up/r", bytes(65) + b'{"n":%d1}' % number) for number in range(2_000)]


def through(rates: FaultRates, seed: int = 1) -> list[Frame]:
    return FaultInjector(rates, np.random.default_rng(seed)).apply(FRAMES)


def test_without_faults_everything_gets_through_unchanged() -> None:
    assert through(FaultRates()) == FRAMES


FAULTS: dict[str, Callable[[list[Frame]], int]] = {
    "drop": lambda out: len(FRAMES) - len(out),
    "duplicate": lambda out: len(out) - len(FRAMES),
    "replay": lambda out: len(out) - len(FRAMES),
    "tamper_payload": lambda out: sum(a.data[65:] != b.data[65:] for a, b in zip(out, FRAMES, strict=True)),
    "tamper_signature": lambda out: sum(a.data[:65] != b.data[:65] for a, b in zip(out, FRAMES, strict=True)),
    "reorder": lambda out: sum(len(a.data) == len(b.data) and a.data > b.data for a, b in pairwise(out)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_hits_the_share_it_says(fault: str) -> None:
    """Of 2,000 at 10 %: 200, and four standard deviations (13.4 each) either way."""
    assert 146 <= FAULTS[fault](through(replace(FaultRates(), **{fault: 0.1}))) <= 254


def test_reordering_and_duplicating_lose_nothing() -> None:
    assert set(Counter(through(FaultRates(reorder=0.3, duplicate=0.3)))) == set(FRAMES)


def test_the_same_seed_makes_the_same_faults() -> None:
    rates = FaultRates(drop=0.1, duplicate=0.1, reorder=0.1, tamper_payload=0.1, replay=0.1)
    assert through(rates, seed=7) == through(rates, seed=7) != through(rates, seed=8)


def test_a_tampered_payload_is_still_as_long_and_differs_in_one_byte(device: Device) -> None:
    frame = device.read(START_S)
    changed = tampered_payload(frame, np.random.default_rng(1))
    assert sum(a != b for a, b in zip(frame.data, changed.data, strict=True)) == 1
