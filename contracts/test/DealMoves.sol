// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IDirectTrading} from "../interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {Model} from "./Model.sol";
import {World} from "./World.sol";

/// @title The moves of direct trading, and what must be true right after each.
abstract contract DealMoves is World {
    /// @dev An open offer; `locked` is the maker's money.
    struct Deal {
        uint256 maker;
        uint256 taker;
        uint64 interval;
        uint32 energyWh;
        uint64 price;
        bool sells;
        uint64 expiry;
        uint256 locked;
    }

    /// @dev What the accepted deals of a home come to. Money in nano, but for what they lock.
    struct Dealt {
        uint256 boughtWh;
        uint256 soldWh;
        int256 paymentNano;
        uint256 worstNano;
        uint256 locked;
    }

    uint64 public time = (FIRST - 4) * HOUR;

    /// @notice How often a move did what its name says, not counting those that had nothing to do or were refused.
    mapping(string move => uint256) public done;

    /// @notice Money locked by offers that are open, expired or not.
    uint256 public lockedInOffers;

    IDirectTrading public direct;

    mapping(uint64 interval => mapping(uint256 memberId => Dealt)) internal _dealt;
    mapping(uint256 offerId => Deal) private _offers;
    uint256[] private _openIds;

    constructor() {
        direct = trading.directTrading();
    }

    // Moves

    function offer(uint256 who, uint256 pick, uint256 energyWh, uint256 price, bool sells, uint256 life) external {
        Deal memory deal;
        uint256 members = registry.memberCount();
        (deal.maker, deal.interval, deal.sells) = (_member(who), _orderable(pick), sells);
        deal.taker = 1 + (deal.maker + (pick >> 8) % (members - 1)) % members;
        deal.energyWh = uint32(MIN_ORDER_WH + energyWh % 20_000);
        IGridBalance.PriceBand memory band = grid.band(deal.interval);
        deal.price = uint64(band.feedIn + price % (band.retail - band.feedIn + 1));
        deal.expiry = uint64(time + life % (deal.interval * HOUR - GATE_LEAD - time));
        deal.locked = Model.dealLock(!sells, deal.energyWh, deal.price, _band(deal.interval));
        bytes memory reason = band.open
            ? _refusal(deal.maker, deal.locked)
            : abi.encodeWithSelector(IEnergyTrading.IntervalNotOpen.selector, deal.interval);
        if (reason.length != 0) _fails(_account(deal.maker), address(direct), _call(deal), reason);
        else _offer(deal);
    }

    /// @notice One that can be accepted, if there is any; else one that has expired.
    function accept(uint256 pick) external {
        uint256 count = _openIds.length;
        if (count == 0) return;
        uint256 at = pick % count;
        for (uint256 i = 0; i < count && time > _offers[_openIds[at]].expiry; ++i) at = (at + 1) % count;
        uint256 id = _openIds[at];
        Deal memory deal = _offers[id];
        uint256 locked = Model.dealLock(deal.sells, deal.energyWh, deal.price, _band(deal.interval));
        bytes memory reason = time > deal.expiry
            ? abi.encodeWithSelector(IDirectTrading.OfferExpired.selector, id, deal.expiry)
            : _refusal(deal.taker, locked);
        if (reason.length != 0) {
            bytes memory call = abi.encodeCall(IDirectTrading.accept, (id));
            _fails(_account(deal.taker), address(direct), call, reason);
            ++done["refuse"];
            return;
        }
        int256 before = trading.balanceOf(_account(deal.taker));
        _as(deal.taker).accept(id);
        require(before - trading.balanceOf(_account(deal.taker)) == int256(locked), "a deal locks its worst case");
        _enter(deal, deal.maker, !deal.sells, deal.locked);
        _enter(deal, deal.taker, deal.sells, locked);
        _remove(at);
        ++done["accept"];
    }

    function withdrawOffer(uint256 pick) external {
        if (_openIds.length == 0) return;
        uint256 at = pick % _openIds.length;
        Deal memory deal = _offers[_openIds[at]];
        int256 before = trading.balanceOf(_account(deal.maker));
        _as(deal.maker).withdrawOffer(_openIds[at]);
        int256 released = trading.balanceOf(_account(deal.maker)) - before;
        require(released == int256(deal.locked), "an offer's lock comes back whole");
        _remove(at);
        ++done["withdrawOffer"];
    }

    // What the rules say

    function dealt(uint64 interval, uint256 memberId) external view returns (Dealt memory) {
        return _dealt[interval][memberId];
    }

    /// @dev A band's terms, without a clearing price.
    function _band(uint64 interval) internal view returns (Model.Terms memory) {
        IGridBalance.PriceBand memory band = grid.band(interval);
        return Model.Terms(band.feedIn, band.retail, band.fee, 0);
    }

    // Helpers

    function _pass(uint64 seconds_) internal {
        time += seconds_;
        vm.warp(time);
    }

    function _member(uint256 who) internal view returns (uint256) {
        return 1 + who % registry.memberCount();
    }

    /// @dev Mostly the next interval whose gate is open.
    function _orderable(uint256 pick) internal view returns (uint64) {
        uint64 next = (time + GATE_LEAD) / HOUR + (pick % 4 == 0 ? 2 : 1);
        return next < FIRST ? FIRST : next;
    }

    function _offer(Deal memory deal) private {
        int256 before = trading.balanceOf(_account(deal.maker));
        bytes memory call = _call(deal);
        vm.prank(_account(deal.maker));
        (bool ok,) = address(direct).call(call);
        require(ok, "an offer within the rules was refused");
        int256 taken = before - trading.balanceOf(_account(deal.maker));
        require(taken == int256(deal.locked), "an offer locks its worst case");
        uint256 id = direct.offerCount();
        _offers[id] = deal;
        _openIds.push(id);
        lockedInOffers += deal.locked;
        ++done["offer"];
    }

    function _call(Deal memory deal) private pure returns (bytes memory) {
        IEnergyTrading.Side side = IEnergyTrading.Side(deal.sells ? 1 : 0);
        address taker = _account(deal.taker);
        return
            abi.encodeCall(
                IDirectTrading.offer, (taker, deal.interval, deal.energyWh, deal.price, side, deal.expiry)
            );
    }

    /// @dev Why money cannot be locked; nothing if it can.
    function _refusal(uint256 memberId, uint256 locked) private view returns (bytes memory) {
        if (trading.paused()) return abi.encodeWithSelector(Pausable.EnforcedPause.selector);
        int256 balance = trading.balanceOf(_account(memberId));
        if (balance >= int256(locked)) return "";
        bytes4 selector = IEnergyTrading.InsufficientBalance.selector;
        return abi.encodeWithSelector(selector, _account(memberId), balance, locked);
    }

    function _as(uint256 memberId) private returns (IDirectTrading) {
        vm.prank(_account(memberId));
        return direct;
    }

    function _enter(Deal memory deal, uint256 memberId, bool buys, uint256 locked) private {
        Dealt storage sums = _dealt[deal.interval][memberId];
        Model.Terms memory band = _band(deal.interval);
        int256 nano = int256(uint256(deal.price) * deal.energyWh);
        if (buys) sums.boughtWh += deal.energyWh;
        else sums.soldWh += deal.energyWh;
        sums.paymentNano += buys ? -nano : nano;
        sums.worstNano += (buys ? deal.price + band.fee : band.retail - deal.price) * deal.energyWh;
        sums.locked += locked;
    }

    function _remove(uint256 at) private {
        lockedInOffers -= _offers[_openIds[at]].locked;
        _openIds[at] = _openIds[_openIds.length - 1];
        _openIds.pop();
    }
}
