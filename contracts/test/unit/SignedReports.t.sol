// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IGridMonitor} from "../../interfaces/IGridMonitor.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {Sensors} from "./Sensors.sol";

/// @dev What all contracts have in common that take signed reports, shown on the grid's sensors.
contract SignedReportsTest is Sensors {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() external {
        _found();
        _addSensor(1);
    }

    function test_a_report_signed_by_its_sensor_is_accepted_from_anybody() external {
        IGridMonitor.GridReport memory report = _good(NOW);
        bytes memory signature = _sign(_sensorKey(1), monitor.hashReport(report));
        vm.prank(STRANGER);
        cheats.assertTrue(_submit(report, signature) == ISignedReports.ReportResult.Accepted);
    }

    function test_a_device_that_nobody_registered_is_unknown() external {
        IGridMonitor.GridReport memory report = _good(NOW);
        report.deviceId = "nobody";
        _refuses(report, ISignedReports.ReportResult.UnknownDevice);
    }

    function test_a_device_of_another_class_is_refused() external {
        IGridMonitor.GridReport memory report = _good(NOW);
        report.deviceId = _meter(1);
        _refuses(report, ISignedReports.ReportResult.WrongClass);
    }

    function test_a_suspended_device_is_refused_until_it_is_active_again() external {
        _as(MAINTAINER);
        registry.suspendDevice(_sensor(1));
        _refuses(_good(NOW), ISignedReports.ReportResult.InactiveDevice);
        _as(MAINTAINER);
        registry.activateDevice(_sensor(1));
        cheats.assertTrue(_submit(1, _good(NOW)) == ISignedReports.ReportResult.Accepted);
    }

    function test_a_signature_of_another_key_or_another_content_is_refused() external {
        IGridMonitor.GridReport memory report = _good(NOW);
        bytes32 digest = monitor.hashReport(report);
        _refuses(report, _sign(4711, digest), ISignedReports.ReportResult.BadSignature);
        bytes memory signature = _sign(_sensorKey(1), digest);
        report.voltageMv += 1;
        _refuses(report, signature, ISignedReports.ReportResult.BadSignature);
    }

    function test_a_misshapen_or_malleable_signature_is_refused() external {
        IGridMonitor.GridReport memory report = _good(NOW);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_sensorKey(1), monitor.hashReport(report));
        _refuses(report, "", ISignedReports.ReportResult.BadSignature);
        _refuses(report, abi.encodePacked(r, s), ISignedReports.ReportResult.BadSignature);
        _refuses(report, abi.encodePacked(r, s, v + 2), ISignedReports.ReportResult.BadSignature);
        bytes memory twin = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _refuses(report, twin, ISignedReports.ReportResult.BadSignature);
    }

    function test_the_first_report_may_have_sequence_zero_and_later_ones_must_rise() external {
        IGridMonitor.GridReport memory report = _good(NOW - 10);
        report.sequence = 0;
        cheats.assertTrue(_submit(1, report) == ISignedReports.ReportResult.Accepted);
        report.timestamp = NOW - 9;
        _refuses(report, ISignedReports.ReportResult.StaleSequence);
        report.sequence = 8;
        cheats.assertTrue(_submit(1, report) == ISignedReports.ReportResult.Accepted);
        (report.sequence, report.timestamp) = (7, NOW);
        _refuses(report, ISignedReports.ReportResult.StaleSequence);
    }

    function test_time_must_rise() external {
        cheats.assertTrue(_submit(1, _good(NOW)) == ISignedReports.ReportResult.Accepted);
        _refuses(_good(NOW), ISignedReports.ReportResult.StaleTimestamp);
        _refuses(_good(NOW - 1), ISignedReports.ReportResult.StaleTimestamp);
        cheats.assertTrue(_submit(1, _good(NOW + 1)) == ISignedReports.ReportResult.Accepted);
    }

    function test_time_zero_is_stale_even_at_first() external {
        _refuses(_good(0), ISignedReports.ReportResult.StaleTimestamp);
    }

    function test_a_report_may_be_a_minute_ahead_of_the_chain() external {
        _refuses(_good(NOW + 61), ISignedReports.ReportResult.FutureTimestamp);
        cheats.assertTrue(_submit(1, _good(NOW + 60)) == ISignedReports.ReportResult.Accepted);
    }

    function test_a_report_may_be_a_day_old() external {
        _refuses(_good(NOW - 86_401), ISignedReports.ReportResult.TooOld);
        cheats.assertTrue(_submit(1, _good(NOW - 86_400)) == ISignedReports.ReportResult.Accepted);
    }

    function testFuzz_only_the_exact_content_that_was_signed_is_accepted(uint8 field, uint64 flip) external {
        IGridMonitor.GridReport memory report = _good(NOW);
        bytes memory signature = _sign(_sensorKey(1), monitor.hashReport(report));
        uint64 change = flip == 0 ? 1 : flip;
        if (field % 5 == 0) report.sequence ^= change;
        if (field % 5 == 1) report.timestamp ^= change;
        if (field % 5 == 2) report.frequencyMilliHz ^= uint32(change % type(uint32).max) + 1;
        if (field % 5 == 3) report.voltageMv ^= uint32(change % type(uint32).max) + 1;
        if (field % 5 == 4) report.thdPermille ^= uint16(change % type(uint16).max) + 1;
        _refuses(report, signature, ISignedReports.ReportResult.BadSignature);
    }

    function _good(uint64 time) private view returns (IGridMonitor.GridReport memory) {
        return _report(1, time, 50_000, 230_000, 10);
    }

    function _refuses(IGridMonitor.GridReport memory report, ISignedReports.ReportResult result) private {
        _refuses(report, _sign(_sensorKey(1), monitor.hashReport(report)), result);
    }

    function _refuses(IGridMonitor.GridReport memory report, bytes memory signature, ISignedReports.ReportResult result)
        private
    {
        (IGridMonitor.Sensor memory before,) = monitor.sensor(report.deviceId);
        vm.expectEmit(address(monitor));
        emit ISignedReports.ReportRefused(report.deviceId, report.sequence, result);
        cheats.assertTrue(_submit(report, signature) == result);
        (IGridMonitor.Sensor memory behind,) = monitor.sensor(report.deviceId);
        cheats.assertEq(abi.encode(before), abi.encode(behind));
    }
}
