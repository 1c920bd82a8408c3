// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {IntervalHistory} from "./libraries/IntervalHistory.sol";
import {ReadingWord} from "./libraries/ReadingWord.sol";
import {PerformanceLog} from "./libraries/PerformanceLog.sol";
import {MaintenanceLog} from "./registry/MaintenanceLog.sol";
import {ReadingCommitments} from "./registry/ReadingCommitments.sol";
import {ReadingGate} from "./registry/ReadingGate.sol";

/// @title Registry of members and their metering devices, and the gate through which signed readings enter.
/// @dev The oracle can delay a reading but neither make one nor change one: the contract checks the device's signature.
contract DeviceRegistry is ReadingCommitments, MaintenanceLog {
    using IntervalHistory for IntervalHistory.Rings;
    using PerformanceLog for PerformanceLog.Log;
    using ReadingWord for uint256;

    mapping(address oracle => uint64) private _nextBatches;

    /// @param authority_ The access manager.
    /// @param gridBalance_ Where the interval totals go; it also gives the interval's length.
    /// @param readingDeadlineSeconds_ How long after an interval's end readings are booked on it.
    constructor(address authority_, IGridBalance gridBalance_, uint64 readingDeadlineSeconds_)
        EIP712("DeviceRegistry", "1")
        AccessManaged(authority_)
        ReadingGate(gridBalance_, readingDeadlineSeconds_)
    {}

    /// @inheritdoc IDeviceRegistry
    function submitReadings(uint64 batchNumber, SignedReading[] calldata readings)
        external
        restricted
        returns (ReadingResult[] memory results)
    {
        uint64 expected = _nextBatches[msg.sender]++;
        if (batchNumber != expected) revert BatchOutOfOrder(expected, batchNumber);
        uint256 count = readings.length;
        results = new ReadingResult[](count);
        uint256[] memory told = new uint256[](count);
        Batch memory batch = _newBatch(count);
        uint256 accepted;
        // Counters stay below the array's length.
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                (ReadingResult result, uint256 word) = _take(readings[i], batch);
                told[i] = word;
                if (result == ReadingResult.Accepted) ++accepted;
                else results[i] = result;
            }
        }
        _report(batch);
        emit ReadingsTaken(msg.sender, batchNumber, told);
        emit BatchSubmitted(msg.sender, batchNumber, accepted, count - accepted);
    }

    /// @inheritdoc IDeviceRegistry
    function proveReading(SignedReading calldata reading, bytes32[] calldata proof) external {
        uint256 last = _entries[reading.deviceId].state;
        bool following = last != 0 && reading.values.sequence() == last.sequence() + 1;
        if (!following) _checkCanCall(msg.sender, msg.data);
        _prove(reading, proof);
    }

    /// @inheritdoc IDeviceRegistry
    function intervalEnergy(uint32 memberId, uint64 interval)
        external
        view
        returns (uint64 importWh, uint64 exportWh, bool known)
    {
        return IntervalHistory.unpack(_history.read(memberId, interval));
    }

    /// @inheritdoc IDeviceRegistry
    function intervalEnergies(uint64 interval, uint32 from, uint32 to) external view returns (uint256[] memory words) {
        words = new uint256[](uint256(to) + 1 - from);
        for (uint256 i = 0; i < words.length; ++i) words[i] = _history.read(from + i, interval);
    }

    /// @inheritdoc IDeviceRegistry
    function registers(bytes32 deviceId) external view returns (Registers memory) {
        uint256 state = _entries[deviceId].state.marked(false);
        return Registers(
            uint64(state.sequence()), uint64(state.timestamp()), uint64(state.importWh()), uint64(state.exportWh())
        );
    }

    /// @inheritdoc IDeviceRegistry
    function performance(bytes32 deviceId) external view returns (Performance memory) {
        uint256 last = _entries[deviceId].state.marked(false);
        PerformanceLog.Log memory log = _performance[deviceId];
        return Performance({
            accepted: uint32(log.acceptedUpTo(last)),
            refused: log.refused,
            missed: log.missed,
            gaps: log.gaps,
            firstSeen: log.firstSeen,
            lastSeen: uint64(last.timestamp()),
            uptimeBps: uint32(log.uptimeBps(last, INTERVAL_SECONDS))
        });
    }

    /// @inheritdoc IDeviceRegistry
    function nextBatch(address oracle) external view returns (uint64) {
        return _nextBatches[oracle];
    }

    /// @inheritdoc IDeviceRegistry
    function intervalSeconds() external view returns (uint64) {
        return INTERVAL_SECONDS;
    }

    /// @inheritdoc IDeviceRegistry
    function readingDeadlineSeconds() external view returns (uint64) {
        return READING_DEADLINE_SECONDS;
    }

    /// @inheritdoc IDeviceRegistry
    function hashReading(Reading calldata reading) external view returns (bytes32) {
        uint256 word = ReadingWord.pack(reading.sequence, reading.timestamp, reading.importWh, reading.exportWh);
        return _hashTypedDataV4(_hashStruct(reading.deviceId, word, reading.detail));
    }

    /// @inheritdoc IDeviceRegistry
    function hashLeaf(Reading calldata reading) external view returns (bytes32) {
        uint256 word = ReadingWord.pack(reading.sequence, reading.timestamp, reading.importWh, reading.exportWh);
        return _hashLeaf(word.intervalOf(INTERVAL_SECONDS), reading.deviceId, word, reading.detail);
    }
}
