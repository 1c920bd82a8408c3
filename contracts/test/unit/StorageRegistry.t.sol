// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {StorageRegistry} from "../../grid/StorageRegistry.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {IStorageRegistry} from "../../interfaces/IStorageRegistry.sol";
import {Community} from "./Community.sol";

contract StorageRegistryTest is Community {
    bytes32 private constant ID = "battery";
    uint256 private constant KEY = 3001;
    uint64 private constant CAPACITY = 10_000;

    StorageRegistry private store;

    function setUp() external {
        _found();
        _joinMany(2);
        _addDevice(ID, _account(1), KEY, IDeviceRegistry.DeviceClass.Battery, ZONE);
        store = new StorageRegistry(registry);
    }

    // Enlisting

    function test_deployment_keeps_the_registry() external view {
        cheats.assertEq(address(store.registry()), address(registry));
        cheats.assertEq(store.batteryCount(), 0);
        cheats.assertEq(store.milliCycles(ID), 0);
    }

    function test_the_owner_enlists_a_battery_and_changes_its_bounds() external {
        vm.expectEmit(address(store));
        emit IStorageRegistry.BatteryEnlisted(ID, 10_000, 1000, 9000);
        _enlist(10_000, 1000, 9000);
        vm.expectEmit(address(store));
        emit IStorageRegistry.BatteryEnlisted(ID, 10_000, 0, 10_000);
        _enlist(10_000, 0, 10_000);
        cheats.assertEq(store.batteryCount(), 1);
        cheats.assertEq(store.batteryAt(0), ID);
        IStorageRegistry.Battery memory battery = store.battery(ID);
        cheats.assertEq(battery.capacityWh, 10_000);
        cheats.assertEq(battery.minWh, 0);
        cheats.assertEq(battery.maxWh, 10_000);
    }

    function test_bounds_may_meet_and_capacity_may_be_the_largest() external {
        _enlist(1_000_000_000, 5, 5);
        cheats.assertEq(store.battery(ID).capacityWh, 1_000_000_000);
    }

    function test_bounds_in_disorder_are_refused() external {
        _refusesBounds(CAPACITY, 6, 5, 1_000_000_000);
        _refusesBounds(CAPACITY, 0, CAPACITY + 1, 1_000_000_000);
        _refusesBounds(0, 0, 0, 1_000_000_000);
        _refusesBounds(1_000_000_001, 0, 0, 1_000_000_000);
        _enlist(CAPACITY, 0, CAPACITY);
        _refusesBounds(CAPACITY - 1, 0, 0, CAPACITY);
        _refusesBounds(CAPACITY + 1, 0, 0, CAPACITY);
    }

    function test_only_an_active_battery_is_enlisted_and_only_by_its_owner() external {
        bytes memory reason = abi.encodeWithSelector(IStorageRegistry.NotABattery.selector, _meter(1));
        _fails(_account(1), address(store), abi.encodeCall(store.enlist, (_meter(1), 1, 0, 1)), reason);
        reason = abi.encodeWithSelector(IStorageRegistry.NotTheOwner.selector, ID, _account(2));
        _fails(_account(2), address(store), abi.encodeCall(store.enlist, (ID, 1, 0, 1)), reason);
        _as(MAINTAINER);
        registry.suspendDevice(ID);
        reason = abi.encodeWithSelector(IStorageRegistry.NotABattery.selector, ID);
        _fails(_account(1), address(store), abi.encodeCall(store.enlist, (ID, 1, 0, 1)), reason);
    }

    // Schedule

    function test_the_owner_plans_intervals_up_to_the_rated_power_both_ways() external {
        _enlist(CAPACITY, 0, CAPACITY);
        int32[] memory powers = new int32[](3);
        (powers[0], powers[1], powers[2]) = (10_000, -10_000, 0);
        vm.expectEmit(address(store));
        emit IStorageRegistry.PowerScheduled(ID, START + 1, 10_000);
        vm.expectEmit(address(store));
        emit IStorageRegistry.PowerScheduled(ID, START + 2, -10_000);
        vm.expectEmit(address(store));
        emit IStorageRegistry.PowerScheduled(ID, START + 3, 0);
        vm.prank(_account(1));
        store.schedule(ID, START + 1, powers);
        _expectPlan(START + 1, 10_000, true);
        _expectPlan(START + 2, -10_000, true);
        _expectPlan(START + 3, 0, true);
        _expectPlan(START + 4, 0, false);
    }

    function test_a_later_plan_replaces_an_earlier_one() external {
        _enlist(CAPACITY, 0, CAPACITY);
        vm.prank(_account(1));
        store.schedule(ID, START + 1, _powers(48, 100));
        vm.prank(_account(1));
        store.schedule(ID, START + 48, _powers(1, -7));
        _expectPlan(START + 47, 100, true);
        _expectPlan(START + 48, -7, true);
    }

    function test_a_plan_above_the_rated_power_is_refused_whole() external {
        _enlist(CAPACITY, 0, CAPACITY);
        int32[] memory powers = _powers(2, 5);
        powers[1] = 10_001;
        bytes4 tooHigh = IStorageRegistry.PowerTooHigh.selector;
        _refusesPlan(START + 1, powers, abi.encodeWithSelector(tooHigh, int32(10_001), 10_000));
        powers[1] = -10_001;
        _refusesPlan(START + 1, powers, abi.encodeWithSelector(tooHigh, int32(-10_001), 10_000));
        powers[1] = type(int32).min;
        _refusesPlan(START + 1, powers, abi.encodeWithSelector(tooHigh, type(int32).min, 10_000));
        _expectPlan(START + 1, 0, false);
    }

    function test_a_plan_has_1_to_48_intervals_that_have_not_begun() external {
        _refusesPlan(START + 1, _powers(1, 0), abi.encodeWithSelector(IStorageRegistry.NotEnlisted.selector, ID));
        _enlist(CAPACITY, 0, CAPACITY);
        bytes4 invalid = IStorageRegistry.InvalidSchedule.selector;
        _refusesPlan(START + 1, _powers(0, 0), abi.encodeWithSelector(invalid, 0));
        _refusesPlan(START + 1, _powers(49, 0), abi.encodeWithSelector(invalid, 49));
        bytes memory reason = abi.encodeWithSelector(IStorageRegistry.ScheduleInThePast.selector, START, START);
        _refusesPlan(START, _powers(1, 0), reason);
        bytes memory call = abi.encodeCall(store.schedule, (ID, START + 1, _powers(1, 0)));
        reason = abi.encodeWithSelector(IStorageRegistry.NotTheOwner.selector, ID, STRANGER);
        _fails(STRANGER, address(store), call, reason);
    }

    // Reports

    function test_the_digest_of_a_report_is_the_one_of_eip_712() external view {
        IStorageRegistry.BatteryReport memory report = _report(1, START * HOUR, 4000, 100, 50, 990);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("StorageRegistry"),
                keccak256("1"),
                block.chainid,
                address(store)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "BatteryReport(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 storedWh,uint64 chargedWh,uint64 dischargedWh,uint16 healthPermille)"
                ),
                ID,
                1,
                START * HOUR,
                4000,
                100,
                50,
                990
            )
        );
        cheats.assertEq(store.hashReport(report), keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
    }

    function test_a_report_is_stored_with_cycles_counted_from_the_first() external {
        _enlist(CAPACITY, 1000, 9000);
        vm.expectEmit(address(store));
        emit IStorageRegistry.BatteryReported(ID, START * HOUR, 4000, 0, 990);
        _accepts(_report(5, START * HOUR, 4000, 70_000, 50_000, 990));
        vm.warp((START + 1) * HOUR);
        vm.expectEmit(address(store));
        // 5 kWh of 10 kWh are half a cycle.
        emit IStorageRegistry.BatteryReported(ID, (START + 1) * HOUR, 2000, 500, 980);
        _accepts(_report(6, (START + 1) * HOUR, 2000, 73_000, 55_000, 980));
        (IStorageRegistry.Charge memory charge, bool fresh) = store.charge(ID);
        cheats.assertTrue(fresh);
        IStorageRegistry.Charge memory expected =
            IStorageRegistry.Charge(6, (START + 1) * HOUR, 2000, 73_000, 55_000, 50_000, 980);
        cheats.assertEq(abi.encode(charge), abi.encode(expected));
        cheats.assertEq(store.milliCycles(ID), 500);
    }

    function test_available_energy_lies_between_the_bounds_and_is_unknown_after_an_hour() external {
        _enlist(CAPACITY, 1000, 9000);
        _expectAvailable(0, 0, false);
        _accepts(_report(1, START * HOUR, 4000, 0, 0, 1000));
        _expectAvailable(3000, 5000, true);
        _enlist(CAPACITY, 4000, 4000);
        _expectAvailable(0, 0, true);
        _enlist(CAPACITY, 5000, 6000);
        _expectAvailable(0, 2000, true);
        _enlist(CAPACITY, 1000, 2000);
        _expectAvailable(3000, 0, true);
        vm.warp((START + 1) * HOUR - 1);
        _expectAvailable(3000, 0, true);
        vm.warp((START + 1) * HOUR);
        _expectAvailable(0, 0, false);
        (, bool fresh) = store.charge(ID);
        cheats.assertFalse(fresh);
    }

    function test_health_never_rises_and_a_worn_battery_is_told_once() external {
        _enlist(CAPACITY, 0, CAPACITY);
        _accepts(_report(1, START * HOUR, 0, 0, 0, 800));
        vm.recordLogs();
        _accepts(_report(2, START * HOUR + 1, 0, 0, 0, 950));
        cheats.assertEq(_countLogs(vm.getRecordedLogs(), IStorageRegistry.BatteryWorn.selector), 0);
        (IStorageRegistry.Charge memory charge,) = store.charge(ID);
        cheats.assertEq(charge.healthPermille, 800);
        vm.expectEmit(address(store));
        emit IStorageRegistry.BatteryWorn(ID, 799);
        _accepts(_report(3, START * HOUR + 2, 0, 0, 0, 799));
        vm.recordLogs();
        _accepts(_report(4, START * HOUR + 3, 0, 0, 0, 700));
        cheats.assertEq(_countLogs(vm.getRecordedLogs(), IStorageRegistry.BatteryWorn.selector), 0);
    }

    function test_a_battery_that_is_worn_at_its_first_report_is_told_too() external {
        _enlist(CAPACITY, 0, CAPACITY);
        vm.expectEmit(address(store));
        emit IStorageRegistry.BatteryWorn(ID, 10);
        _accepts(_report(1, START * HOUR, 0, 0, 0, 10));
    }

    function test_a_report_of_a_battery_that_is_not_enlisted_has_no_room() external {
        _refuses(_report(1, START * HOUR, 0, 0, 0, 1000), ISignedReports.ReportResult.NoRoom);
    }

    function test_impossible_states_are_implausible() external {
        _enlist(CAPACITY, 0, CAPACITY);
        _refuses(_report(1, START * HOUR, 10_001, 0, 0, 1000), ISignedReports.ReportResult.Implausible);
        _refuses(_report(1, START * HOUR, 10_000, 0, 0, 1001), ISignedReports.ReportResult.Implausible);
        _accepts(_report(1, START * HOUR, 5000, 20_000, 20_000, 1000));
        vm.warp(START * HOUR + 1800);
        uint64 time = START * HOUR + 1800;
        // Half an hour at 1.1 times 10 kW are 5500 Wh.
        _refuses(_report(2, time, 5000, 19_999, 20_000, 1000), ISignedReports.ReportResult.Implausible);
        _refuses(_report(2, time, 5000, 20_000, 19_999, 1000), ISignedReports.ReportResult.Implausible);
        _refuses(_report(2, time, 5000, 25_501, 20_000, 1000), ISignedReports.ReportResult.Implausible);
        _refuses(_report(2, time, 5000, 20_000, 25_501, 1000), ISignedReports.ReportResult.Implausible);
        _refuses(_report(2, time, 6001, 21_000, 20_000, 1000), ISignedReports.ReportResult.Implausible);
        _accepts(_report(2, time, 6000, 21_000, 20_000, 1000));
    }

    function test_throughput_up_to_the_rated_limit_is_plausible() external {
        _enlist(CAPACITY, 0, CAPACITY);
        _accepts(_report(1, START * HOUR, 5000, 0, 0, 1000));
        vm.warp(START * HOUR + 1800);
        _accepts(_report(2, START * HOUR + 1800, 5000, 5500, 5500, 1000));
    }

    function testFuzz_cycles_are_the_discharge_over_the_capacity(uint64 first, uint64 more) external {
        (first, more) = (first >> 1, more % 11_001);
        _enlist(CAPACITY, 0, CAPACITY);
        _accepts(_report(1, START * HOUR, 0, 0, first, 1000));
        vm.warp((START + 1) * HOUR);
        _accepts(_report(2, (START + 1) * HOUR, 0, 0, first + more, 1000));
        cheats.assertEq(store.milliCycles(ID), more / 10);
    }

    function test_one_bad_report_does_not_block_the_others() external {
        _enlist(CAPACITY, 0, CAPACITY);
        (IStorageRegistry.BatteryReport[] memory reports, bytes[] memory signatures) =
            (new IStorageRegistry.BatteryReport[](3), new bytes[](3));
        reports[0] = _report(1, START * HOUR - 1, 4000, 0, 0, 1000);
        reports[1] = _report(1, START * HOUR, 4000, 0, 0, 1000);
        reports[2] = _report(2, START * HOUR, 3000, 0, 0, 1000);
        for (uint256 i = 0; i < 3; ++i) {
            signatures[i] = _sign(KEY, store.hashReport(reports[i]));
        }
        ISignedReports.ReportResult[] memory results = store.submitReports(reports, signatures);
        cheats.assertTrue(results[0] == ISignedReports.ReportResult.Accepted);
        cheats.assertTrue(results[1] == ISignedReports.ReportResult.StaleSequence);
        cheats.assertTrue(results[2] == ISignedReports.ReportResult.Accepted);
    }

    function test_each_report_needs_a_signature() external {
        bytes memory reason = abi.encodeWithSelector(ISignedReports.ReportsLengthMismatch.selector, 1, 2);
        bytes memory call =
            abi.encodeCall(store.submitReports, (new IStorageRegistry.BatteryReport[](1), new bytes[](2)));
        _fails(STRANGER, address(store), call, reason);
    }

    function _enlist(uint64 capacityWh, uint64 minWh, uint64 maxWh) private {
        vm.prank(_account(1));
        store.enlist(ID, capacityWh, minWh, maxWh);
    }

    function _refusesBounds(uint64 capacityWh, uint64 minWh, uint64 maxWh, uint64 most) private {
        bytes memory reason =
            abi.encodeWithSelector(IStorageRegistry.InvalidBounds.selector, capacityWh, minWh, maxWh, most);
        _fails(_account(1), address(store), abi.encodeCall(store.enlist, (ID, capacityWh, minWh, maxWh)), reason);
    }

    function _powers(uint256 count, int32 each) private pure returns (int32[] memory powers) {
        powers = new int32[](count);
        for (uint256 i = 0; i < count; ++i) {
            powers[i] = each;
        }
    }

    function _refusesPlan(uint64 first, int32[] memory powers, bytes memory reason) private {
        _fails(_account(1), address(store), abi.encodeCall(store.schedule, (ID, first, powers)), reason);
    }

    function _expectPlan(uint64 interval, int32 powerW, bool planned) private view {
        (int32 power, bool known) = store.scheduled(ID, interval);
        cheats.assertEq(power, powerW);
        cheats.assertTrue(known == planned);
    }

    function _expectAvailable(uint64 giveWh, uint64 takeWh, bool known) private view {
        (uint64 dischargeable, uint64 chargeable, bool isKnown) = store.available(ID);
        cheats.assertEq(dischargeable, giveWh);
        cheats.assertEq(chargeable, takeWh);
        cheats.assertTrue(isKnown == known);
    }

    function _report(uint64 sequence, uint64 time, uint64 storedWh, uint64 inWh, uint64 outWh, uint16 health)
        private
        pure
        returns (IStorageRegistry.BatteryReport memory)
    {
        return IStorageRegistry.BatteryReport(ID, sequence, time, storedWh, inWh, outWh, health);
    }

    function _accepts(IStorageRegistry.BatteryReport memory report) private {
        cheats.assertTrue(_submit(report) == ISignedReports.ReportResult.Accepted);
    }

    function _refuses(IStorageRegistry.BatteryReport memory report, ISignedReports.ReportResult result) private {
        (IStorageRegistry.Charge memory before,) = store.charge(ID);
        vm.expectEmit(address(store));
        emit ISignedReports.ReportRefused(ID, report.sequence, result);
        cheats.assertTrue(_submit(report) == result);
        (IStorageRegistry.Charge memory behind,) = store.charge(ID);
        cheats.assertEq(abi.encode(before), abi.encode(behind));
    }

    function _submit(IStorageRegistry.BatteryReport memory report) private returns (ISignedReports.ReportResult) {
        (IStorageRegistry.BatteryReport[] memory reports, bytes[] memory signatures) =
            (new IStorageRegistry.BatteryReport[](1), new bytes[](1));
        (reports[0], signatures[0]) = (report, _sign(KEY, store.hashReport(report)));
        return store.submitReports(reports, signatures)[0];
    }
}
