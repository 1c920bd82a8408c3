// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IStorageRegistry} from "../interfaces/IStorageRegistry.sol";
import {SignedReports} from "./SignedReports.sol";

/// @title Batteries of the community: capacity, state of charge, schedule, cycles and health.
contract StorageRegistry is IStorageRegistry, SignedReports {
    struct Plan {
        int32 powerW;
        bool planned;
    }

    /// @notice Largest capacity.
    uint64 public constant MAX_CAPACITY_WH = 1_000_000_000;

    /// @notice A battery below this health is worn: the usual end of its life in a vehicle or home.
    uint16 public constant WORN_PERMILLE = 800;

    /// @notice A report counts for this long.
    uint64 public constant FRESH_SECONDS = 1 hours;

    /// @notice Most intervals that one call plans.
    uint256 public constant MAX_SCHEDULE = 48;

    uint16 private constant FULL_HEALTH = 1000;

    // energy <= 1.1 * power * seconds / 3600, in integers.
    uint256 private constant POWER_NUMERATOR = 11;
    uint256 private constant POWER_DENOMINATOR = 10 * 1 hours;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "BatteryReport(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 storedWh,uint64 chargedWh,uint64 dischargedWh,uint16 healthPermille)"
    );

    uint64 private immutable INTERVAL_SECONDS;

    bytes32[] private _ids;
    mapping(bytes32 deviceId => Battery) private _batteries;
    mapping(bytes32 deviceId => Charge) private _charges;
    mapping(bytes32 deviceId => mapping(uint64 interval => Plan)) private _plans;

    /// @param registry_ Where the batteries are registered.
    constructor(IDeviceRegistry registry_) SignedReports("StorageRegistry", registry_) {
        INTERVAL_SECONDS = registry_.intervalSeconds();
    }

    /// @inheritdoc IStorageRegistry
    function enlist(bytes32 deviceId, uint64 capacityWh, uint64 minWh, uint64 maxWh) external {
        _owned(deviceId);
        uint64 before = _batteries[deviceId].capacityWh;
        bool ordered = minWh <= maxWh && maxWh <= capacityWh;
        bool sized = before == 0 ? capacityWh > 0 && capacityWh <= MAX_CAPACITY_WH : capacityWh == before;
        if (!ordered || !sized) {
            revert InvalidBounds(capacityWh, minWh, maxWh, before == 0 ? MAX_CAPACITY_WH : before);
        }
        if (before == 0) _ids.push(deviceId);
        _batteries[deviceId] = Battery(capacityWh, minWh, maxWh);
        emit BatteryEnlisted(deviceId, capacityWh, minWh, maxWh);
    }

    /// @inheritdoc IStorageRegistry
    function schedule(bytes32 deviceId, uint64 firstInterval, int32[] calldata powersW) external {
        uint32 rated = _owned(deviceId).ratedPowerW;
        if (_batteries[deviceId].capacityWh == 0) revert NotEnlisted(deviceId);
        if (powersW.length == 0 || powersW.length > MAX_SCHEDULE) revert InvalidSchedule(powersW.length);
        uint64 current = uint64(block.timestamp) / INTERVAL_SECONDS;
        if (firstInterval <= current) revert ScheduleInThePast(firstInterval, current);
        for (uint64 i = 0; i < powersW.length; ++i) {
            int32 powerW = powersW[i];
            int256 most = int256(uint256(rated));
            if (powerW > most || powerW < -most) revert PowerTooHigh(powerW, rated);
            _plans[deviceId][firstInterval + i] = Plan(powerW, true);
            emit PowerScheduled(deviceId, firstInterval + i, powerW);
        }
    }

    /// @inheritdoc IStorageRegistry
    function submitReports(BatteryReport[] calldata reports, bytes[] calldata signatures)
        external
        returns (ReportResult[] memory results)
    {
        if (reports.length != signatures.length) revert ReportsLengthMismatch(reports.length, signatures.length);
        results = new ReportResult[](reports.length);
        for (uint256 i = 0; i < reports.length; ++i) results[i] = _submit(reports[i], signatures[i]);
    }

    /// @inheritdoc IStorageRegistry
    function battery(bytes32 deviceId) external view returns (Battery memory) {
        return _batteries[deviceId];
    }

    /// @inheritdoc IStorageRegistry
    function charge(bytes32 deviceId) external view returns (Charge memory values, bool fresh) {
        values = _charges[deviceId];
        fresh = _isFresh(values.timestamp);
    }

    /// @inheritdoc IStorageRegistry
    function available(bytes32 deviceId)
        external
        view
        returns (uint64 dischargeableWh, uint64 chargeableWh, bool known)
    {
        Charge memory last = _charges[deviceId];
        if (!_isFresh(last.timestamp)) return (0, 0, false);
        Battery memory bounds = _batteries[deviceId];
        dischargeableWh = last.storedWh > bounds.minWh ? last.storedWh - bounds.minWh : 0;
        chargeableWh = last.storedWh < bounds.maxWh ? bounds.maxWh - last.storedWh : 0;
        known = true;
    }

    /// @inheritdoc IStorageRegistry
    function scheduled(bytes32 deviceId, uint64 interval) external view returns (int32 powerW, bool planned) {
        Plan memory plan = _plans[deviceId][interval];
        return (plan.powerW, plan.planned);
    }

    /// @inheritdoc IStorageRegistry
    function batteryAt(uint256 index) external view returns (bytes32) {
        return _ids[index];
    }

    /// @inheritdoc IStorageRegistry
    function batteryCount() external view returns (uint256) {
        return _ids.length;
    }

    /// @inheritdoc IStorageRegistry
    function hashReport(BatteryReport calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPEHASH, report)));
    }

    /// @inheritdoc IStorageRegistry
    function milliCycles(bytes32 deviceId) public view returns (uint64) {
        Charge memory last = _charges[deviceId];
        uint64 capacityWh = _batteries[deviceId].capacityWh;
        if (capacityWh == 0) return 0;
        return uint64((uint256(last.dischargedWh - last.firstDischargedWh) * 1000) / capacityWh);
    }

    /// @dev Judges one report, stores it if it is good, and says what happened.
    function _submit(BatteryReport calldata report, bytes calldata signature) private returns (ReportResult result) {
        bytes32 deviceId = report.deviceId;
        IDeviceRegistry.Device memory device = registry.device(deviceId);
        Charge memory last = _charges[deviceId];
        Head memory head = Head(deviceId, report.sequence, report.timestamp, last.sequence, last.timestamp);
        result = _judge(head, device, IDeviceRegistry.DeviceClass.Battery, hashReport(report), signature);
        uint64 capacityWh = _batteries[deviceId].capacityWh;
        if (result == ReportResult.Accepted) {
            if (capacityWh == 0) result = ReportResult.NoRoom;
            else if (!_isPlausible(report, last, capacityWh, device.ratedPowerW)) result = ReportResult.Implausible;
        }
        if (result != ReportResult.Accepted) {
            emit ReportRefused(deviceId, report.sequence, result);
            return result;
        }
        _store(report, last);
    }

    function _store(BatteryReport calldata report, Charge memory last) private {
        bytes32 deviceId = report.deviceId;
        bool first = last.timestamp == 0;
        uint16 before = first ? FULL_HEALTH : last.healthPermille;
        // What is worn does not heal; a higher report is noise.
        uint16 health = report.healthPermille < before ? report.healthPermille : before;
        _charges[deviceId] = Charge({
            sequence: report.sequence,
            timestamp: report.timestamp,
            storedWh: report.storedWh,
            chargedWh: report.chargedWh,
            dischargedWh: report.dischargedWh,
            firstDischargedWh: first ? report.dischargedWh : last.firstDischargedWh,
            healthPermille: health
        });
        emit BatteryReported(deviceId, report.timestamp, report.storedWh, milliCycles(deviceId), health);
        if (health < WORN_PERMILLE && before >= WORN_PERMILLE) emit BatteryWorn(deviceId, health);
    }

    function _isPlausible(BatteryReport calldata report, Charge memory last, uint64 capacityWh, uint256 ratedPowerW)
        private
        pure
        returns (bool)
    {
        if (report.storedWh > capacityWh || report.healthPermille > FULL_HEALTH) return false;
        if (last.timestamp == 0) return true;
        if (report.chargedWh < last.chargedWh || report.dischargedWh < last.dischargedWh) return false;
        uint256 chargedWh = report.chargedWh - last.chargedWh;
        uint256 limitWh = (ratedPowerW * (report.timestamp - last.timestamp) * POWER_NUMERATOR) / POWER_DENOMINATOR;
        if (chargedWh > limitWh || report.dischargedWh - last.dischargedWh > limitWh) return false;
        return report.storedWh <= last.storedWh + chargedWh;
    }

    /// @dev The active battery, if it is the caller's.
    function _owned(bytes32 deviceId) private view returns (IDeviceRegistry.Device memory device) {
        device = registry.device(deviceId);
        bool isBattery = device.class == IDeviceRegistry.DeviceClass.Battery
            && device.status == IDeviceRegistry.DeviceStatus.Active;
        if (!isBattery) revert NotABattery(deviceId);
        if (device.owner != msg.sender) revert NotTheOwner(deviceId, msg.sender);
    }

    function _isFresh(uint64 timestamp) private view returns (bool) {
        return block.timestamp < timestamp + FRESH_SECONDS;
    }
}
