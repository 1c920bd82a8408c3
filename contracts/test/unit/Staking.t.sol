// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IStaking} from "../../interfaces/IStaking.sol";
import {Staking} from "../../rewards/Staking.sol";
import {RewardToken} from "../../tokens/RewardToken.sol";
import {Community} from "./Community.sol";

contract StakingTest is Community {
    uint64 private constant NOW = START * HOUR;
    uint64 private constant WAIT = 7 * 86_400;
    uint256 private constant FUNDS = 1000e18;

    RewardToken private reward;
    Staking private staking;

    function setUp() external {
        _found();
        _joinMany(2);
        reward = new RewardToken(address(manager), 1e27);
        _allow(address(reward), reward.mint.selector, MINTER);
        staking = new Staking(reward, registry, WAIT);
        for (uint256 i = 1; i <= 2; ++i) {
            _as(MINTER);
            reward.mint(_account(i), FUNDS);
            vm.prank(_account(i));
            reward.approve(address(staking), type(uint256).max);
        }
    }

    function test_deployment_keeps_token_registry_and_unbonding_time() external view {
        cheats.assertEq(address(staking.rewardToken()), address(reward));
        cheats.assertEq(address(staking.registry()), address(registry));
        cheats.assertEq(staking.unbondingSeconds(), WAIT);
    }

    // Staking

    function test_staked_tokens_move_and_every_second_of_the_past_is_remembered() external {
        vm.expectEmit(address(staking));
        emit IStaking.Staked(_account(1), 30);
        _stake(1, 30);
        vm.warp(NOW + 10);
        _stake(1, 5);
        cheats.assertEq(staking.stakeOf(_account(1)), 35);
        cheats.assertEq(reward.balanceOf(address(staking)), 35);
        cheats.assertEq(reward.balanceOf(_account(1)), FUNDS - 35);
        cheats.assertEq(staking.stakeAt(_account(1), uint48(NOW) - 1), 0);
        cheats.assertEq(staking.stakeAt(_account(1), uint48(NOW)), 30);
        cheats.assertEq(staking.stakeAt(_account(1), uint48(NOW) + 9), 30);
        cheats.assertEq(staking.stakeAt(_account(1), uint48(NOW) + 10), 35);
        cheats.assertEq(staking.stakeOf(_account(2)), 0);
    }

    function test_nothing_cannot_be_staked_or_unstaked() external {
        bytes memory reason = abi.encodeWithSelector(IStaking.ZeroAmount.selector);
        _fails(_account(1), address(staking), abi.encodeCall(staking.stake, (0)), reason);
        _fails(_account(1), address(staking), abi.encodeCall(staking.unstake, (0)), reason);
    }

    function test_nobody_stakes_what_they_do_not_have() external {
        bytes4 few = IERC20Errors.ERC20InsufficientBalance.selector;
        bytes memory reason = abi.encodeWithSelector(few, _account(1), FUNDS, FUNDS + 1);
        _fails(_account(1), address(staking), abi.encodeCall(staking.stake, (FUNDS + 1)), reason);
        cheats.assertEq(staking.stakeOf(_account(1)), 0);
    }

    // Unbonding

    function test_unstaked_tokens_wait_and_more_of_them_begin_the_wait_anew() external {
        _stake(1, 100);
        vm.expectEmit(address(staking));
        emit IStaking.Unstaked(_account(1), 40, NOW + WAIT);
        _unstake(1, 40);
        _expectUnbonding(1, 40, NOW + WAIT);
        cheats.assertEq(staking.stakeOf(_account(1)), 60);
        vm.warp(NOW + 100);
        _unstake(1, 60);
        _expectUnbonding(1, 100, NOW + 100 + WAIT);
        cheats.assertEq(reward.balanceOf(address(staking)), 100);
    }

    function test_nobody_unstakes_more_than_the_stake() external {
        _stake(1, 100);
        bytes memory reason = abi.encodeWithSelector(IStaking.InsufficientStake.selector, _account(1), 100, 101);
        _fails(_account(1), address(staking), abi.encodeCall(staking.unstake, (101)), reason);
        _unstake(1, 100);
    }

    function test_unbonded_tokens_come_back_at_the_end_of_the_wait_and_once() external {
        bytes memory call = abi.encodeCall(staking.withdraw, ());
        bytes memory nothing = abi.encodeWithSelector(IStaking.NothingToWithdraw.selector, _account(1));
        _fails(_account(1), address(staking), call, nothing);
        _stake(1, 100);
        _unstake(1, 40);
        vm.warp(NOW + WAIT - 1);
        bytes memory reason = abi.encodeWithSelector(IStaking.StillUnbonding.selector, _account(1), NOW + WAIT);
        _fails(_account(1), address(staking), call, reason);
        vm.warp(NOW + WAIT);
        vm.expectEmit(address(staking));
        emit IStaking.Withdrawn(_account(1), 40);
        vm.prank(_account(1));
        cheats.assertEq(staking.withdraw(), 40);
        cheats.assertEq(reward.balanceOf(_account(1)), FUNDS - 60);
        _expectUnbonding(1, 0, 0);
        _fails(_account(1), address(staking), call, nothing);
    }

    function testFuzz_tokens_are_conserved_whatever_is_staked_and_unstaked(uint96[8] memory moves) external {
        uint256 time = NOW;
        for (uint256 i = 0; i < moves.length; ++i) {
            time += moves[i] % (3 * WAIT / 4);
            vm.warp(time);
            bytes memory call = i % 3 == 2
                ? abi.encodeCall(staking.withdraw, ())
                : i % 3 == 1 ? abi.encodeCall(staking.unstake, (moves[i])) : abi.encodeCall(staking.stake, (moves[i]));
            vm.prank(_account(1 + i % 2));
            // Refusals change nothing and are as welcome as successes.
            (bool ok,) = address(staking).call(call);
            ok;
        }
        uint256 held;
        for (uint256 i = 1; i <= 2; ++i) {
            (uint256 waiting,) = staking.unbonding(_account(i));
            uint256 own = staking.stakeOf(_account(i)) + waiting;
            cheats.assertEq(own + reward.balanceOf(_account(i)), FUNDS);
            held += own;
        }
        cheats.assertEq(reward.balanceOf(address(staking)), held);
    }

    // Slashing

    function test_two_readings_with_one_number_burn_half_of_what_is_staked_and_what_waits() external {
        _stake(1, 101);
        _unstake(1, 50);
        _stake(2, 7);
        // Of 51 and of 50, what is taken rounded up.
        vm.expectEmit(address(staking));
        emit IStaking.Slashed(_account(1), _meter(1), 9, 26 + 25);
        vm.expectEmit(address(reward));
        emit IERC20.Transfer(address(staking), address(0), 51);
        _slash(_reading(1, 9, 5), _reading(1, 9, 6));
        cheats.assertEq(staking.stakeOf(_account(1)), 25);
        _expectUnbonding(1, 25, NOW + WAIT);
        cheats.assertEq(staking.stakeOf(_account(2)), 7);
        cheats.assertEq(reward.totalSupply(), 2 * FUNDS - 51);
        cheats.assertEq(reward.balanceOf(address(staking)), 57);
    }

    function test_a_proof_counts_once_and_another_number_again() external {
        _stake(1, 100);
        _slash(_reading(1, 9, 5), _reading(1, 9, 6));
        bytes memory call = _slashCall(_reading(1, 9, 7), _reading(1, 9, 8), 2001, 2001);
        bytes memory reason = abi.encodeWithSelector(IStaking.AlreadySlashed.selector, _meter(1), 9);
        _fails(STRANGER, address(staking), call, reason);
        _slash(_reading(1, 10, 5), _reading(1, 10, 6));
        cheats.assertEq(staking.stakeOf(_account(1)), 25);
    }

    function test_an_owner_without_a_stake_loses_nothing() external {
        vm.expectEmit(address(staking));
        emit IStaking.Slashed(_account(1), _meter(1), 9, 0);
        _slash(_reading(1, 9, 5), _reading(1, 9, 6));
        cheats.assertEq(reward.totalSupply(), 2 * FUNDS);
    }

    function test_one_reading_twice_or_of_two_devices_or_numbers_is_no_equivocation() external {
        bytes memory reason = abi.encodeWithSelector(IStaking.NoEquivocation.selector, _meter(1), 9);
        _refuses(_reading(1, 9, 5), _reading(1, 9, 5), reason);
        _refuses(_reading(1, 9, 5), _reading(1, 10, 5), reason);
        _refuses(_reading(1, 9, 5), _reading(2, 9, 5), reason);
    }

    function test_both_readings_are_signed_by_the_present_key() external {
        bytes4 foreign = IStaking.NotSignedByDevice.selector;
        bytes memory reason = abi.encodeWithSelector(foreign, _meter(1), vm.addr(2002));
        _fails(STRANGER, address(staking), _slashCall(_reading(1, 9, 5), _reading(1, 9, 6), 2002, 2001), reason);
        _fails(STRANGER, address(staking), _slashCall(_reading(1, 9, 5), _reading(1, 9, 6), 2001, 2002), reason);
        vm.prank(_account(1));
        registry.rotateKey(_meter(1), vm.addr(9999));
        reason = abi.encodeWithSelector(foreign, _meter(1), vm.addr(2001));
        _refuses(_reading(1, 9, 5), _reading(1, 9, 6), reason);
    }

    function test_a_device_that_does_not_exist_signs_nothing() external {
        bytes memory call = abi.encodeCall(staking.slash, (_reading(77, 9, 5), "", _reading(77, 9, 6), ""));
        bytes memory reason = abi.encodeWithSelector(IStaking.NotSignedByDevice.selector, _meter(77), address(0));
        _fails(STRANGER, address(staking), call, reason);
    }

    function testFuzz_slashing_takes_half_of_each_part_rounded_up(uint96 staked, uint96 waiting) external {
        (uint256 bonded, uint256 freed) = (uint256(staked) % 400e18 + 1, uint256(waiting) % 400e18 + 1);
        _stake(1, bonded + freed);
        _unstake(1, freed);
        _slash(_reading(1, 9, 5), _reading(1, 9, 6));
        cheats.assertEq(staking.stakeOf(_account(1)), bonded / 2);
        _expectUnbonding(1, freed / 2, NOW + WAIT);
        cheats.assertEq(reward.balanceOf(address(staking)), bonded / 2 + freed / 2);
    }

    function _stake(uint256 memberId, uint256 amount) private {
        vm.prank(_account(memberId));
        staking.stake(amount);
    }

    function _unstake(uint256 memberId, uint256 amount) private {
        vm.prank(_account(memberId));
        staking.unstake(amount);
    }

    function _reading(uint256 memberId, uint64 sequence, uint64 importWh)
        private
        pure
        returns (IDeviceRegistry.Reading memory)
    {
        return IDeviceRegistry.Reading(_meter(memberId), sequence, NOW + HOUR, importWh, 0, bytes32(0));
    }

    function _slashCall(
        IDeviceRegistry.Reading memory first,
        IDeviceRegistry.Reading memory second,
        uint256 firstKey,
        uint256 secondKey
    ) private view returns (bytes memory) {
        bytes memory firstSignature = _sign(firstKey, registry.hashReading(first));
        bytes memory secondSignature = _sign(secondKey, registry.hashReading(second));
        return abi.encodeCall(staking.slash, (first, firstSignature, second, secondSignature));
    }

    /// @dev With the signatures of the first home's meter, from this contract, which has no part in anything.
    function _slash(IDeviceRegistry.Reading memory first, IDeviceRegistry.Reading memory second) private {
        (bool ok,) = address(staking).call(_slashCall(first, second, 2001, 2001));
        cheats.assertTrue(ok);
    }

    function _refuses(IDeviceRegistry.Reading memory first, IDeviceRegistry.Reading memory second, bytes memory reason)
        private
    {
        _fails(STRANGER, address(staking), _slashCall(first, second, 2001, 2001), reason);
    }

    function _expectUnbonding(uint256 memberId, uint256 amount, uint64 releasedAt) private view {
        (uint256 waiting, uint64 end) = staking.unbonding(_account(memberId));
        cheats.assertEq(waiting, amount);
        cheats.assertEq(end, releasedAt);
    }
}
