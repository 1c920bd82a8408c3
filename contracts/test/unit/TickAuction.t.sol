// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickAuction} from "../../libraries/TickAuction.sol";
import {AuctionHarness} from "../../mocks/AuctionHarness.sol";
import {BookHarness} from "../../mocks/BookHarness.sol";
import {Model} from "../Model.sol";

/// @title The auction against its rule, worked out tick by tick and order by order.
contract TickAuctionTest {
    struct Plain {
        bool buy;
        uint256 energyWh;
        uint256 tick;
    }

    uint256 private constant STEPS = 12;
    uint64 private constant FEED_IN = 80_000;

    BookHarness private _books = new BookHarness();
    AuctionHarness private _arrays = new AuctionHarness();
    uint256 private _seed;

    /// @dev Few prices and small energies, so that ties are common; some orders are cancelled.
    function testFuzz_a_book_clears_by_the_rule(uint256 seed, uint16 width, uint64 referencePrice) external {
        _seed = seed;
        uint64 retail = FEED_IN + (seed % 5 == 0 ? 0 : width);
        // A little outside the band, too.
        referencePrice = FEED_IN - 9 + uint64(_random(uint256(retail) - FEED_IN + 19));
        uint256 prices = 1 + _random(6);
        BookHarness.Step[] memory steps = new BookHarness.Step[](STEPS);
        Plain[] memory orders = new Plain[](STEPS);
        for (uint256 i = 0; i < STEPS; ++i) {
            uint256 gone = _random(STEPS * 2);
            if (gone < i && orders[gone].energyWh != 0) {
                steps[i] = BookHarness.Step(false, 0, uint64(gone));
                orders[gone].energyWh = 0;
                continue;
            }
            uint64 limit = FEED_IN + uint64((_random(prices) * (retail - FEED_IN)) / prices);
            steps[i] = BookHarness.Step(_random(2) == 0, uint64(1 + _random(4)), limit);
            uint256 tick = steps[i].buy
                ? Model.bidTick(limit, FEED_IN, retail)
                : Model.offerTick(limit, FEED_IN, retail);
            orders[i] = Plain(steps[i].buy, steps[i].energyWh, tick);
        }
        (TickAuction.Outcome memory outcome, uint256[] memory fills) =
            _books.run(FEED_IN, retail, referencePrice, steps);
        (uint256 best, uint256 volume) = _best(orders, retail, referencePrice);
        require(outcome.volumeWh == volume, "volume");
        require(outcome.tick == best, "tick");
        for (uint256 i = 0; i < STEPS; ++i) require(fills[i] == _fill(orders, i, volume), "fill");
    }

    function test_plain_arrays_clear_like_books() external view {
        AuctionHarness.Order[] memory orders = new AuctionHarness.Order[](3);
        orders[0] = AuctionHarness.Order(true, 100, 300_000);
        orders[1] = AuctionHarness.Order(false, 60, 80_000);
        orders[2] = AuctionHarness.Order(false, 60, 80_000);
        (TickAuction.Outcome memory outcome, uint256 price, uint256[] memory fills) =
            _arrays.run(80_000, 300_000, 190_000, orders);
        require(outcome.volumeWh == 100 && fills[0] == 100 && fills[1] == 60 && fills[2] == 40);
        require(price == Model.priceOf(outcome.tick, 80_000, 300_000));
    }

    function testFuzz_ticks_are_the_nearest_on_the_safe_side(uint32 feedIn, uint32 width, uint32 limit) external pure {
        uint256 retail = uint256(feedIn) + width;
        uint256 price = uint256(feedIn) + limit % (uint256(width) + 1);
        require(TickAuction.bidTick(feedIn, retail, price) == Model.bidTick(price, feedIn, retail), "bid");
        require(TickAuction.offerTick(feedIn, retail, price) == Model.offerTick(price, feedIn, retail), "offer");
        uint256 tick = limit % 128;
        require(TickAuction.tickPrice(feedIn, retail, tick) == Model.priceOf(tick, feedIn, retail), "price");
    }

    /// @dev Largest volume, then smallest gap, then nearest to the reference, then lowest.
    function _best(Plain[] memory orders, uint256 retail, uint256 referencePrice)
        private
        pure
        returns (uint256 best, uint256 volume)
    {
        uint256 gap = type(uint256).max;
        uint256 distance = type(uint256).max;
        for (uint256 tick = 0; tick < 128; ++tick) {
            (uint256 less, uint256 more) = _curves(orders, tick);
            (less, more) = less < more ? (less, more) : (more, less);
            uint256 away = _apart(Model.priceOf(tick, FEED_IN, retail), referencePrice);
            uint256 apart = more - less;
            if (less < volume) continue;
            // Without volume the reference alone decides.
            bool better = less > volume || (less != 0 && apart < gap)
                || ((less == 0 || apart == gap) && away < distance);
            if (better) (best, volume, gap, distance) = (tick, less, apart, away);
        }
    }

    function _curves(Plain[] memory orders, uint256 tick) private pure returns (uint256 demand, uint256 supply) {
        for (uint256 i = 0; i < orders.length; ++i) {
            if (orders[i].buy && orders[i].tick >= tick) demand += orders[i].energyWh;
            if (!orders[i].buy && orders[i].tick <= tick) supply += orders[i].energyWh;
        }
    }

    /// @dev Better prices are served first, and at one price who came first.
    function _fill(Plain[] memory orders, uint256 number, uint256 volume) private pure returns (uint256) {
        Plain memory own = orders[number];
        uint256 ahead;
        for (uint256 i = 0; i < orders.length; ++i) {
            Plain memory other = orders[i];
            if (other.buy != own.buy || i == number) continue;
            bool better = own.buy ? other.tick > own.tick : other.tick < own.tick;
            if (better || (other.tick == own.tick && i < number)) ahead += other.energyWh;
        }
        if (ahead >= volume) return 0;
        return volume - ahead < own.energyWh ? volume - ahead : own.energyWh;
    }

    function _apart(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? b - a : a - b;
    }

    function _random(uint256 below) private returns (uint256) {
        _seed = uint256(keccak256(abi.encode(_seed)));
        return _seed % below;
    }
}
