// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickAuction} from "../libraries/TickAuction.sol";
import {TickBook} from "../libraries/TickBook.sol";

/// @title A book that is written order by order, for tests: each run works on storage of its own.
contract BookHarness {
    using TickBook for TickBook.Book;

    /// @param buy Whether it is a bid.
    /// @param energyWh Its energy; zero cancels the order of number `limit`.
    /// @param limit Its limit, inside the band.
    struct Step {
        bool buy;
        uint64 energyWh;
        uint64 limit;
    }

    struct Order {
        bool buy;
        uint256 energyWh;
        uint256 tick;
        uint256 aheadWh;
    }

    /// @notice Number of runs so far.
    uint256 public runs;

    mapping(uint256 number => mapping(bool buy => TickBook.Book)) private _books;

    /// @notice Places and cancels orders, and clears.
    /// @return outcome The clearing.
    /// @return fills What each order gets, by its number among the steps.
    function run(uint64 feedIn, uint64 retail, uint64 referencePrice, Step[] calldata steps)
        external
        returns (TickAuction.Outcome memory outcome, uint256[] memory fills)
    {
        mapping(bool => TickBook.Book) storage books = _books[++runs];
        Order[] memory orders = new Order[](steps.length);
        for (uint256 i = 0; i < steps.length; ++i) {
            if (steps[i].energyWh == 0) {
                Order memory gone = orders[steps[i].limit];
                books[gone.buy].leave(gone.tick, gone.energyWh, gone.aheadWh);
                gone.energyWh = 0;
                continue;
            }
            uint256 tick = steps[i].buy
                ? TickAuction.bidTick(feedIn, retail, steps[i].limit)
                : TickAuction.offerTick(feedIn, retail, steps[i].limit);
            uint256 aheadWh = books[steps[i].buy].enter(tick, steps[i].energyWh);
            orders[i] = Order(steps[i].buy, steps[i].energyWh, tick, aheadWh);
        }
        uint256 buyCut;
        uint256 sellCut;
        (outcome, buyCut, sellCut) = clear(runs, feedIn, retail, referencePrice);
        fills = new uint256[](steps.length);
        if (outcome.volumeWh == 0) return (outcome, fills);
        for (uint256 i = 0; i < steps.length; ++i) {
            Order memory order = orders[i];
            fills[i] = order.buy
                ? TickAuction.fillOfBid(outcome.buyMarginTick, buyCut, order.tick, order.energyWh, order.aheadWh)
                : TickAuction.fillOfOffer(outcome.sellMarginTick, sellCut, order.tick, order.energyWh, order.aheadWh);
        }
    }

    /// @notice Clears the book of a run.
    function clear(uint256 number, uint64 feedIn, uint64 retail, uint64 referencePrice)
        public
        view
        returns (TickAuction.Outcome memory outcome, uint256 buyCut, uint256 sellCut)
    {
        mapping(bool => TickBook.Book) storage books = _books[number];
        outcome = TickAuction.clear(books[true].load(), books[false].load(), feedIn, retail, referencePrice);
        buyCut = books[true].reach(outcome.buyMarginTick, outcome.buyFillWh);
        sellCut = books[false].reach(outcome.sellMarginTick, outcome.sellFillWh);
    }
}
