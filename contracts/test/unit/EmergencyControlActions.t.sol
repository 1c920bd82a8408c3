// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmergencyControl} from "../../interfaces/IEmergencyControl.sol";
import {Emergencies} from "./Emergencies.sol";

contract EmergencyControlActionsTest is Emergencies {
    function setUp() external {
        _found();
    }

    // Declarations

    function test_a_guardian_declares_a_level_for_a_while() external {
        vm.expectEmit(address(control));
        emit IEmergencyControl.EmergencyDeclared(_holder(GUARDIAN), ALERT, NOW + 100, "storm");
        _expectChange(NORMAL, ALERT, NOW + 100, IEmergencyControl.Cause.Declared);
        _declare(ALERT, 100);
        _expectStatus(ALERT, true, 0, NOW, NOW + 100);
        cheats.assertEq(control.nextDeclaration(), NOW + 100 + 2 * RECOVERY_SECONDS);
        vm.warp(NOW + 100);
        _expectStatus(NORMAL, false, 0, NOW + 100, 0);
    }

    function test_a_declared_level_does_not_fall_by_measurement() external {
        _declare(EMERGENCY, 7200);
        vm.warp(NOW + 300);
        _report(0);
        _expectStatus(EMERGENCY, true, 0, NOW, NOW + 7200);
        _fails(
            _holder(GUARDIAN),
            address(control),
            abi.encodeCall(control.declare, (EMERGENCY, 1, "")),
            abi.encodeWithSelector(IEmergencyControl.InvalidLevel.selector, EMERGENCY, EMERGENCY)
        );
    }

    function test_a_declared_alert_does_not_fall_by_measurement_either() external {
        _declare(ALERT, 600);
        vm.warp(NOW + 300);
        _report(0);
        _expectStatus(ALERT, true, 0, NOW, NOW + 600);
    }

    function test_a_guardian_declares_alert_or_emergency_and_only_upwards() external {
        _refusesLevel(NORMAL, NORMAL);
        _refusesLevel(RECOVERY, NORMAL);
        _report(500);
        _refusesLevel(NORMAL, ALERT);
        _refusesLevel(ALERT, ALERT);
        _refusesLevel(RECOVERY, ALERT);
        _declare(EMERGENCY, 1);
        vm.warp(NOW + 1);
        _refusesLevel(ALERT, RECOVERY);
        _refusesLevel(RECOVERY, RECOVERY);
    }

    function test_a_declaration_lasts_at_least_a_second_and_at_most_as_long_as_its_level() external {
        _refusesDuration(ALERT, 0, uint32(ALERT_SECONDS));
        _refusesDuration(ALERT, uint32(ALERT_SECONDS) + 1, uint32(ALERT_SECONDS));
        _refusesDuration(EMERGENCY, uint32(EMERGENCY_SECONDS) + 1, uint32(EMERGENCY_SECONDS));
        _declare(ALERT, uint32(ALERT_SECONDS));
        _declare(EMERGENCY, uint32(EMERGENCY_SECONDS));
    }

    function test_a_guardian_pauses_between_declarations_but_may_escalate_its_own_alert() external {
        _declare(ALERT, 100);
        _declare(EMERGENCY, 10);
        uint64 earliest = NOW + 10 + 2 * RECOVERY_SECONDS;
        cheats.assertEq(control.nextDeclaration(), earliest);
        vm.warp(earliest - 1);
        _fails(
            _holder(GUARDIAN),
            address(control),
            abi.encodeCall(control.declare, (ALERT, 100, "")),
            abi.encodeWithSelector(IEmergencyControl.DeclaredTooSoon.selector, earliest)
        );
        vm.warp(earliest);
        _declare(ALERT, 100);
    }

    function test_a_guardian_may_not_take_over_an_alert_that_it_did_not_declare_too_soon() external {
        _declare(ALERT, 100);
        vm.warp(NOW + 100);
        _report(500);
        _fails(
            _holder(GUARDIAN),
            address(control),
            abi.encodeCall(control.declare, (EMERGENCY, 100, "")),
            abi.encodeWithSelector(IEmergencyControl.DeclaredTooSoon.selector, NOW + 100 + 2 * RECOVERY_SECONDS)
        );
    }

    function test_a_guardian_may_declare_an_emergency_in_a_recovery() external {
        _report(900);
        vm.warp(NOW + EMERGENCY_SECONDS);
        _declare(EMERGENCY, 60);
        _expectStatus(EMERGENCY, true, 0, NOW + EMERGENCY_SECONDS, NOW + EMERGENCY_SECONDS + 60);
    }

    // Standing down

    function test_an_operator_stands_down_step_by_step() external {
        _declare(EMERGENCY, 100);
        _expectChange(EMERGENCY, RECOVERY, NOW + RECOVERY_SECONDS, IEmergencyControl.Cause.StoodDown);
        _standDown();
        _expectStatus(RECOVERY, false, 0, NOW, NOW + RECOVERY_SECONDS);
        _expectChange(RECOVERY, NORMAL, 0, IEmergencyControl.Cause.StoodDown);
        _standDown();
        _expectStatus(NORMAL, false, 0, NOW, 0);
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.NothingToEnd.selector);
        _fails(_holder(OPERATOR), address(control), abi.encodeCall(control.standDown, ()), reason);
        _report(500);
        _expectChange(ALERT, NORMAL, 0, IEmergencyControl.Cause.StoodDown);
        _standDown();
    }

    // Shedding

    function test_classes_are_curtailed_one_after_the_other_and_critical_never() external {
        _join(ZONE);
        _join(ZONE);
        _join(ZONE);
        _setPriority(1, IEmergencyControl.PriorityClass.Flexible);
        _setPriority(3, IEmergencyControl.PriorityClass.Essential);
        _setPriority(4, IEmergencyControl.PriorityClass.Critical);
        _report(900);
        _expectShed(false, false, false, false);
        vm.expectEmit(address(control));
        emit IEmergencyControl.SheddingOrdered(1, NOW + EMERGENCY_SECONDS);
        _setShedding(1);
        _expectShed(true, false, false, false);
        _setShedding(2);
        _expectShed(true, true, false, false);
        _setShedding(3);
        _expectShed(true, true, true, false);
        _setShedding(0);
        _expectShed(false, false, false, false);
    }

    function test_shedding_needs_an_emergency_and_passes_over_no_class() external {
        _refusesShedding(1, abi.encodeWithSelector(IEmergencyControl.NoEmergency.selector, NORMAL));
        _report(500);
        _refusesShedding(0, abi.encodeWithSelector(IEmergencyControl.NoEmergency.selector, ALERT));
        _report(900);
        _refusesShedding(4, abi.encodeWithSelector(IEmergencyControl.InvalidStage.selector, 4, 3));
        _refusesShedding(2, abi.encodeWithSelector(IEmergencyControl.SheddingOutOfOrder.selector, 0, 2));
        _setShedding(1);
        _refusesShedding(3, abi.encodeWithSelector(IEmergencyControl.SheddingOutOfOrder.selector, 1, 3));
    }

    function test_curtailed_classes_come_back_in_equal_steps_of_the_recovery() external {
        _shed(3);
        uint64 end = NOW + EMERGENCY_SECONDS;
        _expectStage(end, 3);
        _expectStage(end + 1199, 3);
        _expectStage(end + 1200, 2);
        _expectStage(end + 2399, 2);
        _expectStage(end + 2400, 1);
        _expectStage(end + 3599, 1);
        _expectStage(end + 3600, 0);
    }

    function testFuzz_the_stage_never_rises_while_nothing_happens(uint8 stage, uint16[4] memory steps) external {
        _shed(uint8(_within(stage, 1, 3)));
        uint8 last = control.status().stage;
        uint256 time = NOW;
        for (uint256 i = 0; i < steps.length; ++i) {
            time += steps[i] % 5000;
            vm.warp(time);
            uint8 next = control.status().stage;
            cheats.assertLe(next, last);
            last = next;
        }
        vm.warp(NOW + EMERGENCY_SECONDS + RECOVERY_SECONDS);
        cheats.assertEq(control.status().stage, 0);
    }

    // Priorities

    function test_everybody_is_standard_until_an_operator_says_otherwise() external {
        cheats.assertTrue(control.priorityOf(1) == IEmergencyControl.PriorityClass.Standard);
        vm.expectEmit(address(control));
        emit IEmergencyControl.PrioritySet(1, IEmergencyControl.PriorityClass.Flexible);
        _setPriority(1, IEmergencyControl.PriorityClass.Flexible);
        cheats.assertTrue(control.priorityOf(1) == IEmergencyControl.PriorityClass.Flexible);
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.MemberNotFound.selector, 2);
        bytes memory call = abi.encodeCall(control.setPriority, (2, IEmergencyControl.PriorityClass.Critical));
        _fails(_holder(OPERATOR), address(control), call, reason);
    }

    // New rules and what runs under the old ones

    function test_new_rules_do_not_bring_back_a_level_that_has_ended() external {
        _report(900);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end + RECOVERY_SECONDS);
        IEmergencyControl.Rules memory longer = _rules();
        longer.recoverySeconds = 604_800;
        _expectChange(EMERGENCY, RECOVERY, end + RECOVERY_SECONDS, IEmergencyControl.Cause.Expired);
        _expectChange(RECOVERY, NORMAL, 0, IEmergencyControl.Cause.Expired);
        _setRules(longer);
        _expectStatus(NORMAL, false, 0, end + RECOVERY_SECONDS, 0);
    }
}
