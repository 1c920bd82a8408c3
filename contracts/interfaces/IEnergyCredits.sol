// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Energy credits: one for each Wh that a home's meter is proven to have fed in.
/// @notice Credits are minted once for each member and interval, from the registry's metered export and from nothing
/// else; they move between homes and the community's central supply account, and are spent once.
interface IEnergyCredits {
    /// @notice Credits were minted for a member's metered export.
    event CreditsMinted(uint64 indexed interval, address indexed account, uint256 amountWh);

    /// @notice Credits moved.
    event CreditsTransferred(address indexed from, address indexed to, uint256 amountWh);

    /// @notice Credits were used up.
    /// @param purpose What for, as the spender says.
    event CreditsSpent(address indexed account, uint256 amountWh, bytes32 purpose);

    /// @notice The account is neither a member nor the central supply.
    error UnknownAccount(address account);

    /// @notice The account has fewer credits.
    error InsufficientCredits(address account, uint256 balanceWh, uint256 neededWh);

    /// @notice The member's interval brought its credits before.
    error AlreadyMinted(uint64 interval, uint32 memberId);

    /// @notice The registry has no reading of the member for the interval, or no longer.
    error NotMetered(uint64 interval, uint32 memberId);

    /// @notice Nothing would move.
    error NoCredits();

    /// @notice Mints a member's credits of an interval; anyone may call it. The registry keeps the last 32 intervals.
    /// @param interval The interval.
    /// @param memberId The member's number.
    /// @return amountWh Credits minted.
    function mint(uint64 interval, uint32 memberId) external returns (uint256 amountWh);

    /// @notice Moves credits of the caller to a member or the central supply.
    /// @param to Who gets them.
    /// @param amountWh How many.
    function transfer(address to, uint256 amountWh) external;

    /// @notice Uses up credits of the caller for good.
    /// @param amountWh How many.
    /// @param purpose What for.
    function spend(uint256 amountWh, bytes32 purpose) external;

    /// @notice Credits of an account.
    /// @param account The account.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Whether a member's interval brought its credits.
    /// @param interval The interval.
    /// @param memberId The member's number.
    function minted(uint64 interval, uint32 memberId) external view returns (bool);

    /// @notice Credits ever minted: never more than the metered export of all members.
    function totalMinted() external view returns (uint256);

    /// @notice Credits ever spent: the balances add up to what was minted less this.
    function totalSpent() external view returns (uint256);

    /// @notice The community's central supply account.
    function centralSupply() external view returns (address);
}
