"""Demand response: who takes part, who leaves, whose loads are called, and in which order the steps come."""

import pytest
from contract_market import HOUR, reverts
from grid_hands import contract_of, wait
from programme import (
    BUDGET,
    CANCELLED,
    CRITICAL,
    DISPATCHED,
    ESSENTIAL,
    EVENT,
    FLEXIBLE,
    MEASURED,
    RECOVERING,
    SETTLED,
    Programme,
)


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
