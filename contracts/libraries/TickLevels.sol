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
    uint256 private constant WORDS = TICKS / PER_WORD;
    uint256 private constant EVEN_FIELDS = type(uint256).max / ((1 << BITS) + 1);

    /// @notice Energy at the 128 ticks; tick `t` lies in word `t / 8` at bit `32 * (t % 8)`.
    struct Levels {
        uint256[WORDS] words;
    }

    /// @notice A loaded side of a book.
    /// @param words The words, and an empty one after the last.
    /// @param sums Energy before each word, and all of it.
    struct Ladder {
        uint256[WORDS + 1] words;
        uint256[WORDS + 1] sums;
    }

    /// @notice Adds energy at a tick; the sum must not exceed `MAX_LEVEL_WH`.
    /// @return aheadWh Energy that stood at the tick before.
    function add(Levels storage self, uint256 tick, uint256 energyWh) internal returns (uint256 aheadWh) {
        unchecked {
            uint256 word = self.words[tick / PER_WORD];
            uint256 shift = BITS * (tick % PER_WORD);
            aheadWh = uint32(word >> shift);
            self.words[tick / PER_WORD] = word + (energyWh << shift);
        }
    }

    /// @notice Removes energy that a tick holds.
    function remove(Levels storage self, uint256 tick, uint256 energyWh) internal {
        unchecked {
            self.words[tick / PER_WORD] -= energyWh << (BITS * (tick % PER_WORD));
        }
    }

    /// @notice Energy at one tick.
    function at(Levels storage self, uint256 tick) internal view returns (uint256) {
        return uint32(self.words[tick / PER_WORD] >> (BITS * (tick % PER_WORD)));
    }

    /// @notice Loads all ticks less what `taken` holds at the ticks whose bits are set, each word once.
    function loadLess(Levels storage self, Levels storage taken, uint256 ticks)
        internal
        view
        returns (Ladder memory ladder)
    {
        // No tick is taken more than it holds, so that nothing is borrowed between the fields of a word.
        unchecked {
            for (uint256 i = 0; i < WORDS; ++i) {
                uint256 word = self.words[i];
                if (uint8(ticks >> (PER_WORD * i)) != 0) word -= taken.words[i];
                ladder.words[i] = word;
            }
        }
        sumUp(ladder);
    }

    /// @notice Fills in the sums of a ladder whose words are known.
    function sumUp(Ladder memory self) internal pure {
        unchecked {
            for (uint256 i = 0; i < WORDS; ++i) self.sums[i + 1] = self.sums[i] + _sum(self.words[i]);
        }
    }

    /// @notice Energy at all ticks.
    function total(Ladder memory self) internal pure returns (uint256) {
        return self.sums[WORDS];
    }

    /// @notice Energy at the ticks below one; all of it for ticks above the last.
    function below(Ladder memory self, uint256 tick) internal pure returns (uint256) {
        unchecked {
            uint256 lower = (1 << (BITS * (tick % PER_WORD))) - 1;
            return self.sums[tick / PER_WORD] + _sum(self.words[tick / PER_WORD] & lower);
        }
    }

    /// @notice The tick at which energy (not zero), counted from the lowest tick, is reached; 128 if it never is.
    function reach(Ladder memory self, uint256 energyWh) internal pure returns (uint256 tick) {
        if (total(self) < energyWh) return TICKS;
        unchecked {
            for (uint256 step = TICKS / 2; step != 0; step /= 2) {
                if (below(self, tick + step) < energyWh) tick += step;
            }
        }
    }

    /// @dev Sum of the eight fields of a word: neighbours are added to four fields of 64 bits, and a number that is
    /// taken modulo 2^64 - 1 becomes the sum of its digits of 64 bits, as long as that is smaller.
    function _sum(uint256 word) private pure returns (uint256) {
        unchecked {
            uint256 even = word & EVEN_FIELDS;
            return (even + ((word ^ even) >> BITS)) % type(uint64).max;
        }
    }
}
