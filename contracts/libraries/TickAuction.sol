// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickLevels} from "./TickLevels.sol";

/// @title Clearing of a sealed call auction whose limits lie on 128 price ticks.
/// @notice Pure functions: ticks and prices, the clearing of a book, and what a clearing fills of one order.
/// @dev `tickPrice(t) = feedIn + floor(t * (retail - feedIn) / 127)`. With a band of width zero every tick has the same
/// price; a bid then stands at the highest tick and an offer at the lowest, so that any two of them meet.
///
/// How the best tick is found without looking at all of them: demand D(t) at ticks >= t falls and supply S(t) at ticks
/// <= t rises, so there is a first tick `r` with S > D. Left of it min(D, S) = S is largest at `r - 1`, from `r` on
/// min(D, S) = D is largest at `r`. A tick left of `r` is as good as `r - 1` in volume and gap only if both S and D are
/// the same there, and that holds for a run of ticks that ends at `r - 1`; likewise a run begins at `r`. The better run,
/// or both of them together if they tie, is one range of equally good ticks, and the reference decides within it.
library TickAuction {
    using TickLevels for TickLevels.Ladder;

    /// @notice Number of ticks of a book.
    uint256 internal constant TICKS = 128;

    /// @notice The highest tick, whose price is retail.
    uint256 internal constant TOP = TICKS - 1;

    uint256 private constant SUM_BITS = 64;

    /// @param tick The clearing tick.
    /// @param buyMarginTick Buyers above it are filled whole, below it not at all.
    /// @param sellMarginTick Sellers below it are filled whole, above it not at all.
    /// @param volumeWh Energy bought, equal to energy sold.
    /// @param buyFillWh Energy filled at the buy margin, in time order.
    /// @param sellFillWh Energy filled at the sell margin, in time order.
    struct Outcome {
        uint256 tick;
        uint256 buyMarginTick;
        uint256 sellMarginTick;
        uint256 volumeWh;
        uint256 buyFillWh;
        uint256 sellFillWh;
    }

    /// @notice Price of a tick, micro per kWh.
    function tickPrice(uint256 feedIn, uint256 retail, uint256 tick) internal pure returns (uint256) {
        // A band has feedIn <= retail < 2^64.
        unchecked {
            return feedIn + (tick * (retail - feedIn)) / TOP;
        }
    }

    /// @notice Highest tick whose price is not above `limit`; `limit` is at least `feedIn`.
    function bidTick(uint256 feedIn, uint256 retail, uint256 limit) internal pure returns (uint256) {
        if (limit >= retail) return TOP;
        // Prices inside a band are below 2^64.
        unchecked {
            return (TOP * (limit - feedIn + 1) - 1) / (retail - feedIn);
        }
    }

    /// @notice Lowest tick whose price is not below `limit`; `limit` is at most `retail`.
    function offerTick(uint256 feedIn, uint256 retail, uint256 limit) internal pure returns (uint256) {
        if (limit <= feedIn) return 0;
        unchecked {
            uint256 width = retail - feedIn;
            return (TOP * (limit - feedIn) + width - 1) / width;
        }
    }

    /// @notice Clears a book.
    /// @dev The tick with the largest min(demand, supply) wins; ties go to the smallest |supply - demand|, then to the
    /// price nearest to `referencePrice`, then to the lowest tick. Without volume the tick nearest to `referencePrice`
    /// (lowest on a tie) is the outcome, and margin ticks and fills are zero.
    /// @param demand Energy bid at each tick.
    /// @param supply Energy offered at each tick.
    function clear(
        TickLevels.Ladder memory demand,
        TickLevels.Ladder memory supply,
        uint256 feedIn,
        uint256 retail,
        uint256 referencePrice
    ) internal pure returns (Outcome memory outcome) {
        uint256 right = _crossing(demand, supply);
        (uint256 low, uint256 high) = (0, TOP);
        // The sums of 128 levels of 32 bits are far below 256 bits, and what stands at some ticks is part of the total.
        unchecked {
            uint256 volumeWh = supply.below(right);
            uint256 demandWh = demand.total() - demand.below(right);
            if (volumeWh < demandWh) volumeWh = demandWh;
            if (volumeWh != 0) {
                outcome.volumeWh = volumeWh;
                outcome.sellMarginTick = supply.reach(volumeWh);
                outcome.sellFillWh = volumeWh - supply.below(outcome.sellMarginTick);
                // The last Wh served from above is this one counted from below.
                outcome.buyMarginTick = demand.reach(demand.total() - volumeWh + 1);
                outcome.buyFillWh = volumeWh + demand.below(outcome.buyMarginTick + 1) - demand.total();
                (low, high) = _bestTicks(demand, supply, right, outcome);
            }
        }
        outcome.tick = _nearestTick(feedIn, retail, referencePrice, low, high);
    }

    /// @notice Energy of a bid that an outcome with volume fills.
    function fillOfBid(uint256 marginTick, uint256 marginFillWh, uint256 tick, uint256 energyWh, uint256 aheadWh)
        internal
        pure
        returns (uint256)
    {
        if (tick < marginTick) return 0;
        return tick > marginTick ? energyWh : _atMargin(marginFillWh, energyWh, aheadWh);
    }

    /// @notice Energy of an offer that an outcome with volume fills.
    function fillOfOffer(uint256 marginTick, uint256 marginFillWh, uint256 tick, uint256 energyWh, uint256 aheadWh)
        internal
        pure
        returns (uint256)
    {
        if (tick > marginTick) return 0;
        return tick < marginTick ? energyWh : _atMargin(marginFillWh, energyWh, aheadWh);
    }

    /// @dev Energy that stood at the tick before is served first.
    function _atMargin(uint256 marginFillWh, uint256 energyWh, uint256 aheadWh) private pure returns (uint256) {
        if (marginFillWh <= aheadWh) return 0;
        uint256 left = marginFillWh - aheadWh;
        return left < energyWh ? left : energyWh;
    }

    /// @dev The first tick where supply exceeds demand, `TICKS` if there is none: by halves, and the last tick.
    function _crossing(TickLevels.Ladder memory demand, TickLevels.Ladder memory supply)
        private
        pure
        returns (uint256 tick)
    {
        unchecked {
            for (uint256 step = TICKS / 2; step != 0; step /= 2) {
                if (_isCovered(demand, supply, tick + step - 1)) tick += step;
            }
            if (_isCovered(demand, supply, tick)) ++tick;
        }
    }

    /// @dev Whether demand is not less than supply.
    function _isCovered(TickLevels.Ladder memory demand, TickLevels.Ladder memory supply, uint256 tick)
        private
        pure
        returns (bool)
    {
        unchecked {
            return demand.total() >= demand.below(tick) + supply.below(tick + 1);
        }
    }

    /// @dev The first and the last of the ticks that are best in volume and gap; there is volume.
    function _bestTicks(
        TickLevels.Ladder memory demand,
        TickLevels.Ladder memory supply,
        uint256 right,
        Outcome memory outcome
    ) private pure returns (uint256 low, uint256 high) {
        // Sums as above. If there is no tick on one side of the crossing, the volume there is zero and the other wins.
        unchecked {
            uint256 beforeWh = right == 0 ? 0 : demand.below(right - 1);
            uint256 throughWh = supply.below(right + 1);
            // By volume, S(right - 1) against D(right); if it is the same, the gaps tell: D(right - 1) against S(right).
            uint256 left = (supply.below(right) << SUM_BITS) + throughWh;
            uint256 other = ((demand.total() - demand.below(right)) << SUM_BITS) + demand.total() - beforeWh;
            (low, high) = (right, right - 1);
            if (left >= other) {
                // Supply is the same from the sell margin on, demand from the tick after the last bid before the run.
                low = beforeWh == 0 ? 0 : demand.reach(beforeWh) + 1;
                if (low < outcome.sellMarginTick) low = outcome.sellMarginTick;
            }
            if (other >= left) {
                // Demand is the same up to the buy margin, supply up to the tick before the first offer after the run.
                high = supply.reach(throughWh + 1) - 1;
                if (high > outcome.buyMarginTick) high = outcome.buyMarginTick;
            }
        }
    }

    /// @dev The tick from `low` to `high` whose price is nearest to the reference, the lowest of several.
    function _nearestTick(uint256 feedIn, uint256 retail, uint256 referencePrice, uint256 low, uint256 high)
        private
        pure
        returns (uint256)
    {
        if (referencePrice < feedIn) return low;
        uint256 below = bidTick(feedIn, retail, referencePrice);
        if (below > high) below = high;
        if (below < low) return low;
        uint256 price = tickPrice(feedIn, retail, below);
        // `price` is not above the reference, and the next tick's is, unless `below` is the last.
        unchecked {
            uint256 next = tickPrice(feedIn, retail, below + 1);
            if (below < high && next - referencePrice < referencePrice - price) return below + 1;
        }
        // In a narrow band several ticks have this price.
        uint256 lowest = offerTick(feedIn, retail, price);
        return lowest < low ? low : lowest;
    }
}
