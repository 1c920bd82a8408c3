// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Settlement} from "../../libraries/Settlement.sol";

/// @title Bills before rounding. The division by 1000 is beyond the solvers; fuzz tests hold it.
contract MoneyTest {
    function check_home_and_grid_sum_to_what_was_traded(
        uint64 price,
        uint48 fee,
        uint64 retail,
        uint48 feedIn,
        uint40 bought,
        uint40 sold,
        uint64 imported,
        uint64 exported
    ) external pure {
        (int256 home, int256 grid) =
            Settlement.home(Settlement.Terms(price, fee, retail, feedIn), bought, sold, imported, exported);
        int256 traded = int256(uint256(price)) * (int256(uint256(sold)) - int256(uint256(bought)));
        assert(home + grid == traded - int256(uint256(fee) * bought));
    }

    /// @dev A seller who delivers nothing loses at most what its bond holds: retail less the price it sold at.
    function check_a_bond_covers_non_delivery(uint32 price, uint32 retail, uint32 feedIn, uint32 sold) external pure {
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
