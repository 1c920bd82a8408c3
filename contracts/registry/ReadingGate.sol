// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {DeviceWord} from "../libraries/DeviceWord.sol";
import {IntervalHistory} from "../libraries/IntervalHistory.sol";
import {IntervalTally} from "../libraries/IntervalTally.sol";
import {PerformanceLog} from "../libraries/PerformanceLog.sol";
import {ReadingWord} from "../libraries/ReadingWord.sol";
import {DeviceBook} from "./DeviceBook.sol";

/// @title Judges signed readings, moves the registers and books the energy.
abstract contract ReadingGate is DeviceBook, EIP712 {
    using DeviceWord for uint256;
    using IntervalHistory for IntervalHistory.Rings;
    using IntervalTally for IntervalTally.Sums;
    using PerformanceLog for PerformanceLog.Log;
    using ReadingWord for uint256;

    struct Energy {
        uint64 importWh;
        uint64 exportWh;
    }

    /// @dev What a batch carries from reading to reading.
    /// @param domainSeparator Of this contract.
    /// @param end An interval's end that readings may have now; zero before the first was found.
    /// @param interval The interval that ends there.
    /// @param row Energy of the members whose turn it is.
    /// @param sums Energy per interval.
    struct Batch {
        bytes32 domainSeparator;
        uint256 end;
        uint256 interval;
        IntervalHistory.Row row;
        IntervalTally.Sums sums;
    }

    /// @notice How far ahead of the chain's clock a reading's time may be.
    uint64 public constant MAX_SKEW_SECONDS = 60;

    /// @notice A reading older than this is refused.
    uint64 public constant MAX_AGE_SECONDS = 7 days;

    bytes32 internal constant READING_TYPEHASH = keccak256(
        "Reading(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 importWh,uint64 exportWh,bytes32 detail)"
    );

    // energy <= 1.1 * power * seconds / 3600, in integers.
    uint256 private constant POWER_NUMERATOR = 11;
    uint256 private constant POWER_DENOMINATOR = 10 * 1 hours;

    // A reading and its predecessor, taken apart as one number.
    uint256 private constant UPPER_HALF = 128;
    uint256 private constant TOP_BIT = 255;
    uint256 private immutable ONE_AND_INTERVAL;
    uint256 private immutable ENERGY_NUMERATOR;

    // The short form of a signature has a bit in place of v; s above half the curve's order is the same signature twice.
    uint256 private constant LARGEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint256 private constant S_MASK = type(uint256).max >> 1;
    uint256 private constant FIRST_V = 27;

    /// @notice Where the interval totals go.
    IGridBalance public immutable gridBalance;

    uint64 internal immutable INTERVAL_SECONDS;

    // Until then a reading is booked on the interval that it ends; not longer than readings are taken at all.
    uint64 internal immutable READING_DEADLINE_SECONDS;

    mapping(bytes32 deviceId => Energy) internal _carried;
    mapping(bytes32 deviceId => PerformanceLog.Log) internal _performance;
    IntervalHistory.Rings internal _history;

    constructor(IGridBalance gridBalance_, uint64 readingDeadlineSeconds_) {
        gridBalance = gridBalance_;
        INTERVAL_SECONDS = gridBalance_.intervalSeconds();
        bool taken = readingDeadlineSeconds_ < MAX_AGE_SECONDS;
        READING_DEADLINE_SECONDS = taken ? readingDeadlineSeconds_ : MAX_AGE_SECONDS;
        ONE_AND_INTERVAL = (1 << 64) | INTERVAL_SECONDS;
        ENERGY_NUMERATOR = POWER_NUMERATOR * INTERVAL_SECONDS;
    }

    /// @dev Judges one reading and stores it if it is good. `told` is what the batch's event says of it.
    function _take(SignedReading calldata reading, Batch memory batch)
        internal
        returns (ReadingResult result, uint256 told)
    {
        uint256 next = reading.values;
        Entry storage entry = _entries[reading.deviceId];
        uint256 device_ = entry.device;
        told = next.numbered(device_.number());
        if (_isSigned(reading, device_, batch.domainSeparator)) {
            uint256 last = entry.state;
            if (_takeNext(device_, last, next, batch)) {
                entry.state = next;
                return (ReadingResult.Accepted, told);
            }
            result = _judgeNumbers(next, last.marked(false), device_.ratedPowerW());
            if (result == ReadingResult.Accepted) {
                entry.state = _takeOther(reading.deviceId, device_, last, next, batch);
                return (result, told);
            }
        } else {
            result = _whyUnsigned(device_);
        }
        if (device_ != 0) _performance[reading.deviceId].refuse();
        emit ReadingRefused(reading.deviceId, uint64(next.sequence()), result);
        told = told.marked(true);
    }

    /// @dev The registers go on, carried energy with them; the sequence begins anew and so does the performance log.
    function _takeOver(bytes32 deviceId, bytes32 newDeviceId) internal override {
        uint256 state = _entries[deviceId].state;
        if (state == 0) return;
        _entries[newDeviceId].state = state.withSequence(0);
        if (state.isMarked()) _carried[newDeviceId] = _carried[deviceId];
        _performance[newDeviceId].takeOver();
    }

    /// @dev Stores and hands on what a batch has gathered.
    function _report(Batch memory batch) internal {
        _history.store(batch.row);
        batch.sums.turnTo(0);
        for (uint256 i = 0; i < batch.sums.used; ++i) {
            (uint64 interval, uint256 importWh, uint256 exportWh, uint256 count) =
                IntervalTally.unpack(batch.sums.others[i]);
            gridBalance.recordInterval(interval, importWh, exportWh, count);
        }
    }

    function _newBatch(uint256 size) internal view returns (Batch memory batch) {
        batch.domainSeparator = _domainSeparatorV4();
        batch.sums.others = new uint256[](size);
    }

    function _hashStruct(bytes32 deviceId, uint256 word, bytes32 detail) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                READING_TYPEHASH,
                deviceId,
                word.sequence(),
                word.timestamp(),
                word.importWh(),
                word.exportWh(),
                detail
            )
        );
    }

    /// @dev Zero for a signature that recovers nobody, and for the twin of one that does.
    function _signer(bytes32 digest, bytes32 r, uint256 vs) internal pure returns (address) {
        unchecked {
            if (vs & S_MASK > LARGEST_S) return address(0);
            return ecrecover(digest, uint8((vs >> 255) + FIRST_V), r, bytes32(vs & S_MASK));
        }
    }

    /// @dev Whether the device is active and signed the reading.
    function _isSigned(SignedReading calldata reading, uint256 device_, bytes32 domainSeparator)
        private
        pure
        returns (bool)
    {
        if (!device_.isActive()) return false;
        // A malleable, misshapen or foreign signature recovers zero or a stranger; no device has the zero key.
        bytes32 structHash = _hashStruct(reading.deviceId, reading.values, reading.detail);
        bytes32 digest = MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
        return _signer(digest, reading.r, uint256(reading.vs)) == device_.key();
    }

    function _whyUnsigned(uint256 device_) private pure returns (ReadingResult) {
        if (device_ == 0) return ReadingResult.UnknownDevice;
        return device_.isActive() ? ReadingResult.BadSignature : ReadingResult.InactiveDevice;
    }

    /// @dev Takes the reading that comes next by number and time, at an interval's end like the last one: nearly all.
    /// One subtraction compares the four numbers of both words. What is not taken here is left as it is, for
    /// `_judgeNumbers` to say why or `_takeOther` to take.
    function _takeNext(uint256 device_, uint256 last, uint256 next, Batch memory batch) private returns (bool) {
        // Fields of 64 bits and a power of 32.
        unchecked {
            uint256 apart = next - last;
            if (apart >> UPPER_HALF != ONE_AND_INTERVAL) return false;
            uint256 limitWh = (device_.ratedPowerW() * ENERGY_NUMERATOR) / POWER_DENOMINATOR;
            (uint256 importWh, uint256 exportWh) = (apart.importWh(), apart.exportWh());
            // A difference below zero has the top bit; one small number from another wraps to over any limit.
            uint256 over = ((limitWh - importWh) | (limitWh - exportWh)) >> TOP_BIT;
            if ((over | last.topBits()) != 0) return false;
            uint256 timestamp = next.timestamp();
            if (timestamp != batch.end) {
                if (!_turnTo(timestamp, batch)) return false;
            }
            if (device_.isRevenueMeter()) {
                batch.sums.add(importWh, exportWh);
                _history.write(batch.row, device_.memberId(), batch.interval, importWh, exportWh);
            }
            return true;
        }
    }

    /// @dev Goes on with the readings of an interval's end, if it is one and they are neither early nor late. A late one
    /// finds its interval perhaps billed without it.
    function _turnTo(uint256 timestamp, Batch memory batch) private view returns (bool) {
        // The first interval's end has no predecessor.
        if (timestamp <= INTERVAL_SECONDS || timestamp % INTERVAL_SECONDS != 0) return false;
        if (timestamp > block.timestamp + MAX_SKEW_SECONDS) return false;
        if (block.timestamp > timestamp + READING_DEADLINE_SECONDS) return false;
        batch.end = timestamp;
        batch.interval = timestamp / INTERVAL_SECONDS - 1;
        batch.sums.turnTo(batch.interval);
        return true;
    }

    function _judgeNumbers(uint256 next, uint256 last, uint256 ratedPowerW) private view returns (ReadingResult) {
        uint256 timestamp = next.timestamp();
        if (last != 0 && next.sequence() <= last.sequence()) return ReadingResult.StaleSequence;
        if (timestamp <= last.timestamp()) return ReadingResult.StaleTimestamp;
        // 64 bits of energy and time and 32 of power are far from overflow.
        unchecked {
            if (timestamp > block.timestamp + MAX_SKEW_SECONDS) return ReadingResult.FutureTimestamp;
            if (block.timestamp > timestamp + MAX_AGE_SECONDS) return ReadingResult.TooOld;
            if (last == 0) return ReadingResult.Accepted;
            (uint256 importWh, uint256 exportWh) = (next.importWh(), next.exportWh());
            if (importWh < last.importWh() || exportWh < last.exportWh()) return ReadingResult.RegisterDecreased;
            uint256 limitWh = (ratedPowerW * (timestamp - last.timestamp()) * POWER_NUMERATOR) / POWER_DENOMINATOR;
            if (importWh - last.importWh() > limitWh || exportWh - last.exportWh() > limitWh) {
                return ReadingResult.PowerExceeded;
            }
            return ReadingResult.Accepted;
        }
    }

    /// @dev Takes a good reading that is the first or comes early or late; the result is the device's new state.
    function _takeOther(bytes32 deviceId, uint256 device_, uint256 last, uint256 next, Batch memory batch)
        private
        returns (uint256)
    {
        if (last == 0 || !next.follows(last, INTERVAL_SECONDS)) {
            _performance[deviceId].interrupt(next, last.marked(false), INTERVAL_SECONDS);
        }
        return last != 0 && device_.isRevenueMeter() ? _book(deviceId, device_.memberId(), last, next, batch) : next;
    }

    /// @dev Books the energy since the last interval's end if the reading is at one and not late, else carries it on.
    function _book(bytes32 deviceId, uint32 memberId, uint256 last, uint256 next, Batch memory batch)
        private
        returns (uint256)
    {
        // The registers were compared and their differences bounded.
        unchecked {
            uint256 importWh = next.importWh() - last.importWh();
            uint256 exportWh = next.exportWh() - last.exportWh();
            if (last.isMarked()) {
                Energy memory carried = _carried[deviceId];
                importWh += carried.importWh;
                exportWh += carried.exportWh;
            }
            if (!_turnTo(next.timestamp(), batch)) {
                _carried[deviceId] = Energy(uint64(importWh), uint64(exportWh));
                return next.marked(true);
            }
            batch.sums.add(importWh, exportWh);
            _history.write(batch.row, memberId, batch.interval, importWh, exportWh);
            return next;
        }
    }
}
