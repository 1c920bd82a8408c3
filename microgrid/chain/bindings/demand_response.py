"""DemandResponse: events, enrolment, measurement, incentives."""

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from web3.contract import Contract

from microgrid.chain.events import events
from microgrid.chain.transactor import GasBudget, Transactor

ALL_ZONES = 2**32 - 1
CALL = GasBudget(500_000)
ENROL = GasBudget(1_000_000)
MEASURE = GasBudget(200_000, 150_000)


class EventStatus(IntEnum):
    """Where an event is in its life."""

    NONE = 0
    ANNOUNCED = 1
    DISPATCHED = 2
    RECOVERING = 3
    MEASURED = 4
    SETTLED = 5
    CANCELLED = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """Intervals of an event and of its baseline, feeder zone, incentive (micro per kWh) and budget (micro)."""

    first_interval: int
    intervals: int
    baseline_first: int
    baseline_intervals: int
    zone: int
    rate_micro_per_kwh: int
    budget_micro: int


@dataclass(frozen=True, slots=True)
class EventState:
    """Status, called classes, homes enrolled and measured, net and paid savings (Wh), payout (micro), who pays."""

    status: EventStatus
    stage: int
    participants: int
    measured: int
    net_wh: int
    saved_wh: int
    payout_micro: int
    sponsor: str


class DemandResponse:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def announce(self, terms: Terms) -> int:
        """Announce an event, as an operator, and escrow its budget; returns its number."""
        receipt = self._transactor.execute("announce", self.contract, "announce", [astuple(terms)], CALL)
        return int(next(events(self.contract, "EventAnnounced", receipt["logs"]))["eventId"])

    def enrol(self, event: int) -> None:
        """Take part with this account's home."""
        self._transactor.execute("enrol", self.contract, "enrol", [event], ENROL)

    def opt_out(self, event: int) -> None:
        """Leave the event."""
        self._send("optOut", event)

    def dispatch(self, event: int, stage: int) -> None:
        """Call so many priority classes, as an operator."""
        self._send("dispatch", event, stage)

    def cancel(self, event: int) -> None:
        """Cancel an event that has not begun, as an operator, or one that began without dispatch."""
        self._send("cancel", event)

    def recover(self, event: int) -> None:
        """Begin the recovery after the event's end."""
        self._send("recover", event)

    def measure(self, event: int) -> None:
        """Measure all homes whose readings are in."""
        participants = self.state(event).participants
        for begin in range(0, participants, MEASURE.most_items):
            count = min(MEASURE.most_items, participants - begin)
            self._transactor.execute("measure", self.contract, "measure", [event, begin, count], MEASURE, count)

    def settle(self, event: int) -> None:
        """Fix what the event pays."""
        self._send("settle", event)

    def claim(self, event: int, member_id: int) -> None:
        """Pay a home its incentive."""
        self._send("claim", event, member_id)

    def refund(self, event: int) -> None:
        """Pay back what the event does not pay."""
        self._send("refund", event)

    def event_count(self) -> int:
        """Number of events; they are numbered from 1."""
        return int(self._read("eventCount"))

    def terms(self, event: int) -> Terms:
        """Terms of an event; all zero for an unknown one."""
        return Terms(*self._read("termsOf", event))

    def state(self, event: int) -> EventState:
        """Where an event is; status NONE for an unknown one."""
        status, *rest = self._read("stateOf", event)
        return EventState(EventStatus(status), *rest)

    def participants(self, event: int) -> list[int]:
        """Member numbers of the homes that take part."""
        return [int(self._read("participantAt", event, n)) for n in range(self.state(event).participants)]

    def baseline_wh(self, event: int, member_id: int) -> int:
        """Import expected of a home in the whole event."""
        return int(self._read("participation", event, member_id)[0])

    def saved_wh(self, event: int, member_id: int) -> int:
        """What a home is paid for."""
        return int(self._read("participation", event, member_id)[1])

    def incentive_micro(self, event: int, member_id: int) -> int:
        """What a home can claim."""
        return int(self._read("incentive", event, member_id))

    def is_curtailed(self, event: int, member_id: int) -> bool:
        """Whether a home is to curtail its load now."""
        return bool(self._read("isCurtailed", event, member_id))

    def _send(self, name: str, *args: Any) -> None:
        self._transactor.execute(name, self.contract, name, args, CALL)

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
