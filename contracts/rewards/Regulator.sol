// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IRegulator} from "../interfaces/IRegulator.sol";

/// @title Regulator: what good and bad conduct earns and costs, and who may place no orders for a while.
contract Regulator is IRegulator, AccessManaged {
    /// @notice Longest ban, so that a lost maintainer cannot shut a home out for good.
    uint64 public constant MAX_BAN_SECONDS = 7 days;

    /// @notice Length of a ban for arrears, intervals.
    uint32 public constant ARREARS_INTERVALS = 3;

    /// @notice Largest bonus and penalty, token units per kWh.
    uint256 public constant MAX_TERM = 100e18;

    /// @notice Where members are numbered.
    IDeviceRegistry public immutable registry;

    /// @notice Where balances are.
    IEnergyTrading public immutable trading;

    uint64 private immutable INTERVAL_SECONDS;

    Terms private _terms;
    mapping(uint32 memberId => Ban) private _bans;

    /// @param authority_ The access manager.
    /// @param registry_ Where members are numbered.
    /// @param trading_ Where balances are.
    /// @param terms_ Bonus and penalty.
    constructor(address authority_, IDeviceRegistry registry_, IEnergyTrading trading_, Terms memory terms_)
        AccessManaged(authority_)
    {
        registry = registry_;
        trading = trading_;
        INTERVAL_SECONDS = registry_.intervalSeconds();
        _setTerms(terms_);
    }

    /// @inheritdoc IRegulator
    function ban(uint32 memberId, uint32 intervals, Reason reason) external restricted {
        if (reason != Reason.GridUse && reason != Reason.Conduct) revert InvalidReason(reason);
        uint256 max = MAX_BAN_SECONDS / INTERVAL_SECONDS;
        if (intervals == 0 || intervals > max) revert InvalidBanLength(intervals, max);
        _accountOf(memberId);
        _ban(memberId, intervals, reason);
    }

    /// @inheritdoc IRegulator
    function banForArrears(uint32 memberId) external {
        int256 balance = trading.balanceOf(_accountOf(memberId));
        if (balance >= 0) revert NotInArrears(memberId, balance);
        // A ban that a maintainer set is not shortened by this.
        if (!isBanned(memberId)) _ban(memberId, ARREARS_INTERVALS, Reason.Arrears);
    }

    /// @inheritdoc IRegulator
    function lift(uint32 memberId) external restricted {
        if (!isBanned(memberId)) revert NotBanned(memberId);
        _bans[memberId].until = uint64(block.timestamp);
        emit BanLifted(memberId);
    }

    /// @inheritdoc IRegulator
    function setTerms(Terms calldata terms_) external restricted {
        _setTerms(terms_);
    }

    /// @inheritdoc IRegulator
    function banOf(uint32 memberId) external view returns (Ban memory) {
        return _bans[memberId];
    }

    /// @inheritdoc IRegulator
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IRegulator
    function isBanned(uint32 memberId) public view returns (bool) {
        Ban memory latest = _bans[memberId];
        if (block.timestamp >= latest.until) return false;
        return latest.reason != Reason.Arrears || trading.balanceOf(registry.accountOf(memberId)) < 0;
    }

    function _ban(uint32 memberId, uint32 intervals, Reason reason) private {
        uint64 until = uint64(block.timestamp) + intervals * INTERVAL_SECONDS;
        _bans[memberId] = Ban(until, reason);
        emit MemberBanned(memberId, until, reason);
    }

    function _setTerms(Terms memory terms_) private {
        if (terms_.bonusPerKwh > MAX_TERM) revert TermTooHigh(terms_.bonusPerKwh, MAX_TERM);
        if (terms_.penaltyPerKwh > MAX_TERM) revert TermTooHigh(terms_.penaltyPerKwh, MAX_TERM);
        _terms = terms_;
        emit TermsSet(terms_.bonusPerKwh, terms_.penaltyPerKwh);
    }

    function _accountOf(uint32 memberId) private view returns (address account) {
        account = registry.accountOf(memberId);
        if (account == address(0)) revert MemberNotFound(memberId);
    }
}
