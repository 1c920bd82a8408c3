"""Members and devices: numbers, lives, keys and who may change them."""

import pytest
from contract_market import RATED_W, World, reverts
from eth_account import Account
from eth_utils.crypto import keccak

ZERO = "0x" + "0" * 40
METER, INVERTER, BATTERY, APPLIANCE, SENSOR = range(5)
NONE, ACTIVE, SUSPENDED, RETIRED = range(4)
DEVICE = keccak(text="another device")
KEY = Account.from_key(keccak(text="another key")).address
SPARE_KEY = Account.from_key(keccak(text="spare key")).address


def register(world: World, device: bytes = DEVICE, key: str = KEY, kind: int = BATTERY, power_w: int = 5_000) -> None:
    owner = world.homes[0].address
    call = world.registry.functions.registerDevice(device, owner, key, kind, power_w, 3)
    world.send(call, world.parties.operator)


def test_members_are_numbered_from_one(world: World) -> None:
    functions = world.registry.functions
    assert functions.memberCount().call() == 4
    for number, home in enumerate(world.homes, start=1):
        assert functions.memberOf(home.address).call() == number
        assert functions.accountOf(number).call() == home.address


def test_unknown_members_have_number_and_account_zero(world: World) -> None:
    functions = world.registry.functions
    assert functions.memberOf(world.parties.treasury).call() == 0
    assert functions.accountOf(0).call() == functions.accountOf(5).call() == ZERO
    assert functions.meterOf(5).call() == bytes(32)


def test_a_new_member_gets_the_next_number(world: World) -> None:
    receipt = world.send(world.registry.functions.registerMember(KEY), world.parties.operator)
    assert world.events(receipt, world.registry, "MemberRegistered") == [{"memberId": 5, "account": KEY}]


def test_nobody_becomes_a_member_twice(world: World) -> None:
    home = world.homes[1].address
    with reverts(world.registry, "MemberAlreadyRegistered", home):
        world.send(world.registry.functions.registerMember(home), world.parties.operator)


def test_the_zero_address_is_no_member(world: World) -> None:
    with reverts(world.registry, "UnknownMember", ZERO):
        world.send(world.registry.functions.registerMember(ZERO), world.parties.operator)


def test_a_device_is_recorded_whole(world: World) -> None:
    home = world.homes[0].address
    call = world.registry.functions.registerDevice(DEVICE, home, KEY, BATTERY, 5_000, 3)
    receipt = world.send(call, world.parties.operator)
    expected = {"owner": home, "key": KEY, "class": BATTERY, "ratedPowerW": 5_000, "zone": 3}
    (event,) = world.events(receipt, world.registry, "DeviceRegistered")
    assert event == {"deviceId": DEVICE, "memberId": 1, **expected}
    assert world.registry.functions.device(DEVICE).call() == (home, KEY, BATTERY, ACTIVE, 1, 5_000, 3)
    assert world.registry.functions.deviceCount().call() == 5
    assert world.registry.functions.deviceAt(4).call() == DEVICE


def test_an_unknown_device_has_status_none(world: World) -> None:
    assert world.registry.functions.device(DEVICE).call() == (ZERO, ZERO, 0, NONE, 0, 0, 0)
    assert world.registry.functions.registers(DEVICE).call() == (0, 0, 0, 0)


def test_the_first_smart_meter_is_the_revenue_meter(world: World) -> None:
    assert world.registry.functions.meterOf(1).call() == world.homes[0].device_id


def test_a_second_meter_waits_until_the_first_is_retired(world: World) -> None:
    first = world.homes[0].device_id
    with reverts(world.registry, "MeterAlreadyRegistered", 1, first):
        register(world, kind=METER)
    world.send(world.registry.functions.retireDevice(first), world.parties.maintainer)
    assert world.registry.functions.meterOf(1).call() == bytes(32)
    register(world, kind=METER)
    assert world.registry.functions.meterOf(1).call() == DEVICE


def test_a_device_needs_a_member_for_owner(world: World) -> None:
    call = world.registry.functions.registerDevice(DEVICE, KEY, KEY, BATTERY, 1, 0)
    with reverts(world.registry, "UnknownMember", KEY):
        world.send(call, world.parties.operator)


def test_a_device_id_serves_once(world: World) -> None:
    register(world)
    world.send(world.registry.functions.retireDevice(DEVICE), world.parties.maintainer)
    with reverts(world.registry, "DeviceAlreadyRegistered", DEVICE):
        register(world, key=SPARE_KEY)


def test_a_key_serves_one_device(world: World) -> None:
    home = world.homes[2]
    with reverts(world.registry, "KeyInUse", home.meter.address, home.device_id):
        register(world, key=home.meter.address)


def test_the_zero_key_is_refused(world: World) -> None:
    with reverts(world.registry, "InvalidKey"):
        register(world, key=ZERO)


def test_absurd_rated_power_is_refused(world: World) -> None:
    with reverts(world.registry, "RatedPowerTooHigh", 100_000_001, 100_000_000):
        register(world, power_w=100_000_001)
    register(world, power_w=100_000_000)


