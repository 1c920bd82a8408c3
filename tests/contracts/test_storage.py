"""Batteries: bounds, signed reports, schedule, cycles and health."""

from dataclasses import dataclass
from typing import Any

import pytest
from contract_market import FIRST, HOUR, RATED_W, START, World, reverts
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from grid_hands import (
    ACCEPTED,
    BAD_SIGNATURE,
    BATTERY,
    BATTERY_REPORT,
    IMPLAUSIBLE,
    INVERTER,
    NO_ROOM,
    STALE_SEQUENCE,
    WRONG_CLASS,
    add_device,
    contract_of,
    sign,
    wait,
)
from web3.contract import Contract
from web3.types import TxReceipt

CAPACITY = 10_000
ID = keccak(text="battery")


@dataclass
class Shed:
    """A market with the registry of batteries and one battery of home 1."""

    world: World
    storage: Contract
    key: LocalAccount

    def do(self, name: str, *args: Any, home: int = 1) -> TxReceipt:
        return self.world.send(self.storage.functions[name](*args), self.world.homes[home - 1].address)

    def signed(self, report: tuple[Any, ...], key: LocalAccount | None = None) -> tuple[Any, bytes]:
        return report, sign(self.world, self.storage, "BatteryReport", BATTERY_REPORT, report, key or self.key)

    def result(self, report: tuple[Any, ...], key: LocalAccount | None = None) -> int:
        report, signature = self.signed(report, key)
        return int(self.storage.functions.submitReports([report], [signature]).call()[0])

    def say(self, sequence: int, stored: int, charged: int, discharged: int, health: int = 1_000) -> TxReceipt:
        """Report at hour `sequence`; it must be accepted."""
        self.world.at(START + sequence * HOUR)
        report, mark = self.signed((ID, sequence, START + sequence * HOUR, stored, charged, discharged, health))
        receipt = self.do("submitReports", [report], [mark], home=4)
        assert self.world.events(receipt, self.storage, "ReportRefused") == []
        return receipt


@pytest.fixture
def shed(world: World) -> Shed:
    key = add_device(world, "battery", BATTERY, world.homes[0])
    made = Shed(world, contract_of(world, "StorageRegistry"), key)
    made.do("enlist", ID, CAPACITY, 1_000, 9_500)
    wait(world, START)
    return made


def test_an_owner_enlists_a_battery_and_changes_its_bounds(shed: Shed) -> None:
    receipt = shed.do("enlist", ID, CAPACITY, 2_000, 9_000)
    values = {"deviceId": ID, "capacityWh": CAPACITY, "minWh": 2_000, "maxWh": 9_000}
    assert shed.world.events(receipt, shed.storage, "BatteryEnlisted") == [values]
    assert shed.storage.functions.battery(ID).call() == (CAPACITY, 2_000, 9_000)
    assert shed.storage.functions.batteryCount().call() == 1
    assert shed.storage.functions.batteryAt(0).call() == ID


@pytest.mark.parametrize("bounds", [(10_000, 5, 4), (10_000, 0, 10_001), (9_999, 0, 9_999)])
def test_bounds_are_in_order_and_a_capacity_stays(shed: Shed, bounds: tuple[int, int, int]) -> None:
    with reverts(shed.storage, "InvalidBounds", *bounds, CAPACITY):
        shed.do("enlist", ID, *bounds)


@pytest.mark.parametrize("capacity", [0, 10**9 + 1])
def test_a_capacity_is_bounded(shed: Shed, capacity: int) -> None:
    add_device(shed.world, "other", BATTERY, shed.world.homes[0])
    with reverts(shed.storage, "InvalidBounds", capacity, 0, 0, 10**9):
        shed.do("enlist", keccak(text="other"), capacity, 0, 0)


def test_only_the_owner_of_an_active_battery_enlists_and_plans(shed: Shed) -> None:
    with reverts(shed.storage, "NotTheOwner", ID, shed.world.homes[1].address):
        shed.do("enlist", ID, CAPACITY, 0, 1, home=2)
    with reverts(shed.storage, "NotTheOwner", ID, shed.world.homes[1].address):
        shed.do("schedule", ID, FIRST + 5, [0], home=2)
    add_device(shed.world, "inverter", INVERTER, shed.world.homes[0])
    with reverts(shed.storage, "NotABattery", keccak(text="inverter")):
        shed.do("enlist", keccak(text="inverter"), CAPACITY, 0, 1)
    shed.world.send(shed.world.registry.functions.suspendDevice(ID), shed.world.parties.maintainer)
    with reverts(shed.storage, "NotABattery", ID):
        shed.do("enlist", ID, CAPACITY, 0, 1)


def test_a_report_is_stored_and_told(shed: Shed) -> None:
    receipt = shed.say(1, 5_000, 70_000, 60_000, 950)
    (event,) = shed.world.events(receipt, shed.storage, "BatteryReported")
    expected = {"deviceId": ID, "timestamp": START + HOUR, "storedWh": 5_000, "milliCycles": 0, "healthPermille": 950}
    assert event == expected
    values, fresh = shed.storage.functions.charge(ID).call()
    assert (values, fresh) == ((1, START + HOUR, 5_000, 70_000, 60_000, 60_000, 950), True)


def test_what_is_available_is_within_the_owners_bounds_and_unknown_when_stale(shed: Shed) -> None:
    assert shed.storage.functions.available(ID).call() == [0, 0, False]
    for sequence, stored, expected in ((1, 5_000, [4_000, 4_500]), (2, 900, [0, 8_600]), (3, 9_800, [8_800, 0])):
        shed.say(sequence, stored, 10_000 * sequence, 10_000 * sequence)
        assert shed.storage.functions.available(ID).call() == [*expected, True]
    wait(shed.world, START + 4 * HOUR)
    assert shed.storage.functions.available(ID).call() == [0, 0, False]
    assert shed.storage.functions.charge(ID).call()[1] is False


