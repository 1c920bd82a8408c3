// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Reward tokens for energy shared inside the community.
/// @notice A reward is a pure function of the counters that settlement keeps (local energy delivered and consumed), so
/// accrual costs nobody gas and cannot be fed by hand.
interface IRewardSystem {
    event RewardClaimed(address indexed account, uint64 soldWh, uint64 boughtWh, uint256 amount);
    event RewardRatesSet(uint256 perSoldKwh, uint256 perBoughtKwh);

    error NothingToClaim(address account);
    error RateTooHigh(uint256 rate, uint256 max);

    /// @notice Reward earned since the last claim, in token units (18 decimals).
    function accrued(address account) external view returns (uint256);

    /// @notice Mints the caller's accrued reward to the caller.
    function claim() external returns (uint256 amount);

    function setRewardRates(uint256 perSoldKwh, uint256 perBoughtKwh) external;

    function perSoldKwh() external view returns (uint256);

    function perBoughtKwh() external view returns (uint256);

    function claimed(address account) external view returns (uint64 soldWh, uint64 boughtWh, uint256 amount);
}
