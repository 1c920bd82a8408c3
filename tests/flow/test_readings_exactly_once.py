"""Sent = stored = on chain, each once, whatever is lost, doubled, killed or restarted on the way."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from metering import DOMAIN, HOUR_S, ORACLE, RATED_W, SITE, START_S, StoppedClock, meters, profiles, registry
from mosquitto import free_port, mosquitto

from iot_sim.device import Device
from iot_sim.fleet import Resend, SimulatedFleet
from microgrid.broker import BrokerFaults, EmbeddedBroker, MqttBroker
from microgrid.chain.backends.eth_tester import connect
from microgrid.chain.client import MAX_READINGS, MarketChain
from microgrid.chain.deployment import MarketConfig, Parties, deploy
from microgrid.domain.records import DeviceClass, Reading, ReadingResult
from microgrid.domain.wire import SigningDomain
from microgrid.pipeline.intake import Intake
from microgrid.pipeline.sender import MOST_IN_BATCH, ChainSender
from microgrid.store import SqlStore, open_store

SOON = Resend(first_s=0.1, most_s=1.0)
PATIENCE_S = 120.0


class Crash(Exception):  # noqa: N818 - it is none, it is the end
    """The process ends here."""


class Dying:
    """A store or chain that ends the process at one call of a method, before or after it does its work."""

    def __init__(self, real: Any, method: str, *, after: bool, survives: int = 0) -> None:
        self._real, self._method, self._after, self._survives = real, method, after, survives

    def __getattr__(self, name: str) -> Any:
        return self._fatal if name == self._method else getattr(self._real, name)

    def _fatal(self, *args: Any) -> Any:
        if self._survives > 0:
            self._survives -= 1
            return getattr(self._real, self._method)(*args)
        if self._after:
            getattr(self._real, self._method)(*args)
        raise Crash


@dataclass
class Site:
    """Devices, a broker and an oracle that can be killed and started again."""

    folder: Path
    devices: Sequence[Device]
    url: str
    stack: ExitStack
    domain: SigningDomain = DOMAIN

    def __post_init__(self) -> None:
        self.clock = StoppedClock()
        self.received = 0
        self.start_oracle()
        self.fleet = self.stack.enter_context(SimulatedFleet(self.devices, self.url, resend=SOON))

    def start_oracle(self, wrap: Callable[[SqlStore], Any] = lambda store: store) -> None:
        self.broker = MqttBroker(self.url)
        self.stack.callback(self.broker.close)
        self.broker.subscribe(f"mg/1/{SITE}/+/up/r")
        self.store = open_store(f"sqlite:///{self.folder / 'store.db'}")
        self.stack.callback(self.store.close)
        known = registry(self.devices)
        self.intake = Intake(self.broker, wrap(self.store), lambda: known, self.domain, ORACLE, self.clock, SITE)

    def kill_oracle(self) -> None:
        self.broker.close()
        self.store.close()

    def tick(self, number: int) -> None:
        self.clock.time_s = START_S + number * HOUR_S
        self.fleet.tick(self.clock.time_s)

    def drain(self) -> None:
        """Until every reading has its receipt."""
        deadline_s = monotonic() + PATIENCE_S
        while self.fleet.outstanding():
            assert monotonic() < deadline_s, f"{self.fleet.outstanding()} readings never got a receipt"
            self.received += self.intake.process(0.05).received

    def assert_stored_once(self, ticks: int) -> None:
        counts = self.store.counts()
        assert (self.fleet.sent(), self.fleet.outstanding()) == (len(self.devices) * ticks, 0)
        assert (counts["readings"], counts["pending"], counts["dead_letters"]) == (
            self.fleet.sent(),
            self.fleet.sent(),
            0,
        )
        keys = Counter((reading.device, reading.sequence) for reading in self.store.pending_readings())
        assert keys == Counter((device.name, number) for device in self.devices for number in range(ticks))
        last = self.store.last_readings()
        stored = {name: (reading.import_wh, reading.export_wh) for name, reading in last.items()}
        assert stored == self.fleet.registers()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def embedded_site(
    folder: Path, stack: ExitStack, *, homes: int, ticks: int, faults: BrokerFaults | None = None
) -> tuple[Site, EmbeddedBroker]:
    broker = stack.enter_context(EmbeddedBroker(faults=faults))
    return Site(folder, meters(profiles(homes, ticks)), broker.url, stack), broker


def test_a_broker_that_drops_and_doubles_a_twentieth_changes_nothing(tmp_path: Path, stack: ExitStack) -> None:
    """Readings and receipts alike go through it; all ticks come in a burst, so gaps and late readings abound."""
    faults = BrokerFaults(drop=0.05, duplicate=0.05, seed=11)
    site, _ = embedded_site(tmp_path, stack, homes=10, ticks=48, faults=faults)
    for number in range(48):
        site.tick(number)
        site.received += site.intake.process(0.01).received
    site.drain()
    assert site.received > site.fleet.sent()
    site.assert_stored_once(48)


CRASHES = {
    "before the commit": ("record", False),
    "after the commit, before the acknowledgement": ("record", True),
    "after the acknowledgement, before the receipts": ("contiguous", False),
}


@pytest.mark.parametrize(("method", "after"), CRASHES.values(), ids=CRASHES.keys())
def test_an_oracle_that_dies_between_its_steps_loses_and_doubles_nothing(
    tmp_path: Path,
    stack: ExitStack,
    method: str,
    after: bool,  # noqa: FBT001
) -> None:
    site, _ = embedded_site(tmp_path, stack, homes=4, ticks=12)
    for number in range(12):
        site.kill_oracle()
        # Its first call of `contiguous` is made while it starts.
        survives = 1 if method == "contiguous" else 0
        site.start_oracle(partial(Dying, method=method, after=after, survives=survives))
        site.tick(number)
        with pytest.raises(Crash):
            site.drain()
    site.kill_oracle()
    site.start_oracle()
    site.drain()
    site.assert_stored_once(12)


def test_an_oracle_that_goes_on_after_a_refused_commit_takes_what_comes_again(tmp_path: Path, stack: ExitStack) -> None:
    site, _ = embedded_site(tmp_path, stack, homes=3, ticks=2)
    real = site.store
    site.intake.store = Dying(real, "record", after=False)
    site.tick(0)
    with pytest.raises(Crash):
        site.drain()
    site.intake.store = real
    site.tick(1)
    site.drain()
    site.assert_stored_once(2)


def test_a_broker_killed_and_restarted_empty_costs_no_reading(tmp_path: Path, stack: ExitStack) -> None:
    site, broker = embedded_site(tmp_path, stack, homes=5, ticks=9)
    for number in range(3):
        site.tick(number)
    broker.close()
    for number in range(3, 6):
        site.tick(number)
    stack.enter_context(EmbeddedBroker(broker.port))
    for number in range(6, 9):
        site.tick(number)
    site.drain()
    site.assert_stored_once(9)


@pytest.mark.slow
@pytest.mark.mosquitto
def test_four_hundred_devices_on_mosquitto_killed_under_load(tmp_path: Path, stack: ExitStack) -> None:
    """More devices than select() could watch, in one process; the broker loses what it held."""
    port = free_port()
    with mosquitto(tmp_path, port):
        site = Site(tmp_path, meters(profiles(400, 6)), f"mqtt://127.0.0.1:{port}", stack)
        for number in range(3):
            site.tick(number)
        site.received += site.intake.process(1.0).received
    with mosquitto(tmp_path, port):
        for number in range(3, 6):
            site.tick(number)
        site.drain()
        site.assert_stored_once(6)


@dataclass
class OnChain:
    """A site whose devices are registered in a contract."""

    site: Site
    chain: MarketChain

    def assert_each_once(self, ticks: int) -> None:
        counts, sent = self.site.store.counts(), self.site.fleet.sent()
        assert sent == len(self.site.devices) * ticks
        assert (counts["readings"], counts["on_chain"], counts["pending"], counts["dead_letters"]) == (sent, sent, 0, 0)
        accepted = [reading for reading in self.chain.registry.readings_taken() if not reading.refused]
        identities = self.chain.registry.device_ids()
        keys = Counter((identities[told.device_number], told.sequence & 0xFFFFFFFF) for told in accepted)
        last = self.site.store.last_readings()
        assert keys == Counter((last[d.name].device_id, n) for d in self.site.devices for n in range(ticks))
        for told in accepted:
            if told.sequence & 0xFFFFFFFF == ticks - 1:
                identity = identities[told.device_number]
                reading = next(item for item in last.values() if item.device_id == identity)
                assert (told.import_wh, told.export_wh) == (reading.import_wh, reading.export_wh)


@pytest.fixture
def on_chain(tmp_path: Path, stack: ExitStack) -> OnChain:
    backend = connect(None, START_S - 2 * HOUR_S)
    stack.callback(backend.close)
    operator = backend.funded_key()
    parties = Parties.one(operator.address, backstop="0x" + "22" * 20, treasury="0x" + "33" * 20)
    deployment = deploy(backend.web3, operator.secret, MarketConfig(interval_seconds=HOUR_S), parties)
    chain = MarketChain(backend, deployment, operator)
    devices = meters(profiles(4, 6), domain=chain.reading_domain)
    for device in devices:
        chain.register_home(device.key.address)
        key = device.key.address
        chain.register_device(device.name, key, key, DeviceClass.SMART_METER, RATED_W, 0)
    faults = BrokerFaults(drop=0.05, duplicate=0.05, seed=12)
    broker = stack.enter_context(EmbeddedBroker(faults=faults))
    return OnChain(Site(tmp_path, devices, broker.url, stack, chain.reading_domain), chain)


def test_every_reading_reaches_the_contract_once(on_chain: OnChain) -> None:
    site, results = on_chain.site, list[tuple[Reading, ReadingResult]]()
    for number in range(6):
        site.tick(number)
        site.drain()
        on_chain.chain.advance_to(site.clock.time_s)
        results += ChainSender(site.store, on_chain.chain, most=3).submit_pending(site.clock.time_s)
    assert {result for _, result in results} == {ReadingResult.ACCEPTED}
    on_chain.assert_each_once(6)


SENDER_CRASHES = {
    "before it is written down": ("prepare_readings", True),
    "between writing down and sending": ("send_readings", False),
    "after sending, before the results are written down": ("send_readings", True),
}


@pytest.mark.parametrize(("method", "after"), SENDER_CRASHES.values(), ids=SENDER_CRASHES.keys())
def test_a_sender_that_dies_around_a_transaction_has_one_effect(
    on_chain: OnChain,
    method: str,
    after: bool,  # noqa: FBT001
) -> None:
    site = on_chain.site
    for number in range(6):
        site.tick(number)
        site.drain()
        on_chain.chain.advance_to(site.clock.time_s)
        dying: Any = Dying(on_chain.chain, method, after=after)
        with pytest.raises(Crash):
            ChainSender(site.store, dying).submit_pending(site.clock.time_s)
        ChainSender(site.store, on_chain.chain).submit_pending(site.clock.time_s)
    on_chain.assert_each_once(6)


def test_a_full_batch_fits_a_transaction() -> None:
    assert MOST_IN_BATCH <= MAX_READINGS


def test_readings_after_the_given_time_wait(on_chain: OnChain) -> None:
    site = on_chain.site
    for number in range(2):
        site.tick(number)
    site.drain()
    on_chain.chain.advance_to(site.clock.time_s)
    first = ChainSender(site.store, on_chain.chain).submit_pending(START_S)
    assert {reading.timestamp_s for reading, _ in first} == {START_S}
    second = ChainSender(site.store, on_chain.chain).submit_pending(START_S + HOUR_S)
    assert {reading.timestamp_s for reading, _ in second} == {START_S + HOUR_S}


def test_a_reading_that_the_contract_refuses_ends_in_the_dead_letters_and_blocks_nothing(on_chain: OnChain) -> None:
    """The chain's clock stands two hours back: what is ahead of it is refused there, although the oracle took it."""
    site = on_chain.site
    site.tick(0)
    site.drain()
    results = ChainSender(site.store, on_chain.chain).submit_pending(START_S)
    assert {result for _, result in results} == {ReadingResult.FUTURE_TIMESTAMP}
    assert site.store.counts()["rejected.refused_on_chain"] == len(site.devices)
    site.tick(1)
    site.drain()
    on_chain.chain.advance_to(site.clock.time_s)
    results = ChainSender(site.store, on_chain.chain).submit_pending(site.clock.time_s)
    assert {result for _, result in results} == {ReadingResult.ACCEPTED}
