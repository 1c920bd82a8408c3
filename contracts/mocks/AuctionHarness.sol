// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickAuction} from "../libraries/TickAuction.sol";
import {TickLevels} from "../libraries/TickLevels.sol";

/// @title The auction without a book, for tests; no tick may hold more than 32 bits of energy.
contract AuctionHarness {
    using TickLevels for TickLevels.Ladder;

    /// @param buy Whether it is a bid.
    /// @param energyWh Its energy.
    /// @param limit Its limit, inside the band.
    struct Order {
        bool buy;
        uint64 energyWh;
        uint64 limit;
    }

    /// @notice Clears orders given in time order, as the market would.
    /// @return outcome The clearing.
    /// @return price The clearing price.
    /// @return fills Energy filled of each order.
    function run(uint64 feedIn, uint64 retail, uint64 referencePrice, Order[] calldata orders)
        external
        pure
        returns (TickAuction.Outcome memory outcome, uint256 price, uint256[] memory fills)
    {
        TickLevels.Ladder memory demand;
        TickLevels.Ladder memory supply;
        uint256[] memory ticks = new uint256[](orders.length);
        uint256[] memory ahead = new uint256[](orders.length);
        for (uint256 i = 0; i < orders.length; ++i) {
            ticks[i] = tickOf(feedIn, retail, orders[i].limit, orders[i].buy);
            TickLevels.Ladder memory side = orders[i].buy ? demand : supply;
            ahead[i] = uint32(side.words[ticks[i] / 8] >> (32 * (ticks[i] % 8)));
            side.words[ticks[i] / 8] += uint256(orders[i].energyWh) << (32 * (ticks[i] % 8));
        }
        demand.sumUp();
        supply.sumUp();
        outcome = TickAuction.clear(demand, supply, feedIn, retail, referencePrice);
        price = TickAuction.tickPrice(feedIn, retail, outcome.tick);
        fills = _fills(outcome, orders, ticks, ahead);
    }

    /// @notice Clears levels, eight ticks of 32 bits to a word.
    function clearLevels(
        uint64 feedIn,
        uint64 retail,
        uint64 referencePrice,
        uint256[16] calldata demand,
        uint256[16] calldata supply
    ) external pure returns (TickAuction.Outcome memory) {
        return TickAuction.clear(_ladder(demand), _ladder(supply), feedIn, retail, referencePrice);
    }

    /// @notice Tick of a limit.
    function tickOf(uint64 feedIn, uint64 retail, uint64 limit, bool buy) public pure returns (uint256) {
        return buy ? TickAuction.bidTick(feedIn, retail, limit) : TickAuction.offerTick(feedIn, retail, limit);
    }

    /// @notice Price of a tick.
    function tickPrice(uint64 feedIn, uint64 retail, uint256 tick) external pure returns (uint256) {
        return TickAuction.tickPrice(feedIn, retail, tick);
    }

    function _ladder(uint256[16] calldata words) private pure returns (TickLevels.Ladder memory ladder) {
        for (uint256 i = 0; i < words.length; ++i) ladder.words[i] = words[i];
        ladder.sumUp();
    }

    function _fills(
        TickAuction.Outcome memory outcome,
        Order[] calldata orders,
        uint256[] memory ticks,
        uint256[] memory ahead
    ) private pure returns (uint256[] memory fills) {
        fills = new uint256[](orders.length);
        if (outcome.volumeWh == 0) return fills;
        for (uint256 i = 0; i < orders.length; ++i) {
            fills[i] = orders[i].buy
                ? TickAuction.fillOfBid(
                    outcome.buyMarginTick, outcome.buyFillWh, ticks[i], orders[i].energyWh, ahead[i]
                )
                : TickAuction.fillOfOffer(
                    outcome.sellMarginTick, outcome.sellFillWh, ticks[i], orders[i].energyWh, ahead[i]
                );
        }
    }
}
