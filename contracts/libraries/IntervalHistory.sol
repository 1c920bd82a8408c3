// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Metered energy of the last 32 intervals of each member, six members to a storage word.
/// @notice A ring: an interval's place is its number modulo 32, and the number stored there tells whether the energy is
/// that interval's. Six members share that number: the first of them to enter a new interval clears the one before it
/// there, and energy of an interval that the others left 32 behind is not kept. Once a ring has gone round, writing
/// costs one change of a non-zero word for six members.
library IntervalHistory {
    /// @notice Number of intervals kept.
    uint256 internal constant LENGTH = 32;

    /// @notice Energy above it does not fit.
    uint256 internal constant MAX_ENERGY_WH = type(uint64).max;

    uint256 private constant MEMBERS = 6;
    uint256 private constant LANE_BITS = 37;
    uint256 private constant ENERGY_BITS = 18;
    uint256 private constant ENERGY_MASK = (1 << ENERGY_BITS) - 1;
    uint256 private constant LANE_MASK = (1 << LANE_BITS) - 1;
    uint256 private constant LANE_KNOWN = 1 << (2 * ENERGY_BITS);
    uint256 private constant INTERVAL_SHIFT = 224;
    uint256 private constant WORD_SHIFT = 64;
    uint256 private constant KNOWN = 1 << 128;
    uint256 private constant NOWHERE = type(uint256).max;

    /// @dev Energy of 2^18 - 1 Wh and more has a word of its own; a lane full of ones points there.
    struct Rings {
        mapping(uint256 place => uint256 word) places;
        mapping(uint256 memberId => uint256[LENGTH] words) large;
    }

    /// @dev A word in memory, while readings of its members come in one after the other.
    /// @param key Interval and members that the word is of, one above them; zero for none.
    /// @param place Where it is stored; `NOWHERE` if a later interval is there.
    /// @param word The interval (32 bits) above six lanes, a lane a mark that it is known above import and export.
    struct Row {
        uint256 key;
        uint256 place;
        uint256 word;
    }

    /// @dev Writes a member's energy to its row, which is written to storage when another row is turned to.
    function write(
        Rings storage self,
        Row memory row,
        uint256 memberId,
        uint256 interval,
        uint256 importWh,
        uint256 exportWh
    ) internal {
        // Shifts below a word's width and indices below the ring's length.
        unchecked {
            uint256 key = ((memberId / MEMBERS + 1) << WORD_SHIFT) | interval;
            if (key != row.key) _turnTo(self, row, key);
            uint256 lane = LANE_KNOWN | (importWh << ENERGY_BITS) | exportWh;
            if ((importWh | exportWh) >= ENERGY_MASK) lane = _large(self, row, memberId, interval, importWh, exportWh);
            uint256 shift = LANE_BITS * (memberId % MEMBERS);
            row.word = (row.word & ~(LANE_MASK << shift)) | (lane << shift);
        }
    }

    /// @dev Stores a row.
    function store(Rings storage self, Row memory row) internal {
        if (row.key != 0 && row.place != NOWHERE) self.places[row.place] = row.word;
    }

    function _turnTo(Rings storage self, Row memory row, uint256 key) private {
        store(self, row);
        uint256 interval = uint64(key);
        uint256 place = ((key >> WORD_SHIFT) - 1) * LENGTH + (interval % LENGTH);
        uint256 word = self.places[place];
        uint256 stored = word >> INTERVAL_SHIFT;
        (row.key, row.place) = (key, stored > interval ? NOWHERE : place);
        row.word = stored == interval ? word : interval << INTERVAL_SHIFT;
    }

    /// @dev The lane of energy of which at least one may not fit it.
    function _large(
        Rings storage self,
        Row memory row,
        uint256 memberId,
        uint256 interval,
        uint256 importWh,
        uint256 exportWh
    ) private returns (uint256) {
        if (importWh < ENERGY_MASK && exportWh < ENERGY_MASK) {
            return LANE_KNOWN | (importWh << ENERGY_BITS) | exportWh;
        }
        if (row.place != NOWHERE) self.large[memberId][interval % LENGTH] = (importWh << WORD_SHIFT) | exportWh;
        return LANE_MASK;
    }

    /// @notice An interval's energy as one word: `KNOWN` | import << 64 | export, or zero when it is not stored.
    function read(Rings storage self, uint256 memberId, uint256 interval) internal view returns (uint256) {
        unchecked {
            uint256 word = self.places[(memberId / MEMBERS) * LENGTH + (interval % LENGTH)];
            uint256 lane = (word >> (LANE_BITS * (memberId % MEMBERS))) & LANE_MASK;
            if (lane == 0 || word >> INTERVAL_SHIFT != interval) return 0;
            if (lane == LANE_MASK) return KNOWN | self.large[memberId][interval % LENGTH];
            return KNOWN | (((lane >> ENERGY_BITS) & ENERGY_MASK) << WORD_SHIFT) | (lane & ENERGY_MASK);
        }
    }

    /// @notice Takes a word of `read` apart.
    function unpack(uint256 word) internal pure returns (uint64 importWh, uint64 exportWh, bool known) {
        return (uint64(word >> WORD_SHIFT), uint64(word), word != 0);
    }
}
