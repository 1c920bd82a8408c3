// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {GridMonitor} from "../../grid/GridMonitor.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IGridMonitor} from "../../interfaces/IGridMonitor.sol";
import {ISignedReports} from "../../interfaces/ISignedReports.sol";
import {Community} from "./Community.sol";

/// @title A grid monitor, and sensors that sign what they measure.
abstract contract Sensors is Community {
    uint32 internal constant SENSOR_ZONE = 40;
    uint64 internal constant NOW = START * HOUR;

    GridMonitor internal monitor;

    function _found() internal virtual override {
        super._found();
        _join(ZONE);
        monitor = new GridMonitor(address(manager), registry, grid, _limits());
        _allow(address(monitor), monitor.setLimits.selector, GOVERNANCE);
        manager.grantRole(SENSING, address(monitor), 0);
    }

    /// @dev 50 +- 1 Hz, 230 +- 23 V, distortion of 8 per cent.
    function _limits() internal pure returns (IGridMonitor.Limits memory) {
        return IGridMonitor.Limits(50_000, 1000, 230_000, 23_000, 80);
    }

    function _sensor(uint256 number) internal pure returns (bytes32) {
        return bytes32(5000 + number);
    }

    function _sensorKey(uint256 number) internal pure returns (uint256) {
        return 5000 + number;
    }

    function _addSensor(uint256 number) internal {
        _addDevice(
            _sensor(number), _account(1), _sensorKey(number), IDeviceRegistry.DeviceClass.GridSensor, SENSOR_ZONE
        );
    }

    function _report(uint256 number, uint64 time, uint32 frequency, uint32 voltage, uint16 thd)
        internal
        view
        returns (IGridMonitor.GridReport memory)
    {
        (IGridMonitor.Sensor memory last,) = monitor.sensor(_sensor(number));
        return IGridMonitor.GridReport(_sensor(number), last.sequence + 1, time, frequency, voltage, thd);
    }

    function _submit(IGridMonitor.GridReport memory report, bytes memory signature)
        internal
        returns (ISignedReports.ReportResult)
    {
        (IGridMonitor.GridReport[] memory reports, bytes[] memory signatures) =
            (new IGridMonitor.GridReport[](1), new bytes[](1));
        (reports[0], signatures[0]) = (report, signature);
        return monitor.submitReports(reports, signatures)[0];
    }

    function _submit(uint256 number, IGridMonitor.GridReport memory report)
        internal
        returns (ISignedReports.ReportResult)
    {
        return _submit(report, _sign(_sensorKey(number), monitor.hashReport(report)));
    }

    /// @dev A sensor reports a frequency below nominal that is this severe; it must be accepted.
    function _reportSeverity(uint256 number, uint64 time, uint32 permille) internal {
        bool accepted = _submit(number, _report(number, time, 50_000 - permille, 230_000, 0))
            == ISignedReports.ReportResult.Accepted;
        cheats.assertTrue(accepted);
    }
}
