// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Sums of a batch of readings per interval, in memory.
/// @notice One word per interval, from the top: interval (32 bits), readings (32), import (96), export (96).
library IntervalTally {
    uint256 private constant ENERGY_BITS = 96;
    uint256 private constant ONE_READING = 1 << (2 * ENERGY_BITS);
    uint256 private constant INTERVAL_SHIFT = 224;

    /// @notice Adds a reading. Energy is below 2^48 and a batch below 2^32 readings, so that no sum leaves its field.
    /// @param used Number of words of `tally` in use.
    /// @return The number in use from now on.
    function add(uint256[] memory tally, uint256 used, uint256 interval, uint256 importWh, uint256 exportWh)
        internal
        pure
        returns (uint256)
    {
        uint256 at = 0;
        while (at < used && tally[at] >> INTERVAL_SHIFT != interval) ++at;
        if (at == used) tally[used++] = interval << INTERVAL_SHIFT;
        tally[at] += ONE_READING | (importWh << ENERGY_BITS) | exportWh;
        return used;
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
