// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnergyCredits} from "../../EnergyCredits.sol";
import {IEnergyCredits} from "../../interfaces/IEnergyCredits.sol";
import {Community} from "./Community.sol";

contract EnergyCreditsTest is Community {
    address private constant SUPPLY = address(0x50);

    EnergyCredits private credits;

    function setUp() external {
        _found();
        _joinMany(2);
        credits = new EnergyCredits(registry, SUPPLY);
    }

    function test_deployment_keeps_registry_and_central_supply() external view {
        cheats.assertEq(address(credits.registry()), address(registry));
        cheats.assertEq(credits.centralSupply(), SUPPLY);
    }

    function test_deployment_needs_a_central_supply() external {
        vm.expectRevert(abi.encodeWithSelector(IEnergyCredits.UnknownAccount.selector, address(0)));
        new EnergyCredits(registry, address(0));
    }

    function test_anyone_mints_a_credit_for_each_wh_that_a_home_fed_in() external {
        _meterUse(1, START, 40, 300);
        cheats.assertFalse(credits.minted(START, 1));
        vm.expectEmit(address(credits));
        emit IEnergyCredits.CreditsMinted(START, _account(1), 300);
        vm.prank(STRANGER);
        cheats.assertEq(credits.mint(START, 1), 300);
        cheats.assertEq(credits.balanceOf(_account(1)), 300);
        cheats.assertEq(credits.totalMinted(), 300);
        cheats.assertTrue(credits.minted(START, 1));
        cheats.assertFalse(credits.minted(START, 2));
        cheats.assertFalse(credits.minted(START + 1, 1));
    }

    function test_an_interval_brings_its_credits_once() external {
        _meterUse(1, START, 0, 300);
        credits.mint(START, 1);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.AlreadyMinted.selector, START, 1);
        _fails(STRANGER, address(credits), abi.encodeCall(credits.mint, (START, 1)), reason);
    }

    function test_no_credits_without_a_reading() external {
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.NotMetered.selector, START, 1);
        _fails(STRANGER, address(credits), abi.encodeCall(credits.mint, (START, 1)), reason);
        reason = abi.encodeWithSelector(IEnergyCredits.NotMetered.selector, START, 99);
        _fails(STRANGER, address(credits), abi.encodeCall(credits.mint, (START, 99)), reason);
    }

    function test_no_credits_for_an_interval_that_the_registry_has_forgotten() external {
        _meterUse(1, START, 0, 300);
        _meterUse(1, START + 32, 0, 1);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.NotMetered.selector, START, 1);
        _fails(STRANGER, address(credits), abi.encodeCall(credits.mint, (START, 1)), reason);
    }

    function test_no_credits_for_a_home_that_fed_nothing_in() external {
        _meterUse(1, START, 500, 0);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.NoCredits.selector);
        _fails(STRANGER, address(credits), abi.encodeCall(credits.mint, (START, 1)), reason);
        cheats.assertFalse(credits.minted(START, 1));
    }

    function test_credits_move_to_members_and_to_the_central_supply() external {
        _endow(300);
        vm.expectEmit(address(credits));
        emit IEnergyCredits.CreditsTransferred(_account(1), _account(2), 100);
        vm.prank(_account(1));
        credits.transfer(_account(2), 100);
        vm.prank(_account(1));
        credits.transfer(SUPPLY, 200);
        cheats.assertEq(credits.balanceOf(_account(1)), 0);
        cheats.assertEq(credits.balanceOf(_account(2)), 100);
        cheats.assertEq(credits.balanceOf(SUPPLY), 200);
        vm.prank(SUPPLY);
        credits.transfer(_account(1), 200);
        cheats.assertEq(credits.balanceOf(_account(1)), 200);
    }

    function test_a_transfer_to_oneself_changes_nothing() external {
        _endow(300);
        vm.prank(_account(1));
        credits.transfer(_account(1), 300);
        cheats.assertEq(credits.balanceOf(_account(1)), 300);
    }

    function test_credits_do_not_leave_the_community() external {
        _endow(300);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.UnknownAccount.selector, STRANGER);
        _fails(_account(1), address(credits), abi.encodeCall(credits.transfer, (STRANGER, 1)), reason);
    }

    function test_credits_are_spent_once() external {
        _endow(300);
        vm.expectEmit(address(credits));
        emit IEnergyCredits.CreditsSpent(_account(1), 299, "charging");
        vm.prank(_account(1));
        credits.spend(299, "charging");
        cheats.assertEq(credits.balanceOf(_account(1)), 1);
        cheats.assertEq(credits.totalSpent(), 299);
        cheats.assertEq(credits.totalMinted(), 300);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.InsufficientCredits.selector, _account(1), 1, 2);
        _fails(_account(1), address(credits), abi.encodeCall(credits.spend, (2, "charging")), reason);
        _fails(_account(1), address(credits), abi.encodeCall(credits.transfer, (_account(2), 2)), reason);
    }

    function test_nothing_cannot_be_moved_or_spent() external {
        _endow(300);
        bytes memory reason = abi.encodeWithSelector(IEnergyCredits.NoCredits.selector);
        _fails(_account(1), address(credits), abi.encodeCall(credits.spend, (0, "")), reason);
        _fails(_account(1), address(credits), abi.encodeCall(credits.transfer, (_account(2), 0)), reason);
    }

    function testFuzz_balances_add_up_to_what_was_minted_less_what_was_spent(uint16[9] memory amounts) external {
        _endow(10_000);
        address[3] memory holders = [_account(1), _account(2), SUPPLY];
        for (uint256 i = 0; i < amounts.length; ++i) {
            address from = holders[i % 3];
            bytes memory call = amounts[i] % 2 == 0
                ? abi.encodeCall(credits.spend, (amounts[i] % 4000, ""))
                : abi.encodeCall(credits.transfer, (holders[(amounts[i] / 2) % 3], amounts[i] % 8000));
            vm.prank(from);
            // Refusals change nothing and are as welcome as successes.
            (bool ok,) = address(credits).call(call);
            ok;
        }
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            sum += credits.balanceOf(holders[i]);
        }
        cheats.assertEq(sum, credits.totalMinted() - credits.totalSpent());
        cheats.assertEq(credits.totalMinted(), 10_000);
    }

    function _endow(uint64 exportWh) private {
        _meterUse(1, START, 0, exportWh);
        credits.mint(START, 1);
    }
}
