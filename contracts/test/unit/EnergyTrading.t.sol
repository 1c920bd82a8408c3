// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {DeviceRegistry} from "../../DeviceRegistry.sol";
import {EnergyTrading} from "../../EnergyTrading.sol";
import {GridBalance} from "../../GridBalance.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {ThreeHomes} from "./ThreeHomes.sol";

/// @title Clearing and settlement.
contract EnergyTradingTest is ThreeHomes {
    uint64 private constant END = (FIRST + 1) * HOUR;

    // Deployment

    function test_interval_and_deadline_fit_the_registry() external {
        IEnergyTrading.Config memory rules = _rules();
        rules.settlementDeadlineSeconds = 31 * HOUR + 1;
        DeviceRegistry patient = new DeviceRegistry(address(manager), grid, 31 * HOUR + 1);
        vm.expectRevert(abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector));
        new EnergyTrading(address(manager), money, patient, grid, BACKSTOP, TREASURY, rules);
        patient = new DeviceRegistry(address(manager), grid, DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector));
        new EnergyTrading(address(manager), money, patient, grid, BACKSTOP, TREASURY, _rules());
        uint64[2] memory lengths = [HOUR / 2, HOUR * 2];
        for (uint256 i = 0; i < 2; ++i) {
            GridBalance elsewhere = new GridBalance(address(manager), lengths[i], _parameters());
            DeviceRegistry other = new DeviceRegistry(address(manager), elsewhere, DEADLINE);
            vm.expectRevert(abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector));
            new EnergyTrading(address(manager), money, other, grid, BACKSTOP, TREASURY, _rules());
        }
        require(keccak256(abi.encode(trading.config())) == keccak256(abi.encode(_rules())));
    }

    // Clearing

    function test_an_interval_is_cleared_once_after_its_gate_by_anybody() external {
        bytes memory call = abi.encodeCall(trading.clear, (FIRST));
        _order(1, FIRST, BUY, 1000, RETAIL);
        _order(2, FIRST, SELL, 600, FEED_IN);
        uint64 gate = FIRST * HOUR - GATE_LEAD;
        vm.warp(gate - 1);
        _refused(call, abi.encodeWithSelector(IEnergyTrading.GateStillOpen.selector, FIRST, gate));
        require(trading.clearing(FIRST).status == IEnergyTrading.Status.None);
        require(trading.clearing(FIRST).price == 0 && trading.clearing(FIRST - 9).price == 0);
        vm.warp(gate);
        vm.prank(STRANGER);
        trading.clear(FIRST);
        _refused(call, abi.encodeWithSelector(IEnergyTrading.AlreadyCleared.selector, FIRST));
        IEnergyTrading.Clearing memory result = trading.clearing(FIRST);
        require(result.status == IEnergyTrading.Status.Cleared && result.members == 3 && result.volumeWh == 600);
        require(result.buyMarginTick == 127 && result.buyFillWh == 600 && result.sellFillWh == 600);
        require(result.price == trading.tickPrice(FIRST, result.tick));
        require(trading.fill(FIRST, 1, BUY) == 600 && trading.fill(FIRST, 2, SELL) == 600);
        require(trading.fill(FIRST, 1, SELL) == 0 && trading.fill(FIRST, 3, BUY) == 0);
        bytes memory closed = abi.encodeWithSelector(IEnergyTrading.IntervalNotOpen.selector, FIRST - 9);
        _refused(abi.encodeCall(trading.clear, (FIRST - 9)), closed);
        _refused(abi.encodeCall(trading.tickPrice, (FIRST - 9, 0)), closed);
    }

    /// @dev The offer is good at retail alone.
    function test_a_clearing_tells_its_tick_price_and_volume() external {
        _order(1, FIRST, BUY, 1000, RETAIL);
        _order(2, FIRST, SELL, 600, RETAIL);
        vm.warp(FIRST * HOUR - GATE_LEAD);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.IntervalCleared(FIRST, 127, RETAIL, 600);
        trading.clear(FIRST);
    }

    function test_fills_need_no_16_bits() external {
        for (uint256 id = 1; id <= 2; ++id) _order(id, FIRST, BUY, 50_000, RETAIL);
        _order(3, FIRST, SELL, 50_000, FEED_IN);
        uint32 fourth = _join();
        _deposit(_account(fourth), uint256(FUNDS));
        _order(fourth, FIRST, SELL, 50_000, FEED_IN);
        _clear();
        IEnergyTrading.Clearing memory result = trading.clearing(FIRST);
        require(result.volumeWh == 100_000 && result.buyFillWh == 100_000 && result.sellFillWh == 100_000);
        require(trading.fill(FIRST, 2, BUY) == 50_000 && trading.fill(FIRST, fourth, SELL) == 50_000);
    }

    function test_a_clearing_tells_prices_of_64_bits() external {
        _open(FIRST + 4, FEED_IN, 1 << 63);
        _deposit(_account(1), 1e17);
        _order(1, FIRST + 4, BUY, 10, 1 << 63);
        _order(2, FIRST + 4, SELL, 10, 1 << 63);
        vm.warp((FIRST + 4) * HOUR - GATE_LEAD);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.IntervalCleared(FIRST + 4, 127, 1 << 63, 10);
        trading.clear(FIRST + 4);
    }

    function test_an_interval_of_nobody_is_settled_at_once() external {
        DeviceRegistry nobody = new DeviceRegistry(address(manager), grid, _rules().settlementDeadlineSeconds);
        EnergyTrading empty =
            new EnergyTrading(address(manager), money, nobody, grid, BACKSTOP, TREASURY, _rules());
        vm.warp(FIRST * HOUR - GATE_LEAD);
        empty.clear(FIRST);
        require(empty.clearing(FIRST).status == IEnergyTrading.Status.Settled);
    }

    // Settlement

    function test_bills_are_booked_to_the_last_micro() external {
        _deposit(BACKSTOP, 1_000_000);
        trading.setInsuranceShare(2500);
        _trade(1000);
        int256 price = int256(uint256(trading.clearing(FIRST).price));
        _meterAll([uint64(1500), 0], [uint64(0), 800], [uint64(0), 0]);
        int256 one = -(price + 2000) - 150_000;
        int256 two = price - 60_000;
        uint256[] memory bills = new uint256[](6);
        (bills[0], bills[1]) = (_bill(1, 1000, 0, 1500, 0), uint256(one));
        (bills[2], bills[3]) = (_bill(2, 0, 1000, 0, 800), uint256(two));
        bills[4] = _bill(3, 0, 0, 0, 0);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.HomesSettled(FIRST, bills);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.IntervalSettled(FIRST, int128(one + two), 210_000, 2000, 0);
        require(trading.settle(FIRST, 1, 3) == 3);
        require(trading.balanceOf(_account(1)) == FUNDS + one && trading.balanceOf(_account(2)) == FUNDS + two);
        require(trading.balanceOf(_account(3)) == FUNDS && trading.balanceOf(BACKSTOP) == 1_210_000);
        require(trading.balanceOf(TREASURY) == 1500 && trading.balanceOf(address(trading)) == 500);
        require(trading.account(_account(1)).boughtWh == 1000 && trading.account(_account(2)).soldWh == 800);
        require(trading.clearing(FIRST).status == IEnergyTrading.Status.Settled && trading.isSettled(FIRST, 2));
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.AlreadySettled.selector, FIRST);
        _refused(abi.encodeCall(trading.settle, (FIRST, 1, 3)), reason);
    }

    /// @dev Two homes draw 1 Wh each, at 300.001 micro: each pays 301, the grid gets 600 of 600.002.
    function test_what_rounding_leaves_is_dust_for_the_pool() external {
        uint64 interval = FIRST + 4;
        _open(interval, 80_001, 300_001);
        vm.warp(interval * HOUR - GATE_LEAD);
        trading.clear(interval);
        vm.warp(interval * HOUR);
        for (uint256 id = 1; id <= 3; ++id) _read(id, interval * HOUR, 0, 0);
        vm.warp((interval + 1) * HOUR);
        for (uint256 id = 1; id <= 3; ++id) _read(id, (interval + 1) * HOUR, id == 3 ? 0 : 1, 0);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.IntervalSettled(interval, -602, 600, 0, 2);
        trading.settle(interval, 1, 3);
        IEnergyTrading.IntervalMoney memory sums = trading.intervalMoney(interval);
        require(sums.homes == -602 && sums.grid == 600 && sums.fees == 0 && sums.dust == 2);
        require(trading.balanceOf(address(trading)) == 2 && trading.balanceOf(BACKSTOP) == 600);
    }

    function test_what_the_backstop_may_take_is_exact() external {
        _chargeThree();
        trading.settle(FIRST, 1, 3);
        _checkCover();
    }

    function test_what_the_backstop_may_take_is_exact_whatever_the_pieces() external {
        _chargeThree();
        trading.settle(FIRST, 2, 2);
        trading.settle(FIRST, 3, 3);
        trading.settle(FIRST, 1, 1);
        _checkCover();
    }

    function test_a_trade_settled_in_pieces_takes_nothing_from_the_backstop() external {
        _deposit(BACKSTOP, 1_000_000);
        _trade(1000);
        _meterAll([uint64(1000), 0], [uint64(0), 1000], [uint64(0), 0]);
        trading.settle(FIRST, 1, 1);
        trading.settle(FIRST, 2, 3);
        vm.prank(BACKSTOP);
        trading.withdraw(1_000_000);
    }

    /// @dev The bid at feed-in and the offer at 201,259 do not meet.
    function test_a_home_with_both_orders_gets_both_locks_back() external {
        _order(3, FIRST, BUY, 1000, FEED_IN);
        require(trading.balanceOf(_account(3)) == FUNDS - 82_000);
        _order(3, FIRST, SELL, 1000, 200_000);
        require(trading.balanceOf(_account(3)) == FUNDS - 82_000 - 98_741);
        _clear();
        _meterAll([uint64(0), 0], [uint64(0), 0], [uint64(0), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(_account(3)) == FUNDS);
    }

    function test_only_what_is_over_and_due_is_settled() external {
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.NotCleared.selector, FIRST);
        _refused(abi.encodeCall(trading.settle, (FIRST, 1, 3)), reason);
        _trade(1000);
        vm.warp(END - 1);
        reason = abi.encodeWithSelector(IEnergyTrading.IntervalNotOver.selector, FIRST, END);
        _refused(abi.encodeCall(trading.settle, (FIRST, 1, 3)), reason);
        vm.warp(END);
        _nothing(0, 3);
        _nothing(2, 1);
        _nothing(1, 4);
        _nothing(1, 3);
    }

    function test_nobody_but_members_is_settled_even_when_overdue() external {
        _trade(1000);
        _meterAll([uint64(1000), 0], [uint64(0), 1000], [uint64(0), 0]);
        for (uint256 i = 0; i < 2; ++i) {
            _nothing(0, 3);
            _nothing(3, 2);
            _nothing(1, 4);
            vm.warp(END + DEADLINE + 1);
        }
    }

    /// @dev The bitmap has 256 members to a word, the orders' words two.
    function test_homes_are_settled_across_words() external {
        for (uint160 i = 4; i <= 257; ++i) registry.registerMember(address(i << 64));
        _clear();
        vm.warp(END + DEADLINE + 1);
        require(trading.settle(FIRST, 255, 257) == 3);
        for (uint32 id = 254; id <= 257; ++id) require(trading.isSettled(FIRST, id) == (id > 254));
        require(!trading.isSettled(FIRST, 0) && !trading.isSettled(FIRST, 1));
        require(trading.settle(FIRST, 1, 257) == 254 && trading.isSettled(FIRST, 1));
        require(trading.clearing(FIRST).status == IEnergyTrading.Status.Settled);
    }

    function test_counters_hold_what_was_traded_and_metered() external {
        _deposit(BACKSTOP, 1_000_000);
        _trade(1000);
        _meterAll([uint64(800), 0], [uint64(0), 1500], [uint64(0), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.account(_account(1)).boughtWh == 800 && trading.account(_account(2)).soldWh == 1000);
    }

    /// @dev 10 kWh at 2^63 micro each.
    function test_amounts_need_no_64_bits() external {
        uint64 interval = FIRST + 4;
        _open(interval, FEED_IN, 1 << 63);
        vm.warp(interval * HOUR - GATE_LEAD);
        trading.clear(interval);
        require(trading.tickPrice(interval, 127) == 1 << 63);
        vm.warp(interval * HOUR);
        for (uint256 id = 1; id <= 3; ++id) _read(id, interval * HOUR, 0, 0);
        vm.warp((interval + 1) * HOUR);
        for (uint256 id = 1; id <= 3; ++id) _read(id, (interval + 1) * HOUR, id == 3 ? 10_000 : 0, 0);
        trading.settle(interval, 1, 3);
        require(trading.balanceOf(_account(3)) == FUNDS - 10 * 2 ** 63);
        require(trading.balanceOf(BACKSTOP) == 10 * 2 ** 63 && trading.intervalMoney(interval).grid == 10 * 2 ** 63);
    }

    /// @dev The registry says that there are more members than there is time to register.
    function test_member_numbers_have_32_bits() external {
        uint32 last = (1 << 16) + 1;
        vm.mockCall(address(registry), abi.encodeCall(registry.memberCount, ()), abi.encode(last));
        vm.mockCall(address(registry), abi.encodeCall(registry.memberOf, (STRANGER)), abi.encode(last));
        uint256[] memory energies = new uint256[](1);
        energies[0] = 1 << 128 | 1000 << 64;
        bytes memory call = abi.encodeCall(registry.intervalEnergies, (FIRST, last, last));
        vm.mockCall(address(registry), call, abi.encode(energies));
        _clear();
        vm.warp(END);
        require(trading.settle(FIRST, last, last) == 1 && trading.isSettled(FIRST, last));
        require(trading.balanceOf(STRANGER) == -300_000 && trading.balanceOf(_account(1)) == FUNDS);
    }

    /// @dev Home 2 is read, the others never; they wait for the deadline.
    function test_homes_without_a_reading_wait_for_the_deadline() external {
        _deposit(BACKSTOP, 1_000_000);
        _trade(1000);
        int256 price = int256(uint256(trading.clearing(FIRST).price));
        vm.warp(FIRST * HOUR);
        _read(2, FIRST * HOUR, 0, 0);
        vm.warp(END);
        _read(2, END, 0, 1000);
        uint256[] memory bills = new uint256[](2);
        (bills[0], bills[1]) = (_bill(2, 0, 1000, 0, 1000), uint256(price));
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.HomesSettled(FIRST, bills);
        require(trading.settle(FIRST, 1, 3) == 1);
        require(trading.isSettled(FIRST, 2) && !trading.isSettled(FIRST, 3));
        require(!trading.isSettled(FIRST, 1) && trading.intervalMoney(FIRST).settledMembers == 1);
        require(trading.intervalMoney(FIRST).fees == 0 && trading.intervalMoney(FIRST).homes == price);
        vm.warp(END + DEADLINE);
        _nothing(1, 3);
        vm.warp(END + DEADLINE + 1);
        require(trading.settle(FIRST, 1, 3) == 2);
        // Bought and not known to be used: paid, and sold back to nobody but the grid.
        require(trading.balanceOf(_account(1)) == FUNDS - price - 2000 + 80_000);
        IEnergyTrading.IntervalMoney memory sums = trading.intervalMoney(FIRST);
        require(sums.homes + sums.grid + sums.fees + sums.dust == 0 && sums.fees == 2000);
    }

    function test_the_insurance_pool_helps_a_backstop_out_that_cannot_pay() external {
        _clear();
        _meterAll([uint64(0), 0], [uint64(0), 10_000], [uint64(0), 0]);
        bytes memory call = abi.encodeCall(trading.settle, (FIRST, 1, 3));
        bytes4 unfunded = IEnergyTrading.BackstopUnfunded.selector;
        _refused(call, abi.encodeWithSelector(unfunded, int256(0), 800_000));
        _deposit(address(trading), 799_999);
        _refused(call, abi.encodeWithSelector(unfunded, int256(0), 1));
        _deposit(address(trading), 11);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.InsuranceDrawn(800_000);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(address(trading)) == 10 && trading.balanceOf(BACKSTOP) == 0);
        require(trading.balanceOf(_account(2)) == FUNDS + 800_000);
        // What the pool gave is owed to nobody else: all that comes to the backstop from now on is free.
        _deposit(BACKSTOP, 5);
        vm.prank(BACKSTOP);
        trading.withdraw(5);
    }

    /// @dev Home 1 pays with what its order locked, though it owed more than it had.
    function test_a_lock_that_comes_back_fills_arrears_first() external {
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS) - 302_000);
        _order(1, FIRST + 1, BUY, 1000, RETAIL);
        _clear();
        _meterAll([uint64(5000), 0], [uint64(0), 0], [uint64(0), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(_account(1)) == -1_500_000);
        require(trading.balanceOf(BACKSTOP) == 1_500_000);
        vm.warp((FIRST + 2) * HOUR + DEADLINE + 1);
        trading.clear(FIRST + 1);
        trading.settle(FIRST + 1, 1, 3);
        require(trading.balanceOf(_account(1)) == -1_198_000);
    }

    function test_a_lock_that_a_cancellation_gives_back_fills_arrears_first() external {
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS) - 302_000);
        _order(1, FIRST + 3, BUY, 1000, RETAIL);
        _clear();
        _meterAll([uint64(5000), 0], [uint64(0), 0], [uint64(0), 0]);
        trading.settle(FIRST, 1, 3);
        vm.prank(_account(1));
        trading.cancelOrder(FIRST + 3, BUY);
        require(trading.balanceOf(_account(1)) == -1_198_000);
        // Of the backstop's 1.5 all but the arrears can go.
        bytes memory reason = abi.encodeWithSelector(
            IEnergyTrading.InsufficientBalance.selector, BACKSTOP, int256(302_000), uint256(302_001)
        );
        _fails(BACKSTOP, address(trading), abi.encodeCall(trading.withdraw, (302_001)), reason);
    }

    // Pause

    function test_a_pause_ends_by_itself_or_by_hand() external {
        trading.pause();
        require(trading.paused());
        _forbidden(abi.encodeCall(trading.unpause, ()));
        vm.warp(block.timestamp + 24 * HOUR - 1);
        require(trading.paused());
        vm.warp(block.timestamp + 1);
        require(!trading.paused());
        _refused(abi.encodeCall(trading.unpause, ()), abi.encodeWithSelector(Pausable.ExpectedPause.selector));
        _forbidden(abi.encodeCall(trading.pause, ()));
        trading.pause();
        trading.unpause();
        require(!trading.paused());
    }

    /// @dev Home 1 draws 1 kWh and home 2 feeds in half of it; home 3 draws 10 kWh and has no money.
    function _chargeThree() private {
        vm.prank(_account(3));
        trading.withdraw(uint256(FUNDS));
        _deposit(BACKSTOP, 1_000_000);
        _clear();
        _meterAll([uint64(1000), 0], [uint64(0), 500], [uint64(10_000), 0]);
    }

    /// @dev Of what the backstop has, the 3.0 that home 3 owes stay.
    function _checkCover() private {
        require(trading.balanceOf(BACKSTOP) == 1_000_000 + 300_000 - 40_000 + 3_000_000);
        _checkSpendable(1_260_000, 1_000_000);
        _checkSpendable(260_000, 260_000);
    }

    function _checkSpendable(uint256 spendable, uint256 amount) private {
        bytes memory reason = abi.encodeWithSelector(
            IEnergyTrading.InsufficientBalance.selector, BACKSTOP, int256(spendable), spendable + 1
        );
        _fails(BACKSTOP, address(trading), abi.encodeCall(trading.withdraw, (spendable + 1)), reason);
        vm.prank(BACKSTOP);
        trading.withdraw(amount);
    }

    function _nothing(uint32 from, uint32 to) private {
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.NothingToSettle.selector, FIRST, from, to);
        _refused(abi.encodeCall(trading.settle, (FIRST, from, to)), reason);
    }

    /// @dev The word of a metered home as the interface describes it.
    function _bill(uint256 id, uint256 bought, uint256 sold, uint256 imported, uint256 exported)
        private
        pure
        returns (uint256)
    {
        return id * 2 ** 224 + bought * 2 ** 180 + sold * 2 ** 136 + 2 ** 128 + imported * 2 ** 64 + exported;
    }
}
