// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDemandResponse} from "../interfaces/IDemandResponse.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEmergencyControl} from "../interfaces/IEmergencyControl.sol";

/// @title Demand response: homes that use less when the grid asks are paid from a budget escrowed beforehand.
contract DemandResponse is IDemandResponse, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Zone of an event that asks all zones.
    uint32 public constant ALL_ZONES = type(uint32).max;

    /// @notice A home without readings is not paid this many intervals after the event.
    uint64 public constant MEASURE_INTERVALS = 6;

    /// @notice Length of the recovery.
    uint64 public constant RECOVERY_INTERVALS = 1;

    uint32 private constant MAX_INTERVALS = 8;
    uint32 private constant MAX_BASELINE_INTERVALS = 24;

    /// @dev The registry keeps so many intervals; the baseline must last until the event begins.
    uint64 private constant KEPT_INTERVALS = 32;
    uint8 private constant MAX_STAGE = uint8(IEmergencyControl.PriorityClass.Critical);
    uint256 private constant WH_PER_KWH = 1000;

    /// @notice What incentives are paid in.
    IERC20 public immutable paymentToken;

    /// @notice Where meters are read.
    IDeviceRegistry public immutable registry;

    /// @notice Where priority classes are kept.
    IEmergencyControl public immutable emergencyControl;

    uint64 private immutable INTERVAL_SECONDS;

    uint256 private _eventCount;
    mapping(uint256 eventId => Terms) private _terms;
    mapping(uint256 eventId => EventState) private _states;
    mapping(uint256 eventId => bool) private _refunded;
    mapping(uint256 eventId => uint32[]) private _participants;
    mapping(uint256 eventId => mapping(uint32 memberId => Participation)) private _parts;
    mapping(uint32 memberId => mapping(uint64 interval => uint256 eventId)) private _promises;

    /// @param authority_ The access manager.
    /// @param paymentToken_ What incentives are paid in.
    /// @param registry_ Where meters are read.
    /// @param emergencyControl_ Where priority classes are kept.
    constructor(
        address authority_,
        IERC20 paymentToken_,
        IDeviceRegistry registry_,
        IEmergencyControl emergencyControl_
    ) AccessManaged(authority_) {
        paymentToken = paymentToken_;
        registry = registry_;
        emergencyControl = emergencyControl_;
        INTERVAL_SECONDS = registry_.intervalSeconds();
    }

    /// @inheritdoc IDemandResponse
    function announce(Terms calldata terms) external restricted nonReentrant returns (uint256 eventId) {
        _checkTerms(terms);
        eventId = ++_eventCount;
        _terms[eventId] = terms;
        _states[eventId].status = Status.Announced;
        _states[eventId].sponsor = msg.sender;
        emit EventAnnounced(eventId, msg.sender, terms);
        uint256 before = paymentToken.balanceOf(address(this));
        paymentToken.safeTransferFrom(msg.sender, address(this), terms.budget);
        uint256 received = paymentToken.balanceOf(address(this)) - before;
        if (received != terms.budget) revert BudgetNotReceived(terms.budget, received);
    }

    /// @inheritdoc IDemandResponse
    function enrol(uint256 eventId) external {
        EventState storage state = _states[eventId];
        if (state.status != Status.Announced) revert WrongStatus(eventId, state.status);
        Terms memory terms = _terms[eventId];
        _checkNotBegun(eventId, terms);
        uint32 memberId = _callerId();
        Participation storage part = _parts[eventId][memberId];
        if (part.enrolled) revert AlreadyEnrolled(eventId, memberId);
        _checkZone(memberId, terms.zone);
        part.class = emergencyControl.priorityOf(memberId);
        if (part.class == IEmergencyControl.PriorityClass.Critical) revert CriticalLoad(memberId);
        _promise(eventId, memberId, terms);
        part.enrolled = true;
        part.baselineWh = _baseline(memberId, terms);
        part.place = state.participants++;
        _participants[eventId].push(memberId);
        emit Enrolled(eventId, memberId, part.baselineWh);
    }

    /// @inheritdoc IDemandResponse
    function optOut(uint256 eventId) external {
        Status status = _states[eventId].status;
        bool open = status == Status.Announced || status == Status.Dispatched || status == Status.Recovering;
        if (!open) revert WrongStatus(eventId, status);
        uint32 memberId = _callerId();
        Participation storage part = _parts[eventId][memberId];
        if (!part.enrolled || part.optedOut || part.measured) revert NotEnrolled(eventId, memberId);
        Terms memory terms = _terms[eventId];
        if (block.timestamp < _begin(terms)) _leave(eventId, memberId, terms);
        else part.optedOut = true;
        emit OptedOut(eventId, memberId);
    }

    /// @inheritdoc IDemandResponse
    function dispatch(uint256 eventId, uint8 stage) external restricted {
        EventState storage state = _states[eventId];
        if (state.status != Status.Announced) revert WrongStatus(eventId, state.status);
        if (stage == 0 || stage > MAX_STAGE) revert InvalidStage(stage);
        _checkNotBegun(eventId, _terms[eventId]);
        (state.status, state.stage) = (Status.Dispatched, stage);
        emit EventDispatched(eventId, stage);
    }

    /// @inheritdoc IDemandResponse
    function cancel(uint256 eventId) external {
        EventState storage state = _states[eventId];
        Status status = state.status;
        bool begun = block.timestamp >= _begin(_terms[eventId]);
        if (status != Status.Announced && (status != Status.Dispatched || begun)) revert WrongStatus(eventId, status);
        // An event that began without dispatch is dead: whoever comes by may free its budget.
        if (!begun) _checkCanCall(msg.sender, msg.data);
        state.status = Status.Cancelled;
        emit EventCancelled(eventId);
    }

    /// @inheritdoc IDemandResponse
    function recover(uint256 eventId) external {
        EventState storage state = _states[eventId];
        if (state.status != Status.Dispatched) revert WrongStatus(eventId, state.status);
        uint64 end = _end(_terms[eventId]);
        if (block.timestamp < end) revert EventNotOver(eventId, end);
        state.status = Status.Recovering;
        emit RecoveryStarted(eventId, end + RECOVERY_INTERVALS * INTERVAL_SECONDS);
        _closeIfMeasured(eventId, state);
    }

    /// @inheritdoc IDemandResponse
    function measure(uint256 eventId, uint256 from, uint256 count) external {
        EventState storage state = _states[eventId];
        if (state.status != Status.Recovering) revert WrongStatus(eventId, state.status);
        Terms memory terms = _terms[eventId];
        uint32[] storage participants = _participants[eventId];
        uint256 to = Math.min(Math.saturatingAdd(from, count), participants.length);
        for (uint256 place = from; place < to; ++place) _measure(eventId, state, terms, participants[place]);
        _closeIfMeasured(eventId, state);
    }

    /// @inheritdoc IDemandResponse
    function settle(uint256 eventId) external {
        EventState storage state = _states[eventId];
        if (state.status != Status.Measured) revert WrongStatus(eventId, state.status);
        Terms memory terms = _terms[eventId];
        uint256 netWh = state.netWh > 0 ? uint128(state.netWh) : 0;
        uint256 payout = Math.min(terms.budget, (netWh * terms.rate) / WH_PER_KWH);
        (state.status, state.payout) = (Status.Settled, uint128(payout));
        emit EventSettled(eventId, payout, terms.budget - payout);
    }

    /// @inheritdoc IDemandResponse
    function claim(uint256 eventId, uint32 memberId) external nonReentrant returns (uint256 amount) {
        amount = incentive(eventId, memberId);
        if (amount == 0) revert NothingToPay(eventId, memberId);
        _parts[eventId][memberId].paid = true;
        emit IncentivePaid(eventId, memberId, amount);
        paymentToken.safeTransfer(registry.accountOf(memberId), amount);
    }

    /// @inheritdoc IDemandResponse
    function refund(uint256 eventId) external nonReentrant returns (uint256 amount) {
        EventState memory state = _states[eventId];
        if (state.status != Status.Settled && state.status != Status.Cancelled) {
            revert WrongStatus(eventId, state.status);
        }
        amount = _terms[eventId].budget - state.payout;
        if (_refunded[eventId] || amount == 0) revert NothingToRefund(eventId);
        _refunded[eventId] = true;
        emit BudgetRefunded(eventId, state.sponsor, amount);
        paymentToken.safeTransfer(state.sponsor, amount);
    }

    /// @inheritdoc IDemandResponse
    function termsOf(uint256 eventId) external view returns (Terms memory) {
        return _terms[eventId];
    }

    /// @inheritdoc IDemandResponse
    function stateOf(uint256 eventId) external view returns (EventState memory) {
        return _states[eventId];
    }

    /// @inheritdoc IDemandResponse
    function participation(uint256 eventId, uint32 memberId) external view returns (Participation memory) {
        return _parts[eventId][memberId];
    }

    /// @inheritdoc IDemandResponse
    function participantAt(uint256 eventId, uint256 place) external view returns (uint32 memberId) {
        return _participants[eventId][place];
    }

    /// @inheritdoc IDemandResponse
    function isCurtailed(uint256 eventId, uint32 memberId) external view returns (bool) {
        Participation memory part = _parts[eventId][memberId];
        if (!part.enrolled || part.optedOut) return false;
        EventState memory state = _states[eventId];
        Terms memory terms = _terms[eventId];
        if (state.stage == 0 || state.status == Status.Cancelled || block.timestamp < _begin(terms)) return false;
        uint256 stage = state.stage;
        uint256 end = _end(terms);
        if (block.timestamp >= end) {
            // The most important come back first, in equal steps of time.
            uint256 length = RECOVERY_INTERVALS * INTERVAL_SECONDS;
            if (block.timestamp >= end + length) return false;
            stage = Math.ceilDiv(stage * (end + length - block.timestamp), length);
        }
        return uint8(part.class) < stage;
    }

    /// @inheritdoc IDemandResponse
    function promisedTo(uint32 memberId, uint64 interval) external view returns (uint256 eventId) {
        eventId = _promisedTo(memberId, interval);
    }

    /// @inheritdoc IDemandResponse
    function eventCount() external view returns (uint256) {
        return _eventCount;
    }

    /// @inheritdoc IDemandResponse
    function incentive(uint256 eventId, uint32 memberId) public view returns (uint256) {
        EventState memory state = _states[eventId];
        Participation memory part = _parts[eventId][memberId];
        if (state.status != Status.Settled || part.paid || part.savedWh == 0) return 0;
        return Math.mulDiv(state.payout, part.savedWh, state.savedWh);
    }

    function _checkTerms(Terms calldata terms) private view {
        bool lengths = terms.intervals > 0 && terms.intervals <= MAX_INTERVALS && terms.baselineIntervals > 0
            && terms.baselineIntervals <= MAX_BASELINE_INTERVALS;
        if (!lengths || terms.rate == 0 || terms.budget == 0) revert InvalidTerms();
        uint64 current = uint64(block.timestamp) / INTERVAL_SECONDS;
        if (terms.firstInterval <= current) revert EventInThePast(terms.firstInterval, current);
        uint64 earliest = terms.firstInterval < KEPT_INTERVALS ? 0 : terms.firstInterval + 1 - KEPT_INTERVALS;
        bool within = terms.baselineFirst >= earliest && terms.baselineFirst <= current
            && terms.baselineFirst + terms.baselineIntervals <= current;
        if (!within) revert BaselineOutOfReach(terms.baselineFirst, earliest, current);
    }

    function _checkZone(uint32 memberId, uint32 zone) private view {
        bytes32 meter = registry.meterOf(memberId);
        bool inside = meter != 0 && (zone == ALL_ZONES || registry.device(meter).zone == zone);
        if (!inside) revert OutsideZone(memberId, zone);
    }

    function _checkNotBegun(uint256 eventId, Terms memory terms) private view {
        uint64 begin = _begin(terms);
        if (block.timestamp >= begin) revert EventBegun(eventId, begin);
    }

    /// @dev Import expected in the whole event, from intervals that had ended before it was announced.
    function _baseline(uint32 memberId, Terms memory terms) private view returns (uint64) {
        (uint256 sumWh, uint64 unknown) = _imported(memberId, terms.baselineFirst, terms.baselineIntervals);
        if (unknown != 0) revert BaselineUnknown(memberId, unknown);
        return uint64((sumWh * terms.intervals) / terms.baselineIntervals);
    }

    /// @dev Marks the event's intervals as this home's promise, so that no other event pays for them.
    function _promise(uint256 eventId, uint32 memberId, Terms memory terms) private {
        for (uint64 i = 0; i < terms.intervals; ++i) {
            uint64 interval = terms.firstInterval + i;
            uint256 other = _promisedTo(memberId, interval);
            if (other != 0) revert IntervalAlreadyPromised(memberId, interval, other);
            _promises[memberId][interval] = eventId;
        }
    }

    /// @dev A cancelled event holds nobody to a promise.
    function _promisedTo(uint32 memberId, uint64 interval) private view returns (uint256 eventId) {
        eventId = _promises[memberId][interval];
        if (_states[eventId].status == Status.Cancelled) eventId = 0;
    }

    /// @dev As if never enrolled; the last participant takes the place.
    function _leave(uint256 eventId, uint32 memberId, Terms memory terms) private {
        for (uint64 i = 0; i < terms.intervals; ++i) delete _promises[memberId][terms.firstInterval + i];
        uint32 place = _parts[eventId][memberId].place;
        uint32[] storage participants = _participants[eventId];
        uint32 last = participants[--_states[eventId].participants];
        participants[place] = last;
        _parts[eventId][last].place = place;
        participants.pop();
        delete _parts[eventId][memberId];
    }

    function _measure(uint256 eventId, EventState storage state, Terms memory terms, uint32 memberId) private {
        Participation storage part = _parts[eventId][memberId];
        if (part.measured) return;
        (uint256 importWh, uint64 unknown) = _imported(memberId, terms.firstInterval, terms.intervals);
        bool known = unknown == 0;
        if (!known && block.timestamp < _end(terms) + MEASURE_INTERVALS * INTERVAL_SECONDS) return;
        part.measured = true;
        ++state.measured;
        int256 savingWh = known ? int256(uint256(part.baselineWh)) - int256(importWh) : int256(0);
        emit SavingMeasured(eventId, memberId, savingWh, known);
        // Who was not called has no part in it; of who left, only what it used more counts.
        if (uint8(part.class) >= state.stage || (part.optedOut && savingWh > 0)) return;
        state.netWh += int128(savingWh);
        if (savingWh <= 0) return;
        part.savedWh = uint64(uint256(savingWh));
        state.savedWh += uint128(uint256(savingWh));
    }

    /// @dev Import of some intervals, or the first of them that is unknown (zero never is one). A reading after a silence
    /// brings the energy of all of it: the interval before them, too, must be known.
    function _imported(uint32 memberId, uint64 first, uint32 intervals)
        private
        view
        returns (uint256 sumWh, uint64 unknown)
    {
        for (uint64 interval = first - 1; interval < first + intervals; ++interval) {
            (uint64 importWh,, bool known) = registry.intervalEnergy(memberId, interval);
            if (!known) return (0, interval);
            if (interval >= first) sumWh += importWh;
        }
    }

    function _closeIfMeasured(uint256 eventId, EventState storage state) private {
        if (state.measured != state.participants) return;
        state.status = Status.Measured;
        emit EventMeasured(eventId, state.netWh, state.savedWh);
    }

    function _callerId() private view returns (uint32 memberId) {
        memberId = registry.memberOf(msg.sender);
        if (memberId == 0) revert NotAMember(msg.sender);
    }

    function _begin(Terms memory terms) private view returns (uint64) {
        return terms.firstInterval * INTERVAL_SECONDS;
    }

    function _end(Terms memory terms) private view returns (uint64) {
        return (terms.firstInterval + terms.intervals) * INTERVAL_SECONDS;
    }
}
