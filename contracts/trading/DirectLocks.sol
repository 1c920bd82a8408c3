// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {DirectTrading} from "../DirectTrading.sol";
import {IDirectTrading} from "../interfaces/IDirectTrading.sol";
import {IMoneyLocks} from "../interfaces/IMoneyLocks.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {OrderCancelling} from "./OrderCancelling.sol";

/// @title The market's side of direct trading: locked money and the deals that settlement counts in.
abstract contract DirectLocks is IMoneyLocks, OrderCancelling {
    using AccountWord for uint256;

    /// @inheritdoc IMoneyLocks
    IDirectTrading public immutable directTrading;

    constructor() {
        directTrading = new DirectTrading(registry, gridBalance);
    }

    /// @inheritdoc IMoneyLocks
    function lockDirect(address home, uint256 energyWh, uint256 perKwh)
        external
        whenNotPaused
        returns (uint256 locked)
    {
        _onlyDirectTrading();
        locked = Settlement.ceilMicro(energyWh * perKwh);
        uint32 id = registry.memberOf(home);
        uint256 word = _accounts[id];
        int256 balance = word.balance();
        if (balance < int256(locked)) revert InsufficientBalance(home, balance, locked);
        _accounts[id] = word.withBalance(balance - int256(locked));
    }

    /// @inheritdoc IMoneyLocks
    function unlockDirect(address home, uint256 amount) external {
        _onlyDirectTrading();
        _unlock(registry.memberOf(home), amount);
    }

    function _onlyDirectTrading() private view {
        if (msg.sender != address(directTrading)) revert OnlyDirectTrading(msg.sender);
    }
}
