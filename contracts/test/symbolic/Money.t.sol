// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Settlement} from "../../libraries/Settlement.sol";

/// @title Rounding and bills.
contract MoneyTest {
    function check_micro_is_the_floor_of_nano(int128 nano) external pure {
        int256 micro = Settlement.toMicro(nano);
        assert(1000 * micro <= nano);
        assert(nano < 1000 * micro + 1000);
    }

    function check_a_lock_is_never_too_small(uint96 nano) external pure {
        uint256 micro = Settlement.ceilMicro(nano);
        assert(1000 * micro >= nano);
        assert(1000 * micro < uint256(nano) + 1000);
    }

    function check_floors_of_parts_lose_less_than_a_micro_each(int128 left, int128 right) external pure {
        int256 whole = Settlement.toMicro(int256(left) + right);
        int256 parts = Settlement.toMicro(left) + Settlement.toMicro(right);
        assert(parts == whole || parts == whole - 1);
    }

    function check_home_and_grid_sum_to_what_was_traded(
        uint8 price,
        uint8 fee,
        uint8 retail,
        uint8 feedIn,
        uint8 bought,
        uint8 sold,
        uint8 imported,
        uint8 exported
    ) external pure {
        (int256 home, int256 grid) =
            Settlement.home(Settlement.Terms(price, fee, retail, feedIn), bought, sold, imported, exported);
        int256 traded = int256(uint256(price)) * (int256(uint256(sold)) - int256(uint256(bought)));
        assert(home + grid == traded - int256(uint256(fee) * bought));
    }

    /// @dev A seller who delivers nothing loses at most what its bond holds: retail less the price it sold at.
    function check_a_bond_covers_non_delivery(uint8 price, uint8 retail, uint8 feedIn, uint8 sold) external pure {
        if (feedIn > price || price > retail) return;
        (int256 home,) = Settlement.home(Settlement.Terms(price, 0, retail, feedIn), 0, sold, 0, 0);
        assert(home == -int256((uint256(retail) - price) * sold));
    }

    function check_an_escrow_covers_a_purchase(uint8 price, uint8 fee, uint8 retail, uint8 feedIn, uint8 bought)
        external
        pure
    {
        if (feedIn > price || price > retail) return;
        (int256 home,) = Settlement.home(Settlement.Terms(price, fee, retail, feedIn), bought, 0, 0, 0);
        assert(home >= -int256((uint256(price) + fee) * bought));
    }
}
