// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Gaps that cancelled orders leave in the queues of a book's ticks.
/// @notice A queue is a line of Wh: an order takes the energy from `ahead` to `ahead + energy`, and keeps it when one
/// before it goes. What is missing of the line is summed in a tree, so that the place up to which a given energy of
/// living orders reaches is found in few steps, however many orders were cancelled.
/// @dev Level 0 is a bitmap, one bit a Wh, 256 to a word. A word of level `k` holds the cancelled energy of its eight
/// children, 32 bits each; a child is `256 * 8^(k-1)` Wh wide. One more word sums up each shell: shell 0 is the first
/// leaf, shell `k` the first word of level `k` without its first child. So a search reads the shells and goes straight
/// to the right level (ten words at most: shells, levels 8 to 1, leaf), and the first words of the levels above need
/// not know of a gap: small queues have small trees.
library QueueGaps {
    uint256 private constant LEAF_SHIFT = 8;
    uint256 private constant LEAF_WH = 1 << LEAF_SHIFT;
    uint256 private constant FAN_SHIFT = 3;
    uint256 private constant FAN = 1 << FAN_SHIFT;
    uint256 private constant TOP_LEVEL = 8;
    uint256 private constant SLOT_BITS = 32;
    uint256 private constant LEVEL_SHIFT = 32;
    uint256 private constant TICK_SHIFT = 40;

    struct Gaps {
        mapping(uint256 key => uint256 word) words;
        mapping(uint256 tick => uint256 word) shells;
    }

    /// @notice Marks the energy from `from` to `to` (exclusive, below 2^32) of a tick's queue as cancelled.
    function add(Gaps storage self, uint256 tick, uint256 from, uint256 to) internal {
        // Places and widths are below 2^36; a field takes what is missing of its range, which its bits hold.
        unchecked {
            self.shells[tick] += _shells(from, to);
            uint256 last = to - 1;
            uint256 begin = type(uint256).max << (from % LEAF_WH);
            uint256 end = type(uint256).max >> (LEAF_WH - 1 - (last % LEAF_WH));
            bool inOne = from >> LEAF_SHIFT == last >> LEAF_SHIFT;
            self.words[_key(tick, 0, from >> LEAF_SHIFT)] |= inOne ? begin & end : begin;
            if (!inOne) self.words[_key(tick, 0, last >> LEAF_SHIFT)] |= end;
            // What lies between the two ends is cancelled whole: its parent says so, and no search goes there.
            uint256 shift = LEAF_SHIFT;
            for (uint256 level = 1; last >> shift != 0; ++level) {
                uint256 node = from >> (shift + FAN_SHIFT);
                uint256 lastNode = last >> (shift + FAN_SHIFT);
                for (;; node = lastNode) {
                    self.words[_key(tick, level, node)] += _slots(node, shift, from, to);
                    if (node == lastNode) break;
                }
                shift += FAN_SHIFT;
            }
        }
    }

    /// @notice The shortest beginning of a tick's queue that holds `energyWh` (not zero) of living orders.
    function reach(Gaps storage self, uint256 tick, uint256 energyWh) internal view returns (uint256) {
        // Energies and places are below 2^33, and no child is thinner than what is missing of it.
        unchecked {
            (uint256 level, uint256 left) = _shellWith(self.shells[tick], energyWh);
            uint256 node = 0;
            // The first child of the first word belongs to the shells below.
            for (uint256 child = 1; level != 0; child = 0) {
                uint256 word = self.words[_key(tick, level, node)];
                uint256 shift = LEAF_SHIFT + FAN_SHIFT * --level;
                (child, left) = _childWith(word, child, 1 << shift, left);
                node = node * FAN + child;
                // Nothing is missing below: no need to look.
                if (uint32(word >> (SLOT_BITS * child)) == 0) return (node << shift) + left;
            }
            return node * LEAF_WH + _reachInLeaf(self.words[_key(tick, 0, node)], left);
        }
    }

    /// @dev The shell in which living energy reaches `energyWh`; the last one needs no sum.
    function _shellWith(uint256 word, uint256 energyWh) private pure returns (uint256 shell, uint256 left) {
        left = energyWh;
        unchecked {
            for (uint256 width = LEAF_WH; shell < TOP_LEVEL; ++shell) {
                uint256 living = width - uint32(word >> (SLOT_BITS * shell));
                if (left <= living) break;
                left -= living;
                width = (LEAF_WH * (FAN - 1)) << (FAN_SHIFT * shell);
            }
        }
    }

    /// @dev The child, from `first`, in which the living energy of a word reaches `energyWh`.
    function _childWith(uint256 word, uint256 first, uint256 width, uint256 energyWh)
        private
        pure
        returns (uint256 child, uint256 left)
    {
        left = energyWh;
        unchecked {
            for (child = first; child < FAN - 1; ++child) {
                uint256 living = width - uint32(word >> (SLOT_BITS * child));
                if (left <= living) break;
                left -= living;
            }
        }
    }

    /// @dev The place after the bit that is the `count`-th zero.
    function _reachInLeaf(uint256 leaf, uint256 count) private pure returns (uint256 place) {
        uint256 left = count;
        unchecked {
            for (uint256 half = LEAF_WH / 2; half != 0; half /= 2) {
                uint256 living = half - _ones(leaf & ((1 << half) - 1));
                if (left <= living) continue;
                left -= living;
                leaf >>= half;
                place += half;
            }
            ++place;
        }
    }

    /// @dev What the gap takes of each child of a node.
    function _slots(uint256 node, uint256 shift, uint256 from, uint256 to) private pure returns (uint256 slots) {
        unchecked {
            for (uint256 child = 0; child < FAN; ++child) {
                uint256 start = (node * FAN + child) << shift;
                slots |= _overlap(start, start + (1 << shift), from, to) << (SLOT_BITS * child);
            }
        }
    }

    /// @dev What the gap takes of each shell but the last.
    function _shells(uint256 from, uint256 to) private pure returns (uint256 slots) {
        unchecked {
            (uint256 start, uint256 end) = (0, LEAF_WH);
            for (uint256 shell = 0; shell < TOP_LEVEL; ++shell) {
                slots |= _overlap(start, end, from, to) << (SLOT_BITS * shell);
                (start, end) = (end, end << FAN_SHIFT);
            }
        }
    }

    /// @dev What two intervals have in common.
    function _overlap(uint256 start, uint256 end, uint256 from, uint256 to) private pure returns (uint256) {
        if (start < from) start = from;
        if (end > to) end = to;
        unchecked {
            return start < end ? end - start : 0;
        }
    }

    function _key(uint256 tick, uint256 level, uint256 node) private pure returns (uint256) {
        return (tick << TICK_SHIFT) | (level << LEVEL_SHIFT) | node;
    }

    /// @dev Number of ones, less than 256: sums of 2, 4 and 8 bits beside each other, and the bytes by a product.
    function _ones(uint256 word) private pure returns (uint256) {
        // Sums stay inside their fields, and the total is below 256; the product is taken modulo 2^256 on purpose.
        unchecked {
            uint256 x = word - ((word >> 1) & (type(uint256).max / 3));
            x = (x & (type(uint256).max / 5)) + ((x >> 2) & (type(uint256).max / 5));
            x = (x + (x >> 4)) & (type(uint256).max / 17);
            return (x * (type(uint256).max / 255)) >> 248;
        }
    }
}
