// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {IRewardSystem} from "../../interfaces/IRewardSystem.sol";
import {Rewards} from "./Rewards.sol";

/// @dev Rewards for energy sold and bought in the community.
contract RewardSystemTest is Rewards {
    function setUp() external {
        _found();
    }

    function test_deployment_keeps_rates_and_the_contracts_around() external view {
        cheats.assertEq(address(rewards.rewardToken()), address(reward));
        cheats.assertEq(address(rewards.registry()), address(registry));
        cheats.assertEq(address(rewards.trading()), address(trading));
        cheats.assertEq(rewards.perSoldKwh(), 1e18);
        cheats.assertEq(rewards.perBoughtKwh(), 5e17);
    }

    function test_energy_delivered_and_consumed_is_rewarded_at_the_rates() external {
        _trade(START + 1, 1500);
        cheats.assertEq(rewards.accrued(_account(1)), 15e17);
        cheats.assertEq(rewards.accrued(_account(2)), 75e16);
        cheats.assertEq(rewards.accrued(STRANGER), 0);
        vm.expectEmit(address(rewards));
        emit IRewardSystem.RewardClaimed(_account(1), 1500, 0, 15e17);
        vm.prank(_account(1));
        cheats.assertEq(rewards.claim(), 15e17);
        cheats.assertEq(reward.balanceOf(_account(1)), 15e17);
        cheats.assertEq(rewards.accrued(_account(1)), 0);
        _expectClaimed(1, 1500, 0, 15e17);
        _trade(START + 3, 1);
        vm.prank(_account(1));
        rewards.claim();
        _expectClaimed(1, 1501, 0, 1501e15);
    }

    function test_who_earned_nothing_since_the_last_claim_has_nothing_to_claim() external {
        bytes memory call = abi.encodeCall(rewards.claim, ());
        bytes4 nothing = IRewardSystem.NothingToClaim.selector;
        _fails(STRANGER, address(rewards), call, abi.encodeWithSelector(nothing, STRANGER));
        _trade(START + 1, 1500);
        vm.prank(_account(1));
        rewards.claim();
        _fails(_account(1), address(rewards), call, abi.encodeWithSelector(nothing, _account(1)));
    }

    function test_governance_alone_sets_rates_up_to_the_largest() external {
        address target = address(rewards);
        _onlyFor(GOVERNANCE, target, abi.encodeCall(rewards.setRewardRates, (1, 1)));
        vm.expectEmit(target);
        emit IRewardSystem.RewardRatesSet(100e18, 100e18);
        _setRates(100e18, 100e18);
        cheats.assertEq(rewards.perSoldKwh(), 100e18);
        cheats.assertEq(rewards.perBoughtKwh(), 100e18);
        bytes memory reason = abi.encodeWithSelector(IRewardSystem.RateTooHigh.selector, 100e18 + 1, 100e18);
        address governance = _holder(GOVERNANCE);
        _fails(governance, target, abi.encodeCall(rewards.setRewardRates, (100e18 + 1, 0)), reason);
        _fails(governance, target, abi.encodeCall(rewards.setRewardRates, (0, 100e18 + 1)), reason);
    }

    function test_new_rates_wait_for_an_accounts_checkpoint() external {
        _trade(START + 1, 1000);
        _setRates(3e18, 4e18);
        cheats.assertEq(rewards.accrued(_account(1)), 1e18);
        address[] memory accounts = new address[](2);
        (accounts[0], accounts[1]) = (_account(1), _account(2));
        vm.expectEmit(address(rewards));
        emit IRewardSystem.RewardCheckpointed(_account(1), 1000, 0, 1e18);
        vm.expectEmit(address(rewards));
        emit IRewardSystem.RewardCheckpointed(_account(2), 0, 1000, 5e17);
        vm.prank(STRANGER);
        rewards.checkpoint(accounts);
        _expectClaimed(1, 1000, 0, 0);
        _trade(START + 3, 1000);
        cheats.assertEq(rewards.accrued(_account(1)), 1e18 + 3e18);
        cheats.assertEq(rewards.accrued(_account(2)), 5e17 + 4e18);
        vm.prank(_account(2));
        cheats.assertEq(rewards.claim(), 45e17);
    }

    function test_who_joins_after_new_rates_begins_with_them() external {
        _setRates(3e18, 4e18);
        _setRates(7e18, 8e18);
        _join(ZONE);
        _deposit(_account(3), 1e9);
        _setRates(1, 1);
        _trade3();
        // Home 3 joined under the rates of 7 and 8, home 1 before all of them.
        cheats.assertEq(rewards.accrued(_account(3)), 8e18);
        cheats.assertEq(rewards.accrued(_account(1)), 1e18);
    }

    function testFuzz_no_checkpoint_changes_what_is_earned_at_constant_rates(uint16 first, uint16 second, bool between)
        external
    {
        (uint64 one, uint64 two) = (uint64(first) % 9000 + 1, uint64(second) % 9000 + 1);
        _trade(START + 1, one);
        address[] memory accounts = new address[](1);
        accounts[0] = _account(1);
        if (between) rewards.checkpoint(accounts);
        _trade(START + 3, two);
        cheats.assertEq(rewards.accrued(_account(1)), uint256(one + two) * 1e15);
    }

    /// @dev Home 1 sells a kWh to home 3.
    function _trade3() private {
        uint64 interval = START + 1;
        _order(1, interval, IEnergyTrading.Side.Sell, 1000);
        _order(3, interval, IEnergyTrading.Side.Buy, 1000);
        _clearBy(interval);
        _meterUse(1, interval, 0, 1000);
        _meterUse(2, interval, 0, 0);
        _meterUse(3, interval, 1000, 0);
        _settle(interval);
    }

    function _setRates(uint256 perSoldKwh, uint256 perBoughtKwh) private {
        _as(GOVERNANCE);
        rewards.setRewardRates(perSoldKwh, perBoughtKwh);
    }

    function _expectClaimed(uint256 memberId, uint256 soldWh, uint256 boughtWh, uint256 amount) private view {
        (uint64 sold, uint64 bought, uint256 paid) = rewards.claimed(_account(memberId));
        cheats.assertEq(sold, soldWh);
        cheats.assertEq(bought, boughtWh);
        cheats.assertEq(paid, amount);
    }
}
