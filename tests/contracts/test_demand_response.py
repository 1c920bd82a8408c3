"""Demand response: from announcement to payment, and what cheats would try."""

import pytest
from contract_market import FIRST, HOUR, START, reverts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programme import (
    ALL_ZONES,
    BUDGET,
    EVENT,
    NONE,
    PAST,
    Programme,
)


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


@pytest.mark.slow
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
