"""Care for devices: the record of their performance, maintenance alerts, replacement."""

import pytest
from contract_market import FIRST, HOUR, RATED_W, START, Home, World, reverts
from eth_account import Account
from eth_utils.crypto import keccak

NEW = keccak(text="new meter")
NEW_KEY = Account.from_key(keccak(text="new meter key"))
NO_DETAIL = bytes(32)
RAISED, ACKNOWLEDGED, RESOLVED = 1, 2, 3
ACTIVE, RETIRED = 1, 3


def performance(world: World, device_id: bytes) -> tuple[int, ...]:
    return tuple(world.registry.functions.performance(device_id).call())


def test_a_device_never_heard_of_has_an_empty_record(world: World) -> None:
    assert performance(world, world.homes[0].device_id) == (0, 0, 0, 0, 0, 0, 0)


def test_a_steady_device_counts_by_its_sequence_alone(world: World) -> None:
    home = world.homes[0]
    for hour in range(5):
        world.at(START + hour * HOUR)
        world.submit([(home, (7 + hour, START + hour * HOUR, 1_000, 0))])
    accepted, refused, missed, gaps, first, last, uptime = performance(world, home.device_id)
    assert (accepted, refused, missed, gaps, first, last) == (5, 0, 0, 0, START, START + 4 * HOUR)
    assert uptime == 10_000


