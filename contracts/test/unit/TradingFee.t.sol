// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGridBalance} from "../../interfaces/IGridBalance.sol";
import {World} from "../World.sol";

contract TradingFeeTest is World {
    function test_a_fee_counts_for_intervals_opened_from_then_on() external {
        _open(FIRST, FEED_IN, RETAIL);
        vm.expectEmit(true, true, true, true, address(grid));
        emit IGridBalance.TradingFeeSet(1_000_000);
        grid.setTradingFee(1_000_000);
        _open(FIRST + 1, FEED_IN, RETAIL);
        require(grid.band(FIRST).fee == FEE && grid.band(FIRST + 1).fee == 1_000_000);
        require(grid.tradingFee() == 1_000_000);
    }

    function test_a_fee_has_a_limit_and_is_governed() external {
        bytes memory reason = abi.encodeWithSelector(IGridBalance.FeeTooHigh.selector, 1_000_001, 1_000_000);
        _fails(address(this), address(grid), abi.encodeCall(grid.setTradingFee, (1_000_001)), reason);
        reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, BACKSTOP);
        _fails(BACKSTOP, address(grid), abi.encodeCall(grid.setTradingFee, (1)), reason);
    }
}
