"""A community's day, top to bottom, in terms of ports. The one place that names the order of the stages."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from microgrid.domain.errors import SilenceError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import (
    AuctionResult,
    Order,
    OrderResult,
    PriceBand,
    ReadingResult,
    RejectionReason,
    Settlement,
)
from microgrid.domain.run import IntervalOutcome
from microgrid.pipeline.agents import HomeAgent
from microgrid.pipeline.clock import SimulatedClock
from microgrid.pipeline.intake import Intake
from microgrid.pipeline.sender import ChainSender
from microgrid.ports import Chain, Fleet
from microgrid.settlement.statement import MeteredEnergy, amount_without_market_micro

ORDER_LEAD_S = 600
POLL_S = 0.05


@dataclass
class _Delivery:
    """An interval between gate closure and settlement."""

    step: int
    interval: Interval
    orders: tuple[Order, ...]
    order_refusals: int
    forecast_wh: Mapping[str, int]
    auction: AuctionResult


class Community:
    """Drives homes, meters, oracle and contracts through consecutive intervals.

    Args:
        agents: The homes.
        intervals: The delivery intervals, consecutive.
        bands: Grid prices of each; the contract adds the auction's reference.
        settlement_deadline_s: How long after its end an interval waits for readings, chain time.
        reading_timeout_s: How long, in real time, a step waits for its meters.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        fleet: Fleet,
        intake: Intake,
        sender: ChainSender,
        clock: SimulatedClock,
        agents: Sequence[HomeAgent],
        intervals: Sequence[Interval],
        bands: Sequence[PriceBand],
        settlement_deadline_s: int,
        reading_timeout_s: float,
    ) -> None:
        self._chain, self._fleet, self._intake, self._sender, self._clock = chain, fleet, intake, sender, clock
        self._agents, self._intervals, self._bands = agents, intervals, bands
        self._deadline_s, self._timeout_s = settlement_deadline_s, reading_timeout_s
        self._unsettled: deque[_Delivery] = deque()
        self._read_at: Counter[int] = Counter()
        self._refused: Counter[str] = Counter()

    @property
    def accepted_readings(self) -> int:
        """Readings that the contract said it accepted, from the receipts of its transactions."""
        return self._read_at.total()

    def outcomes(self) -> Iterator[IntervalOutcome]:
        """Run all intervals; each is yielded once it is settled."""
        first = self._intervals[0]
        self._advance(first.start_s - 2 * ORDER_LEAD_S)
        self._chain.open_intervals(first, self._bands)
        for step, interval in enumerate(self._intervals):
            self._advance(interval.start_s - ORDER_LEAD_S)
            self._close_gate(step, interval)
            self._read_meters(interval.start_s)
            yield from self._settle_ready()
        self._advance(self._intervals[-1].end_s)
        self._read_meters(self._intervals[-1].end_s)
        yield from self._settle_ready()
        if self._unsettled:
            self._advance(self._unsettled[-1].interval.end_s + self._deadline_s)
            yield from self._settle_ready()

    def _advance(self, time_s: int) -> None:
        self._chain.advance_to(time_s)
        self._clock.set(time_s)

    def _close_gate(self, step: int, interval: Interval) -> None:
        """Homes order before the gate closes; then anyone may clear."""
        band = self._chain.band(interval.index)
        domain = self._chain.order_domain
        bids = {a.home.account: a.bid(step, interval, band, domain) for a in self._agents}
        signed = [bid.signed for bid in bids.values() if bid.signed is not None]
        results = self._chain.submit_orders(signed)
        taken = tuple(s.order for s, r in zip(signed, results, strict=True) if r is OrderResult.ACCEPTED)
        self._advance(interval.start_s)
        self._unsettled.append(
            _Delivery(
                step=step,
                interval=interval,
                orders=taken,
                order_refusals=len(signed) - len(taken),
                forecast_wh={account: bid.forecast_wh for account, bid in bids.items()},
                auction=self._chain.clear(interval.index),
            )
        )

    def _read_meters(self, time_s: int) -> None:
        """All meters read themselves; wait until the oracle holds every reading or time is up; then hand them in."""
        self._fleet.tick(time_s)
        give_up, heard = monotonic() + self._timeout_s, 0
        while self._fleet.outstanding() and monotonic() < give_up:
            report = self._intake.process(POLL_S)
            self._refused.update(report.refused)
            heard += report.received
        if self._agents and not heard:
            raise SilenceError(self._timeout_s)
        for reading, result in self._sender.submit_pending(time_s):
            if result is ReadingResult.ACCEPTED:
                self._read_at[reading.timestamp_s] += 1
            else:
                self._refused[RejectionReason.REFUSED_ON_CHAIN] += 1

    def _settle_ready(self) -> Iterator[IntervalOutcome]:
        """Settle, in order, what is over and metered, or what has waited long enough."""
        while self._unsettled and self._is_ready(self._unsettled[0].interval):
            delivery = self._unsettled.popleft()
            yield self._outcome(delivery, self._chain.settle(delivery.interval.index))

    def _is_ready(self, interval: Interval) -> bool:
        if self._clock.now_s() < interval.end_s:
            return False
        return (
            self._read_at[interval.end_s] == len(self._agents)
            or self._clock.now_s() >= interval.end_s + self._deadline_s
        )

    def _outcome(self, delivery: _Delivery, settlement: Settlement) -> IntervalOutcome:
        band = self._chain.band(delivery.interval.index)
        refused, self._refused = self._refused, Counter()
        return IntervalOutcome(
            interval=delivery.interval,
            band=band,
            auction=delivery.auction,
            settlement=settlement,
            orders=delivery.orders,
            deals=self._chain.deals(delivery.interval.index),
            direct_trades=tuple(self._chain.direct_trades(delivery.interval.index)),
            order_refusals=delivery.order_refusals,
            accepted_readings=self._read_at[delivery.interval.end_s],
            refused_readings=dict(refused),
            forecast_wh=delivery.forecast_wh,
            bill_without_market_micro={
                s.account: -amount_without_market_micro(MeteredEnergy(s.import_wh, s.export_wh), band)
                for s in settlement.statements
            },
        )
