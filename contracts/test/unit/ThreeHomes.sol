// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {World} from "../World.sol";

/// @title Three homes with money and open intervals from `FIRST`, for the tests of trading.
abstract contract ThreeHomes is World {
    address internal constant STRANGER = address(0x57);
    int256 internal constant FUNDS = 100_000_000;
    IEnergyTrading.Side internal constant BUY = IEnergyTrading.Side.Buy;
    IEnergyTrading.Side internal constant SELL = IEnergyTrading.Side.Sell;

    constructor() {
        for (uint256 i = 0; i < 3; ++i) _deposit(_account(_join()), uint256(FUNDS));
        for (uint64 i = 0; i < 4; ++i) _open(FIRST + i, FEED_IN, RETAIL);
    }

    /// @dev Home 1 bids and home 2 offers the same energy at one price; then the gate closes.
    function _trade(uint256 energyWh) internal {
        _order(1, FIRST, BUY, energyWh, RETAIL);
        _order(2, FIRST, SELL, energyWh, FEED_IN);
        _clear();
    }

    function _clear() internal {
        vm.warp(FIRST * HOUR - GATE_LEAD);
        trading.clear(FIRST);
    }

    /// @dev Base lines at the start, then what homes 1, 2 and 3 draw and feed in.
    function _meterAll(uint64[2] memory one, uint64[2] memory two, uint64[2] memory three) internal {
        vm.warp(FIRST * HOUR);
        for (uint256 id = 1; id <= 3; ++id) _read(id, FIRST * HOUR, 0, 0);
        vm.warp((FIRST + 1) * HOUR);
        _read(1, (FIRST + 1) * HOUR, one[0], one[1]);
        _read(2, (FIRST + 1) * HOUR, two[0], two[1]);
        _read(3, (FIRST + 1) * HOUR, three[0], three[1]);
    }

    function _refused(bytes memory call, bytes memory reason) internal {
        _fails(address(this), address(trading), call, reason);
    }

    function _refusedTo(uint256 memberId, bytes memory call, bytes memory reason) internal {
        _fails(_account(memberId), address(trading), call, reason);
    }

    function _forbidden(bytes memory call) internal {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        _fails(STRANGER, address(trading), call, reason);
    }
}
