// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {IntervalHistory} from "./libraries/IntervalHistory.sol";
import {IntervalTally} from "./libraries/IntervalTally.sol";

/// @title Registry of members and their metering devices, and the gate through which signed readings enter.
/// @dev The oracle can delay a reading but neither make one nor change one: the contract checks the device's signature.
contract DeviceRegistry is IDeviceRegistry, EIP712, AccessManaged {
    using IntervalHistory for IntervalHistory.Rings;

    /// @dev All that a reading needs to know of its device: one storage word.
    struct Identity {
        address key;
        uint32 memberId;
        uint32 ratedPowerW;
        DeviceClass class;
        DeviceStatus status;
        bool revenueMeter;
    }

    struct Record {
        Identity identity;
        address owner;
        uint32 zone;
    }

    /// @dev The last accepted reading: one storage word. `carries` tells that `_carried` holds energy since the last
    /// interval's end.
    struct State {
        uint64 sequence;
        uint40 timestamp;
        bool carries;
        uint64 importWh;
        uint64 exportWh;
    }

    struct Energy {
        uint64 importWh;
        uint64 exportWh;
    }

    /// @dev What a batch carries from reading to reading: among others its sums per interval.
    struct Batch {
        bytes32 domainSeparator;
        uint256[] tally;
        uint256 used;
    }

    /// @notice How far ahead of the chain's clock a reading's time may be.
    uint64 public constant MAX_SKEW_SECONDS = 60;

    /// @notice A reading older than this is refused.
    uint64 public constant MAX_AGE_SECONDS = 7 days;

    /// @notice Largest rated power. At 1.1 times of it the energy of 290 years fits the 48 bits of the history.
    uint32 public constant MAX_RATED_POWER_W = 100_000_000;

    bytes32 private constant READING_TYPEHASH = keccak256(
        "Reading(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 importWh,uint64 exportWh,bytes32 detail)"
    );

    // energy <= 1.1 * power * seconds / 3600, in integers.
    uint256 private constant POWER_NUMERATOR = 11;
    uint256 private constant POWER_DENOMINATOR = 10 * 1 hours;

    /// @notice Where the interval totals go.
    IGridBalance public immutable gridBalance;

    uint64 private immutable INTERVAL_SECONDS;

    address[] private _accounts;
    mapping(address account => uint32) private _memberIds;
    mapping(uint32 memberId => bytes32) private _meters;
    bytes32[] private _deviceIds;
    mapping(bytes32 deviceId => Record) private _devices;
    mapping(address key => bytes32) private _keyUsers;
    mapping(bytes32 deviceId => State) private _states;
    mapping(bytes32 deviceId => Energy) private _carried;
    mapping(address oracle => uint64) private _nextBatches;
    IntervalHistory.Rings private _history;

    /// @param authority_ The access manager.
    /// @param gridBalance_ Where the interval totals go; it also gives the interval's length.
    constructor(address authority_, IGridBalance gridBalance_)
        EIP712("DeviceRegistry", "1")
        AccessManaged(authority_)
    {
        gridBalance = gridBalance_;
        INTERVAL_SECONDS = gridBalance_.intervalSeconds();
    }

    /// @inheritdoc IDeviceRegistry
    function registerMember(address account) external restricted returns (uint32 memberId) {
        if (account == address(0)) revert UnknownMember(account);
        if (_memberIds[account] != 0) revert MemberAlreadyRegistered(account);
        _accounts.push(account);
        memberId = uint32(_accounts.length);
        _memberIds[account] = memberId;
        emit MemberRegistered(memberId, account);
    }

    /// @inheritdoc IDeviceRegistry
    function registerDevice(
        bytes32 deviceId,
        address owner,
        address key,
        DeviceClass class,
        uint32 ratedPowerW,
        uint32 zone
    ) external restricted {
        uint32 memberId = _memberIds[owner];
        if (memberId == 0) revert UnknownMember(owner);
        Record storage record = _devices[deviceId];
        if (record.identity.status != DeviceStatus.None) revert DeviceAlreadyRegistered(deviceId);
        if (ratedPowerW > MAX_RATED_POWER_W) revert RatedPowerTooHigh(ratedPowerW, MAX_RATED_POWER_W);
        _takeKey(key, deviceId);
        bool revenueMeter = class == DeviceClass.SmartMeter;
        if (revenueMeter) {
            if (_meters[memberId] != 0) revert MeterAlreadyRegistered(memberId, _meters[memberId]);
            _meters[memberId] = deviceId;
        }
        record.identity = Identity(key, memberId, ratedPowerW, class, DeviceStatus.Active, revenueMeter);
        (record.owner, record.zone) = (owner, zone);
        _deviceIds.push(deviceId);
        emit DeviceRegistered(deviceId, memberId, owner, key, class, ratedPowerW, zone);
    }

    /// @inheritdoc IDeviceRegistry
    function suspendDevice(bytes32 deviceId) external restricted {
        Identity storage identity = _living(deviceId);
        if (identity.status != DeviceStatus.Active) revert DeviceNotActive(deviceId, identity.status);
        _setStatus(deviceId, identity, DeviceStatus.Suspended);
    }

    /// @inheritdoc IDeviceRegistry
    function activateDevice(bytes32 deviceId) external restricted {
        Identity storage identity = _living(deviceId);
        if (identity.status != DeviceStatus.Suspended) revert DeviceNotSuspended(deviceId, identity.status);
        _setStatus(deviceId, identity, DeviceStatus.Active);
    }

    /// @inheritdoc IDeviceRegistry
    function retireDevice(bytes32 deviceId) external restricted {
        Identity storage identity = _living(deviceId);
        if (identity.revenueMeter) delete _meters[identity.memberId];
        _setStatus(deviceId, identity, DeviceStatus.Retired);
    }

    /// @inheritdoc IDeviceRegistry
    function rotateKey(bytes32 deviceId, address newKey) external {
        Identity storage identity = _living(deviceId);
        if (msg.sender != _devices[deviceId].owner) _checkCanCall(msg.sender, msg.data);
        _takeKey(newKey, deviceId);
        address oldKey = identity.key;
        identity.key = newKey;
        emit DeviceKeyRotated(deviceId, oldKey, newKey);
    }

    /// @inheritdoc IDeviceRegistry
    function submitReadings(uint64 batchNumber, Reading[] calldata readings, bytes[] calldata signatures)
        external
        restricted
        returns (ReadingResult[] memory results)
    {
        uint64 expected = _nextBatches[msg.sender]++;
        if (batchNumber != expected) revert BatchOutOfOrder(expected, batchNumber);
        if (readings.length != signatures.length) revert BatchLengthMismatch(readings.length, signatures.length);
        results = new ReadingResult[](readings.length);
        Batch memory batch;
        batch.domainSeparator = _domainSeparatorV4();
        batch.tally = new uint256[](readings.length);
        uint256 accepted;
        for (uint256 i = 0; i < readings.length; ++i) {
            results[i] = _submit(readings[i], signatures[i], batch);
            if (results[i] == ReadingResult.Accepted) ++accepted;
        }
        for (uint256 i = 0; i < batch.used; ++i) {
            (uint64 interval, uint256 importWh, uint256 exportWh, uint256 count) = IntervalTally.unpack(batch.tally[i]);
            gridBalance.recordInterval(interval, importWh, exportWh, count);
        }
        emit BatchSubmitted(msg.sender, batchNumber, accepted, readings.length - accepted);
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
        State memory state = _states[deviceId];
        return Registers(state.sequence, state.timestamp, state.importWh, state.exportWh);
    }

    /// @inheritdoc IDeviceRegistry
    function device(bytes32 deviceId) external view returns (Device memory) {
        Record memory record = _devices[deviceId];
        Identity memory identity = record.identity;
        return Device({
            owner: record.owner,
            key: identity.key,
            class: identity.class,
            status: identity.status,
            memberId: identity.memberId,
            ratedPowerW: identity.ratedPowerW,
            zone: record.zone
        });
    }

    /// @inheritdoc IDeviceRegistry
    function deviceCount() external view returns (uint256) {
        return _deviceIds.length;
    }

    /// @inheritdoc IDeviceRegistry
    function deviceAt(uint256 index) external view returns (bytes32) {
        return _deviceIds[index];
    }

    /// @inheritdoc IDeviceRegistry
    function meterOf(uint32 memberId) external view returns (bytes32) {
        return _meters[memberId];
    }

    /// @inheritdoc IDeviceRegistry
    function memberOf(address account) external view returns (uint32) {
        return _memberIds[account];
    }

    /// @inheritdoc IDeviceRegistry
    function accountOf(uint32 memberId) external view returns (address) {
        return memberId == 0 || memberId > _accounts.length ? address(0) : _accounts[memberId - 1];
    }

    /// @inheritdoc IDeviceRegistry
    function memberCount() external view returns (uint32) {
        return uint32(_accounts.length);
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
    function hashReading(Reading calldata reading) public view returns (bytes32) {
        return _hashTypedDataV4(_hashStruct(reading));
    }

    /// @dev Judges one reading, stores it if it is good, and says what happened.
    function _submit(Reading calldata reading, bytes calldata signature, Batch memory batch)
        private
        returns (ReadingResult result)
    {
        bytes32 deviceId = reading.deviceId;
        Identity memory identity = _devices[deviceId].identity;
        State memory last = _states[deviceId];
        result = _judge(reading, signature, identity, last, batch.domainSeparator);
        if (result != ReadingResult.Accepted) {
            emit ReadingRefused(deviceId, reading.sequence, result);
            return result;
        }
        State memory next = State({
            sequence: reading.sequence,
            timestamp: uint40(reading.timestamp),
            carries: false,
            importWh: reading.importWh,
            exportWh: reading.exportWh
        });
        uint64 interval = (next.timestamp - 1) / INTERVAL_SECONDS;
        if (last.timestamp != 0 && identity.revenueMeter) {
            _book(deviceId, identity.memberId, interval, last, next, batch);
        }
        _states[deviceId] = next;
        emit ReadingAccepted(deviceId, interval, next.sequence, next.importWh, next.exportWh, reading.detail);
    }

    function _judge(
        Reading calldata reading,
        bytes calldata signature,
        Identity memory identity,
        State memory last,
        bytes32 domainSeparator
    ) private view returns (ReadingResult) {
        if (identity.status == DeviceStatus.None) return ReadingResult.UnknownDevice;
        if (identity.status != DeviceStatus.Active) return ReadingResult.InactiveDevice;
        // A malleable, misshapen or foreign signature recovers zero or a stranger; no device has the zero key.
        bytes32 digest = MessageHashUtils.toTypedDataHash(domainSeparator, _hashStruct(reading));
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer != identity.key) return ReadingResult.BadSignature;
        uint256 timestamp = reading.timestamp;
        bool first = last.timestamp == 0;
        if (!first && reading.sequence <= last.sequence) return ReadingResult.StaleSequence;
        if (timestamp <= last.timestamp) return ReadingResult.StaleTimestamp;
        if (timestamp > block.timestamp + MAX_SKEW_SECONDS) return ReadingResult.FutureTimestamp;
        if (block.timestamp > timestamp + MAX_AGE_SECONDS) return ReadingResult.TooOld;
        if (first) return ReadingResult.Accepted;
        (uint256 importWh, uint256 exportWh) = (reading.importWh, reading.exportWh);
        if (importWh < last.importWh || exportWh < last.exportWh) return ReadingResult.RegisterDecreased;
        // 64 bits of energy, 40 of time and 32 of power are far from overflow.
        unchecked {
            uint256 elapsed = timestamp - last.timestamp;
            uint256 limitWh = (identity.ratedPowerW * elapsed * POWER_NUMERATOR) / POWER_DENOMINATOR;
            bool plausible = importWh - last.importWh <= limitWh && exportWh - last.exportWh <= limitWh;
            return plausible ? ReadingResult.Accepted : ReadingResult.PowerExceeded;
        }
    }

    /// @dev Books the energy since the last interval's end if the reading is at one, else carries it on.
    function _book(
        bytes32 deviceId,
        uint32 memberId,
        uint64 interval,
        State memory last,
        State memory next,
        Batch memory batch
    ) private {
        uint256 importWh = next.importWh - last.importWh;
        uint256 exportWh = next.exportWh - last.exportWh;
        if (last.carries) {
            Energy memory carried = _carried[deviceId];
            importWh += carried.importWh;
            exportWh += carried.exportWh;
        }
        if (next.timestamp % INTERVAL_SECONDS == 0) {
            _history.write(memberId, interval, importWh, exportWh);
            batch.used = IntervalTally.add(batch.tally, batch.used, interval, importWh, exportWh);
        } else {
            _carried[deviceId] = Energy(uint64(importWh), uint64(exportWh));
            next.carries = true;
        }
    }

    function _hashStruct(Reading calldata reading) private pure returns (bytes32) {
        return keccak256(abi.encode(READING_TYPEHASH, reading));
    }

    /// @dev Gives a key to a device; a key serves one device, once.
    function _takeKey(address key, bytes32 deviceId) private {
        if (key == address(0)) revert InvalidKey();
        if (_keyUsers[key] != 0) revert KeyInUse(key, _keyUsers[key]);
        _keyUsers[key] = deviceId;
    }

    /// @dev A device that exists and is not retired.
    function _living(bytes32 deviceId) private view returns (Identity storage identity) {
        identity = _devices[deviceId].identity;
        if (identity.status == DeviceStatus.None) revert DeviceNotFound(deviceId);
        if (identity.status == DeviceStatus.Retired) revert DeviceIsRetired(deviceId);
    }

    function _setStatus(bytes32 deviceId, Identity storage identity, DeviceStatus status) private {
        identity.status = status;
        emit DeviceStatusChanged(deviceId, status);
    }
}
