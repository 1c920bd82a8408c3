// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IIncentives} from "../../interfaces/IIncentives.sol";
import {IRegulator} from "../../interfaces/IRegulator.sol";
import {Incentives} from "../../rewards/Incentives.sol";
import {Rewards} from "./Rewards.sol";

/// @dev Budgets, rates, boosts, penalties and claims; what is earned comes from stability, the simplest source.
contract IncentivePaymentsTest is Rewards {
    function setUp() external {
        _found();
    }

    // Deployment and governance

    function test_deployment_keeps_the_program() external view {
        cheats.assertEq(address(rewards.grid()), address(grid));
        cheats.assertEq(address(rewards.regulator()), address(regulator));
        cheats.assertEq(address(rewards.staking()), address(staking));
        cheats.assertEq(rewards.epochIntervals(), 24);
        cheats.assertEq(rewards.epochBudget(), EPOCH_BUDGET);
        IIncentives.IncentiveRates memory rates = IIncentives.IncentiveRates(5e17, 5e17, 2e18);
        cheats.assertEq(abi.encode(rewards.incentiveRates()), abi.encode(rates));
    }

    function test_an_epoch_has_at_least_one_interval() external {
        Incentives.Program memory program = _program();
        program.epochIntervals = 0;
        vm.expectRevert(abi.encodeWithSelector(IIncentives.InvalidEpoch.selector));
        _newRewards(0, 0, program);
        program.epochIntervals = 1;
        cheats.assertEq(_newRewards(0, 0, program).epochIntervals(), 1);
    }

    function test_each_restricted_function_belongs_to_one_role() external {
        address target = address(rewards);
        IIncentives.IncentiveRates memory rates;
        _onlyFor(GOVERNANCE, target, abi.encodeCall(rewards.setIncentiveRates, (rates)));
        _onlyFor(GOVERNANCE, target, abi.encodeCall(rewards.setEpochBudget, (1)));
        _onlyFor(ORACLE, target, abi.encodeCall(rewards.creditStability, ("storm", 1, 1)));
    }

    function test_governance_sets_rates_up_to_the_largest() external {
        IIncentives.IncentiveRates memory rates = IIncentives.IncentiveRates(100e18, 100e18, 100e18);
        vm.expectEmit(address(rewards));
        emit IIncentives.IncentiveRatesSet(rates);
        _as(GOVERNANCE);
        rewards.setIncentiveRates(rates);
        cheats.assertEq(abi.encode(rewards.incentiveRates()), abi.encode(rates));
        _refusesRates(IIncentives.IncentiveRates(100e18 + 1, 0, 0));
        _refusesRates(IIncentives.IncentiveRates(0, 100e18 + 1, 0));
        _refusesRates(IIncentives.IncentiveRates(0, 0, 100e18 + 1));
    }

    function test_a_new_budget_is_for_epochs_in_which_nothing_is_earned_yet() external {
        _expectEpoch(EPOCH, 100e18, 0);
        _credit("storm", 1, 500);
        vm.expectEmit(address(rewards));
        emit IIncentives.EpochBudgetSet(7e18);
        _as(GOVERNANCE);
        rewards.setEpochBudget(7e18);
        cheats.assertEq(rewards.epochBudget(), 7e18);
        _credit("calm", 1, 500);
        _expectEpoch(EPOCH, 100e18, 2e18);
        _expectEpoch(EPOCH + 1, 7e18, 0);
        cheats.assertEq(rewards.epochOf(EPOCH).claimableFrom, CLAIMABLE);
    }

    // Stability

    function test_a_part_in_an_event_is_credited_once_at_the_rate() external {
        vm.expectEmit(address(rewards));
        emit IIncentives.StabilityCredited(EPOCH, 1, "storm", 500, 1e18);
        _credit("storm", 1, 500);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 1e18);
        bytes memory call = abi.encodeCall(rewards.creditStability, ("storm", 1, 1));
        bytes memory reason = abi.encodeWithSelector(IIncentives.AlreadyCredited.selector, bytes32("storm"), 1);
        _fails(_holder(ORACLE), address(rewards), call, reason);
        _credit("storm", 2, 500);
        _credit("calm", 1, 0);
        _expectEpoch(EPOCH, 100e18, 2e18);
    }

    function test_only_members_are_credited() external {
        bytes memory call = abi.encodeCall(rewards.creditStability, ("storm", 3, 1));
        bytes memory reason = abi.encodeWithSelector(IIncentives.UnknownMemberId.selector, 3);
        _fails(_holder(ORACLE), address(rewards), call, reason);
    }

    // Claims

    function test_an_epoch_can_be_claimed_once_when_nothing_more_can_be_recorded() external {
        _credit("storm", 1, 500);
        vm.warp(CLAIMABLE - 1);
        bytes memory call = abi.encodeCall(rewards.claimIncentives, (EPOCH));
        bytes memory reason = abi.encodeWithSelector(IIncentives.EpochNotOver.selector, EPOCH, CLAIMABLE);
        _fails(_account(1), address(rewards), call, reason);
        vm.warp(CLAIMABLE);
        vm.expectEmit(address(rewards));
        emit IIncentives.IncentiveClaimed(EPOCH, 1, 1e18);
        vm.prank(_account(1));
        cheats.assertEq(rewards.claimIncentives(EPOCH), 1e18);
        cheats.assertEq(reward.balanceOf(_account(1)), 1e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 0);
        _failsToClaim(1);
        _failsToClaim(2);
        reason = abi.encodeWithSelector(IIncentives.NothingEarned.selector, EPOCH, 0);
        _fails(STRANGER, address(rewards), call, reason);
    }

    function test_more_than_the_budget_is_shared_with_the_boost_of_all_set_aside() external {
        // Earned 60 and 40: at worst 150 for a budget of 100, so each gets two thirds.
        _credit("storm", 1, 30_000);
        _credit("storm", 2, 20_000);
        _expectEpoch(EPOCH, 100e18, 100e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 40e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 2), uint256(40e18) * 100 / 150);
    }

    function test_a_budget_that_just_covers_the_worst_is_paid_whole() external {
        _as(GOVERNANCE);
        rewards.setEpochBudget(15e18);
        _credit("storm", 1, 5000);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 10e18);
    }

    function test_a_stake_through_the_whole_epoch_boosts_by_a_tenth_of_it_and_at_most_a_half() external {
        _stake(1, 20e18);
        _stake(2, 1000e18);
        _credit("storm", 1, 5000);
        _credit("storm", 2, 5000);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 12e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 2), 15e18);
    }

    function test_a_stake_that_came_late_or_left_early_does_not_boost() external {
        _stake(2, 1000e18);
        vm.warp(START * HOUR + 1);
        _stake(1, 1000e18);
        _credit("storm", 1, 5000);
        _credit("storm", 2, 5000);
        vm.warp((START + 24) * HOUR);
        vm.prank(_account(2));
        staking.unstake(1000e18);
        vm.warp(CLAIMABLE);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 10e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 2), 10e18);
    }

    function test_a_penalty_lessens_a_reward_no_further_than_to_zero() external {
        _as(GOVERNANCE);
        regulator.setTerms(IRegulator.Terms(0, 1e18));
        _credit("storm", 1, 5000);
        _credit("storm", 2, 500);
        _clearBy(START + 1);
        _meterUse(1, START + 1, 4000, 0);
        _meterUse(2, START + 1, 1000, 0);
        rewards.recordConduct(START + 1, 1, 2);
        // 4 kWh from the grid cost 4 of 10 tokens, 1 kWh all of one.
        cheats.assertEq(rewards.incentiveOf(EPOCH, 1), 6e18);
        cheats.assertEq(rewards.incentiveOf(EPOCH, 2), 0);
        vm.warp(CLAIMABLE);
        _failsToClaim(2);
    }

    function testFuzz_no_epoch_pays_more_than_its_budget(uint32[3] memory energies, uint96[3] memory stakes) external {
        _join(ZONE);
        for (uint32 i = 0; i < 3; ++i) {
            _stake(i + 1, uint256(stakes[i]) % 1e23 + 1);
            _credit("storm", i + 1, energies[i]);
        }
        vm.warp(CLAIMABLE);
        uint256 paid;
        for (uint256 i = 1; i <= 3; ++i) {
            vm.prank(_account(i));
            (bool ok, bytes memory amount) = address(rewards).call(abi.encodeCall(rewards.claimIncentives, (EPOCH)));
            if (ok) paid += abi.decode(amount, (uint256));
        }
        cheats.assertLe(paid, EPOCH_BUDGET);
    }

    function testFuzz_a_home_in_two_parts_never_earns_more(uint32[2] memory energies, uint64[2] memory stakes)
        external
    {
        _join(ZONE);
        (uint256 first, uint256 second) = (uint256(stakes[0]) + 1, uint256(stakes[1]) + 1);
        _stake(1, first + second);
        _stake(2, first);
        _stake(3, second);
        _credit("storm", 1, uint64(energies[0]) + energies[1]);
        _credit("storm", 2, energies[0]);
        _credit("storm", 3, energies[1]);
        uint256 parts = rewards.incentiveOf(EPOCH, 2) + rewards.incentiveOf(EPOCH, 3);
        cheats.assertLe(parts, rewards.incentiveOf(EPOCH, 1));
    }

    function _refusesRates(IIncentives.IncentiveRates memory rates) private {
        bytes memory reason = abi.encodeWithSelector(IIncentives.IncentiveTooHigh.selector, 100e18 + 1, 100e18);
        _fails(_holder(GOVERNANCE), address(rewards), abi.encodeCall(rewards.setIncentiveRates, (rates)), reason);
    }

    function _failsToClaim(uint256 memberId) private {
        bytes memory reason = abi.encodeWithSelector(IIncentives.NothingEarned.selector, EPOCH, memberId);
        _fails(_account(memberId), address(rewards), abi.encodeCall(rewards.claimIncentives, (EPOCH)), reason);
    }

    function _expectEpoch(uint64 epoch, uint256 budget, uint256 earned) private view {
        IIncentives.Epoch memory pot = rewards.epochOf(epoch);
        cheats.assertEq(pot.budget, budget);
        cheats.assertEq(pot.earned, earned);
    }
}
