// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Clearing of a sealed call auction whose limits lie on 128 price ticks.
/// @notice Pure functions: ticks and prices, the clearing of a book, and what a clearing fills of one order.
/// @dev `tickPrice(t) = feedIn + floor(t * (retail - feedIn) / 127)`. With a band of width zero every tick has the same
/// price; a bid then stands at the highest tick and an offer at the lowest, so that any two of them meet.
library TickAuction {
    /// @notice Number of ticks of a book.
    uint256 internal constant TICKS = 128;

    /// @notice The highest tick, whose price is retail.
    uint256 internal constant TOP = TICKS - 1;

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
        return (TOP * (limit - feedIn + 1) - 1) / (retail - feedIn);
    }

    /// @notice Lowest tick whose price is not below `limit`; `limit` is at most `retail`.
    function offerTick(uint256 feedIn, uint256 retail, uint256 limit) internal pure returns (uint256) {
        if (limit <= feedIn) return 0;
        uint256 width = retail - feedIn;
        return (TOP * (limit - feedIn) + width - 1) / width;
    }

    /// @notice Clears a book.
    /// @dev The tick with the largest min(demand, supply) wins; ties go to the smallest |supply - demand|, then to the
    /// price nearest to `referencePrice`, then to the lowest tick. Without volume the tick nearest to `referencePrice`
    /// (lowest on a tie) is the outcome, and margin ticks and fills are zero.
    /// @param demand Energy bid at each tick.
    /// @param supply Energy offered at each tick.
    function clear(
        uint256[TICKS] memory demand,
        uint256[TICKS] memory supply,
        uint256 feedIn,
        uint256 retail,
        uint256 referencePrice
    ) internal pure returns (Outcome memory outcome) {
        (outcome.tick, outcome.volumeWh) = _bestTick(demand, supply, feedIn, retail, referencePrice);
        if (outcome.volumeWh == 0) {
            outcome.tick = _nearestTick(feedIn, retail, referencePrice);
            return outcome;
        }
        (outcome.buyMarginTick, outcome.buyFillWh) = _buyMargin(demand, outcome.volumeWh);
        (outcome.sellMarginTick, outcome.sellFillWh) = _sellMargin(supply, outcome.volumeWh);
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

    function _bestTick(
        uint256[TICKS] memory demand,
        uint256[TICKS] memory supply,
        uint256 feedIn,
        uint256 retail,
        uint256 referencePrice
    ) private pure returns (uint256 best, uint256 volume) {
        // The sums of 128 levels of 32 bits are far below 256 bits, and `demanded` ends at zero.
        unchecked {
            uint256 demanded;
            for (uint256 tick = 0; tick < TICKS; ++tick) demanded += demand[tick];
            uint256 supplied;
            uint256 gap = type(uint256).max;
            // Distance of the best tick from the reference; not known before somebody ties with it.
            uint256 nearest = type(uint256).max;
            for (uint256 tick = 0; tick < TICKS; ++tick) {
                supplied += supply[tick];
                (uint256 less, uint256 more) = demanded < supplied ? (demanded, supplied) : (supplied, demanded);
                demanded -= demand[tick];
                if (less < volume || (less == volume && more - less > gap)) continue;
                if (less == volume && more - less == gap) {
                    // Without volume the choice is made elsewhere.
                    if (volume == 0) continue;
                    if (nearest == type(uint256).max) {
                        nearest = _distance(tickPrice(feedIn, retail, best), referencePrice);
                    }
                    uint256 distance = _distance(tickPrice(feedIn, retail, tick), referencePrice);
                    if (distance < nearest) (best, nearest) = (tick, distance);
                    continue;
                }
                (best, volume, gap, nearest) = (tick, less, more - less, type(uint256).max);
            }
        }
    }

    function _nearestTick(uint256 feedIn, uint256 retail, uint256 referencePrice) private pure returns (uint256 best) {
        uint256 nearest = _distance(feedIn, referencePrice);
        for (uint256 tick = 1; tick < TICKS; ++tick) {
            uint256 distance = _distance(tickPrice(feedIn, retail, tick), referencePrice);
            if (distance < nearest) (best, nearest) = (tick, distance);
        }
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? b - a : a - b;
    }

    function _buyMargin(uint256[TICKS] memory demand, uint256 volumeWh)
        private
        pure
        returns (uint256 tick, uint256 fillWh)
    {
        tick = TOP;
        fillWh = volumeWh;
        while (demand[tick] < fillWh) fillWh -= demand[tick--];
    }

    function _sellMargin(uint256[TICKS] memory supply, uint256 volumeWh)
        private
        pure
        returns (uint256 tick, uint256 fillWh)
    {
        fillWh = volumeWh;
        while (supply[tick] < fillWh) fillWh -= supply[tick++];
    }
}
