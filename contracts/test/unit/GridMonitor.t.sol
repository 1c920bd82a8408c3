// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {GridMonitor} from "../../grid/GridMonitor.sol";
import {IGridMonitor} from "../../interfaces/IGridMonitor.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {Vm} from "../Vm.sol";
import {Sensors} from "./Sensors.sol";

contract GridMonitorTest is Sensors {
    function setUp() external {
        _found();
        for (uint256 i = 1; i <= 17; ++i) {
            _addSensor(i);
        }
    }

    // Limits

    function test_deployment_keeps_the_limits_and_the_contracts_around() external view {
        cheats.assertEq(abi.encode(monitor.limits()), abi.encode(_limits()));
        cheats.assertEq(address(monitor.registry()), address(registry));
        cheats.assertEq(address(monitor.gridBalance()), address(grid));
        cheats.assertEq(monitor.sensors().length, 0);
    }

    function test_governance_alone_sets_the_limits() external {
        IGridMonitor.Limits memory limits = IGridMonitor.Limits(2, 1, 2, 1, 1);
        _onlyFor(GOVERNANCE, address(monitor), abi.encodeCall(monitor.setLimits, (limits)));
        vm.expectEmit(address(monitor));
        emit IGridMonitor.LimitsSet(limits);
        _as(GOVERNANCE);
        monitor.setLimits(limits);
        cheats.assertEq(abi.encode(monitor.limits()), abi.encode(limits));
    }

    function test_limits_are_above_zero_and_below_what_is_nominal() external {
        _refusesLimits(IGridMonitor.Limits(50_000, 0, 230_000, 23_000, 80));
        _refusesLimits(IGridMonitor.Limits(50_000, 50_000, 230_000, 23_000, 80));
        _refusesLimits(IGridMonitor.Limits(50_000, 1000, 230_000, 0, 80));
        _refusesLimits(IGridMonitor.Limits(50_000, 1000, 230_000, 230_000, 80));
        _refusesLimits(IGridMonitor.Limits(50_000, 1000, 230_000, 23_000, 0));
        vm.expectRevert(abi.encodeWithSelector(IGridMonitor.InvalidLimits.selector));
        new GridMonitor(address(manager), registry, grid, IGridMonitor.Limits(1, 1, 2, 1, 1));
    }

    // Reports

    function test_the_digest_of_a_report_is_the_one_of_eip_712() external view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("GridMonitor"),
                keccak256("1"),
                block.chainid,
                address(monitor)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "GridReport(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint32 frequencyMilliHz,uint32 voltageMv,uint16 thdPermille)"
                ),
                _sensor(1),
                1,
                NOW,
                49_900,
                231_000,
                12
            )
        );
        bytes32 digest = monitor.hashReport(_report(1, NOW, 49_900, 231_000, 12));
        cheats.assertEq(digest, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
    }

    function test_a_report_is_stored_with_the_severity_of_its_largest_deviation() external {
        vm.expectEmit(address(monitor));
        // 0.1 of 1 Hz is 100 permille, 4.6 of 23 V 200, 40 of 80 permille distortion 500.
        emit IGridMonitor.GridReported(_sensor(1), SENSOR_ZONE, NOW, 49_900, 234_600, 40, 500);
        _submit(1, _report(1, NOW, 49_900, 234_600, 40));
        (IGridMonitor.Sensor memory values, bool fresh) = monitor.sensor(_sensor(1));
        IGridMonitor.Sensor memory expected = IGridMonitor.Sensor(1, NOW, 49_900, 234_600, 40, 500, 0);
        cheats.assertEq(abi.encode(values), abi.encode(expected));
        cheats.assertTrue(fresh);
    }

    function test_severity_is_linear_in_each_deviation_both_ways_and_at_most_1000() external {
        _expectSeverity(50_000, 230_000, 0, 0);
        _expectSeverity(49_750, 230_000, 0, 250);
        _expectSeverity(50_250, 230_000, 0, 250);
        _expectSeverity(50_000, 218_500, 0, 500);
        _expectSeverity(50_000, 241_500, 0, 500);
        _expectSeverity(50_000, 230_000, 8, 100);
        _expectSeverity(49_000, 230_000, 0, 1000);
        _expectSeverity(0, 0, 1000, 1000);
        _expectSeverity(1_000_000, 1_000_000_000, 1000, 1000);
    }

    function test_a_fault_begins_at_the_limit_and_ends_below_four_fifths_of_it() external {
        _submitAt(1, 49_001, 230_000, 0, NOW);
        _expectFaults(0);
        vm.expectEmit(address(monitor));
        emit IGridMonitor.FaultDetected(_sensor(1), SENSOR_ZONE, 1);
        _submitAt(1, 49_000, 230_000, 0, NOW + 1);
        _submitAt(1, 49_200, 230_000, 0, NOW + 2);
        _expectFaults(1);
        vm.expectEmit(address(monitor));
        emit IGridMonitor.FaultCleared(_sensor(1), SENSOR_ZONE, 1);
        _submitAt(1, 49_201, 230_000, 0, NOW + 3);
        _expectFaults(0);
    }

    function test_each_fault_has_its_bit_and_only_changes_are_told() external {
        vm.recordLogs();
        _submitAt(1, 51_000, 207_000, 80, NOW);
        _expectFaults(2 | 4 | 16);
        _submitAt(1, 51_000, 253_000, 80, NOW + 1);
        _expectFaults(2 | 8 | 16);
        _submitAt(1, 51_000, 253_000, 80, NOW + 2);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        cheats.assertEq(_countLogs(logs, IGridMonitor.FaultDetected.selector), 2);
        cheats.assertEq(_countLogs(logs, IGridMonitor.FaultCleared.selector), 1);
    }

    function test_values_beyond_anything_measurable_are_implausible() external {
        _refuses(1_000_001, 230_000, 0);
        _refuses(50_000, 1_000_000_001, 0);
        _refuses(50_000, 230_000, 1001);
    }

    function test_each_report_needs_a_signature() external {
        bytes memory reason = abi.encodeWithSelector(ISignedReports.ReportsLengthMismatch.selector, 2, 1);
        bytes memory call = abi.encodeCall(monitor.submitReports, (new IGridMonitor.GridReport[](2), new bytes[](1)));
        _fails(STRANGER, address(monitor), call, reason);
    }

    // Severity and stress

    function test_severity_is_unknown_without_a_fresh_report() external {
        _expectGrid(0, false);
        _reportSeverity(1, NOW, 300);
        _expectGrid(300, true);
        vm.warp(NOW + 899);
        _expectGrid(300, true);
        vm.warp(NOW + 900);
        _expectGrid(0, false);
        (, bool fresh) = monitor.sensor(_sensor(1));
        cheats.assertFalse(fresh);
    }

    function test_severity_is_the_lower_median_of_fresh_sensors_that_are_active() external {
        _reportSeverity(1, NOW, 900);
        _reportSeverity(2, NOW, 100);
        _expectGrid(100, true);
        _reportSeverity(3, NOW, 500);
        _expectGrid(500, true);
        _reportSeverity(4, NOW, 700);
        _expectGrid(500, true);
        _as(MAINTAINER);
        registry.suspendDevice(_sensor(2));
        _expectGrid(700, true);
    }

    function testFuzz_severity_is_what_half_of_the_sensors_reach(uint16[5] memory seeds) external {
        for (uint256 i = 0; i < 5; ++i) {
            _reportSeverity(i + 1, NOW, seeds[i] % 1001);
        }
        (uint16 permille,) = monitor.severity();
        (uint256 notAbove, uint256 notBelow) = (0, 0);
        for (uint256 i = 0; i < 5; ++i) {
            if (seeds[i] % 1001 <= permille) ++notAbove;
            if (seeds[i] % 1001 >= permille) ++notBelow;
        }
        cheats.assertGe(notAbove, 3);
        cheats.assertGe(notBelow, 3);
    }

    function test_stress_of_the_grid_balance_follows_once_severity_is_beyond_the_ordinary() external {
        _reportSeverity(1, NOW, 199);
        cheats.assertEq(grid.gridStressFactor(), 0);
        _reportSeverity(1, NOW + 1, 200);
        cheats.assertEq(grid.gridStressFactor(), 2e17);
        _reportSeverity(1, NOW + 2, 1000);
        cheats.assertEq(grid.gridStressFactor(), 1e18);
        _reportSeverity(1, NOW + 3, 0);
        cheats.assertEq(grid.gridStressFactor(), 0);
    }

    function test_refused_and_old_reports_do_not_touch_the_stress() external {
        _reportSeverity(1, NOW, 800);
        vm.warp(NOW + 900);
        _refuses(1_000_001, 230_000, 0);
        cheats.assertEq(grid.gridStressFactor(), 8e17);
        // Accepted, but too old to count: nothing is known of the grid.
        _reportSeverity(2, NOW, 0);
        _expectGrid(0, false);
        cheats.assertEq(grid.gridStressFactor(), 8e17);
    }

    // Places

    function test_16_sensors_have_a_place_and_a_17th_has_no_room() external {
        for (uint256 i = 1; i <= 16; ++i) {
            _reportSeverity(i, NOW, 0);
        }
        cheats.assertEq(monitor.sensors().length, 16);
        IGridMonitor.GridReport memory report = _report(17, NOW, 50_000, 230_000, 0);
        vm.expectEmit(address(monitor));
        emit ISignedReports.ReportRefused(_sensor(17), 1, ISignedReports.ReportResult.NoRoom);
        cheats.assertTrue(_submit(17, report) == ISignedReports.ReportResult.NoRoom);
    }

    function test_a_new_sensor_takes_the_place_of_a_silent_one() external {
        for (uint256 i = 1; i <= 16; ++i) {
            _reportSeverity(i, i == 5 ? NOW - 1 : NOW, 0);
        }
        vm.warp(NOW + 899);
        _reportSeverity(17, NOW + 899, 0);
        cheats.assertEq(monitor.sensors()[4], _sensor(17));
        cheats.assertEq(monitor.sensors().length, 16);
    }

    function test_a_new_sensor_takes_the_place_of_one_that_is_out_of_service() external {
        for (uint256 i = 1; i <= 3; ++i) {
            _reportSeverity(i, NOW, 0);
        }
        _as(MAINTAINER);
        registry.retireDevice(_sensor(2));
        _reportSeverity(4, NOW, 0);
        cheats.assertEq(monitor.sensors()[1], _sensor(4));
        cheats.assertEq(monitor.sensors().length, 3);
    }

    // Zones

    function test_anyone_adds_meters_to_their_zones_once() external {
        _join(ZONE);
        _join(8);
        _meterUse(1, START, 100, 30);
        _meterUse(2, START, 20, 5);
        _meterUse(3, START, 7, 0);
        vm.expectEmit(address(monitor));
        emit IGridMonitor.ZoneRecorded(START, ZONE, 1, 100, 30);
        vm.expectEmit(address(monitor));
        emit IGridMonitor.ZoneRecorded(START, ZONE, 2, 20, 5);
        vm.expectEmit(address(monitor));
        emit IGridMonitor.ZoneRecorded(START, 8, 3, 7, 0);
        vm.prank(STRANGER);
        monitor.tallyZones(START, 1, 256);
        monitor.tallyZones(START, 1, 3);
        _expectZone(ZONE, 120, 35, 2);
        _expectZone(8, 7, 0, 1);
        _expectZone(9, 0, 0, 0);
    }

    function test_a_meter_without_a_reading_is_added_when_it_has_one() external {
        _join(ZONE);
        _meterUse(1, START, 100, 30);
        monitor.tallyZones(START, 1, 2);
        _expectZone(ZONE, 100, 30, 1);
        _meterUse(2, START, 20, 5);
        monitor.tallyZones(START, 1, 2);
        _expectZone(ZONE, 120, 35, 2);
    }

    function test_a_member_whose_meter_is_retired_is_in_no_zone() external {
        _meterUse(1, START, 100, 30);
        _as(MAINTAINER);
        registry.retireDevice(_meter(1));
        monitor.tallyZones(START, 1, 1);
        _expectZone(ZONE, 0, 0, 0);
    }

    function test_a_tally_names_1_to_256_members() external {
        _refusesRange(0, 5);
        _refusesRange(6, 5);
        _refusesRange(1, 257);
        monitor.tallyZones(START, type(uint32).max - 255, type(uint32).max);
    }

    function _refusesLimits(IGridMonitor.Limits memory limits) private {
        bytes memory reason = abi.encodeWithSelector(IGridMonitor.InvalidLimits.selector);
        _fails(_holder(GOVERNANCE), address(monitor), abi.encodeCall(monitor.setLimits, (limits)), reason);
    }

    function _refusesRange(uint32 from, uint32 to) private {
        bytes memory reason = abi.encodeWithSelector(IGridMonitor.InvalidRange.selector, from, to);
        _fails(STRANGER, address(monitor), abi.encodeCall(monitor.tallyZones, (START, from, to)), reason);
    }

    function _submitAt(uint256 number, uint32 frequency, uint32 voltage, uint16 thd, uint64 time) private {
        cheats.assertTrue(
            _submit(number, _report(number, time, frequency, voltage, thd)) == ISignedReports.ReportResult.Accepted
        );
    }

    function _refuses(uint32 frequency, uint32 voltage, uint16 thd) private {
        IGridMonitor.GridReport memory report = _report(1, uint64(cheats.getBlockTimestamp()), frequency, voltage, thd);
        cheats.assertTrue(_submit(1, report) == ISignedReports.ReportResult.Implausible);
    }

    function _expectSeverity(uint32 frequency, uint32 voltage, uint16 thd, uint256 permille) private {
        (IGridMonitor.Sensor memory last,) = monitor.sensor(_sensor(1));
        _submitAt(1, frequency, voltage, thd, last.timestamp == 0 ? NOW : last.timestamp + 1);
        (last,) = monitor.sensor(_sensor(1));
        cheats.assertEq(last.severity, permille);
    }

    function _expectFaults(uint8 faults) private view {
        (IGridMonitor.Sensor memory values,) = monitor.sensor(_sensor(1));
        cheats.assertEq(values.faults, faults);
    }

    function _expectGrid(uint256 permille, bool known) private view {
        (uint16 severity, bool isKnown) = monitor.severity();
        cheats.assertEq(severity, permille);
        cheats.assertTrue(isKnown == known);
    }

    function _expectZone(uint32 zone, uint256 importWh, uint256 exportWh, uint256 readings) private view {
        IGridMonitor.ZoneTotals memory sums = monitor.zoneTotals(zone, START);
        cheats.assertEq(sums.importWh, importWh);
        cheats.assertEq(sums.exportWh, exportWh);
        cheats.assertEq(sums.readings, readings);
    }
}
