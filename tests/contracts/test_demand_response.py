"""Demand response: from announcement to payment, and what cheats would try."""

from dataclasses import dataclass
from typing import Any

import pytest
from contract_market import FIRST, HOUR, START, World, reverts
from grid_hands import contract_of, wait
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3.contract import Contract
from web3.types import TxReceipt

NONE, ANNOUNCED, DISPATCHED, RECOVERING, MEASURED, SETTLED, CANCELLED = range(7)
FLEXIBLE, STANDARD, ESSENTIAL, CRITICAL = range(4)
ALL_ZONES = 2**32 - 1
RATE, BUDGET = 200_000, 10_000_000
PAST = (1_000, 2_000, 3_000, 4_000)  # Wh that homes 1 to 4 draw in each interval of the baseline
EVENT = FIRST + 4


@dataclass
class Programme:
    """A market with demand response."""

    world: World
    response: Contract

    def terms(self, **changes: int) -> tuple[int, ...]:
        values = {"first": EVENT, "count": 1, "base": FIRST, "bases": 2, "zone": ALL_ZONES, "rate": RATE}
        return tuple({**values, "budget": BUDGET, **changes}.values())

    def operate(self, name: str, *args: Any) -> TxReceipt:
        return self.world.send(self.response.functions[name](*args), self.world.parties.operator)

    def do(self, home: int, name: str, *args: Any) -> TxReceipt:
        return self.world.send(self.response.functions[name](*args), self.world.homes[home - 1].address)

    def announce(self, **changes: int) -> TxReceipt:
        return self.operate("announce", self.terms(**changes))

    def running(self, *homes: int, stage: int = 2, **changes: int) -> None:
        """An event that these homes are called for."""
        self.announce(**changes)
        for home in homes:
            self.do(home, "enrol", 1)
        self.operate("dispatch", 1, stage)

    def finish(self, imports_wh: tuple[int, ...], event: int = 1) -> None:
        """The event's interval passes; then recovery, measurement, settlement."""
        self.world.meter(EVENT, [(import_wh, 0) for import_wh in imports_wh])
        self.do(1, "recover", event)
        self.do(1, "measure", event, 0, 10)
        self.do(1, "settle", event)

    def state(self, event: int = 1) -> Any:
        return self.response.functions.stateOf(event).call()

    def status(self, event: int = 1) -> int:
        return int(self.state(event)[0])

    def incentives(self, event: int = 1) -> list[int]:
        return [int(self.response.functions.incentive(event, member).call()) for member in (1, 2, 3, 4)]

    def part(self, member: int, event: int = 1) -> Any:
        return self.response.functions.participation(event, member).call()

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:
        return self.world.events(receipt, self.response, name)

    def money(self, account: str) -> int:
        return int(self.world.money.functions.balanceOf(account).call())


@pytest.fixture
def programme(world: World) -> Programme:
    """Two intervals of history are metered; the sponsor has three budgets."""
    made = Programme(world, contract_of(world, "DemandResponse"))
    for interval in (FIRST, FIRST + 1):
        world.meter(interval, [(import_wh, 0) for import_wh in PAST])
    operator = world.parties.operator
    world.send(world.money.functions.mint(operator, 3 * BUDGET), world.parties.issuer)
    world.send(world.money.functions.approve(made.response.address, 3 * BUDGET), operator)
    return made


def test_an_event_from_announcement_to_payment(programme: Programme) -> None:
    """Homes 1 and 2 save 400 and 600 Wh at 0.2 per kWh: 0.08 and 0.12."""
    world, operator = programme.world, programme.world.parties.operator
    receipt = programme.announce()
    (event,) = programme.events(receipt, "EventAnnounced")
    assert (event["eventId"], event["sponsor"], tuple(event["terms"].values())) == (1, operator, programme.terms())
    assert programme.response.functions.termsOf(1).call() == programme.terms()
    assert programme.money(programme.response.address) == BUDGET
    receipts = [programme.do(home, "enrol", 1) for home in (1, 2)]
    assert programme.events(receipts[1], "Enrolled") == [{"eventId": 1, "memberId": 2, "baselineWh": 2_000}]
    assert [programme.response.functions.participantAt(1, place).call() for place in (0, 1)] == [1, 2]
    receipt = programme.operate("dispatch", 1, 2)
    assert programme.events(receipt, "EventDispatched") == [{"eventId": 1, "stage": 2}]
    world.meter(EVENT, [(600, 0), (1_400, 0)])
    receipt = programme.do(3, "recover", 1)
    assert programme.events(receipt, "RecoveryStarted") == [{"eventId": 1, "until": (EVENT + 2) * HOUR}]
    receipt = programme.do(3, "measure", 1, 0, 2)
    assert programme.events(receipt, "SavingMeasured") == [
        {"eventId": 1, "memberId": 1, "savingWh": 400, "known": True},
        {"eventId": 1, "memberId": 2, "savingWh": 600, "known": True},
    ]
    assert programme.events(receipt, "EventMeasured") == [{"eventId": 1, "netWh": 1_000, "savedWh": 1_000}]
    receipt = programme.do(3, "settle", 1)
    assert programme.events(receipt, "EventSettled") == [{"eventId": 1, "payout": 200_000, "refund": BUDGET - 200_000}]
    receipt = programme.do(3, "claim", 1, 2)
    assert programme.events(receipt, "IncentivePaid") == [{"eventId": 1, "memberId": 2, "amount": 120_000}]
    assert programme.money(world.homes[1].address) == 120_000
    programme.do(1, "claim", 1, 1)
    receipt = programme.do(3, "refund", 1)
    refunded = {"eventId": 1, "sponsor": operator, "amount": BUDGET - 200_000}
    assert programme.events(receipt, "BudgetRefunded") == [refunded]
    assert programme.money(programme.response.address) == 0
    assert programme.response.functions.eventCount().call() == 1


