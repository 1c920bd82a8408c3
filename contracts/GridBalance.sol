// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGridBalance} from "./interfaces/IGridBalance.sol";
import {PriceFormula} from "./libraries/PriceFormula.sol";

/// @title Community totals per interval and the price they give.
contract GridBalance is IGridBalance, AccessManaged {
    using SafeCast for uint256;

    /// @dev What an oracle reported and what sensors measured: one storage word.
    struct Stress {
        uint64 reportedWad;
        uint64 reportedAt;
        uint64 measuredWad;
        uint64 measuredAt;
    }

    /// @notice How long a report of grid stress counts, so that nobody's absence can keep the price up.
    uint64 public constant STRESS_SECONDS = 1 days;

    /// @notice How long a measurement of grid stress counts.
    uint64 public constant MEASURED_STRESS_SECONDS = 1 hours;

    /// @notice Largest trading fee, micro per kWh.
    uint64 public constant MAX_FEE = 1_000_000;

    uint256 private constant HOURS = 24;
    uint64 private constant MIN_INTERVAL_SECONDS = 60;
    uint64 private constant MAX_INTERVAL_SECONDS = 1 days;

    /// @dev Readings of an interval come in after it: the last finished one may not be known yet, the one before must
    /// be.
    uint64 private constant FRESH_INTERVALS = 2;

    /// @dev With this lead the next gate is never further away than anybody may open.
    uint64 private constant OPEN_AHEAD_INTERVALS = 2;

    /// @dev Multipliers are stored in 64 bits, which hold 18.4 WAD.
    uint128 private constant MAX_FACTOR_WAD = 10e18;

    uint64 private immutable INTERVAL_SECONDS;

    PriceParameters private _parameters;
    Stress private _stress;
    uint64 private _latestInterval;
    uint48 private _fee;
    uint64[HOURS] private _multipliersWad;
    mapping(uint64 interval => IntervalTotals) private _totals;
    mapping(uint64 interval => PriceBand) private _bands;

    /// @param authority_ The access manager.
    /// @param intervalSeconds_ Length of an interval.
    /// @param parameters_ The first parameters; every time-of-day multiplier is one.
    constructor(address authority_, uint64 intervalSeconds_, PriceParameters memory parameters_)
        AccessManaged(authority_)
    {
        if (intervalSeconds_ < MIN_INTERVAL_SECONDS || intervalSeconds_ > MAX_INTERVAL_SECONDS) {
            revert InvalidParameters();
        }
        INTERVAL_SECONDS = intervalSeconds_;
        for (uint256 hour = 0; hour < HOURS; ++hour) _multipliersWad[hour] = uint64(PriceFormula.WAD);
        _setPriceParameters(parameters_);
    }

    /// @inheritdoc IGridBalance
    function recordInterval(uint64 interval, uint256 importWh, uint256 exportWh, uint256 readings)
        external
        restricted
    {
        IntervalTotals memory sums = _totals[interval];
        sums.importWh = (sums.importWh + importWh).toUint96();
        sums.exportWh = (sums.exportWh + exportWh).toUint96();
        sums.readings = (sums.readings + readings).toUint32();
        _totals[interval] = sums;
        if (interval > _latestInterval) _latestInterval = interval;
        emit IntervalRecorded(interval, importWh, exportWh, readings);
    }

    /// @inheritdoc IGridBalance
    function openIntervals(uint64 firstInterval, uint64[] calldata feedIn, uint64[] calldata retail)
        external
        restricted
    {
        if (feedIn.length != retail.length) revert BandLengthMismatch(feedIn.length, retail.length);
        for (uint64 i = 0; i < feedIn.length; ++i) {
            _open(firstInterval + i, feedIn[i], retail[i], energyPrice(firstInterval + i));
        }
    }

    /// @inheritdoc IGridBalance
    function openInterval(uint64 interval) external {
        uint64 last = _currentInterval() + OPEN_AHEAD_INTERVALS;
        if (interval > last) revert IntervalTooFarAhead(interval, last);
        uint256 price = energyPrice(interval);
        _open(interval, _parameters.feedInRate, price.toUint64(), price);
    }

    /// @inheritdoc IGridBalance
    function reportGridStress(uint256 factorWad) external restricted {
        if (factorWad > _parameters.maxFactorWad) revert InvalidFactor(factorWad, 0, _parameters.maxFactorWad);
        (_stress.reportedWad, _stress.reportedAt) = (uint64(factorWad), uint64(block.timestamp));
        emit GridStressReported(msg.sender, factorWad);
    }

    /// @inheritdoc IGridBalance
    function recordMeasuredStress(uint256 factorWad) external restricted {
        if (factorWad > MAX_FACTOR_WAD) revert InvalidFactor(factorWad, 0, MAX_FACTOR_WAD);
        (_stress.measuredWad, _stress.measuredAt) = (uint64(factorWad), uint64(block.timestamp));
        emit GridStressMeasured(factorWad);
    }

    /// @inheritdoc IGridBalance
    function setTimeOfDayMultiplier(uint8 hour, uint256 multiplierWad) external restricted {
        if (hour >= HOURS) revert InvalidHour(hour);
        (uint256 least, uint256 most) = (_parameters.minFactorWad, _parameters.maxFactorWad);
        if (multiplierWad < least || multiplierWad > most) revert InvalidFactor(multiplierWad, least, most);
        _multipliersWad[hour] = uint64(multiplierWad);
        emit TimeOfDayMultiplierSet(hour, multiplierWad);
    }

    /// @inheritdoc IGridBalance
    function setPriceParameters(PriceParameters calldata parameters) external restricted {
        _setPriceParameters(parameters);
    }

    /// @inheritdoc IGridBalance
    function setTradingFee(uint64 feeMicroPerKwh) external restricted {
        if (feeMicroPerKwh > MAX_FEE) revert FeeTooHigh(feeMicroPerKwh, MAX_FEE);
        _fee = uint48(feeMicroPerKwh);
        emit TradingFeeSet(feeMicroPerKwh);
    }

    /// @inheritdoc IGridBalance
    function totals(uint64 interval) external view returns (IntervalTotals memory) {
        return _totals[interval];
    }

    /// @inheritdoc IGridBalance
    function band(uint64 interval) external view returns (PriceBand memory) {
        return _bands[interval];
    }

    /// @inheritdoc IGridBalance
    function priceParameters() external view returns (PriceParameters memory) {
        return _parameters;
    }

    /// @inheritdoc IGridBalance
    function tradingFee() external view returns (uint64) {
        return _fee;
    }

    /// @inheritdoc IGridBalance
    function intervalSeconds() external view returns (uint64) {
        return INTERVAL_SECONDS;
    }

    /// @inheritdoc IGridBalance
    function energyPrice(uint64 interval) public view returns (uint256 priceMicroPerKwh) {
        priceMicroPerKwh = PriceFormula.price(
            _parameters.baseRate, demandFactor(), gridStressFactor(), timeOfDayMultiplier(interval)
        );
        return PriceFormula.clamp(priceMicroPerKwh, _parameters.minPrice, _parameters.maxPrice);
    }

    /// @inheritdoc IGridBalance
    function demandFactor() public view returns (uint256 factorWad) {
        uint64 latest = _latestInterval;
        uint64 current = _currentInterval();
        IntervalTotals memory sums;
        if (latest + FRESH_INTERVALS >= current) sums = _totals[latest];
        // While its readings come in, the latest interval says what a few homes draw: nobody shall choose which.
        bool fresh = latest + FRESH_INTERVALS > current;
        if (fresh && _totals[latest - 1].readings > sums.readings) sums = _totals[latest - 1];
        return _clamped(PriceFormula.demand(sums.importWh, sums.readings, _parameters.referenceLoadWh));
    }

    /// @inheritdoc IGridBalance
    function gridStressFactor() public view returns (uint256 factorWad) {
        Stress memory stress = _stress;
        if (block.timestamp < stress.reportedAt + STRESS_SECONDS) factorWad = stress.reportedWad;
        if (block.timestamp < stress.measuredAt + MEASURED_STRESS_SECONDS && stress.measuredWad > factorWad) {
            factorWad = stress.measuredWad;
        }
        return PriceFormula.clamp(factorWad, 0, _parameters.maxFactorWad);
    }

    /// @inheritdoc IGridBalance
    function timeOfDayMultiplier(uint64 interval) public view returns (uint256 multiplierWad) {
        return _clamped(_multipliersWad[((uint256(interval) * INTERVAL_SECONDS) / 1 hours) % HOURS]);
    }

    function _open(uint64 interval, uint64 feedIn, uint64 retail, uint256 price) private {
        uint64 current = _currentInterval();
        if (interval <= current) revert IntervalInThePast(interval, current);
        if (_bands[interval].open) revert IntervalAlreadyOpen(interval);
        if (feedIn > retail) revert InvalidBand(feedIn, retail);
        uint64 referencePrice = uint64(PriceFormula.clamp(price, feedIn, retail));
        uint48 fee = _fee;
        _bands[interval] = PriceBand(feedIn, retail, referencePrice, true, fee);
        emit IntervalOpened(interval, feedIn, retail, referencePrice, fee);
    }

    function _setPriceParameters(PriceParameters memory parameters) private {
        bool prices = parameters.baseRate > 0 && parameters.feedInRate <= parameters.minPrice
            && parameters.minPrice <= parameters.maxPrice;
        bool factors =
            parameters.minFactorWad <= parameters.maxFactorWad && parameters.maxFactorWad <= MAX_FACTOR_WAD;
        if (!prices || !factors || parameters.referenceLoadWh == 0) revert InvalidParameters();
        _parameters = parameters;
        emit PriceParametersSet(parameters);
    }

    function _clamped(uint256 factorWad) private view returns (uint256) {
        return PriceFormula.clamp(factorWad, _parameters.minFactorWad, _parameters.maxFactorWad);
    }

    function _currentInterval() private view returns (uint64) {
        return uint64(block.timestamp) / INTERVAL_SECONDS;
    }
}