def test_cycles_are_energy_discharged_since_the_first_report_over_capacity(shed: Shed) -> None:
    for sequence, discharged in enumerate((50_000, 55_000, 60_000, 62_500), 1):
        shed.say(sequence, 5_000, discharged, discharged)
    assert shed.storage.functions.milliCycles(ID).call() == 1_250
    assert shed.storage.functions.milliCycles(keccak(text="none")).call() == 0


def test_health_never_rises_and_a_worn_battery_is_told_once(shed: Shed) -> None:
    told, health = [], []
    for sequence, permille in enumerate((900, 950, 799, 790), 1):
        receipt = shed.say(sequence, 5_000, 0, 0, permille)
        told += shed.world.events(receipt, shed.storage, "BatteryWorn")
        health.append(shed.storage.functions.charge(ID).call()[0][6])
    assert told == [{"deviceId": ID, "healthPermille": 799}]
    assert health == [900, 900, 799, 790]


def test_implausible_reports_are_refused(shed: Shed) -> None:
    shed.say(1, 5_000, 20_000, 10_000)
    shed.world.at(START + 2 * HOUR)
    shed.world.tester.mine_block()
    limit = RATED_W * 11 // 10
    for values, expected in (
        ((5_000, 20_000, 10_000, 1_000), ACCEPTED),
        ((10_001, 40_000, 10_000, 1_000), IMPLAUSIBLE),
        ((5_000, 19_999, 10_000, 1_000), IMPLAUSIBLE),
        ((5_000, 20_000, 9_999, 1_000), IMPLAUSIBLE),
        ((5_000, 20_000 + limit, 10_000 + limit, 1_000), ACCEPTED),
        ((5_000, 20_001 + limit, 10_000, 1_000), IMPLAUSIBLE),
        ((5_000, 20_000, 10_001 + limit, 1_000), IMPLAUSIBLE),
        ((5_100, 20_100, 10_000, 1_000), ACCEPTED),
        ((5_101, 20_100, 10_000, 1_000), IMPLAUSIBLE),
        ((5_000, 20_000, 10_000, 1_001), IMPLAUSIBLE),
    ):
        assert shed.result((ID, 2, START + 2 * HOUR, *values)) == expected


def test_other_refusals(shed: Shed) -> None:
    inverter = add_device(shed.world, "inverter", INVERTER, shed.world.homes[0])
    stranger = add_device(shed.world, "stranger", BATTERY, shed.world.homes[0])
    shed.say(1, 5_000, 0, 0)
    later = START + HOUR + 5
    assert shed.result((keccak(text="inverter"), 1, later, 0, 0, 0, 0), inverter) == WRONG_CLASS
    assert shed.result((keccak(text="stranger"), 1, later, 0, 0, 0, 0), stranger) == NO_ROOM
    assert shed.result((ID, 2, later, 0, 0, 0, 0), stranger) == BAD_SIGNATURE
    stale, mark = shed.signed((ID, 1, later, 0, 0, 0, 0))
    receipt = shed.do("submitReports", [stale], [mark])
    refused = {"deviceId": ID, "sequence": 1, "result": STALE_SEQUENCE}
    assert shed.world.events(receipt, shed.storage, "ReportRefused") == [refused]
    with reverts(shed.storage, "ReportsLengthMismatch", 0, 1):
        shed.do("submitReports", [], [mark])


def test_the_digest_is_what_the_signature_covers(shed: Shed) -> None:
    report, mark = shed.signed((ID, 1, START, 5_000, 0, 0, 1_000))
    digest = shed.storage.functions.hashReport(report).call()
    assert Account._recover_hash(digest, signature=mark) == shed.key.address


def test_an_owner_plans_charging_and_discharging(shed: Shed) -> None:
    receipt = shed.do("schedule", ID, FIRST + 1, [RATED_W, -RATED_W, 0])
    told = [tuple(event.values()) for event in shed.world.events(receipt, shed.storage, "PowerScheduled")]
    assert told == [(ID, FIRST + 1, RATED_W), (ID, FIRST + 2, -RATED_W), (ID, FIRST + 3, 0)]
    shed.do("schedule", ID, FIRST + 2, [-7])
    plan = [shed.storage.functions.scheduled(ID, FIRST + ahead).call() for ahead in (1, 2, 3, 4)]
    assert plan == [[RATED_W, True], [-7, True], [0, True], [0, False]]


@pytest.mark.parametrize("power", [RATED_W + 1, -RATED_W - 1, -(2**31)])
def test_a_plan_keeps_to_the_rated_power(shed: Shed, power: int) -> None:
    with reverts(shed.storage, "PowerTooHigh", power, RATED_W):
        shed.do("schedule", ID, FIRST + 1, [power])


@pytest.mark.parametrize("length", [0, 49])
def test_a_plan_has_1_to_48_intervals(shed: Shed, length: int) -> None:
    with reverts(shed.storage, "InvalidSchedule", length):
        shed.do("schedule", ID, FIRST + 1, [0] * length)


def test_a_plan_is_for_intervals_that_have_not_begun(shed: Shed) -> None:
    with reverts(shed.storage, "ScheduleInThePast", FIRST, FIRST):
        shed.do("schedule", ID, FIRST, [0])


def test_a_battery_that_is_not_enlisted_has_no_plan(shed: Shed) -> None:
    add_device(shed.world, "other", BATTERY, shed.world.homes[0])
    with reverts(shed.storage, "NotEnlisted", keccak(text="other")):
        shed.do("schedule", keccak(text="other"), FIRST + 1, [0])
