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
    /// @param referencePrice The formula's price at opening, clamped into the band: the auction's tie-break.
    /// @param open Whether the tariff is published; it never changes afterwards.
    /// @param fee The trading fee at opening, micro on each kWh bought.
    struct PriceBand {
        uint64 feedIn;
        uint64 retail;
        uint64 referencePrice;
        bool open;
        uint48 fee;
    }

    /// @param baseRate Price with every factor at one, micro per kWh.
    /// @param feedInRate What the grid pays in intervals opened at the formula's price, micro per kWh.
    /// @param minPrice Least price the formula gives, micro per kWh; not below `feedInRate`.
    /// @param maxPrice Largest price the formula gives, micro per kWh.
    /// @param referenceLoadWh Mean energy drawn per meter and interval at which the demand factor is one, Wh.
    /// @param minFactorWad Least demand factor and time-of-day multiplier.
    /// @param maxFactorWad Largest demand factor, stress factor and time-of-day multiplier; at most 10.
    struct PriceParameters {
        uint64 baseRate;
        uint64 feedInRate;
        uint64 minPrice;
        uint64 maxPrice;
        uint64 referenceLoadWh;
        uint128 minFactorWad;
        uint128 maxFactorWad;
    }

    /// @notice Readings were added to an interval; the values are what was added.
    event IntervalRecorded(uint64 indexed interval, uint256 importWh, uint256 exportWh, uint256 readings);

    /// @notice An interval's tariff was published.
    event IntervalOpened(uint64 indexed interval, uint64 feedIn, uint64 retail, uint64 referencePrice, uint64 fee);

    /// @notice The trading fee of intervals opened from now on.
    event TradingFeeSet(uint64 feeMicroPerKwh);

    /// @notice The stress of the grid was reported.
    event GridStressReported(address indexed reporter, uint256 factorWad);

    /// @notice The stress of the grid was measured by its sensors.
    event GridStressMeasured(uint256 factorWad);

    /// @notice The multiplier of one hour of the day (UTC) was set.
    event TimeOfDayMultiplierSet(uint8 indexed hour, uint256 multiplierWad);

    /// @notice The parameters of the formula were set.
    event PriceParametersSet(PriceParameters parameters);

    /// @notice A published tariff never changes.
    error IntervalAlreadyOpen(uint64 interval);

    /// @notice The interval's tariff is not published.
    error IntervalNotOpen(uint64 interval);

    /// @notice The interval has begun.
    error IntervalInThePast(uint64 interval, uint64 current);

    /// @notice At the formula's price only the next intervals can be opened.
    error IntervalTooFarAhead(uint64 interval, uint64 last);

    /// @notice Feed-in is above retail. (Equal is fine: the market then has one price.)
    error InvalidBand(uint64 feedIn, uint64 retail);

    /// @notice There is not one retail price for each feed-in price.
    error BandLengthMismatch(uint256 feedIn, uint256 retail);

    /// @notice The factor is outside its range.
    error InvalidFactor(uint256 factorWad, uint256 minWad, uint256 maxWad);

    /// @notice A day has the hours 0 to 23.
    error InvalidHour(uint8 hour);

    /// @notice The fee is above the largest allowed.
    error FeeTooHigh(uint256 fee, uint256 max);

    /// @notice An interval has 60 to 86400 seconds, and the parameters keep the relations that their descriptions name.
    error InvalidParameters();

    /// @notice Adds a batch's accepted readings to an interval; the registry alone may call it.
    /// @param interval The interval that the readings end.
    /// @param importWh Energy drawn, in Wh.
    /// @param exportWh Energy fed in, in Wh.
    /// @param readings Number of meters.
    function recordInterval(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings) external;

    /// @notice Publishes the tariff of consecutive intervals that have not begun.
    /// @param firstInterval Index of the first.
    /// @param feedIn What the grid pays in each, micro per kWh.
    /// @param retail What the grid asks in each, micro per kWh.
    function openIntervals(uint64 firstInterval, uint64[] calldata feedIn, uint64[] calldata retail) external;

    /// @notice Opens one of the next two intervals at the formula's price as retail; anyone may call it.
    /// @param interval Its index.
    function openInterval(uint64 interval) external;

    /// @notice Reports the stress of the grid. A report counts for a day, then the factor falls back to zero.
    /// @param factorWad From zero to `maxFactorWad`.
    function reportGridStress(uint256 factorWad) external;

    /// @notice Takes the stress that the grid's sensors measure; the monitor alone may call it. A measurement counts for
    /// an hour; the larger of report and measurement is the factor.
    /// @param factorWad From zero to 10.
    function recordMeasuredStress(uint256 factorWad) external;

    /// @notice Sets the multiplier of one hour of the day.
    /// @param hour Hour of the day in UTC, 0 to 23.
    /// @param multiplierWad From `minFactorWad` to `maxFactorWad`.
    function setTimeOfDayMultiplier(uint8 hour, uint256 multiplierWad) external;

    /// @notice Sets the parameters of the formula; intervals that are open keep their tariff.
    /// @param parameters All of them.
    function setPriceParameters(PriceParameters calldata parameters) external;

    /// @notice Sets the trading fee of intervals opened from now on; it is zero before the first call.
    /// @param feeMicroPerKwh Fee on each kWh bought, micro.
    function setTradingFee(uint64 feeMicroPerKwh) external;

    /// @notice Price by the formula for an interval, micro per kWh, each factor and the result clamped.
    /// @param interval Its index; only its hour of the day matters.
    function energyPrice(uint64 interval) external view returns (uint256 priceMicroPerKwh);

    /// @notice Energy drawn per meter in the latest interval that has readings, in relation to the reference load; in
    /// the one before it while that has more readings. One while there is none, or none of the last two finished
    /// intervals: what is stale is unknown, never zero.
    function demandFactor() external view returns (uint256 factorWad);

    /// @notice The larger of the last report and the last measurement; zero when neither counts any more.
    function gridStressFactor() external view returns (uint256 factorWad);

    /// @notice Multiplier of the hour (UTC) in which an interval starts.
    /// @param interval Its index.
    function timeOfDayMultiplier(uint64 interval) external view returns (uint256 multiplierWad);

    /// @notice Sums of the readings that end an interval.
    /// @param interval Its index.
    function totals(uint64 interval) external view returns (IntervalTotals memory);

    /// @notice The tariff of an interval.
    /// @param interval Its index.
    function band(uint64 interval) external view returns (PriceBand memory);

    /// @notice The parameters of the formula.
    function priceParameters() external view returns (PriceParameters memory);

    /// @notice The trading fee of intervals opened from now on, micro on each kWh bought.
    function tradingFee() external view returns (uint64);

    /// @notice Length of an interval, in seconds.
    function intervalSeconds() external view returns (uint64);
}
