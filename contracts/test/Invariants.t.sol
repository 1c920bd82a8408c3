// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDirectTrading} from "../interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {DealMoves} from "./DealMoves.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {Model} from "./Model.sol";

/// @dev The test runner's environment lives as long as a campaign; the chain of a run does not.
interface CampaignVm {
    function envOr(string calldata name, uint256 fallback_) external view returns (uint256);
    function setEnv(string calldata name, string calldata value) external;
    function toString(uint256 value) external pure returns (string memory);
}

/// @title What holds after any moves of anybody, in any order. The numbers are those of docs/proof.md.
contract InvariantsTest {
    CampaignVm private constant VM = CampaignVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    MarketHandler private _market;
    IEnergyTrading private _trading;

    /// @dev How often a move must succeed.
    struct Often {
        string move;
        uint256 inTenRuns;
    }

    uint256 private constant ENOUGH_RUNS = 64;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() external {
        _market = new MarketHandler();
        _trading = _market.trading();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_market);
    }

    /// @dev What happens often in a market stands here more than once.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[24] memory often = [
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.order.selector,
            _market.read.selector,
            _market.read.selector,
            _market.read.selector,
            _market.read.selector,
            _market.read.selector,
            _market.read.selector,
            _market.clear.selector,
            _market.clear.selector,
            _market.clear.selector,
            _market.settle.selector,
            _market.settle.selector,
            _market.settle.selector,
            _market.settle.selector,
            _market.settle.selector,
            _market.passTo.selector,
            _market.passTo.selector
        ];
        bytes4[21] memory others = [
            _market.pass.selector,
            _market.offer.selector,
            _market.offer.selector,
            _market.offer.selector,
            _market.accept.selector,
            _market.accept.selector,
            _market.accept.selector,
            _market.withdrawOffer.selector,
            _market.cancel.selector,
            _market.cancel.selector,
            _market.ban.selector,
            _market.setInsuranceShare.selector,
            _market.insure.selector,
            _market.deposit.selector,
            _market.withdraw.selector,
            _market.transfer.selector,
            _market.setTradingFee.selector,
            _market.pause.selector,
            _market.join.selector,
            _market.claim.selector,
            _market.donate.selector
        ];
        targets[0] = FuzzSelector(address(_market), new bytes4[](often.length + others.length));
        for (uint256 i = 0; i < often.length; ++i) targets[0].selectors[i] = often[i];
        for (uint256 i = 0; i < others.length; ++i) targets[0].selectors[often.length + i] = others[i];
    }

    /// @notice A campaign proves nothing by moves that never happen: each must succeed so often in a run, on average.
    function afterInvariant() external {
        uint256 runs = _total("runs", 1);
        for (uint256 i = 0; i < _often().length; ++i) {
            (string memory move, uint256 inTenRuns) = (_often()[i].move, _often()[i].inTenRuns);
            uint256 times = _total(move, _market.done(move));
            bool enough = runs < ENOUGH_RUNS || times * 10 >= inTenRuns * runs;
            require(enough, string.concat("too rare to prove anything: ", move, " ", VM.toString(times)));
        }
    }

    /// @dev One campaign for all of them: the moves cost more than the checks.
    function invariant_I1_to_I6() external view {
        I1_tokensHeldAreOwed();
        I2_intervalMoneySumsToZero();
        I3_energyIsBookedOnce();
        I4_fillsBalanceAndKeepLimits();
        I5_lifecycleOnlyAdvances();
        I6_lockCoversTheWorstCase();
    }

    /// @notice I1: the tokens held are all accounts, what orders lock and what is under way, and what was donated.
    function I1_tokensHeldAreOwed() public view {
        (int256 homes,) = _market.underWay();
        int256 sum = int256(_market.lockedInAll()) - homes + _trading.balanceOf(_trading.backstop())
            + _trading.balanceOf(_trading.treasury()) + _trading.balanceOf(address(_trading));
        for (uint256 id = 1; id <= _members(); ++id) sum += _trading.balanceOf(_market.memberAccount(id));
        require(sum == _trading.totalLiabilities(), "I1: the accounts are not the liabilities");
        uint256 held = _market.money().balanceOf(address(_trading));
        require(sum + int256(_market.donated()) == int256(held), "I1: the liabilities are not the tokens held");
    }

    /// @notice I2: the money of a settled interval sums to zero, and its dust is less than a micro for each rounding.
    function I2_intervalMoneySumsToZero() public view {
        (uint64 first, uint64 last) = _intervals();
        for (uint64 interval = first; interval < last; ++interval) {
            IEnergyTrading.IntervalMoney memory sums = _trading.intervalMoney(interval);
            require(sums.homes == _market.billed(interval), "I2: homes are not what was billed");
            require(sums.grid == Model.floor(_market.gridNano(interval)), "I2: the grid is not what it supplied");
            if (_trading.clearing(interval).status != IEnergyTrading.Status.Settled) continue;
            require(sums.homes + sums.grid + sums.fees + sums.dust == 0, "I2: money appeared or vanished");
            require(sums.dust >= 0 && sums.dust < int256(uint256(sums.settledMembers)) + 2, "I2: too much dust");
            IEnergyTrading.Clearing memory result = _trading.clearing(interval);
            uint256 boughtWh = result.volumeWh + _market.direct().dealtWh(interval);
            uint256 fees = uint256(_market.terms(interval).fee) * boughtWh / 1000;
            require(sums.fees == int256(fees), "I2: the fee is not on each kWh bought");
        }
    }

    /// @notice I3: every Wh booked was metered once, totals are sums, and no Wh counts as sold or bought twice.
    function I3_energyIsBookedOnce() public view {
        (uint64 first, uint64 last) = _intervals();
        uint256 members = _members();
        for (uint64 interval = first - 4; interval < last; ++interval) {
            uint256 importWh;
            uint256 exportWh;
            for (uint32 id = 1; id <= members; ++id) {
                (uint256 imported, uint256 exported,) = _market.registry().intervalEnergy(id, interval);
                require(imported == _market.importedWh(interval, id), "I3: import is not what the meter counted");
                require(exported == _market.exportedWh(interval, id), "I3: export is not what the meter counted");
                (importWh, exportWh) = (importWh + imported, exportWh + exported);
            }
            IGridBalance.IntervalTotals memory totals = _market.grid().totals(interval);
            require(totals.importWh == importWh && totals.exportWh == exportWh, "I3: totals are not the sums");
        }
        for (uint256 id = 1; id <= members; ++id) {
            IEnergyTrading.Account memory home = _trading.account(_market.memberAccount(id));
            require(home.soldWh == _market.deliveredWh(id), "I3: a Wh counts as sold twice or never");
            require(home.boughtWh == _market.consumedWh(id), "I3: a Wh counts as bought twice or never");
        }
    }

    /// @notice I4: as much is bought as sold, not more than was bid or offered, and never through a limit.
    function I4_fillsBalanceAndKeepLimits() public view {
        (uint64 first, uint64 last) = _intervals();
        for (uint64 interval = first; interval < last; ++interval) {
            IEnergyTrading.Clearing memory result = _trading.clearing(interval);
            uint256 bought = _fills(interval, IEnergyTrading.Side.Buy, result.price);
            uint256 sold = _fills(interval, IEnergyTrading.Side.Sell, result.price);
            require(bought == sold && sold == result.volumeWh, "I4: bought, sold and volume differ");
            _dealsAreWhatWasAccepted(interval);
        }
    }

    /// @notice I5: a clearing never changes, and each home is settled exactly once.
    function I5_lifecycleOnlyAdvances() public view {
        (uint64 first, uint64 last) = _intervals();
        for (uint64 interval = first; interval < last; ++interval) {
            IEnergyTrading.Clearing memory result = _trading.clearing(interval);
            bool known = _market.cleared(interval) != 0;
            require((result.status != IEnergyTrading.Status.None) == known, "I5: cleared without a clearing");
            if (!known) continue;
            require(_market.fingerprint(interval) == _market.cleared(interval), "I5: a clearing changed");
            uint32 settled;
            for (uint32 id = 1; id <= _members(); ++id) {
                uint256 times = _market.timesSettled(interval, id);
                require(times <= 1, "I5: a home was settled twice");
                require(_trading.isSettled(interval, id) == (times == 1), "I5: the bitmap lies");
                settled += uint32(times);
            }
            require(_trading.intervalMoney(interval).settledMembers == settled, "I5: the count lies");
            bool done = result.status == IEnergyTrading.Status.Settled;
            require(done == (settled == result.members), "I5: settled is when all are");
        }
    }

    /// @notice I6: what is locked covers the worst bill: a buyer's payment, a seller's non-delivery.
    function I6_lockCoversTheWorstCase() public view {
        (uint64 first, uint64 last) = _intervals();
        for (uint64 interval = first; interval < last; ++interval) {
            Model.Terms memory terms = _market.terms(interval);
            if (_market.cleared(interval) == 0) continue;
            for (uint32 id = 1; id <= _members(); ++id) {
                if (_market.timesSettled(interval, id) != 0) continue;
                uint256 escrow = _market.lockedBy(interval, id, false) * 1000;
                uint256 bond = _market.lockedBy(interval, id, true) * 1000;
                uint256 bought = _trading.fill(interval, id, IEnergyTrading.Side.Buy);
                uint256 sold = _trading.fill(interval, id, IEnergyTrading.Side.Sell);
                require(escrow >= (terms.price + terms.fee) * bought, "I6: an escrow does not cover its purchase");
                require(bond >= (terms.retail - terms.price) * sold, "I6: a bond does not cover non-delivery");
                uint256 locked = _market.direct().dealsOf(interval, id).locked;
                uint256 worst = _market.dealt(interval, id).worstNano;
                require(locked * 1000 >= worst, "I6: what deals lock does not cover them");
            }
        }
    }

    function _fills(uint64 interval, IEnergyTrading.Side side, uint256 price) private view returns (uint256 sum) {
        IGridBalance.PriceBand memory band = _market.grid().band(interval);
        uint256 placed;
        for (uint32 id = 1; id <= _members(); ++id) {
            IEnergyTrading.Position memory held = _trading.position(interval, id, side);
            uint256 filled = _trading.fill(interval, id, side);
            (sum, placed) = (sum + filled, placed + held.energyWh);
            require(filled <= held.energyWh, "I4: more was filled than ordered");
            if (filled == 0) continue;
            uint256 limit = Model.priceOf(held.tick, band.feedIn, band.retail);
            bool inside = side == IEnergyTrading.Side.Buy ? limit >= price : limit <= price;
            require(inside, "I4: an order was filled through its limit");
        }
        uint64[] memory levels = _trading.levels(interval, side);
        for (uint256 tick = 0; tick < levels.length; ++tick) placed -= levels[tick];
        require(placed == 0, "I4: the book is not the sum of its orders");
    }

    function _dealsAreWhatWasAccepted(uint64 interval) private view {
        IDirectTrading direct = _market.direct();
        uint256 bought;
        uint256 sold;
        for (uint32 id = 1; id <= _members(); ++id) {
            IDirectTrading.Deals memory deals = direct.dealsOf(interval, id);
            DealMoves.Dealt memory known = _market.dealt(interval, id);
            bool same = deals.boughtWh == known.boughtWh && deals.soldWh == known.soldWh;
            require(same, "I4: deals are not what was accepted");
            require(deals.paymentNano == known.paymentNano, "I4: deals are not paid at their prices");
            require(deals.locked == known.locked, "I4: deals lock other money than was taken");
            (bought, sold) = (bought + deals.boughtWh, sold + deals.soldWh);
        }
        bool balanced = bought == sold && sold == direct.dealtWh(interval);
        require(balanced, "I4: what was bought directly was not sold directly");
    }

    /// @dev Counts on over the runs of a campaign.
    function _total(string memory name, uint256 more) private returns (uint256 total) {
        string memory key = string.concat("CAMPAIGN ", name);
        total = VM.envOr(key, 0) + more;
        VM.setEnv(key, VM.toString(total));
    }

    function _often() private pure returns (Often[] memory moves) {
        moves = new Often[](13);
        moves[0] = Often("order", 40);
        moves[1] = Often("relay", 20);
        moves[2] = Often("cancel", 8);
        moves[3] = Often("clear", 12);
        moves[4] = Often("read", 60);
        moves[5] = Often("settle", 10);
        moves[6] = Often("withdraw", 5);
        moves[7] = Often("transfer", 10);
        moves[8] = Often("offer", 15);
        moves[9] = Often("accept", 6);
        moves[10] = Often("withdrawOffer", 5);
        moves[11] = Often("bill of a fill", 4);
        moves[12] = Often("bill of a deal", 4);
    }

    function _intervals() private view returns (uint64 first, uint64 last) {
        first = 555_556;
        last = first + _market.opened();
    }

    function _members() private view returns (uint256) {
        return _market.registry().memberCount();
    }
}
