// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Energy at each tick of one side of a book, four ticks of 64 bits to a storage word.
library TickLevels {
    // An array length must be a constant of its own contract.
    uint256 private constant TICKS = 128;
    uint256 private constant PER_WORD = 4;
    uint256 private constant BITS = 64;

    /// @notice Energy at the 128 ticks; tick `t` lies in word `t / 4` at bit `64 * (t % 4)`.
    struct Levels {
        uint256[TICKS / PER_WORD] words;
    }

    /// @notice Adds energy at a tick.
    /// @dev Cannot overflow into the next tick: a level sums at most 2^32 members' orders of less than 2^32 Wh each.
    /// @return aheadWh Energy that stood at the tick before.
    function add(Levels storage self, uint256 tick, uint256 energyWh) internal returns (uint256 aheadWh) {
        uint256 word = self.words[tick / PER_WORD];
        uint256 shift = BITS * (tick % PER_WORD);
        aheadWh = uint64(word >> shift);
        self.words[tick / PER_WORD] = word + (energyWh << shift);
    }

    /// @notice Loads all ticks, each word once.
    function load(Levels storage self) internal view returns (uint256[TICKS] memory levels) {
        unchecked {
            uint256 tick;
            while (tick < TICKS) {
                uint256 word = self.words[tick / PER_WORD];
                for (uint256 lane = 0; lane < PER_WORD; ++lane) {
                    levels[tick++] = uint64(word);
                    word >>= BITS;
                }
            }
        }
    }
}