def test_nothing_is_paid_twice(programme: Programme) -> None:
    programme.running(1)
    programme.finish((600,))
    programme.do(1, "claim", 1, 1)
    programme.do(1, "refund", 1)
    with reverts(programme.response, "NothingToPay", 1, 1):
        programme.do(1, "claim", 1, 1)
    with reverts(programme.response, "NothingToRefund", 1):
        programme.do(1, "refund", 1)


def test_the_budget_is_never_exceeded(programme: Programme) -> None:
    programme.running(1, 2, budget=100_000)
    programme.finish((600, 1_400))
    assert programme.incentives() == [40_000, 60_000, 0, 0]
    with reverts(programme.response, "NothingToRefund", 1):
        programme.do(1, "refund", 1)


def test_load_moved_to_another_enrolled_home_is_no_saving(programme: Programme) -> None:
    programme.running(1, 2)
    programme.finish((0, 3_000))
    assert programme.state()[4:7] == (0, 1_000, 0)
    assert programme.incentives() == [0] * 4
    programme.do(1, "refund", 1)
    assert programme.money(programme.response.address) == 0


def test_more_use_reduces_what_the_event_pays(programme: Programme) -> None:
    programme.running(1, 2)
    programme.finish((200, 2_300))
    assert programme.incentives() == [100_000, 0, 0, 0]


def test_an_event_that_used_more_pays_nothing(programme: Programme) -> None:
    programme.running(1)
    programme.finish((1_700,))
    assert programme.state()[4:7] == (-700, 0, 0)
    with reverts(programme.response, "NothingToPay", 1, 1):
        programme.do(1, "claim", 1, 1)


def test_the_baseline_is_the_mean_of_the_past_scaled_to_the_event(programme: Programme) -> None:
    programme.announce(count=3)
    programme.do(2, "enrol", 1)
    assert programme.part(2)[0] == 6_000
    programme.world.meter(FIRST + 2, [(0, 0), (9_000, 0)])
    assert programme.part(2)[0] == 6_000


def test_a_gap_in_the_baseline_is_unknown_not_zero(programme: Programme) -> None:
    programme.world.at(START + 5 * HOUR)
    programme.announce(first=FIRST + 6, base=FIRST + 1, bases=2)
    with reverts(programme.response, "BaselineUnknown", 1, FIRST + 2):
        programme.do(1, "enrol", 1)


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"count": 9}, {"bases": 0}, {"bases": 25}, {"rate": 0}, {"budget": 0}],
    ids=str,
)
def test_impossible_terms_are_refused(programme: Programme, wrong: dict[str, int]) -> None:
    with reverts(programme.response, "InvalidTerms"):
        programme.announce(**wrong)


def test_an_event_lies_ahead(programme: Programme) -> None:
    programme.world.at(EVENT * HOUR)
    with reverts(programme.response, "EventInThePast", EVENT, EVENT):
        programme.announce()


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({"bases": 3}, FIRST),
        ({"base": FIRST + 3}, FIRST + 3),
        ({"base": EVENT - 32}, EVENT - 32),
        ({"base": 2**63}, 2**63),
    ],
)
def test_a_baseline_has_ended_and_is_within_reach(programme: Programme, changes: dict[str, int], base: int) -> None:
    with reverts(programme.response, "BaselineOutOfReach", base, EVENT - 31, FIRST + 2):
        programme.announce(**changes)


def test_the_budget_must_arrive(programme: Programme) -> None:
    with reverts(
        programme.world.money, "ERC20InsufficientAllowance", programme.response.address, 3 * BUDGET, 4 * BUDGET
    ):
        programme.announce(budget=4 * BUDGET)


