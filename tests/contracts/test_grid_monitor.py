"""Reports of grid sensors, faults, severity and energy per feeder zone."""

from dataclasses import dataclass
from typing import Any

import pytest
from contract_market import FIRST, HOUR, START, World, reverts
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from grid_hands import (
    ACCEPTED,
    BAD_SIGNATURE,
    BATTERY,
    FUTURE_TIMESTAMP,
    GRID_REPORT,
    IMPLAUSIBLE,
    INACTIVE_DEVICE,
    NO_ROOM,
    SENSOR,
    STALE_SEQUENCE,
    STALE_TIMESTAMP,
    TOO_OLD,
    UNKNOWN_DEVICE,
    WRONG_CLASS,
    add_device,
    contract_of,
    sign,
    wait,
)
from web3.contract import Contract
from web3.types import TxReceipt

from microgrid.chain.permissions import Role

WAD = 10**18
FRESH_S, DAY = 900, 86_400
GOOD = (50_000, 230_000, 20)  # distortion 20 of 80 permille is a severity of 250


@dataclass
class Station:
    """A market with its monitor and grid sensors."""

    world: World
    monitor: Contract
    keys: dict[str, LocalAccount]

    def report(self, name: str, sequence: int, time_s: int, values: tuple[int, int, int] = GOOD) -> Any:
        """A report and its signature."""
        report = (keccak(text=name), sequence, time_s, *values)
        return report, sign(self.world, self.monitor, "GridReport", GRID_REPORT, report, self.keys[name])

    def submit(self, *signed: Any) -> TxReceipt:
        call = self.monitor.functions.submitReports([report for report, _ in signed], [mark for _, mark in signed])
        return self.world.send(call, self.world.homes[3].address)

    def say(self, name: str, sequence: int, values: tuple[int, int, int] = GOOD, time_s: int = START) -> TxReceipt:
        """Hand in one report that must be accepted."""
        receipt = self.submit(self.report(name, sequence, time_s, values))
        assert self.world.events(receipt, self.monitor, "ReportRefused") == []
        return receipt

    def result(self, *signed: Any) -> list[int]:
        call = self.monitor.functions.submitReports([report for report, _ in signed], [mark for _, mark in signed])
        return list(call.call({"from": self.world.homes[3].address}))

    def severity(self) -> tuple[int, bool]:
        return tuple(self.monitor.functions.severity().call())

    def add(self, name: str, zone: int = 7) -> None:
        self.keys[name] = add_device(self.world, name, SENSOR, self.world.homes[0], zone)


@pytest.fixture
def station(world: World) -> Station:
    """Three sensors, at the start of an interval."""
    made = Station(world, contract_of(world, "GridMonitor"), {})
    for name in ("sensor-a", "sensor-b", "sensor-c"):
        made.add(name)
    wait(world, START)
    return made


def test_a_report_is_stored_and_told(station: Station) -> None:
    receipt = station.say("sensor-a", 1, (49_750, 228_850, 20))
    (event,) = station.world.events(receipt, station.monitor, "GridReported")
    assert event == {
        "deviceId": keccak(text="sensor-a"),
        "zone": 7,
        "timestamp": START,
        "frequencyMilliHz": 49_750,
        "voltageMv": 228_850,
        "thdPermille": 20,
        "severity": 250,
    }
    values, fresh = station.monitor.functions.sensor(keccak(text="sensor-a")).call()
    assert (values, fresh) == ((1, START, 49_750, 228_850, 20, 250, 0), True)
    assert station.monitor.functions.sensors().call() == [keccak(text="sensor-a")]


