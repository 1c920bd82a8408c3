// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Gaps that cancelled orders leave in the queues of a book's ticks.
/// @notice A queue is a line of Wh: an order takes the energy from `ahead` to `ahead + energy`, and keeps it when one
/// before it goes. What is missing of the line is summed in a tree, so that the place up to which a given energy of
/// living orders reaches is found in few steps, however many orders were cancelled.
/// @dev Level 0 is a bitmap, one bit a Wh, 256 to a word. A word of level `k` holds the cancelled energy of its eight
/// children, 32 bits each; a child is `256 * 8^(k-1)` Wh wide. A search climbs along the first words of the levels and
/// then goes down, so a level above a gap's first word need not know of it: small queues have small trees.
library QueueGaps {
    uint256 private constant LEAF_SHIFT = 8;
    uint256 private constant LEAF_WH = 1 << LEAF_SHIFT;
    uint256 private constant FAN_SHIFT = 3;
    uint256 private constant FAN = 1 << FAN_SHIFT;
    uint256 private constant SLOT_BITS = 32;
    uint256 private constant LEVEL_SHIFT = 32;
    uint256 private constant TICK_SHIFT = 40;

    struct Gaps {
        mapping(uint256 key => uint256 word) words;
    }

    /// @notice Marks the energy from `from` to `to` (exclusive, below 2^32) of a tick's queue as cancelled.
    function add(Gaps storage self, uint256 tick, uint256 from, uint256 to) internal {
        uint256 firstLeaf = from >> LEAF_SHIFT;
        uint256 lastLeaf = (to - 1) >> LEAF_SHIFT;
        uint256 whole = type(uint256).max;
        uint256 begin = whole << (from % LEAF_WH);
        uint256 end = whole >> (LEAF_WH - 1 - ((to - 1) % LEAF_WH));
        self.words[_key(tick, 0, firstLeaf)] |= begin & (firstLeaf == lastLeaf ? end : whole);
        if (firstLeaf != lastLeaf) self.words[_key(tick, 0, lastLeaf)] |= end;
        // What lies between the two ends is cancelled whole: its parent says so, and no search goes there.
        uint256 shift = LEAF_SHIFT;
        for (uint256 level = 1; (to - 1) >> shift != 0; ++level) {
            uint256 first = from >> (shift + FAN_SHIFT);
            uint256 last = (to - 1) >> (shift + FAN_SHIFT);
            self.words[_key(tick, level, first)] += _slots(first, shift, from, to);
            if (first != last) self.words[_key(tick, level, last)] += _slots(last, shift, from, to);
            shift += FAN_SHIFT;
        }
    }

    /// @notice The shortest beginning of a tick's queue that holds `energyWh` (not zero) of living orders.
    function reach(Gaps storage self, uint256 tick, uint256 energyWh) internal view returns (uint256) {
        uint256 leaf = self.words[_key(tick, 0, 0)];
        uint256 living = LEAF_WH - _ones(leaf);
        if (energyWh <= living) return _reachInLeaf(leaf, energyWh);
        uint256 left = energyWh - living;
        uint256 child = FAN;
        uint256 level = 0;
        while (child == FAN) (child, left) = _childWith(self.words[_key(tick, ++level, 0)], 1, level, left);
        uint256 node = child;
        while (--level != 0) {
            (child, left) = _childWith(self.words[_key(tick, level, node)], 0, level, left);
            node = node * FAN + child;
        }
        return node * LEAF_WH + _reachInLeaf(self.words[_key(tick, 0, node)], left);
    }

    /// @dev The child, from `first`, in which the living energy of a word reaches `energyWh`, or `FAN` for none.
    function _childWith(uint256 word, uint256 first, uint256 level, uint256 energyWh)
        private
        pure
        returns (uint256 child, uint256 left)
    {
        uint256 width = LEAF_WH << (FAN_SHIFT * (level - 1));
        left = energyWh;
        for (child = first; child < FAN; ++child) {
            uint256 living = width - uint32(word >> (SLOT_BITS * child));
            if (left <= living) break;
            left -= living;
        }
    }

    /// @dev The place after the bit that is the `count`-th zero.
    function _reachInLeaf(uint256 leaf, uint256 count) private pure returns (uint256 place) {
        uint256 left = count;
        for (uint256 half = LEAF_WH / 2; half != 0; half /= 2) {
            uint256 living = half - _ones(leaf & ((1 << half) - 1));
            if (left <= living) continue;
            left -= living;
            leaf >>= half;
            place += half;
        }
        ++place;
    }

    /// @dev What the gap takes of each child of a node.
    function _slots(uint256 node, uint256 shift, uint256 from, uint256 to) private pure returns (uint256 slots) {
        for (uint256 child = 0; child < FAN; ++child) {
            uint256 start = (node * FAN + child) << shift;
            uint256 end = start + (1 << shift);
            if (start < from) start = from;
            if (end > to) end = to;
            if (start < end) slots |= (end - start) << (SLOT_BITS * child);
        }
    }

    function _key(uint256 tick, uint256 level, uint256 node) private pure returns (uint256) {
        return (tick << TICK_SHIFT) | (level << LEVEL_SHIFT) | node;
    }

    /// @dev Number of ones: sums of 2, 4 and 8 bits beside each other, and the bytes by a product.
    function _ones(uint256 word) private pure returns (uint256) {
        if (word == type(uint256).max) return LEAF_WH;
        // Sums stay inside their fields, and the total is below 256; the product is taken modulo 2^256 on purpose.
        unchecked {
            uint256 x = word - ((word >> 1) & (type(uint256).max / 3));
            x = (x & (type(uint256).max / 5)) + ((x >> 2) & (type(uint256).max / 5));
            x = (x + (x >> 4)) & (type(uint256).max / 17);
            return (x * (type(uint256).max / 255)) >> 248;
        }
    }
}
