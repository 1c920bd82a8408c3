"""Emergency levels: hysteresis, expiry, declarations, shedding and recovery."""

from dataclasses import dataclass
from typing import Any

import pytest
from contract_market import START, World, reverts
from eth_utils.crypto import keccak
from grid_hands import GRID_REPORT, SENSOR, add_device, contract_of, now, sign, wait
from web3.contract import Contract
from web3.types import TxReceipt

NORMAL, ALERT, EMERGENCY, RECOVERY = range(4)
MEASURED, REPORTED, DECLARED, STOOD_DOWN, EXPIRED = range(5)
FLEXIBLE, STANDARD, ESSENTIAL, CRITICAL = range(4)
DWELL, ALERT_S, EMERGENCY_S, RECOVERY_S = 300, 6 * 3_600, 2 * 3_600, 3_600
RULES = (500, 300, 900, 600, DWELL, ALERT_S, EMERGENCY_S, RECOVERY_S)
REASON = keccak(text="a line is down")


@dataclass
class Room:
    """A control room."""

    world: World
    control: Contract

    def send(self, sender: str, name: str, *args: Any) -> TxReceipt:
        return self.world.send(self.control.functions[name](*args), getattr(self.world.parties, sender))

    def report(self, permille: int, at_s: int | None = None) -> TxReceipt:
        if at_s is not None:
            self.world.at(at_s)
        return self.send("oracle", "reportSeverity", permille)

    def declare(self, level: int = EMERGENCY, duration: int = EMERGENCY_S) -> TxReceipt:
        return self.send("guardian", "declare", level, duration, REASON)

    def status(self) -> tuple[int, bool, int, int, int]:
        return tuple(self.control.functions.status().call())

    def level(self) -> int:
        return self.status()[0]

    def changes(self, receipt: TxReceipt) -> list[tuple[int, ...]]:
        return [tuple(event.values()) for event in self.world.events(receipt, self.control, "LevelChanged")]

    def shed(self) -> list[bool]:
        return [self.control.functions.isShed(member).call() for member in (1, 2, 3, 4)]


@pytest.fixture
def room(world: World) -> Room:
    """Members 1 to 4 are flexible, standard, essential and critical."""
    made = Room(world, contract_of(world, "EmergencyControl"))
    for member, priority in ((1, FLEXIBLE), (3, ESSENTIAL), (4, CRITICAL)):
        made.send("operator", "setPriority", member, priority)
    wait(world, START)
    return made


def test_it_begins_normal_and_severity_is_unknown(room: Room) -> None:
    assert room.status() == (NORMAL, False, 0, 0, 0)
    assert room.control.functions.lastSeverity().call() == [0, False]
    assert room.control.functions.rules().call() == RULES
    assert room.control.functions.nextDeclaration().call() == 0


@pytest.mark.parametrize(
    ("permille", "level"),
    [(0, NORMAL), (499, NORMAL), (500, ALERT), (899, ALERT), (900, EMERGENCY), (1_000, EMERGENCY)],
)
def test_a_severity_raises_the_level_at_once(room: Room, permille: int, level: int) -> None:
    receipt = room.report(permille)
    (taken,) = room.world.events(receipt, room.control, "SeverityTaken")
    assert taken == {"by": room.world.parties.oracle, "permille": permille}
    assert room.level() == level
    until = 0 if level == NORMAL else now(room.world) + (ALERT_S if level == ALERT else EMERGENCY_S)
    assert room.status()[4] == until
    assert room.changes(receipt) == ([] if level == NORMAL else [(NORMAL, level, until, REPORTED)])
    assert room.control.functions.lastSeverity().call() == [permille, True]


def test_an_alert_ends_below_a_lower_threshold_and_after_a_while(room: Room) -> None:
    room.report(500)
    since = now(room.world)
    room.report(300, since + DWELL - 1)
    assert room.level() == ALERT
    room.report(301, since + DWELL)
    assert room.level() == ALERT
    receipt = room.report(300, since + DWELL + 1)
    assert room.changes(receipt) == [(ALERT, NORMAL, 0, REPORTED)]


def test_an_emergency_falls_to_recovery_and_then_to_normal(room: Room) -> None:
    room.report(900)
    since = now(room.world)
    room.report(601, since + DWELL)
    assert room.level() == EMERGENCY
    receipt = room.report(600, since + DWELL + 1)
    end = now(room.world) + RECOVERY_S
    assert room.changes(receipt) == [(EMERGENCY, RECOVERY, end, REPORTED)]
    wait(room.world, end - 1)
    assert room.level() == RECOVERY
    wait(room.world, end)
    assert room.status() == (NORMAL, False, 0, end, 0)


