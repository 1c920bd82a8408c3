// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "./interfaces/IEnergyTrading.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {IntervalHistory} from "./libraries/IntervalHistory.sol";
import {OrderLanes} from "./libraries/OrderLanes.sol";
import {Settlement} from "./libraries/Settlement.sol";
import {TickAuction} from "./libraries/TickAuction.sol";
import {TickBook} from "./libraries/TickBook.sol";
import {DirectLocks} from "./trading/DirectLocks.sol";
import {OrderBook} from "./trading/OrderBook.sol";
import {TradingLedger} from "./trading/TradingLedger.sol";

/// @title Sealed call auction per delivery interval, cleared and settled wholly on chain.
/// @dev Clearing and settlement; orders are in `OrderBook`, accounts in `TradingLedger`.
contract EnergyTrading is DirectLocks {
    using OrderLanes for OrderLanes.Orders;
    using SafeCast for int256;
    using SafeCast for uint256;
    using TickBook for TickBook.Book;

    /// @dev Running sums of an interval's settlement: one storage word. Homes in micro, grid in nano.
    struct Progress {
        int96 homes;
        int128 gridNano;
        uint32 settledMembers;
    }

    /// @dev What one call of `settle` carries from home to home.
    struct Run {
        IntervalRecord record;
        Settlement.Terms terms;
        bool overdue;
        uint32 from;
        uint256[] deals;
        int256 owed;
        int256 homes;
        int256 gridNano;
    }

    /// @dev What `HomeSettled` tells of a home.
    struct Bill {
        int256 directNano;
        uint64 boughtWh;
        uint64 soldWh;
        uint64 importWh;
        uint64 exportWh;
        bool metered;
        int128 amount;
    }

    /// @notice Largest trading fee, micro per kWh.
    uint64 public constant MAX_FEE = 1_000_000;

    /// @notice A pause ends by itself after this time, so that nobody's absence can stop the market for good.
    uint64 public constant MAX_PAUSE_SECONDS = 3 days;

    uint64 private constant MAX_DEADLINE_INTERVALS = 31;
    uint256 private constant WORD_BITS = 256;

    uint64 private immutable SETTLEMENT_DEADLINE_SECONDS;

    uint64 private _pausedAt;
    mapping(uint64 interval => Progress) private _progress;
    mapping(uint64 interval => mapping(uint256 word => uint256 bits)) private _settled;

    /// @param authority_ The access manager.
    /// @param token_ The payment token, with six decimals.
    /// @param registry_ The device registry.
    /// @param gridBalance_ The grid balance, of the same interval length.
    /// @param backstop_ The grid supplier's account.
    /// @param treasury_ The account that the fees go to.
    /// @param rules The rules of the market.
    constructor(
        address authority_,
        IERC20 token_,
        IDeviceRegistry registry_,
        IGridBalance gridBalance_,
        address backstop_,
        address treasury_,
        Config memory rules
    ) TradingLedger(authority_, token_, registry_, backstop_, treasury_) OrderBook(gridBalance_, rules) {
        bool reachable = rules.settlementDeadlineSeconds <= MAX_DEADLINE_INTERVALS * INTERVAL_SECONDS;
        if (!reachable || registry_.intervalSeconds() != INTERVAL_SECONDS) revert InvalidConfig();
        SETTLEMENT_DEADLINE_SECONDS = rules.settlementDeadlineSeconds;
        _setTradingFee(rules.feeMicroPerKwh);
    }

    /// @inheritdoc IEnergyTrading
    function clear(uint64 interval) external whenNotPaused {
        if (!_gateClosed(interval)) revert GateStillOpen(interval, gateClosure(interval));
        if (_records[interval].status != Status.None) revert AlreadyCleared(interval);
        IGridBalance.PriceBand memory band = _openBand(interval);
        TickBook.Book storage bids = _books[interval][Side.Buy];
        TickBook.Book storage offers = _books[interval][Side.Sell];
        TickAuction.Outcome memory outcome =
            TickAuction.clear(bids.load(), offers.load(), band.feedIn, band.retail, band.referencePrice);
        uint32 members = registry.memberCount();
        _records[interval] = IntervalRecord({
            status: members == 0 ? Status.Settled : Status.Cleared,
            tick: uint8(outcome.tick),
            buyMarginTick: uint8(outcome.buyMarginTick),
            sellMarginTick: uint8(outcome.sellMarginTick),
            feeAndOne: uint24(feeOf(interval) + 1),
            members: members,
            volumeWh: uint40(outcome.volumeWh),
            buyFillWh: uint32(outcome.buyFillWh),
            sellFillWh: uint32(outcome.sellFillWh),
            buyCutWh: uint32(bids.reach(outcome.buyMarginTick, outcome.buyFillWh)),
            sellCutWh: uint32(offers.reach(outcome.sellMarginTick, outcome.sellFillWh))
        });
        uint256 price = TickAuction.tickPrice(band.feedIn, band.retail, outcome.tick);
        emit IntervalCleared(interval, uint8(outcome.tick), uint64(price), uint64(outcome.volumeWh));
    }

    /// @inheritdoc IEnergyTrading
    function settle(uint64 interval, uint32 from, uint32 to) external returns (uint32 settled) {
        Run memory run = _startRun(interval);
        if (from == 0 || from > to || to > run.record.members) revert NothingToSettle(interval, from, to);
        (run.from, run.deals) = (from, directTrading.dealWords(interval, from, to));
        uint256[] memory energies = registry.intervalEnergies(interval, from, to);
        uint256 memberId = from;
        while (memberId <= to) {
            uint256 word = memberId / WORD_BITS;
            uint256 bits = _settled[interval][word];
            // One word of the bitmap at a time: it is written once, whatever the number of its homes.
            for (; memberId <= to && memberId / WORD_BITS == word; ++memberId) {
                uint256 bit = 1 << (memberId % WORD_BITS);
                uint256 energy = energies[memberId - from];
                // Without a reading, which may still come, a home waits for the deadline.
                if (bits & bit != 0 || (energy == 0 && !run.overdue)) continue;
                _settleHome(interval, uint32(memberId), energy, run);
                bits |= bit;
                ++settled;
            }
            _settled[interval][word] = bits;
        }
        if (settled == 0) revert NothingToSettle(interval, from, to);
        _endRun(interval, settled, run);
    }

    /// @inheritdoc IEnergyTrading
    function setTradingFee(uint64 feeMicroPerKwh) external restricted {
        _setTradingFee(feeMicroPerKwh);
    }

    /// @inheritdoc IEnergyTrading
    function pause() external restricted {
        _pause();
        _pausedAt = uint64(block.timestamp);
    }

    /// @inheritdoc IEnergyTrading
    function unpause() external restricted {
        _unpause();
    }

    /// @inheritdoc IEnergyTrading
    function fill(uint64 interval, uint32 memberId, Side side) external view returns (uint64) {
        return uint64(_fillOf(side, _lane(interval, memberId, side), _records[interval]));
    }

    /// @inheritdoc IEnergyTrading
    function clearing(uint64 interval) external view returns (Clearing memory result) {
        IntervalRecord memory record = _records[interval];
        if (record.status == Status.None) return result;
        result = Clearing({
            status: record.status,
            tick: record.tick,
            buyMarginTick: record.buyMarginTick,
            sellMarginTick: record.sellMarginTick,
            members: record.members,
            volumeWh: record.volumeWh,
            buyFillWh: record.buyFillWh,
            sellFillWh: record.sellFillWh,
            price: tickPrice(interval, record.tick)
        });
    }

    /// @inheritdoc IEnergyTrading
    function intervalMoney(uint64 interval) external view returns (IntervalMoney memory) {
        return _moneyOf(interval, _progress[interval], _records[interval]);
    }

    /// @inheritdoc IEnergyTrading
    function isSettled(uint64 interval, uint32 memberId) external view returns (bool) {
        return _settled[interval][memberId / WORD_BITS] & (1 << (memberId % WORD_BITS)) != 0;
    }

    /// @inheritdoc IEnergyTrading
    function tradingFee() external view returns (uint64) {
        return _fee;
    }

    /// @inheritdoc IEnergyTrading
    function config() external view returns (Config memory) {
        return Config({
            gateLeadSeconds: GATE_LEAD_SECONDS,
            settlementDeadlineSeconds: SETTLEMENT_DEADLINE_SECONDS,
            minOrderWh: MIN_ORDER_WH,
            maxOrderWh: MAX_ORDER_WH,
            maxDuration: MAX_DURATION,
            feeMicroPerKwh: _fee
        });
    }

    /// @inheritdoc IEnergyTrading
    function tickPrice(uint64 interval, uint8 tick) public view returns (uint64) {
        IGridBalance.PriceBand memory band = _openBand(interval);
        return uint64(TickAuction.tickPrice(band.feedIn, band.retail, tick));
    }

    /// @notice Whether orders and clearing are stopped now.
    function paused() public view override(Pausable) returns (bool) {
        return super.paused() && block.timestamp < _pausedAt + MAX_PAUSE_SECONDS;
    }

    function _setTradingFee(uint64 feeMicroPerKwh) private {
        if (feeMicroPerKwh > MAX_FEE) revert FeeTooHigh(feeMicroPerKwh, MAX_FEE);
        _fee = uint24(feeMicroPerKwh);
        emit TradingFeeSet(feeMicroPerKwh);
    }

    function _openBand(uint64 interval) private view returns (IGridBalance.PriceBand memory band) {
        band = gridBalance.band(interval);
        if (!band.open) revert IntervalNotOpen(interval);
    }

    function _startRun(uint64 interval) private view returns (Run memory run) {
        run.record = _records[interval];
        if (run.record.status == Status.None) revert NotCleared(interval);
        if (run.record.status == Status.Settled) revert AlreadySettled(interval);
        uint64 end = (interval + 1) * INTERVAL_SECONDS;
        if (block.timestamp < end) revert IntervalNotOver(interval, end);
        run.overdue = block.timestamp > end + SETTLEMENT_DEADLINE_SECONDS;
        IGridBalance.PriceBand memory band = gridBalance.band(interval);
        run.terms = Settlement.Terms({
            price: TickAuction.tickPrice(band.feedIn, band.retail, run.record.tick),
            fee: run.record.feeAndOne - 1,
            retail: band.retail,
            feedIn: band.feedIn
        });
    }

    /// @dev Bills one home; `energy` is a word of the registry, zero without a reading.
    function _settleHome(uint64 interval, uint32 memberId, uint256 energy, Run memory run) private {
        Bill memory bill;
        (bill.importWh, bill.exportWh, bill.metered) = IntervalHistory.unpack(energy);
        uint256 released = _release(interval, memberId, bill, run);
        // Without a reading both energies are zero: nothing was used or delivered, and all of it is in the next reading.
        (int256 homeNano, int256 gridNano) =
            Settlement.home(run.terms, bill.boughtWh, bill.soldWh, bill.importWh, bill.exportWh);
        bill.amount = int128(Settlement.toMicro(homeNano + bill.directNano));
        int256 owed = _book(memberId, bill, int256(released));
        // Products of 40 and 64 bits, summed over at most 2^32 homes.
        unchecked {
            run.homes += bill.amount;
            run.gridNano += gridNano;
            run.owed += owed;
        }
        emit HomeSettled(
            interval,
            memberId,
            bill.boughtWh,
            bill.soldWh,
            bill.importWh,
            bill.exportWh,
            bill.metered,
            bill.amount
        );
    }

    /// @dev Puts a home's fills into its bill.
    /// @return locked What its orders locked.
    function _release(uint64 interval, uint32 memberId, Bill memory bill, Run memory run)
        private
        view
        returns (uint256 locked)
    {
        (uint256 bid, uint256 offer) = _orders[interval].get(memberId);
        bill.boughtWh = uint64(_fillOf(Side.Buy, bid, run.record));
        bill.soldWh = uint64(_fillOf(Side.Sell, offer, run.record));
        locked = _lockedBy(Side.Buy, bid, run.terms) + _lockedBy(Side.Sell, offer, run.terms);
        if (run.deals.length != 0) locked += _countIn(run.deals[memberId - run.from], bill, run.terms.price);
    }

    /// @dev Counts a home's deals into its bill: as if they had the clearing price, and what they differ from that.
    /// @param word A word of `dealWords`.
    function _countIn(uint256 word, Bill memory bill, uint256 price) private pure returns (uint256 locked) {
        (uint32 boughtWh, uint32 soldWh) = (uint32(word), uint32(word >> 32));
        // A price of 64 bits and energies of 32, and fills of 24.
        unchecked {
            bill.boughtWh += boughtWh;
            bill.soldWh += soldWh;
            bill.directNano =
                int96(uint96(word >> 64)) + int256(price) * (int256(uint256(boughtWh)) - int256(uint256(soldWh)));
        }
        return word >> 160;
    }

    /// @dev Gives back what was locked, books the bill and counts what was delivered.
    /// @return owed Change of what the home owns that money must cover.
    function _book(uint32 memberId, Bill memory bill, int256 released) private returns (int256 owed) {
        Account memory home = _accounts[memberId];
        // Balances of 128 bits and bills of less than 110 stay inside 256; counters grow by less than 2^24 an interval.
        unchecked {
            int256 balance = home.balance + released + bill.amount;
            owed = _positive(balance) - _positive(home.balance) - released;
            home.balance = balance.toInt128();
            home.soldWh += bill.soldWh < bill.exportWh ? bill.soldWh : bill.exportWh;
            home.boughtWh += bill.boughtWh < bill.importWh ? bill.boughtWh : bill.importWh;
        }
        _accounts[memberId] = home;
    }

    function _endRun(uint64 interval, uint32 settled, Run memory run) private {
        Progress memory progress = _progress[interval];
        int256 bookedBefore = progress.homes + Settlement.toMicro(progress.gridNano);
        progress.homes = (progress.homes + run.homes).toInt96();
        progress.gridNano = (progress.gridNano + run.gridNano).toInt128();
        progress.settledMembers += settled;
        _progress[interval] = progress;
        _addOwed(run.owed - (progress.homes + Settlement.toMicro(progress.gridNano) - bookedBefore));
        if (progress.settledMembers == run.record.members) _close(interval, progress, run.record);
    }

    /// @dev Books grid, fees and dust. What the treasury and the dust own from now on, `owed` holds since the homes
    /// were settled: homes + grid + fees + dust = 0.
    function _close(uint64 interval, Progress memory progress, IntervalRecord memory record) private {
        record.status = Status.Settled;
        _records[interval].status = Status.Settled;
        IntervalMoney memory money = _moneyOf(interval, progress, record);
        _accounts[BACKSTOP_ID].balance += money.grid;
        _accounts[TREASURY_ID].balance += money.fees;
        _accounts[DUST_ID].balance += money.dust;
        emit IntervalSettled(interval, money.homes, money.grid, money.fees, money.dust);
    }

    function _moneyOf(uint64 interval, Progress memory progress, IntervalRecord memory record)
        private
        view
        returns (IntervalMoney memory money)
    {
        money.homes = progress.homes;
        money.grid = int128(Settlement.toMicro(progress.gridNano));
        money.settledMembers = progress.settledMembers;
        if (record.status != Status.Settled) return money;
        uint256 boughtWh = record.volumeWh + directTrading.dealtWh(interval);
        money.fees = int128(Settlement.toMicro(int256((record.feeAndOne - 1) * boughtWh)));
        money.dust = -(money.homes + money.grid + money.fees);
    }

    /// @dev What the clearing filled of an order, zero for none.
    function _fillOf(Side side, uint256 lane, IntervalRecord memory record) private pure returns (uint256) {
        if (!OrderLanes.isOrder(lane) || record.volumeWh == 0) return 0;
        (uint256 energyWh, uint256 tick, uint256 aheadWh) = OrderLanes.unpack(lane);
        return side == Side.Buy
            ? TickAuction.fillOfBid(record.buyMarginTick, record.buyCutWh, tick, energyWh, aheadWh)
            : TickAuction.fillOfOffer(record.sellMarginTick, record.sellCutWh, tick, energyWh, aheadWh);
    }

    /// @dev What an order locks, zero for none.
    function _lockedBy(Side side, uint256 lane, Settlement.Terms memory terms) private pure returns (uint256) {
        if (!OrderLanes.isOrder(lane)) return 0;
        (uint256 energyWh, uint256 tick,) = OrderLanes.unpack(lane);
        return _lockOf(side, energyWh, tick, terms.feedIn, terms.retail, terms.fee);
    }
}
