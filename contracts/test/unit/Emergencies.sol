// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EmergencyControl} from "../../grid/EmergencyControl.sol";
import {IEmergencyControl} from "../../interfaces/IEmergencyControl.sol";
import {Sensors} from "./Sensors.sol";

/// @title An emergency control in the hands that the deployment gives it to.
abstract contract Emergencies is Sensors {
    uint64 internal constant ALERT_SECONDS = 21_600;
    uint64 internal constant EMERGENCY_SECONDS = 7200;
    uint64 internal constant RECOVERY_SECONDS = 3600;
    IEmergencyControl.Level internal constant NORMAL = IEmergencyControl.Level.Normal;
    IEmergencyControl.Level internal constant ALERT = IEmergencyControl.Level.Alert;
    IEmergencyControl.Level internal constant EMERGENCY = IEmergencyControl.Level.Emergency;
    IEmergencyControl.Level internal constant RECOVERY = IEmergencyControl.Level.Recovery;

    EmergencyControl internal control;

    function _found() internal virtual override {
        super._found();
        _addSensor(1);
        control = new EmergencyControl(address(manager), registry, monitor, _rules());
        _allow(address(control), control.reportSeverity.selector, ORACLE);
        _allow(address(control), control.declare.selector, GUARDIAN);
        _allow(address(control), control.standDown.selector, OPERATOR);
        _allow(address(control), control.setShedding.selector, OPERATOR);
        _allow(address(control), control.setPriority.selector, OPERATOR);
        _allow(address(control), control.setRules.selector, GOVERNANCE);
    }

    /// @dev The rules of the deployment.
    function _rules() internal pure returns (IEmergencyControl.Rules memory) {
        return IEmergencyControl.Rules(500, 300, 900, 600, 300, 21_600, 7200, 3600);
    }

    function _report(uint16 permille) internal {
        _as(ORACLE);
        control.reportSeverity(permille);
    }

    function _declare(IEmergencyControl.Level level, uint32 duration) internal {
        _as(GUARDIAN);
        control.declare(level, duration, "storm");
    }

    function _standDown() internal {
        _as(OPERATOR);
        control.standDown();
    }

    function _setShedding(uint8 stage) internal {
        _as(OPERATOR);
        control.setShedding(stage);
    }

    /// @dev An emergency now, with so many classes curtailed.
    function _shed(uint8 stage) internal {
        _report(900);
        for (uint8 i = 1; i <= stage; ++i) {
            _setShedding(i);
        }
    }

    function _setPriority(uint32 memberId, IEmergencyControl.PriorityClass class) internal {
        _as(OPERATOR);
        control.setPriority(memberId, class);
    }

    function _setRules(IEmergencyControl.Rules memory rules) internal {
        _as(GOVERNANCE);
        control.setRules(rules);
    }

    function _refusesRules(IEmergencyControl.Rules memory rules) internal {
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.InvalidRules.selector);
        _fails(_holder(GOVERNANCE), address(control), abi.encodeCall(control.setRules, (rules)), reason);
    }

    function _refusesLevel(IEmergencyControl.Level asked, IEmergencyControl.Level current) internal {
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.InvalidLevel.selector, asked, current);
        _fails(_holder(GUARDIAN), address(control), abi.encodeCall(control.declare, (asked, 1, "")), reason);
    }

    function _refusesDuration(IEmergencyControl.Level level, uint32 duration, uint32 max) internal {
        bytes memory reason = abi.encodeWithSelector(IEmergencyControl.InvalidDuration.selector, duration, max);
        _fails(_holder(GUARDIAN), address(control), abi.encodeCall(control.declare, (level, duration, "")), reason);
    }

    function _refusesShedding(uint8 stage, bytes memory reason) internal {
        _fails(_holder(OPERATOR), address(control), abi.encodeCall(control.setShedding, (stage)), reason);
    }

    function _expectChange(
        IEmergencyControl.Level from,
        IEmergencyControl.Level to,
        uint64 until,
        IEmergencyControl.Cause cause
    ) internal {
        vm.expectEmit(address(control));
        emit IEmergencyControl.LevelChanged(from, to, until, cause);
    }

    function _expectStatus(IEmergencyControl.Level level, bool declared, uint8 stage, uint64 since, uint64 until)
        internal
        view
    {
        IEmergencyControl.Status memory expected = IEmergencyControl.Status(level, declared, stage, since, until);
        cheats.assertEq(abi.encode(control.status()), abi.encode(expected));
    }

    function _expectStage(uint64 time, uint8 stage) internal {
        vm.warp(time);
        cheats.assertEq(control.status().stage, stage);
    }

    function _expectSeverity(uint16 permille, bool known) internal view {
        (uint16 last, bool isKnown) = control.lastSeverity();
        cheats.assertEq(last, permille);
        cheats.assertTrue(isKnown == known);
    }

    function _expectShed(bool one, bool two, bool three, bool four) internal view {
        cheats.assertTrue(control.isShed(1) == one);
        cheats.assertTrue(control.isShed(2) == two);
        cheats.assertTrue(control.isShed(3) == three);
        cheats.assertTrue(control.isShed(4) == four);
    }
}
