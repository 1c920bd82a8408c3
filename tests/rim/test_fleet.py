"""The fleet on a real broker: readings go out, receipts come back, what has none is sent again."""

import socket
from collections.abc import Iterator
from time import monotonic

import numpy as np
import pytest
from behaviours.broker import PATIENCE_S, receive
from metering import EPOCH, HOUR_S, ORACLE, SITE, START_S, meters, profiles

from iot_sim.faults import FaultInjector, FaultRates
from iot_sim.fleet import Resend, SimulatedFleet
from microgrid.broker import EmbeddedBroker, MqttBroker
from microgrid.domain.errors import BrokerUrlError, UnreachableError
from microgrid.domain.records import Frame
from microgrid.domain.wire import ReceiptPayload, decode_reading, encode_receipt, receipt_topic

NEVER = Resend(first_s=3_600.0)
SOON = Resend(first_s=0.05, most_s=0.2)
READINGS = f"mg/1/{SITE}/+/up/r"


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def oracle(embedded: EmbeddedBroker) -> Iterator[MqttBroker]:
    client = MqttBroker(embedded.url)
    client.subscribe(READINGS)
    yield client
    client.close()


def confirm(oracle: MqttBroker, name: str, up_to: int) -> None:
    receipt = ReceiptPayload(v=1, dev=name, ep=EPOCH, seq=up_to, ts=START_S)
    oracle.publish(Frame(receipt_topic(SITE, name), encode_receipt(receipt, ORACLE)))


def until_outstanding(fleet: SimulatedFleet, count: int, oracle: MqttBroker) -> None:
    """The oracle's client waits between looks; what arrives meanwhile is thrown away."""
    deadline_s = monotonic() + PATIENCE_S
    while fleet.outstanding() != count:
        assert monotonic() < deadline_s, f"{fleet.outstanding()} readings stay outstanding, not {count}"
        oracle.receive(100, 0.05)


def test_every_device_publishes_one_reading_a_tick(embedded: EmbeddedBroker, oracle: MqttBroker) -> None:
    with SimulatedFleet(meters(profiles(5, 3)), embedded.url, resend=NEVER) as fleet:
        for number in range(3):
            fleet.tick(START_S + number * HOUR_S)
        found = [decode_reading(delivery.frame.data) for delivery in receive(oracle, 15)]
        assert sorted((reading.device, reading.sequence) for reading in found) == [
            (f"meter-{device}", sequence) for device in range(5) for sequence in range(3)
        ]
        assert (fleet.sent(), fleet.outstanding()) == (15, 15)
        last = {reading.device: (reading.import_wh, reading.export_wh) for reading in found if reading.sequence == 2}
        assert fleet.registers() == last


def test_a_receipt_empties_the_outbox_of_its_device_alone(embedded: EmbeddedBroker, oracle: MqttBroker) -> None:
    with SimulatedFleet(meters(profiles(2, 3)), embedded.url, resend=NEVER) as fleet:
        fleet.tick(START_S)
        fleet.tick(START_S + HOUR_S)
        receive(oracle, 4)
        confirm(oracle, "meter-1", 0)
        until_outstanding(fleet, 3, oracle)
        confirm(oracle, "meter-1", 1)
        until_outstanding(fleet, 2, oracle)


def test_a_reading_without_a_receipt_is_sent_again_oldest_first(embedded: EmbeddedBroker, oracle: MqttBroker) -> None:
    with SimulatedFleet(meters(profiles(1, 3)), embedded.url, resend=SOON) as fleet:
        fleet.tick(START_S)
        fleet.tick(START_S + HOUR_S)
        sequences: list[int] = []
        while sequences.count(1) < 4:  # before there is a second reading, the first may go out more than once
            sequences += [decode_reading(item.frame.data).sequence for item in receive(oracle, 1)]
        assert sequences[sequences.index(1) :] == [1, 0, 1, 0, 1, 0, 1]


def test_what_was_read_while_the_broker_was_away_comes_when_it_is_back(embedded: EmbeddedBroker) -> None:
    with SimulatedFleet(meters(profiles(3, 3)), embedded.url, resend=NEVER) as fleet:
        embedded.close()
        fleet.tick(START_S)
        fleet.tick(START_S + HOUR_S)
        assert fleet.outstanding() == 6
        with EmbeddedBroker(embedded.port) as again:
            oracle = MqttBroker(again.url)
            oracle.subscribe(READINGS)
            seen: set[tuple[str, int]] = set()
            # Devices that came back before the oracle subscribed spoke into the void; a tick later all are heard.
            fleet.tick(START_S + 2 * HOUR_S)
            while len({device for device, _ in seen}) < 3:
                arrived = oracle.receive(100, PATIENCE_S)
                assert arrived
                seen |= {(r.device, r.sequence) for r in (decode_reading(item.frame.data) for item in arrived)}
            oracle.close()


def test_faults_hit_the_first_way_out_and_what_is_resent_gets_through(
    embedded: EmbeddedBroker, oracle: MqttBroker
) -> None:
    lossy = FaultInjector(FaultRates(drop=1.0), np.random.default_rng(1))
    with SimulatedFleet(meters(profiles(2, 3)), embedded.url, resend=SOON, faults=lossy) as fleet:
        fleet.tick(START_S)
        assert {decode_reading(item.frame.data).device for item in receive(oracle, 4)} == {"meter-0", "meter-1"}


def test_an_empty_fleet_has_nothing_to_say(embedded: EmbeddedBroker) -> None:
    with SimulatedFleet([], embedded.url) as fleet:
        fleet.tick(START_S)
        assert (fleet.sent(), fleet.outstanding(), fleet.registers()) == (0, 0, {})


def test_a_broker_that_is_not_there_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"mqtt://127.0.0.1:{port} cannot be reached"):
        SimulatedFleet(meters(profiles(2, 1)), f"mqtt://127.0.0.1:{port}", timeout_s=0.5)
    with pytest.raises(BrokerUrlError):
        SimulatedFleet([], "nonsense")
