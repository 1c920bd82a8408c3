// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "./interfaces/IEnergyTrading.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {AccountWord} from "./libraries/AccountWord.sol";
import {BillWords} from "./libraries/BillWords.sol";
import {GappedQueues} from "./libraries/GappedQueues.sol";
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
    using AccountWord for uint256;
    using OrderLanes for OrderLanes.Orders;
    using SafeCast for int256;
    using TickBook for TickBook.Book;

    /// @dev Running sums of an interval's settlement: one storage word. Homes in micro, grid in nano.
    struct Progress {
        int96 homes;
        int128 gridNano;
        uint32 settledMembers;
    }

    /// @dev What one call of `settle` carries from home to home.
    /// @param bills Words of `HomesSettled`, of which `used` are filled.
    struct Run {
        IntervalRecord record;
        Settlement.Terms terms;
        bool overdue;
        uint256 from;
        uint256[] deals;
        uint256[] bills;
        uint256 used;
        int256 owed;
        int256 homes;
        int256 gridNano;
    }

    /// @notice A pause ends by itself after this time, so that nobody's absence can stop the market for good, nor for so
    /// long that the registry forgets what was metered before it could be billed.
    uint64 public immutable MAX_PAUSE_SECONDS;

    uint64 private constant MAX_DEADLINE_INTERVALS = 31;
    uint64 private constant LONGEST_PAUSE_INTERVALS = 24;
    uint64 private constant LONGEST_PAUSE_SECONDS = 3 days;
    uint256 private constant WORD_BITS = 256;
    uint256 private constant LANE_BITS = 64;
    uint256 private constant BILL_WORDS = 2;

    uint64 private immutable SETTLEMENT_DEADLINE_SECONDS;

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
        // The same deadline for both: a reading is either booked before a home is billed without it, or carried on.
        bool agreed = registry_.intervalSeconds() == INTERVAL_SECONDS
            && registry_.readingDeadlineSeconds() == rules.settlementDeadlineSeconds;
        if (!reachable || !agreed) revert InvalidConfig();
        uint64 longest = LONGEST_PAUSE_INTERVALS * INTERVAL_SECONDS;
        MAX_PAUSE_SECONDS = longest < LONGEST_PAUSE_SECONDS ? longest : LONGEST_PAUSE_SECONDS;
        SETTLEMENT_DEADLINE_SECONDS = rules.settlementDeadlineSeconds;
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
            members: members,
            volumeWh: uint40(outcome.volumeWh),
            buyFillWh: uint32(outcome.buyFillWh),
            sellFillWh: uint32(outcome.sellFillWh),
            buyCutWh: uint32(_cut(bids, outcome.buyMarginTick, outcome.buyFillWh)),
            sellCutWh: uint32(_cut(offers, outcome.sellMarginTick, outcome.sellFillWh))
        });
        uint256 price = TickAuction.tickPrice(band.feedIn, band.retail, outcome.tick);
        emit IntervalCleared(interval, uint8(outcome.tick), uint64(price), uint64(outcome.volumeWh));
    }

    /// @inheritdoc IEnergyTrading
    function settle(uint64 interval, uint32 from, uint32 to) external returns (uint32 settled) {
        Run memory run = _startRun(interval);
        if (from == 0 || from > to || to > run.record.members) revert NothingToSettle(interval, from, to);
        run.from = from;
        run.deals = directTrading.dealWords(interval, from, to);
        _settleHomes(interval, to, registry.intervalEnergies(interval, from, to), run);
        if (run.used == 0) revert NothingToSettle(interval, from, to);
        settled = uint32(run.used / BILL_WORDS);
        emit HomesSettled(interval, run.used == run.bills.length ? run.bills : _begin(run.bills, run.used));
        _endRun(interval, settled, run);
    }

    /// @inheritdoc IEnergyTrading
    function pause() external restricted {
        _pause();
        _pausedAt = uint40(block.timestamp);
    }

    /// @inheritdoc IEnergyTrading
    function unpause() external restricted {
        _unpause();
    }

    /// @inheritdoc IEnergyTrading
    function fill(uint64 interval, uint32 memberId, Side side) external view returns (uint64) {
        (uint256 energyWh, uint256 tick, uint256 aheadWh) = OrderLanes.unpack(_lane(interval, memberId, side));
        return uint64(_filled(side, energyWh, tick, aheadWh, _records[interval]));
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
    function config() external view returns (Config memory) {
        return Config({
            gateLeadSeconds: GATE_LEAD_SECONDS,
            settlementDeadlineSeconds: SETTLEMENT_DEADLINE_SECONDS,
            minOrderWh: _minOrderWh,
            maxOrderWh: _maxOrderWh,
            maxDuration: MAX_DURATION
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

    /// @dev Up to where a queue is served: what is filled and the gaps in it.
    function _cut(TickBook.Book storage book, uint256 tick, uint256 fillWh) private view returns (uint256) {
        return book.gapped == 0 ? fillWh : GappedQueues.reach(book, tick, fillWh);
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
            fee: band.fee,
            retail: band.retail,
            feedIn: band.feedIn
        });
    }

    function _settleHomes(uint64 interval, uint256 to, uint256[] memory energies, Run memory run) private {
        run.bills = new uint256[](BILL_WORDS * energies.length);
        mapping(uint256 pair => uint256 word) storage pairs = _orders[interval].pairs;
        uint256 loaded = type(uint256).max;
        uint256 lanes;
        uint256 memberId = run.from;
        // Member numbers have 32 bits.
        unchecked {
            while (memberId <= to) {
                uint256 word = memberId / WORD_BITS;
                uint256 bits = _settled[interval][word];
                // One word of the bitmap at a time: it is written once, whatever the number of its homes.
                for (; memberId <= to && memberId / WORD_BITS == word; ++memberId) {
                    uint256 bit = 1 << (memberId % WORD_BITS);
                    uint256 energy = energies[memberId - run.from];
                    // Without a reading, which may still come, a home waits for the deadline.
                    if (bits & bit != 0 || (energy == 0 && !run.overdue)) continue;
                    bits |= bit;
                    // Two members share a word of orders.
                    if (memberId / 2 != loaded) lanes = pairs[loaded = memberId / 2];
                    _settleHome(memberId, OrderLanes.ofMember(lanes, memberId), energy, run);
                }
                _settled[interval][word] = bits;
            }
        }
    }

    /// @dev Bills one home; `lanes` are its orders, `energy` is a word of the registry, zero without a reading.
    function _settleHome(uint256 memberId, uint256 lanes, uint256 energy, Run memory run) private {
        (uint256 boughtWh, uint256 soldWh, uint256 locked) = _traded(lanes, run);
        int256 directNano;
        // Prices have 64 bits, fees 48, metered energies 64, traded ones below 40: every product and sum fits by far.
        unchecked {
            if (run.deals.length != 0) {
                uint256 deals = run.deals[memberId - run.from];
                (uint256 dealtIn, uint256 dealtOut) = (uint32(deals), uint32(deals >> 32));
                (boughtWh, soldWh, locked) = (boughtWh + dealtIn, soldWh + dealtOut, locked + (deals >> 160));
                // What the deals' prices differ from the clearing price, at which all is billed.
                directNano =
                    int96(uint96(deals >> 64)) + int256(run.terms.price) * (int256(dealtIn) - int256(dealtOut));
            }
            // Without a reading both energies are zero: nothing was used or delivered, all is in the next reading.
            (uint256 importWh, uint256 exportWh) = (uint64(energy >> 64), uint64(energy));
            (int256 homeNano, int256 gridNano) = Settlement.home(run.terms, boughtWh, soldWh, importWh, exportWh);
            int256 amount = Settlement.toMicro(homeNano + directNano);
            (run.bills[run.used], run.bills[run.used + 1]) =
                (BillWords.pack(memberId, boughtWh, soldWh, energy), uint256(amount));
            run.used += BILL_WORDS;
            run.homes += amount;
            run.gridNano += gridNano;
            if (soldWh > exportWh) soldWh = exportWh;
            if (boughtWh > importWh) boughtWh = importWh;
            run.owed += _book(uint32(memberId), int256(locked), amount, soldWh, boughtWh);
        }
    }

    /// @dev What the clearing filled of a home's orders, and what they locked.
    function _traded(uint256 lanes, Run memory run)
        private
        pure
        returns (uint256 boughtWh, uint256 soldWh, uint256 locked)
    {
        if (OrderLanes.isOrder(uint64(lanes))) (boughtWh, locked) = _fate(Side.Buy, uint64(lanes), run);
        if (OrderLanes.isOrder(lanes >> LANE_BITS)) {
            uint256 bond;
            (soldWh, bond) = _fate(Side.Sell, lanes >> LANE_BITS, run);
            // Products of 24 and 64 bits.
            unchecked {
                locked += bond;
            }
        }
    }

    /// @dev What the clearing filled of an order, and what it locked.
    function _fate(Side side, uint256 lane, Run memory run) private pure returns (uint256 filledWh, uint256 locked) {
        (uint256 energyWh, uint256 tick, uint256 aheadWh) = OrderLanes.unpack(lane);
        filledWh = _filled(side, energyWh, tick, aheadWh, run.record);
        locked = _lockOf(side, energyWh, tick, run.terms.feedIn, run.terms.retail, run.terms.fee);
    }

    /// @dev Gives back what was locked, books the bill and counts what was delivered.
    /// @return owed Change of what the home owns that money must cover.
    function _book(uint32 memberId, int256 released, int256 amount, uint256 deliveredWh, uint256 usedWh)
        private
        returns (int256 owed)
    {
        uint256 word = _accounts[memberId];
        int256 before = word.balance();
        // Balances of 128 bits and bills of less than 130 stay inside 256.
        unchecked {
            int256 balance = before + released + amount;
            owed = (balance > 0 ? balance : int256(0)) - (before > 0 ? before : int256(0)) - released;
            _accounts[memberId] = word.booked(balance, deliveredWh, usedWh);
        }
    }

    /// @dev The first words of a list.
    function _begin(uint256[] memory words, uint256 count) private pure returns (uint256[] memory begin) {
        begin = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) begin[i] = words[i];
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

    /// @dev Books grid, fees and dust. What the treasury and the pool own from now on, `owed` holds since the homes
    /// were settled: homes + grid + fees + dust = 0.
    function _close(uint64 interval, Progress memory progress, IntervalRecord memory record) private {
        record.status = Status.Settled;
        _records[interval].status = Status.Settled;
        IntervalMoney memory money = _moneyOf(interval, progress, record);
        _gain(BACKSTOP_ID, money.grid);
        int256 insured = (money.fees * int256(uint256(insuranceShare))) / int256(uint256(WHOLE_BPS));
        _gain(TREASURY_ID, money.fees - insured);
        _gain(INSURANCE_ID, money.dust + insured);
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
        money.fees = int128(Settlement.toMicro(int256(gridBalance.band(interval).fee * boughtWh)));
        money.dust = -(money.homes + money.grid + money.fees);
    }

    /// @dev What the clearing filled of an order.
    function _filled(Side side, uint256 energyWh, uint256 tick, uint256 aheadWh, IntervalRecord memory record)
        private
        pure
        returns (uint256)
    {
        if (record.volumeWh == 0) return 0;
        return side == Side.Buy
            ? TickAuction.fillOfBid(record.buyMarginTick, record.buyCutWh, tick, energyWh, aheadWh)
            : TickAuction.fillOfOffer(record.sellMarginTick, record.sellCutWh, tick, energyWh, aheadWh);
    }
}
