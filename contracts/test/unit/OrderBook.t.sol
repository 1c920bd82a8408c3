// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {DeviceRegistry} from "../../DeviceRegistry.sol";
import {EnergyTrading} from "../../EnergyTrading.sol";
import {GridBalance} from "../../GridBalance.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {IOrderCancellation} from "../../interfaces/IOrderCancellation.sol";
import {IRegulator} from "../../interfaces/IRegulator.sol";
import {Vm} from "../Vm.sol";
import {ThreeHomes} from "./ThreeHomes.sol";

/// @title Orders and their cancellation: who may, what is locked, what is refused and why.
contract OrderBookTest is ThreeHomes {
    uint64 private constant LATER = type(uint64).max;

    // Placing

    function test_an_order_stands_for_the_next_open_gate_and_locks_its_worst_case() external {
        vm.warp(FIRST * HOUR - GATE_LEAD - 1);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.OrderCreated(FIRST, 1, BUY, 127, 1000, 0);
        vm.prank(_account(1));
        require(trading.createOrder(1000, RETAIL + 5, 2, BUY) == FIRST);
        require(trading.balanceOf(_account(1)) == FUNDS - 2 * int256(uint256(RETAIL + FEE)));
        IEnergyTrading.Position memory held = trading.position(FIRST + 1, 1, BUY);
        require(held.energyWh == 1000 && held.tick == 127 && held.aheadWh == 0);
        _order(2, FIRST, SELL, 500, FEED_IN - 5);
        require(trading.balanceOf(_account(2)) == FUNDS - int256(uint256(RETAIL - FEED_IN)) / 2);
        require(trading.levels(FIRST, SELL)[0] == 500 && trading.levels(FIRST, BUY)[127] == 1000);
        vm.warp(FIRST * HOUR - GATE_LEAD);
        vm.prank(_account(3));
        require(trading.createOrder(1000, RETAIL, 1, BUY) == FIRST + 1);
        require(trading.position(FIRST + 1, 3, BUY).aheadWh == 1000);
    }

    function test_every_refusal_says_why() external {
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.UnknownMember.selector, STRANGER);
        _fails(STRANGER, address(trading), _call(FIRST, 100, RETAIL, 1, BUY), reason);
        reason = abi.encodeWithSelector(IEnergyTrading.InvalidDuration.selector, 0, MAX_DURATION);
        _refusedTo(1, _call(FIRST, 100, RETAIL, 0, BUY), reason);
        reason = abi.encodeWithSelector(IEnergyTrading.InvalidDuration.selector, 5, MAX_DURATION);
        _refusedTo(1, _call(FIRST, 100, RETAIL, 5, BUY), reason);
        bytes4 range = IEnergyTrading.EnergyOutOfRange.selector;
        _refusedTo(1, _call(FIRST, 9, RETAIL, 1, BUY), abi.encodeWithSelector(range, 9, 10, 50_000));
        _refusedTo(1, _call(FIRST, 50_001, RETAIL, 1, BUY), abi.encodeWithSelector(range, 50_001, 10, 50_000));
        reason = abi.encodeWithSelector(IEnergyTrading.IntervalNotOpen.selector, FIRST + 4);
        _refusedTo(1, _call(FIRST + 3, 100, RETAIL, 2, BUY), reason);
        _refusedTo(1, _call(LATER, 100, RETAIL, 1, BUY), abi.encodeWithSelector(IEnergyTrading.IntervalNotOpen.selector, LATER));
        bytes4 outside = IEnergyTrading.PriceOutsideBand.selector;
        reason = abi.encodeWithSelector(outside, FEED_IN - 1, FEED_IN, RETAIL);
        _refusedTo(1, _call(FIRST, 100, FEED_IN - 1, 1, BUY), reason);
        reason = abi.encodeWithSelector(outside, RETAIL + 1, FEED_IN, RETAIL);
        _refusedTo(1, _call(FIRST, 100, RETAIL + 1, 1, SELL), reason);
        _order(1, FIRST, BUY, 100, RETAIL);
        reason = abi.encodeWithSelector(IEnergyTrading.OrderExists.selector, FIRST, 1, BUY);
        _refusedTo(1, _call(FIRST, 100, RETAIL, 1, BUY), reason);
        vm.prank(_account(2));
        trading.withdraw(uint256(FUNDS) - 30_199);
        reason = abi.encodeWithSelector(IEnergyTrading.InsufficientBalance.selector, _account(2), 30_199, 30_200);
        _refusedTo(2, _call(FIRST, 100, RETAIL, 1, BUY), reason);
        trading.setRegulator(regulator);
        regulator.ban(1, 1, IRegulator.Reason.Conduct);
        _refusedTo(1, _call(FIRST, 100, RETAIL, 1, SELL), abi.encodeWithSelector(IEnergyTrading.Banned.selector, 1));
        vm.warp(FIRST * HOUR - GATE_LEAD);
        reason = abi.encodeWithSelector(IEnergyTrading.GateClosed.selector, FIRST, FIRST * HOUR - GATE_LEAD);
        _refusedTo(3, _call(FIRST, 100, RETAIL, 1, SELL), reason);
        require(trading.gateClosure(0) == 0);
    }

    /// @dev Least energy, longest duration, exactly the money; then the most energy.
    function test_terms_at_their_limits_are_good() external {
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS) - 4 * 3020);
        vm.prank(_account(1));
        trading.createOrderAt(FIRST, 10, RETAIL, 4, BUY);
        require(trading.balanceOf(_account(1)) == 0 && trading.position(FIRST + 3, 1, BUY).energyWh == 10);
        _order(2, FIRST, SELL, 50_000, RETAIL);
        require(trading.balanceOf(_account(2)) == FUNDS && trading.levels(FIRST, SELL)[127] == 50_000);
        trading.setOrderLimits(6, 6);
        _order(3, FIRST, BUY, 6, FEED_IN);
        require(trading.levels(FIRST, BUY)[0] == 6 && trading.levels(FIRST, BUY)[127] == 10);
    }

    /// @dev A tick holds less than 2^32 Wh: 256 orders of 2^24 - 1 are too many.
    function test_a_tick_has_a_last_place() external {
        trading.setOrderLimits(1, type(uint24).max);
        for (uint256 i = 4; i <= 260; ++i) {
            uint32 id = _join();
            _deposit(_account(id), 6e12);
            if (i < 260) _order(id, FIRST, SELL, type(uint24).max, RETAIL);
        }
        uint256 room = type(uint32).max - 256 * uint256(type(uint24).max);
        bytes memory reason =
            abi.encodeWithSelector(IEnergyTrading.EnergyOutOfRange.selector, room + 1, 1, room);
        _refusedTo(260, _call(FIRST, room + 1, RETAIL, 1, SELL), reason);
        // The intervals after it have room.
        _refusedTo(260, _call(FIRST, room + 1, RETAIL, 2, SELL), reason);
        _order(260, FIRST, SELL, room, RETAIL);
    }

    function test_intervals_and_their_closures_have_64_bits() external {
        uint64 interval = (1 << 32) + 2;
        vm.warp((interval - 1) * HOUR);
        _open(interval, FEED_IN, RETAIL);
        vm.prank(_account(1));
        require(trading.createOrder(1000, RETAIL, 1, BUY) == interval);
        require(trading.gateClosure(interval) == interval * HOUR - GATE_LEAD);
    }

    // Relaying

    function test_signed_orders_are_taken_one_by_one() external {
        IEnergyTrading.Order memory wish = _wish(1);
        vm.prank(STRANGER);
        require(_relay(wish, 1001) == IEnergyTrading.OrderResult.Accepted);
        require(trading.nonceUsed(_account(1), 0) && !trading.nonceUsed(_account(1), 1));
        _judged(wish, 1001, IEnergyTrading.OrderResult.NonceUsed);
        (wish.nonce, wish.interval) = (7, FIRST + 1);
        require(_relay(wish, 1001) == IEnergyTrading.OrderResult.Accepted);
        require(trading.account(_account(1)).nextNonce == 8 && trading.nonceUsed(_account(1), 3));
        (wish.nonce, wish.interval) = (type(uint32).max, FIRST + 2);
        _judged(wish, 1001, IEnergyTrading.OrderResult.NonceUsed);
        wish.nonce = 8;
        _judged(wish, 1002, IEnergyTrading.OrderResult.BadSignature);
        wish.deadline = uint64(block.timestamp - 1);
        _judged(wish, 1001, IEnergyTrading.OrderResult.Expired);
        (wish.deadline, wish.energyWh) = (LATER, 1);
        _judged(wish, 1001, IEnergyTrading.OrderResult.EnergyOutOfRange);
        require(!trading.nonceUsed(_account(1), 8), "a refused order uses no nonce up");
    }

    /// @dev Each order locks by the tariff of its own interval; the orders of one interval share it.
    function test_the_orders_of_a_batch_are_each_judged_by_their_own_interval() external {
        _open(FIRST + 4, 100_000, 400_000);
        IEnergyTrading.Order[] memory orders = new IEnergyTrading.Order[](4);
        bytes[] memory signatures = new bytes[](4);
        uint64[4] memory intervals = [FIRST, FIRST + 4, FIRST + 4, FIRST + 9];
        uint256[4] memory traders = [uint256(1), 2, 3, 3];
        for (uint256 i = 0; i < 4; ++i) {
            orders[i] = _wish(traders[i]);
            (orders[i].interval, orders[i].energyWh, orders[i].price) = (intervals[i], 1000, 500_000);
            if (i == 3) orders[i].nonce = 1;
            signatures[i] = _sign(1000 + traders[i], trading.hashOrder(orders[i]));
        }
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.OrderRefused(_account(3), 1, IEnergyTrading.OrderResult.IntervalNotOpen);
        IEnergyTrading.OrderResult[] memory results = trading.submitOrders(orders, signatures);
        for (uint256 i = 0; i < 3; ++i) require(results[i] == IEnergyTrading.OrderResult.Accepted);
        require(results[3] == IEnergyTrading.OrderResult.IntervalNotOpen);
        require(trading.balanceOf(_account(1)) == FUNDS - 302_000);
        require(trading.balanceOf(_account(2)) == FUNDS - 402_000 && trading.balanceOf(_account(3)) == FUNDS - 402_000);
        require(trading.position(FIRST + 4, 3, BUY).aheadWh == 1000);
    }

    function test_a_batch_may_go_back_to_an_interval_before_and_tells_no_refusal_of_what_it_takes() external {
        _open(FIRST + 4, 100_000, 400_000);
        IEnergyTrading.Order[] memory orders = new IEnergyTrading.Order[](2);
        bytes[] memory signatures = new bytes[](2);
        for (uint256 i = 0; i < 2; ++i) {
            orders[i] = _wish(i + 1);
            (orders[i].interval, orders[i].energyWh, orders[i].price) = (i == 0 ? FIRST + 4 : FIRST, 1000, 500_000);
            signatures[i] = _sign(1001 + i, trading.hashOrder(orders[i]));
        }
        vm.recordLogs();
        trading.submitOrders(orders, signatures);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        require(logs.length == 2, "an event for each order");
        for (uint256 i = 0; i < 2; ++i) require(logs[i].topics[0] == IEnergyTrading.OrderCreated.selector);
        require(trading.balanceOf(_account(1)) == FUNDS - 402_000 && trading.balanceOf(_account(2)) == FUNDS - 302_000);
    }

    function test_an_order_may_be_relayed_until_its_deadline_and_its_nonce_has_32_bits() external {
        IEnergyTrading.Order memory wish = _wish(1);
        (wish.deadline, wish.nonce) = (uint64(block.timestamp), uint64(type(uint32).max) + 5);
        _judged(wish, 1001, IEnergyTrading.OrderResult.NonceUsed);
        wish.nonce = type(uint32).max - 1;
        require(_relay(wish, 1001) == IEnergyTrading.OrderResult.Accepted);
        require(trading.account(_account(1)).nextNonce == type(uint32).max);
        require(trading.nonceUsed(_account(1), type(uint32).max));
    }

    function test_a_misshapen_signature_recovers_nobody_and_a_missing_one_stops_the_batch() external {
        IEnergyTrading.Order[] memory orders = new IEnergyTrading.Order[](1);
        bytes[] memory signatures = new bytes[](1);
        (orders[0], signatures[0]) = (_wish(1), new bytes(65));
        require(trading.submitOrders(orders, signatures)[0] == IEnergyTrading.OrderResult.BadSignature);
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.BatchLengthMismatch.selector, 1, 0);
        _refused(abi.encodeCall(trading.submitOrders, (orders, new bytes[](0))), reason);
        reason = abi.encodeWithSelector(IEnergyTrading.BatchLengthMismatch.selector, 1, 2);
        _refused(abi.encodeCall(trading.submitOrders, (orders, new bytes[](2))), reason);
    }

    function test_the_digest_is_eip_712() external view {
        IEnergyTrading.Order memory wish = _wish(1);
        bytes32 kind = keccak256(
            "Order(address trader,uint64 interval,uint32 duration,uint8 side,uint64 energyWh,uint64 price,uint64 nonce,uint64 deadline)"
        );
        require(trading.hashOrder(wish) == _typed(keccak256(abi.encode(kind, wish))));
        IOrderCancellation.Cancellation memory wanted = IOrderCancellation.Cancellation(_account(1), FIRST, SELL, 9);
        kind = keccak256("Cancellation(address trader,uint64 interval,uint8 side,uint64 deadline)");
        require(trading.hashCancellation(wanted) == _typed(keccak256(abi.encode(kind, wanted))));
    }

    // Cancelling

    function test_an_order_goes_once_and_its_lock_comes_back() external {
        _order(1, FIRST, BUY, 1000, RETAIL);
        _order(2, FIRST, BUY, 500, RETAIL);
        vm.expectEmit(true, true, true, true, address(trading));
        emit IOrderCancellation.OrderCancelled(FIRST, 1, BUY, 127, 1000, RETAIL + FEE);
        vm.prank(_account(1));
        trading.cancelOrder(FIRST, BUY);
        require(trading.balanceOf(_account(1)) == FUNDS && trading.levels(FIRST, BUY)[127] == 500);
        bytes memory call = abi.encodeCall(trading.cancelOrder, (FIRST, BUY));
        _refusedTo(1, call, abi.encodeWithSelector(IOrderCancellation.NoOrder.selector, FIRST, 1, BUY));
        _order(1, FIRST, BUY, 20, RETAIL);
        _refusedTo(1, call, abi.encodeWithSelector(IOrderCancellation.AlreadyCancelled.selector, FIRST, 1, BUY));
        _order(3, FIRST, SELL, 510, FEED_IN);
        _clear();
        require(trading.fill(FIRST, 2, BUY) == 500 && trading.fill(FIRST, 1, BUY) == 10);
        bytes memory reason =
            abi.encodeWithSelector(IEnergyTrading.GateClosed.selector, FIRST, FIRST * HOUR - GATE_LEAD);
        _refusedTo(2, call, reason);
    }

    function test_a_signed_cancellation_is_taken_from_anybody() external {
        _order(1, FIRST, SELL, 1000, FEED_IN);
        require(trading.balanceOf(_account(1)) == FUNDS - int256(uint256(RETAIL - FEED_IN)));
        IOrderCancellation.Cancellation memory wanted =
            IOrderCancellation.Cancellation(_account(1), FIRST, SELL, uint64(block.timestamp));
        bytes memory signature = _sign(1001, trading.hashCancellation(wanted));
        bytes memory reason = abi.encodeWithSelector(IOrderCancellation.BadSignature.selector, _account(1));
        bytes memory other = _sign(1002, trading.hashCancellation(wanted));
        _refused(abi.encodeCall(trading.cancelOrderFor, (wanted, other)), reason);
        _refused(abi.encodeCall(trading.cancelOrderFor, (wanted, new bytes(65))), reason);
        vm.warp(block.timestamp + 1);
        reason = abi.encodeWithSelector(IOrderCancellation.CancellationExpired.selector, wanted.deadline);
        _refused(abi.encodeCall(trading.cancelOrderFor, (wanted, signature)), reason);
        vm.warp(block.timestamp - 1);
        trading.cancelOrderFor(wanted, signature);
        require(trading.balanceOf(_account(1)) == FUNDS && trading.levels(FIRST, SELL)[0] == 0);
    }

    function test_a_signed_cancellation_is_taken_before_its_deadline_too() external {
        _order(1, FIRST, SELL, 1000, FEED_IN);
        IOrderCancellation.Cancellation memory wanted =
            IOrderCancellation.Cancellation(_account(1), FIRST, SELL, uint64(block.timestamp + 1));
        trading.cancelOrderFor(wanted, _sign(1001, trading.hashCancellation(wanted)));
        require(trading.balanceOf(_account(1)) == FUNDS);
    }

    function test_nonces_are_revoked_up_to_a_number() external {
        vm.expectEmit(true, true, true, true, address(trading));
        emit IOrderCancellation.NoncesRevoked(_account(1), 5);
        vm.prank(_account(1));
        trading.revokeNonces(5);
        require(trading.nonceUsed(_account(1), 4) && !trading.nonceUsed(_account(1), 5));
        bytes memory reason = abi.encodeWithSelector(IOrderCancellation.NoncesUsed.selector, _account(1), 5);
        _refusedTo(1, abi.encodeCall(trading.revokeNonces, (5)), reason);
        _refusedTo(1, abi.encodeCall(trading.revokeNonces, (4)), reason);
        reason = abi.encodeWithSelector(IEnergyTrading.UnknownMember.selector, STRANGER);
        _fails(STRANGER, address(trading), abi.encodeCall(trading.revokeNonces, (5)), reason);
    }

    // Rules

    function test_limits_and_regulator_are_governed() external {
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.OrderLimitsSet(5, 6);
        trading.setOrderLimits(5, 6);
        require(trading.config().minOrderWh == 5 && trading.config().maxOrderWh == 6);
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector);
        _refused(abi.encodeCall(trading.setOrderLimits, (0, 6)), reason);
        _refused(abi.encodeCall(trading.setOrderLimits, (7, 6)), reason);
        _refused(abi.encodeCall(trading.setOrderLimits, (7, 1 << 24)), reason);
        _forbidden(abi.encodeCall(trading.setOrderLimits, (5, 6)));
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.RegulatorSet(address(regulator));
        trading.setRegulator(regulator);
        require(address(trading.regulator()) == address(regulator));
        _forbidden(abi.encodeCall(trading.setRegulator, (regulator)));
    }

    function test_an_order_stands_in_one_to_255_intervals() external {
        IEnergyTrading.Config memory rules = _rules();
        uint32[2] memory wrong = [uint32(0), 256];
        for (uint256 i = 0; i < 2; ++i) {
            rules.maxDuration = wrong[i];
            vm.expectRevert(abi.encodeWithSelector(IEnergyTrading.InvalidConfig.selector));
            new EnergyTrading(address(manager), money, registry, grid, BACKSTOP, TREASURY, rules);
        }
        rules.maxDuration = 255;
        EnergyTrading long = new EnergyTrading(address(manager), money, registry, grid, BACKSTOP, TREASURY, rules);
        require(long.config().maxDuration == 255);
    }

    function test_a_pause_stops_orders_and_clearing_only() external {
        IEnergyTrading.Order[] memory none = new IEnergyTrading.Order[](0);
        _order(1, FIRST, BUY, 1000, RETAIL);
        trading.pause();
        bytes memory reason = abi.encodeWithSelector(Pausable.EnforcedPause.selector);
        _refusedTo(1, _call(FIRST, 100, RETAIL, 1, SELL), reason);
        _refusedTo(1, abi.encodeCall(trading.createOrder, (100, RETAIL, 1, SELL)), reason);
        _refused(abi.encodeCall(trading.submitOrders, (none, new bytes[](0))), reason);
        _refused(abi.encodeCall(trading.clear, (FIRST)), reason);
        vm.prank(_account(1));
        trading.cancelOrder(FIRST, BUY);
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS));
    }

    /// @dev 24 intervals, but not where these are longer than an eighth of a day.
    function test_no_pause_is_longer_than_three_days() external {
        require(trading.MAX_PAUSE_SECONDS() == 24 * HOUR);
        GridBalance coarse = new GridBalance(address(manager), 4 * HOUR, _parameters());
        DeviceRegistry devices = new DeviceRegistry(address(manager), coarse, DEADLINE);
        EnergyTrading market =
            new EnergyTrading(address(manager), money, devices, coarse, BACKSTOP, TREASURY, _rules());
        require(market.MAX_PAUSE_SECONDS() == 3 days);
    }

    // Helpers

    function _wish(uint256 memberId) private pure returns (IEnergyTrading.Order memory) {
        return IEnergyTrading.Order(_account(memberId), FIRST, 1, BUY, 100, RETAIL, 0, LATER);
    }

    function _judged(IEnergyTrading.Order memory wish, uint256 key, IEnergyTrading.OrderResult expected) private {
        IEnergyTrading.Order[] memory orders = new IEnergyTrading.Order[](1);
        bytes[] memory signatures = new bytes[](1);
        (orders[0], signatures[0]) = (wish, _sign(key, trading.hashOrder(wish)));
        vm.expectEmit(true, true, true, true, address(trading));
        emit IEnergyTrading.OrderRefused(wish.trader, wish.nonce, expected);
        require(trading.submitOrders(orders, signatures)[0] == expected);
    }

    function _call(uint64 interval, uint256 energyWh, uint256 price, uint256 duration, IEnergyTrading.Side side)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(trading.createOrderAt, (interval, energyWh, price, duration, side));
    }

    function _typed(bytes32 content) private view returns (bytes32) {
        bytes32 kind = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(
            abi.encode(kind, keccak256("EnergyTrading"), keccak256("1"), block.chainid, address(trading))
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, content));
    }
}
