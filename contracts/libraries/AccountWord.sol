// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title An account of the market in one word, from the top: next nonce (32 bits), bought and sold energy (48 each),
/// balance (128, two's complement).
library AccountWord {
    using SafeCast for int256;

    uint256 private constant NONCE_SHIFT = 224;
    uint256 private constant BOUGHT_SHIFT = 176;
    uint256 private constant SOLD_SHIFT = 128;
    uint256 private constant LARGEST_COUNT = type(uint48).max;

    function balance(uint256 word) internal pure returns (int256) {
        return int128(uint128(word));
    }

    function soldWh(uint256 word) internal pure returns (uint48) {
        return uint48(word >> SOLD_SHIFT);
    }

    function boughtWh(uint256 word) internal pure returns (uint48) {
        return uint48(word >> BOUGHT_SHIFT);
    }

    function nextNonce(uint256 word) internal pure returns (uint32) {
        return uint32(word >> NONCE_SHIFT);
    }

    /// @notice The word with another balance; reverts where it does not fit.
    function withBalance(uint256 word, int256 balance_) internal pure returns (uint256) {
        return ((word >> SOLD_SHIFT) << SOLD_SHIFT) | uint128(balance_.toInt128());
    }

    /// @notice The word with another next nonce.
    function withNonce(uint256 word, uint256 next) internal pure returns (uint256) {
        return (word & (type(uint256).max >> (256 - NONCE_SHIFT))) | (next << NONCE_SHIFT);
    }

    /// @notice The word with another balance and with more energy sold and bought; full counters stay full.
    function booked(uint256 word, int256 balance_, uint256 moreSoldWh, uint256 moreBoughtWh)
        internal
        pure
        returns (uint256)
    {
        // What is added has at most 64 bits.
        unchecked {
            uint256 sold = soldWh(word) + moreSoldWh;
            uint256 bought = boughtWh(word) + moreBoughtWh;
            if (sold > LARGEST_COUNT) sold = LARGEST_COUNT;
            if (bought > LARGEST_COUNT) bought = LARGEST_COUNT;
            return ((word >> NONCE_SHIFT) << NONCE_SHIFT) | (bought << BOUGHT_SHIFT) | (sold << SOLD_SHIFT)
                | uint128(balance_.toInt128());
        }
    }
}
