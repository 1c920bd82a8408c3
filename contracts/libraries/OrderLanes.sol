// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Orders of an interval, both sides of two members to a storage word.
/// @notice An order is a lane of 64 bits, from the top: energy (24 bits), whether an order was cancelled before (1),
/// tick (7), energy queued ahead of it at its tick (32). A lane without energy is no order.
library OrderLanes {
    /// @notice Most energy of an order, in Wh.
    uint256 internal constant MAX_ORDER_WH = type(uint24).max;

    uint256 private constant LANE_BITS = 64;
    uint256 private constant ENERGY_SHIFT = 40;
    uint256 private constant TICK_SHIFT = 32;
    uint256 private constant TICK_MASK = 127;
    uint256 private constant CANCELLED = 1 << 39;

    struct Orders {
        mapping(uint256 pair => uint256 word) pairs;
    }

    /// @notice Enters an order where the member has none.
    /// @param side 0 for buy, 1 for sell.
    function put(Orders storage self, uint256 memberId, uint256 side, uint256 energyWh, uint256 tick, uint256 aheadWh)
        internal
    {
        uint256 lane = (energyWh << ENERGY_SHIFT) | (tick << TICK_SHIFT) | aheadWh;
        self.pairs[memberId / 2] |= lane << (LANE_BITS * (2 * (memberId % 2) + side));
    }

    /// @notice Takes a member's order out and notes that it was cancelled.
    /// @param side 0 for buy, 1 for sell.
    function cancel(Orders storage self, uint256 memberId, uint256 side) internal {
        uint256 shift = LANE_BITS * (2 * (memberId % 2) + side);
        uint256 word = self.pairs[memberId / 2];
        self.pairs[memberId / 2] = (word & ~(uint256(type(uint64).max) << shift)) | (CANCELLED << shift);
    }

    /// @notice Both orders of a member.
    function get(Orders storage self, uint256 memberId) internal view returns (uint256 bid, uint256 offer) {
        uint256 lanes = ofMember(self.pairs[memberId / 2], memberId);
        return (uint64(lanes), lanes >> LANE_BITS);
    }

    /// @notice A member's lanes of a pair's word: the bid in the lower 64 bits, the offer above it.
    function ofMember(uint256 word, uint256 memberId) internal pure returns (uint256) {
        return uint128(word >> (2 * LANE_BITS * (memberId % 2)));
    }

    /// @notice Whether a lane holds an order.
    function isOrder(uint256 lane) internal pure returns (bool) {
        return lane >> ENERGY_SHIFT != 0;
    }

    /// @notice Whether an order was cancelled in this lane.
    function wasCancelled(uint256 lane) internal pure returns (bool) {
        return lane & CANCELLED != 0;
    }

    /// @notice Takes a lane apart.
    function unpack(uint256 lane) internal pure returns (uint256 energyWh, uint256 tick, uint256 aheadWh) {
        return (lane >> ENERGY_SHIFT, (lane >> TICK_SHIFT) & TICK_MASK, uint32(lane));
    }
}