@pytest.mark.parametrize(
    ("values", "severity", "faults"),
    [
        ((50_000, 230_000, 0), 0, 0),
        ((49_000, 230_000, 0), 1_000, 1),
        ((49_001, 230_000, 0), 999, 0),
        ((51_000, 230_000, 0), 1_000, 2),
        ((50_000, 207_000, 0), 1_000, 4),
        ((50_000, 253_000, 0), 1_000, 8),
        ((50_000, 241_500, 0), 500, 0),
        ((50_000, 230_000, 80), 1_000, 16),
        ((0, 0, 1_000), 1_000, 1 + 4 + 16),
    ],
)
def test_severity_is_the_largest_deviation_in_permille_of_its_limit(
    station: Station, values: tuple[int, int, int], severity: int, faults: int
) -> None:
    station.say("sensor-a", 1, values)
    assert station.severity() == (severity, True)
    assert station.monitor.functions.sensor(keccak(text="sensor-a")).call()[0][5:] == (severity, faults)


def test_a_fault_is_detected_once_and_cleared_below_a_lower_threshold(station: Station) -> None:
    told = []
    for sequence, frequency in enumerate((50_000, 48_900, 49_100, 49_201, 50_000), 1):
        receipt = station.say("sensor-a", sequence, (frequency, 230_000, 0), START - 10 + sequence)
        found = [
            (name, event["faults"])
            for name in ("FaultDetected", "FaultCleared")
            for event in station.world.events(receipt, station.monitor, name)
        ]
        told.append(found)
    assert told == [[], [("FaultDetected", 1)], [], [("FaultCleared", 1)], []]


def test_without_a_fresh_report_severity_is_unknown(station: Station) -> None:
    assert station.severity() == (0, False)
    station.say("sensor-a", 1, (49_000, 230_000, 0))
    wait(station.world, START + FRESH_S - 1)
    assert station.severity() == (1_000, True)
    wait(station.world, START + FRESH_S)
    assert station.severity() == (0, False)
    assert station.monitor.functions.sensor(keccak(text="sensor-a")).call()[1] is False


@pytest.mark.parametrize(
    ("deviations", "expected"),
    [((700,), 700), ((100, 900), 100), ((900, 100), 100), ((300, 900, 400), 400), ((900, 800, 100), 800)],
)
def test_severity_is_the_lower_median_of_the_sensors(
    station: Station, deviations: tuple[int, ...], expected: int
) -> None:
    for name, deviation in zip(station.keys, deviations, strict=False):
        station.say(name, 1, (50_000 - deviation, 230_000, 0))
    assert station.severity() == (expected, True)


def test_a_suspended_sensor_does_not_count(station: Station) -> None:
    station.say("sensor-a", 1, (49_300, 230_000, 0))
    call = station.world.registry.functions.suspendDevice(keccak(text="sensor-a"))
    station.world.send(call, station.world.parties.maintainer)
    assert station.severity() == (0, False)


