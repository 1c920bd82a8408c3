// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The numbers of a reading in one word, from the top: sequence, timestamp, import, export (64 bits each).
/// @notice The same word, kept in storage, is the device's state. No accepted time needs the top bit of its field; there
/// is a mark: the state remembers by it that energy since the last interval's end is carried on, an event tells by it
/// that the reading was refused.
library ReadingWord {
    uint256 private constant SEQUENCE_SHIFT = 192;
    uint256 private constant TIMESTAMP_SHIFT = 128;
    uint256 private constant IMPORT_SHIFT = 64;
    uint256 private constant NUMBER_SHIFT = 168;
    uint256 private constant NUMBER_MASK = ((1 << 24) - 1) << NUMBER_SHIFT;
    uint256 private constant MARK = 1 << 191;
    uint256 private constant TOP_BITS = (1 << 255) | (1 << 191) | (1 << 127) | (1 << 63);

    function pack(uint64 sequence_, uint64 timestamp_, uint64 importWh_, uint64 exportWh_)
        internal
        pure
        returns (uint256)
    {
        return (uint256(sequence_) << SEQUENCE_SHIFT) | (uint256(timestamp_) << TIMESTAMP_SHIFT)
            | (uint256(importWh_) << IMPORT_SHIFT) | exportWh_;
    }

    function sequence(uint256 word) internal pure returns (uint256) {
        return word >> SEQUENCE_SHIFT;
    }

    /// @notice The time as it was sent; take a mark away first.
    function timestamp(uint256 word) internal pure returns (uint256) {
        return uint64(word >> TIMESTAMP_SHIFT);
    }

    function importWh(uint256 word) internal pure returns (uint256) {
        return uint64(word >> IMPORT_SHIFT);
    }

    function exportWh(uint256 word) internal pure returns (uint256) {
        return uint64(word);
    }

    /// @notice Whether the mark is set.
    function isMarked(uint256 word) internal pure returns (bool) {
        return word & MARK != 0;
    }

    /// @notice The word with or without the mark.
    function marked(uint256 word, bool yes) internal pure returns (uint256) {
        return yes ? word | MARK : word & ~MARK;
    }

    /// @notice The interval that the reading ends or lies in; zero for time zero.
    function intervalOf(uint256 word, uint64 intervalSeconds) internal pure returns (uint64) {
        uint256 time = timestamp(word);
        return time == 0 ? 0 : uint64((time - 1) / intervalSeconds);
    }

    /// @notice The word with another sequence number.
    function withSequence(uint256 word, uint64 sequence_) internal pure returns (uint256) {
        return (word & (type(uint256).max >> (256 - SEQUENCE_SHIFT))) | (uint256(sequence_) << SEQUENCE_SHIFT);
    }

    /// @notice The word with the device's number (23 bits) above the time's lower 40 bits, as events have it.
    function numbered(uint256 word, uint256 number) internal pure returns (uint256) {
        return (word & ~NUMBER_MASK) | (number << NUMBER_SHIFT);
    }

    /// @notice Not zero if one of the four numbers needs the top bit of its field, or the mark is there.
    function topBits(uint256 word) internal pure returns (uint256) {
        return word & TOP_BITS;
    }

    /// @notice Whether it is the next reading after `last`, which may be marked, and not more than an interval later.
    function follows(uint256 word, uint256 last, uint256 intervalSeconds) internal pure returns (bool) {
        // 64-bit numbers in 256 bits.
        unchecked {
            return sequence(word) == sequence(last) + 1
                && timestamp(word) <= timestamp(marked(last, false)) + intervalSeconds;
        }
    }
}
