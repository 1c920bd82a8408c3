// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The rules of the market once more, written from their description and without the contracts' libraries.
library Model {
    struct Terms {
        uint256 feedIn;
        uint256 retail;
        uint256 fee;
        uint256 price;
    }

    /// @dev What a home bought and sold: filled by the auction, and dealt directly at prices that bring the payment.
    struct Trades {
        uint256 bidWh;
        uint256 offeredWh;
        uint256 dealtInWh;
        uint256 dealtOutWh;
        int256 paymentNano;
    }

    function priceOf(uint256 tick, uint256 feedIn, uint256 retail) internal pure returns (uint256) {
        return feedIn + (tick * (retail - feedIn)) / 127;
    }

    /// @notice A bid stands at the highest tick that does not cost more than its limit.
    function bidTick(uint256 limit, uint256 feedIn, uint256 retail) internal pure returns (uint256 tick) {
        tick = 127;
        while (priceOf(tick, feedIn, retail) > limit) --tick;
    }

    /// @notice An offer stands at the lowest tick that does not bring less than its limit.
    function offerTick(uint256 limit, uint256 feedIn, uint256 retail) internal pure returns (uint256 tick) {
        while (priceOf(tick, feedIn, retail) < limit) ++tick;
    }

    /// @notice Money that an order locks, rounded up.
    function lock(bool sell, uint256 energyWh, uint256 tick, Terms memory terms) internal pure returns (uint256) {
        uint256 limit = priceOf(tick, terms.feedIn, terms.retail);
        return dealLock(!sell, energyWh, limit, terms);
    }

    /// @notice Money that a side of a deal locks, rounded up.
    function dealLock(bool buys, uint256 energyWh, uint256 price, Terms memory terms) internal pure returns (uint256) {
        uint256 nano = energyWh * (buys ? price + terms.fee : terms.retail - price);
        return nano / 1000 + (nano % 1000 == 0 ? 0 : 1);
    }

    /// @notice What a home gains in an interval, nano.
    function home(Terms memory terms, Trades memory trades, uint256 imported, uint256 exported)
        internal
        pure
        returns (int256 nano)
    {
        nano = grid(terms, trades, imported, exported) + trades.paymentNano;
        nano += int256(terms.price * trades.offeredWh) - int256(terms.price * trades.bidWh);
        nano -= int256(terms.fee * (trades.bidWh + trades.dealtInWh));
    }

    /// @notice The same for a home without direct deals.
    function home(Terms memory terms, uint256 bought, uint256 sold, uint256 imported, uint256 exported)
        internal
        pure
        returns (int256)
    {
        return home(terms, Trades(bought, sold, 0, 0, 0), imported, exported);
    }

    /// @notice What the home gets from the grid less what it pays the grid, nano.
    function grid(Terms memory terms, Trades memory trades, uint256 imported, uint256 exported)
        internal
        pure
        returns (int256)
    {
        (uint256 bought, uint256 sold) = (trades.bidWh + trades.dealtInWh, trades.offeredWh + trades.dealtOutWh);
        return grid(terms, bought, sold, imported, exported);
    }

    function grid(Terms memory terms, uint256 bought, uint256 sold, uint256 imported, uint256 exported)
        internal
        pure
        returns (int256 nano)
    {
        nano += imported > bought
            ? -int256(terms.retail * (imported - bought))
            : int256(terms.feedIn * (bought - imported));
        nano += exported < sold ? -int256(terms.retail * (sold - exported)) : int256(terms.feedIn * (exported - sold));
    }

    /// @notice Nano as micro, against the account it is booked on.
    function floor(int256 nano) internal pure returns (int256) {
        return nano >= 0 ? nano / 1000 : -((-nano + 999) / 1000);
    }

    function positive(int256 value) internal pure returns (int256) {
        return value > 0 ? value : int256(0);
    }
}
