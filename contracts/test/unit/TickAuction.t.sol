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

    uint256 private constant ORDERS = 12;
    uint64 private constant FEED_IN = 80_000;

    /// @dev From tick to tick, in the band of the fixed books.
    uint64 private constant STEP = 100;

    BookHarness private _books = new BookHarness();
    AuctionHarness private _arrays = new AuctionHarness();
    uint256 private _seed;

    /// @dev Few prices and small energies, so that ties are common; some orders are cancelled.
    function testFuzz_a_book_clears_by_the_rule(uint256 seed, uint16 width) external {
        _clearsByTheRule(seed, seed % 5 == 0 ? 0 : width);
    }

    /// @dev The same books each time, in bands narrower and wider than their ticks.
    function test_twenty_books_clear_by_the_rule() external {
        uint16[5] memory widths = [uint16(12_700), 60_000, 254, 100, 1];
        for (uint256 i = 0; i < 20; ++i) _clearsByTheRule(i, widths[i % 5]);
    }

    // Demand of 18 at ticks up to 40, of 13 at those up to 59; supply of 12 from tick 10 on, of 20 more from tick 70 on.

    function test_the_best_ticks_begin_after_the_last_bid_below_them() external view {
        (uint256[16] memory bids, uint256[16] memory offers) = _leftBook();
        _outcomeIs(bids, offers, 30 * STEP, 41);
        _outcomeIs(bids, offers, 30 * STEP + STEP - 1, 41);
        _outcomeIs(bids, offers, 41 * STEP + STEP - 1, 42);
        _outcomeIs(bids, offers, 80 * STEP, 59);
    }

    function test_the_best_ticks_end_before_the_first_offer_above_them() external view {
        uint256[16] memory bids = _at(100, 12);
        uint256[16] memory offers = _with(_at(60, 13), 80, 5);
        _outcomeIs(bids, offers, 90 * STEP, 79);
        _outcomeIs(bids, offers, 50 * STEP, 60);
    }

    function test_the_nearest_price_is_above_or_below_the_reference() external view {
        (uint256[16] memory bids, uint256[16] memory offers) = _leftBook();
        _outcomeIs(bids, offers, 50 * STEP, 50);
        _outcomeIs(bids, offers, 50 * STEP + STEP / 2, 50);
        _outcomeIs(bids, offers, 50 * STEP + STEP / 2 + 1, 51);
        _outcomeIs(bids, offers, 58 * STEP + STEP - 1, 59);
    }

    /// @dev One Wh is traded at ticks 10 to 50, where more is bid, and at 51 to 100, where as much more is offered.
    function test_of_two_runs_that_are_equally_good_the_reference_takes_one() external view {
        uint256[16] memory bids = _with(_at(100, 1), 50, 1);
        uint256[16] memory offers = _with(_at(10, 1), 51, 1);
        _outcomeIs(bids, offers, 20 * STEP, 20);
        _outcomeIs(bids, offers, 80 * STEP, 80);
        _outcomeIs(bids, offers, 0, 10);
        _outcomeIs(bids, offers, 127 * STEP, 100);
    }

    /// @dev Prices of ticks 39 to 50 are the same in a band that is ten wide.
    function test_where_ticks_share_a_price_the_lowest_of_the_best_is_taken() external view {
        (uint256[16] memory bids, uint256[16] memory offers) = _leftBook();
        require(_arrays.clearLevels(FEED_IN, FEED_IN + 10, FEED_IN + 3, bids, offers).tick == 41);
        require(_arrays.clearLevels(FEED_IN, FEED_IN + 10, FEED_IN + 4, bids, offers).tick == 51);
    }

    function test_a_margin_gets_what_those_before_it_leave() external view {
        TickAuction.Outcome memory outcome = _clear(_at(100, 8), _with(_at(10, 5), 60, 10), 0);
        require(outcome.volumeWh == 8 && outcome.sellMarginTick == 60 && outcome.sellFillWh == 3);
        require(outcome.buyMarginTick == 100 && outcome.buyFillWh == 8);
        outcome = _clear(_with(_at(100, 5), 60, 10), _at(10, 8), 0);
        require(outcome.volumeWh == 8 && outcome.buyMarginTick == 60 && outcome.buyFillWh == 3);
        require(outcome.sellMarginTick == 10 && outcome.sellFillWh == 8);
    }

    function test_an_offer_below_the_band_stands_at_the_lowest_tick() external pure {
        require(TickAuction.offerTick(80_000, 300_000, 0) == 0 && TickAuction.offerTick(80_000, 80_000, 79_999) == 0);
        require(TickAuction.bidTick(80_000, 300_000, 400_000) == 127 && TickAuction.bidTick(80_000, 80_000, 80_000) == 127);
    }

    function _clearsByTheRule(uint256 seed, uint16 width) private {
        _seed = seed;
        uint64 retail = FEED_IN + width;
        // A little outside the band, too.
        uint64 referencePrice = FEED_IN - 9 + uint64(_random(uint256(retail) - FEED_IN + 19));
        uint256 prices = 1 + _random(6);
        BookHarness.Step[] memory steps = new BookHarness.Step[](ORDERS);
        Plain[] memory orders = new Plain[](ORDERS);
        for (uint256 i = 0; i < ORDERS; ++i) {
            uint256 gone = _random(ORDERS * 2);
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
        for (uint256 i = 0; i < ORDERS; ++i) require(fills[i] == _fill(orders, i, volume), "fill");
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

    function _leftBook() private pure returns (uint256[16] memory bids, uint256[16] memory offers) {
        return (_with(_at(59, 13), 40, 5), _with(_at(10, 12), 70, 20));
    }

    function _at(uint256 tick, uint256 energyWh) private pure returns (uint256[16] memory words) {
        return _with(words, tick, energyWh);
    }

    function _with(uint256[16] memory words, uint256 tick, uint256 energyWh)
        private
        pure
        returns (uint256[16] memory)
    {
        words[tick / 8] += energyWh << (32 * (tick % 8));
        return words;
    }

    function _clear(uint256[16] memory bids, uint256[16] memory offers, uint64 above)
        private
        view
        returns (TickAuction.Outcome memory)
    {
        return _arrays.clearLevels(FEED_IN, FEED_IN + 127 * STEP, FEED_IN + above, bids, offers);
    }

    function _outcomeIs(uint256[16] memory bids, uint256[16] memory offers, uint64 above, uint256 tick) private view {
        require(_clear(bids, offers, above).tick == tick, "tick");
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
