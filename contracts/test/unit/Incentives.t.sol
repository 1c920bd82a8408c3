// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IDirectTrading} from "../../interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {IIncentives} from "../../interfaces/IIncentives.sol";
import {Rewards} from "./Rewards.sol";

/// @dev Conduct in an interval and self-consumption: what is counted, and what it earns.
contract IncentivesTest is Rewards {
    bytes32 private constant INVERTER = "inverter";
    uint256 private constant INVERTER_KEY = 4001;

    /// @dev An hour of the first day, and the same of the second.
    uint64 private constant FIRST = START + 1;
    uint64 private constant AGAIN = START + 25;

    function setUp() external {
        _found();
    }

    // Conduct

    function test_the_first_interval_of_an_hour_sets_the_baseline_and_saves_nothing() external {
        _clearBy(FIRST);
        _meterUse(1, FIRST - 1, 0, 0);
        _meterUse(1, FIRST, 1000, 5);
        _expectBaseline(0, false);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(FIRST, 1, 0, 1000, 0, 3e16);
        vm.prank(STRANGER);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 1);
        _expectBaseline(1000, true);
        (, bool known) = rewards.baseline(1, 2);
        cheats.assertFalse(known);
        _expectConduct(FIRST, 0, 1000, 0, 0);
        cheats.assertEq(rewards.epochOf(EPOCH).earned, 0);
    }

    function test_an_import_of_zero_is_a_baseline_too() external {
        _recordAt(FIRST, 0);
        _expectBaseline(0, true);
    }

    function test_energy_below_the_baseline_earns_and_lowers_it_by_a_quarter_rounded_up() external {
        _recordAt(FIRST, 1000);
        _meterAgain(599);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(AGAIN, 1, 401, 599, 2005e14, 1797e13);
        rewards.recordConduct(AGAIN, 1, 1);
        _expectBaseline(899, true);
        _expectConduct(AGAIN, 0, 1599, 401, 0);
        cheats.assertEq(rewards.epochOf(EPOCH + 1).earned, 2005e14);
    }

    function test_energy_saved_in_an_hour_of_high_prices_earns_the_peak_rate_too() external {
        _as(GOVERNANCE);
        grid.setTimeOfDayMultiplier(1, WAD + 1);
        _recordAt(FIRST, 1000);
        _meterAgain(600);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(AGAIN, 1, 400, 600, 4e17, 18e15);
        rewards.recordConduct(AGAIN, 1, 1);
    }

    function test_energy_above_the_baseline_raises_it_by_an_eighth() external {
        _recordAt(FIRST, 1000);
        _recordAgain(1807);
        _expectBaseline(1100, true);
        _expectConduct(AGAIN, 0, 2807, 0, 0);
    }

    function testFuzz_a_baseline_moves_towards_the_import_and_never_beyond(uint16 first, uint16 second) external {
        (uint64 base, uint64 next) = (uint64(first) % 11_001, uint64(second) % 11_001);
        _recordAt(FIRST, base);
        _recordAgain(next);
        uint256 down = base > next ? (base - next + 3) / 4 : 0;
        uint256 up = next > base ? (next - base) / 8 : 0;
        _expectBaseline(uint256(base) + up - down, true);
        cheats.assertEq(rewards.conductOf(1).savedWh, base > next ? base - next : 0);
    }

    function test_energy_bought_from_peers_costs_no_penalty() external {
        _order(1, FIRST, IEnergyTrading.Side.Buy, 600);
        _order(2, FIRST, IEnergyTrading.Side.Sell, 600);
        _clearBy(FIRST);
        _meterUse(1, FIRST, 1000, 0);
        _meterUse(2, FIRST, 0, 600);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(FIRST, 1, 0, 400, 0, 12e15);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 2);
        _expectConduct(FIRST, 600, 400, 0, 0);
    }

    function test_energy_bought_and_not_drawn_does_not_count() external {
        _order(1, FIRST, IEnergyTrading.Side.Buy, 600);
        _order(2, FIRST, IEnergyTrading.Side.Sell, 600);
        _clearBy(FIRST);
        _meterUse(1, FIRST, 100, 0);
        rewards.recordConduct(FIRST, 1, 1);
        _expectConduct(FIRST, 100, 0, 0, 0);
    }

    function test_energy_bought_directly_is_bought_from_peers_too() external {
        _order(1, FIRST, IEnergyTrading.Side.Buy, 300);
        _order(2, FIRST, IEnergyTrading.Side.Sell, 300);
        IDirectTrading direct = trading.directTrading();
        uint64 price = RETAIL - 1000;
        vm.prank(_account(2));
        direct.offer(_account(1), FIRST, 500, price, IEnergyTrading.Side.Sell, FIRST * HOUR - GATE_LEAD - 1);
        vm.prank(_account(1));
        direct.accept(1);
        _clearBy(FIRST);
        _meterUse(1, FIRST, 1000, 0);
        _meterUse(2, FIRST, 50, 800);
        // Whoever is counted first or alone: what home 2 sold is nothing it bought.
        cheats.assertEq(rewards.recordConduct(FIRST, 2, 2), 1);
        cheats.assertEq(rewards.conductOf(2).gridWh, 50);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(FIRST, 1, 0, 200, 0, 6e15);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 1);
        _expectConduct(FIRST, 800, 200, 0, 0);
    }

    function test_a_silence_neither_raises_the_baseline_nor_saves() external {
        _recordAt(FIRST, 1000);
        // All that was drawn in a day comes with one reading.
        _clearBy(AGAIN);
        _meterUse(1, AGAIN, 24_000, 0);
        vm.expectEmit(address(rewards));
        emit IIncentives.ConductRecorded(AGAIN, 1, 0, 24_000, 0, 72e16);
        cheats.assertEq(rewards.recordConduct(AGAIN, 1, 1), 1);
        _expectBaseline(1000, true);
        _expectConduct(AGAIN, 0, 25_000, 0, 0);
    }

    function test_a_silence_sets_no_first_baseline_and_low_use_after_it_saves_nothing() external {
        _clearBy(FIRST);
        _meterUse(1, FIRST, 1000, 0);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 1);
        _expectBaseline(0, false);
        _clearBy(FIRST + 1);
        _meterUse(2, FIRST, 0, 0);
        _meterUse(2, FIRST + 1, 1000, 0);
        rewards.recordConduct(FIRST + 1, 2, 2);
        (uint256 stored, bool known) = rewards.baseline(2, 2);
        cheats.assertEq(stored, 1000);
        cheats.assertTrue(known);
    }

    function test_an_interval_counts_once_and_not_without_a_reading() external {
        _clearBy(FIRST);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 0);
        _meterUse(1, FIRST, 1000, 0);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 1);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 0);
        _meterUse(2, FIRST, 1000, 0);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 2), 1);
    }

    function test_nobody_passes_over_an_interval_that_is_cleared_and_known() external {
        _clearBy(FIRST);
        _clearBy(FIRST + 1);
        _clearBy(FIRST + 2);
        for (uint64 i = 0; i < 3; ++i) {
            _meterUse(1, FIRST + i, 100, 0);
        }
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 1);
        cheats.assertEq(rewards.recordConduct(FIRST + 2, 1, 1), 0);
        cheats.assertEq(rewards.recordConduct(FIRST + 1, 1, 1), 1);
        cheats.assertEq(rewards.recordConduct(FIRST + 2, 1, 1), 1);
        // An earlier interval cannot be counted any more.
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 0);
    }

    function test_what_is_unknown_is_passed_over() external {
        _clearBy(FIRST);
        _clearBy(FIRST + 1);
        _clearBy(FIRST + 2);
        _meterUse(1, FIRST, 100, 0);
        _meterUse(1, FIRST + 2, 100, 0);
        _meterUse(2, FIRST + 1, 100, 0);
        _meterUse(2, FIRST + 2, 100, 0);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 1);
        // Home 1 has no reading before, home 2 begins with this interval.
        cheats.assertEq(rewards.recordConduct(FIRST + 2, 1, 2), 2);
    }

    function test_an_interval_that_nobody_cleared_is_passed_over() external {
        _clearBy(FIRST);
        _clearBy(FIRST + 2);
        for (uint64 i = 0; i < 3; ++i) {
            _meterUse(1, FIRST + i, 100, 0);
        }
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 1);
        cheats.assertEq(rewards.recordConduct(FIRST + 2, 1, 1), 1);
    }

    function test_conduct_is_recorded_for_a_range_of_members_in_cleared_intervals() external {
        _clearBy(FIRST);
        _failsToRecord(FIRST, 0, 1, abi.encodeWithSelector(IIncentives.InvalidRange.selector, 0, 1));
        _failsToRecord(FIRST, 2, 1, abi.encodeWithSelector(IIncentives.InvalidRange.selector, 2, 1));
        _failsToRecord(FIRST, 1, 3, abi.encodeWithSelector(IIncentives.InvalidRange.selector, 1, 3));
        bytes memory reason = abi.encodeWithSelector(IIncentives.IntervalNotCleared.selector, FIRST + 1);
        _failsToRecord(FIRST + 1, 1, 2, reason);
    }

    function test_an_epoch_takes_nothing_more_once_it_can_be_claimed() external {
        _clearBy(FIRST);
        _meterUse(1, FIRST, 100, 0);
        vm.warp(CLAIMABLE);
        _failsToRecord(FIRST, 1, 1, abi.encodeWithSelector(IIncentives.EpochClosed.selector, EPOCH));
        vm.warp(CLAIMABLE - 1);
        cheats.assertEq(rewards.recordConduct(FIRST, 1, 1), 1);
    }

    // Self-consumption

    function test_own_generation_used_at_home_earns_from_the_second_reading_on() external {
        _addInverter();
        _generate(FIRST, 5000, 2000);
        _expectSelfConsumed(0, 0);
        _generate(FIRST + 1, 9000, 3000);
        _expectSelfConsumed(3000, 6e16);
        _expectSelfConsumed(0, 0);
        _expectConduct(0, 0, 0, 0, 3000);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 6e16);
    }

    function test_energy_that_a_battery_feeds_in_later_is_taken_off() external {
        _addInverter();
        _generate(FIRST, 5000, 2000);
        rewards.recordSelfConsumption(INVERTER);
        _generate(FIRST + 1, 9000, 3000);
        _expectSelfConsumed(3000, 6e16);
        _generate(FIRST + 2, 9000, 5000);
        _expectSelfConsumed(0, 0);
        _generate(FIRST + 3, 11_000, 5500);
        _expectSelfConsumed(0, 0);
        _generate(FIRST + 4, 12_000, 5800);
        _expectSelfConsumed(200, 4e15);
    }

    function test_a_new_meter_sets_a_new_starting_point() external {
        _addInverter();
        _generate(FIRST, 5000, 2000);
        rewards.recordSelfConsumption(INVERTER);
        _as(MAINTAINER);
        registry.retireDevice(_meter(1));
        _addDevice("meter", _account(1), 4002, IDeviceRegistry.DeviceClass.SmartMeter, ZONE);
        uint64 time = (FIRST + 2) * HOUR;
        vm.warp(time);
        _read(INVERTER, INVERTER_KEY, time, 0, 9000);
        _read("meter", 4002, time, 0, 0);
        _expectSelfConsumed(0, 0);
    }

    function test_only_an_active_inverter_counts() external {
        _failsToConsume(_meter(1), abi.encodeWithSelector(IIncentives.NotAnInverter.selector, _meter(1)));
        _failsToConsume(INVERTER, abi.encodeWithSelector(IIncentives.NotAnInverter.selector, INVERTER));
        _addInverter();
        _as(MAINTAINER);
        registry.suspendDevice(INVERTER);
        _failsToConsume(INVERTER, abi.encodeWithSelector(IIncentives.NotAnInverter.selector, INVERTER));
    }

    function test_the_readings_of_inverter_and_meter_are_of_one_time() external {
        _addInverter();
        bytes4 apart = IIncentives.ReadingsNotAligned.selector;
        _failsToConsume(INVERTER, abi.encodeWithSelector(apart, 0, START * HOUR));
        _as(MAINTAINER);
        registry.retireDevice(_meter(1));
        _failsToConsume(INVERTER, abi.encodeWithSelector(apart, 0, 0));
    }

    // Score

    function test_the_score_is_the_share_of_good_energy_and_unknown_without_any() external {
        (uint256 permille, bool known) = rewards.behaviourScore(1);
        cheats.assertEq(permille, 0);
        cheats.assertFalse(known);
        _recordAt(FIRST, 1000);
        (permille, known) = rewards.behaviourScore(1);
        cheats.assertEq(permille, 0);
        cheats.assertTrue(known);
        _recordAgain(600);
        // 400 Wh saved, 1600 from the grid.
        (permille, known) = rewards.behaviourScore(1);
        cheats.assertEq(permille, 200);
    }

    /// @dev Home 1 draws this much in an interval, which is cleared and recorded.
    function _recordAt(uint64 interval, uint64 importWh) private {
        _clearBy(interval);
        _meterUse(1, interval - 1, 0, 0);
        _meterUse(1, interval, importWh, 0);
        cheats.assertEq(rewards.recordConduct(interval, 1, 1), 1);
    }

    function _recordAgain(uint64 importWh) private {
        _meterAgain(importWh);
        cheats.assertEq(rewards.recordConduct(AGAIN, 1, 1), 1);
    }

    /// @dev Clears and meters the same hour of the second day.
    function _meterAgain(uint64 importWh) private {
        _meterUse(1, AGAIN - 1, 0, 0);
        _clearBy(AGAIN);
        _meterUse(1, AGAIN, importWh, 0);
    }

    function _addInverter() private {
        _addDevice(INVERTER, _account(1), INVERTER_KEY, IDeviceRegistry.DeviceClass.Inverter, ZONE);
    }

    /// @dev Registers of the inverter and of home 1's meter at the end of an interval.
    function _generate(uint64 interval, uint64 madeWh, uint64 fedWh) private {
        uint64 end = (interval + 1) * HOUR;
        vm.warp(end);
        _read(INVERTER, INVERTER_KEY, end, 0, madeWh);
        _read(_meter(1), _meterKey(1), end, 0, fedWh);
    }

    function _expectSelfConsumed(uint256 energyWh, uint256 earned) private {
        vm.expectEmit(address(rewards));
        emit IIncentives.SelfConsumptionRecorded(EPOCH, 1, INVERTER, energyWh, earned);
        vm.prank(STRANGER);
        cheats.assertEq(rewards.recordSelfConsumption(INVERTER), energyWh);
    }

    function _failsToRecord(uint64 interval, uint32 from, uint32 to, bytes memory reason) private {
        _fails(STRANGER, address(rewards), abi.encodeCall(rewards.recordConduct, (interval, from, to)), reason);
    }

    function _failsToConsume(bytes32 deviceId, bytes memory reason) private {
        _fails(STRANGER, address(rewards), abi.encodeCall(rewards.recordSelfConsumption, (deviceId)), reason);
    }

    function _expectBaseline(uint256 importWh, bool known) private view {
        (uint256 stored, bool isKnown) = rewards.baseline(1, 1);
        cheats.assertEq(stored, importWh);
        cheats.assertTrue(isKnown == known);
    }

    function _expectConduct(uint64 last, uint48 peerWh, uint48 gridWh, uint48 savedWh, uint48 selfConsumedWh)
        private
        view
    {
        IIncentives.Conduct memory expected = IIncentives.Conduct(last, peerWh, gridWh, savedWh, selfConsumedWh);
        cheats.assertEq(abi.encode(rewards.conductOf(1)), abi.encode(expected));
    }
}
