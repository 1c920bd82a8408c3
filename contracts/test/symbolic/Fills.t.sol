// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickAuction} from "../../libraries/TickAuction.sol";

/// @title What a clearing fills of an order; ticks and energies of every value they can have.
contract FillsTest {
    function check_a_fill_is_part_of_its_order(uint8 margin, uint32 cut, uint8 tick, uint24 energyWh, uint32 aheadWh)
        external
        pure
    {
        assert(TickAuction.fillOfBid(margin, cut, tick, energyWh, aheadWh) <= energyWh);
        assert(TickAuction.fillOfOffer(margin, cut, tick, energyWh, aheadWh) <= energyWh);
    }

    function check_orders_beyond_the_margin_get_nothing_and_before_it_all(
        uint8 margin,
        uint32 cut,
        uint8 tick,
        uint24 energyWh,
        uint32 aheadWh
    ) external pure {
        uint256 bid = TickAuction.fillOfBid(margin, cut, tick, energyWh, aheadWh);
        uint256 offer = TickAuction.fillOfOffer(margin, cut, tick, energyWh, aheadWh);
        if (tick > margin) assert(bid == energyWh && offer == 0);
        if (tick < margin) assert(bid == 0 && offer == energyWh);
        if (tick == margin) assert(bid == offer);
    }

    function check_a_later_cut_fills_no_less(uint8 margin, uint32 cut, uint32 later, uint24 energyWh, uint32 aheadWh)
        external
        pure
    {
        if (later < cut) return;
        uint256 less = TickAuction.fillOfBid(margin, cut, margin, energyWh, aheadWh);
        assert(less <= TickAuction.fillOfBid(margin, later, margin, energyWh, aheadWh));
        assert(less <= TickAuction.fillOfOffer(margin, later, margin, energyWh, aheadWh));
    }

    /// @dev Two orders of a queue, one behind the other: together they get what the cut leaves for them, no more.
    function check_neighbours_share_the_cut(uint8 margin, uint32 cut, uint24 first, uint24 second, uint32 aheadWh)
        external
        pure
    {
        uint256 one = TickAuction.fillOfBid(margin, cut, margin, first, aheadWh);
        uint256 other = TickAuction.fillOfBid(margin, cut, margin, second, uint256(aheadWh) + first);
        assert(one + other <= cut);
        if (cut < aheadWh) return;
        if (uint256(cut) >= uint256(aheadWh) + first + second) assert(one == first && other == second);
        else assert(one + other == uint256(cut) - aheadWh);
    }

    function check_the_first_in_a_queue_is_served_first(uint8 margin, uint32 cut, uint24 first, uint24 second)
        external
        pure
    {
        uint256 behind = TickAuction.fillOfOffer(margin, cut, margin, second, first);
        if (behind == 0) return;
        assert(TickAuction.fillOfOffer(margin, cut, margin, first, 0) == first);
    }
}