def test_skipped_numbers_and_refused_readings_are_counted(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    world.submit([(home, (7, START, 1_000, 0))])
    world.at(START + HOUR)
    world.submit([(home, (10, START + HOUR, 1_000, 0)), (home, (10, START + HOUR, 1_000, 0))])
    world.submit([(home, (11, START + HOUR, 0, 0))])
    assert performance(world, home.device_id)[:4] == (2, 2, 2, 1)


def test_a_restart_is_a_gap_that_misses_nothing(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    world.submit([(home, ((1 << 32) + 7, START, 1_000, 0))])
    world.at(START + HOUR)
    world.submit([(home, (2 << 32, START + HOUR, 1_000, 0))])
    assert performance(world, home.device_id)[:4] == (2, 0, 0, 1)


def test_silence_lowers_the_uptime(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    world.submit([(home, (7, START, 1_000, 0))])
    world.at(START + 4 * HOUR)
    world.submit([(home, (8, START + 4 * HOUR, 1_000, 0))])
    assert performance(world, home.device_id)[6] == pytest.approx(2_500, abs=5)
    world.at(START + 8 * HOUR)
    world.tester.mine_block()
    assert performance(world, home.device_id)[6] == pytest.approx(2_500, abs=5)


def test_numbers_however_large_make_no_batch_fail(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    world.submit([(home, (0, START, 1_000, 0))])
    world.at(START + HOUR)
    receipt = world.submit(
        [(home, (2**32 - 1, START + HOUR, 1_000, 0)), (home, (2**64 - 1, START + HOUR + 1, 1_000, 0))]
    )
    assert world.results(receipt) == []
    assert performance(world, home.device_id)[:4] == (3, 0, 2**24 - 1, 2)


# Alerts


def test_an_alert_is_raised_acknowledged_and_resolved(world: World) -> None:
    functions, device_id = world.registry.functions, world.homes[0].device_id
    receipt = world.send(functions.raiseAlert(device_id, 4, keccak(text="seen")), world.parties.oracle)
    (event,) = world.events(receipt, world.registry, "AlertRaised")
    assert event == {"alertId": 0, "deviceId": device_id, "kind": 4, "detail": keccak(text="seen")}
    assert functions.alertCount().call() == functions.openAlerts(device_id).call() == 1
    receipt = world.send(functions.acknowledgeAlert(0), world.parties.maintainer)
    (event,) = world.events(receipt, world.registry, "AlertAcknowledged")
    assert event == {"alertId": 0, "maintainer": world.parties.maintainer}
    found, _, _, status, kind = functions.alert(0).call()
    assert (found, status, kind) == (device_id, ACKNOWLEDGED, 4)
    receipt = world.send(functions.resolveAlert(0), world.parties.maintainer)
    (event,) = world.events(receipt, world.registry, "AlertResolved")
    assert event == {"alertId": 0, "maintainer": world.parties.maintainer}
    assert functions.openAlerts(device_id).call() == 0


def test_an_alert_moves_forward_only(world: World) -> None:
    functions, maintainer = world.registry.functions, world.parties.maintainer
    world.send(functions.raiseAlert(world.homes[0].device_id, 1, NO_DETAIL), world.parties.oracle)
    world.send(functions.acknowledgeAlert(0), maintainer)
    with reverts(world.registry, "AlertNotOpen", 0, ACKNOWLEDGED):
        world.send(functions.acknowledgeAlert(0), maintainer)
    world.send(functions.resolveAlert(0), maintainer)
    for function in (functions.acknowledgeAlert, functions.resolveAlert):
        with reverts(world.registry, "AlertNotOpen", 0, RESOLVED):
            world.send(function(0), maintainer)


def test_unknown_alerts_and_devices_are_refused(world: World) -> None:
    functions = world.registry.functions
    for function in (functions.acknowledgeAlert, functions.resolveAlert):
        with reverts(world.registry, "AlertNotFound", 0):
            world.send(function(0), world.parties.maintainer)
    with reverts(world.registry, "AlertNotFound", 3):
        functions.alert(3).call()
    with reverts(world.registry, "DeviceNotFound", NEW):
        world.send(functions.raiseAlert(NEW, 1, NO_DETAIL), world.parties.oracle)


# Replacement


def replace_meter(world: World, home: Home) -> Home:
    functions = world.registry.functions
    receipt = world.send(functions.approveReplacement(home.device_id, NEW, NEW_KEY.address), home.address)
    (event,) = world.events(receipt, world.registry, "ReplacementApproved")
    assert event == {"deviceId": home.device_id, "newDeviceId": NEW, "newKey": NEW_KEY.address}
    receipt = world.send(functions.replaceDevice(home.device_id, NEW, NEW_KEY.address), world.parties.maintainer)
    (event,) = world.events(receipt, world.registry, "DeviceReplaced")
    assert event == {"deviceId": home.device_id, "newDeviceId": NEW}
    return Home(home.account, NEW_KEY, NEW, home.member_id)


def test_a_new_meter_goes_on_where_the_old_one_stood(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    world.submit([(home, (5, START, 1_000, 2_000))])
    world.at(START + 1_800)
    world.submit([(home, (6, START + 1_800, 1_100, 2_000))])
    new = replace_meter(world, home)
    functions = world.registry.functions
    assert world.registers(new) == (0, START + 1_800, 1_100, 2_000)
    assert functions.device(NEW).call() == (home.address, NEW_KEY.address, 0, ACTIVE, 1, RATED_W, 7)
    assert functions.device(home.device_id).call()[3] == RETIRED
    assert functions.meterOf(1).call() == NEW
    world.at(START + HOUR)
    world.submit([(new, (9, START + HOUR, 1_150, 2_001))])
    assert functions.intervalEnergy(1, FIRST).call() == [150, 1, True]
    assert performance(world, NEW)[:2] == (1, 0)


def test_a_meter_that_never_reported_is_replaced_by_one_that_begins_with_a_base_line(world: World) -> None:
    new = replace_meter(world, world.homes[0])
    assert world.registers(new) == (0, 0, 0, 0)
    assert performance(world, NEW) == (0, 0, 0, 0, 0, 0, 0)


def test_owner_and_maintainer_must_both_agree(world: World) -> None:
    home, stranger = world.homes[:2]
    functions = world.registry.functions
    with reverts(world.registry, "ReplacementNotApproved", home.device_id, NEW, NEW_KEY.address):
        world.send(functions.replaceDevice(home.device_id, NEW, NEW_KEY.address), world.parties.maintainer)
    with reverts(world.registry, "NotTheOwner", home.device_id, stranger.address):
        world.send(functions.approveReplacement(home.device_id, NEW, NEW_KEY.address), stranger.address)
    world.send(functions.approveReplacement(home.device_id, NEW, NEW_KEY.address), home.address)
    with reverts(world.registry, "ReplacementNotApproved", home.device_id, NEW, stranger.address):
        world.send(functions.replaceDevice(home.device_id, NEW, stranger.address), world.parties.maintainer)


def test_a_device_is_not_replaced_by_one_that_exists_or_by_a_used_key(world: World) -> None:
    home, other = world.homes[:2]
    functions = world.registry.functions
    for device_id, key, error, values in (
        (other.device_id, NEW_KEY.address, "DeviceAlreadyRegistered", (other.device_id,)),
        (NEW, other.meter.address, "KeyInUse", (other.meter.address, other.device_id)),
    ):
        world.send(functions.approveReplacement(home.device_id, device_id, key), home.address)
        with reverts(world.registry, error, *values):
            world.send(functions.replaceDevice(home.device_id, device_id, key), world.parties.maintainer)


def test_no_alert_is_raised_on_a_retired_device_but_its_old_ones_are_settled(world: World) -> None:
    device, functions = world.homes[0].device_id, world.registry.functions
    world.send(functions.raiseAlert(device, 3, NO_DETAIL), world.parties.oracle)
    world.send(functions.retireDevice(device), world.parties.maintainer)
    with reverts(world.registry, "DeviceIsRetired", device):
        world.send(functions.raiseAlert(device, 4, NO_DETAIL), world.parties.oracle)
    world.send(functions.acknowledgeAlert(0), world.parties.maintainer)
    world.send(functions.resolveAlert(0), world.parties.maintainer)
    assert functions.openAlerts(device).call() == 0
    assert functions.alertCount().call() == 1