def test_only_members_enrol_once_until_the_event_begins(programme: Programme) -> None:
    world = programme.world
    with reverts(programme.response, "WrongStatus", 1, NONE):
        programme.do(1, "enrol", 1)
    programme.announce()
    with reverts(programme.response, "NotAMember", world.parties.oracle):
        world.send(programme.response.functions.enrol(1), world.parties.oracle)
    programme.do(1, "enrol", 1)
    with reverts(programme.response, "AlreadyEnrolled", 1, 1):
        programme.do(1, "enrol", 1)
    world.at(EVENT * HOUR)
    with reverts(programme.response, "EventBegun", 1, EVENT * HOUR):
        programme.do(2, "enrol", 1)


def test_an_event_may_be_for_one_zone(programme: Programme) -> None:
    programme.announce(zone=7)
    programme.do(1, "enrol", 1)
    programme.announce(zone=8)
    with reverts(programme.response, "OutsideZone", 2, 8):
        programme.do(2, "enrol", 2)


def test_a_home_without_a_meter_cannot_enrol(programme: Programme) -> None:
    programme.announce()
    world = programme.world
    world.send(world.registry.functions.retireDevice(world.homes[0].device_id), world.parties.maintainer)
    with reverts(programme.response, "OutsideZone", 1, ALL_ZONES):
        programme.do(1, "enrol", 1)


def set_priority(programme: Programme, member: int, priority: int) -> None:
    control = contract_of(programme.world, "EmergencyControl")
    programme.world.send(control.functions.setPriority(member, priority), programme.world.parties.operator)


def test_critical_loads_are_not_curtailed(programme: Programme) -> None:
    programme.announce()
    set_priority(programme, 1, CRITICAL)
    with reverts(programme.response, "CriticalLoad", 1):
        programme.do(1, "enrol", 1)


def test_a_saving_is_promised_to_one_event(programme: Programme) -> None:
    programme.announce(count=2)
    programme.announce(first=EVENT + 1)
    programme.do(1, "enrol", 1)
    assert programme.response.functions.promisedTo(1, EVENT + 1).call() == 1
    with reverts(programme.response, "IntervalAlreadyPromised", 1, EVENT + 1, 1):
        programme.do(1, "enrol", 2)
    programme.operate("cancel", 1)
    assert programme.response.functions.promisedTo(1, EVENT + 1).call() == 0
    programme.do(1, "enrol", 2)


def test_who_opts_out_before_the_event_was_never_in_it(programme: Programme) -> None:
    programme.announce()
    for home in (1, 2, 3):
        programme.do(home, "enrol", 1)
    receipt = programme.do(1, "optOut", 1)
    assert programme.events(receipt, "OptedOut") == [{"eventId": 1, "memberId": 1}]
    assert programme.response.functions.promisedTo(1, EVENT).call() == 0
    assert [programme.response.functions.participantAt(1, place).call() for place in (0, 1)] == [3, 2]
    with reverts(programme.response, "NotEnrolled", 1, 1):
        programme.do(1, "optOut", 1)
    programme.do(3, "optOut", 1)
    programme.do(1, "enrol", 1)
    programme.operate("dispatch", 1, 2)
    programme.finish((900, 1_900, 0))
    assert programme.incentives() == [20_000, 20_000, 0, 0]


def test_who_opts_out_in_the_event_is_not_paid_and_cannot_hide_an_increase(programme: Programme) -> None:
    programme.running(1, 2, 3)
    programme.world.at(EVENT * HOUR + 10)
    for home in (2, 3):
        programme.do(home, "optOut", 1)
    programme.finish((500, 500, 3_200))
    assert programme.state()[4:7] == (300, 500, 60_000)
    assert programme.incentives() == [60_000, 0, 0, 0]
    with reverts(programme.response, "WrongStatus", 1, SETTLED):
        programme.do(1, "optOut", 1)


