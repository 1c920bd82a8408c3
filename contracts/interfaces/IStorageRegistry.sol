// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ISignedReports} from "./ISignedReports.sol";

/// @title Batteries of the community: capacity, state of charge, schedule, cycles and health.
interface IStorageRegistry is ISignedReports {
    /// @notice What a battery signs (EIP-712, name "StorageRegistry", version "1").
    /// @param deviceId keccak256 of the device's name.
    /// @param sequence Strictly rising per device.
    /// @param timestamp When it was measured, Unix seconds.
    /// @param storedWh Energy in the battery.
    /// @param chargedWh Energy ever charged, a register that never falls.
    /// @param dischargedWh Energy ever discharged, a register that never falls.
    /// @param healthPermille Capacity left of the rated one.
    struct BatteryReport {
        bytes32 deviceId;
        uint64 sequence;
        uint64 timestamp;
        uint64 storedWh;
        uint64 chargedWh;
        uint64 dischargedWh;
        uint16 healthPermille;
    }

    /// @param capacityWh Rated capacity; zero for a battery that is not enlisted.
    /// @param minWh The owner keeps at least this much.
    /// @param maxWh The owner charges to this much at most.
    struct Battery {
        uint64 capacityWh;
        uint64 minWh;
        uint64 maxWh;
    }

    /// @notice The last accepted report; all zero before the first. `firstDischargedWh` is the register at the first
    /// one, `healthPermille` the least of all.
    struct Charge {
        uint64 sequence;
        uint64 timestamp;
        uint64 storedWh;
        uint64 chargedWh;
        uint64 dischargedWh;
        uint64 firstDischargedWh;
        uint16 healthPermille;
    }

    /// @notice A battery was enlisted, or its bounds were changed.
    event BatteryEnlisted(bytes32 indexed deviceId, uint64 capacityWh, uint64 minWh, uint64 maxWh);

    /// @notice A report was checked and stored.
    event BatteryReported(
        bytes32 indexed deviceId, uint64 timestamp, uint64 storedWh, uint64 milliCycles, uint16 healthPermille
    );

    /// @notice The battery's health fell below `WORN_PERMILLE`.
    event BatteryWorn(bytes32 indexed deviceId, uint16 healthPermille);

    /// @notice What the battery does in an interval was planned: positive charges, negative discharges.
    event PowerScheduled(bytes32 indexed deviceId, uint64 indexed interval, int32 powerW);

    /// @notice The device is no active battery.
    error NotABattery(bytes32 deviceId);

    /// @notice Only its owner may.
    error NotTheOwner(bytes32 deviceId, address caller);

    /// @notice Bounds are 0 <= min <= max <= capacity, 0 < capacity <= `most`; a capacity never changes.
    error InvalidBounds(uint64 capacityWh, uint64 minWh, uint64 maxWh, uint64 most);

    /// @notice The battery is not enlisted.
    error NotEnlisted(bytes32 deviceId);

    /// @notice A schedule is for 1 to 48 intervals.
    error InvalidSchedule(uint256 length);

    /// @notice The interval has begun.
    error ScheduleInThePast(uint64 interval, uint64 current);

    /// @notice The power is above the rated one.
    error PowerTooHigh(int32 powerW, uint32 ratedPowerW);

    /// @notice Enlists a battery or changes its bounds; its owner alone may.
    /// @param deviceId A registered battery.
    /// @param capacityWh Rated capacity, for good.
    /// @param minWh Least energy kept in it.
    /// @param maxWh Most energy charged into it.
    function enlist(bytes32 deviceId, uint64 capacityWh, uint64 minWh, uint64 maxWh) external;

    /// @notice Plans consecutive intervals that have not begun; the owner alone may. A later plan replaces an earlier.
    /// @param deviceId An enlisted battery.
    /// @param firstInterval Index of the first.
    /// @param powersW Mean power in each: positive charges, negative discharges.
    function schedule(bytes32 deviceId, uint64 firstInterval, int32[] calldata powersW) external;

    /// @notice Checks and stores signed reports; anyone may hand them in. One bad item never blocks the others.
    /// @dev Implausible is: stored above capacity, a register that falls, more throughput than 1.1 times rated power
    /// gives, more stored than before plus what was charged, health above 1000 permille.
    /// @param reports The reports, in any order that keeps each battery's own.
    /// @param signatures 65-byte (r, s, v) signatures of `hashReport`, one for each report.
    /// @return results One code for each report; `NoRoom` for a battery that is not enlisted.
    function submitReports(BatteryReport[] calldata reports, bytes[] calldata signatures)
        external
        returns (ReportResult[] memory results);

    /// @notice The EIP-712 digest that the battery signs.
    /// @param report The report.
    function hashReport(BatteryReport calldata report) external view returns (bytes32);

    /// @notice Capacity and bounds.
    /// @param deviceId The battery.
    function battery(bytes32 deviceId) external view returns (Battery memory);

    /// @notice The last report.
    /// @param deviceId The battery.
    /// @return values All zero before the first.
    /// @return fresh Whether it is young enough to rely on.
    function charge(bytes32 deviceId) external view returns (Charge memory values, bool fresh);

    /// @notice Energy above the least and below the most that the owner set.
    /// @param deviceId The battery.
    /// @return dischargeableWh What it can give.
    /// @return chargeableWh What it can take.
    /// @return known False without a fresh report; then both mean nothing.
    function available(bytes32 deviceId)
        external
        view
        returns (uint64 dischargeableWh, uint64 chargeableWh, bool known);

    /// @notice Full equivalent cycles since the first report, in thousandths.
    /// @param deviceId The battery.
    function milliCycles(bytes32 deviceId) external view returns (uint64);

    /// @notice The plan for an interval.
    /// @param deviceId The battery.
    /// @param interval The interval's index.
    /// @return powerW Positive charges, negative discharges.
    /// @return planned False where there is no plan, which is not a plan of zero.
    function scheduled(bytes32 deviceId, uint64 interval) external view returns (int32 powerW, bool planned);

    /// @notice The enlisted battery of that number, counting from 0.
    /// @param index The number.
    function batteryAt(uint256 index) external view returns (bytes32);

    /// @notice Number of enlisted batteries.
    function batteryCount() external view returns (uint256);
}