def test_a_device_is_suspended_activated_and_retired(world: World) -> None:
    register(world)
    steps = (("suspendDevice", SUSPENDED), ("activateDevice", ACTIVE), ("retireDevice", RETIRED))
    for function, status in steps:
        receipt = world.send(world.registry.functions[function](DEVICE), world.parties.maintainer)
        (event,) = world.events(receipt, world.registry, "DeviceStatusChanged")
        assert event == {"deviceId": DEVICE, "status": status}
        assert world.registry.functions.device(DEVICE).call()[3] == status


def test_only_active_devices_are_suspended_and_only_suspended_ones_activated(world: World) -> None:
    register(world)
    with reverts(world.registry, "DeviceNotSuspended", DEVICE, ACTIVE):
        world.send(world.registry.functions.activateDevice(DEVICE), world.parties.maintainer)
    world.send(world.registry.functions.suspendDevice(DEVICE), world.parties.maintainer)
    with reverts(world.registry, "DeviceNotActive", DEVICE, SUSPENDED):
        world.send(world.registry.functions.suspendDevice(DEVICE), world.parties.maintainer)


@pytest.mark.parametrize("function", ["suspendDevice", "activateDevice", "retireDevice"])
def test_a_retired_device_stays_retired(world: World, function: str) -> None:
    register(world)
    world.send(world.registry.functions.retireDevice(DEVICE), world.parties.maintainer)
    with reverts(world.registry, "DeviceIsRetired", DEVICE):
        world.send(world.registry.functions[function](DEVICE), world.parties.maintainer)
    with reverts(world.registry, "DeviceIsRetired", DEVICE):
        world.send(world.registry.functions.rotateKey(DEVICE, SPARE_KEY), world.homes[0].address)


@pytest.mark.parametrize("function", ["suspendDevice", "activateDevice", "retireDevice"])
def test_an_unknown_device_is_not_found(world: World, function: str) -> None:
    with reverts(world.registry, "DeviceNotFound", DEVICE):
        world.send(world.registry.functions[function](DEVICE), world.parties.maintainer)
    with reverts(world.registry, "DeviceNotFound", DEVICE):
        world.send(world.registry.functions.rotateKey(DEVICE, SPARE_KEY), world.parties.maintainer)


@pytest.mark.parametrize("by_owner", [True, False])
def test_owner_and_maintainer_rotate_a_key(world: World, by_owner: bool) -> None:  # noqa: FBT001
    home = world.homes[0]
    sender = home.address if by_owner else world.parties.maintainer
    receipt = world.send(world.registry.functions.rotateKey(home.device_id, KEY), sender)
    (event,) = world.events(receipt, world.registry, "DeviceKeyRotated")
    assert event == {"deviceId": home.device_id, "oldKey": home.meter.address, "newKey": KEY}
    assert world.registry.functions.device(home.device_id).call()[1] == KEY


def test_a_stranger_does_not_rotate_a_key(world: World) -> None:
    stranger = world.homes[1].address
    with reverts(world.registry, "AccessManagedUnauthorized", stranger):
        world.send(world.registry.functions.rotateKey(world.homes[0].device_id, KEY), stranger)


def test_a_rotated_key_never_comes_back(world: World) -> None:
    home = world.homes[0]
    world.send(world.registry.functions.rotateKey(home.device_id, KEY), home.address)
    with reverts(world.registry, "KeyInUse", home.meter.address, home.device_id):
        world.send(world.registry.functions.rotateKey(home.device_id, home.meter.address), home.address)
    with reverts(world.registry, "InvalidKey"):
        world.send(world.registry.functions.rotateKey(home.device_id, ZERO), home.address)


def test_rated_power_of_the_meters_is_as_registered(world: World) -> None:
    assert world.registry.functions.device(world.homes[3].device_id).call()[5:] == (RATED_W, 7)


def devices_so_far(world: World, count: int) -> None:
    """Write the number of devices into the registry's storage: nobody registers eight million in a test."""
    at = bytes.fromhex(world.registry.address[2:])
    known = world.registry.functions.deviceCount().call()
    found = [slot for slot in range(64) if int.from_bytes(world.web3.eth.get_storage_at(at, slot), "big") == known]
    assert len(found) == 1
    chain = world.tester.backend.chain
    state = chain.get_vm().state
    state.set_storage(at, found[0], count)
    state.lock_changes()
    chain.header = chain.header.copy(state_root=state.make_state_root())
    state.persist()
    world.tester.mine_block()
    assert world.registry.functions.deviceCount().call() == count


def test_devices_have_numbers_of_23_bits(world: World) -> None:
    register(world)
    devices_so_far(world, 2**23 - 1)
    last = keccak(text="the last device")
    register(world, last, SPARE_KEY)
    assert world.registry.functions.deviceAt(2**23 - 1).call() == last
    one_more = Account.from_key(keccak(text="one key more")).address
    with reverts(world.registry, "TooManyDevices", 2**23):
        register(world, keccak(text="one device more"), one_more)
    assert world.registry.functions.deviceCount().call() == 2**23
