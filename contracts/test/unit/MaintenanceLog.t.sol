// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IMaintenanceLog} from "../../interfaces/IMaintenanceLog.sol";
import {World} from "../World.sol";

contract MaintenanceLogTest is World {
    function setUp() external {
        _join();
    }

    function test_an_alert_is_raised_acknowledged_and_resolved() external {
        uint64 start = uint64(block.timestamp);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IMaintenanceLog.AlertRaised(0, _meter(1), 3, bytes32("seen"));
        require(registry.raiseAlert(_meter(1), 3, bytes32("seen")) == 0 && registry.alertCount() == 1);
        _is(0, IMaintenanceLog.AlertStatus.Raised, start, start);
        vm.warp(start + 5);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IMaintenanceLog.AlertAcknowledged(0, address(this));
        registry.acknowledgeAlert(0);
        _is(0, IMaintenanceLog.AlertStatus.Acknowledged, start, start + 5);
        require(registry.openAlerts(_meter(1)) == 1);
        vm.warp(start + 9);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IMaintenanceLog.AlertResolved(0, address(this));
        registry.resolveAlert(0);
        _is(0, IMaintenanceLog.AlertStatus.Resolved, start, start + 9);
        require(registry.openAlerts(_meter(1)) == 0);
    }

    function test_alerts_only_go_forward() external {
        registry.raiseAlert(_meter(1), 0, 0);
        require(registry.raiseAlert(_meter(1), 1, 0) == 1 && registry.openAlerts(_meter(1)) == 2);
        registry.acknowledgeAlert(0);
        _closed(abi.encodeCall(registry.acknowledgeAlert, (0)), 0, IMaintenanceLog.AlertStatus.Acknowledged);
        registry.resolveAlert(0);
        _closed(abi.encodeCall(registry.acknowledgeAlert, (0)), 0, IMaintenanceLog.AlertStatus.Resolved);
        _closed(abi.encodeCall(registry.resolveAlert, (0)), 0, IMaintenanceLog.AlertStatus.Resolved);
        registry.resolveAlert(1);
    }

    function test_alerts_need_a_living_device_and_a_number() external {
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.DeviceNotFound.selector, bytes32("none"));
        _refused(abi.encodeCall(registry.raiseAlert, ("none", 1, 0)), reason);
        registry.retireDevice(_meter(1));
        reason = abi.encodeWithSelector(IDeviceRegistry.DeviceIsRetired.selector, _meter(1));
        _refused(abi.encodeCall(registry.raiseAlert, (_meter(1), 1, 0)), reason);
        reason = abi.encodeWithSelector(IMaintenanceLog.AlertNotFound.selector, 0);
        _refused(abi.encodeCall(registry.alert, (0)), reason);
        _refused(abi.encodeCall(registry.acknowledgeAlert, (0)), reason);
        _refused(abi.encodeCall(registry.resolveAlert, (0)), reason);
    }

    function test_strangers_run_no_alerts() external {
        registry.raiseAlert(_meter(1), 0, 0);
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, _account(1));
        bytes memory call = abi.encodeCall(registry.raiseAlert, (_meter(1), 1, 0));
        _fails(_account(1), address(registry), call, reason);
        _fails(_account(1), address(registry), abi.encodeCall(registry.acknowledgeAlert, (0)), reason);
        _fails(_account(1), address(registry), abi.encodeCall(registry.resolveAlert, (0)), reason);
    }

    function _is(uint256 id, IMaintenanceLog.AlertStatus status, uint64 raisedAt, uint64 changedAt) private view {
        IMaintenanceLog.Alert memory found = registry.alert(id);
        require(found.deviceId == _meter(1) && found.kind == 3 && found.status == status);
        require(found.raisedAt == raisedAt && found.changedAt == changedAt);
    }

    function _closed(bytes memory call, uint256 id, IMaintenanceLog.AlertStatus status) private {
        _refused(call, abi.encodeWithSelector(IMaintenanceLog.AlertNotOpen.selector, id, status));
    }

    function _refused(bytes memory call, bytes memory reason) private {
        _fails(address(this), address(registry), call, reason);
    }
}
