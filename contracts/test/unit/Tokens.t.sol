// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {PaymentToken} from "../../tokens/PaymentToken.sol";
import {RewardToken} from "../../tokens/RewardToken.sol";
import {Hands} from "./Hands.sol";

contract TokensTest is Hands {
    uint256 private constant CAP = 1000e18;
    uint256 private constant KEY = 77;
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant DELEGATION = keccak256("Delegation(address delegatee,uint256 nonce,uint256 expiry)");

    PaymentToken private money;
    RewardToken private reward;

    function setUp() external {
        _found();
        money = new PaymentToken(address(manager));
        reward = new RewardToken(address(manager), CAP);
        _allow(address(money), money.mint.selector, ISSUER);
        _allow(address(reward), reward.mint.selector, MINTER);
    }

    function test_the_payment_token_is_money_with_six_decimals() external view {
        cheats.assertEq(money.name(), "Microgrid Credit");
        cheats.assertEq(money.symbol(), "MGC");
        cheats.assertEq(money.decimals(), 6);
        cheats.assertEq(money.totalSupply(), 0);
        cheats.assertEq(money.authority(), address(manager));
    }

    function test_the_reward_token_has_18_decimals_a_cap_and_votes_counted_by_time() external view {
        cheats.assertEq(reward.name(), "Microgrid Reward");
        cheats.assertEq(reward.symbol(), "MGR");
        cheats.assertEq(reward.decimals(), 18);
        cheats.assertEq(reward.cap(), CAP);
        cheats.assertEq(reward.clock(), START * HOUR);
        cheats.assertEq(reward.CLOCK_MODE(), "mode=timestamp");
        cheats.assertEq(reward.authority(), address(manager));
    }

    function test_only_the_issuer_makes_money() external {
        _onlyFor(ISSUER, address(money), abi.encodeCall(money.mint, (STRANGER, 1)));
        vm.expectEmit(address(money));
        emit IERC20.Transfer(address(0), STRANGER, 5_000_000);
        _as(ISSUER);
        money.mint(STRANGER, 5_000_000);
        cheats.assertEq(money.balanceOf(STRANGER), 5_000_000);
        cheats.assertEq(money.totalSupply(), 5_000_000);
    }

    function test_only_the_reward_system_mints_rewards() external {
        _onlyFor(MINTER, address(reward), abi.encodeCall(reward.mint, (STRANGER, 1)));
        _mint(STRANGER, 5e18);
        cheats.assertEq(reward.balanceOf(STRANGER), 5e18);
    }

    function test_rewards_can_be_minted_up_to_the_cap_and_not_a_unit_beyond() external {
        _mint(STRANGER, CAP - 1);
        bytes memory reason = abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, CAP + 1, CAP);
        _fails(_holder(MINTER), address(reward), abi.encodeCall(reward.mint, (STRANGER, 2)), reason);
        _mint(STRANGER, 1);
        cheats.assertEq(reward.totalSupply(), CAP);
    }

    function test_a_cap_of_zero_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20InvalidCap.selector, 0));
        new RewardToken(address(manager), 0);
    }

    function test_what_is_burned_can_be_minted_again() external {
        _mint(STRANGER, CAP);
        vm.prank(STRANGER);
        reward.burn(10);
        cheats.assertEq(reward.totalSupply(), CAP - 10);
        _mint(STRANGER, 10);
        cheats.assertEq(reward.totalSupply(), CAP);
    }

    function test_nobody_burns_more_than_they_have() external {
        _mint(STRANGER, 3);
        bytes memory reason = abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, STRANGER, 3, 4);
        _fails(STRANGER, address(reward), abi.encodeCall(reward.burn, (4)), reason);
    }

    function test_votes_follow_the_tokens_of_who_delegates() external {
        _mint(STRANGER, 8e18);
        cheats.assertEq(reward.getVotes(STRANGER), 0);
        vm.prank(STRANGER);
        reward.delegate(STRANGER);
        cheats.assertEq(reward.getVotes(STRANGER), 8e18);
        vm.prank(STRANGER);
        reward.transfer(address(0xbeef), 3e18);
        cheats.assertEq(reward.getVotes(STRANGER), 5e18);
        vm.warp(START * HOUR + 1);
        cheats.assertEq(reward.getPastVotes(STRANGER, START * HOUR), 5e18);
        cheats.assertEq(reward.getPastTotalSupply(START * HOUR), 8e18);
    }

    function test_permits_and_delegations_by_signature_share_one_count_of_nonces() external {
        address owner = vm.addr(KEY);
        cheats.assertEq(reward.nonces(owner), 0);
        _permit(0);
        cheats.assertEq(reward.nonces(owner), 1);
        cheats.assertEq(reward.allowance(owner, STRANGER), 9);
        bytes32 digest = _digest(keccak256(abi.encode(DELEGATION, STRANGER, 1, START * HOUR)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        reward.delegateBySig(STRANGER, 1, START * HOUR, v, r, s);
        cheats.assertEq(reward.nonces(owner), 2);
        cheats.assertEq(reward.delegates(owner), STRANGER);
        bytes memory again = abi.encodeCall(reward.delegateBySig, (STRANGER, 1, START * HOUR, v, r, s));
        bytes memory reason = abi.encodeWithSelector(Nonces.InvalidAccountNonce.selector, owner, 2);
        _fails(STRANGER, address(reward), again, reason);
    }

    function test_a_permit_holds_to_its_deadline() external {
        vm.warp(START * HOUR + 1);
        bytes memory reason = abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, START * HOUR);
        _fails(STRANGER, address(reward), _permitCall(0), reason);
        vm.warp(START * HOUR);
        _permit(0);
    }

    function testFuzz_minting_in_parts_never_passes_the_cap(uint256[8] memory parts) external {
        uint256 minted;
        for (uint256 i = 0; i < parts.length; ++i) {
            uint256 part = parts[i] % (CAP / 4);
            _as(MINTER);
            (bool ok,) = address(reward).call(abi.encodeCall(reward.mint, (STRANGER, part)));
            cheats.assertTrue(ok == (minted + part <= CAP));
            if (ok) minted += part;
        }
        cheats.assertEq(reward.totalSupply(), minted);
    }

    function _mint(address to, uint256 amount) private {
        _as(MINTER);
        reward.mint(to, amount);
    }

    function _permit(uint256 nonce) private {
        (bool ok,) = address(reward).call(_permitCall(nonce));
        cheats.assertTrue(ok);
    }

    /// @dev A permit of nine units to the stranger until the tests begin.
    function _permitCall(uint256 nonce) private view returns (bytes memory) {
        address owner = vm.addr(KEY);
        bytes32 digest = _digest(keccak256(abi.encode(PERMIT, owner, STRANGER, 9, nonce, START * HOUR)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodeCall(reward.permit, (owner, STRANGER, 9, START * HOUR, v, r, s));
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked("\x19\x01", reward.DOMAIN_SEPARATOR(), structHash));
    }
}
