// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Sums of a batch of readings per interval, in memory.
/// @notice One word per interval, from the top: interval (32 bits), readings (32), import (96), export (96). Readings
/// come interval by interval as a rule, so that the present one's word is at hand and the others are searched for.
library IntervalTally {
    /// @param present The word of the interval that is being added to.
    /// @param others The words of the intervals before it; one of them may be the present one's again.
    /// @param used Number of `others` in use.
    struct Sums {
        uint256 present;
        uint256[] others;
        uint256 used;
    }

    uint256 private constant ENERGY_BITS = 96;
    uint256 private constant ONE_READING = 1 << (2 * ENERGY_BITS);
    uint256 private constant INTERVAL_SHIFT = 224;
    uint256 private constant SUMS_MASK = (1 << INTERVAL_SHIFT) - 1;

    /// @notice Adds a reading of the present interval. Energy is below 2^48 and a batch below 2^32 readings, so that no
    /// sum leaves its field.
    function add(Sums memory self, uint256 importWh, uint256 exportWh) internal pure {
        unchecked {
            self.present += ONE_READING + (importWh << ENERGY_BITS) + exportWh;
        }
    }

    /// @notice Goes on with an interval; the words before `used` are complete then, but for it.
    function turnTo(Sums memory self, uint256 interval) internal pure {
        uint256 word = self.present;
        self.present = interval << INTERVAL_SHIFT;
        if (word & SUMS_MASK == 0) return;
        uint256 at = 0;
        while (at < self.used && (self.others[at] ^ word) >> INTERVAL_SHIFT != 0) ++at;
        if (at == self.used) self.others[self.used++] = word;
        else self.others[at] += word & SUMS_MASK;
    }

    /// @notice Takes a word apart.
    function unpack(uint256 word)
        internal
        pure
        returns (uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings)
    {
        interval = uint64(word >> INTERVAL_SHIFT);
        readings = uint32(word >> (2 * ENERGY_BITS));
        importWh = uint96(word >> ENERGY_BITS);
        exportWh = uint96(word);
    }
}