def test_an_unconfirmed_level_ends_by_itself(room: Room) -> None:
    room.report(900)
    end = now(room.world) + EMERGENCY_S
    wait(room.world, end - 1)
    assert room.level() == EMERGENCY
    wait(room.world, end)
    assert room.status() == (RECOVERY, False, 0, end, end + RECOVERY_S)
    assert room.control.functions.lastSeverity().call() == [900, True]
    wait(room.world, end + RECOVERY_S)
    assert room.level() == NORMAL
    receipt = room.world.send(room.control.functions.expire(), room.world.homes[0].address)
    assert room.changes(receipt) == [
        (EMERGENCY, RECOVERY, end + RECOVERY_S, EXPIRED),
        (RECOVERY, NORMAL, 0, EXPIRED),
    ]
    wait(room.world, START + ALERT_S + 60)
    assert room.control.functions.lastSeverity().call() == [0, False]


def test_an_unconfirmed_alert_ends_by_itself(room: Room) -> None:
    room.report(500)
    wait(room.world, now(room.world) + ALERT_S)
    assert room.level() == NORMAL
    receipt = room.world.send(room.control.functions.expire(), room.world.homes[0].address)
    assert room.changes(receipt) == [(ALERT, NORMAL, 0, EXPIRED)]
    assert room.changes(room.world.send(room.control.functions.expire(), room.world.homes[0].address)) == []


def test_a_confirmed_level_lasts_longer(room: Room) -> None:
    room.report(900)
    room.report(601, START + EMERGENCY_S - 100)
    assert room.status()[4] == now(room.world) + EMERGENCY_S
    room.report(600, START + EMERGENCY_S - 50)
    assert room.level() == RECOVERY
    room.report(301, START + EMERGENCY_S + 1_000)
    assert room.status()[3:] == (now(room.world), now(room.world) + RECOVERY_S)
    before = room.status()[4]
    room.report(300, START + EMERGENCY_S + 2_000)
    assert room.status()[4] == before


def test_trouble_in_the_recovery_is_an_emergency_again(room: Room) -> None:
    room.report(900)
    room.send("operator", "standDown")
    receipt = room.report(950)
    assert [change[:2] for change in room.changes(receipt)] == [(RECOVERY, EMERGENCY)]


@pytest.mark.parametrize("permille", [1_001, 65_535])
def test_severity_is_bounded(room: Room, permille: int) -> None:
    with reverts(room.control, "InvalidSeverity", permille, 1_000):
        room.report(permille)


def test_sensors_raise_the_level_without_any_role(room: Room) -> None:
    world, monitor = room.world, contract_of(room.world, "GridMonitor")
    observe = room.control.functions.observe()
    with reverts(room.control, "SeverityUnknown"):
        world.send(observe, world.homes[0].address)
    key = add_device(world, "sensor", SENSOR, world.homes[0])
    report = (keccak(text="sensor"), 1, START, 49_000, 230_000, 0)
    signature = sign(world, monitor, "GridReport", GRID_REPORT, report, key)
    world.send(monitor.functions.submitReports([report], [signature]), world.homes[0].address)
    receipt = world.send(observe, world.homes[0].address)
    assert [change[:2] + change[3:] for change in room.changes(receipt)] == [(NORMAL, EMERGENCY, MEASURED)]
    wait(world, START + 900)
    with reverts(room.control, "SeverityUnknown"):
        world.send(observe, world.homes[0].address)


def test_a_guardian_declares_for_a_while(room: Room) -> None:
    receipt = room.declare(EMERGENCY, 1_000)
    until = now(room.world) + 1_000
    (event,) = room.world.events(receipt, room.control, "EmergencyDeclared")
    expected = {"guardian": room.world.parties.guardian, "level": EMERGENCY, "until": until, "reason": REASON}
    assert event == expected
    assert room.status() == (EMERGENCY, True, 0, until - 1_000, until)
    room.report(0, until - 100)
    assert room.level() == EMERGENCY
    wait(room.world, until)
    assert room.level() == RECOVERY


def test_a_lost_or_hostile_guardian_cannot_hold_a_level(room: Room) -> None:
    room.declare(ALERT, 100)
    room.declare(EMERGENCY)
    end = now(room.world) + EMERGENCY_S
    earliest = end + 2 * RECOVERY_S
    assert room.control.functions.nextDeclaration().call() == earliest
    wait(room.world, end + 10)
    with reverts(room.control, "DeclaredTooSoon", earliest):
        room.declare()
    wait(room.world, earliest - 10)
    assert room.level() == NORMAL
    with reverts(room.control, "DeclaredTooSoon", earliest):
        room.declare(ALERT, 1)
    room.world.at(earliest)
    room.declare()


