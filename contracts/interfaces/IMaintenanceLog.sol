// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Maintenance alerts of devices: raised, acknowledged, resolved.
interface IMaintenanceLog {
    enum AlertStatus {
        None,
        Raised,
        Acknowledged,
        Resolved
    }

    /// @param deviceId The device.
    /// @param raisedAt When it was raised, Unix seconds.
    /// @param changedAt When its status last changed.
    /// @param status Where it stands.
    /// @param kind What is wrong, by the oracle's own list.
    struct Alert {
        bytes32 deviceId;
        uint64 raisedAt;
        uint64 changedAt;
        AlertStatus status;
        uint16 kind;
    }

    /// @notice Something is wrong with a device.
    /// @param detail keccak256 of what was seen, or zero.
    event AlertRaised(uint256 indexed alertId, bytes32 indexed deviceId, uint16 kind, bytes32 detail);

    /// @notice A maintainer took it on.
    event AlertAcknowledged(uint256 indexed alertId, address indexed maintainer);

    /// @notice A maintainer settled it.
    event AlertResolved(uint256 indexed alertId, address indexed maintainer);

    /// @notice No alert has this number.
    error AlertNotFound(uint256 alertId);

    /// @notice Only a raised alert is acknowledged, and only one that is not resolved is resolved.
    error AlertNotOpen(uint256 alertId, AlertStatus status);

    /// @notice Raises an alert on a device that is not retired; oracles do.
    /// @param deviceId The device.
    /// @param kind What is wrong.
    /// @param detail keccak256 of what was seen, or zero.
    /// @return alertId Its number, counting from 0.
    function raiseAlert(bytes32 deviceId, uint16 kind, bytes32 detail) external returns (uint256 alertId);

    /// @notice Takes an alert on; maintainers do.
    /// @param alertId Its number.
    function acknowledgeAlert(uint256 alertId) external;

    /// @notice Settles an alert, acknowledged or not; maintainers do.
    /// @param alertId Its number.
    function resolveAlert(uint256 alertId) external;

    /// @notice Number of alerts ever raised.
    function alertCount() external view returns (uint256);

    /// @notice An alert.
    /// @param alertId Its number.
    function alert(uint256 alertId) external view returns (Alert memory);

    /// @notice Alerts of a device that are not resolved.
    /// @param deviceId The device.
    function openAlerts(bytes32 deviceId) external view returns (uint256);
}
