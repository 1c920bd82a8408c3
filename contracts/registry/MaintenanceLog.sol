// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IMaintenanceLog} from "../interfaces/IMaintenanceLog.sol";
import {DeviceBook} from "./DeviceBook.sol";

/// @title Maintenance alerts of devices. They stop no reading and move no money.
abstract contract MaintenanceLog is DeviceBook, IMaintenanceLog {
    Alert[] private _alerts;
    mapping(bytes32 deviceId => uint256) private _openAlerts;

    /// @inheritdoc IMaintenanceLog
    function raiseAlert(bytes32 deviceId, uint16 kind, bytes32 detail)
        external
        restricted
        returns (uint256 alertId)
    {
        _living(deviceId);
        alertId = _alerts.length;
        uint64 time = uint64(block.timestamp);
        _alerts.push(Alert(deviceId, time, time, AlertStatus.Raised, kind));
        ++_openAlerts[deviceId];
        emit AlertRaised(alertId, deviceId, kind, detail);
    }

    /// @inheritdoc IMaintenanceLog
    function acknowledgeAlert(uint256 alertId) external restricted {
        Alert storage found = _alert(alertId);
        if (found.status != AlertStatus.Raised) revert AlertNotOpen(alertId, found.status);
        (found.status, found.changedAt) = (AlertStatus.Acknowledged, uint64(block.timestamp));
        emit AlertAcknowledged(alertId, msg.sender);
    }

    /// @inheritdoc IMaintenanceLog
    function resolveAlert(uint256 alertId) external restricted {
        Alert storage found = _alert(alertId);
        if (found.status == AlertStatus.Resolved) revert AlertNotOpen(alertId, found.status);
        (found.status, found.changedAt) = (AlertStatus.Resolved, uint64(block.timestamp));
        --_openAlerts[found.deviceId];
        emit AlertResolved(alertId, msg.sender);
    }

    /// @inheritdoc IMaintenanceLog
    function alertCount() external view returns (uint256) {
        return _alerts.length;
    }

    /// @inheritdoc IMaintenanceLog
    function alert(uint256 alertId) external view returns (Alert memory) {
        return _alert(alertId);
    }

    /// @inheritdoc IMaintenanceLog
    function openAlerts(bytes32 deviceId) external view returns (uint256) {
        return _openAlerts[deviceId];
    }

    function _alert(uint256 alertId) private view returns (Alert storage) {
        if (alertId >= _alerts.length) revert AlertNotFound(alertId);
        return _alerts[alertId];
    }
}
