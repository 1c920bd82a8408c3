// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnergyTrading} from "../../EnergyTrading.sol";
import {IEnergyTrading} from "../../interfaces/IEnergyTrading.sol";
import {PaymentToken} from "../../tokens/PaymentToken.sol";
import {RewardToken} from "../../tokens/RewardToken.sol";
import {Community} from "./Community.sol";

/// @title The market with its money, for what is built on balances, fills and counters.
abstract contract Market is Community {
    uint64 internal constant FEED_IN = 100_000;
    uint64 internal constant RETAIL = 300_000;
    uint64 internal constant GATE_LEAD = 300;
    address internal constant BACKSTOP = address(0xb0);
    address internal constant TREASURY = address(0x70);

    PaymentToken internal money;
    RewardToken internal reward;
    EnergyTrading internal trading;

    function _found() internal virtual override {
        super._found();
        money = new PaymentToken(address(manager));
        reward = new RewardToken(address(manager), 1e27);
        trading = _newTrading();
        _allow(address(money), money.mint.selector, ISSUER);
        _allow(address(reward), reward.mint.selector, MINTER);
        money.approve(address(trading), type(uint256).max);
    }

    function _newTrading() internal returns (EnergyTrading) {
        IEnergyTrading.Config memory rules = IEnergyTrading.Config(GATE_LEAD, READING_DEADLINE, 1, 1_000_000, 96);
        return new EnergyTrading(address(manager), money, registry, grid, BACKSTOP, TREASURY, rules);
    }

    function _deposit(address account, uint256 amount) internal {
        _as(ISSUER);
        money.mint(address(this), amount);
        trading.deposit(account, amount);
    }

    /// @dev Publishes an interval's tariff; it must not have begun.
    function _open(uint64 interval) internal {
        (uint64[] memory feedIn, uint64[] memory retail) = (new uint64[](1), new uint64[](1));
        (feedIn[0], retail[0]) = (FEED_IN, RETAIL);
        _as(OPERATOR);
        grid.openIntervals(interval, feedIn, retail);
    }

    function _order(uint256 memberId, uint64 interval, IEnergyTrading.Side side, uint256 energyWh) internal {
        vm.prank(_account(memberId));
        trading.createOrderAt(interval, energyWh, side == IEnergyTrading.Side.Buy ? RETAIL : FEED_IN, 1, side);
    }

    /// @dev Lets time pass to an interval's gate closure and clears it.
    function _clear(uint64 interval) internal {
        vm.warp(interval * HOUR - GATE_LEAD);
        trading.clear(interval);
    }

    function _openAndClear(uint64 interval) internal {
        _open(interval);
        _clear(interval);
    }

    /// @dev Settles all members; their readings are in.
    function _settle(uint64 interval) internal {
        trading.settle(interval, 1, registry.memberCount());
    }
}
