// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Reward tokens for energy shared inside the community.
/// @notice A reward is a pure function of the counters that settlement keeps (local energy delivered and consumed), so
/// accrual costs nobody gas and cannot be fed by hand.
/// @dev New rates never touch energy counted before them: an account's energy is priced at the rates of its last
/// checkpoint, and the checkpoint, which anyone may make for anyone, moves it to the present rates. An account without
/// one starts with the rates that were in force when it became a member.
interface IRewardSystem {
    /// @notice A reward was minted. The energies are the account's counters up to which it is paid.
    event RewardClaimed(address indexed account, uint64 soldWh, uint64 boughtWh, uint256 amount);

    /// @notice What an account earned so far was fixed; it earns at the present rates from now on.
    event RewardCheckpointed(address indexed account, uint64 soldWh, uint64 boughtWh, uint256 owed);

    /// @notice Rates for checkpoints from now on, token units per kWh.
    event RewardRatesSet(uint256 perSoldKwh, uint256 perBoughtKwh);

    /// @notice The account has earned nothing since its last claim.
    error NothingToClaim(address account);

    /// @notice The rate is above the largest allowed.
    error RateTooHigh(uint256 rate, uint256 max);

    /// @notice Reward earned since the last claim, in token units (18 decimals).
    /// @param account The earner.
    function accrued(address account) external view returns (uint256);

    /// @notice Mints the caller's accrued reward to the caller.
    /// @return amount Token units minted.
    function claim() external returns (uint256 amount);

    /// @notice Fixes what accounts earned so far and moves them to the present rates; anyone may call it.
    /// @param accounts The earners.
    function checkpoint(address[] calldata accounts) external;

    /// @notice Sets the rates, token units (18 decimals) per kWh.
    /// @param perSoldKwh For local sales delivered.
    /// @param perBoughtKwh For local purchases consumed.
    function setRewardRates(uint256 perSoldKwh, uint256 perBoughtKwh) external;

    /// @notice Present rate for local sales delivered, token units per kWh.
    function perSoldKwh() external view returns (uint256);

    /// @notice Present rate for local purchases consumed, token units per kWh.
    function perBoughtKwh() external view returns (uint256);

    /// @notice Up to where an account's energy is accounted for, and what it was paid.
    /// @param account The earner.
    /// @return soldWh Sales up to the last checkpoint or claim.
    /// @return boughtWh Purchases up to the last checkpoint or claim.
    /// @return amount Token units minted to it in all.
    function claimed(address account) external view returns (uint64 soldWh, uint64 boughtWh, uint256 amount);
}
