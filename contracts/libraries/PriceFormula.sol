// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title energyPrice = baseRate * (demandFactor + gridStressFactor) * timeOfDayMultiplier
/// @notice Factors in WAD (1e18 = 1), prices in micro per kWh.
library PriceFormula {
    uint256 internal constant WAD = 1e18;

    /// @notice The price, both products rounded down.
    function price(uint256 baseRate, uint256 demandWad, uint256 stressWad, uint256 timeOfDayWad)
        internal
        pure
        returns (uint256)
    {
        return Math.mulDiv(Math.mulDiv(baseRate, demandWad + stressWad, WAD), timeOfDayWad, WAD);
    }

    /// @notice Energy drawn in relation to the reference load of as many meters; one when no meter is known.
    function demand(uint256 importWh, uint256 readings, uint256 referenceLoadWh)
        internal
        pure
        returns (uint256 factorWad)
    {
        return readings == 0 ? WAD : Math.mulDiv(importWh, WAD, readings * referenceLoadWh);
    }

    /// @notice `value`, but not less than `low` and not more than `high`.
    function clamp(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return Math.min(Math.max(value, low), high);
    }
}
