// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDirectTrading} from "./IDirectTrading.sol";

/// @title How direct trading locks money in the market's ledger.
/// @notice Only the market's own direct trading contract, which it created itself, may call what changes anything.
interface IMoneyLocks {
    /// @notice The caller is not the direct trading contract.
    error OnlyDirectTrading(address caller);

    /// @notice Locks money of a home.
    /// @param home The home's account.
    /// @param energyWh Energy.
    /// @param perKwh Money for each kWh of it, micro.
    /// @return locked What was locked, micro, rounded up.
    function lockDirect(address home, uint256 energyWh, uint256 perKwh) external returns (uint256 locked);

    /// @notice Gives locked money back.
    /// @param home The home's account.
    /// @param amount Micro.
    function unlockDirect(address home, uint256 amount) external;

    /// @notice The contract for direct trades.
    function directTrading() external view returns (IDirectTrading);
}
