// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {RewardSystem} from "../../RewardSystem.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {IIncentives} from "../../interfaces/IIncentives.sol";
import {IRegulator} from "../../interfaces/IRegulator.sol";
import {Incentives} from "../../rewards/Incentives.sol";
import {Regulator} from "../../rewards/Regulator.sol";
import {Staking} from "../../rewards/Staking.sol";
import {Market} from "./Market.sol";

/// @title Two homes with money in a market, and the rewards built on it; the tariff of a day is published.
/// @dev Epochs have a day and a budget of 100 tokens. A kWh earns half a token when saved, half more at the peak, two
/// for stability and 0.02 when self-consumed; drawn from the grid it costs 0.03.
abstract contract Rewards is Market {
    uint64 internal constant EPOCH = START / 24;
    uint64 internal constant CLAIMABLE = (START + 24 + 32) * HOUR;
    uint128 internal constant EPOCH_BUDGET = 100e18;

    Regulator internal regulator;
    Staking internal staking;
    RewardSystem internal rewards;

    function _found() internal virtual override {
        super._found();
        _joinMany(2);
        _deposit(_account(1), 1e9);
        _deposit(_account(2), 1e9);
        _deposit(BACKSTOP, 1e9);
        regulator = new Regulator(address(manager), registry, trading, IRegulator.Terms(2e16, 3e16));
        staking = new Staking(reward, registry, 7 days);
        rewards = _newRewards(1e18, 5e17, _program());
        _allow(address(rewards), rewards.setRewardRates.selector, GOVERNANCE);
        _allow(address(rewards), rewards.setIncentiveRates.selector, GOVERNANCE);
        _allow(address(rewards), rewards.setEpochBudget.selector, GOVERNANCE);
        _allow(address(rewards), rewards.creditStability.selector, ORACLE);
        _allow(address(regulator), regulator.setTerms.selector, GOVERNANCE);
        manager.grantRole(MINTER, address(rewards), 0);
        _openDay();
    }

    function _newRewards(uint256 perSoldKwh, uint256 perBoughtKwh, Incentives.Program memory program)
        internal
        returns (RewardSystem)
    {
        return new RewardSystem(address(manager), reward, registry, trading, perSoldKwh, perBoughtKwh, program);
    }

    function _program() internal view returns (Incentives.Program memory) {
        IIncentives.IncentiveRates memory rates = IIncentives.IncentiveRates(5e17, 5e17, 2e18);
        return Incentives.Program(grid, regulator, staking, 24, EPOCH_BUDGET, rates);
    }

    function _openDay() private {
        (uint64[] memory feedIn, uint64[] memory retail) = (new uint64[](26), new uint64[](26));
        for (uint256 i = 0; i < 26; ++i) {
            (feedIn[i], retail[i]) = (FEED_IN, RETAIL);
        }
        _as(OPERATOR);
        grid.openIntervals(START + 1, feedIn, retail);
    }

    /// @dev Clears an interval, at its gate closure or now if that is later.
    function _clearBy(uint64 interval) internal {
        if (cheats.getBlockTimestamp() < interval * HOUR - GATE_LEAD) vm.warp(interval * HOUR - GATE_LEAD);
        trading.clear(interval);
    }

    /// @dev Home 1 sells home 2 this much, delivers it, and both are billed.
    function _trade(uint64 interval, uint64 energyWh) internal {
        _order(1, interval, IEnergyTrading.Side.Sell, energyWh);
        _order(2, interval, IEnergyTrading.Side.Buy, energyWh);
        _clearBy(interval);
        _meterUse(1, interval, 0, energyWh);
        _meterUse(2, interval, energyWh, 0);
        trading.settle(interval, 1, 2);
    }

    function _credit(bytes32 eventId, uint32 memberId, uint64 energyWh) internal {
        _as(ORACLE);
        rewards.creditStability(eventId, memberId, energyWh);
    }

    function _stake(uint256 memberId, uint256 amount) internal {
        _as(MINTER);
        reward.mint(_account(memberId), amount);
        vm.prank(_account(memberId));
        reward.approve(address(staking), amount);
        vm.prank(_account(memberId));
        staking.stake(amount);
    }
}
