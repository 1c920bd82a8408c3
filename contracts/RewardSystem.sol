// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "./interfaces/IEnergyTrading.sol";
import {IRewardSystem} from "./interfaces/IRewardSystem.sol";
import {Incentives} from "./rewards/Incentives.sol";
import {RewardToken} from "./tokens/RewardToken.sol";

/// @title Reward tokens for energy shared inside the community, and for the conduct that helps it.
contract RewardSystem is IRewardSystem, Incentives {
    using SafeCast for uint256;

    /// @dev `members` is the number of members when the rates were set: who has a higher number joined later.
    struct Rates {
        uint112 perSoldKwh;
        uint112 perBoughtKwh;
        uint32 members;
    }

    /// @dev `versionPlusOne` is zero before the first checkpoint.
    struct Checkpoint {
        uint64 soldWh;
        uint64 boughtWh;
        uint32 versionPlusOne;
        uint128 owed;
        uint128 paid;
    }

    /// @notice Largest rate, token units per kWh.
    uint256 public constant MAX_RATE = 100e18;

    uint256 private constant WH_PER_KWH = 1000;

    /// @notice The token that is minted.
    RewardToken public immutable rewardToken;

    /// @notice Where members are numbered.
    IDeviceRegistry public immutable registry;

    /// @notice Where energy is counted.
    IEnergyTrading public immutable trading;

    Rates[] private _rates;
    mapping(address account => Checkpoint) private _checkpoints;

    /// @param authority_ The access manager.
    /// @param rewardToken_ The token that is minted.
    /// @param registry_ Where members are numbered.
    /// @param trading_ Where energy is counted.
    /// @param perSoldKwh_ For local sales delivered, token units per kWh.
    /// @param perBoughtKwh_ For local purchases consumed, token units per kWh.
    /// @param program What incentives are built on, and where they start.
    constructor(
        address authority_,
        RewardToken rewardToken_,
        IDeviceRegistry registry_,
        IEnergyTrading trading_,
        uint256 perSoldKwh_,
        uint256 perBoughtKwh_,
        Program memory program
    ) AccessManaged(authority_) Incentives(registry_, trading_, program) {
        rewardToken = rewardToken_;
        registry = registry_;
        trading = trading_;
        _setRewardRates(perSoldKwh_, perBoughtKwh_);
    }

    /// @inheritdoc IRewardSystem
    function claim() external returns (uint256 amount) {
        Checkpoint memory point = _bringUpToDate(msg.sender);
        amount = point.owed;
        if (amount == 0) revert NothingToClaim(msg.sender);
        point.owed = 0;
        point.paid += uint128(amount);
        _checkpoints[msg.sender] = point;
        emit RewardClaimed(msg.sender, point.soldWh, point.boughtWh, amount);
        rewardToken.mint(msg.sender, amount);
    }

    /// @inheritdoc IRewardSystem
    function checkpoint(address[] calldata accounts) external {
        for (uint256 i = 0; i < accounts.length; ++i) {
            Checkpoint memory point = _bringUpToDate(accounts[i]);
            _checkpoints[accounts[i]] = point;
            emit RewardCheckpointed(accounts[i], point.soldWh, point.boughtWh, point.owed);
        }
    }

    /// @inheritdoc IRewardSystem
    function setRewardRates(uint256 perSoldKwh_, uint256 perBoughtKwh_) external restricted {
        _setRewardRates(perSoldKwh_, perBoughtKwh_);
    }

    /// @inheritdoc IRewardSystem
    function accrued(address account) external view returns (uint256) {
        return _bringUpToDate(account).owed;
    }

    /// @inheritdoc IRewardSystem
    function perSoldKwh() external view returns (uint256) {
        return _rates[_rates.length - 1].perSoldKwh;
    }

    /// @inheritdoc IRewardSystem
    function perBoughtKwh() external view returns (uint256) {
        return _rates[_rates.length - 1].perBoughtKwh;
    }

    /// @inheritdoc IRewardSystem
    function claimed(address account) external view returns (uint64 soldWh, uint64 boughtWh, uint256 amount) {
        Checkpoint memory point = _checkpoints[account];
        return (point.soldWh, point.boughtWh, point.paid);
    }

    function _mintReward(address account, uint256 amount) internal override {
        rewardToken.mint(account, amount);
    }

    function _setRewardRates(uint256 perSoldKwh_, uint256 perBoughtKwh_) private {
        if (perSoldKwh_ > MAX_RATE) revert RateTooHigh(perSoldKwh_, MAX_RATE);
        if (perBoughtKwh_ > MAX_RATE) revert RateTooHigh(perBoughtKwh_, MAX_RATE);
        _rates.push(Rates(uint112(perSoldKwh_), uint112(perBoughtKwh_), registry.memberCount()));
        emit RewardRatesSet(perSoldKwh_, perBoughtKwh_);
    }

    /// @dev The account's checkpoint as of now; the caller stores it.
    function _bringUpToDate(address account) private view returns (Checkpoint memory point) {
        point = _checkpoints[account];
        IEnergyTrading.Account memory counters = trading.account(account);
        Rates memory rates = _rates[_versionOf(account, point)];
        uint256 earned = (counters.soldWh - point.soldWh) * uint256(rates.perSoldKwh)
            + (counters.boughtWh - point.boughtWh) * uint256(rates.perBoughtKwh);
        point.owed += (earned / WH_PER_KWH).toUint128();
        (point.soldWh, point.boughtWh) = (counters.soldWh, counters.boughtWh);
        point.versionPlusOne = uint32(_rates.length);
    }

    /// @dev The rates an account earns at: those of its last checkpoint, else those of the day it joined.
    function _versionOf(address account, Checkpoint memory point) private view returns (uint256 version) {
        if (point.versionPlusOne != 0) return point.versionPlusOne - 1;
        uint32 memberId = registry.memberOf(account);
        version = _rates.length - 1;
        while (version > 0 && _rates[version].members >= memberId) --version;
    }
}
