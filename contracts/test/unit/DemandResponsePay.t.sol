// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDemandResponse} from "../../interfaces/IDemandResponse.sol";
import {DemandEvents} from "./DemandEvents.sol";

/// @dev An event from its begin to its last payment.
contract DemandResponsePayTest is DemandEvents {
    uint64 private constant DEADLINE = END + 6 * HOUR;

    function setUp() external {
        _found();
        _announce(_terms());
    }

    // Curtailment

    function test_homes_of_the_called_classes_are_curtailed_in_the_event_only() external {
        _enrolAll();
        vm.warp(BEGIN);
        cheats.assertFalse(demand.isCurtailed(1, 1));
        vm.warp(BEGIN - 1);
        _dispatch(1, 2);
        cheats.assertFalse(demand.isCurtailed(1, 1));
        vm.warp(BEGIN);
        cheats.assertTrue(demand.isCurtailed(1, 1));
        cheats.assertTrue(demand.isCurtailed(1, 2));
        cheats.assertFalse(demand.isCurtailed(1, 3));
        cheats.assertFalse(demand.isCurtailed(1, 9));
        _optOut(1, 2);
        cheats.assertFalse(demand.isCurtailed(1, 2));
    }

    function test_nobody_is_curtailed_by_a_cancelled_event() external {
        _enrolAll();
        _dispatch(1, 3);
        _as(OPERATOR);
        demand.cancel(1);
        vm.warp(BEGIN);
        cheats.assertFalse(demand.isCurtailed(1, 1));
    }

    function test_curtailed_classes_come_back_in_equal_steps_of_the_recovery() external {
        _enrolAll();
        _dispatch(1, 3);
        _expectCurtailed(END - 1, true, true, true);
        _expectCurtailed(END, true, true, true);
        _expectCurtailed(END + 1199, true, true, true);
        _expectCurtailed(END + 1200, true, true, false);
        _expectCurtailed(END + 2400, true, false, false);
        _expectCurtailed(END + 3599, true, false, false);
        _expectCurtailed(END + 3600, false, false, false);
    }

    // Recovery

    function test_anyone_begins_the_recovery_once_the_event_is_over() external {
        _enrol(1, 1);
        bytes memory call = abi.encodeCall(demand.recover, (1));
        _fails(STRANGER, address(demand), call, _wrongStatus(1, IDemandResponse.Status.Announced));
        _dispatch(1, 1);
        vm.warp(END - 1);
        _fails(STRANGER, address(demand), call, abi.encodeWithSelector(IDemandResponse.EventNotOver.selector, 1, END));
        vm.warp(END);
        vm.expectEmit(address(demand));
        emit IDemandResponse.RecoveryStarted(1, END + HOUR);
        vm.prank(STRANGER);
        demand.recover(1);
        _expectStatus(1, IDemandResponse.Status.Recovering);
    }

    function test_an_event_without_homes_is_measured_at_once_and_pays_nothing() external {
        _dispatch(1, 1);
        vm.warp(END);
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventMeasured(1, 0, 0);
        demand.recover(1);
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventSettled(1, 0, BUDGET);
        demand.settle(1);
        cheats.assertEq(demand.refund(1), BUDGET);
    }

    // Measuring

    function test_savings_are_baseline_less_metered_import_and_increases_count() external {
        _runEvent(3);
        _expectSaving(1, 500);
        _expectSaving(2, 600);
        _expectSaving(3, -300);
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventMeasured(1, 800, 1100);
        vm.prank(STRANGER);
        demand.measure(1, 0, 3);
        _expectStatus(1, IDemandResponse.Status.Measured);
        cheats.assertEq(demand.participation(1, 1).savedWh, 500);
        cheats.assertEq(demand.participation(1, 2).savedWh, 600);
        cheats.assertEq(demand.participation(1, 3).savedWh, 0);
    }

    function test_homes_can_be_measured_in_parts_again_and_beyond_the_list() external {
        _runEvent(3);
        demand.measure(1, 2, type(uint256).max);
        cheats.assertEq(demand.stateOf(1).measured, 1);
        demand.measure(1, 2, 1);
        demand.measure(1, 9, 1);
        cheats.assertEq(demand.stateOf(1).measured, 1);
        demand.measure(1, 0, 2);
        _expectStatus(1, IDemandResponse.Status.Measured);
        _fails(
            STRANGER,
            address(demand),
            abi.encodeCall(demand.measure, (1, 0, 1)),
            _wrongStatus(1, IDemandResponse.Status.Measured)
        );
    }

    function test_who_was_not_called_has_no_part_in_it() external {
        _runEvent(1);
        demand.measure(1, 0, 3);
        cheats.assertEq(demand.stateOf(1).netWh, 500);
        cheats.assertEq(demand.stateOf(1).savedWh, 500);
        cheats.assertEq(demand.participation(1, 2).savedWh, 0);
    }

    function test_of_who_left_the_saving_does_not_count_but_the_increase_does() external {
        _enrolAll();
        _dispatch(1, 3);
        vm.warp(BEGIN);
        _optOut(1, 1);
        _optOut(1, 3);
        _useAll();
        demand.recover(1);
        demand.measure(1, 0, 3);
        cheats.assertEq(demand.stateOf(1).netWh, 300);
        cheats.assertEq(demand.stateOf(1).savedWh, 600);
    }

    function test_who_used_exactly_its_baseline_saved_nothing() external {
        _enrol(1, 1);
        _dispatch(1, 1);
        _useInEvent(1, 1000, 1000);
        demand.recover(1);
        demand.measure(1, 0, 1);
        cheats.assertEq(demand.stateOf(1).netWh, 0);
        cheats.assertEq(demand.stateOf(1).savedWh, 0);
    }

    function test_a_home_without_readings_waits_for_the_deadline_and_is_not_paid_then() external {
        _enrol(1, 1);
        _enrol(1, 2);
        _dispatch(1, 3);
        _useInEvent(2, 500, 500);
        demand.recover(1);
        vm.warp(DEADLINE - 1);
        demand.measure(1, 0, 2);
        cheats.assertFalse(demand.participation(1, 1).measured);
        vm.warp(DEADLINE);
        vm.expectEmit(address(demand));
        emit IDemandResponse.SavingMeasured(1, 1, 0, false);
        demand.measure(1, 0, 2);
        cheats.assertEq(demand.stateOf(1).netWh, 600);
    }

    function test_energy_that_a_silence_brings_into_the_event_takes_nothing_from_others() external {
        _enrol(1, 1);
        _enrol(1, 2);
        _dispatch(1, 3);
        // Two intervals before the event are read with its first one.
        _meterUse(1, FIRST, 9000, 0);
        _meterUse(1, FIRST + 1, 0, 0);
        _useInEvent(2, 500, 500);
        demand.recover(1);
        demand.measure(1, 0, 2);
        cheats.assertFalse(demand.participation(1, 1).measured);
        vm.warp(DEADLINE);
        demand.measure(1, 0, 2);
        cheats.assertEq(demand.stateOf(1).netWh, 600);
    }

    function test_who_is_measured_cannot_leave_any_more() external {
        _runEvent(3);
        demand.measure(1, 0, 1);
        bytes memory call = abi.encodeCall(demand.optOut, (1));
        _failsFor(1, call, abi.encodeWithSelector(IDemandResponse.NotEnrolled.selector, 1, 1));
        _optOut(1, 2);
        demand.measure(1, 1, 2);
        _failsFor(3, call, _wrongStatus(1, IDemandResponse.Status.Measured));
    }

    // Payment

    function test_the_payout_is_the_rate_times_the_net_saving_shared_by_savings() external {
        _runEvent(3);
        demand.measure(1, 0, 3);
        cheats.assertEq(demand.incentive(1, 1), 0);
        vm.expectEmit(address(demand));
        // 0.1 for each of 0.8 kWh.
        emit IDemandResponse.EventSettled(1, 80_000, 920_000);
        demand.settle(1);
        cheats.assertEq(demand.stateOf(1).payout, 80_000);
        cheats.assertEq(demand.incentive(1, 1), 36_363);
        cheats.assertEq(demand.incentive(1, 2), 43_636);
        cheats.assertEq(demand.incentive(1, 3), 0);
        vm.expectEmit(address(demand));
        emit IDemandResponse.IncentivePaid(1, 1, 36_363);
        vm.prank(STRANGER);
        cheats.assertEq(demand.claim(1, 1), 36_363);
        cheats.assertEq(money.balanceOf(_account(1)), 36_363);
        cheats.assertTrue(demand.participation(1, 1).paid);
        _failsToClaim(1);
        _failsToClaim(3);
        _failsToClaim(4);
    }

    function test_the_rest_of_the_budget_goes_back_once() external {
        bytes memory call = abi.encodeCall(demand.refund, (1));
        _fails(STRANGER, address(demand), call, _wrongStatus(1, IDemandResponse.Status.Announced));
        _runEvent(3);
        demand.measure(1, 0, 3);
        demand.settle(1);
        vm.expectEmit(address(demand));
        emit IDemandResponse.BudgetRefunded(1, _holder(OPERATOR), 920_000);
        vm.prank(STRANGER);
        cheats.assertEq(demand.refund(1), 920_000);
        cheats.assertEq(money.balanceOf(_holder(OPERATOR)), 10 * BUDGET - 80_000);
        _fails(STRANGER, address(demand), call, abi.encodeWithSelector(IDemandResponse.NothingToRefund.selector, 1));
        demand.claim(1, 1);
        demand.claim(1, 2);
        cheats.assertEq(money.balanceOf(address(demand)), 1);
    }

    function test_settling_needs_a_measured_event_and_happens_once() external {
        bytes memory call = abi.encodeCall(demand.settle, (1));
        _fails(STRANGER, address(demand), call, _wrongStatus(1, IDemandResponse.Status.Announced));
        _runEvent(3);
        demand.measure(1, 0, 3);
        demand.settle(1);
        _fails(STRANGER, address(demand), call, _wrongStatus(1, IDemandResponse.Status.Settled));
    }

    function test_a_net_increase_pays_nobody_though_some_saved() external {
        _enrolAll();
        _dispatch(1, 3);
        _useInEvent(1, 500, 500);
        _useInEvent(2, 5000, 5000);
        _useInEvent(3, 0, 0);
        demand.recover(1);
        demand.measure(1, 0, 3);
        demand.settle(1);
        cheats.assertEq(demand.stateOf(1).netWh, 1000 - 8400 + 2000);
        cheats.assertEq(demand.stateOf(1).payout, 0);
        _failsToClaim(1);
    }

    function test_a_payout_is_at_most_the_budget_and_then_nothing_goes_back() external {
        IDemandResponse.Terms memory terms = _terms();
        terms.budget = 100;
        _announce(terms);
        _enrol(2, 1);
        _dispatch(2, 1);
        _useInEvent(1, 0, 0);
        demand.recover(2);
        demand.measure(2, 0, 1);
        demand.settle(2);
        cheats.assertEq(demand.stateOf(2).payout, 100);
        cheats.assertEq(demand.claim(2, 1), 100);
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.NothingToRefund.selector, 2);
        _fails(STRANGER, address(demand), abi.encodeCall(demand.refund, (2)), reason);
    }

    function testFuzz_payments_and_refund_never_exceed_the_budget(uint16[3] memory uses) external {
        _settleWith(uses);
        uint256 paid = demand.stateOf(1).payout;
        uint256 sum = demand.incentive(1, 1) + demand.incentive(1, 2) + demand.incentive(1, 3);
        cheats.assertLe(sum, paid);
        int256 net = 5600 - int256(uint256(uses[0] % 5000) + uses[1] % 5000 + uses[2] % 5000);
        cheats.assertEq(paid, net > 0 ? uint256(net) * 100 : 0);
        cheats.assertLe(paid, BUDGET);
    }

    function testFuzz_a_home_in_parts_is_paid_no_more_than_the_same_home_whole(uint16[3] memory uses) external {
        // Homes 1 and 2 are the parts; both save.
        (uses[0], uses[1]) = (uses[0] % 2000, uses[1] % 1600);
        _settleWith(uses);
        IDemandResponse.EventState memory state = demand.stateOf(1);
        uint256 whole = (uint256(state.payout) * (3600 - uint256(uses[0]) - uses[1])) / state.savedWh;
        cheats.assertLe(demand.incentive(1, 1) + demand.incentive(1, 2), whole);
    }

    function _settleWith(uint16[3] memory uses) private {
        _enrolAll();
        _dispatch(1, 3);
        for (uint256 i = 0; i < 3; ++i) {
            _useInEvent(i + 1, uses[i] % 5000, 0);
        }
        demand.recover(1);
        demand.measure(1, 0, 3);
        demand.settle(1);
    }

    function _enrolAll() private {
        for (uint256 i = 1; i <= 3; ++i) {
            _enrol(1, i);
        }
    }

    /// @dev Home 1 saves 500 Wh of 2000, home 2 saves 600 of 1600, home 3 uses 300 more than its 2000.
    function _useAll() private {
        _useInEvent(1, 800, 700);
        _useInEvent(2, 1000, 0);
        _useInEvent(3, 1200, 1100);
    }

    function _runEvent(uint8 stage) private {
        _enrolAll();
        _dispatch(1, stage);
        _useAll();
        demand.recover(1);
    }

    function _expectSaving(uint32 memberId, int256 savingWh) private {
        vm.expectEmit(address(demand));
        emit IDemandResponse.SavingMeasured(1, memberId, savingWh, true);
    }

    function _failsToClaim(uint32 memberId) private {
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.NothingToPay.selector, 1, memberId);
        _fails(STRANGER, address(demand), abi.encodeCall(demand.claim, (1, memberId)), reason);
    }

    function _expectCurtailed(uint64 time, bool one, bool two, bool three) private {
        vm.warp(time);
        cheats.assertTrue(demand.isCurtailed(1, 1) == one);
        cheats.assertTrue(demand.isCurtailed(1, 2) == two);
        cheats.assertTrue(demand.isCurtailed(1, 3) == three);
    }
}
