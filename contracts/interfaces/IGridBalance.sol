// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Community totals per interval and the price they give.
/// @notice energyPrice = baseRate * (demandFactor + gridStressFactor) * timeOfDayMultiplier, factors in WAD (1e18 = 1),
/// prices in micro per kWh (1e-6 of the currency).
interface IGridBalance {
    /// @param importWh Sum of what the meters drew, in Wh.
    /// @param exportWh Sum of what the meters fed in, in Wh.
    /// @param readings Number of meters in the sums.
    struct IntervalTotals {
        uint96 importWh;
        uint96 exportWh;
        uint32 readings;
    }

    /// @param feedIn What the grid pays for a kWh, micro per kWh: the floor of the market's band.
    /// @param retail What the grid asks for a kWh, micro per kWh: the cap of the market's band.
    /// @param reference The formula's price at opening, clamped into the band: the auction's tie-break.
    struct PriceBand {
        uint64 feedIn;
        uint64 retail;
        uint64 reference;
        bool open;
    }

    struct PriceParameters {
        uint64 baseRate;
        uint64 feedInRate;
        uint64 minPrice;
        uint64 maxPrice;
        uint64 referenceLoadWh;
        uint128 minFactorWad;
        uint128 maxFactorWad;
    }

    event IntervalRecorded(uint64 indexed interval, uint256 importWh, uint256 exportWh, uint256 readings);
    event IntervalOpened(uint64 indexed interval, uint64 feedIn, uint64 retail, uint64 reference);
    event GridStressReported(address indexed reporter, uint256 factorWad);
    event TimeOfDayMultiplierSet(uint8 indexed hour, uint256 multiplierWad);
    event PriceParametersSet(PriceParameters parameters);

    error IntervalAlreadyOpen(uint64 interval);
    error IntervalNotOpen(uint64 interval);
    error IntervalInThePast(uint64 interval, uint64 current);
    error InvalidBand(uint64 feedIn, uint64 retail);
    error InvalidFactor(uint256 factorWad, uint256 minWad, uint256 maxWad);
    error InvalidHour(uint8 hour);
    error InvalidParameters();

    /// @notice Adds a batch's accepted readings to an interval; the registry alone may call it.
    function recordInterval(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings) external;

    /// @notice Publishes the tariff of consecutive intervals that have not begun.
    function openIntervals(uint64 firstInterval, uint64[] calldata feedIn, uint64[] calldata retail) external;

    /// @notice Opens an interval at the formula's price as retail; anyone may call it.
    function openInterval(uint64 interval) external;

    function reportGridStress(uint256 factorWad) external;

    function setTimeOfDayMultiplier(uint8 hour, uint256 multiplierWad) external;

    function setPriceParameters(PriceParameters calldata parameters) external;

    /// @notice Price by the formula for an interval, micro per kWh, each factor and the result clamped.
    function energyPrice(uint64 interval) external view returns (uint256 priceMicroPerKwh);

    function demandFactor() external view returns (uint256 factorWad);

    function gridStressFactor() external view returns (uint256 factorWad);

    function timeOfDayMultiplier(uint64 interval) external view returns (uint256 multiplierWad);

    function totals(uint64 interval) external view returns (IntervalTotals memory);

    function band(uint64 interval) external view returns (PriceBand memory);

    function priceParameters() external view returns (PriceParameters memory);

    function intervalSeconds() external view returns (uint64);
}
