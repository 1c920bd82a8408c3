// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";

/// @title A token that keeps one per cent of each transfer and, on demand, calls back while it moves, for tests.
contract FeeToken is ERC20 {
    bytes private _attack;
    address private _target;

    constructor() ERC20("Fee", "FEE") {}

    /// @notice Issues money to anybody.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice From now on each transfer calls `target` with `data` and bubbles up its failure.
    function attack(address target, bytes calldata data) external {
        _target = target;
        _attack = data;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0), value / 100);
        if (_target == address(0)) return;
        (bool ok, bytes memory reason) = _target.call(_attack);
        if (!ok) _bubble(reason);
    }

    function _bubble(bytes memory reason) private pure {
        // The only way to pass on a custom error unchanged.
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
