// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {RewardToken} from "../tokens/RewardToken.sol";

/// @title Stakes of reward tokens, with an unbonding time, slashed on proof of equivocation alone.
/// @dev Nobody has a role here: no one can take, stop or move a stake.
contract Staking is IStaking {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;
    using SafeERC20 for RewardToken;

    struct Unbonding {
        uint192 amount;
        uint64 releasedAt;
    }

    /// @notice The token that is staked.
    RewardToken public immutable rewardToken;

    /// @notice Where devices and their keys are.
    IDeviceRegistry public immutable registry;

    uint64 private immutable UNBONDING_SECONDS;

    mapping(address account => Checkpoints.Trace208) private _stakes;
    mapping(address account => Unbonding) private _unbondings;
    mapping(bytes32 deviceId => mapping(uint64 sequence => bool)) private _slashed;

    /// @param rewardToken_ The token that is staked.
    /// @param registry_ Where devices and their keys are.
    /// @param unbondingSeconds_ Time from unstaking to withdrawal.
    constructor(RewardToken rewardToken_, IDeviceRegistry registry_, uint64 unbondingSeconds_) {
        rewardToken = rewardToken_;
        registry = registry_;
        UNBONDING_SECONDS = unbondingSeconds_;
    }

    /// @inheritdoc IStaking
    function stake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _setStake(msg.sender, stakeOf(msg.sender) + amount);
        emit Staked(msg.sender, amount);
        rewardToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStaking
    function unstake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        uint256 staked = stakeOf(msg.sender);
        if (amount > staked) revert InsufficientStake(msg.sender, staked, amount);
        _setStake(msg.sender, staked - amount);
        uint64 releasedAt = uint64(block.timestamp) + UNBONDING_SECONDS;
        _unbondings[msg.sender] = Unbonding((_unbondings[msg.sender].amount + amount).toUint192(), releasedAt);
        emit Unstaked(msg.sender, amount, releasedAt);
    }

    /// @inheritdoc IStaking
    function withdraw() external returns (uint256 amount) {
        Unbonding memory waiting = _unbondings[msg.sender];
        amount = waiting.amount;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        if (block.timestamp < waiting.releasedAt) revert StillUnbonding(msg.sender, waiting.releasedAt);
        delete _unbondings[msg.sender];
        emit Withdrawn(msg.sender, amount);
        rewardToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function slash(
        IDeviceRegistry.Reading calldata first,
        bytes calldata firstSignature,
        IDeviceRegistry.Reading calldata second,
        bytes calldata secondSignature
    ) external {
        (bytes32 deviceId, uint64 sequence) = (first.deviceId, first.sequence);
        bytes32 digest = registry.hashReading(first);
        bytes32 other = registry.hashReading(second);
        bool conflict = second.deviceId == deviceId && second.sequence == sequence && digest != other;
        if (!conflict) revert NoEquivocation(deviceId, sequence);
        if (_slashed[deviceId][sequence]) revert AlreadySlashed(deviceId, sequence);
        IDeviceRegistry.Device memory device = registry.device(deviceId);
        _checkSigner(deviceId, device.key, digest, firstSignature);
        _checkSigner(deviceId, device.key, other, secondSignature);
        _slashed[deviceId][sequence] = true;
        uint256 amount = _takeHalf(device.owner);
        emit Slashed(device.owner, deviceId, sequence, amount);
        rewardToken.burn(amount);
    }

    /// @inheritdoc IStaking
    function stakeAt(address account, uint48 time) external view returns (uint256) {
        return _stakes[account].upperLookupRecent(time);
    }

    /// @inheritdoc IStaking
    function unbonding(address account) external view returns (uint256 amount, uint64 releasedAt) {
        return (_unbondings[account].amount, _unbondings[account].releasedAt);
    }

    /// @inheritdoc IStaking
    function unbondingSeconds() external view returns (uint64) {
        return UNBONDING_SECONDS;
    }

    /// @inheritdoc IStaking
    function stakeOf(address account) public view returns (uint256) {
        return _stakes[account].latest();
    }

    function _setStake(address account, uint256 amount) private {
        _stakes[account].push(uint48(block.timestamp), amount.toUint208());
    }

    /// @dev Rounds what is taken up.
    function _takeHalf(address account) private returns (uint256 amount) {
        uint256 staked = stakeOf(account);
        uint192 waiting = _unbondings[account].amount;
        _setStake(account, staked / 2);
        _unbondings[account].amount = waiting / 2;
        amount = staked - staked / 2 + (waiting - waiting / 2);
    }

    function _checkSigner(bytes32 deviceId, address key, bytes32 digest, bytes calldata signature) private pure {
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer == address(0) || signer != key) revert NotSignedByDevice(deviceId, signer);
    }
}
