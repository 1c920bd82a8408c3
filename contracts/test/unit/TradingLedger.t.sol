// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {EnergyTrading} from "../../EnergyTrading.sol";
import {Vm} from "../Vm.sol";
import {ThreeHomes} from "./ThreeHomes.sol";

contract TradingLedgerTest is ThreeHomes {
    function test_money_comes_in_moves_and_goes_out() external {
        require(trading.balanceOf(_account(1)) == FUNDS && trading.totalLiabilities() == 3 * FUNDS);
        money.mint(address(this), 5);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.Deposited(_account(1), address(this), 5);
        trading.deposit(_account(1), 5);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.CreditTransferred(_account(1), _account(2), 7);
        vm.prank(_account(1));
        trading.transfer(_account(2), 7);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.Withdrawn(_account(2), 9);
        vm.prank(_account(2));
        trading.withdraw(9);
        require(trading.balanceOf(_account(1)) == FUNDS - 2 && trading.balanceOf(_account(2)) == FUNDS - 2);
        require(money.balanceOf(_account(2)) == 9 && trading.totalLiabilities() == 3 * FUNDS - 4);
        IEnergyTrading.Account memory account = trading.account(_account(2));
        require(account.balance == FUNDS - 2 && account.soldWh == 0 && account.boughtWh == 0 && account.nextNonce == 0);
    }

    function test_only_accounts_of_the_ledger_hold_money() external {
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.UnknownMember.selector, STRANGER);
        _refused(abi.encodeCall(trading.deposit, (STRANGER, 1)), reason);
        _refusedTo(1, abi.encodeCall(trading.transfer, (STRANGER, 1)), reason);
        _fails(STRANGER, address(trading), abi.encodeCall(trading.withdraw, (1)), reason);
        require(trading.balanceOf(STRANGER) == 0);
        address[3] memory known = [BACKSTOP, TREASURY, address(trading)];
        for (uint256 i = 0; i < 3; ++i) {
            _deposit(known[i], 3);
            require(trading.balanceOf(known[i]) == 3);
        }
        require(trading.backstop() == BACKSTOP && trading.treasury() == TREASURY);
    }

    function test_nothing_is_no_amount_and_nobody_spends_more_than_there_is() external {
        bytes memory nothing = abi.encodeWithSelector(IEnergyTrading.ZeroAmount.selector);
        _refused(abi.encodeCall(trading.deposit, (_account(1), 0)), nothing);
        _refusedTo(1, abi.encodeCall(trading.withdraw, (0)), nothing);
        uint256 tooMuch = uint256(FUNDS) + 1;
        bytes memory reason =
            abi.encodeWithSelector(IEnergyTrading.InsufficientBalance.selector, _account(1), FUNDS, tooMuch);
        _refusedTo(1, abi.encodeCall(trading.withdraw, (tooMuch)), reason);
        _refusedTo(1, abi.encodeCall(trading.transfer, (_account(2), tooMuch)), reason);
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS));
    }

    /// @dev Home 3 draws 10 kWh and has no money: its arrears stand against what the backstop may take out.
    function test_the_backstop_leaves_the_arrears_of_others_covered() external {
        vm.prank(_account(3));
        trading.withdraw(uint256(FUNDS));
        _deposit(BACKSTOP, 3_500_000);
        _clear();
        _meterAll([uint64(0), 0], [uint64(0), 0], [uint64(10_000), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(_account(3)) == -3_000_000 && trading.balanceOf(BACKSTOP) == 6_500_000);
        bytes memory reason = abi.encodeWithSelector(
            IEnergyTrading.InsufficientBalance.selector, BACKSTOP, int256(3_500_000), uint256(3_500_001)
        );
        _fails(BACKSTOP, address(trading), abi.encodeCall(trading.withdraw, (3_500_001)), reason);
        // What fills arrears is owed to nobody.
        _deposit(_account(3), 1_000_000);
        vm.prank(BACKSTOP);
        trading.withdraw(4_500_000);
    }

    /// @dev The pool pays what home 2 feeds in; what home 3 draws and owes is all that the backstop has.
    function test_what_the_pool_gives_covers_nobodys_arrears() external {
        vm.prank(_account(3));
        trading.withdraw(uint256(FUNDS));
        _deposit(address(trading), 800_000);
        _clear();
        _meterAll([uint64(0), 0], [uint64(0), 10_000], [uint64(1000), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(BACKSTOP) == 300_000 && trading.balanceOf(_account(3)) == -300_000);
        bytes memory reason =
            abi.encodeWithSelector(IEnergyTrading.InsufficientBalance.selector, BACKSTOP, int256(0), uint256(1));
        _fails(BACKSTOP, address(trading), abi.encodeCall(trading.withdraw, (1)), reason);
    }

    function test_a_backstop_takes_all_it_has_while_nobody_is_in_arrears() external {
        _deposit(BACKSTOP, 7 * uint256(FUNDS));
        vm.prank(BACKSTOP);
        trading.withdraw(7 * uint256(FUNDS));
        require(trading.balanceOf(BACKSTOP) == 0 && trading.totalLiabilities() == 3 * FUNDS);
    }

    function test_nothing_is_drawn_from_the_pool_while_all_is_covered() external {
        vm.recordLogs();
        _deposit(_account(1), 5);
        vm.prank(_account(1));
        trading.transfer(_account(2), 5);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            require(logs[i].topics[0] != IEnergyTrading.InsuranceDrawn.selector, "drawn");
        }
    }

    function test_money_needs_more_than_64_bits_and_all_of_it_more_than_127() external {
        uint256 amount = 1 << 126;
        _deposit(_account(1), amount);
        _deposit(BACKSTOP, amount);
        require(trading.totalLiabilities() == 3 * FUNDS + int256(2 * amount));
        require(trading.account(_account(1)).balance == FUNDS + int256(amount));
        vm.prank(BACKSTOP);
        trading.withdraw(amount);
        vm.prank(_account(1));
        trading.withdraw(amount);
        _deposit(_account(2), 1);
        require(trading.totalLiabilities() == 3 * FUNDS + 1);
    }

    /// @dev The registry says that there are so many members.
    function test_no_member_reaches_the_numbers_of_the_other_accounts() external {
        uint32[4] memory ids = [uint32(65_533), 65_534, 65_535, type(uint32).max / 2];
        for (uint256 i = 0; i < 4; ++i) {
            vm.mockCall(address(registry), abi.encodeCall(registry.memberOf, (STRANGER)), abi.encode(ids[i]));
            _deposit(STRANGER, 1);
        }
        require(trading.balanceOf(BACKSTOP) == 0 && trading.balanceOf(TREASURY) == 0);
        require(trading.balanceOf(address(trading)) == 0);
    }

    function test_the_insurance_share_is_a_share() external {
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.InsuranceShareSet(10_000);
        trading.setInsuranceShare(10_000);
        require(trading.insuranceShare() == 10_000);
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.InvalidShare.selector, 10_001, 10_000);
        _refused(abi.encodeCall(trading.setInsuranceShare, (10_001)), reason);
        _forbidden(abi.encodeCall(trading.setInsuranceShare, (1)));
    }

    function test_backstop_and_treasury_are_two_accounts() external {
        address[2][3] memory pairs = [[BACKSTOP, BACKSTOP], [address(0), TREASURY], [BACKSTOP, address(0)]];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector));
            new EnergyTrading(address(manager), money, registry, grid, pairs[i][0], pairs[i][1], _rules());
        }
    }
}
