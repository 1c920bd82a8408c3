// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmergencyControl} from "../../interfaces/IEmergencyControl.sol";
import {Emergencies} from "./Emergencies.sol";

contract EmergencyControlTest is Emergencies {
    function setUp() external {
        _found();
    }

    // Deployment, permissions, rules

    function test_deployment_begins_normal_with_the_rules_and_the_contracts_around() external view {
        cheats.assertEq(abi.encode(control.rules()), abi.encode(_rules()));
        cheats.assertEq(address(control.registry()), address(registry));
        cheats.assertEq(address(control.monitor()), address(monitor));
        _expectStatus(NORMAL, false, 0, 0, 0);
        cheats.assertEq(control.nextDeclaration(), 0);
        _expectSeverity(0, false);
    }

    function test_each_restricted_function_belongs_to_one_role() external {
        address target = address(control);
        _onlyFor(ORACLE, target, abi.encodeCall(control.reportSeverity, (1)));
        _onlyFor(GUARDIAN, target, abi.encodeCall(control.declare, (ALERT, 1, "")));
        _onlyFor(OPERATOR, target, abi.encodeCall(control.standDown, ()));
        _onlyFor(OPERATOR, target, abi.encodeCall(control.setShedding, (1)));
        _onlyFor(OPERATOR, target, abi.encodeCall(control.setPriority, (1, IEmergencyControl.PriorityClass.Critical)));
        _onlyFor(GOVERNANCE, target, abi.encodeCall(control.setRules, (_rules())));
    }

    function test_governance_sets_rules_that_may_touch_their_bounds() external {
        IEmergencyControl.Rules memory rules =
            IEmergencyControl.Rules(1000, 999, 1000, 999, 604_800, 604_800, 604_800, 604_800);
        vm.expectEmit(address(control));
        emit IEmergencyControl.RulesSet(rules);
        _setRules(rules);
        cheats.assertEq(abi.encode(control.rules()), abi.encode(rules));
        _setRules(IEmergencyControl.Rules(1, 0, 1, 0, 0, 1, 1, 1));
    }

    function test_rules_that_break_a_relation_are_refused() external {
        _refusesRules(IEmergencyControl.Rules(300, 300, 900, 600, 300, 1, 1, 1));
        _refusesRules(IEmergencyControl.Rules(800, 601, 900, 600, 300, 1, 1, 1));
        _refusesRules(IEmergencyControl.Rules(500, 300, 600, 600, 300, 1, 1, 1));
        _refusesRules(IEmergencyControl.Rules(901, 300, 900, 600, 300, 1, 1, 1));
        _refusesRules(IEmergencyControl.Rules(500, 300, 1001, 600, 300, 1, 1, 1));
        _refusesRules(IEmergencyControl.Rules(500, 300, 900, 600, 604_801, 1, 1, 1));
        for (uint256 i = 0; i < 3; ++i) {
            uint32[3] memory times = [uint32(1), 1, 1];
            times[i] = 0;
            _refusesRules(IEmergencyControl.Rules(500, 300, 900, 600, 300, times[0], times[1], times[2]));
            times[i] = 604_801;
            _refusesRules(IEmergencyControl.Rules(500, 300, 900, 600, 300, times[0], times[1], times[2]));
        }
    }

    // Rising

    function test_a_severity_below_the_alert_leaves_the_level_normal() external {
        vm.expectEmit(address(control));
        emit IEmergencyControl.SeverityTaken(_holder(ORACLE), 499);
        _report(499);
        _expectStatus(NORMAL, false, 0, 0, 0);
        _expectSeverity(499, true);
    }

    function test_a_severity_at_a_threshold_raises_the_level_at_once() external {
        _expectChange(NORMAL, ALERT, NOW + ALERT_SECONDS, IEmergencyControl.Cause.Reported);
        _report(500);
        _expectStatus(ALERT, false, 0, NOW, NOW + ALERT_SECONDS);
        _report(899);
        _expectStatus(ALERT, false, 0, NOW, NOW + ALERT_SECONDS);
        _expectChange(ALERT, EMERGENCY, NOW + EMERGENCY_SECONDS, IEmergencyControl.Cause.Reported);
        _report(900);
        _expectStatus(EMERGENCY, false, 0, NOW, NOW + EMERGENCY_SECONDS);
    }

    function test_anyone_lets_the_sensors_raise_the_level() external {
        _fails(
            STRANGER,
            address(control),
            abi.encodeCall(control.observe, ()),
            abi.encodeWithSelector(IEmergencyControl.SeverityUnknown.selector)
        );
        _reportSeverity(1, NOW, 950);
        vm.expectEmit(address(control));
        emit IEmergencyControl.SeverityTaken(STRANGER, 950);
        _expectChange(NORMAL, EMERGENCY, NOW + EMERGENCY_SECONDS, IEmergencyControl.Cause.Measured);
        vm.prank(STRANGER);
        control.observe();
        _expectStatus(EMERGENCY, false, 0, NOW, NOW + EMERGENCY_SECONDS);
    }

    function test_a_severity_above_1000_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.InvalidSeverity.selector, 1001, 1000);
        _fails(_holder(ORACLE), address(control), abi.encodeCall(control.reportSeverity, (1001)), reason);
        _report(1000);
    }

    function test_the_last_severity_is_known_as_long_as_an_alert_lasts() external {
        _report(7);
        vm.warp(NOW + ALERT_SECONDS - 1);
        _expectSeverity(7, true);
        vm.warp(NOW + ALERT_SECONDS);
        _expectSeverity(0, false);
    }

    // Falling

    function test_an_alert_falls_only_below_the_lower_threshold_and_after_the_dwell_time() external {
        _report(500);
        vm.warp(NOW + 299);
        _report(0);
        _expectStatus(ALERT, false, 0, NOW, NOW + ALERT_SECONDS);
        vm.warp(NOW + 300);
        _report(301);
        _expectStatus(ALERT, false, 0, NOW, NOW + 300 + ALERT_SECONDS);
        _expectChange(ALERT, NORMAL, 0, IEmergencyControl.Cause.Reported);
        _report(300);
        _expectStatus(NORMAL, false, 0, NOW + 300, 0);
    }

    function test_an_emergency_falls_into_recovery_likewise() external {
        _report(900);
        vm.warp(NOW + 299);
        _report(600);
        _expectStatus(EMERGENCY, false, 0, NOW, NOW + EMERGENCY_SECONDS);
        vm.warp(NOW + 300);
        _report(601);
        _expectStatus(EMERGENCY, false, 0, NOW, NOW + 300 + EMERGENCY_SECONDS);
        _expectChange(EMERGENCY, RECOVERY, NOW + 300 + RECOVERY_SECONDS, IEmergencyControl.Cause.Reported);
        _report(600);
        _expectStatus(RECOVERY, false, 0, NOW + 300, NOW + 300 + RECOVERY_SECONDS);
    }

    function test_every_level_ends_by_itself_and_the_next_transaction_tells_it() external {
        _report(500);
        vm.warp(NOW + ALERT_SECONDS - 1);
        _expectStatus(ALERT, false, 0, NOW, NOW + ALERT_SECONDS);
        vm.warp(NOW + ALERT_SECONDS);
        _expectStatus(NORMAL, false, 0, NOW + ALERT_SECONDS, 0);
        _expectChange(ALERT, NORMAL, 0, IEmergencyControl.Cause.Expired);
        control.expire();
        vm.recordLogs();
        control.expire();
        cheats.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_an_emergency_that_nothing_confirms_goes_through_recovery_to_normal() external {
        _report(900);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end);
        _expectStatus(RECOVERY, false, 0, end, end + RECOVERY_SECONDS);
        vm.warp(end + RECOVERY_SECONDS);
        _expectStatus(NORMAL, false, 0, end + RECOVERY_SECONDS, 0);
        _expectChange(EMERGENCY, RECOVERY, end + RECOVERY_SECONDS, IEmergencyControl.Cause.Expired);
        _expectChange(RECOVERY, NORMAL, 0, IEmergencyControl.Cause.Expired);
        control.expire();
    }

    function test_the_end_of_an_emergency_is_told_in_its_recovery() external {
        _report(900);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end + 10);
        _expectChange(EMERGENCY, RECOVERY, end + RECOVERY_SECONDS, IEmergencyControl.Cause.Expired);
        control.expire();
        _expectStatus(RECOVERY, false, 0, end, end + RECOVERY_SECONDS);
        vm.warp(end + RECOVERY_SECONDS);
        _expectChange(RECOVERY, NORMAL, 0, IEmergencyControl.Cause.Expired);
        control.expire();
    }

    function test_a_recovery_in_trouble_begins_anew_with_what_is_still_curtailed() external {
        _shed(3);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end + RECOVERY_SECONDS / 2);
        _expectStatus(RECOVERY, false, 2, end, end + RECOVERY_SECONDS);
        _report(301);
        uint64 again = end + RECOVERY_SECONDS / 2;
        _expectStatus(RECOVERY, false, 2, again, again + RECOVERY_SECONDS);
    }

    function test_a_calm_report_lets_a_recovery_go_on() external {
        _shed(3);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end + 1200);
        _report(300);
        _expectStatus(RECOVERY, false, 2, end, end + RECOVERY_SECONDS);
    }

    function test_an_emergency_that_returns_keeps_what_is_still_curtailed() external {
        _shed(3);
        uint64 end = NOW + EMERGENCY_SECONDS;
        vm.warp(end + RECOVERY_SECONDS - 1);
        _report(900);
        uint64 now_ = end + RECOVERY_SECONDS - 1;
        _expectStatus(EMERGENCY, false, 1, now_, now_ + EMERGENCY_SECONDS);
    }
}
