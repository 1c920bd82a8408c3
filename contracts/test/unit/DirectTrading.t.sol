// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IDirectTrading} from "../../interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {IMoneyLocks} from "../../interfaces/IMoneyLocks.sol";
import {ThreeHomes} from "./ThreeHomes.sol";

contract DirectTradingTest is ThreeHomes {
    uint64 private constant PRICE = 150_000;
    uint64 private constant CLOSURE = FIRST * HOUR - GATE_LEAD;

    IDirectTrading private _direct;

    function setUp() external {
        _direct = trading.directTrading();
    }

    function test_a_deal_is_offered_accepted_and_billed() external {
        _deposit(BACKSTOP, 1_000_000);
        vm.expectEmit(true, true, true, true, address(_direct));
        emit IDirectTrading.OfferMade(1, 1, 2, FIRST, BUY, 1000, PRICE, CLOSURE - 1);
        require(_offer(1, 2, BUY) == 1 && _direct.offerCount() == 1);
        require(trading.balanceOf(_account(1)) == FUNDS - int256(uint256(PRICE + FEE)));
        IDirectTrading.Offer memory made = _direct.offerAt(1);
        require(made.makerId == 1 && made.counterpartyId == 2 && made.interval == FIRST && made.energyWh == 1000);
        require(made.price == PRICE && made.side == BUY && made.status == IDirectTrading.OfferStatus.Open);
        require(made.expiry == CLOSURE - 1 && made.locked == PRICE + FEE);
        vm.warp(CLOSURE - 1);
        vm.expectEmit(true, true, true, true, address(_direct));
        emit IDirectTrading.OfferAccepted(1, FIRST);
        vm.prank(_account(2));
        _direct.accept(1);
        require(trading.balanceOf(_account(2)) == FUNDS - int256(uint256(RETAIL - PRICE)));
        require(_direct.dealtWh(FIRST) == 1000);
        IDirectTrading.Deals memory deals = _direct.dealsOf(FIRST, 1);
        require(deals.boughtWh == 1000 && deals.soldWh == 0 && deals.locked == PRICE + FEE);
        require(deals.paymentNano == -int96(uint96(PRICE) * 1000));
        uint256[] memory words = _direct.dealWords(FIRST, 2, 3);
        require(words.length == 2 && words[1] == 0);
        uint256 payment = uint256(PRICE) * 1000;
        require(words[0] == uint256(RETAIL - PRICE) << 160 | payment << 64 | 1000 << 32);
        require(_direct.dealWords(FIRST, 2, 1).length == 0 && _direct.dealWords(FIRST + 1, 1, 3).length == 0);
        _clear();
        _meterAll([uint64(1000), 0], [uint64(0), 1000], [uint64(0), 0]);
        trading.settle(FIRST, 1, 3);
        require(trading.balanceOf(_account(1)) == FUNDS - int256(uint256(PRICE + FEE)));
        require(trading.balanceOf(_account(2)) == FUNDS + int256(uint256(PRICE)));
        require(trading.balanceOf(TREASURY) == int256(uint256(FEE)) && trading.account(_account(2)).soldWh == 1000);
    }

    function test_a_seller_may_make_the_offer() external {
        _offer(3, 1, SELL);
        vm.prank(_account(1));
        _direct.accept(1);
        require(_direct.dealsOf(FIRST, 3).soldWh == 1000 && _direct.dealsOf(FIRST, 1).boughtWh == 1000);
        require(trading.balanceOf(_account(3)) == FUNDS - int256(uint256(RETAIL - PRICE)));
        require(_direct.dealsOf(FIRST, 3).paymentNano == int96(uint96(PRICE) * 1000));
    }

    function test_an_offer_is_withdrawn_whole_even_in_a_pause() external {
        _offer(1, 2, BUY);
        trading.pause();
        bytes memory paused = abi.encodeWithSelector(Pausable.EnforcedPause.selector);
        _fails(_account(2), address(_direct), abi.encodeCall(_direct.accept, (1)), paused);
        vm.expectEmit(true, true, true, true, address(_direct));
        emit IDirectTrading.OfferWithdrawn(1, PRICE + FEE);
        vm.prank(_account(1));
        _direct.withdrawOffer(1);
        require(trading.balanceOf(_account(1)) == FUNDS);
        _notOpen(1, IDirectTrading.OfferStatus.Withdrawn);
    }

    function test_every_refusal_says_why() external {
        uint64 expiry = CLOSURE - 1;
        bytes memory call = _call(2, FIRST, 1000, PRICE, expiry);
        bytes memory reason = abi.encodeWithSelector(IEnergyTrading.UnknownMember.selector, STRANGER);
        _fails(STRANGER, address(_direct), call, reason);
        bytes4 other = IDirectTrading.InvalidCounterparty.selector;
        _no(_call(1, FIRST, 1000, PRICE, expiry), abi.encodeWithSelector(other, _account(1)));
        _no(_call(9, FIRST, 1000, PRICE, expiry), abi.encodeWithSelector(other, _account(9)));
        bytes4 late = IDirectTrading.InvalidExpiry.selector;
        uint64 past = uint64(block.timestamp) - 1;
        _no(_call(2, FIRST, 1000, PRICE, past), abi.encodeWithSelector(late, past, CLOSURE));
        _no(_call(2, FIRST, 1000, PRICE, CLOSURE), abi.encodeWithSelector(late, CLOSURE, CLOSURE));
        bytes4 range = IEnergyTrading.EnergyOutOfRange.selector;
        _no(_call(2, FIRST, 9, PRICE, expiry), abi.encodeWithSelector(range, 9, 10, 50_000));
        _no(_call(2, FIRST, 50_001, PRICE, expiry), abi.encodeWithSelector(range, 50_001, 10, 50_000));
        reason = abi.encodeWithSelector(IEnergyTrading.IntervalNotOpen.selector, FIRST + 4);
        _no(_call(2, FIRST + 4, 1000, PRICE, expiry), reason);
        bytes4 outside = IEnergyTrading.PriceOutsideBand.selector;
        _no(_call(2, FIRST, 1000, FEED_IN - 1, expiry), abi.encodeWithSelector(outside, FEED_IN - 1, FEED_IN, RETAIL));
        _no(_call(2, FIRST, 1000, RETAIL + 1, expiry), abi.encodeWithSelector(outside, RETAIL + 1, FEED_IN, RETAIL));
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS));
        reason = abi.encodeWithSelector(IEnergyTrading.InsufficientBalance.selector, _account(1), 0, PRICE + FEE);
        _no(call, reason);
    }

    function test_all_money_may_be_locked() external {
        vm.prank(_account(1));
        trading.withdraw(uint256(FUNDS) - PRICE - FEE);
        require(_offer(1, 2, BUY) == 1 && trading.balanceOf(_account(1)) == 0);
    }

    function test_an_offer_is_its_two_parties_business() external {
        _notOpen(0, IDirectTrading.OfferStatus.None);
        _notOpen(1, IDirectTrading.OfferStatus.None);
        _offer(1, 2, BUY);
        require(_direct.offerAt(0).makerId == 0 && _direct.offerAt(2).makerId == 0);
        bytes4 foreign = IDirectTrading.NotYourOffer.selector;
        _no(abi.encodeCall(_direct.accept, (1)), abi.encodeWithSelector(foreign, 1, _account(1)));
        bytes memory call = abi.encodeCall(_direct.withdrawOffer, (1));
        _fails(_account(2), address(_direct), call, abi.encodeWithSelector(foreign, 1, _account(2)));
        vm.warp(CLOSURE);
        bytes memory reason = abi.encodeWithSelector(IDirectTrading.OfferExpired.selector, 1, CLOSURE - 1);
        _fails(_account(2), address(_direct), abi.encodeCall(_direct.accept, (1)), reason);
    }

    function test_only_direct_trading_locks_money() external {
        bytes memory reason = abi.encodeWithSelector(IMoneyLocks.OnlyDirectTrading.selector, address(this));
        _refused(abi.encodeCall(trading.lockDirect, (_account(1), 1, 1)), reason);
        _refused(abi.encodeCall(trading.unlockDirect, (_account(1), 1)), reason);
    }

    function _offer(uint256 maker, uint256 counterparty, IEnergyTrading.Side side) private returns (uint256) {
        vm.prank(_account(maker));
        return _direct.offer(_account(counterparty), FIRST, 1000, PRICE, side, CLOSURE - 1);
    }

    function _call(uint256 counterparty, uint64 interval, uint32 energyWh, uint64 price, uint64 expiry)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(_direct.offer, (_account(counterparty), interval, energyWh, price, BUY, expiry));
    }

    function _no(bytes memory call, bytes memory reason) private {
        _fails(_account(1), address(_direct), call, reason);
    }

    function _notOpen(uint256 offerId, IDirectTrading.OfferStatus status) private {
        bytes memory reason = abi.encodeWithSelector(IDirectTrading.OfferNotOpen.selector, offerId, status);
        _no(abi.encodeCall(_direct.withdrawOffer, (offerId)), reason);
        _fails(_account(2), address(_direct), abi.encodeCall(_direct.accept, (offerId)), reason);
    }
}