def test_classes_are_called_in_order_and_come_back_in_turn(programme: Programme) -> None:
    for member, priority in ((1, FLEXIBLE), (3, ESSENTIAL)):
        set_priority(programme, member, priority)
    programme.running(1, 2, 3, stage=2)

    def curtailed() -> list[bool]:
        return [programme.response.functions.isCurtailed(1, member).call() for member in (1, 2, 3, 4)]

    begin, end = EVENT * HOUR, (EVENT + 1) * HOUR
    steps = ((begin - 1, 0), (begin, 2), (end - 1, 2), (end + HOUR // 2 - 1, 2), (end + HOUR // 2, 1), (end + HOUR, 0))
    for time_s, called in steps:
        wait(programme.world, time_s)
        assert curtailed() == [True] * called + [False] * (4 - called)


def test_who_was_not_called_is_not_paid(programme: Programme) -> None:
    set_priority(programme, 1, FLEXIBLE)
    programme.running(1, 2, stage=1)
    programme.finish((600, 0))
    assert programme.incentives() == [80_000, 0, 0, 0]


@pytest.mark.parametrize("stage", [0, 4])
def test_three_classes_can_be_called(programme: Programme, stage: int) -> None:
    programme.announce()
    with reverts(programme.response, "InvalidStage", stage):
        programme.operate("dispatch", 1, stage)


def test_nobody_is_called_after_the_event_began(programme: Programme) -> None:
    programme.announce()
    programme.world.at(EVENT * HOUR)
    with reverts(programme.response, "EventBegun", 1, EVENT * HOUR):
        programme.operate("dispatch", 1, 1)


def test_an_operator_cancels_before_the_event_and_gets_the_budget_back(programme: Programme) -> None:
    programme.running(1)
    before = programme.money(programme.world.parties.operator)
    receipt = programme.operate("cancel", 1)
    assert programme.events(receipt, "EventCancelled") == [{"eventId": 1}]
    programme.do(1, "refund", 1)
    assert programme.money(programme.world.parties.operator) == before + BUDGET
    with reverts(programme.response, "WrongStatus", 1, CANCELLED):
        programme.operate("cancel", 1)


def test_a_dispatched_event_that_began_is_not_cancelled(programme: Programme) -> None:
    programme.running(1)
    programme.world.at(EVENT * HOUR)
    with reverts(programme.response, "WrongStatus", 1, DISPATCHED):
        programme.operate("cancel", 1)


def test_an_event_that_began_without_dispatch_is_cancelled_by_anyone(programme: Programme) -> None:
    programme.announce()
    home = programme.world.homes[2].address
    with reverts(programme.response, "AccessManagedUnauthorized", home):
        programme.do(3, "cancel", 1)
    programme.world.at(EVENT * HOUR)
    programme.do(3, "cancel", 1)
    assert programme.status() == CANCELLED


def test_steps_come_in_their_order(programme: Programme) -> None:
    programme.running(1)
    with reverts(programme.response, "EventNotOver", 1, (EVENT + 1) * HOUR):
        programme.do(1, "recover", 1)
    for name, args in (("measure", (0, 1)), ("settle", ()), ("refund", ())):
        with reverts(programme.response, "WrongStatus", 1, DISPATCHED):
            programme.do(1, name, 1, *args)
    with reverts(programme.response, "WrongStatus", 1, DISPATCHED):
        programme.operate("dispatch", 1, 1)
    with reverts(programme.response, "NothingToPay", 1, 1):
        programme.do(1, "claim", 1, 1)
    programme.world.meter(EVENT, [(0, 0)])
    programme.do(1, "recover", 1)
    with reverts(programme.response, "WrongStatus", 1, RECOVERING):
        programme.do(1, "recover", 1)


def test_a_missing_reading_is_waited_for_and_not_paid_after_the_deadline(programme: Programme) -> None:
    programme.running(1, 2)
    programme.world.meter(EVENT, [(500, 0)])
    programme.do(1, "recover", 1)
    programme.do(1, "measure", 1, 0, 2**255)
    assert (programme.status(), programme.state()[3]) == (RECOVERING, 1)
    programme.world.at((EVENT + 7) * HOUR)
    receipt = programme.do(1, "measure", 1, 0, 2)
    assert programme.events(receipt, "SavingMeasured") == [{"eventId": 1, "memberId": 2, "savingWh": 0, "known": False}]
    assert programme.status() == MEASURED


def test_an_event_without_homes_ends_at_once(programme: Programme) -> None:
    programme.running()
    programme.world.at((EVENT + 1) * HOUR)
    programme.do(1, "recover", 1)
    programme.do(1, "settle", 1)
    assert programme.do(1, "refund", 1)["status"] == 1
    assert programme.money(programme.response.address) == 0


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    imports=st.tuples(*(st.integers(0, 6_000) for _ in range(4))),
    rate=st.integers(1, 10**7),
    budget=st.integers(1, 3 * BUDGET),
)
def test_payments_are_within_the_budget_and_within_what_one_home_with_all_loads_would_get(
    programme: Programme, imports: tuple[int, ...], rate: int, budget: int
) -> None:
    """Four homes that belong together are never paid more than one home with the sum of their loads."""
    snapshot = programme.world.tester.take_snapshot()
    programme.running(1, 2, 3, 4, rate=rate, budget=budget)
    programme.finish(imports)
    whole = min(budget, max(0, sum(PAST) - sum(imports)) * rate // 1_000)
    paid = programme.incentives()
    assert whole - 3 <= sum(paid) <= whole
    assert programme.state()[6] == whole
    assert all(amount == 0 for amount, past, used in zip(paid, PAST, imports, strict=True) if used >= past)
    programme.world.tester.revert_to_snapshot(snapshot)
