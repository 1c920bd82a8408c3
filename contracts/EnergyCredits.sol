// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IEnergyCredits} from "./interfaces/IEnergyCredits.sol";

/// @title Energy credits, minted only from metered export.
/// @dev Nobody has a privilege here: there is no owner, no pause and no parameter.
contract EnergyCredits is IEnergyCredits {
    using BitMaps for BitMaps.BitMap;

    /// @notice Where meters are read.
    IDeviceRegistry public immutable registry;

    /// @inheritdoc IEnergyCredits
    address public immutable centralSupply;

    /// @inheritdoc IEnergyCredits
    uint256 public totalMinted;

    /// @inheritdoc IEnergyCredits
    uint256 public totalSpent;

    /// @inheritdoc IEnergyCredits
    mapping(address account => uint256) public balanceOf;

    mapping(uint64 interval => BitMaps.BitMap) private _minted;

    /// @param registry_ The device registry.
    /// @param centralSupply_ The community's central supply account.
    constructor(IDeviceRegistry registry_, address centralSupply_) {
        if (centralSupply_ == address(0)) revert UnknownAccount(centralSupply_);
        registry = registry_;
        centralSupply = centralSupply_;
    }

    /// @inheritdoc IEnergyCredits
    function mint(uint64 interval, uint32 memberId) external returns (uint256 amountWh) {
        if (_minted[interval].get(memberId)) revert AlreadyMinted(interval, memberId);
        (, uint64 exportWh, bool known) = registry.intervalEnergy(memberId, interval);
        if (!known) revert NotMetered(interval, memberId);
        if (exportWh == 0) revert NoCredits();
        address account = registry.accountOf(memberId);
        amountWh = exportWh;
        _minted[interval].set(memberId);
        totalMinted += amountWh;
        balanceOf[account] += amountWh;
        emit CreditsMinted(interval, account, amountWh);
    }

    /// @inheritdoc IEnergyCredits
    function transfer(address to, uint256 amountWh) external {
        if (to != centralSupply && registry.memberOf(to) == 0) revert UnknownAccount(to);
        _take(amountWh);
        balanceOf[to] += amountWh;
        emit CreditsTransferred(msg.sender, to, amountWh);
    }

    /// @inheritdoc IEnergyCredits
    function spend(uint256 amountWh, bytes32 purpose) external {
        _take(amountWh);
        totalSpent += amountWh;
        emit CreditsSpent(msg.sender, amountWh, purpose);
    }

    /// @inheritdoc IEnergyCredits
    function minted(uint64 interval, uint32 memberId) external view returns (bool) {
        return _minted[interval].get(memberId);
    }

    function _take(uint256 amountWh) private {
        if (amountWh == 0) revert NoCredits();
        uint256 balance = balanceOf[msg.sender];
        if (balance < amountWh) revert InsufficientCredits(msg.sender, balance, amountWh);
        balanceOf[msg.sender] = balance - amountWh;
    }
}
