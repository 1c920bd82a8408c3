// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DemandResponse} from "../../grid/DemandResponse.sol";
import {IDemandResponse} from "../../interfaces/IDemandResponse.sol";
import {IEmergencyControl} from "../../interfaces/IEmergencyControl.sol";
import {FeeToken} from "../../mocks/FeeToken.sol";
import {DemandEvents} from "./DemandEvents.sol";

/// @dev An event up to its begin.
contract DemandResponseTest is DemandEvents {
    IDemandResponse.Status private constant NONE = IDemandResponse.Status.None;
    IDemandResponse.Status private constant ANNOUNCED = IDemandResponse.Status.Announced;
    IDemandResponse.Status private constant DISPATCHED = IDemandResponse.Status.Dispatched;
    IDemandResponse.Status private constant CANCELLED = IDemandResponse.Status.Cancelled;

    function setUp() external {
        _found();
    }

    // Announcement

    function test_deployment_keeps_the_contracts_around() external view {
        cheats.assertEq(address(demand.paymentToken()), address(money));
        cheats.assertEq(address(demand.registry()), address(registry));
        cheats.assertEq(address(demand.emergencyControl()), address(control));
        cheats.assertEq(demand.eventCount(), 0);
    }

    function test_an_operator_announces_an_event_and_its_budget_is_taken() external {
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventAnnounced(1, _holder(OPERATOR), _terms());
        cheats.assertEq(_announce(_terms()), 1);
        cheats.assertEq(money.balanceOf(address(demand)), BUDGET);
        cheats.assertEq(demand.eventCount(), 1);
        cheats.assertEq(abi.encode(demand.termsOf(1)), abi.encode(_terms()));
        IDemandResponse.EventState memory expected;
        (expected.status, expected.sponsor) = (ANNOUNCED, _holder(OPERATOR));
        cheats.assertEq(abi.encode(demand.stateOf(1)), abi.encode(expected));
        cheats.assertEq(_announce(_terms()), 2);
    }

    function test_each_restricted_function_belongs_to_one_role() external {
        _announce(_terms());
        _onlyFor(OPERATOR, address(demand), abi.encodeCall(demand.announce, (_terms())));
        _onlyFor(OPERATOR, address(demand), abi.encodeCall(demand.dispatch, (1, 1)));
        _onlyFor(OPERATOR, address(demand), abi.encodeCall(demand.cancel, (1)));
    }

    function test_terms_outside_their_ranges_are_refused() external {
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.InvalidTerms.selector);
        for (uint256 i = 0; i < 6; ++i) {
            IDemandResponse.Terms memory terms = _terms();
            if (i == 0) terms.intervals = 0;
            if (i == 1) terms.intervals = 9;
            if (i == 2) terms.baselineIntervals = 0;
            if (i == 3) terms.baselineIntervals = 25;
            if (i == 4) terms.rate = 0;
            if (i == 5) terms.budget = 0;
            _refusesTerms(terms, reason);
        }
    }

    function test_terms_may_touch_their_bounds() external {
        vm.warp((START + 30) * HOUR);
        _announce(IDemandResponse.Terms(START + 31, 8, START, 24, 0, 1, 1));
        _announce(IDemandResponse.Terms(START + 31, 1, START + 29, 1, 0, 1, 1));
    }

    function test_an_event_begins_after_the_present_interval() external {
        IDemandResponse.Terms memory terms = _terms();
        terms.firstInterval = START + 4;
        _refusesTerms(terms, abi.encodeWithSelector(IDemandResponse.EventInThePast.selector, START + 4, START + 4));
        terms.firstInterval = START + 5;
        _announce(terms);
    }

    function test_a_baseline_has_ended_and_lies_within_32_intervals_of_the_begin() external {
        IDemandResponse.Terms memory terms = _terms();
        terms.baselineIntervals = 5;
        _refusesBaseline(terms, START - 25);
        (terms.baselineFirst, terms.baselineIntervals) = (START + 5, 1);
        _refusesBaseline(terms, START - 25);
        terms.baselineFirst = type(uint64).max;
        _refusesBaseline(terms, START - 25);
        (terms.firstInterval, terms.baselineFirst) = (START + 32, START);
        _refusesBaseline(terms, START + 1);
        terms.baselineFirst = START + 1;
        _announce(terms);
    }

    function test_in_the_first_32_intervals_of_time_a_baseline_may_begin_with_the_first() external {
        vm.warp(2 * HOUR);
        // Roles are granted from a time on: early in time that takes an early manager.
        manager = new AccessManager(address(this));
        demand = new DemandResponse(address(manager), money, registry, control);
        _allow(address(demand), demand.announce.selector, OPERATOR);
        manager.grantRole(OPERATOR, _holder(OPERATOR), 0);
        _as(OPERATOR);
        money.approve(address(demand), 1);
        _announce(IDemandResponse.Terms(3, 1, 0, 2, 0, 1, 1));
        IDemandResponse.Terms memory terms = IDemandResponse.Terms(3, 1, 0, 3, 0, 1, 1);
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.BaselineOutOfReach.selector, 0, 0, 2);
        _refusesTerms(terms, reason);
    }

    function test_a_token_that_delivers_less_is_refused() external {
        (, DemandResponse other) = _withFeeToken();
        // A hundredth stays behind.
        bytes memory reason =
            abi.encodeWithSelector(IDemandResponse.BudgetNotReceived.selector, BUDGET, BUDGET - BUDGET / 100);
        _fails(_holder(OPERATOR), address(other), abi.encodeCall(other.announce, (_terms())), reason);
    }

    function test_a_token_that_calls_back_gets_no_second_turn() external {
        (FeeToken token, DemandResponse other) = _withFeeToken();
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        bytes memory call = abi.encodeCall(other.announce, (_terms()));
        token.attack(address(other), abi.encodeCall(other.claim, (1, 1)));
        _fails(_holder(OPERATOR), address(other), call, reason);
        token.attack(address(other), abi.encodeCall(other.refund, (1)));
        _fails(_holder(OPERATOR), address(other), call, reason);
    }

    // Enrolment

    function test_a_home_enrols_with_its_mean_import_as_baseline() external {
        _announce(_terms());
        vm.expectEmit(address(demand));
        emit IDemandResponse.Enrolled(1, 2, 1600);
        _enrol(1, 2);
        _enrol(1, 3);
        _enrol(1, 1);
        cheats.assertEq(demand.participation(1, 1).baselineWh, 2000);
        // 4001 * 2 / 4 = 2000.5, rounded against the home.
        cheats.assertEq(demand.participation(1, 3).baselineWh, 2000);
        IDemandResponse.Participation memory expected = IDemandResponse.Participation(
            1600, 0, IEmergencyControl.PriorityClass.Standard, true, false, false, false, 0
        );
        cheats.assertEq(abi.encode(demand.participation(1, 2)), abi.encode(expected));
        cheats.assertEq(demand.participantAt(1, 0), 2);
        cheats.assertEq(demand.participantAt(1, 2), 1);
        cheats.assertEq(demand.stateOf(1).participants, 3);
        cheats.assertEq(demand.promisedTo(2, FIRST), 1);
        cheats.assertEq(demand.promisedTo(2, FIRST + 1), 1);
        cheats.assertEq(demand.promisedTo(2, FIRST + 2), 0);
    }

    function test_enrolment_ends_with_the_begin_of_the_event() external {
        _announce(_terms());
        vm.warp(BEGIN - 1);
        _enrol(1, 1);
        vm.warp(BEGIN);
        _failsToEnrol(2, abi.encodeWithSelector(IDemandResponse.EventBegun.selector, 1, BEGIN));
    }

    function test_enrolment_needs_an_event_that_is_announced() external {
        _failsToEnrol(1, _wrongStatus(1, NONE));
        _announce(_terms());
        _dispatch(1, 1);
        _failsToEnrol(1, _wrongStatus(1, DISPATCHED));
    }

    function test_only_members_enrol_and_only_once() external {
        _announce(_terms());
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.NotAMember.selector, _account(9));
        _failsToEnrol(9, reason);
        _enrol(1, 1);
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.AlreadyEnrolled.selector, 1, 1));
    }

    function test_an_event_of_a_zone_takes_homes_with_a_meter_there() external {
        IDemandResponse.Terms memory terms = _terms();
        terms.zone = OTHER_ZONE;
        _announce(terms);
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.OutsideZone.selector, 1, OTHER_ZONE));
        _enrol(1, 4);
    }

    function test_a_home_without_a_meter_is_in_no_zone() external {
        _announce(_terms());
        _as(MAINTAINER);
        registry.retireDevice(_meter(1));
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.OutsideZone.selector, 1, type(uint32).max));
    }

    function test_critical_loads_do_not_enrol() external {
        _announce(_terms());
        _setPriority(1, IEmergencyControl.PriorityClass.Critical);
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.CriticalLoad.selector, 1));
    }

    function test_a_missing_reading_in_the_baseline_is_unknown_not_zero() external {
        IDemandResponse.Terms memory terms = _terms();
        (terms.baselineFirst, terms.baselineIntervals) = (START + 3, 2);
        vm.warp((START + 5) * HOUR);
        _announce(terms);
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.BaselineUnknown.selector, 1, START + 4));
        cheats.assertEq(demand.promisedTo(1, FIRST), 0);
    }

    function test_a_baseline_after_a_silence_holds_more_than_its_own_energy_and_is_unknown() external {
        // Home 1 is silent for an interval; the reading after it brings both their energies.
        _meterUse(1, START + 5, 2000, 0);
        IDemandResponse.Terms memory terms = _terms();
        terms.firstInterval = START + 8;
        (terms.baselineFirst, terms.baselineIntervals) = (START + 5, 1);
        _announce(terms);
        _failsToEnrol(1, abi.encodeWithSelector(IDemandResponse.BaselineUnknown.selector, 1, START + 4));
        terms.baselineFirst = START - 1;
        _announce(terms);
        _fails(
            _account(1),
            address(demand),
            abi.encodeCall(demand.enrol, (2)),
            abi.encodeWithSelector(IDemandResponse.BaselineUnknown.selector, 1, START - 2)
        );
    }

    function test_a_saving_is_promised_to_one_event_unless_that_is_cancelled() external {
        _announce(_terms());
        IDemandResponse.Terms memory terms = _terms();
        terms.firstInterval = FIRST - 1;
        _announce(terms);
        _enrol(1, 1);
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.IntervalAlreadyPromised.selector, 1, FIRST, 1);
        _failsFor(1, abi.encodeCall(demand.enrol, (2)), reason);
        _as(OPERATOR);
        demand.cancel(1);
        cheats.assertEq(demand.promisedTo(1, FIRST), 0);
        _enrol(2, 1);
        cheats.assertEq(demand.promisedTo(1, FIRST), 2);
    }

    // Leaving

    function test_leaving_before_the_begin_is_as_if_never_enrolled() external {
        _announce(_terms());
        for (uint256 i = 1; i <= 3; ++i) {
            _enrol(1, i);
        }
        vm.expectEmit(address(demand));
        emit IDemandResponse.OptedOut(1, 1);
        _optOut(1, 1);
        IDemandResponse.Participation memory nothing;
        cheats.assertEq(abi.encode(demand.participation(1, 1)), abi.encode(nothing));
        cheats.assertEq(demand.promisedTo(1, FIRST), 0);
        cheats.assertEq(demand.promisedTo(1, FIRST + 1), 0);
        cheats.assertEq(demand.stateOf(1).participants, 2);
        cheats.assertEq(demand.participantAt(1, 0), 3);
        cheats.assertEq(demand.participation(1, 3).place, 0);
        _optOut(1, 2);
        _optOut(1, 3);
        cheats.assertEq(demand.stateOf(1).participants, 0);
        _enrol(1, 1);
        cheats.assertEq(demand.participantAt(1, 0), 1);
    }

    function test_leaving_after_the_begin_keeps_the_place_and_is_final() external {
        _announce(_terms());
        _enrol(1, 1);
        _dispatch(1, 1);
        vm.warp(BEGIN);
        _optOut(1, 1);
        cheats.assertTrue(demand.participation(1, 1).optedOut);
        cheats.assertEq(demand.stateOf(1).participants, 1);
        cheats.assertEq(demand.promisedTo(1, FIRST), 1);
        bytes memory reason = abi.encodeWithSelector(IDemandResponse.NotEnrolled.selector, 1, 1);
        _failsFor(1, abi.encodeCall(demand.optOut, (1)), reason);
    }

    function test_only_who_takes_part_leaves() external {
        _failsFor(1, abi.encodeCall(demand.optOut, (1)), _wrongStatus(1, NONE));
        _announce(_terms());
        bytes memory call = abi.encodeCall(demand.optOut, (1));
        _failsFor(1, call, abi.encodeWithSelector(IDemandResponse.NotEnrolled.selector, 1, 1));
        _failsFor(9, call, abi.encodeWithSelector(IDemandResponse.NotAMember.selector, _account(9)));
        _as(OPERATOR);
        demand.cancel(1);
        _failsFor(1, call, _wrongStatus(1, CANCELLED));
    }

    // Dispatch and cancellation

    function test_an_operator_dispatches_1_to_3_classes_before_the_begin() external {
        _announce(_terms());
        bytes4 invalid = IDemandResponse.InvalidStage.selector;
        _failsToDispatch(0, abi.encodeWithSelector(invalid, 0));
        _failsToDispatch(4, abi.encodeWithSelector(invalid, 4));
        vm.warp(BEGIN);
        _failsToDispatch(1, abi.encodeWithSelector(IDemandResponse.EventBegun.selector, 1, BEGIN));
        vm.warp(BEGIN - 1);
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventDispatched(1, 3);
        _dispatch(1, 3);
        cheats.assertEq(demand.stateOf(1).stage, 3);
        _failsToDispatch(3, _wrongStatus(1, DISPATCHED));
    }

    function test_an_operator_cancels_before_the_begin_and_the_budget_goes_back() external {
        _announce(_terms());
        _dispatch(1, 1);
        vm.warp(BEGIN - 1);
        bytes memory call = abi.encodeCall(demand.cancel, (1));
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        _fails(STRANGER, address(demand), call, reason);
        vm.expectEmit(address(demand));
        emit IDemandResponse.EventCancelled(1);
        _as(OPERATOR);
        demand.cancel(1);
        _expectStatus(1, CANCELLED);
        _fails(_holder(OPERATOR), address(demand), call, _wrongStatus(1, CANCELLED));
        vm.expectEmit(address(demand));
        emit IDemandResponse.BudgetRefunded(1, _holder(OPERATOR), BUDGET);
        cheats.assertEq(demand.refund(1), BUDGET);
        cheats.assertEq(money.balanceOf(_holder(OPERATOR)), 10 * BUDGET);
        reason = abi.encodeWithSelector(IDemandResponse.NothingToRefund.selector, 1);
        _fails(STRANGER, address(demand), abi.encodeCall(demand.refund, (1)), reason);
    }

    function test_anyone_cancels_an_event_that_began_without_dispatch_and_nobody_one_that_was_called() external {
        _announce(_terms());
        _announce(_terms());
        _dispatch(2, 1);
        vm.warp(BEGIN);
        vm.prank(STRANGER);
        demand.cancel(1);
        _expectStatus(1, CANCELLED);
        _fails(_holder(OPERATOR), address(demand), abi.encodeCall(demand.cancel, (2)), _wrongStatus(2, DISPATCHED));
        _fails(STRANGER, address(demand), abi.encodeCall(demand.cancel, (3)), _wrongStatus(3, NONE));
    }

    /// @dev Events paid in a token that keeps a hundredth of each transfer; the operator has enough of it.
    function _withFeeToken() private returns (FeeToken token, DemandResponse other) {
        token = new FeeToken();
        other = new DemandResponse(address(manager), token, registry, control);
        _allow(address(other), other.announce.selector, OPERATOR);
        token.mint(_holder(OPERATOR), BUDGET);
        _as(OPERATOR);
        token.approve(address(other), BUDGET);
    }

    function _refusesTerms(IDemandResponse.Terms memory terms, bytes memory reason) private {
        _fails(_holder(OPERATOR), address(demand), abi.encodeCall(demand.announce, (terms)), reason);
    }

    function _refusesBaseline(IDemandResponse.Terms memory terms, uint64 earliest) private {
        bytes4 outOfReach = IDemandResponse.BaselineOutOfReach.selector;
        _refusesTerms(terms, abi.encodeWithSelector(outOfReach, terms.baselineFirst, earliest, START + 4));
    }

    function _failsToEnrol(uint256 memberId, bytes memory reason) private {
        _failsFor(memberId, abi.encodeCall(demand.enrol, (1)), reason);
    }

    function _failsToDispatch(uint8 stage, bytes memory reason) private {
        _fails(_holder(OPERATOR), address(demand), abi.encodeCall(demand.dispatch, (1, stage)), reason);
    }
}
