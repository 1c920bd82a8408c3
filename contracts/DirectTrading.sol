// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IDirectTrading} from "./interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "./interfaces/IEnergyTrading.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {IMoneyLocks} from "./interfaces/IMoneyLocks.sol";

/// @title Direct trades between two named homes.
/// @dev Created by the market itself, so that each knows the other for good. It holds no money: what a deal locks stays
/// in the market's ledger, and settlement gives it back.
contract DirectTrading is IDirectTrading {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice The market that created this contract.
    address public immutable market;

    IDeviceRegistry private immutable REGISTRY;
    IGridBalance private immutable GRID_BALANCE;

    Offer[] private _offers;
    mapping(uint64 interval => uint256) private _dealtWh;
    mapping(uint64 interval => mapping(uint32 memberId => Deals)) private _deals;

    constructor(IDeviceRegistry registry_, IGridBalance gridBalance_) {
        market = msg.sender;
        REGISTRY = registry_;
        GRID_BALANCE = gridBalance_;
    }

    /// @inheritdoc IDirectTrading
    function offer(
        address counterparty,
        uint64 interval,
        uint32 energyWh,
        uint64 price,
        IEnergyTrading.Side side,
        uint64 expiry
    ) external returns (uint256 offerId) {
        uint32 makerId = REGISTRY.memberOf(msg.sender);
        uint32 counterpartyId = REGISTRY.memberOf(counterparty);
        if (makerId == 0) revert IEnergyTrading.UnknownMember(msg.sender);
        if (counterpartyId == 0 || counterpartyId == makerId) revert InvalidCounterparty(counterparty);
        uint64 closure = IEnergyTrading(market).gateClosure(interval);
        if (expiry < block.timestamp || expiry >= closure) revert InvalidExpiry(expiry, closure);
        _checkEnergy(energyWh);
        IGridBalance.PriceBand memory band = _checkPrice(interval, price);
        Offer memory made = Offer({
            makerId: makerId,
            counterpartyId: counterpartyId,
            interval: interval,
            energyWh: energyWh,
            price: price,
            side: side,
            status: OfferStatus.Open,
            expiry: expiry,
            locked: 0
        });
        made.locked = _lock(made, msg.sender, side == IEnergyTrading.Side.Buy, band).toUint128();
        _offers.push(made);
        offerId = _offers.length;
        emit OfferMade(offerId, makerId, counterpartyId, interval, side, energyWh, price, expiry);
    }

    /// @inheritdoc IDirectTrading
    function accept(uint256 offerId) external {
        Offer memory made = _open(offerId);
        if (REGISTRY.memberOf(msg.sender) != made.counterpartyId) revert NotYourOffer(offerId, msg.sender);
        // Before gate closure, because the expiry is.
        if (block.timestamp > made.expiry) revert OfferExpired(offerId, made.expiry);
        _offers[offerId - 1].status = OfferStatus.Accepted;
        bool makerBuys = made.side == IEnergyTrading.Side.Buy;
        uint256 locked = _lock(made, msg.sender, !makerBuys, GRID_BALANCE.band(made.interval));
        _enter(made, made.makerId, makerBuys, made.locked);
        _enter(made, made.counterpartyId, !makerBuys, locked);
        _dealtWh[made.interval] += made.energyWh;
        emit OfferAccepted(offerId, made.interval);
    }

    /// @inheritdoc IDirectTrading
    function withdrawOffer(uint256 offerId) external {
        Offer memory made = _open(offerId);
        if (REGISTRY.memberOf(msg.sender) != made.makerId) revert NotYourOffer(offerId, msg.sender);
        _offers[offerId - 1].status = OfferStatus.Withdrawn;
        IMoneyLocks(market).unlockDirect(msg.sender, made.locked);
        emit OfferWithdrawn(offerId, made.locked);
    }

    /// @inheritdoc IDirectTrading
    function offerCount() external view returns (uint256) {
        return _offers.length;
    }

    /// @inheritdoc IDirectTrading
    function offerAt(uint256 offerId) external view returns (Offer memory found) {
        if (offerId != 0 && offerId <= _offers.length) found = _offers[offerId - 1];
    }

    /// @inheritdoc IDirectTrading
    function dealtWh(uint64 interval) external view returns (uint256) {
        return _dealtWh[interval];
    }

    /// @inheritdoc IDirectTrading
    function dealsOf(uint64 interval, uint32 memberId) external view returns (Deals memory) {
        return _deals[interval][memberId];
    }

    /// @inheritdoc IDirectTrading
    function dealWords(uint64 interval, uint32 from, uint32 to) external view returns (uint256[] memory words) {
        if (_dealtWh[interval] == 0 || to < from) return words;
        words = new uint256[](to - from + 1);
        for (uint256 i = 0; i < words.length; ++i) words[i] = _pack(_deals[interval][uint32(from + i)]);
    }

    function _pack(Deals memory deals) private pure returns (uint256) {
        uint256 payment = uint96(deals.paymentNano);
        return (uint256(deals.locked) << 160) | (payment << 64) | (uint256(deals.soldWh) << 32) | deals.boughtWh;
    }

    function _open(uint256 offerId) private view returns (Offer memory made) {
        if (offerId == 0 || offerId > _offers.length) revert OfferNotOpen(offerId, OfferStatus.None);
        made = _offers[offerId - 1];
        if (made.status != OfferStatus.Open) revert OfferNotOpen(offerId, made.status);
    }

    function _checkEnergy(uint256 energyWh) private view {
        IEnergyTrading.Config memory rules = IEnergyTrading(market).config();
        bool sized = energyWh >= rules.minOrderWh && energyWh <= rules.maxOrderWh;
        if (!sized) revert IEnergyTrading.EnergyOutOfRange(energyWh, rules.minOrderWh, rules.maxOrderWh);
    }

    function _checkPrice(uint64 interval, uint256 price) private view returns (IGridBalance.PriceBand memory band) {
        band = GRID_BALANCE.band(interval);
        if (!band.open) revert IEnergyTrading.IntervalNotOpen(interval);
        bool inside = price >= band.feedIn && price <= band.retail;
        if (!inside) revert IEnergyTrading.PriceOutsideBand(price, band.feedIn, band.retail);
    }

    /// @dev Locks price and fee of what a home buys, or the most that not delivering can cost it.
    function _lock(Offer memory made, address home, bool buys, IGridBalance.PriceBand memory band)
        private
        returns (uint256 locked)
    {
        uint256 perKwh = buys ? uint256(made.price) + band.fee : band.retail - made.price;
        return IMoneyLocks(market).lockDirect(home, made.energyWh, perKwh);
    }

    function _enter(Offer memory made, uint32 memberId, bool buys, uint256 locked) private {
        Deals memory deals = _deals[made.interval][memberId];
        int256 nano = int256(uint256(made.price) * made.energyWh);
        if (buys) deals.boughtWh += made.energyWh;
        else deals.soldWh += made.energyWh;
        deals.paymentNano = (deals.paymentNano + (buys ? -nano : nano)).toInt96();
        deals.locked = (deals.locked + locked).toUint96();
        _deals[made.interval][memberId] = deals;
    }
}
