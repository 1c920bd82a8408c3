// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Energy at each tick of one side of a book, eight ticks of 32 bits to a storage word.
library TickLevels {
    /// @notice Most energy that a tick can hold, in Wh.
    uint256 internal constant MAX_LEVEL_WH = type(uint32).max;

    // An array length must be a constant of its own contract.
    uint256 private constant TICKS = 128;
    uint256 private constant PER_WORD = 8;
    uint256 private constant BITS = 32;

    /// @notice Energy at the 128 ticks; tick `t` lies in word `t / 8` at bit `32 * (t % 8)`.
    struct Levels {
        uint256[TICKS / PER_WORD] words;
    }

    /// @notice Adds energy at a tick; the sum must not exceed `MAX_LEVEL_WH`.
    /// @return aheadWh Energy that stood at the tick before.
    function add(Levels storage self, uint256 tick, uint256 energyWh) internal returns (uint256 aheadWh) {
        uint256 word = self.words[tick / PER_WORD];
        uint256 shift = BITS * (tick % PER_WORD);
        aheadWh = uint32(word >> shift);
        self.words[tick / PER_WORD] = word + (energyWh << shift);
    }

    /// @notice Removes energy that a tick holds.
    function remove(Levels storage self, uint256 tick, uint256 energyWh) internal {
        self.words[tick / PER_WORD] -= energyWh << (BITS * (tick % PER_WORD));
    }

    /// @notice Energy at one tick.
    function at(Levels storage self, uint256 tick) internal view returns (uint256) {
        return uint32(self.words[tick / PER_WORD] >> (BITS * (tick % PER_WORD)));
    }

    /// @notice Loads all ticks less what `taken` holds at the ticks whose bits are set, each word once.
    function loadLess(Levels storage self, Levels storage taken, uint256 ticks)
        internal
        view
        returns (uint256[TICKS] memory levels)
    {
        for (uint256 first = 0; first < TICKS; first += PER_WORD) {
            uint256 word = self.words[first / PER_WORD];
            // No tick is taken more than it holds, so that nothing is borrowed between the fields of a word.
            if (uint8(ticks >> first) != 0) word -= taken.words[first / PER_WORD];
            // A word without orders ahead is done: what is loaded is zero already.
            unchecked {
                for (uint256 tick = first; word != 0; word >>= BITS) levels[tick++] = uint32(word);
            }
        }
    }
}
