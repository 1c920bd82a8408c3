// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Bills of homes as an event tells them, two words each.
/// @notice First word, from the top: member number (32 bits), bought energy (44), sold energy (44), whether it was
/// metered (8; 0 or 1), metered import (64), metered export (64). Second word: the amount, two's complement.
/// @dev Below the sold energy lies the registry's word as it is: 1 << 128 | import << 64 | export, or zero.
library BillWords {
    uint256 private constant MEMBER_SHIFT = 224;
    uint256 private constant BOUGHT_SHIFT = 180;
    uint256 private constant SOLD_SHIFT = 136;

    /// @dev What is traded is a fill of 24 bits and direct deals of 32, so that 44 are plenty.
    function pack(uint256 memberId, uint256 boughtWh, uint256 soldWh, uint256 energy) internal pure returns (uint256) {
        return (memberId << MEMBER_SHIFT) | (boughtWh << BOUGHT_SHIFT) | (soldWh << SOLD_SHIFT) | energy;
    }
}
