// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "./IDeviceRegistry.sol";

/// @title What contracts have in common that take reports signed by devices of the registry.
/// @notice The signature is the device's own, so anyone may hand a report in; who does can delay it, not change it.
interface ISignedReports {
    /// @notice Why an item of a batch was refused; `Accepted` is zero. The checks are made in this order.
    enum ReportResult {
        Accepted,
        UnknownDevice,
        WrongClass,
        InactiveDevice,
        BadSignature,
        StaleSequence,
        StaleTimestamp,
        FutureTimestamp,
        TooOld,
        Implausible,
        NoRoom
    }

    /// @notice A report was refused; nothing of it was stored.
    event ReportRefused(bytes32 indexed deviceId, uint64 sequence, ReportResult result);

    /// @notice There is not one signature for each report.
    error ReportsLengthMismatch(uint256 reports, uint256 signatures);

    /// @notice Where the devices are registered.
    function registry() external view returns (IDeviceRegistry);
}
