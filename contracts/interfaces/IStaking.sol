// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "./IDeviceRegistry.sol";

/// @title Stakes of reward tokens: they raise what incentives pay, and vouch for one's meters.
/// @notice Unstaked tokens wait for the unbonding time, during which they can still be slashed. The one reason to slash
/// is a proof, which anyone may bring: two different readings with one sequence number, both signed by one device's key.
/// Half of what the device's owner staked is burned; nobody gains from it. Staked tokens do not vote.
interface IStaking {
    /// @notice Tokens were staked.
    event Staked(address indexed account, uint256 amount);

    /// @notice Tokens were unstaked; all that unbonds for the account is released then.
    event Unstaked(address indexed account, uint256 amount, uint64 releasedAt);

    /// @notice Unbonded tokens went back.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice A device signed two different readings with one sequence number; the tokens were burned.
    event Slashed(address indexed account, bytes32 indexed deviceId, uint64 sequence, uint256 amount);

    /// @notice Nothing would move.
    error ZeroAmount();

    /// @notice The account has not staked that much.
    error InsufficientStake(address account, uint256 staked, uint256 needed);

    /// @notice The account's tokens unbond until then.
    error StillUnbonding(address account, uint64 releasedAt);

    /// @notice Nothing of the account unbonds.
    error NothingToWithdraw(address account);

    /// @notice The readings are of two devices or two sequence numbers, or they are the same.
    error NoEquivocation(bytes32 deviceId, uint64 sequence);

    /// @notice A reading is not signed by the device's present key, or no device has the id.
    error NotSignedByDevice(bytes32 deviceId, address signer);

    /// @notice This proof was brought before.
    error AlreadySlashed(bytes32 deviceId, uint64 sequence);

    /// @notice Stakes the caller's tokens, which must be approved for this contract.
    /// @param amount Token units.
    function stake(uint256 amount) external;

    /// @notice Begins to unbond; the unbonding time of all that the caller unbonds starts anew.
    /// @param amount Token units.
    function unstake(uint256 amount) external;

    /// @notice Pays unbonded tokens out to the caller.
    /// @return amount Token units.
    function withdraw() external returns (uint256 amount);

    /// @notice Burns half of the stake, bonded and unbonding, of a device's owner on proof of equivocation.
    /// @param first A reading.
    /// @param firstSignature The device's signature of its `hashReading`.
    /// @param second Another reading with the same device and sequence number.
    /// @param secondSignature The device's signature of it.
    function slash(
        IDeviceRegistry.Reading calldata first,
        bytes calldata firstSignature,
        IDeviceRegistry.Reading calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice What an account has staked, token units; what unbonds does not count.
    /// @param account The account.
    function stakeOf(address account) external view returns (uint256);

    /// @notice What an account had staked at the end of a second of the past.
    /// @param account The account.
    /// @param time Unix seconds.
    function stakeAt(address account, uint48 time) external view returns (uint256);

    /// @notice What unbonds for an account.
    /// @param account The account.
    /// @return amount Token units.
    /// @return releasedAt When it can be withdrawn, Unix seconds.
    function unbonding(address account) external view returns (uint256 amount, uint64 releasedAt);

    /// @notice Time from unstaking to withdrawal, seconds.
    function unbondingSeconds() external view returns (uint64);
}
