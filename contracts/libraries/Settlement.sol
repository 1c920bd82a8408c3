// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Money of one home in one interval.
/// @notice Energy in Wh, prices in micro per kWh; their product is nano, a thousandth of a micro. Everything is summed
/// in nano and rounded once, so that rounding never depends on how energy is split over prices.
library Settlement {
    int256 private constant NANO_PER_MICRO = 1000;

    /// @param price Clearing price.
    /// @param fee Fee on each kWh bought.
    /// @param retail What the grid asks, and the price of energy sold but not delivered.
    /// @param feedIn What the grid pays.
    struct Terms {
        uint256 price;
        uint256 fee;
        uint256 retail;
        uint256 feedIn;
    }

    /// @notice What the home and the grid supplier gain, nano; their sum is `price * (sold - bought) - fee * bought`.
    /// @dev home = -(price + fee) * bought + feedIn * max(0, bought - import) - retail * max(0, import - bought)
    ///           + price * sold - retail * max(0, sold - export) + feedIn * max(0, export - sold)
    /// @param boughtWh Energy the clearing filled on the buy side.
    /// @param soldWh Energy the clearing filled on the sell side.
    function home(Terms memory terms, uint256 boughtWh, uint256 soldWh, uint256 importWh, uint256 exportWh)
        internal
        pure
        returns (int256 homeNano, int256 gridNano)
    {
        // Each factor is below 2^64, so that each product is below 2^128 and the sums fit by far.
        unchecked {
            uint256 fromGridWh;
            uint256 toGridWh;
            if (importWh > boughtWh) fromGridWh = importWh - boughtWh;
            else toGridWh = boughtWh - importWh;
            if (soldWh > exportWh) fromGridWh += soldWh - exportWh;
            else toGridWh += exportWh - soldWh;
            gridNano = int256(terms.retail * fromGridWh) - int256(terms.feedIn * toGridWh);
            homeNano = int256(terms.price * soldWh) - int256((terms.price + terms.fee) * boughtWh) - gridNano;
        }
    }

    /// @notice Nano as micro, rounded towards minus infinity: against the account it is booked on.
    function toMicro(int256 nano) internal pure returns (int256 micro) {
        // Division by a positive constant cannot overflow, and its result is far from the least integer.
        unchecked {
            micro = nano / NANO_PER_MICRO;
            if (micro * NANO_PER_MICRO > nano) --micro;
        }
    }

    /// @notice Nano as micro, rounded up, as what is locked is.
    function ceilMicro(uint256 nano) internal pure returns (uint256) {
        // Prices of 64 bits times energy of 32.
        unchecked {
            return (nano + uint256(NANO_PER_MICRO) - 1) / uint256(NANO_PER_MICRO);
        }
    }
}
