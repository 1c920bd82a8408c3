// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ISignedReports} from "./ISignedReports.sol";

/// @title Frequency, voltage and power quality as grid sensors report them, and energy per feeder zone.
/// @notice The severity of a report is the largest of its three deviations, each in permille of its limit and at most
/// 1000. The grid's severity is the lower median over the sensors with a fresh report: one sensor of two or more cannot
/// raise it alone. Without a fresh report it is unknown, which is not zero.
interface IGridMonitor is ISignedReports {
    /// @notice What a sensor signs (EIP-712, name "GridMonitor", version "1").
    /// @param deviceId keccak256 of the device's name.
    /// @param sequence Strictly rising per device.
    /// @param timestamp When it was measured, Unix seconds.
    /// @param frequencyMilliHz Frequency in millihertz.
    /// @param voltageMv Voltage between phase and neutral, in millivolts.
    /// @param thdPermille Total harmonic distortion of the voltage, in permille.
    struct GridReport {
        bytes32 deviceId;
        uint64 sequence;
        uint64 timestamp;
        uint32 frequencyMilliHz;
        uint32 voltageMv;
        uint16 thdPermille;
    }

    /// @notice The last accepted report of a sensor; all zero before the first.
    /// @param severity From 0 to 1000.
    /// @param faults Bits of the faults that stand, see `FREQUENCY_LOW` and so on.
    struct Sensor {
        uint64 sequence;
        uint64 timestamp;
        uint32 frequencyMilliHz;
        uint32 voltageMv;
        uint16 thdPermille;
        uint16 severity;
        uint8 faults;
    }

    /// @param nominalFrequencyMilliHz Nominal frequency, millihertz.
    /// @param frequencyLimitMilliHz Deviation from it that is a fault, millihertz.
    /// @param nominalVoltageMv Nominal voltage, millivolts.
    /// @param voltageLimitMv Deviation from it that is a fault, millivolts.
    /// @param thdLimitPermille Distortion that is a fault, permille.
    struct Limits {
        uint32 nominalFrequencyMilliHz;
        uint32 frequencyLimitMilliHz;
        uint32 nominalVoltageMv;
        uint32 voltageLimitMv;
        uint16 thdLimitPermille;
    }

    /// @param importWh Sum of what the zone's meters drew, in Wh.
    /// @param exportWh Sum of what they fed in, in Wh.
    /// @param readings Number of meters in the sums; zero means that nothing is known.
    struct ZoneTotals {
        uint96 importWh;
        uint96 exportWh;
        uint32 readings;
    }

    /// @notice A report was checked and stored.
    event GridReported(
        bytes32 indexed deviceId,
        uint32 indexed zone,
        uint64 timestamp,
        uint32 frequencyMilliHz,
        uint32 voltageMv,
        uint16 thdPermille,
        uint16 severity
    );

    /// @notice Faults that did not stand before.
    event FaultDetected(bytes32 indexed deviceId, uint32 indexed zone, uint8 faults);

    /// @notice Faults that stood before and ended.
    event FaultCleared(bytes32 indexed deviceId, uint32 indexed zone, uint8 faults);

    /// @notice The energy of a member's meter was added to its zone.
    event ZoneRecorded(
        uint64 indexed interval, uint32 indexed zone, uint32 indexed memberId, uint64 importWh, uint64 exportWh
    );

    /// @notice The limits were set.
    event LimitsSet(Limits limits);

    /// @notice A limit is zero, or one of frequency or voltage is not below its nominal value.
    error InvalidLimits();

    /// @notice The range names more members than one call takes, or none.
    error InvalidRange(uint32 from, uint32 to);

    /// @notice Checks and stores signed reports, and reports the grid's stress from them; anyone may hand them in. One
    /// bad item never blocks the others.
    /// @param reports The reports, in any order that keeps each sensor's own.
    /// @param signatures 65-byte (r, s, v) signatures of `hashReport`, one for each report.
    /// @return results One code for each report.
    function submitReports(GridReport[] calldata reports, bytes[] calldata signatures)
        external
        returns (ReportResult[] memory results);

    /// @notice Adds the meter readings of some members to their zones' totals of an interval; anyone may call it, as
    /// often as they like: each member counts once, one whose reading is not in yet can be added later.
    /// @param interval One of the last 32.
    /// @param from First member number.
    /// @param to Last member number, at most 255 above.
    function tallyZones(uint64 interval, uint32 from, uint32 to) external;

    /// @notice Sets the limits.
    /// @param limits_ All of them.
    function setLimits(Limits calldata limits_) external;

    /// @notice The EIP-712 digest that the sensor signs.
    /// @param report The report.
    function hashReport(GridReport calldata report) external view returns (bytes32);

    /// @notice The grid's severity from 0 to 1000.
    /// @return permille Meaningless unless `known`.
    /// @return known Whether any sensor has a fresh report.
    function severity() external view returns (uint16 permille, bool known);

    /// @notice The last report of a sensor.
    /// @param deviceId The sensor.
    /// @return values All zero before the first.
    /// @return fresh Whether it still counts.
    function sensor(bytes32 deviceId) external view returns (Sensor memory values, bool fresh);

    /// @notice The sensors that have a place, at most `MAX_SENSORS`.
    function sensors() external view returns (bytes32[] memory);

    /// @notice Load and generation of a feeder zone in an interval, as far as they were added.
    /// @param zone The zone.
    /// @param interval The interval's index.
    function zoneTotals(uint32 zone, uint64 interval) external view returns (ZoneTotals memory);

    /// @notice The limits.
    function limits() external view returns (Limits memory);
}
