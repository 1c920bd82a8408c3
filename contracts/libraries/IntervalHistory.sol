// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Metered energy of the last 32 intervals of each member, two members to a storage word.
/// @notice A ring: an interval's place is its number modulo 32, and the number stored there tells whether the energy is
/// that interval's. Once a ring has gone round, writing costs one change of a non-zero word for two members.
library IntervalHistory {
    /// @notice Number of intervals kept.
    uint256 internal constant LENGTH = 32;

    /// @notice Energy above it does not fit.
    uint256 internal constant MAX_ENERGY_WH = type(uint48).max;

    uint256 private constant LANE_BITS = 128;
    uint256 private constant ENERGY_BITS = 48;
    uint256 private constant WORD_SHIFT = 64;
    uint256 private constant KNOWN = 1 << 128;

    struct Rings {
        mapping(uint256 pair => uint256[LENGTH] words) pairs;
    }

    /// @dev A lane holds, from the top: interval (32 bits), import (48 bits), export (48 bits).
    function write(Rings storage self, uint256 memberId, uint256 interval, uint256 importWh, uint256 exportWh)
        internal
    {
        uint256[LENGTH] storage words = self.pairs[memberId / 2];
        uint256 shift = LANE_BITS * (memberId % 2);
        uint256 lane = (((interval << ENERGY_BITS) | importWh) << ENERGY_BITS) | exportWh;
        uint256 others = words[interval % LENGTH] & (uint256(type(uint128).max) << (LANE_BITS - shift));
        words[interval % LENGTH] = others | (lane << shift);
    }

    /// @notice An interval's energy as one word: `KNOWN` | import << 64 | export, or zero when it is not stored.
    function read(Rings storage self, uint256 memberId, uint256 interval) internal view returns (uint256) {
        uint256 lane = uint128(self.pairs[memberId / 2][interval % LENGTH] >> (LANE_BITS * (memberId % 2)));
        if (lane == 0 || lane >> (2 * ENERGY_BITS) != interval) return 0;
        return KNOWN | (uint256(uint48(lane >> ENERGY_BITS)) << WORD_SHIFT) | uint48(lane);
    }

    /// @notice Takes a word of `read` apart.
    function unpack(uint256 word) internal pure returns (uint64 importWh, uint64 exportWh, bool known) {
        return (uint64(word >> WORD_SHIFT), uint64(word), word != 0);
    }
}
