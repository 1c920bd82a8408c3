"""The main job in one process: everything embedded unless a setting names something real."""

import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from iot_sim.fleet import SimulatedFleet
from microgrid import __version__
from microgrid.broker import EmbeddedBroker, MqttBroker
from microgrid.chain.journal import read_journal
from microgrid.config import Settings
from microgrid.domain.errors import InvariantError, StoreInUseError
from microgrid.domain.plugins import load
from microgrid.domain.records import GasUse
from microgrid.domain.run import IntervalOutcome, ReadingCounts, Reproduce, RunResult
from microgrid.domain.units import micro, wh
from microgrid.domain.wire import reading_topic
from microgrid.pipeline.agents import HomeAgent
from microgrid.pipeline.checks import check_run
from microgrid.pipeline.clock import SimulatedClock
from microgrid.pipeline.community import Community
from microgrid.pipeline.directory import DeviceDirectory
from microgrid.pipeline.intake import Intake
from microgrid.pipeline.sender import ChainSender
from microgrid.report import check_target, write_run_folder
from microgrid.store import SqlStore, open_store
from microgrid.wiring.homes import make_agents, make_fleet
from microgrid.wiring.inputs import DemoInputs, DemoRequest, read_inputs
from microgrid.wiring.market import Market, open_market, seeded_key

if TYPE_CHECKING:
    from microgrid.wiring.page import LivePage

STORE_FILE = "readings.sqlite"
REFUSED = "rejected."


