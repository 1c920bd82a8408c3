// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGridBalance} from "../../interfaces/IGridBalance.sol";
import {Community} from "./Community.sol";

contract GridBalanceTest is Community {
    function setUp() external {
        _found();
    }

    // Deployment

    function test_deployment_sets_every_multiplier_to_one_and_keeps_the_parameters() external view {
        for (uint64 hour = 0; hour < 24; ++hour) {
            cheats.assertEq(grid.timeOfDayMultiplier(START + hour), WAD);
        }
        cheats.assertEq(abi.encode(grid.priceParameters()), abi.encode(_parameters()));
        cheats.assertEq(grid.intervalSeconds(), 3600);
    }

    function test_deployment_takes_intervals_from_a_minute_to_a_day_only() external {
        cheats.assertEq(_newGrid(60, _parameters()).intervalSeconds(), 60);
        cheats.assertEq(_newGrid(86_400, _parameters()).intervalSeconds(), 86_400);
        bytes memory reason = abi.encodeWithSelector(IGridBalance.InvalidParameters.selector);
        _fails(STRANGER, address(this), abi.encodeCall(this.deploy, (59, _parameters())), reason);
        _fails(STRANGER, address(this), abi.encodeCall(this.deploy, (86_401, _parameters())), reason);
    }

    function deploy(uint64 intervalSeconds, IGridBalance.PriceParameters memory parameters) external {
        _newGrid(intervalSeconds, parameters);
    }

    // Permissions

    function test_each_restricted_function_belongs_to_one_role() external {
        uint64[] memory prices = new uint64[](0);
        _onlyFor(METERING, address(grid), abi.encodeCall(grid.recordInterval, (START, 1, 1, 1)));
        _onlyFor(OPERATOR, address(grid), abi.encodeCall(grid.openIntervals, (START, prices, prices)));
        _onlyFor(ORACLE, address(grid), abi.encodeCall(grid.reportGridStress, (0)));
        _onlyFor(SENSING, address(grid), abi.encodeCall(grid.recordMeasuredStress, (0)));
        _onlyFor(GOVERNANCE, address(grid), abi.encodeCall(grid.setTimeOfDayMultiplier, (0, WAD)));
        _onlyFor(GOVERNANCE, address(grid), abi.encodeCall(grid.setPriceParameters, (_parameters())));
    }

    // Totals

    function test_readings_add_up_in_their_interval() external {
        vm.expectEmit(address(grid));
        emit IGridBalance.IntervalRecorded(START, 100, 30, 2);
        _record(START, 100, 30, 2);
        _record(START, 11, 7, 1);
        _record(START + 1, 5, 5, 1);
        _expectTotals(START, 111, 37, 3);
        _expectTotals(START + 1, 5, 5, 1);
        _expectTotals(START + 2, 0, 0, 0);
    }

    function test_totals_that_outgrow_their_field_revert() external {
        _record(START, type(uint96).max, type(uint96).max, type(uint32).max);
        bytes4 overflow = SafeCast.SafeCastOverflowedUintDowncast.selector;
        _failsToRecord(1, 0, 0, abi.encodeWithSelector(overflow, 96, uint256(1) << 96));
        _failsToRecord(0, 1, 0, abi.encodeWithSelector(overflow, 96, uint256(1) << 96));
        _failsToRecord(0, 0, 1, abi.encodeWithSelector(overflow, 32, uint256(1) << 32));
        _expectTotals(START, type(uint96).max, type(uint96).max, type(uint32).max);
    }

    // Factors and price

    function test_demand_is_one_while_nothing_is_known() external view {
        cheats.assertEq(grid.demandFactor(), WAD);
    }

    function test_demand_follows_the_latest_interval_within_its_bounds() external {
        _record(START, 1800, 0, 3);
        cheats.assertEq(grid.demandFactor(), 12e17);
        _record(START - 1, 9000, 0, 1);
        cheats.assertEq(grid.demandFactor(), 12e17);
        _record(START + 1, 749, 0, 3);
        cheats.assertEq(grid.demandFactor(), 5e17);
        _record(START + 2, 4501, 0, 3);
        cheats.assertEq(grid.demandFactor(), 3e18);
    }

    function test_demand_does_not_follow_the_few_homes_whose_readings_come_first() external {
        vm.warp((START + 2) * HOUR);
        _record(START, 1000, 0, 2);
        _record(START + 1, 1400, 0, 1);
        cheats.assertEq(grid.demandFactor(), WAD);
        // As many as before are enough, so that a meter that falls silent stops nothing.
        _record(START + 1, 100, 0, 1);
        cheats.assertEq(grid.demandFactor(), 15e17);
        _record(START + 1, 0, 0, 1);
        cheats.assertEq(grid.demandFactor(), WAD);
    }

    function test_demand_does_not_go_back_for_more_readings_beyond_the_last_two_intervals() external {
        vm.warp((START + 3) * HOUR - 1);
        _record(START, 1000, 0, 2);
        _record(START + 1, 700, 0, 1);
        cheats.assertEq(grid.demandFactor(), WAD);
        vm.warp((START + 3) * HOUR);
        cheats.assertEq(grid.demandFactor(), 14e17);
    }

    function test_demand_is_unknown_once_readings_are_more_than_two_intervals_old() external {
        _record(START, 1000, 0, 1);
        vm.warp((START + 3) * HOUR - 1);
        cheats.assertEq(grid.demandFactor(), 2e18);
        vm.warp((START + 3) * HOUR);
        cheats.assertEq(grid.demandFactor(), WAD);
    }

    function test_a_stress_report_counts_for_a_day() external {
        vm.expectEmit(address(grid));
        emit IGridBalance.GridStressReported(_holder(ORACLE), 7e17);
        _as(ORACLE);
        grid.reportGridStress(7e17);
        vm.warp(START * HOUR + 86_399);
        cheats.assertEq(grid.gridStressFactor(), 7e17);
        vm.warp(START * HOUR + 86_400);
        cheats.assertEq(grid.gridStressFactor(), 0);
    }

    function test_a_stress_measurement_counts_for_an_hour_and_the_larger_of_both_holds() external {
        _as(ORACLE);
        grid.reportGridStress(2e17);
        vm.expectEmit(address(grid));
        emit IGridBalance.GridStressMeasured(9e17);
        _measure(9e17);
        vm.warp(START * HOUR + 3599);
        cheats.assertEq(grid.gridStressFactor(), 9e17);
        vm.warp(START * HOUR + 3600);
        cheats.assertEq(grid.gridStressFactor(), 2e17);
        _measure(1e17);
        cheats.assertEq(grid.gridStressFactor(), 2e17);
    }

    function test_stress_is_capped_by_the_parameters_and_a_report_above_them_is_refused() external {
        _measure(10e18);
        cheats.assertEq(grid.gridStressFactor(), 3e18);
        bytes4 invalid = IGridBalance.InvalidFactor.selector;
        bytes memory reason = abi.encodeWithSelector(invalid, 10e18 + 1, 0, 10e18);
        bytes memory call = abi.encodeCall(grid.recordMeasuredStress, (10e18 + 1));
        _fails(_holder(SENSING), address(grid), call, reason);
        reason = abi.encodeWithSelector(invalid, 3e18 + 1, 0, 3e18);
        _fails(_holder(ORACLE), address(grid), abi.encodeCall(grid.reportGridStress, (3e18 + 1)), reason);
        _as(ORACLE);
        grid.reportGridStress(3e18);
    }

    function test_a_multiplier_holds_in_its_hour_of_every_day() external {
        vm.expectEmit(address(grid));
        emit IGridBalance.TimeOfDayMultiplierSet(18, 14e17);
        _setMultiplier(18, 14e17);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 17), WAD);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 18), 14e17);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 19), WAD);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 42), 14e17);
    }

    function test_multipliers_have_24_hours_and_the_bounds_of_the_parameters() external {
        _setMultiplier(23, 5e17);
        _setMultiplier(0, 3e18);
        address governance = _holder(GOVERNANCE);
        bytes memory reason = abi.encodeWithSelector(IGridBalance.InvalidHour.selector, 24);
        _fails(governance, address(grid), abi.encodeCall(grid.setTimeOfDayMultiplier, (24, WAD)), reason);
        bytes4 invalid = IGridBalance.InvalidFactor.selector;
        reason = abi.encodeWithSelector(invalid, 5e17 - 1, 5e17, 3e18);
        _fails(governance, address(grid), abi.encodeCall(grid.setTimeOfDayMultiplier, (1, 5e17 - 1)), reason);
        reason = abi.encodeWithSelector(invalid, 3e18 + 1, 5e17, 3e18);
        _fails(governance, address(grid), abi.encodeCall(grid.setTimeOfDayMultiplier, (1, 3e18 + 1)), reason);
    }

    function test_a_multiplier_set_before_narrower_bounds_is_clamped_into_them() external {
        _setMultiplier(5, 3e18);
        IGridBalance.PriceParameters memory narrower = _parameters();
        narrower.maxFactorWad = 2e18;
        _setParameters(narrower);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 5), 2e18);
    }

    function test_price_is_the_formula_of_all_factors() external {
        _record(START, 600, 0, 1);
        _as(ORACLE);
        grid.reportGridStress(3e17);
        _setMultiplier(18, 14e17);
        // 0.25 * (1.2 + 0.3) * 1.4 and * 1
        cheats.assertEq(grid.energyPrice(START + 18), 525_000);
        cheats.assertEq(grid.energyPrice(START + 17), 375_000);
    }

    function test_price_stays_within_its_least_and_its_largest() external {
        _record(START, 1500, 0, 1);
        _measure(3e18);
        cheats.assertEq(grid.energyPrice(START), 1_000_000);
        IGridBalance.PriceParameters memory cheap = _parameters();
        cheap.baseRate = 1;
        _setParameters(cheap);
        cheats.assertEq(grid.energyPrice(START), 100_000);
    }

    function testFuzz_price_never_leaves_its_bounds(uint96 importWh, uint32 readings, uint256 stress) external {
        _record(START, importWh, 0, uint256(readings) % 1000);
        _measure(stress % (10e18 + 1));
        uint256 price = grid.energyPrice(START);
        cheats.assertGe(price, 100_000);
        cheats.assertLe(price, 1_000_000);
    }

    // Parameters

    function test_parameters_are_told_and_hold_at_once() external {
        IGridBalance.PriceParameters memory dearer = _parameters();
        dearer.baseRate = 300_000;
        vm.expectEmit(address(grid));
        emit IGridBalance.PriceParametersSet(dearer);
        _setParameters(dearer);
        cheats.assertEq(grid.energyPrice(START), 300_000);
    }

    function test_parameters_may_touch_their_bounds() external {
        _setParameters(IGridBalance.PriceParameters(1, 5, 5, 5, 1, 10e18, 10e18));
        cheats.assertEq(grid.energyPrice(START), 5);
    }

    function test_parameters_that_break_a_relation_are_refused() external {
        _refusesParameters(IGridBalance.PriceParameters(0, 5, 5, 5, 1, 1, 1));
        _refusesParameters(IGridBalance.PriceParameters(1, 6, 5, 5, 1, 1, 1));
        _refusesParameters(IGridBalance.PriceParameters(1, 5, 6, 5, 1, 1, 1));
        _refusesParameters(IGridBalance.PriceParameters(1, 5, 5, 5, 0, 1, 1));
        _refusesParameters(IGridBalance.PriceParameters(1, 5, 5, 5, 1, 2, 1));
        _refusesParameters(IGridBalance.PriceParameters(1, 5, 5, 5, 1, 1, 10e18 + 1));
    }

    // Tariffs

    function test_the_operator_opens_consecutive_intervals_with_the_formula_price_as_reference() external {
        (uint64[] memory feedIn, uint64[] memory retail) = (new uint64[](3), new uint64[](3));
        (feedIn[0], retail[0]) = (80_000, 300_000);
        (feedIn[1], retail[1]) = (80_000, 200_000);
        (feedIn[2], retail[2]) = (280_000, 280_000);
        _expectOpened(START + 1, 80_000, 300_000, 250_000);
        _expectOpened(START + 2, 80_000, 200_000, 200_000);
        _expectOpened(START + 3, 280_000, 280_000, 280_000);
        _as(OPERATOR);
        grid.openIntervals(START + 1, feedIn, retail);
        _expectBand(START + 1, 80_000, 300_000, 250_000);
        _expectBand(START + 2, 80_000, 200_000, 200_000);
        _expectBand(START + 3, 280_000, 280_000, 280_000);
        cheats.assertFalse(grid.band(START + 4).open);
    }

    function test_opening_refuses_lists_of_different_length() external {
        (uint64[] memory two, uint64[] memory three) = (new uint64[](2), new uint64[](3));
        bytes memory reason = abi.encodeWithSelector(IGridBalance.BandLengthMismatch.selector, 2, 3);
        bytes memory call = abi.encodeCall(grid.openIntervals, (START + 1, two, three));
        _fails(_holder(OPERATOR), address(grid), call, reason);
    }

    function test_opening_refuses_what_has_begun_is_open_or_is_upside_down() external {
        bytes memory reason = abi.encodeWithSelector(IGridBalance.IntervalInThePast.selector, START, START);
        _failsToOpen(START, 1, 2, reason);
        reason = abi.encodeWithSelector(IGridBalance.InvalidBand.selector, 3, 2);
        _failsToOpen(START + 1, 3, 2, reason);
        grid.openInterval(START + 1);
        reason = abi.encodeWithSelector(IGridBalance.IntervalAlreadyOpen.selector, START + 1);
        _failsToOpen(START + 1, 1, 2, reason);
        _fails(STRANGER, address(grid), abi.encodeCall(grid.openInterval, (START + 1)), reason);
    }

    function test_an_interval_can_be_opened_until_the_second_before_it_begins() external {
        vm.warp((START + 1) * HOUR - 1);
        grid.openInterval(START + 1);
        vm.warp((START + 2) * HOUR);
        bytes memory reason = abi.encodeWithSelector(IGridBalance.IntervalInThePast.selector, START + 2, START + 2);
        _fails(STRANGER, address(grid), abi.encodeCall(grid.openInterval, (START + 2)), reason);
    }

    function test_anyone_opens_the_next_two_intervals_at_the_price_of_the_formula() external {
        _expectOpened(START + 2, 60_000, 250_000, 250_000);
        vm.prank(STRANGER);
        grid.openInterval(START + 2);
        _expectBand(START + 2, 60_000, 250_000, 250_000);
        bytes memory reason = abi.encodeWithSelector(IGridBalance.IntervalTooFarAhead.selector, START + 3, START + 2);
        _fails(STRANGER, address(grid), abi.encodeCall(grid.openInterval, (START + 3)), reason);
    }

    function test_an_open_interval_keeps_its_tariff_when_parameters_change() external {
        grid.openInterval(START + 1);
        _setParameters(IGridBalance.PriceParameters(1, 5, 5, 5, 1, 10e18, 10e18));
        _expectBand(START + 1, 60_000, 250_000, 250_000);
    }

    function _record(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings) private {
        _as(METERING);
        grid.recordInterval(interval, importWh, exportWh, readings);
    }

    function _failsToRecord(uint256 importWh, uint256 exportWh, uint256 readings, bytes memory reason) private {
        bytes memory call = abi.encodeCall(grid.recordInterval, (START, importWh, exportWh, readings));
        _fails(_holder(METERING), address(grid), call, reason);
    }

    function _failsToOpen(uint64 interval, uint64 low, uint64 high, bytes memory reason) private {
        (uint64[] memory feedIn, uint64[] memory retail) = (new uint64[](1), new uint64[](1));
        (feedIn[0], retail[0]) = (low, high);
        bytes memory call = abi.encodeCall(grid.openIntervals, (interval, feedIn, retail));
        _fails(_holder(OPERATOR), address(grid), call, reason);
    }

    function _expectOpened(uint64 interval, uint64 feedIn, uint64 retail, uint64 referencePrice) private {
        vm.expectEmit(address(grid));
        emit IGridBalance.IntervalOpened(interval, feedIn, retail, referencePrice, 0);
    }

    function _measure(uint256 factorWad) private {
        _as(SENSING);
        grid.recordMeasuredStress(factorWad);
    }

    function _setMultiplier(uint8 hour, uint256 multiplierWad) private {
        _as(GOVERNANCE);
        grid.setTimeOfDayMultiplier(hour, multiplierWad);
    }

    function _setParameters(IGridBalance.PriceParameters memory parameters) private {
        _as(GOVERNANCE);
        grid.setPriceParameters(parameters);
    }

    function _refusesParameters(IGridBalance.PriceParameters memory parameters) private {
        bytes memory reason = abi.encodeWithSelector(IGridBalance.InvalidParameters.selector);
        _fails(_holder(GOVERNANCE), address(grid), abi.encodeCall(grid.setPriceParameters, (parameters)), reason);
    }

    function _expectTotals(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings) private view {
        IGridBalance.IntervalTotals memory sums = grid.totals(interval);
        cheats.assertEq(sums.importWh, importWh);
        cheats.assertEq(sums.exportWh, exportWh);
        cheats.assertEq(sums.readings, readings);
    }

    function _expectBand(uint64 interval, uint64 feedIn, uint64 retail, uint64 referencePrice) private view {
        IGridBalance.PriceBand memory band = grid.band(interval);
        cheats.assertEq(band.feedIn, feedIn);
        cheats.assertEq(band.retail, retail);
        cheats.assertEq(band.referencePrice, referencePrice);
        cheats.assertTrue(band.open);
    }
}
