// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IRegulator} from "../interfaces/IRegulator.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {OrderLanes} from "../libraries/OrderLanes.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {TickAuction} from "../libraries/TickAuction.sol";
import {TickBook} from "../libraries/TickBook.sol";
import {TickLevels} from "../libraries/TickLevels.sol";
import {TradingLedger} from "./TradingLedger.sol";

/// @title Orders of the market: who may place which, what they lock, where they stand.
/// @dev An order is checked over all its intervals before anything is written, so that it stands whole or not at all.
abstract contract OrderBook is EIP712, TradingLedger, Pausable {
    using AccountWord for uint256;
    using OrderLanes for OrderLanes.Orders;
    using SafeCast for uint256;
    using TickBook for TickBook.Book;
    using TickLevels for TickLevels.Ladder;

    /// @dev What an interval's settlement needs to know: one storage word. A queue is served up to its cut: the margin
    /// fill and the gaps of cancelled orders in it.
    struct IntervalRecord {
        Status status;
        uint8 tick;
        uint8 buyMarginTick;
        uint8 sellMarginTick;
        uint32 members;
        uint40 volumeWh;
        uint32 buyFillWh;
        uint32 sellFillWh;
        uint32 buyCutWh;
        uint32 sellCutWh;
    }

    /// @param account The home's account as it was before.
    struct Request {
        address trader;
        uint32 memberId;
        uint256 account;
        uint64 interval;
        uint256 duration;
        Side side;
        uint256 energyWh;
        uint256 price;
    }

    /// @dev The outcome of the checks: the offending interval, or the ticks and the money to lock.
    struct Quote {
        OrderResult result;
        uint64 interval;
        uint256[] ticks;
        uint256 room;
        uint256 locked;
    }

    /// @dev The band read last; the orders of a batch mostly share one interval.
    struct BandCache {
        uint64 interval;
        IGridBalance.PriceBand band;
    }

    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(address trader,uint64 interval,uint32 duration,uint8 side,"
        "uint64 energyWh,uint64 price,uint64 nonce,uint64 deadline)"
    );

    uint32 private constant DURATION_LIMIT = type(uint8).max;

    /// @notice Where tariffs are published.
    IGridBalance public immutable gridBalance;

    uint64 internal immutable INTERVAL_SECONDS;
    uint64 internal immutable GATE_LEAD_SECONDS;
    uint32 internal immutable MAX_DURATION;

    // They fill the word of the pause flag, which every order reads anyway.
    uint40 internal _pausedAt;
    uint24 internal _minOrderWh;
    uint24 internal _maxOrderWh;

    /// @inheritdoc IEnergyTrading
    IRegulator public regulator;

    mapping(uint64 interval => IntervalRecord) internal _records;
    mapping(uint64 interval => OrderLanes.Orders) internal _orders;
    mapping(uint64 interval => mapping(Side side => TickBook.Book)) internal _books;

    constructor(IGridBalance gridBalance_, Config memory rules) EIP712("EnergyTrading", "1") {
        if (rules.maxDuration == 0 || rules.maxDuration > DURATION_LIMIT) revert InvalidConfig();
        gridBalance = gridBalance_;
        INTERVAL_SECONDS = gridBalance_.intervalSeconds();
        GATE_LEAD_SECONDS = rules.gateLeadSeconds;
        MAX_DURATION = rules.maxDuration;
        _setOrderLimits(rules.minOrderWh, rules.maxOrderWh);
    }

    /// @inheritdoc IEnergyTrading
    function createOrder(uint256 energyAmount, uint256 price, uint256 duration, Side side)
        external
        whenNotPaused
        returns (uint64 interval)
    {
        interval = uint64((block.timestamp + GATE_LEAD_SECONDS) / INTERVAL_SECONDS + 1);
        _place(_request(interval, energyAmount, price, duration, side));
    }

    /// @inheritdoc IEnergyTrading
    function createOrderAt(uint64 interval, uint256 energyAmount, uint256 price, uint256 duration, Side side)
        external
        whenNotPaused
    {
        _place(_request(interval, energyAmount, price, duration, side));
    }

    /// @inheritdoc IEnergyTrading
    function submitOrders(Order[] calldata orders, bytes[] calldata signatures)
        external
        whenNotPaused
        returns (OrderResult[] memory results)
    {
        if (orders.length != signatures.length) revert BatchLengthMismatch(orders.length, signatures.length);
        results = new OrderResult[](orders.length);
        BandCache memory cache;
        for (uint256 i = 0; i < orders.length; ++i) {
            results[i] = _submit(orders[i], signatures[i], cache);
            if (results[i] != OrderResult.Accepted) emit OrderRefused(orders[i].trader, orders[i].nonce, results[i]);
        }
    }

    /// @inheritdoc IEnergyTrading
    function setOrderLimits(uint32 minOrderWh, uint32 maxOrderWh) external restricted {
        _setOrderLimits(minOrderWh, maxOrderWh);
    }

    /// @inheritdoc IEnergyTrading
    function setRegulator(IRegulator regulator_) external restricted {
        regulator = regulator_;
        emit RegulatorSet(address(regulator_));
    }

    /// @inheritdoc IEnergyTrading
    function position(uint64 interval, uint32 memberId, Side side) external view returns (Position memory) {
        (uint256 energyWh, uint256 tick, uint256 aheadWh) = OrderLanes.unpack(_lane(interval, memberId, side));
        return Position(uint64(energyWh), uint64(aheadWh), uint8(tick));
    }

    /// @inheritdoc IEnergyTrading
    function levels(uint64 interval, Side side) external view returns (uint64[] memory energyWh) {
        TickLevels.Ladder memory ladder = _books[interval][side].load();
        energyWh = new uint64[](TickAuction.TICKS);
        for (uint256 tick = 0; tick < TickAuction.TICKS; ++tick) {
            energyWh[tick] = uint64(ladder.at(tick));
        }
    }

    /// @inheritdoc IEnergyTrading
    function nonceUsed(address trader, uint64 nonce) external view returns (bool) {
        return _nonceUsed(_accounts[registry.memberOf(trader)], nonce);
    }

    /// @inheritdoc IEnergyTrading
    function hashOrder(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, order)));
    }

    /// @inheritdoc IEnergyTrading
    function gateClosure(uint64 interval) public view returns (uint64) {
        uint256 start = uint256(interval) * INTERVAL_SECONDS;
        return start < GATE_LEAD_SECONDS ? 0 : (start - GATE_LEAD_SECONDS).toUint64();
    }

    /// @dev Whether orders for the interval are too late.
    function _gateClosed(uint64 interval) internal view returns (bool) {
        // Numbers of 64 bits.
        unchecked {
            return block.timestamp + GATE_LEAD_SECONDS >= uint256(interval) * INTERVAL_SECONDS;
        }
    }

    /// @dev Money that an order locks, the same when it is placed and when it is given back: a bid its energy at its
    /// limit and the fee, an offer its energy times the most that not delivering can cost.
    function _lockOf(Side side, uint256 energyWh, uint256 tick, uint256 feedIn, uint256 retail, uint256 fee)
        internal
        pure
        returns (uint256)
    {
        uint256 limit = TickAuction.tickPrice(feedIn, retail, tick);
        // Energy of 24 bits, prices of 64 and a fee of 48; no tick's price is above retail.
        unchecked {
            return Settlement.ceilMicro(energyWh * (side == Side.Buy ? limit + fee : retail - limit));
        }
    }

    function _lane(uint64 interval, uint32 memberId, Side side) internal view returns (uint256) {
        (uint256 bid, uint256 offer) = _orders[interval].get(memberId);
        return side == Side.Buy ? bid : offer;
    }

    function _request(uint64 interval, uint256 energyWh, uint256 price, uint256 duration, Side side)
        private
        view
        returns (Request memory)
    {
        uint32 memberId = registry.memberOf(msg.sender);
        return Request(msg.sender, memberId, _accounts[memberId], interval, duration, side, energyWh, price);
    }

    /// @dev Places an order or reverts with the reason.
    function _place(Request memory request) private {
        BandCache memory cache;
        Quote memory quote = _quote(request, cache);
        if (quote.result != OrderResult.Accepted) _refuse(request, quote, cache.band);
        _write(request, quote);
    }

    /// @dev Places a signed order or returns the reason.
    function _submit(Order calldata order, bytes calldata signature, BandCache memory cache)
        private
        returns (OrderResult)
    {
        (address signer,,) = ECDSA.tryRecoverCalldata(hashOrder(order), signature);
        if (signer == address(0) || signer != order.trader) return OrderResult.BadSignature;
        if (block.timestamp > order.deadline) return OrderResult.Expired;
        uint32 memberId = registry.memberOf(signer);
        uint256 word = _accounts[memberId];
        if (_nonceUsed(word, order.nonce)) return OrderResult.NonceUsed;
        Request memory request = Request({
            trader: signer,
            memberId: memberId,
            account: word.withNonce(uint256(order.nonce) + 1),
            interval: order.interval,
            duration: order.duration,
            side: order.side,
            energyWh: order.energyWh,
            price: order.price
        });
        Quote memory quote = _quote(request, cache);
        if (quote.result != OrderResult.Accepted) return quote.result;
        _write(request, quote);
        return OrderResult.Accepted;
    }

    /// @dev Checks an order over all its intervals; changes nothing.
    function _quote(Request memory request, BandCache memory cache) private view returns (Quote memory quote) {
        quote.room = _maxOrderWh;
        quote.result = _checkTerms(request, quote.room);
        if (quote.result != OrderResult.Accepted) return quote;
        quote.ticks = new uint256[](request.duration);
        for (uint256 i = 0; i < request.duration; ++i) {
            // An interval so late that this could overflow is not open, which ends the loop before.
            unchecked {
                quote.interval = request.interval + uint64(i);
            }
            quote.result = _checkInterval(request, quote.interval, cache);
            if (quote.result != OrderResult.Accepted) return quote;
            (uint256 feedIn, uint256 retail) = (cache.band.feedIn, cache.band.retail);
            uint256 tick = request.side == Side.Buy
                ? TickAuction.bidTick(feedIn, retail, request.price)
                : TickAuction.offerTick(feedIn, retail, request.price);
            quote.room = _books[quote.interval][request.side].room(tick);
            if (request.energyWh > quote.room) {
                quote.result = OrderResult.EnergyOutOfRange;
                return quote;
            }
            quote.ticks[i] = tick;
            quote.locked += _lockOf(request.side, request.energyWh, tick, feedIn, retail, cache.band.fee);
        }
        if (request.account.balance() < int256(quote.locked)) quote.result = OrderResult.InsufficientBalance;
    }

    function _checkTerms(Request memory request, uint256 largestWh) private view returns (OrderResult) {
        if (request.memberId == 0) return OrderResult.UnknownMember;
        if (request.duration == 0 || request.duration > MAX_DURATION) return OrderResult.InvalidDuration;
        if (request.energyWh < _minOrderWh || request.energyWh > largestWh) return OrderResult.EnergyOutOfRange;
        IRegulator judge = regulator;
        bool banned = address(judge) != address(0) && judge.isBanned(request.memberId);
        return banned ? OrderResult.Banned : OrderResult.Accepted;
    }

    function _checkInterval(Request memory request, uint64 interval, BandCache memory cache)
        private
        view
        returns (OrderResult)
    {
        if (_gateClosed(interval)) return OrderResult.GateClosed;
        if (cache.interval != interval || !cache.band.open) {
            (cache.interval, cache.band) = (interval, gridBalance.band(interval));
        }
        if (!cache.band.open) return OrderResult.IntervalNotOpen;
        if (OrderLanes.isOrder(_lane(interval, request.memberId, request.side))) return OrderResult.OrderExists;
        bool inside =
            request.side == Side.Buy ? request.price >= cache.band.feedIn : request.price <= cache.band.retail;
        return inside ? OrderResult.Accepted : OrderResult.PriceOutsideBand;
    }

    function _write(Request memory request, Quote memory quote) private {
        // Cannot fall below zero: `_quote` compared it.
        _accounts[request.memberId] = request.account.withBalance(request.account.balance() - int256(quote.locked));
        for (uint256 i = 0; i < request.duration; ++i) {
            _enter(request, request.interval + uint64(i), quote.ticks[i]);
        }
    }

    function _enter(Request memory request, uint64 interval, uint256 tick) private {
        uint256 aheadWh = _books[interval][request.side].enter(tick, request.energyWh);
        _orders[interval].put(request.memberId, uint256(request.side), request.energyWh, tick, aheadWh);
        emit OrderCreated(
            interval, request.memberId, request.side, uint8(tick), uint64(request.energyWh), uint64(aheadWh)
        );
    }

    function _setOrderLimits(uint32 minOrderWh, uint32 maxOrderWh) private {
        bool sized = minOrderWh > 0 && minOrderWh <= maxOrderWh && maxOrderWh <= OrderLanes.MAX_ORDER_WH;
        if (!sized) revert InvalidConfig();
        (_minOrderWh, _maxOrderWh) = (uint24(minOrderWh), uint24(maxOrderWh));
        emit OrderLimitsSet(minOrderWh, maxOrderWh);
    }

    /// @dev The last number of its 32 bits is no nonce: nothing could come after it.
    function _nonceUsed(uint256 word, uint64 nonce) private pure returns (bool) {
        return nonce < word.nextNonce() || nonce >= type(uint32).max;
    }

    /// @dev Reverts with the typed error of a refusal.
    function _refuse(Request memory request, Quote memory quote, IGridBalance.PriceBand memory band) private view {
        OrderResult result = quote.result;
        uint64 interval = quote.interval;
        if (result == OrderResult.UnknownMember) revert UnknownMember(request.trader);
        if (result == OrderResult.InvalidDuration) revert InvalidDuration(request.duration, MAX_DURATION);
        if (result == OrderResult.EnergyOutOfRange) {
            revert EnergyOutOfRange(request.energyWh, _minOrderWh, quote.room);
        }
        if (result == OrderResult.GateClosed) revert GateClosed(interval, gateClosure(interval));
        if (result == OrderResult.IntervalNotOpen) revert IntervalNotOpen(interval);
        if (result == OrderResult.OrderExists) revert OrderExists(interval, request.memberId, request.side);
        if (result == OrderResult.PriceOutsideBand) revert PriceOutsideBand(request.price, band.feedIn, band.retail);
        if (result == OrderResult.Banned) revert Banned(request.memberId);
        revert InsufficientBalance(request.trader, request.account.balance(), quote.locked);
    }
}