class DemoRun:
    """One run: iterate `outcomes`, then take `result`, `write` and `check` it."""

    def __init__(
        self, settings: Settings, request: DemoRequest, inputs: DemoInputs, command: str, stack: ExitStack
    ) -> None:
        self._settings, self._request, self._inputs, self._command = settings, request, inputs, command
        self._stack = stack
        self._outcomes: list[IntervalOutcome] = []
        self._result: RunResult | None = None
        self._began_s = monotonic()
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="microgrid-"))
        self._database = Path(scratch) / STORE_FILE
        self._fee = micro(request.fee)
        self._page: LivePage | None = None

    @property
    def interval_count(self) -> int:
        """Number of intervals."""
        return self._inputs.profiles.count

    @property
    def filled(self) -> int:
        """Values of the input that were missing or wrong and were filled."""
        return self._inputs.profiles.filled

    @property
    def page_url(self) -> str:
        """Address of the live page; empty where there is none."""
        return self._page.url if self._page else ""

    def serve(self, port: int) -> None:
        """Show the run on a live page.

        Raises:
            PortTakenError: somebody else listens there.
        """
        from microgrid.wiring.page import LivePage  # noqa: PLC0415 - the web framework takes a third of a second

        self._page = self._stack.enter_context(LivePage(port))

    def outcomes(self) -> Iterator[IntervalOutcome]:
        """Start all parts and run; each interval is yielded once it is settled."""
        store = self._open_store()
        market = self._stack.enter_context(
            open_market(self._settings, self._inputs, seed=self._request.seed, fee_micro_per_kwh=self._fee)
        )
        agents = make_agents(self._request, self._inputs, market)
        if self._page:
            self._page.began([agent.home for agent in agents], self.interval_count, self._inputs.currency)
        community, fleet = self._community(market, agents, store)
        for outcome in community.outcomes():
            complete = self._with_profile(outcome, agents)
            self._outcomes.append(complete)
            if self._page:
                self._page.settled(complete)
            yield complete
        counts = store.counts()
        refused = {name.removeprefix(REFUSED): count for name, count in counts.items() if name.startswith(REFUSED)}
        readings = ReadingCounts(fleet.sent(), counts["readings"], community.accepted_readings, refused)
        self._finish(market, agents, readings)
        store.close()

    def _open_store(self) -> SqlStore:
        """An empty database: with another run's readings in it, this run's would count as known already."""
        store = open_store(self._settings.store_url or f"sqlite:///{self._database}")
        self._stack.callback(store.close)
        counts = store.counts()
        if counts["readings"] or counts["dead_letters"]:
            raise StoreInUseError(counts["readings"])
        return store

    def _community(
        self, market: Market, agents: Sequence[HomeAgent], store: SqlStore
    ) -> tuple[Community, SimulatedFleet]:
        """Broker, oracle and meters around the market."""
        profiles, site = self._inputs.profiles, self._settings.site
        oracle_key = seeded_key(self._request.seed, "oracle")
        broker_url = self._settings.broker_url or self._stack.enter_context(EmbeddedBroker()).url
        # The session ends with the run: the chain that its messages are for is gone then.
        broker = MqttBroker(broker_url, client_id=f"{site}-oracle", keep_session=False)
        self._stack.callback(broker.close)
        broker.subscribe(reading_topic(site, "+"))
        fleet = make_fleet(site, self._request, self._inputs, market, broker_url, oracle_key.address)
        self._stack.callback(fleet.close)
        clock = SimulatedClock(profiles.first.start_s)
        domain = market.chain.reading_domain
        community = Community(
            chain=market.chain,
            fleet=fleet,
            intake=Intake(broker, store, DeviceDirectory(market.chain), domain, oracle_key, clock, site),
            sender=ChainSender(store, market.chain),
            clock=clock,
            agents=agents,
            intervals=profiles.intervals,
            bands=self._inputs.bands,
            settlement_deadline_s=market.settlement_deadline_s,
            reading_timeout_s=self._settings.reading_timeout_s,
        )
        return community, fleet

    def _with_profile(self, outcome: IntervalOutcome, agents: Sequence[HomeAgent]) -> IntervalOutcome:
        """The outcome with load and PV behind the meters, where the input tells them."""
        profiles = self._inputs.profiles
        if profiles.load_kwh is None or profiles.pv_kwh is None:
            return outcome
        step = outcome.interval.index - profiles.first.index
        accounts = [agent.home.account for agent in agents]
        load, pv = (
            {account: wh(kwh) for account, kwh in zip(accounts, table[step], strict=True)}
            for table in (profiles.load_kwh, profiles.pv_kwh)
        )
        return replace(outcome, load_wh=load, pv_wh=pv)

    def _finish(self, market: Market, agents: Sequence[HomeAgent], readings: ReadingCounts) -> None:
        balances = market.chain.balances()
        offered = market.chain.offered()
        invariants = check_run(agents, self._outcomes, readings, market.deposits_micro, balances, offered)
        self._result = RunResult(
            homes=tuple(agent.home for agent in agents),
            intervals=tuple(self._outcomes),
            invariants=invariants,
            readings=readings,
            reproduce=Reproduce(self._command, __version__, self._request.seed, self._inputs.hashes),
            fee_micro_per_kwh=self._fee,
            currency=self._inputs.currency,
            gas=(GasUse("deploy", market.chain.deployment.gas_used), *market.chain.gas_used),
            rewards_wad=dict(market.chain.rewards()),
            settings=self._request.settings() | {"backend": self._settings.backend},
            filled=self.filled,
            journal=read_journal(market.chain),
            timings_s={"run": monotonic() - self._began_s},
        )
        if self._page:
            self._page.ended(self._result)

    def result(self) -> RunResult:
        """The whole run, once `outcomes` is through."""
        if self._result is None:
            message = "the run is not finished"
            raise RuntimeError(message)
        return self._result

    def write(self, result: RunResult) -> Path:
        """Write the run folder; the database of readings goes into it unless a setting puts it elsewhere."""
        return write_run_folder(
            result, self._settings.out, {STORE_FILE: self._database} if self._database.exists() else None
        )

    def wait_for_interrupt(self) -> None:
        """Keep the live page up until Ctrl-C or a request to end."""
        asked = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.set())
        asked.wait()


def check(result: RunResult) -> None:
    """Fail a run that broke an invariant.

    Raises:
        InvariantError: names the first one.
    """
    for invariant in result.invariants:
        if invariant.error:
            raise InvariantError(invariant.name, invariant.error, f"in this run: {invariant.description}")


@contextmanager
def open_demo(settings: Settings, request: DemoRequest, *, page_port: int | None, command: str) -> Iterator[DemoRun]:
    """A run whose parts are let go at the end.

    Raises:
        BadInputError: something asked for cannot be used; nothing was started or written.
    """
    check_target(settings.out)
    load("backend", settings.backend)
    load("forecaster", request.forecaster)
    load("strategy", request.strategy)
    with ExitStack() as stack:
        run = DemoRun(settings, request, read_inputs(request), command, stack)
        if page_port is not None:
            run.serve(page_port)
        yield run
