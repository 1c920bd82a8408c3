// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {DeviceRegistry} from "../../DeviceRegistry.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IGridBalance} from "../../interfaces/IGridBalance.sol";
import {Vm} from "../Vm.sol";
import {World} from "../World.sol";

/// @title Where the energy of accepted readings goes: each member's history, and the totals of the intervals.
contract BookedEnergyTest is World {
    uint64 private constant START = FIRST * HOUR;
    uint32 private constant MOST_W = 100_000_000;

    uint64[9] private _sequences;

    constructor() {
        vm.warp(START);
    }

    // Totals

    /// @dev Intervals in turn 1, 2, 3, 1, 3: what an interval had before is found again among several.
    function test_a_batch_tells_each_interval_once_however_often_it_comes_back() external {
        for (uint256 i = 0; i < 3; ++i) _join();
        _read(1, START - 3 * HOUR, 0, 0);
        _read(2, START - 3 * HOUR, 0, 0);
        _read(3, START - HOUR, 0, 0);
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](5);
        readings[0] = _signed(_reading(1, 2, START - 2 * HOUR, 3, 1), _meterKey(1));
        readings[1] = _signed(_reading(1, 3, START - HOUR, 10, 6), _meterKey(1));
        readings[2] = _signed(_reading(1, 4, START, 23, 19), _meterKey(1));
        readings[3] = _signed(_reading(2, 2, START - 2 * HOUR, 3, 1), _meterKey(2));
        readings[4] = _signed(_reading(3, 2, START, 17, 11), _meterKey(3));
        uint64 batch = registry.nextBatch(address(this));
        vm.recordLogs();
        registry.submitReadings(batch, readings);
        require(_count(vm.getRecordedLogs(), IGridBalance.IntervalRecorded.selector) == 3, "once each");
        _summed(FIRST - 3, 6, 2, 2);
        _summed(FIRST - 2, 7, 5, 1);
        _summed(FIRST - 1, 30, 24, 2);
    }

    function test_readings_of_one_interval_are_added_up_and_counted() external {
        for (uint256 i = 0; i < 3; ++i) _join();
        for (uint256 i = 1; i < 4; ++i) _read(i, START - HOUR, 0, 0);
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](3);
        for (uint256 i = 0; i < 3; ++i) readings[i] = _signed(_reading(i + 1, 2, START, 7, 5), _meterKey(i + 1));
        registry.submitReadings(registry.nextBatch(address(this)), readings);
        _summed(FIRST - 1, 21, 15, 3);
    }

    // History

    /// @dev Six members share a word: the eighth is in the second one.
    function test_each_member_has_a_place_of_its_own_and_no_energy_is_known_too() external {
        for (uint256 i = 0; i < 8; ++i) _join();
        for (uint64 hour = 0; hour < 3; ++hour) {
            for (uint64 i = 1; i < 9; ++i) _read(i, START - (2 - hour) * HOUR, hour * 10 * i, hour * i);
        }
        for (uint32 i = 1; i < 9; ++i) {
            for (uint64 interval = FIRST - 2; interval < FIRST; ++interval) _booked(i, interval, 10 * i, i);
        }
        vm.warp(START + HOUR);
        _read(7, START + HOUR, 140, 14);
        _booked(7, FIRST, 0, 0);
        for (uint32 i = 1; i < 7; ++i) _unknown(i, FIRST);
    }

    /// @dev An interval whose place is the very first, and a batch after it that books nothing.
    function test_a_batch_leaves_alone_what_is_stored() external {
        uint64 interval = FIRST + 32 - FIRST % 32;
        _join();
        vm.warp((interval + 1) * HOUR);
        _read(1, interval * HOUR, 0, 0);
        _read(1, (interval + 1) * HOUR, 11, 12);
        _booked(1, interval, 11, 12);
        _read(1, (interval + 1) * HOUR + 30, 12, 12);
        _booked(1, interval, 11, 12);
    }

    function test_energy_of_an_interval_is_not_that_of_one_with_the_same_place() external {
        _join();
        _read(1, START - HOUR, 0, 0);
        _read(1, START, 11, 12);
        _booked(1, FIRST - 1, 11, 12);
        _unknown(1, FIRST + 31);
        _unknown(1, FIRST - 33);
    }

    /// @dev A field of a lane holds 18 bits; a lane of ones says that the energy lies elsewhere.
    function test_energy_around_the_largest_that_fits_a_lane_is_kept() external {
        registry.registerMember(_account(1));
        _plant(0);
        _readPlant(0, START - 4 * HOUR, 0, 0);
        vm.warp(START - 2 * HOUR);
        _readPlant(0, START - 3 * HOUR, 262_143, 262_143);
        _readPlant(0, START - 2 * HOUR, 562_143, 562_143);
        vm.warp(START);
        _readPlant(0, START - HOUR, 562_143 + 262_142, 562_143 + 262_142);
        _readPlant(0, START, 562_143 + 262_142 + 131_072, 562_143 + 262_142 + 131_071);
        _booked(1, FIRST - 4, 262_143, 262_143);
        _booked(1, FIRST - 3, 300_000, 300_000);
        _booked(1, FIRST - 2, 262_142, 262_142);
        _booked(1, FIRST - 1, 131_072, 131_071);
    }

    /// @dev Where readings are booked for seven days, members that share a word may be more than 32 intervals apart.
    function test_energy_from_32_intervals_behind_takes_no_others_place() external {
        _bookForDays();
        for (uint256 i = 0; i < 2; ++i) _join();
        for (uint256 i = 1; i < 3; ++i) _read(i, START, 0, 0);
        vm.warp(START + 40 * HOUR);
        for (uint64 i = 1; i <= 40; ++i) _read(1, START + i * HOUR, i, 2 * i);
        _read(2, START + HOUR, 7, 8);
        _unknown(2, FIRST);
        _booked(1, FIRST + 32, 1, 2);
        require(grid.totals(FIRST).importWh == 8 && grid.totals(FIRST).exportWh == 10, "the total has it");
        _read(2, START + 20 * HOUR, 17, 18);
        _booked(2, FIRST + 19, 10, 10);
        _booked(1, FIRST + 19, 1, 2);
    }

    /// @dev A member's new meter may bring energy of long ago, too much for a lane; that of the old meter stays.
    function test_energy_from_32_intervals_behind_takes_no_newer_energys_place() external {
        _bookForDays();
        registry.registerMember(_account(1));
        _plant(0);
        vm.warp(START + 40 * HOUR);
        _readPlant(0, START + 32 * HOUR, 0, 0);
        _readPlant(0, START + 33 * HOUR, 400_000, 500_000);
        registry.retireDevice(bytes32(uint256(100)));
        _plant(1);
        _readPlant(1, START, 0, 0);
        _readPlant(1, START + HOUR, 600_000, 700_000);
        _unknown(1, FIRST);
        _booked(1, FIRST + 32, 400_000, 500_000);
    }

    // Helpers

    function _bookForDays() private {
        registry = new DeviceRegistry(address(manager), grid, 7 days);
        manager.grantRole(4, address(registry), 0);
    }

    function _plant(uint256 number) private {
        registry.registerDevice(
            bytes32(100 + number), _account(1), vm.addr(9 + number), IDeviceRegistry.DeviceClass.SmartMeter, MOST_W, 0
        );
    }

    function _readPlant(uint256 number, uint64 time, uint64 importWh, uint64 exportWh) private {
        IDeviceRegistry.Reading memory reading = IDeviceRegistry.Reading(
            bytes32(100 + number), ++_sequences[number], time, importWh, exportWh, bytes32(0)
        );
        require(_submit(reading, 9 + number) == IDeviceRegistry.ReadingResult.Accepted, "taken");
    }

    function _summed(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings) private view {
        IGridBalance.IntervalTotals memory totals = grid.totals(interval);
        require(totals.importWh == importWh && totals.exportWh == exportWh && totals.readings == readings, "summed");
    }

    function _booked(uint32 memberId, uint64 interval, uint256 importWh, uint256 exportWh) private view {
        (uint64 imported, uint64 exported, bool known) = registry.intervalEnergy(memberId, interval);
        require(known && imported == importWh && exported == exportWh, "booked");
    }

    function _unknown(uint32 memberId, uint64 interval) private view {
        (uint64 imported, uint64 exported, bool known) = registry.intervalEnergy(memberId, interval);
        require(!known && imported == 0 && exported == 0, "unknown");
    }

    function _count(Vm.Log[] memory logs, bytes32 topic) private pure returns (uint256 count) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == topic) ++count;
        }
    }
}
