// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {ISignedReports} from "../interfaces/ISignedReports.sol";

/// @title Judges reports that devices of one class sign.
abstract contract SignedReports is ISignedReports, EIP712 {
    /// @dev What every report carries, and the same of the last one; all zero before the first.
    struct Head {
        bytes32 deviceId;
        uint64 sequence;
        uint64 timestamp;
        uint64 lastSequence;
        uint64 lastTimestamp;
    }

    /// @notice How far ahead of the chain's clock a report's time may be.
    uint64 public constant MAX_SKEW_SECONDS = 60;

    /// @notice A report older than this is refused.
    uint64 public constant MAX_AGE_SECONDS = 1 days;

    /// @inheritdoc ISignedReports
    IDeviceRegistry public immutable registry;

    constructor(string memory name_, IDeviceRegistry registry_) EIP712(name_, "1") {
        registry = registry_;
    }

    /// @dev Everything that does not depend on what the report says.
    function _judge(
        Head memory head,
        IDeviceRegistry.Device memory device,
        IDeviceRegistry.DeviceClass class,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (ReportResult) {
        if (device.status == IDeviceRegistry.DeviceStatus.None) return ReportResult.UnknownDevice;
        if (device.class != class) return ReportResult.WrongClass;
        if (device.status != IDeviceRegistry.DeviceStatus.Active) return ReportResult.InactiveDevice;
        // A malleable, misshapen or foreign signature recovers zero or a stranger; no device has the zero key.
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer != device.key) return ReportResult.BadSignature;
        if (head.lastTimestamp != 0 && head.sequence <= head.lastSequence) return ReportResult.StaleSequence;
        if (head.timestamp <= head.lastTimestamp) return ReportResult.StaleTimestamp;
        if (head.timestamp > block.timestamp + MAX_SKEW_SECONDS) return ReportResult.FutureTimestamp;
        if (block.timestamp > head.timestamp + MAX_AGE_SECONDS) return ReportResult.TooOld;
        return ReportResult.Accepted;
    }
}
