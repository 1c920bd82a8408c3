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

    /// @notice Why an item of a batch was refused; `Accepted` is zero. The checks are made in this order.
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

    /// @param owner The member's account.
    /// @param key The address whose signatures are the device's.
    /// @param class What the device is.
    /// @param status Where it is in its life.
    /// @param memberId The owner's number.
    /// @param ratedPowerW Most power the device can draw or feed in.
    /// @param zone Where in the grid it is.
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

    /// @notice A reading as it is handed in: five words, whatever its numbers.
    /// @param deviceId As in `Reading`.
    /// @param values sequence << 192 | timestamp << 128 | importWh << 64 | exportWh.
    /// @param detail As in `Reading`.
    /// @param r First half of the device's signature of `hashReading`.
    /// @param vs Second half in the short form of EIP-2098: s, which is low, and in the top bit whether v is 28.
    struct SignedReading {
        bytes32 deviceId;
        uint256 values;
        bytes32 detail;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice The last accepted reading of a device; all zero before the first.
    /// @param sequence Its sequence number.
    /// @param timestamp Its time, Unix seconds.
    /// @param importWh Cumulative energy drawn.
    /// @param exportWh Cumulative energy fed in.
    struct Registers {
        uint64 sequence;
        uint64 timestamp;
        uint64 importWh;
        uint64 exportWh;
    }

    /// @notice How well a device reports.
    /// @param accepted Readings accepted.
    /// @param refused Readings refused.
    /// @param missed Sequence numbers skipped between accepted readings.
    /// @param gaps How often numbers were skipped or the count began anew.
    /// @param firstSeen Time of the first accepted reading, or of the replacement that it began with; zero for none.
    /// @param lastSeen Time of the last accepted reading; zero for none.
    /// @param uptimeBps Share of the time since the first in which it was not silent for over an interval, 1e-4.
    struct Performance {
        uint32 accepted;
        uint32 refused;
        uint32 missed;
        uint32 gaps;
        uint64 firstSeen;
        uint64 lastSeen;
        uint32 uptimeBps;
    }

    /// @notice A household account was admitted.
    event MemberRegistered(uint32 indexed memberId, address indexed account);

    /// @notice A device was registered and is active.
    event DeviceRegistered(
        bytes32 indexed deviceId,
        uint32 indexed memberId,
        address owner,
        address key,
        DeviceClass class,
        uint32 ratedPowerW,
        uint32 zone
    );

    /// @notice A device was suspended, activated or retired.
    event DeviceStatusChanged(bytes32 indexed deviceId, DeviceStatus status);

    /// @notice A device signs with another key from now on.
    event DeviceKeyRotated(bytes32 indexed deviceId, address oldKey, address newKey);

    /// @notice An owner agrees that a device be replaced by this one.
    event ReplacementApproved(bytes32 indexed deviceId, bytes32 indexed newDeviceId, address newKey);

    /// @notice A device goes on where another stood; `DeviceRegistered` and `DeviceStatusChanged` tell the rest.
    event DeviceReplaced(bytes32 indexed deviceId, bytes32 indexed newDeviceId);

    /// @notice The readings of a batch in its order, a word each: sequence << 192 | refused << 191 | device << 168 |
    /// timestamp << 128 | importWh << 64 | exportWh.
    /// @dev `device` (23 bits) is the number that `deviceAt` takes, the timestamp has 40 bits. The word of a refused
    /// reading may be wrong in these two; `ReadingRefused` tells of it, in the same order. `detail` and the signature
    /// stand in the call's data.
    event ReadingsTaken(address indexed oracle, uint64 indexed batchNumber, uint256[] readings);

    /// @notice A reading was refused; nothing of it was stored.
    event ReadingRefused(bytes32 indexed deviceId, uint64 sequence, ReadingResult result);

    /// @notice A batch was worked through.
    event BatchSubmitted(address indexed oracle, uint64 indexed batchNumber, uint256 accepted, uint256 refused);

    /// @notice The account is a member already.
    error MemberAlreadyRegistered(address account);

    /// @notice The account is not a member (or cannot become one: the zero address).
    error UnknownMember(address account);

    /// @notice The id is taken; ids are never used again.
    error DeviceAlreadyRegistered(bytes32 deviceId);

    /// @notice No device has this id.
    error DeviceNotFound(bytes32 deviceId);

    /// @notice Devices have 23-bit numbers, and all are given out.
    error TooManyDevices(uint256 max);

    /// @notice Only the owner agrees to a replacement.
    error NotTheOwner(bytes32 deviceId, address caller);

    /// @notice The owner has not agreed to this replacement.
    error ReplacementNotApproved(bytes32 deviceId, bytes32 newDeviceId, address newKey);

    /// @notice Only an active device can be suspended.
    error DeviceNotActive(bytes32 deviceId, DeviceStatus status);

    /// @notice Only a suspended device can be activated.
    error DeviceNotSuspended(bytes32 deviceId, DeviceStatus status);

    /// @notice A retired device stays retired.
    error DeviceIsRetired(bytes32 deviceId);

    /// @notice Rated power is above the largest allowed.
    error RatedPowerTooHigh(uint32 ratedPowerW, uint32 max);

    /// @notice The zero address cannot sign.
    error InvalidKey();

    /// @notice The key is or was the key of a device; keys are never used again.
    error KeyInUse(address key, bytes32 deviceId);

    /// @notice The member has a revenue meter that is not retired.
    error MeterAlreadyRegistered(uint32 memberId, bytes32 deviceId);

    /// @notice The batch does not carry the caller's next number.
    error BatchOutOfOrder(uint64 expected, uint64 actual);

    /// @notice Admits a household account and gives it the next member number, counting from 1.
    /// @param account The household's account.
    /// @return memberId Its number, for good.
    function registerMember(address account) external returns (uint32 memberId);

    /// @notice Registers a device of a member. The first SmartMeter of a member is its revenue meter; a second is
    /// refused until the first is retired.
    /// @param deviceId keccak256 of the device's name.
    /// @param owner Account of the member it belongs to.
    /// @param key Address whose signatures are the device's.
    /// @param class What the device is.
    /// @param ratedPowerW Most power it can draw or feed in, at most 100 MW.
    /// @param zone Where in the grid it is.
    function registerDevice(
        bytes32 deviceId, address owner, address key, DeviceClass class, uint32 ratedPowerW, uint32 zone
    ) external;

    /// @notice Stops an active device: its readings are refused until it is activated.
    /// @param deviceId The device.
    function suspendDevice(bytes32 deviceId) external;

    /// @notice Lets a suspended device report again.
    /// @param deviceId The device.
    function activateDevice(bytes32 deviceId) external;

    /// @notice Ends a device's life. A retired revenue meter makes room for another.
    /// @param deviceId The device.
    function retireDevice(bytes32 deviceId) external;

    /// @notice Replaces a device's key; only its owner or a maintainer may. Readings signed by the old key are refused
    /// from now on.
    /// @param deviceId The device.
    /// @param newKey Address whose signatures are the device's from now on.
    function rotateKey(bytes32 deviceId, address newKey) external;

    /// @notice Agrees that a device be replaced; only its owner may. A later agreement takes the place of an earlier one.
    /// @param deviceId The device.
    /// @param newDeviceId keccak256 of the new device's name.
    /// @param newKey Address whose signatures are the new device's.
    function approveReplacement(bytes32 deviceId, bytes32 newDeviceId, address newKey) external;

    /// @notice Replaces a device as its owner agreed: the old one is retired, the new one is active, of the same class,
    /// power, zone and owner, and goes on from the old one's registers; its sequence numbers begin above zero.
    /// @param deviceId The device.
    /// @param newDeviceId keccak256 of the new device's name.
    /// @param newKey Address whose signatures are the new device's.
    function replaceDevice(bytes32 deviceId, bytes32 newDeviceId, address newKey) external;

    /// @notice Takes a reading that a quorum committed: it is judged and booked as in `submitReadings`, the device's
    /// signature included. Anybody may prove the reading that follows a device's last one; only an oracle may skip
    /// numbers or bring the first, so that nobody moves energy from one interval to another by leaving readings out.
    /// @param reading The reading with the device's signature.
    /// @param proof Sibling hashes from the leaf to the root of its interval.
    function proveReading(SignedReading calldata reading, bytes32[] calldata proof) external;

    /// @notice Checks and stores signed readings. One bad item never blocks the others.
    /// @dev The energy since the device's last reading at an interval's end is booked on the interval that a reading
    /// ends, whenever the predecessor was; a reading between two ends only moves the registers. The first reading of a
    /// device is its base line and books nothing. Rounding aside, energy over 1.1 times rated power is refused.
    /// A reading so late that its place in the history has gone to an interval 32 or more later is accepted and counts
    /// in its interval's total, but `intervalEnergy` never knows it: a settlement that runs so late takes it as missing.
    /// @param batchNumber The caller's next batch number, counting from 0: a batch sent twice is refused whole.
    /// @param readings The readings with their signatures, in any order that keeps each device's own.
    /// @return results One code for each reading.
    function submitReadings(uint64 batchNumber, SignedReading[] calldata readings)
        external
        returns (ReadingResult[] memory results);

    /// @notice The EIP-712 digest that the device signs.
    /// @param reading The reading.
    /// @return The digest in this contract's domain (name "DeviceRegistry", version "1").
    function hashReading(Reading calldata reading) external view returns (bytes32);

    /// @notice The leaf of a reading in the Merkle tree of its interval: keccak256(keccak256(abi.encode(chain id, this
    /// contract, interval, device id, sequence, timestamp, import, export, detail))).
    /// @param reading The reading.
    function hashLeaf(Reading calldata reading) external view returns (bytes32);

    /// @notice How well a device reports.
    /// @param deviceId The device.
    function performance(bytes32 deviceId) external view returns (Performance memory);

    /// @notice Energy of a member's revenue meter in one interval. The last 32 intervals read are kept.
    /// @param memberId The member's number.
    /// @param interval The interval's index: start / length.
    /// @return importWh Energy drawn in the interval, in Wh.
    /// @return exportWh Energy fed in, in Wh.
    /// @return known False while no accepted reading ends this interval; then both energies are zero and mean nothing.
    function intervalEnergy(uint32 memberId, uint64 interval)
        external
        view
        returns (uint64 importWh, uint64 exportWh, bool known);

    /// @notice Energy of the revenue meters of consecutive members in one interval, for those who bill many at once.
    /// @param interval The interval's index.
    /// @param from First member number.
    /// @param to Last member number.
    /// @return words One word each: 1 << 128 | importWh << 64 | exportWh, or zero where `intervalEnergy` knows nothing.
    function intervalEnergies(uint64 interval, uint32 from, uint32 to) external view returns (uint256[] memory words);

    /// @notice The last accepted reading of a device; all zero before the first.
    /// @param deviceId The device.
    function registers(bytes32 deviceId) external view returns (Registers memory);

    /// @notice A device's record; status `None` for an unknown one.
    /// @param deviceId The device.
    function device(bytes32 deviceId) external view returns (Device memory);

    /// @notice Number of devices ever registered.
    function deviceCount() external view returns (uint256);

    /// @notice Id of the device registered as number `index`, counting from 0.
    /// @param index The number.
    function deviceAt(uint256 index) external view returns (bytes32);

    /// @notice The member's revenue meter, zero for none.
    /// @param memberId The member's number.
    function meterOf(uint32 memberId) external view returns (bytes32);

    /// @notice The account's member number, zero for none.
    /// @param account The account.
    function memberOf(address account) external view returns (uint32);

    /// @notice The account of a member, zero for none.
    /// @param memberId The member's number.
    function accountOf(uint32 memberId) external view returns (address);

    /// @notice Number of members, and the number of the latest one.
    function memberCount() external view returns (uint32);

    /// @notice The number that the oracle's next batch must carry.
    /// @param oracle The account that submits.
    function nextBatch(address oracle) external view returns (uint64);

    /// @notice Length of an interval, in seconds.
    function intervalSeconds() external view returns (uint64);

    /// @notice How long after an interval's end its reading is booked on it, in seconds. A later one may find homes
    /// billed without it: its energy is carried on to the next interval whose reading comes in time.
    function readingDeadlineSeconds() external view returns (uint64);
}
