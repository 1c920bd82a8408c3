// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Registry of members and their metering devices, and the gate through which signed readings enter.
/// @notice A member is a household account. A device is a physical meter (or inverter, battery, appliance, grid sensor)
/// with its own signing key. Members carry small consecutive numbers, so that one storage word serves many of them.
interface IDeviceRegistry {
    enum DeviceClass {
        SmartMeter,
        Inverter,
        Battery,
        Appliance,
        GridSensor
    }

    enum DeviceStatus {
        None,
        Active,
        Suspended,
        Retired
    }

    /// @notice Why an item of a batch was refused; `Accepted` is zero.
    enum ReadingResult {
        Accepted,
        UnknownDevice,
        InactiveDevice,
        BadSignature,
        StaleSequence,
        StaleTimestamp,
        FutureTimestamp,
        TooOld,
        RegisterDecreased,
        PowerExceeded
    }

    struct Device {
        address owner;
        address key;
        DeviceClass class;
        DeviceStatus status;
        uint32 memberId;
        uint32 ratedPowerW;
        uint32 zone;
    }

    /// @notice What a device signs (EIP-712). Registers are cumulative, in Wh, and never fall.
    /// @param deviceId keccak256 of the device's name.
    /// @param sequence Strictly rising per device.
    /// @param timestamp End of the interval read, in Unix seconds.
    /// @param importWh Cumulative energy drawn from the grid.
    /// @param exportWh Cumulative energy fed into the grid.
    /// @param detail keccak256 of the exact payload bytes sent over the wire, which hold voltage, power and the like.
    struct Reading {
        bytes32 deviceId;
        uint64 sequence;
        uint64 timestamp;
        uint64 importWh;
        uint64 exportWh;
        bytes32 detail;
    }

    struct Registers {
        uint64 sequence;
        uint64 timestamp;
        uint64 importWh;
        uint64 exportWh;
    }

    event MemberRegistered(uint32 indexed memberId, address indexed account);
    event DeviceRegistered(
        bytes32 indexed deviceId,
        uint32 indexed memberId,
        address owner,
        address key,
        DeviceClass class,
        uint32 ratedPowerW,
        uint32 zone
    );
    event DeviceStatusChanged(bytes32 indexed deviceId, DeviceStatus status);
    event DeviceKeyRotated(bytes32 indexed deviceId, address oldKey, address newKey);
    event ReadingAccepted(
        bytes32 indexed deviceId, uint64 indexed interval, uint64 sequence, uint64 importWh, uint64 exportWh, bytes32 detail
    );
    event ReadingRefused(bytes32 indexed deviceId, uint64 sequence, ReadingResult result);
    event BatchSubmitted(address indexed oracle, uint64 indexed batchNumber, uint256 accepted, uint256 refused);

    error MemberAlreadyRegistered(address account);
    error UnknownMember(address account);
    error DeviceAlreadyRegistered(bytes32 deviceId);
    error DeviceNotFound(bytes32 deviceId);
    error DeviceNotActive(bytes32 deviceId, DeviceStatus status);
    error DeviceIsRetired(bytes32 deviceId);
    error InvalidKey();
    error KeyInUse(address key, bytes32 deviceId);
    error MeterAlreadyRegistered(uint32 memberId, bytes32 deviceId);
    error BatchOutOfOrder(uint64 expected, uint64 actual);
    error BatchLengthMismatch(uint256 readings, uint256 signatures);

    /// @notice Admits a household account and gives it the next member number, counting from 1.
    function registerMember(address account) external returns (uint32 memberId);

    /// @notice Registers a device of a member. The first SmartMeter of a member is its revenue meter; a second is refused.
    function registerDevice(
        bytes32 deviceId, address owner, address key, DeviceClass class, uint32 ratedPowerW, uint32 zone
    ) external;

    function suspendDevice(bytes32 deviceId) external;

    function activateDevice(bytes32 deviceId) external;

    function retireDevice(bytes32 deviceId) external;

    /// @notice Replaces a device's key; only its owner or a maintainer may. Readings signed by the old key are refused from now on.
    function rotateKey(bytes32 deviceId, address newKey) external;

    /// @notice Checks and stores signed readings. One bad item never blocks the others.
    /// @param batchNumber The caller's next batch number, counting from 0: a batch sent twice is refused whole.
    /// @param signatures 65-byte (r, s, v) signatures of `hashReading`, one for each reading.
    /// @return results One code for each reading.
    function submitReadings(uint64 batchNumber, Reading[] calldata readings, bytes[] calldata signatures)
        external
        returns (ReadingResult[] memory results);

    /// @notice The EIP-712 digest that the device signs.
    function hashReading(Reading calldata reading) external view returns (bytes32);

    /// @notice Energy of a member's revenue meter in one interval.
    /// @return importWh Energy drawn in the interval, in Wh.
    /// @return exportWh Energy fed in, in Wh.
    /// @return known False while no accepted reading ends this interval; then both energies are zero and mean nothing.
    function intervalEnergy(uint32 memberId, uint64 interval)
        external
        view
        returns (uint64 importWh, uint64 exportWh, bool known);

    function registers(bytes32 deviceId) external view returns (Registers memory);

    function device(bytes32 deviceId) external view returns (Device memory);

    function deviceCount() external view returns (uint256);

    function deviceAt(uint256 index) external view returns (bytes32);

    function meterOf(uint32 memberId) external view returns (bytes32);

    function memberOf(address account) external view returns (uint32);

    function accountOf(uint32 memberId) external view returns (address);

    function memberCount() external view returns (uint32);

    function nextBatch(address oracle) external view returns (uint64);

    function intervalSeconds() external view returns (uint64);
}
