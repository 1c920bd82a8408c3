// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Money of local chains: six decimals, as the common stablecoins have. A real market uses one of those instead.
contract PaymentToken is ERC20Permit, AccessManaged {
    /// @param authority_ The access manager.
    constructor(address authority_)
        ERC20("Microgrid Credit", "MGC")
        ERC20Permit("Microgrid Credit")
        AccessManaged(authority_)
    {}

    /// @notice Issues money; only an issuer may.
    /// @param to Who gets it.
    /// @param amount Micro.
    function mint(address to, uint256 amount) external restricted {
        _mint(to, amount);
    }

    /// @notice Decimals of the token.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
