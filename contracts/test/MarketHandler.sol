// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IOrderCancellation} from "../interfaces/IOrderCancellation.sol";
import {IRegulator} from "../interfaces/IRegulator.sol";
import {DealMoves} from "./DealMoves.sol";
import {Model} from "./Model.sol";

/// @title What everybody can do in the market, as moves that must all succeed, and what must be true right after each.
contract MarketHandler is DealMoves {
    uint64 public constant INTERVALS = 4;
    uint32 public constant MOST_MEMBERS = 6;

    uint64 public opened;
    uint256 public donated;
    mapping(uint64 interval => bytes32) public cleared;
    mapping(uint64 interval => int256) public billed;
    mapping(uint64 interval => int256) public gridNano;
    mapping(uint64 interval => mapping(uint256 memberId => uint256)) public timesSettled;
    mapping(uint64 interval => mapping(uint256 memberId => uint256)) public exportedWh;
    mapping(uint64 interval => mapping(uint256 memberId => uint256)) public importedWh;
    mapping(uint256 memberId => uint256) public pendingImportWh;
    mapping(uint256 memberId => uint256) public pendingExportWh;
    mapping(uint256 memberId => uint256) public deliveredWh;
    mapping(uint256 memberId => uint256) public consumedWh;
    mapping(uint256 memberId => int256) private _expected;
    mapping(uint64 interval => mapping(uint256 memberId => mapping(bool sell => bool))) private _cancelled;
    uint64 private _nonce;

    constructor() {
        for (uint256 i = 0; i < 4; ++i) _deposit(_account(_join()), 50_000_000);
        _deposit(BACKSTOP, 20_000_000);
        trading.setRegulator(regulator);
        _pass(4 * HOUR - GATE_LEAD - HOUR);
        _openNext(20_000, 220_000);
        _openNext(60_000, 0);
    }

    // Moves

    function pass(uint256 seconds_, uint256 feedIn, uint256 width) external {
        _pass(uint64(1 + seconds_ % HOUR));
        _openAhead(feedIn, width);
    }

    /// @notice To where something becomes possible next: a gate closes, an interval ends or a deadline is over.
    function passTo(uint256 pick, uint256 feedIn, uint256 width) external {
        uint64[3] memory points = [HOUR - GATE_LEAD, HOUR, HOUR + DEADLINE % HOUR + 1];
        uint64 point = time - time % HOUR + points[pick % 3];
        _pass(point > time ? point - time : point + HOUR - time);
        if (trading.paused()) trading.unpause();
        _openAhead(feedIn, width);
    }

    /// @dev Tariffs are published some intervals ahead, as the operator does it; of the last ones there are none.
    function _openAhead(uint256 feedIn, uint256 width) private {
        while (opened < INTERVALS && FIRST + opened <= time / HOUR + 4) {
            _openNext(feedIn, width);
            (feedIn, width) = (width, feedIn);
        }
    }

    function _openNext(uint256 feedIn, uint256 width) private {
        uint64 interval = FIRST + opened;
        _open(interval, uint64(feedIn % 200_000), uint64((feedIn % 200_000) + (width % 300_000)));
        ++opened;
    }

    function order(uint256 who, uint256 pick, uint256 energyWh, uint256 price, bool sell, bool relayed) external {
        IEnergyTrading.Order memory wish;
        (uint256 memberId, IGridBalance.PriceBand memory band) = (_member(who), grid.band(_orderable(pick)));
        (wish.trader, wish.interval, wish.side) = (_account(memberId), _orderable(pick), IEnergyTrading.Side(sell ? 1 : 0));
        wish.duration = (pick >> 8) % 4 == 0 ? 2 : 1;
        wish.energyWh = uint64(MIN_ORDER_WH + energyWh % (pick % 8 == 0 ? MAX_ORDER_WH - MIN_ORDER_WH + 1 : 5000));
        wish.price = uint64(band.feedIn + _wanted(price, band.retail - band.feedIn, sell));
        (wish.nonce, wish.deadline) = (_nonce++, time);
        (IEnergyTrading.OrderResult expected, uint256 locked) = _judge(memberId, wish);
        int256 before = trading.balanceOf(wish.trader);
        bool placed = expected == IEnergyTrading.OrderResult.Accepted;
        if (relayed && !trading.paused()) {
            require(_relay(wish, 1000 + memberId) == expected, "an order was judged otherwise than by the rules");
            if (placed) _replay(wish, 1000 + memberId);
        } else if (placed && !trading.paused()) {
            vm.prank(wish.trader);
            trading.createOrderAt(wish.interval, wish.energyWh, wish.price, wish.duration, wish.side);
        } else {
            return;
        }
        int256 taken = before - trading.balanceOf(wish.trader);
        require(taken == (placed ? int256(locked) : int256(0)), "an order locks its worst case");
        if (placed) ++done["order"];
    }

    /// @notice An order goes once; what it locked comes back.
    function cancel(uint256 who, uint256 pick, bool sell) external {
        (uint256 memberId, uint64 interval) = (_member(who), _orderable(pick));
        // Somebody who has an order, if anybody has.
        for (uint256 i = 0; i < MOST_MEMBERS && lockedBy(interval, uint32(memberId), sell) == 0; ++i) {
            memberId = _member(memberId);
        }
        uint256 locked = lockedBy(interval, uint32(memberId), sell);
        IEnergyTrading.Side side = IEnergyTrading.Side(sell ? 1 : 0);
        if (trading.position(interval, uint32(memberId), side).energyWh == 0) return;
        bytes memory call = abi.encodeCall(trading.cancelOrder, (interval, side));
        if (_cancelled[interval][memberId][sell]) {
            bytes4 selector = IOrderCancellation.AlreadyCancelled.selector;
            _fails(_account(memberId), address(trading), call, abi.encodeWithSelector(selector, interval, memberId, side));
            return;
        }
        _cancelled[interval][memberId][sell] = true;
        int256 before = trading.balanceOf(_account(memberId));
        vm.prank(_account(memberId));
        trading.cancelOrder(interval, side);
        require(trading.balanceOf(_account(memberId)) == before + int256(locked), "a lock comes back whole");
        ++done["cancel"];
    }

    function ban(uint256 who) external {
        uint32 memberId = uint32(_member(who));
        if (trading.balanceOf(_account(memberId)) < 0) regulator.banForArrears(memberId);
        else if (who % 16 == 0) regulator.ban(memberId, 1, IRegulator.Reason.Conduct);
    }

    function setInsuranceShare(uint256 bps) external {
        trading.setInsuranceShare(uint16(bps % 10_001));
    }

    function insure(uint256 amount) external {
        _deposit(address(trading), 1 + amount % 1_000_000);
    }

    function clear(uint256 pick) external {
        if (trading.paused()) return;
        for (uint64 i = 0; i < opened; ++i) {
            uint64 interval = FIRST + uint64((pick % opened + i) % opened);
            if (time + GATE_LEAD < interval * HOUR || cleared[interval] != 0) continue;
            trading.clear(interval);
            cleared[interval] = fingerprint(interval);
            ++done["clear"];
            return;
        }
    }

    function read(uint256 who, uint256 importWh, uint256 exportWh, bool atEnd) external {
        uint256 memberId = _member(who);
        IDeviceRegistry.Registers memory last = registry.registers(_meter(memberId));
        uint64 at = atEnd ? time - time % HOUR : time;
        if (at <= last.timestamp) return;
        uint256 limitWh = (uint256(RATED_W) * (at - last.timestamp) * 11) / 36_000;
        if (last.timestamp == 0) limitWh = 1_000_000;
        (importWh, exportWh) = (importWh % (limitWh + 1), exportWh % (limitWh + 1));
        IDeviceRegistry.ReadingResult result =
            _read(memberId, at, last.importWh + uint64(importWh), last.exportWh + uint64(exportWh));
        require(result == IDeviceRegistry.ReadingResult.Accepted, "a plausible reading was refused");
        ++done["read"];
        if (last.timestamp == 0) return;
        pendingImportWh[memberId] += importWh;
        pendingExportWh[memberId] += exportWh;
        if (at % HOUR == 0) {
            uint64 interval = at / HOUR - 1;
            (importedWh[interval][memberId], pendingImportWh[memberId]) = (pendingImportWh[memberId], 0);
            (exportedWh[interval][memberId], pendingExportWh[memberId]) = (pendingExportWh[memberId], 0);
        }
    }

    function settle(uint256 pick, uint256 first, uint256 count) external {
        for (uint64 i = 0; i < opened; ++i) {
            uint64 interval = FIRST + uint64((pick % opened + i) % opened);
            IEnergyTrading.Clearing memory result = trading.clearing(interval);
            if (result.status != IEnergyTrading.Status.Cleared || time < (interval + 1) * HOUR) continue;
            uint32 from = uint32(1 + first % result.members);
            uint32 to = uint32(from + count % (result.members - from + 1));
            if (count % 2 == 0) (from, to) = (1, result.members);
            if (_settle(interval, from, to)) {
                ++done["settle"];
                return;
            }
        }
    }

    function deposit(uint256 who, uint256 amount) external {
        _deposit(_anybody(who), 1 + amount % 5_000_000);
    }

    function donate(uint256 amount) external {
        money.mint(address(trading), amount % 1_000_000);
        donated += amount % 1_000_000;
    }

    function withdraw(uint256 who, uint256 amount, bool tooMuch) external {
        address account = _anybody(who);
        int256 spendable = spendableOf(account);
        if (tooMuch && spendable >= 0) {
            bytes memory reason = abi.encodeWithSelector(
                IEnergyTrading.InsufficientBalance.selector, account, spendable, uint256(spendable) + 1
            );
            _fails(account, address(trading), abi.encodeCall(trading.withdraw, (uint256(spendable) + 1)), reason);
        } else if (spendable > 0) {
            uint256 before = money.balanceOf(account);
            amount = _part(amount, uint256(spendable));
            vm.prank(account);
            trading.withdraw(amount);
            require(money.balanceOf(account) == before + amount, "a withdrawal pays what it takes");
            ++done["withdraw"];
        }
    }

    function transfer(uint256 who, uint256 to, uint256 amount) external {
        (address account, address receiver) = (_anybody(who), _anybody(to));
        int256 spendable = spendableOf(account);
        if (spendable <= 0) return;
        vm.prank(account);
        trading.transfer(receiver, _part(amount, uint256(spendable)));
        ++done["transfer"];
    }

    function setTradingFee(uint256 fee) external {
        grid.setTradingFee(uint64(fee % 50_000));
    }

    /// @notice Seldom, and until time goes on: little can happen meanwhile.
    function pause(uint256 pick) external {
        if (trading.paused()) trading.unpause();
        else if (pick % 4 == 0) trading.pause();
    }

    function join() external {
        if (registry.memberCount() < MOST_MEMBERS) _join();
    }

    function claim(uint256 who) external {
        address account = _account(_member(who));
        if (rewards.accrued(account) == 0) return;
        vm.prank(account);
        rewards.claim();
    }

    // What the rules say

    function fingerprint(uint64 interval) public view returns (bytes32) {
        IEnergyTrading.Clearing memory result = trading.clearing(interval);
        result.status = IEnergyTrading.Status.Cleared;
        return keccak256(abi.encode(result, grid.band(interval).fee));
    }

    function memberAccount(uint256 memberId) external pure returns (address) {
        return _account(memberId);
    }

    function terms(uint64 interval) public view returns (Model.Terms memory rules) {
        rules = _band(interval);
        rules.price = trading.clearing(interval).price;
    }

    /// @notice What the auction filled for a home and what it dealt directly.
    function trades(uint64 interval, uint32 memberId) public view returns (Model.Trades memory) {
        Dealt memory deals = _dealt[interval][memberId];
        uint256 bidWh = trading.fill(interval, memberId, IEnergyTrading.Side.Buy);
        uint256 offeredWh = trading.fill(interval, memberId, IEnergyTrading.Side.Sell);
        return Model.Trades(bidWh, offeredWh, deals.boughtWh, deals.soldWh, deals.paymentNano);
    }

    /// @notice Money locked by a member's order, zero once it is settled.
    function lockedBy(uint64 interval, uint32 memberId, bool sell) public view returns (uint256) {
        if (timesSettled[interval][memberId] != 0) return 0;
        IEnergyTrading.Position memory held = trading.position(interval, memberId, IEnergyTrading.Side(sell ? 1 : 0));
        return held.energyWh == 0 ? 0 : Model.lock(sell, held.energyWh, held.tick, terms(interval));
    }

    function lockedInAll() public view returns (uint256 sum) {
        sum = lockedInOffers;
        for (uint64 interval = FIRST; interval < FIRST + opened; ++interval) {
            if (trading.clearing(interval).status == IEnergyTrading.Status.Settled) continue;
            for (uint32 id = 1; id <= registry.memberCount(); ++id) {
                sum += lockedBy(interval, id, false) + lockedBy(interval, id, true);
                if (timesSettled[interval][id] == 0) sum += _dealt[interval][id].locked;
            }
        }
    }

    /// @notice What partly settled intervals have booked on homes, and of it what the grid's account will get.
    function underWay() public view returns (int256 homes, int256 gridMicro) {
        for (uint64 interval = FIRST; interval < FIRST + opened; ++interval) {
            if (trading.clearing(interval).status == IEnergyTrading.Status.Settled) continue;
            homes += billed[interval];
            gridMicro += Model.floor(gridNano[interval]);
        }
    }

    /// @notice What an account may take out: its balance; the backstop only what the arrears of others leave.
    function spendableOf(address account) public view returns (int256 spendable) {
        spendable = trading.balanceOf(account);
        if (account != BACKSTOP) return spendable;
        (int256 homes, int256 gridMicro) = underWay();
        int256 owed = int256(lockedInAll()) - homes - gridMicro + Model.positive(trading.balanceOf(TREASURY))
            + Model.positive(trading.balanceOf(address(trading)));
        for (uint32 id = 1; id <= registry.memberCount(); ++id) owed += Model.positive(trading.balanceOf(_account(id)));
        int256 cover = trading.totalLiabilities() - owed;
        return cover < spendable ? cover : spendable;
    }

    // Helpers

    /// @dev Mostly a price at which others want to trade too; sometimes one outside the band.
    function _wanted(uint256 price, uint256 width, bool sell) private pure returns (uint256) {
        if (price % 8 == 0) return price % (width + 10_000);
        return sell ? price % (width / 2 + 1) : width - price % (width / 2 + 1);
    }

    /// @dev Mostly a small part, so that money remains to trade with.
    function _part(uint256 amount, uint256 spendable) private pure returns (uint256) {
        return 1 + amount % (amount % 8 == 0 ? spendable : 1 + spendable / 8);
    }

    function _anybody(uint256 who) private view returns (address) {
        uint256 pick = who % (registry.memberCount() + 2);
        return pick == 0 ? BACKSTOP : pick == 1 ? TREASURY : _account(pick - 1);
    }

    /// @dev A signed order counts once, whoever brings it again.
    function _replay(IEnergyTrading.Order memory wish, uint256 key) private {
        require(_relay(wish, key) == IEnergyTrading.OrderResult.NonceUsed, "a signed order counted twice");
        require(trading.account(wish.trader).nextNonce == wish.nonce + 1, "a nonce did not advance");
        ++done["relay"];
    }

    function _judge(uint256 memberId, IEnergyTrading.Order memory wish)
        private
        view
        returns (IEnergyTrading.OrderResult, uint256 locked)
    {
        bool sell = wish.side == IEnergyTrading.Side.Sell;
        if (regulator.isBanned(uint32(memberId))) return (IEnergyTrading.OrderResult.Banned, 0);
        for (uint64 interval = wish.interval; interval < wish.interval + wish.duration; ++interval) {
            IGridBalance.PriceBand memory band = grid.band(interval);
            if (!band.open) return (IEnergyTrading.OrderResult.IntervalNotOpen, 0);
            if (trading.position(interval, uint32(memberId), wish.side).energyWh != 0) {
                return (IEnergyTrading.OrderResult.OrderExists, 0);
            }
            if (sell ? wish.price > band.retail : wish.price < band.feedIn) {
                return (IEnergyTrading.OrderResult.PriceOutsideBand, 0);
            }
            uint256 tick = sell
                ? Model.offerTick(wish.price, band.feedIn, band.retail)
                : Model.bidTick(wish.price, band.feedIn, band.retail);
            locked += Model.lock(sell, wish.energyWh, tick, terms(interval));
        }
        if (trading.balanceOf(wish.trader) < int256(locked)) {
            return (IEnergyTrading.OrderResult.InsufficientBalance, locked);
        }
        return (IEnergyTrading.OrderResult.Accepted, locked);
    }

    function _settle(uint64 interval, uint32 from, uint32 to) private returns (bool) {
        uint256 count;
        for (uint32 id = from; id <= to; ++id) if (_expectBill(interval, id)) ++count;
        if (count == 0) return false;
        try trading.settle(interval, from, to) returns (uint32 settled) {
            require(settled == count, "exactly the due homes are settled");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IEnergyTrading.BackstopUnfunded.selector, "a due interval cannot be settled");
            _deposit(BACKSTOP, 200_000_000);
            require(trading.settle(interval, from, to) == count, "exactly the due homes are settled");
        }
        for (uint32 id = from; id <= to; ++id) {
            require(trading.balanceOf(_account(id)) == _expected[id], "a bill is not what the rules say");
        }
        return true;
    }

    /// @dev Works out the bill of a home that is due, and keeps the balance that it must have afterwards.
    function _expectBill(uint64 interval, uint32 id) private returns (bool) {
        _expected[id] = trading.balanceOf(_account(id));
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(id, interval);
        bool overdue = time > (interval + 1) * HOUR + DEADLINE;
        if (timesSettled[interval][id] != 0 || (!known && !overdue)) return false;
        uint256 released = lockedBy(interval, id, false) + lockedBy(interval, id, true) + _dealt[interval][id].locked;
        _expected[id] += int256(released) + _bill(interval, id, importWh, exportWh);
        ++timesSettled[interval][id];
        return true;
    }

    /// @dev Books a home's bill in the model.
    function _bill(uint64 interval, uint32 id, uint256 importWh, uint256 exportWh) private returns (int256 amount) {
        (Model.Terms memory rules, Model.Trades memory traded) = (terms(interval), trades(interval, id));
        (uint256 bought, uint256 sold) = (traded.bidWh + traded.dealtInWh, traded.offeredWh + traded.dealtOutWh);
        amount = Model.floor(Model.home(rules, traded, importWh, exportWh));
        billed[interval] += amount;
        gridNano[interval] -= Model.grid(rules, traded, importWh, exportWh);
        deliveredWh[id] += sold < exportWh ? sold : exportWh;
        consumedWh[id] += bought < importWh ? bought : importWh;
        if (traded.bidWh + traded.offeredWh != 0) ++done["bill of a fill"];
        if (traded.dealtInWh + traded.dealtOutWh != 0) ++done["bill of a deal"];
    }
}