def test_the_market_works_in_an_emergency(room: Room) -> None:
    world = room.world
    before = world.balance(world.homes[0].address)
    room.declare()
    world.open(START // 3_600 + 10)
    world.order(world.homes[0], 0, 1_000, 100_000, START // 3_600 + 2)
    world.send(world.trading.functions.withdraw(1_000), world.homes[0].address)
    assert world.balance(world.homes[0].address) < before


@pytest.mark.parametrize("level", [NORMAL, RECOVERY])
def test_a_guardian_declares_alert_or_emergency_only(room: Room, level: int) -> None:
    with reverts(room.control, "InvalidLevel", level, NORMAL):
        room.declare(level, 1)


def test_a_guardian_only_raises(room: Room) -> None:
    room.report(900)
    for level in (ALERT, EMERGENCY):
        with reverts(room.control, "InvalidLevel", level, EMERGENCY):
            room.declare(level, 1)
    room.send("operator", "standDown")
    with reverts(room.control, "InvalidLevel", ALERT, RECOVERY):
        room.declare(ALERT, 1)
    room.declare(EMERGENCY, 1)


@pytest.mark.parametrize(("level", "most"), [(ALERT, ALERT_S), (EMERGENCY, EMERGENCY_S)])
def test_a_declaration_lasts_no_longer_than_its_level(room: Room, level: int, most: int) -> None:
    for duration in (0, most + 1):
        with reverts(room.control, "InvalidDuration", duration, most):
            room.declare(level, duration)
    room.declare(level, most)


def test_an_operator_stands_down_step_by_step(room: Room) -> None:
    room.declare()
    changes = [room.changes(room.send("operator", "standDown")) for _ in range(2)]
    assert [(change[0][:2], change[0][3]) for change in changes] == [
        ((EMERGENCY, RECOVERY), STOOD_DOWN),
        ((RECOVERY, NORMAL), STOOD_DOWN),
    ]
    with reverts(room.control, "NothingToEnd"):
        room.send("operator", "standDown")
    room.report(500)
    room.send("operator", "standDown")
    assert room.level() == NORMAL


def test_classes_are_curtailed_in_order_and_critical_never(room: Room) -> None:
    room.report(900)
    assert room.shed() == [False] * 4
    for stage in (1, 2, 3):
        receipt = room.send("operator", "setShedding", stage)
        (event,) = room.world.events(receipt, room.control, "SheddingOrdered")
        assert event == {"stage": stage, "until": room.status()[4]}
        assert room.shed() == [True] * stage + [False] * (4 - stage)
    with reverts(room.control, "InvalidStage", 4, 3):
        room.send("operator", "setShedding", 4)
    room.send("operator", "setShedding", 1)
    with reverts(room.control, "SheddingOutOfOrder", 1, 3):
        room.send("operator", "setShedding", 3)


def test_loads_are_curtailed_in_an_emergency_only(room: Room) -> None:
    for level, permille in ((NORMAL, 0), (ALERT, 500)):
        room.report(permille)
        with reverts(room.control, "NoEmergency", level):
            room.send("operator", "setShedding", 1)
    room.report(900)
    room.send("operator", "setShedding", 1)
    room.send("operator", "standDown")
    with reverts(room.control, "NoEmergency", RECOVERY):
        room.send("operator", "setShedding", 1)


def test_the_recovery_brings_the_most_important_back_first(room: Room) -> None:
    room.report(900)
    for stage in (1, 2, 3):
        room.send("operator", "setShedding", stage)
    room.send("operator", "standDown")
    begun = now(room.world)
    for after_s, stage in ((0, 3), (1_199, 3), (1_200, 2), (2_400, 1), (3_599, 1), (3_600, 0)):
        wait(room.world, begun + after_s)
        assert room.status()[2] == stage
        assert room.shed() == [True] * stage + [False] * (4 - stage)


def test_what_came_back_stays_back_when_a_recovery_begins_anew(room: Room) -> None:
    room.report(900)
    for stage in (1, 2, 3):
        room.send("operator", "setShedding", stage)
    room.send("operator", "standDown")
    room.report(400, now(room.world) + 2_500)
    assert room.status()[2] == 1
    room.report(900)
    assert room.status()[:3] == (EMERGENCY, False, 1)


def test_priorities_are_told_and_standard_at_first(room: Room) -> None:
    assert [room.control.functions.priorityOf(member).call() for member in (1, 2, 3, 4)] == [0, 1, 2, 3]
    receipt = room.send("operator", "setPriority", 2, CRITICAL)
    assert room.world.events(receipt, room.control, "PrioritySet") == [{"memberId": 2, "class": CRITICAL}]


@pytest.mark.parametrize("member", [0, 5])
def test_a_priority_needs_a_member(room: Room, member: int) -> None:
    with reverts(room.control, "MemberNotFound", member):
        room.send("operator", "setPriority", member, FLEXIBLE)


def test_rules_are_set_and_told(room: Room) -> None:
    rules = (400, 200, 400, 200, 0, 1, 2, 3)
    receipt = room.send("governance", "setRules", rules)
    (event,) = room.world.events(receipt, room.control, "RulesSet")
    assert tuple(event["rules"].values()) == rules == room.control.functions.rules().call()


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 300), (1, 601), (2, 600), (0, 901), (2, 1_001), (4, 604_801), (5, 0), (6, 0), (7, 0), (5, 604_801)],
)
def test_contradictory_rules_are_refused(room: Room, place: int, value: int) -> None:
    rules = (*RULES[:place], value, *RULES[place + 1 :])
    with reverts(room.control, "InvalidRules"):
        room.send("governance", "setRules", rules)
