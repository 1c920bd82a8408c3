// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title Token for energy shared inside the community: capped, and a vote in it.
/// @dev Votes are counted by time, not by block number, which means nothing on a chain that mints a block per
/// transaction.
contract RewardToken is ERC20Burnable, ERC20Capped, ERC20Permit, ERC20Votes, AccessManaged {
    /// @param authority_ The access manager.
    /// @param cap_ Most tokens that can ever exist, in token units.
    constructor(address authority_, uint256 cap_)
        ERC20("Microgrid Reward", "MGR")
        ERC20Permit("Microgrid Reward")
        ERC20Capped(cap_)
        AccessManaged(authority_)
    {}

    /// @notice Mints tokens; the reward system alone may call it.
    /// @param to Who gets them.
    /// @param amount Token units.
    function mint(address to, uint256 amount) external restricted {
        _mint(to, amount);
    }

    /// @notice The votes' clock: Unix seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice The clock's name (ERC-6372).
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Next nonce of permits and delegations by signature.
    /// @param owner Who signs.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Capped, ERC20Votes) {
        super._update(from, to, value);
    }
}
