// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {World} from "../World.sol";

/// @title The gate of readings: what is judged in which order, and what is booked where.
contract DeviceRegistryTest is World {
    uint64 private constant START = FIRST * HOUR;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() external {
        _join();
        _join();
        vm.warp(START);
    }

    // Judgement

    function test_unknown_and_inactive_devices_are_refused() external {
        IDeviceRegistry.Reading memory reading = _reading(9, 1, START, 0, 0);
        _judged(reading, 2009, IDeviceRegistry.ReadingResult.UnknownDevice);
        require(registry.performance(_meter(9)).refused == 0);
        registry.suspendDevice(_meter(1));
        _judged(_reading(1, 1, START, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.InactiveDevice);
        registry.retireDevice(_meter(2));
        _judged(_reading(2, 1, START, 0, 0), _meterKey(2), IDeviceRegistry.ReadingResult.InactiveDevice);
    }

    function test_a_reading_is_signed_by_its_device_in_this_domain() external {
        _judged(_reading(1, 1, START, 0, 0), _meterKey(2), IDeviceRegistry.ReadingResult.BadSignature);
        IDeviceRegistry.SignedReading memory signed = _signed(_reading(1, 1, START, 0, 0), _meterKey(1));
        vm.chainId(77);
        _judgedSigned(signed, IDeviceRegistry.ReadingResult.BadSignature);
    }

    function test_the_twin_of_a_signature_and_a_misshapen_one_are_refused() external {
        IDeviceRegistry.SignedReading memory signed = _signed(_reading(1, 1, START, 0, 0), _meterKey(1));
        uint256 s = uint256(signed.vs) & (type(uint256).max >> 1);
        bytes32 good = signed.vs;
        signed.vs = bytes32(ORDER - s | (uint256(good) >> 255 == 1 ? 0 : 1 << 255));
        _judgedSigned(signed, IDeviceRegistry.ReadingResult.BadSignature);
        (signed.vs, signed.r) = (good, bytes32(0));
        _judgedSigned(signed, IDeviceRegistry.ReadingResult.BadSignature);
    }

    /// @dev A key made for the signature: half the curve's order, rounded down, is the largest s.
    function test_the_largest_s_is_good() external {
        IDeviceRegistry.Reading memory reading = _of("key", 1, START, 0);
        bytes32 r = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798;
        address key = ecrecover(registry.hashReading(reading), 27, r, bytes32(ORDER / 2));
        registry.registerDevice("key", _account(1), key, IDeviceRegistry.DeviceClass.Inverter, 1, 0);
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](1);
        readings[0] = _signed(reading, 5);
        (readings[0].r, readings[0].vs) = (r, bytes32(ORDER / 2));
        require(registry.submitReadings(0, readings)[0] == IDeviceRegistry.ReadingResult.Accepted);
    }

    function test_sequence_numbers_rise() external {
        _take(_reading(1, 7, START - 10, 0, 0));
        _judged(_reading(1, 7, START, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
        _judged(_reading(1, 6, START, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
        _take(_reading(1, 8, START, 0, 0));
    }

    function test_a_first_reading_may_have_sequence_zero_but_not_time_zero() external {
        _judged(_reading(1, 0, 0, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleTimestamp);
        _take(_reading(1, 0, START, 5, 6));
    }

    function test_times_rise_and_are_neither_ahead_nor_too_old() external {
        _judged(_reading(1, 1, START + 61, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.FutureTimestamp);
        _judged(_reading(1, 1, START - 7 days - 1, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.TooOld);
        _take(_reading(1, 1, START - 7 days, 0, 0));
        _take(_reading(1, 2, START + 60, 0, 0));
        _judged(_reading(1, 3, START + 60, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleTimestamp);
        _judged(_reading(1, 3, START + 59, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleTimestamp);
        _judged(_reading(1, 3, 1 << 63 | START, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.FutureTimestamp);
    }

    function test_the_very_next_reading_comes_neither_early_nor_late() external {
        _take(_reading(1, 1, START, 0, 0));
        IDeviceRegistry.Reading memory next = _reading(1, 2, START + HOUR, 0, 0);
        vm.warp(START + HOUR - 61);
        _judged(next, _meterKey(1), IDeviceRegistry.ReadingResult.FutureTimestamp);
        vm.warp(START + HOUR + 7 days + 1);
        _judged(next, _meterKey(1), IDeviceRegistry.ReadingResult.TooOld);
        vm.warp(START + HOUR + 7 days);
        _take(next);
        _unknown(1, FIRST);
    }

    function test_the_very_next_reading_is_booked_as_early_as_it_may_come() external {
        _take(_reading(1, 1, START, 0, 0));
        vm.warp(START + HOUR - 60);
        _take(_reading(1, 2, START + HOUR, 10, 20));
        _booked(1, FIRST, 10, 20);
    }

    function test_a_reading_after_the_deadline_carries_its_energy_on() external {
        for (uint256 i = 1; i < 3; ++i) _take(_reading(i, 1, START, 0, 0));
        vm.warp(START + HOUR + DEADLINE);
        _take(_reading(1, 2, START + HOUR, 100, 1));
        vm.warp(START + HOUR + DEADLINE + 1);
        _take(_reading(2, 2, START + HOUR, 100, 1));
        for (uint256 i = 1; i < 3; ++i) _take(_reading(i, 3, START + 3 * HOUR, 130, 3));
        _booked(1, FIRST, 100, 1);
        _booked(1, FIRST + 2, 30, 2);
        _unknown(2, FIRST);
        _booked(2, FIRST + 2, 130, 3);
    }

    function test_registers_never_fall() external {
        _take(_reading(1, 1, START - 10, 100, 50));
        _judged(_reading(1, 2, START, 99, 50), _meterKey(1), IDeviceRegistry.ReadingResult.RegisterDecreased);
        _judged(_reading(1, 2, START, 100, 49), _meterKey(1), IDeviceRegistry.ReadingResult.RegisterDecreased);
        _take(_reading(1, 2, START, 100, 50));
    }

    /// @dev 10 kW for an hour, and a tenth more.
    function test_energy_is_bounded_by_the_rated_power() external {
        _take(_reading(1, 1, START, 100, 50));
        uint64 next = START + HOUR;
        vm.warp(next);
        _judged(_reading(1, 2, next, 100 + 11_001, 50), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _judged(_reading(1, 2, next, 100, 50 + 11_001), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _take(_reading(1, 2, next, 100 + 11_000, 50 + 11_000));
    }

    /// @dev The same bound where a number was left out, and where energy is spread over two hours.
    function test_energy_is_bounded_after_a_gap_too() external {
        _take(_reading(1, 1, START, 100, 50));
        uint64 next = START + 2 * HOUR;
        vm.warp(next);
        _judged(_reading(1, 3, next, 100 + 22_001, 50), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _judged(_reading(1, 3, next, 100, 50 + 22_001), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _take(_reading(1, 3, next, 100 + 22_000, 50 + 22_000));
        _booked(1, FIRST + 1, 22_000, 22_000);
    }

    /// @dev By 256 Wh over, and by 1 Wh both ways; a device of 1 W may count 1 Wh an hour, one of 0 W none.
    function test_nothing_hides_energy_above_the_bound() external {
        _take(_reading(1, 1, START, 0, 0));
        registry.registerDevice("1 W", _account(1), vm.addr(5), IDeviceRegistry.DeviceClass.Inverter, 1, 0);
        registry.registerDevice("0 W", _account(1), vm.addr(6), IDeviceRegistry.DeviceClass.Inverter, 0, 0);
        require(_submit(_of("1 W", 1, START, 0), 5) == IDeviceRegistry.ReadingResult.Accepted);
        require(_submit(_of("0 W", 1, START, 0), 6) == IDeviceRegistry.ReadingResult.Accepted);
        uint64 next = START + HOUR;
        vm.warp(next);
        _judged(_reading(1, 2, next, 11_256, 248), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _judged(_reading(1, 2, next, 11_001, 11_001), _meterKey(1), IDeviceRegistry.ReadingResult.PowerExceeded);
        _judged(_of("1 W", 2, next, 2), 5, IDeviceRegistry.ReadingResult.PowerExceeded);
        _judged(_of("0 W", 2, next, 1), 6, IDeviceRegistry.ReadingResult.PowerExceeded);
        require(_submit(_of("1 W", 2, next, 1), 5) == IDeviceRegistry.ReadingResult.Accepted);
    }

    /// @dev One subtraction compares all four numbers: none may hide behind another that goes below zero.
    function test_no_number_passes_by_going_round() external {
        uint64 top = type(uint64).max;
        (uint64 next, uint256 key) = (START + HOUR, _meterKey(1));
        uint256 start = vm.snapshotState();
        _take(_reading(1, top, START, 0, 0));
        vm.warp(next);
        _judged(_reading(1, 0, next, 0, 0), key, IDeviceRegistry.ReadingResult.StaleSequence);
        vm.revertToState(start);
        _take(_reading(1, 1, START, 0, top));
        vm.warp(next);
        _judged(_reading(1, 2, next, 1, 5), key, IDeviceRegistry.ReadingResult.RegisterDecreased);
        vm.revertToState(start);
        _take(_reading(1, 1, START - 1, top, 0));
        vm.warp(next);
        _judged(_reading(1, 2, next, 5, 0), key, IDeviceRegistry.ReadingResult.RegisterDecreased);
    }

    /// @dev Also where what else changed could be taken for a number that goes on.
    function test_the_same_number_never_comes_twice() external {
        uint256 start = vm.snapshotState();
        _take(_reading(1, 1, START, 0, 0));
        _judged(_reading(1, 1, START, 1, 3600 + 128), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
        vm.warp(START + HOUR);
        _judged(_reading(1, 1, START + HOUR, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
        vm.revertToState(start);
        _take(_reading(1, 1, START - 65, 0, 0));
        vm.warp(START + HOUR);
        _judged(_reading(1, 1, START + HOUR, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
    }

    // Batches

    function test_a_batch_comes_once_and_in_order_and_one_bad_reading_stops_no_other() external {
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](3);
        readings[0] = _signed(_reading(1, 1, START, 10, 20), _meterKey(1));
        readings[1] = _signed(_reading(2, 1 << 32, START, 10, 20), _meterKey(1));
        readings[2] = _signed(_reading(2, 5, START, 30, 40), _meterKey(2));
        uint256[] memory told = new uint256[](3);
        told[0] = 1 << 192 | uint256(START) << 128 | 10 << 64 | 20;
        told[1] = 1 << 224 | 1 << 191 | 1 << 168 | uint256(START) << 128 | 10 << 64 | 20;
        told[2] = 5 << 192 | 1 << 168 | uint256(START) << 128 | 30 << 64 | 40;
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.ReadingRefused(_meter(2), 1 << 32, IDeviceRegistry.ReadingResult.BadSignature);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.ReadingsTaken(address(this), 0, told);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDeviceRegistry.BatchSubmitted(address(this), 0, 2, 1);
        IDeviceRegistry.ReadingResult[] memory results = registry.submitReadings(0, readings);
        require(results[0] == IDeviceRegistry.ReadingResult.Accepted);
        require(results[1] == IDeviceRegistry.ReadingResult.BadSignature);
        require(results[2] == IDeviceRegistry.ReadingResult.Accepted);
        require(registry.nextBatch(address(this)) == 1);
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.BatchOutOfOrder.selector, 1, 0);
        _fails(address(this), address(registry), abi.encodeCall(registry.submitReadings, (0, readings)), reason);
        reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, _account(1));
        _fails(_account(1), address(registry), abi.encodeCall(registry.submitReadings, (0, readings)), reason);
    }

    function test_a_batch_may_hold_several_intervals_and_their_totals_are_sums() external {
        _take(_reading(1, 1, START - 2 * HOUR, 0, 0));
        _take(_reading(2, 1, START - 2 * HOUR, 0, 0));
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](3);
        readings[0] = _signed(_reading(1, 2, START - HOUR, 100, 1), _meterKey(1));
        readings[1] = _signed(_reading(1, 3, START, 150, 3), _meterKey(1));
        readings[2] = _signed(_reading(2, 2, START - HOUR, 7, 0), _meterKey(2));
        registry.submitReadings(registry.nextBatch(address(this)), readings);
        require(grid.totals(FIRST - 2).importWh == 107 && grid.totals(FIRST - 2).exportWh == 1);
        require(grid.totals(FIRST - 1).importWh == 50 && grid.totals(FIRST - 1).exportWh == 2);
        uint256[] memory words = registry.intervalEnergies(FIRST - 2, 1, 2);
        require(words[0] == (1 << 128 | 100 << 64 | 1) && words[1] == (1 << 128 | 7 << 64));
        require(registry.intervalEnergies(FIRST - 1, 2, 2)[0] == 0);
    }

    // Booking

    function test_readings_inside_an_interval_are_carried_to_its_end() external {
        _take(_reading(1, 1, START - HOUR + 1, 1000, 500));
        _take(_reading(1, 2, START - HOUR + 2, 1001, 501));
        _take(_reading(1, 3, START - 60, 1010, 502));
        _unknown(1, FIRST - 1);
        require(registry.registers(_meter(1)).timestamp == START - 60);
        _take(_reading(1, 4, START, 1030, 502));
        _booked(1, FIRST - 1, 30, 2);
        require(grid.totals(FIRST - 1).importWh == 30 && grid.totals(FIRST - 1).exportWh == 2);
        // What was carried is booked once, though the next number is left out.
        vm.warp(START + HOUR);
        _take(_reading(1, 6, START + HOUR, 1040, 503));
        _booked(1, FIRST, 10, 1);
    }

    function test_the_first_reading_is_the_base_line() external {
        _take(_reading(1, 1, START, 1000, 500));
        _unknown(1, FIRST - 1);
        IDeviceRegistry.Registers memory last = registry.registers(_meter(1));
        require(last.sequence == 1 && last.timestamp == START && last.importWh == 1000 && last.exportWh == 500);
    }

    function test_only_a_revenue_meter_books() external {
        registry.registerDevice("inverter", _account(1), vm.addr(5), IDeviceRegistry.DeviceClass.Inverter, 10_000, 0);
        IDeviceRegistry.Reading memory reading = _reading(1, 1, START - HOUR, 0, 0);
        reading.deviceId = "inverter";
        require(_submit(reading, 5) == IDeviceRegistry.ReadingResult.Accepted);
        (reading.sequence, reading.timestamp, reading.exportWh) = (2, START, 100);
        require(_submit(reading, 5) == IDeviceRegistry.ReadingResult.Accepted);
        require(registry.registers("inverter").exportWh == 100);
        _unknown(1, FIRST - 1);
    }

    function test_energy_of_any_size_is_kept_and_unknown_is_not_zero() external {
        registry.registerDevice("plant", _account(2), vm.addr(5), IDeviceRegistry.DeviceClass.Battery, 1, 0);
        registry.retireDevice(_meter(1));
        registry.registerDevice("big", _account(1), vm.addr(6), IDeviceRegistry.DeviceClass.SmartMeter, 100_000_000, 0);
        IDeviceRegistry.Reading memory reading = _reading(1, 1, START - HOUR, 0, 0);
        reading.deviceId = "big";
        require(_submit(reading, 6) == IDeviceRegistry.ReadingResult.Accepted);
        (reading.sequence, reading.timestamp, reading.importWh) = (2, START, 110_000_000);
        require(_submit(reading, 6) == IDeviceRegistry.ReadingResult.Accepted);
        _booked(1, FIRST - 1, 110_000_000, 0);
        // Two numbers that fit their fields though their bits together are all ones; then one that does not.
        vm.warp(START + 2 * HOUR);
        (reading.sequence, reading.timestamp, reading.importWh, reading.exportWh) =
            (3, START + HOUR, 110_000_000 + 262_142, 1);
        require(_submit(reading, 6) == IDeviceRegistry.ReadingResult.Accepted);
        (reading.sequence, reading.timestamp, reading.importWh, reading.exportWh) =
            (4, START + 2 * HOUR, 110_000_000 + 262_142, 1 + 262_143);
        require(_submit(reading, 6) == IDeviceRegistry.ReadingResult.Accepted);
        _booked(1, FIRST, 262_142, 1);
        _booked(1, FIRST + 1, 0, 262_143);
        _unknown(1, FIRST + 2);
        _unknown(2, FIRST - 1);
        _unknown(2, type(uint64).max);
    }

    function testFuzz_energy_booked_is_the_difference_of_registers(uint64 base, uint16 importWh, uint16 exportWh)
        external
    {
        base = base % (type(uint64).max - 20_000);
        (importWh, exportWh) = (importWh % 11_001, exportWh % 11_001);
        _take(_reading(1, 1, START - HOUR, base, base / 2));
        _take(_reading(1, 2, START, base + importWh, base / 2 + exportWh));
        _booked(1, FIRST - 1, importWh, exportWh);
    }

    /// @dev Of six members that share words, one that stays 32 intervals behind another has no place left.
    function test_history_is_a_ring_of_32_intervals() external {
        for (uint256 i = 1; i < 3; ++i) _take(_reading(i, 1, START, 0, 0));
        for (uint64 i = 0; i < 40; ++i) {
            vm.warp(START + (i + 1) * HOUR);
            _take(_reading(1, 2 + i, START + (i + 1) * HOUR, i + 1, 0));
        }
        _booked(1, FIRST + 39, 1, 0);
        _booked(1, FIRST + 8, 1, 0);
        _unknown(1, FIRST + 7);
        _take(_reading(2, 2, START + 40 * HOUR, 9, 0));
        _booked(2, FIRST + 39, 9, 0);
    }

    // Performance

    function test_gaps_silence_and_refusals_are_counted() external {
        bytes32 id = _meter(1);
        require(registry.performance(id).uptimeBps == 0 && registry.performance(id).accepted == 0);
        _take(_reading(1, 5, START, 0, 0));
        require(registry.performance(id).uptimeBps == 10_000);
        vm.warp(START + HOUR);
        _take(_reading(1, 6, START + HOUR, 0, 0));
        vm.warp(START + 4 * HOUR);
        _take(_reading(1, 7, START + 4 * HOUR, 0, 0));
        IDeviceRegistry.Performance memory log = registry.performance(id);
        require(log.accepted == 3 && log.gaps == 0 && log.missed == 0 && log.firstSeen == START);
        // Two of four hours were silent: between the readings three hours, of which one is due.
        require(log.uptimeBps == 5000 && log.lastSeen == START + 4 * HOUR);
        _take(_reading(1, 10, START + 4 * HOUR + 1, 0, 0));
        _judged(_reading(1, 10, START + 4 * HOUR + 2, 0, 0), _meterKey(1), IDeviceRegistry.ReadingResult.StaleSequence);
        log = registry.performance(id);
        require(log.accepted == 4 && log.gaps == 1 && log.missed == 2 && log.refused == 1);
        // Another epoch of the sequence is a restart, no loss.
        _take(_reading(1, 1 << 32, START + 4 * HOUR + 2, 0, 0));
        log = registry.performance(id);
        require(log.accepted == 5 && log.gaps == 2 && log.missed == 2);
        // Silence that lasts counts too: ten hours after the last reading nine are lost.
        vm.warp(START + 14 * HOUR + 2);
        uint256 since = 14 * HOUR + 2;
        require(registry.performance(id).uptimeBps == 10_000 * (since - 11 * HOUR) / since);
    }

    function test_the_domain_and_the_interval_are_what_they_say() external view {
        require(registry.intervalSeconds() == HOUR && address(registry.gridBalance()) == address(grid));
        bytes32 typeHash = keccak256(
            "Reading(bytes32 deviceId,uint64 sequence,uint64 timestamp,uint64 importWh,uint64 exportWh,bytes32 detail)"
        );
        bytes32 domainType =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(
            abi.encode(domainType, keccak256("DeviceRegistry"), keccak256("1"), block.chainid, address(registry))
        );
        bytes32 content = keccak256(abi.encode(typeHash, _meter(1), 2, 3, 4, 5, bytes32("detail")));
        IDeviceRegistry.Reading memory reading = IDeviceRegistry.Reading(_meter(1), 2, 3, 4, 5, "detail");
        require(registry.hashReading(reading) == keccak256(abi.encodePacked("\x19\x01", domain, content)));
    }

    // Helpers

    function _of(bytes32 id, uint64 sequence, uint64 timestamp, uint64 importWh)
        private
        pure
        returns (IDeviceRegistry.Reading memory)
    {
        return IDeviceRegistry.Reading(id, sequence, timestamp, importWh, 0, bytes32(0));
    }

    function _take(IDeviceRegistry.Reading memory reading) private {
        uint256 memberId = uint256(reading.deviceId);
        require(_submit(reading, _meterKey(memberId)) == IDeviceRegistry.ReadingResult.Accepted, "taken");
    }

    function _judged(IDeviceRegistry.Reading memory reading, uint256 key, IDeviceRegistry.ReadingResult expected)
        private
    {
        _judgedSigned(_signed(reading, key), expected);
    }

    function _judgedSigned(IDeviceRegistry.SignedReading memory reading, IDeviceRegistry.ReadingResult expected)
        private
    {
        bytes32 before = keccak256(abi.encode(registry.registers(reading.deviceId)));
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](1);
        readings[0] = reading;
        require(registry.submitReadings(registry.nextBatch(address(this)), readings)[0] == expected, "judged");
        require(keccak256(abi.encode(registry.registers(reading.deviceId))) == before, "nothing is stored");
    }

    function _booked(uint32 memberId, uint64 interval, uint256 importWh, uint256 exportWh) private view {
        (uint64 imported, uint64 exported, bool known) = registry.intervalEnergy(memberId, interval);
        require(known && imported == importWh && exported == exportWh, "booked");
    }

    function _unknown(uint32 memberId, uint64 interval) private view {
        (uint64 imported, uint64 exported, bool known) = registry.intervalEnergy(memberId, interval);
        require(!known && imported == 0 && exported == 0, "unknown");
    }
}
