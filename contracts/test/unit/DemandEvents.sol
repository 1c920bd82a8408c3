// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {DemandResponse} from "../../grid/DemandResponse.sol";
import {IDemandResponse} from "../../interfaces/IDemandResponse.sol";
import {IEmergencyControl} from "../../interfaces/IEmergencyControl.sol";
import {PaymentToken} from "../../tokens/PaymentToken.sol";
import {Emergencies} from "./Emergencies.sol";

/// @title Four homes with four metered intervals behind them, and an operator with money for events.
/// @dev Home 1 is Flexible, 2 and 4 are Standard, 3 is Essential; 4 lives in another zone. For two intervals their
/// baselines are 2000, 1600, 2000 (of 2000.5) and 600 Wh.
abstract contract DemandEvents is Emergencies {
    uint64 internal constant FIRST = START + 6;
    uint64 internal constant BEGIN = FIRST * HOUR;
    uint64 internal constant END = (FIRST + 2) * HOUR;
    uint128 internal constant BUDGET = 1_000_000;
    uint32 internal constant OTHER_ZONE = 8;

    PaymentToken internal money;
    DemandResponse internal demand;

    function _found() internal override {
        super._found();
        _join(ZONE);
        _join(ZONE);
        _join(OTHER_ZONE);
        _setPriority(1, IEmergencyControl.PriorityClass.Flexible);
        _setPriority(3, IEmergencyControl.PriorityClass.Essential);
        for (uint64 i = 0; i < 4; ++i) {
            _meterUse(1, START + i, 1000, 0);
            _meterUse(2, START + i, 500 + 200 * i, 7);
            _meterUse(3, START + i, i == 0 ? 1001 : 1000, 0);
            _meterUse(4, START + i, 300, 0);
        }
        money = new PaymentToken(address(manager));
        demand = new DemandResponse(address(manager), money, registry, control);
        _allow(address(money), money.mint.selector, ISSUER);
        _allow(address(demand), demand.announce.selector, OPERATOR);
        _allow(address(demand), demand.dispatch.selector, OPERATOR);
        _allow(address(demand), demand.cancel.selector, OPERATOR);
        _as(ISSUER);
        money.mint(_holder(OPERATOR), 10 * BUDGET);
        _as(OPERATOR);
        money.approve(address(demand), type(uint256).max);
    }

    /// @dev One interval before those of the baseline is known, too.
    function _readFirst(uint256 memberId) internal override {
        _read(_meter(memberId), _meterKey(memberId), (START - 1) * HOUR, 0, 0);
        super._readFirst(memberId);
    }

    /// @dev An event of two intervals, 0.1 for a kWh, on the mean of all four metered intervals.
    function _terms() internal pure returns (IDemandResponse.Terms memory) {
        return IDemandResponse.Terms(FIRST, 2, START, 4, type(uint32).max, 100_000, BUDGET);
    }

    function _announce(IDemandResponse.Terms memory terms) internal returns (uint256) {
        _as(OPERATOR);
        return demand.announce(terms);
    }

    function _enrol(uint256 eventId, uint256 memberId) internal {
        vm.prank(_account(memberId));
        demand.enrol(eventId);
    }

    function _optOut(uint256 eventId, uint256 memberId) internal {
        vm.prank(_account(memberId));
        demand.optOut(eventId);
    }

    function _dispatch(uint256 eventId, uint8 stage) internal {
        _as(OPERATOR);
        demand.dispatch(eventId, stage);
    }

    /// @dev Meters a home up to the event's begin and through its two intervals.
    function _useInEvent(uint256 memberId, uint64 firstWh, uint64 secondWh) internal {
        _meterUse(memberId, FIRST - 1, 0, 0);
        _meterUse(memberId, FIRST, firstWh, 0);
        _meterUse(memberId, FIRST + 1, secondWh, 0);
    }

    function _expectStatus(uint256 eventId, IDemandResponse.Status status) internal view {
        cheats.assertTrue(demand.stateOf(eventId).status == status);
    }

    function _wrongStatus(uint256 eventId, IDemandResponse.Status actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDemandResponse.WrongStatus.selector, eventId, actual);
    }

    function _failsFor(uint256 memberId, bytes memory call, bytes memory reason) internal {
        _fails(_account(memberId), address(demand), call, reason);
    }
}
