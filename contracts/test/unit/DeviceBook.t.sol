// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DeviceRegistry} from "../../DeviceRegistry.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {World} from "../World.sol";

contract DeviceBookTest is World {
    address private constant STRANGER = address(0x57);
    bytes32 private constant OTHER = bytes32(uint256(77));

    function setUp() external {
        _join();
    }

    // Deployment

    function test_readings_are_booked_no_longer_than_they_are_taken() external {
        require(registry.readingDeadlineSeconds() == DEADLINE);
        DeviceRegistry patient = new DeviceRegistry(address(manager), grid, 7 days + 1);
        require(patient.readingDeadlineSeconds() == 7 days);
    }

    // Members

    function test_members_are_numbered_from_one() external {
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.MemberRegistered(2, STRANGER);
        require(registry.registerMember(STRANGER) == 2 && registry.memberCount() == 2);
        require(registry.memberOf(STRANGER) == 2 && registry.accountOf(2) == STRANGER);
        require(registry.accountOf(0) == address(0) && registry.accountOf(3) == address(0));
        require(registry.memberOf(address(1)) == 0);
    }

    function test_nobody_and_a_member_cannot_become_one() external {
        _refused(_join(address(0)), abi.encodeWithSelector(IDeviceRegistry.UnknownMember.selector, address(0)));
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.MemberAlreadyRegistered.selector, _account(1));
        _refused(_join(_account(1)), reason);
    }

    function test_strangers_run_nothing() external {
        _stranger(_join(STRANGER));
        _stranger(_device(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.Battery));
        _stranger(abi.encodeCall(registry.suspendDevice, (_meter(1))));
        _stranger(abi.encodeCall(registry.activateDevice, (_meter(1))));
        _stranger(abi.encodeCall(registry.retireDevice, (_meter(1))));
        _stranger(abi.encodeCall(registry.rotateKey, (_meter(1), address(9))));
        _stranger(abi.encodeCall(registry.replaceDevice, (_meter(1), OTHER, address(9))));
    }

    // Devices

    function test_a_device_is_what_was_registered() external {
        address key = vm.addr(5);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.DeviceRegistered(
            OTHER, 1, _account(1), key, IDeviceRegistry.DeviceClass.Inverter, 100_000_000, 9
        );
        registry.registerDevice(OTHER, _account(1), key, IDeviceRegistry.DeviceClass.Inverter, 100_000_000, 9);
        IDeviceRegistry.Device memory device = registry.device(OTHER);
        require(device.owner == _account(1) && device.key == key && device.memberId == 1);
        require(device.class == IDeviceRegistry.DeviceClass.Inverter);
        require(device.status == IDeviceRegistry.DeviceStatus.Active);
        require(device.ratedPowerW == 100_000_000 && device.zone == 9);
        require(registry.deviceCount() == 2 && registry.deviceAt(1) == OTHER);
        require(registry.meterOf(1) == _meter(1));
        require(registry.device(bytes32("none")).status == IDeviceRegistry.DeviceStatus.None);
    }

    function test_a_device_needs_a_member_a_power_a_free_id_and_a_free_key() external {
        IDeviceRegistry.DeviceClass class = IDeviceRegistry.DeviceClass.Battery;
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.UnknownMember.selector, STRANGER);
        _refused(_device(OTHER, STRANGER, address(9), class), reason);
        reason = abi.encodeWithSelector(IDeviceRegistry.RatedPowerTooHigh.selector, 100_000_001, 100_000_000);
        bytes memory call =
            abi.encodeCall(registry.registerDevice, (OTHER, _account(1), address(9), class, 100_000_001, 0));
        _refused(call, reason);
        reason = abi.encodeWithSelector(IDeviceRegistry.DeviceAlreadyRegistered.selector, _meter(1));
        _refused(_device(_meter(1), _account(1), address(9), class), reason);
        reason = abi.encodeWithSelector(IDeviceRegistry.InvalidKey.selector);
        _refused(_device(OTHER, _account(1), address(0), class), reason);
        address key = vm.addr(_meterKey(1));
        reason = abi.encodeWithSelector(IDeviceRegistry.KeyInUse.selector, key, _meter(1));
        _refused(_device(OTHER, _account(1), key, class), reason);
    }

    function test_a_member_has_one_revenue_meter_until_it_is_retired() external {
        bytes memory call = _device(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.SmartMeter);
        _refused(call, abi.encodeWithSelector(IDeviceRegistry.MeterAlreadyRegistered.selector, 1, _meter(1)));
        registry.retireDevice(_meter(1));
        require(registry.meterOf(1) == 0);
        (bool ok,) = address(registry).call(call);
        require(ok && registry.meterOf(1) == OTHER);
    }

    /// @dev The length of the list of devices is found by what it does, and set to the last number.
    function test_devices_have_23_bit_numbers() external {
        uint256 slot = 0;
        while (!_countsDevices(bytes32(slot))) ++slot;
        vm.store(address(registry), bytes32(slot), bytes32(uint256(1 << 23)));
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.TooManyDevices.selector, 1 << 23);
        _refused(_device(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.Battery), reason);
        vm.store(address(registry), bytes32(slot), bytes32(uint256((1 << 23) - 1)));
        registry.registerDevice(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.Battery, 1, 0);
        require(registry.deviceCount() == 1 << 23);
    }

    // Life

    function test_a_device_is_suspended_activated_and_retired_once() external {
        bytes32 id = _meter(1);
        bytes4 notActive = IDeviceRegistry.DeviceNotActive.selector;
        bytes4 notSuspended = IDeviceRegistry.DeviceNotSuspended.selector;
        bytes memory reason = abi.encodeWithSelector(notSuspended, id, IDeviceRegistry.DeviceStatus.Active);
        _refused(abi.encodeCall(registry.activateDevice, (id)), reason);
        _becomes(abi.encodeCall(registry.suspendDevice, (id)), IDeviceRegistry.DeviceStatus.Suspended);
        reason = abi.encodeWithSelector(notActive, id, IDeviceRegistry.DeviceStatus.Suspended);
        _refused(abi.encodeCall(registry.suspendDevice, (id)), reason);
        _becomes(abi.encodeCall(registry.activateDevice, (id)), IDeviceRegistry.DeviceStatus.Active);
        _becomes(abi.encodeCall(registry.retireDevice, (id)), IDeviceRegistry.DeviceStatus.Retired);
        reason = abi.encodeWithSelector(IDeviceRegistry.DeviceIsRetired.selector, id);
        _refused(abi.encodeCall(registry.suspendDevice, (id)), reason);
        _refused(abi.encodeCall(registry.activateDevice, (id)), reason);
        _refused(abi.encodeCall(registry.retireDevice, (id)), reason);
        reason = abi.encodeWithSelector(IDeviceRegistry.DeviceNotFound.selector, OTHER);
        _refused(abi.encodeCall(registry.retireDevice, (OTHER)), reason);
    }

    function test_a_retired_appliance_leaves_the_meter_alone() external {
        registry.registerDevice(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.Appliance, 1, 0);
        registry.retireDevice(OTHER);
        require(registry.meterOf(1) == _meter(1));
    }

    // Keys

    function test_owner_and_maintainer_rotate_a_key_and_no_key_comes_twice() external {
        (address first, address second, address third) = (vm.addr(_meterKey(1)), vm.addr(6), vm.addr(7));
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.DeviceKeyRotated(_meter(1), first, second);
        vm.prank(_account(1));
        registry.rotateKey(_meter(1), second);
        registry.rotateKey(_meter(1), third);
        require(registry.device(_meter(1)).key == third);
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.KeyInUse.selector, first, _meter(1));
        _refused(abi.encodeCall(registry.rotateKey, (_meter(1), first)), reason);
    }

    // Replacements

    function test_only_the_owner_agrees_to_a_replacement() external {
        bytes memory call = abi.encodeCall(registry.approveReplacement, (_meter(1), OTHER, address(9)));
        _refused(call, abi.encodeWithSelector(IDeviceRegistry.NotTheOwner.selector, _meter(1), address(this)));
    }

    function test_a_device_is_replaced_as_its_owner_agreed() external {
        bytes memory reason =
            abi.encodeWithSelector(IDeviceRegistry.ReplacementNotApproved.selector, _meter(1), OTHER, address(9));
        _refused(abi.encodeCall(registry.replaceDevice, (_meter(1), OTHER, address(9))), reason);
        _replace(_meter(1), OTHER, vm.addr(8));
        IDeviceRegistry.Device memory device = registry.device(OTHER);
        require(device.owner == _account(1) && device.key == vm.addr(8) && device.zone == 7);
        require(device.class == IDeviceRegistry.DeviceClass.SmartMeter && device.ratedPowerW == RATED_W);
        require(registry.device(_meter(1)).status == IDeviceRegistry.DeviceStatus.Retired);
        require(registry.meterOf(1) == OTHER && registry.registers(OTHER).timestamp == 0);
        require(registry.performance(OTHER).firstSeen == 0, "nothing was seen of either");
    }

    function test_a_replaced_appliance_is_no_meter() external {
        registry.registerDevice(OTHER, _account(1), address(9), IDeviceRegistry.DeviceClass.Appliance, 1, 0);
        _replace(OTHER, bytes32("new"), vm.addr(8));
        require(registry.meterOf(1) == _meter(1));
    }

    function test_registers_and_carried_energy_go_on_in_the_new_device() external {
        _readAt(1, 1, FIRST * HOUR, 100, 10);
        _readAt(1, 2, FIRST * HOUR + 600, 150, 30);
        vm.warp(FIRST * HOUR + 700);
        _replace(_meter(1), OTHER, vm.addr(8));
        IDeviceRegistry.Registers memory last = registry.registers(OTHER);
        require(last.sequence == 0 && last.timestamp == FIRST * HOUR + 600);
        require(last.importWh == 150 && last.exportWh == 30);
        require(registry.performance(OTHER).firstSeen == FIRST * HOUR + 700);
        vm.warp((FIRST + 1) * HOUR);
        IDeviceRegistry.Reading memory reading =
            IDeviceRegistry.Reading(OTHER, 1, (FIRST + 1) * HOUR, 400, 35, bytes32(0));
        require(_submit(reading, 8) == IDeviceRegistry.ReadingResult.Accepted);
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(1, FIRST);
        require(known && importWh == 300 && exportWh == 25);
    }

    function test_nothing_is_carried_where_the_last_reading_ended_an_interval() external {
        _readAt(1, 1, FIRST * HOUR, 100, 10);
        _replace(_meter(1), OTHER, vm.addr(8));
        vm.warp((FIRST + 1) * HOUR);
        _submit(IDeviceRegistry.Reading(OTHER, 5, (FIRST + 1) * HOUR, 101, 10, bytes32(0)), 8);
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(1, FIRST);
        require(known && importWh == 1 && exportWh == 0);
    }

    // Helpers

    function _readAt(uint256 memberId, uint64 sequence, uint64 time, uint64 importWh, uint64 exportWh) private {
        vm.warp(time);
        IDeviceRegistry.Reading memory reading = _reading(memberId, sequence, time, importWh, exportWh);
        require(_submit(reading, _meterKey(memberId)) == IDeviceRegistry.ReadingResult.Accepted);
    }

    function _replace(bytes32 oldId, bytes32 newId, address key) private {
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.ReplacementApproved(oldId, newId, key);
        vm.prank(_account(1));
        registry.approveReplacement(oldId, newId, key);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.DeviceReplaced(oldId, newId);
        registry.replaceDevice(oldId, newId, key);
    }

    function _becomes(bytes memory call, IDeviceRegistry.DeviceStatus status) private {
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.DeviceStatusChanged(_meter(1), status);
        (bool ok,) = address(registry).call(call);
        require(ok && registry.device(_meter(1)).status == status);
    }

    function _countsDevices(bytes32 slot) private returns (bool counts) {
        bytes32 before = vm.load(address(registry), slot);
        vm.store(address(registry), slot, bytes32(uint256(12_345)));
        counts = registry.deviceCount() == 12_345;
        vm.store(address(registry), slot, before);
    }

    function _join(address account) private view returns (bytes memory) {
        return abi.encodeCall(registry.registerMember, (account));
    }

    function _device(bytes32 id, address owner, address key, IDeviceRegistry.DeviceClass class)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(registry.registerDevice, (id, owner, key, class, 1000, 0));
    }

    function _refused(bytes memory call, bytes memory reason) private {
        _fails(address(this), address(registry), call, reason);
    }

    function _stranger(bytes memory call) private {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        _fails(STRANGER, address(registry), call, reason);
    }
}
