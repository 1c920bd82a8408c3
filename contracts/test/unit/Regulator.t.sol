// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IRegulator} from "../../interfaces/IRegulator.sol";
import {Regulator} from "../../rewards/Regulator.sol";
import {Market} from "./Market.sol";

contract RegulatorTest is Market {
    uint64 private constant NOW = START * HOUR;

    Regulator private regulator;

    function setUp() external {
        _found();
        _joinMany(2);
        regulator = new Regulator(address(manager), registry, trading, IRegulator.Terms(2e16, 3e16));
        _allow(address(regulator), regulator.ban.selector, MAINTAINER);
        _allow(address(regulator), regulator.lift.selector, GOVERNANCE);
        _allow(address(regulator), regulator.setTerms.selector, GOVERNANCE);
    }

    // Terms

    function test_deployment_keeps_terms_and_the_contracts_around() external view {
        cheats.assertEq(regulator.terms().bonusPerKwh, 2e16);
        cheats.assertEq(regulator.terms().penaltyPerKwh, 3e16);
        cheats.assertEq(address(regulator.registry()), address(registry));
        cheats.assertEq(address(regulator.trading()), address(trading));
    }

    function test_each_restricted_function_belongs_to_one_role() external {
        address target = address(regulator);
        _onlyFor(MAINTAINER, target, abi.encodeCall(regulator.ban, (1, 1, IRegulator.Reason.Conduct)));
        _onlyFor(GOVERNANCE, target, abi.encodeCall(regulator.lift, (1)));
        _onlyFor(GOVERNANCE, target, abi.encodeCall(regulator.setTerms, (IRegulator.Terms(0, 0))));
    }

    function test_governance_sets_terms_up_to_the_largest() external {
        vm.expectEmit(address(regulator));
        emit IRegulator.TermsSet(100e18, 100e18);
        _as(GOVERNANCE);
        regulator.setTerms(IRegulator.Terms(100e18, 100e18));
        cheats.assertEq(regulator.terms().penaltyPerKwh, 100e18);
        bytes memory reason = abi.encodeWithSelector(IRegulator.TermTooHigh.selector, 100e18 + 1, 100e18);
        _refusesTerms(IRegulator.Terms(100e18 + 1, 0), reason);
        _refusesTerms(IRegulator.Terms(0, 100e18 + 1), reason);
        vm.expectRevert(reason);
        new Regulator(address(manager), registry, trading, IRegulator.Terms(100e18 + 1, 0));
    }

    // Bans by a maintainer

    function test_a_ban_lasts_its_intervals_and_ends_by_itself() external {
        vm.expectEmit(address(regulator));
        emit IRegulator.MemberBanned(1, NOW + 2 * HOUR, IRegulator.Reason.GridUse);
        _ban(1, 2, IRegulator.Reason.GridUse);
        _expectBan(1, NOW + 2 * HOUR, IRegulator.Reason.GridUse);
        cheats.assertTrue(regulator.isBanned(1));
        cheats.assertFalse(regulator.isBanned(2));
        vm.warp(NOW + 2 * HOUR - 1);
        cheats.assertTrue(regulator.isBanned(1));
        vm.warp(NOW + 2 * HOUR);
        cheats.assertFalse(regulator.isBanned(1));
        _expectBan(1, NOW + 2 * HOUR, IRegulator.Reason.GridUse);
    }

    function test_a_maintainer_bans_for_a_week_at_most() external {
        bytes4 invalid = IRegulator.InvalidBanLength.selector;
        _failsToBan(1, 0, IRegulator.Reason.Conduct, abi.encodeWithSelector(invalid, 0, 168));
        _failsToBan(1, 169, IRegulator.Reason.Conduct, abi.encodeWithSelector(invalid, 169, 168));
        _ban(1, 168, IRegulator.Reason.Conduct);
        _expectBan(1, NOW + 604_800, IRegulator.Reason.Conduct);
    }

    function test_a_maintainer_bans_members_for_grid_use_or_conduct_only() external {
        bytes4 invalid = IRegulator.InvalidReason.selector;
        _failsToBan(1, 1, IRegulator.Reason.None, abi.encodeWithSelector(invalid, IRegulator.Reason.None));
        _failsToBan(1, 1, IRegulator.Reason.Arrears, abi.encodeWithSelector(invalid, IRegulator.Reason.Arrears));
        bytes memory reason = abi.encodeWithSelector(IRegulator.MemberNotFound.selector, 3);
        _failsToBan(3, 1, IRegulator.Reason.Conduct, reason);
        reason = abi.encodeWithSelector(IRegulator.MemberNotFound.selector, 0);
        _failsToBan(0, 1, IRegulator.Reason.Conduct, reason);
    }

    function test_governance_lifts_a_ban_that_stands() external {
        bytes memory call = abi.encodeCall(regulator.lift, (1));
        bytes memory reason = abi.encodeWithSelector(IRegulator.NotBanned.selector, 1);
        _fails(_holder(GOVERNANCE), address(regulator), call, reason);
        _ban(1, 2, IRegulator.Reason.Conduct);
        vm.warp(NOW + 10);
        vm.expectEmit(address(regulator));
        emit IRegulator.BanLifted(1);
        _as(GOVERNANCE);
        regulator.lift(1);
        cheats.assertFalse(regulator.isBanned(1));
        _expectBan(1, NOW + 10, IRegulator.Reason.Conduct);
        _fails(_holder(GOVERNANCE), address(regulator), call, reason);
    }

    // Bans for arrears

    function test_anyone_bans_a_member_in_arrears_until_it_pays() external {
        uint64 now_ = _runIntoArrears();
        vm.expectEmit(address(regulator));
        emit IRegulator.MemberBanned(1, now_ + 3 * HOUR, IRegulator.Reason.Arrears);
        vm.prank(STRANGER);
        regulator.banForArrears(1);
        cheats.assertTrue(regulator.isBanned(1));
        _deposit(_account(1), 299_999);
        cheats.assertTrue(regulator.isBanned(1));
        _deposit(_account(1), 1);
        cheats.assertFalse(regulator.isBanned(1));
        bytes memory reason = abi.encodeWithSelector(IRegulator.NotInArrears.selector, 1, int256(0));
        _fails(STRANGER, address(regulator), abi.encodeCall(regulator.banForArrears, (1)), reason);
    }

    function test_a_ban_for_arrears_can_be_renewed_once_it_is_over() external {
        uint64 now_ = _runIntoArrears();
        regulator.banForArrears(1);
        vm.warp(now_ + 1);
        regulator.banForArrears(1);
        _expectBan(1, now_ + 3 * HOUR, IRegulator.Reason.Arrears);
        vm.warp(now_ + 3 * HOUR);
        cheats.assertFalse(regulator.isBanned(1));
        regulator.banForArrears(1);
        _expectBan(1, now_ + 6 * HOUR, IRegulator.Reason.Arrears);
    }

    function test_arrears_do_not_shorten_a_ban_of_a_maintainer() external {
        uint64 now_ = _runIntoArrears();
        _ban(1, 100, IRegulator.Reason.Conduct);
        regulator.banForArrears(1);
        _expectBan(1, now_ + 100 * HOUR, IRegulator.Reason.Conduct);
    }

    function test_nobody_is_banned_for_arrears_without_owing() external {
        bytes memory call = abi.encodeCall(regulator.banForArrears, (2));
        _fails(
            STRANGER, address(regulator), call, abi.encodeWithSelector(IRegulator.NotInArrears.selector, 2, int256(0))
        );
        _deposit(_account(2), 7);
        _fails(
            STRANGER, address(regulator), call, abi.encodeWithSelector(IRegulator.NotInArrears.selector, 2, int256(7))
        );
        call = abi.encodeCall(regulator.banForArrears, (3));
        _fails(STRANGER, address(regulator), call, abi.encodeWithSelector(IRegulator.MemberNotFound.selector, 3));
    }

    /// @dev Home 1 uses a kWh at retail without a deposit.
    function _runIntoArrears() private returns (uint64 now_) {
        _openAndClear(START + 1);
        _meterUse(1, START, 0, 0);
        _meterUse(2, START, 0, 0);
        _meterUse(1, START + 1, 1000, 0);
        _meterUse(2, START + 1, 0, 0);
        _settle(START + 1);
        cheats.assertEq(trading.balanceOf(_account(1)), -300_000);
        return (START + 2) * HOUR;
    }

    function _ban(uint32 memberId, uint32 intervals, IRegulator.Reason reason) private {
        _as(MAINTAINER);
        regulator.ban(memberId, intervals, reason);
    }

    function _failsToBan(uint32 memberId, uint32 intervals, IRegulator.Reason why, bytes memory reason) private {
        bytes memory call = abi.encodeCall(regulator.ban, (memberId, intervals, why));
        _fails(_holder(MAINTAINER), address(regulator), call, reason);
    }

    function _refusesTerms(IRegulator.Terms memory terms, bytes memory reason) private {
        _fails(_holder(GOVERNANCE), address(regulator), abi.encodeCall(regulator.setTerms, (terms)), reason);
    }

    function _expectBan(uint32 memberId, uint64 until, IRegulator.Reason reason) private view {
        IRegulator.Ban memory latest = regulator.banOf(memberId);
        cheats.assertEq(latest.until, until);
        cheats.assertTrue(latest.reason == reason);
    }
}