@pytest.mark.parametrize(("deviation", "stress"), [(199, 0), (200, 200), (640, 640)])
def test_reports_feed_the_stress_factor(station: Station, deviation: int, stress: int) -> None:
    receipt = station.say("sensor-a", 1, (50_000 + deviation, 230_000, 0))
    grid = station.world.grid
    assert station.world.events(receipt, grid, "GridStressMeasured") == [{"factorWad": stress * WAD // 1_000}]
    assert grid.functions.gridStressFactor().call() == stress * WAD // 1_000


def test_the_larger_of_report_and_measurement_counts_until_each_is_stale(station: Station) -> None:
    world, grid = station.world, station.world.grid
    station.say("sensor-a", 1, (49_300, 230_000, 0))
    world.send(grid.functions.reportGridStress(WAD // 4), world.parties.oracle)
    assert grid.functions.gridStressFactor().call() == 7 * WAD // 10
    world.send(grid.functions.reportGridStress(9 * WAD // 10), world.parties.oracle)
    assert grid.functions.gridStressFactor().call() == 9 * WAD // 10
    world.send(grid.functions.reportGridStress(WAD // 4), world.parties.oracle)
    wait(world, START + HOUR + 60)
    assert grid.functions.gridStressFactor().call() == WAD // 4
    wait(world, START + DAY + HOUR)
    assert grid.functions.gridStressFactor().call() == 0


def test_a_stale_sensor_measures_no_stress(station: Station) -> None:
    receipt = station.say("sensor-a", 1, (49_000, 230_000, 0), START - FRESH_S - 1)
    assert station.world.events(receipt, station.world.grid, "GridStressMeasured") == []


def test_the_measured_stress_is_bounded(world: World) -> None:
    monitor = world.homes[0].address
    world.send(world.manager.functions.grantRole(Role.SENSING, monitor, 0), world.parties.admin)
    world.send(world.grid.functions.recordMeasuredStress(10 * WAD), monitor)
    assert world.grid.functions.gridStressFactor().call() == 3 * WAD
    with reverts(world.grid, "InvalidFactor", 10 * WAD + 1, 0, 10 * WAD):
        world.send(world.grid.functions.recordMeasuredStress(10 * WAD + 1), monitor)


def test_refusals(station: Station) -> None:
    """Every reason for a refusal but want of room; nothing of a refused report is stored."""
    world = station.world
    station.keys["nothing"] = station.keys["sensor-a"]
    station.keys["battery"] = add_device(world, "battery", BATTERY, world.homes[0])
    station.say("sensor-a", 5)
    world.send(world.registry.functions.suspendDevice(keccak(text="sensor-c")), world.parties.maintainer)
    later = START + 5
    forged = station.report("sensor-b", 1, START)[0], bytes(65)
    station.keys["stranger"] = Account.from_key(keccak(text="stranger"))
    cases = [
        (station.report("nothing", 6, later), UNKNOWN_DEVICE),
        (station.report("battery", 6, later), WRONG_CLASS),
        (station.report("sensor-c", 6, later), INACTIVE_DEVICE),
        (forged, BAD_SIGNATURE),
        (station.report("sensor-a", 5, later), STALE_SEQUENCE),
        (station.report("sensor-a", 6, START), STALE_TIMESTAMP),
        (station.report("sensor-b", 6, START + 600), FUTURE_TIMESTAMP),
        (station.report("sensor-b", 6, START - DAY - 60), TOO_OLD),
        (station.report("sensor-b", 6, START, (1_000_001, 0, 0)), IMPLAUSIBLE),
        (station.report("sensor-b", 6, START, (50_000, 1_000_000_001, 0)), IMPLAUSIBLE),
        (station.report("sensor-b", 6, START, (50_000, 230_000, 1_001)), IMPLAUSIBLE),
    ]
    assert station.result(*(signed for signed, _ in cases)) == [expected for _, expected in cases]
    receipt = station.submit(*(signed for signed, _ in cases), station.report("sensor-b", 6, START))
    refused = station.world.events(receipt, station.monitor, "ReportRefused")
    assert [event["result"] for event in refused] == [expected for _, expected in cases]
    assert refused[4] == {"deviceId": keccak(text="sensor-a"), "sequence": 5, "result": STALE_SEQUENCE}
    assert len(station.world.events(receipt, station.monitor, "GridReported")) == 1
    assert station.monitor.functions.sensor(keccak(text="sensor-a")).call()[0][0] == 5


def test_a_batch_needs_as_many_signatures_as_reports(station: Station) -> None:
    with reverts(station.monitor, "ReportsLengthMismatch", 1, 0):
        station.monitor.functions.submitReports([station.report("sensor-a", 1, START)[0]], []).call()


def test_the_digest_is_what_the_signature_covers(station: Station) -> None:
    report, signature = station.report("sensor-a", 1, START)
    digest = station.monitor.functions.hashReport(report).call()
    assert Account._recover_hash(digest, signature=signature) == station.keys["sensor-a"].address
    changed = (*report[:3], report[3] + 1, *report[4:])
    assert station.result((changed, signature)) == [BAD_SIGNATURE]


def test_sixteen_sensors_count_and_a_silent_one_makes_room(station: Station) -> None:
    names = [f"many-{number}" for number in range(17)]
    for name in names:
        station.add(name)
    station.submit(*(station.report(name, 1, START) for name in names[:16]))
    assert station.result(station.report("many-16", 1, START)) == [NO_ROOM]
    assert station.result(station.report("many-3", 2, START + 1)) == [ACCEPTED]
    wait(station.world, START + FRESH_S)
    station.submit(*(station.report(name, 2, START + FRESH_S) for name in names[:15]))
    station.say("many-16", 1, time_s=START + FRESH_S)
    held = station.monitor.functions.sensors().call()
    assert len(held) == 16
    assert keccak(text="many-16") in held
    assert keccak(text="many-15") not in held


def test_limits_are_set_by_governance_and_told(station: Station) -> None:
    limits = (60_000, 2_000, 120_000, 12_000, 50)
    receipt = station.world.send(station.monitor.functions.setLimits(limits), station.world.parties.governance)
    (event,) = station.world.events(receipt, station.monitor, "LimitsSet")
    assert tuple(event["limits"].values()) == limits
    assert station.monitor.functions.limits().call() == limits
    station.say("sensor-a", 1, (60_500, 120_000, 0))
    assert station.severity() == (250, True)


@pytest.mark.parametrize(
    "limits",
    [
        (50_000, 0, 230_000, 23_000, 80),
        (50_000, 50_000, 230_000, 23_000, 80),
        (50_000, 1_000, 230_000, 0, 80),
        (50_000, 1_000, 230_000, 230_000, 80),
        (50_000, 1_000, 230_000, 23_000, 0),
    ],
)
def test_impossible_limits_are_refused(station: Station, limits: tuple[int, ...]) -> None:
    with reverts(station.monitor, "InvalidLimits"):
        station.world.send(station.monitor.functions.setLimits(limits), station.world.parties.governance)


def zone(station: Station, number: int, interval: int = FIRST) -> tuple[int, int, int]:
    return tuple(station.monitor.functions.zoneTotals(number, interval).call())


def tally(station: Station, first: int, last: int) -> TxReceipt:
    return station.world.send(station.monitor.functions.tallyZones(FIRST, first, last), station.world.homes[2].address)


def test_load_and_generation_add_up_by_zone_and_each_member_counts_once(station: Station) -> None:
    world = station.world
    old = world.homes[1]
    world.send(world.registry.functions.retireDevice(old.device_id), world.parties.maintainer)
    key = Account.from_key(keccak(text="meter in zone 8"))
    device_id = keccak(text="meter in zone 8")
    call = world.registry.functions.registerDevice(device_id, old.address, key.address, 0, 10_000, 8)
    world.send(call, world.parties.operator)
    world.homes[1] = type(old)(old.account, key, device_id, 2)
    world.meter(FIRST, [(400, 10), (300, 20), (200, 0)])
    receipt = tally(station, 1, 4)
    events = world.events(receipt, station.monitor, "ZoneRecorded")
    assert [tuple(event.values()) for event in events] == [
        (FIRST, 7, 1, 400, 10),
        (FIRST, 8, 2, 300, 20),
        (FIRST, 7, 3, 200, 0),
    ]
    tally(station, 1, 4)
    assert (zone(station, 7), zone(station, 8)) == ((600, 10, 2), (300, 20, 1))
    assert zone(station, 9) == (0, 0, 0)


def test_a_late_reading_is_added_later(station: Station) -> None:
    world = station.world
    world.meter(FIRST, [(400, 0)])
    tally(station, 1, 2)
    assert zone(station, 7) == (400, 0, 1)
    late = world.homes[1]
    world.submit([(late, (1, START, 0, 0))])
    world.submit([(late, (2, START + HOUR, 70, 5))])
    tally(station, 1, 2)
    assert zone(station, 7) == (470, 5, 2)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 257)])
def test_a_tally_takes_256_members(station: Station, first: int, last: int) -> None:
    with reverts(station.monitor, "InvalidRange", first, last):
        station.monitor.functions.tallyZones(FIRST, first, last).call()
