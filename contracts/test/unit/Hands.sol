// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Vm} from "../Vm.sol";
import {Cheats} from "./Cheats.sol";

/// @title An access manager whose roles are each in another hand, and what every test needs.
abstract contract Hands {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Cheats internal constant cheats = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    uint64 internal constant HOUR = 3600;
    uint256 internal constant WAD = 1e18;

    /// @dev An interval of an hour that begins at midnight (UTC), in which the tests begin.
    uint64 internal constant START = 555_552;

    // The ids that the deployment gives the roles.
    uint64 internal constant OPERATOR = 1;
    uint64 internal constant ORACLE = 2;
    uint64 internal constant MAINTAINER = 3;
    uint64 internal constant METERING = 4;
    uint64 internal constant MINTER = 5;
    uint64 internal constant GUARDIAN = 6;
    uint64 internal constant GOVERNANCE = 7;
    uint64 internal constant ISSUER = 8;
    uint64 internal constant SENSING = 12;

    address internal constant STRANGER = address(0xdead);

    AccessManager internal manager;

    function _found() internal virtual {
        vm.warp(START * HOUR);
        manager = new AccessManager(address(this));
        for (uint64 role = OPERATOR; role <= SENSING; ++role) {
            manager.grantRole(role, _holder(role), 0);
        }
    }

    /// @dev The one account that holds a role.
    function _holder(uint64 role) internal pure returns (address) {
        return address(uint160(0xa000 + role));
    }

    /// @dev The next call comes from who holds the role.
    function _as(uint64 role) internal {
        vm.prank(_holder(role));
    }

    function _allow(address target, bytes4 selector, uint64 role) internal {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
    }

    /// @dev The call must fail for everybody but the holder of the role.
    function _onlyFor(uint64 role, address target, bytes memory call) internal {
        for (uint64 other = 0; other <= SENSING; ++other) {
            address caller = other == 0 ? STRANGER : _holder(other);
            bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
            if (other != role) _fails(caller, target, call, reason);
        }
        (bool allowed,) = manager.canCall(_holder(role), target, bytes4(call));
        cheats.assertTrue(allowed);
    }

    /// @dev The call must fail with exactly this error.
    function _fails(address sender, address target, bytes memory call, bytes memory reason) internal {
        vm.prank(sender);
        (bool ok, bytes memory returned) = target.call(call);
        cheats.assertFalse(ok);
        cheats.assertEq(returned, reason);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev A number of the range, from any number.
    function _within(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + seed % (high - low + 1);
    }

    function _countLogs(Vm.Log[] memory logs, bytes32 topic) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == topic) ++count;
        }
    }
}
