// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IGridMonitor} from "../interfaces/IGridMonitor.sol";
import {SignedReports} from "./SignedReports.sol";

/// @title Frequency, voltage and power quality as grid sensors report them, and energy per feeder zone.
contract GridMonitor is IGridMonitor, SignedReports, AccessManaged {
    using BitMaps for BitMaps.BitMap;

    /// @notice Bits of `Sensor.faults`.
    uint8 public constant FREQUENCY_LOW = 1;
    uint8 public constant FREQUENCY_HIGH = 2;
    uint8 public constant VOLTAGE_LOW = 4;
    uint8 public constant VOLTAGE_HIGH = 8;
    uint8 public constant DISTORTION = 16;

    /// @notice Severity of a deviation at its limit, and the most there is.
    uint16 public constant FULL_SEVERITY = 1000;

    /// @notice A fault stands until its deviation is below this part of the limit, so that it does not flicker.
    uint16 public constant FAULT_ENDS_BELOW = 800;

    /// @notice Severity below this is ordinary and no stress.
    uint16 public constant ORDINARY_SEVERITY = 200;

    /// @notice A report counts for this long.
    uint64 public constant FRESH_SECONDS = 15 minutes;

    /// @notice Sensors that count at a time; a new one takes the place of one that has fallen silent.
    uint256 public constant MAX_SENSORS = 16;

    uint256 private constant MAX_TALLY = 256;
    uint256 private constant WAD_PER_PERMILLE = 1e15;
    uint32 private constant MAX_FREQUENCY_MILLIHERTZ = 1_000_000;
    uint32 private constant MAX_VOLTAGE_MV = 1_000_000_000;
    uint16 private constant MAX_THD_PERMILLE = 1000;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "GridReport(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint32 frequencyMilliHz,uint32 voltageMv,uint16 thdPermille)"
    );

    /// @notice Where the stress goes.
    IGridBalance public immutable gridBalance;

    Limits private _limits;
    bytes32[] private _places;
    mapping(bytes32 deviceId => Sensor) private _sensors;
    mapping(uint32 zone => mapping(uint64 interval => ZoneTotals)) private _zoneTotals;
    mapping(uint64 interval => BitMaps.BitMap) private _tallied;

    /// @param authority_ The access manager.
    /// @param registry_ Where the sensors and meters are registered.
    /// @param gridBalance_ Where the stress goes.
    /// @param limits_ The first limits.
    constructor(address authority_, IDeviceRegistry registry_, IGridBalance gridBalance_, Limits memory limits_)
        SignedReports("GridMonitor", registry_)
        AccessManaged(authority_)
    {
        gridBalance = gridBalance_;
        _setLimits(limits_);
    }

    /// @inheritdoc IGridMonitor
    function submitReports(GridReport[] calldata reports, bytes[] calldata signatures)
        external
        returns (ReportResult[] memory results)
    {
        if (reports.length != signatures.length) revert ReportsLengthMismatch(reports.length, signatures.length);
        results = new ReportResult[](reports.length);
        bool changed;
        for (uint256 i = 0; i < reports.length; ++i) {
            results[i] = _submit(reports[i], signatures[i]);
            if (results[i] == ReportResult.Accepted) changed = true;
        }
        if (!changed) return results;
        (uint16 permille, bool known) = severity();
        if (!known) return results;
        uint256 stress = permille < ORDINARY_SEVERITY ? 0 : permille;
        gridBalance.recordMeasuredStress(stress * WAD_PER_PERMILLE);
    }

    /// @inheritdoc IGridMonitor
    function tallyZones(uint64 interval, uint32 from, uint32 to) external {
        if (from == 0 || from > to || to - from >= MAX_TALLY) revert InvalidRange(from, to);
        for (uint256 memberId = from; memberId <= to; ++memberId) _tally(interval, uint32(memberId));
    }

    /// @inheritdoc IGridMonitor
    function setLimits(Limits calldata limits_) external restricted {
        _setLimits(limits_);
    }

    /// @inheritdoc IGridMonitor
    function sensor(bytes32 deviceId) external view returns (Sensor memory values, bool fresh) {
        values = _sensors[deviceId];
        fresh = _isFresh(values.timestamp);
    }

    /// @inheritdoc IGridMonitor
    function sensors() external view returns (bytes32[] memory) {
        return _places;
    }

    /// @inheritdoc IGridMonitor
    function zoneTotals(uint32 zone, uint64 interval) external view returns (ZoneTotals memory) {
        return _zoneTotals[zone][interval];
    }

    /// @inheritdoc IGridMonitor
    function limits() external view returns (Limits memory) {
        return _limits;
    }

    /// @inheritdoc IGridMonitor
    function hashReport(GridReport calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPEHASH, report)));
    }

    /// @inheritdoc IGridMonitor
    function severity() public view returns (uint16 permille, bool known) {
        uint256 places = _places.length;
        uint16[] memory sorted = new uint16[](places);
        uint256 count;
        for (uint256 i = 0; i < places; ++i) {
            bytes32 deviceId = _places[i];
            Sensor memory values = _sensors[deviceId];
            if (!_isFresh(values.timestamp) || !_isActive(deviceId)) continue;
            uint256 at = count++;
            for (; at > 0 && sorted[at - 1] > values.severity; --at) sorted[at] = sorted[at - 1];
            sorted[at] = values.severity;
        }
        return count == 0 ? (0, false) : (sorted[(count - 1) / 2], true);
    }

    /// @dev Judges one report, stores it if it is good, and says what happened.
    function _submit(GridReport calldata report, bytes calldata signature) private returns (ReportResult result) {
        IDeviceRegistry.Device memory device = registry.device(report.deviceId);
        Sensor memory last = _sensors[report.deviceId];
        Head memory head = Head(report.deviceId, report.sequence, report.timestamp, last.sequence, last.timestamp);
        result = _judge(head, device, IDeviceRegistry.DeviceClass.GridSensor, hashReport(report), signature);
        if (result == ReportResult.Accepted && !_isPlausible(report)) result = ReportResult.Implausible;
        if (result == ReportResult.Accepted && !_hasPlace(report.deviceId)) result = ReportResult.NoRoom;
        if (result != ReportResult.Accepted) {
            emit ReportRefused(report.deviceId, report.sequence, result);
            return result;
        }
        _store(report, device.zone, last.faults);
    }

    function _store(GridReport calldata report, uint32 zone, uint8 stood) private {
        (uint16 worst, uint8 faults) = _assess(report, stood);
        _sensors[report.deviceId] = Sensor({
            sequence: report.sequence,
            timestamp: report.timestamp,
            frequencyMilliHz: report.frequencyMilliHz,
            voltageMv: report.voltageMv,
            thdPermille: report.thdPermille,
            severity: worst,
            faults: faults
        });
        emit GridReported(
            report.deviceId,
            zone,
            report.timestamp,
            report.frequencyMilliHz,
            report.voltageMv,
            report.thdPermille,
            worst
        );
        if (faults & ~stood != 0) emit FaultDetected(report.deviceId, zone, faults & ~stood);
        if (stood & ~faults != 0) emit FaultCleared(report.deviceId, zone, stood & ~faults);
    }

    /// @dev Severity of a report and the faults that stand after it.
    function _assess(GridReport calldata report, uint8 stood) private view returns (uint16 worst, uint8 faults) {
        Limits memory most = _limits;
        (uint256 value, uint256 nominal) = (report.frequencyMilliHz, most.nominalFrequencyMilliHz);
        faults |= _fault(nominal, value, most.frequencyLimitMilliHz, stood, FREQUENCY_LOW);
        faults |= _fault(value, nominal, most.frequencyLimitMilliHz, stood, FREQUENCY_HIGH);
        uint256 largest = _permille(value, nominal, most.frequencyLimitMilliHz);
        largest = Math.max(largest, _permille(nominal, value, most.frequencyLimitMilliHz));
        (value, nominal) = (report.voltageMv, most.nominalVoltageMv);
        faults |= _fault(nominal, value, most.voltageLimitMv, stood, VOLTAGE_LOW);
        faults |= _fault(value, nominal, most.voltageLimitMv, stood, VOLTAGE_HIGH);
        largest = Math.max(largest, _permille(value, nominal, most.voltageLimitMv));
        largest = Math.max(largest, _permille(nominal, value, most.voltageLimitMv));
        faults |= _fault(report.thdPermille, 0, most.thdLimitPermille, stood, DISTORTION);
        largest = Math.max(largest, _permille(report.thdPermille, 0, most.thdLimitPermille));
        worst = uint16(Math.min(largest, FULL_SEVERITY));
    }

    /// @dev The bit where `high` is too far above `low`.
    function _fault(uint256 high, uint256 low, uint256 limit, uint8 stood, uint8 bit) private pure returns (uint8) {
        return _permille(high, low, limit) >= (stood & bit == 0 ? FULL_SEVERITY : FAULT_ENDS_BELOW) ? bit : 0;
    }

    /// @dev How far `high` is above `low`, in permille of the limit.
    function _permille(uint256 high, uint256 low, uint256 limit) private pure returns (uint256) {
        return high <= low ? 0 : ((high - low) * FULL_SEVERITY) / limit;
    }

    /// @dev Whether the sensor counts; a new one is given a place if there is one.
    function _hasPlace(bytes32 deviceId) private returns (bool) {
        uint256 places = _places.length;
        uint256 free = places;
        for (uint256 i = 0; i < places; ++i) {
            bytes32 holder = _places[i];
            if (holder == deviceId) return true;
            if (!_isFresh(_sensors[holder].timestamp) || !_isActive(holder)) free = i;
        }
        if (free < places) _places[free] = deviceId;
        else if (places < MAX_SENSORS) _places.push(deviceId);
        else return false;
        return true;
    }

    function _tally(uint64 interval, uint32 memberId) private {
        if (_tallied[interval].get(memberId)) return;
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(memberId, interval);
        bytes32 meter = registry.meterOf(memberId);
        if (!known || meter == 0) return;
        _tallied[interval].set(memberId);
        uint32 zone = registry.device(meter).zone;
        ZoneTotals storage sums = _zoneTotals[zone][interval];
        // 2^32 meters with 48 bits of energy each fit 96 bits.
        sums.importWh += importWh;
        sums.exportWh += exportWh;
        sums.readings += 1;
        emit ZoneRecorded(interval, zone, memberId, importWh, exportWh);
    }

    function _setLimits(Limits memory limits_) private {
        bool frequency = limits_.frequencyLimitMilliHz > 0 && limits_.frequencyLimitMilliHz < limits_.nominalFrequencyMilliHz;
        bool voltage = limits_.voltageLimitMv > 0 && limits_.voltageLimitMv < limits_.nominalVoltageMv;
        if (!frequency || !voltage || limits_.thdLimitPermille == 0) revert InvalidLimits();
        _limits = limits_;
        emit LimitsSet(limits_);
    }

    function _isPlausible(GridReport calldata report) private pure returns (bool) {
        return report.frequencyMilliHz <= MAX_FREQUENCY_MILLIHERTZ && report.voltageMv <= MAX_VOLTAGE_MV
            && report.thdPermille <= MAX_THD_PERMILLE;
    }

    function _isActive(bytes32 deviceId) private view returns (bool) {
        return registry.device(deviceId).status == IDeviceRegistry.DeviceStatus.Active;
    }

    function _isFresh(uint64 timestamp) private view returns (bool) {
        return block.timestamp < timestamp + FRESH_SECONDS;
    }
}
