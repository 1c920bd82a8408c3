// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmergencyControl} from "./IEmergencyControl.sol";

/// @title Demand response: homes that use less when the grid asks are paid from a budget escrowed beforehand.
/// @notice Announced -> Dispatched -> Recovering -> Measured -> Settled, or Cancelled before the event begins.
/// A home's saving is its baseline minus its metered import, summed over the event; the baseline is its mean import in
/// past intervals that the announcement names and that had ended by then. Of event and baseline each interval must be
/// read, and the one before: a reading after a silence brings the energy of all of it. The event pays
/// min(budget, rate * max(0, sum of all savings, increases counted)) and shares it among the homes that saved in
/// proportion to what they saved. So moving load from one enrolled home to another adds nothing to what is paid, and a
/// home in parts is paid no more than the same home whole when its parts save together.
interface IDemandResponse {
    enum Status {
        None,
        Announced,
        Dispatched,
        Recovering,
        Measured,
        Settled,
        Cancelled
    }

    /// @param firstInterval First interval of the event.
    /// @param intervals Number of its intervals, 1 to 8.
    /// @param baselineFirst First interval of the baseline.
    /// @param baselineIntervals Number of its intervals, 1 to 24; the same hours of the day before serve best.
    /// @param zone The feeder zone asked, `ALL_ZONES` for all.
    /// @param rate Incentive, micro per kWh saved.
    /// @param budget Most that is paid, micro; taken from the caller.
    struct Terms {
        uint64 firstInterval;
        uint32 intervals;
        uint64 baselineFirst;
        uint32 baselineIntervals;
        uint32 zone;
        uint64 rate;
        uint128 budget;
    }

    /// @param stage Number of priority classes that were called, zero before dispatch.
    /// @param participants Number of homes that enrolled.
    /// @param measured Number of them that are measured.
    /// @param netWh Sum of all savings, increases counted.
    /// @param savedWh Sum of the savings that are paid.
    /// @param payout What the event pays, micro; known when settled.
    struct EventState {
        Status status;
        uint8 stage;
        uint32 participants;
        uint32 measured;
        int128 netWh;
        uint128 savedWh;
        uint128 payout;
        address sponsor;
    }

    /// @param baselineWh Expected import in the whole event, fixed at enrolment from intervals before the announcement.
    /// @param savedWh What it is paid for.
    /// @param class The member's priority class at enrolment.
    /// @param place Where in the list of participants it stands.
    /// @param optedOut Whether it left after the event began: its increase counts, its saving does not.
    struct Participation {
        uint64 baselineWh;
        uint64 savedWh;
        IEmergencyControl.PriorityClass class;
        bool enrolled;
        bool optedOut;
        bool measured;
        bool paid;
        uint32 place;
    }

    /// @notice An event was announced and its budget escrowed.
    event EventAnnounced(uint256 indexed eventId, address indexed sponsor, Terms terms);

    /// @notice A home takes part.
    event Enrolled(uint256 indexed eventId, uint32 indexed memberId, uint64 baselineWh);

    /// @notice A home left.
    event OptedOut(uint256 indexed eventId, uint32 indexed memberId);

    /// @notice The homes of the first `stage` priority classes are called: 1 is Flexible, 2 also Standard, 3 also
    /// Essential.
    event EventDispatched(uint256 indexed eventId, uint8 stage);

    /// @notice The event has ended; curtailed classes come back one after the other until this time.
    event RecoveryStarted(uint256 indexed eventId, uint64 until);

    /// @notice A home's saving was measured; negative is an increase. Without a reading it is unknown and not paid.
    event SavingMeasured(uint256 indexed eventId, uint32 indexed memberId, int256 savingWh, bool known);

    /// @notice All homes are measured.
    event EventMeasured(uint256 indexed eventId, int256 netWh, uint256 savedWh);

    /// @notice What the event pays is fixed.
    event EventSettled(uint256 indexed eventId, uint256 payout, uint256 refund);

    /// @notice The event was cancelled before it began; the whole budget goes back.
    event EventCancelled(uint256 indexed eventId);

    /// @notice A home was paid.
    event IncentivePaid(uint256 indexed eventId, uint32 indexed memberId, uint256 amount);

    /// @notice What the event did not pay went back to who announced it.
    event BudgetRefunded(uint256 indexed eventId, address indexed sponsor, uint256 amount);

    /// @notice The terms do not keep the relations that their descriptions name.
    error InvalidTerms();

    /// @notice The event begins with an interval that has begun.
    error EventInThePast(uint64 firstInterval, uint64 current);

    /// @notice The baseline must have ended, and be within 32 intervals of the event's begin.
    error BaselineOutOfReach(uint64 baselineFirst, uint64 earliest, uint64 latestEnd);

    /// @notice The token delivered another amount than was asked for.
    error BudgetNotReceived(uint256 expected, uint256 received);

    /// @notice The event is at another point of its life.
    error WrongStatus(uint256 eventId, Status actual);

    /// @notice The event has begun.
    error EventBegun(uint256 eventId, uint64 begin);

    /// @notice The event has not ended.
    error EventNotOver(uint256 eventId, uint64 end);

    /// @notice The caller is no member.
    error NotAMember(address account);

    /// @notice The member's meter is in another zone, or it has none.
    error OutsideZone(uint32 memberId, uint32 zone);

    /// @notice Critical loads are not curtailed.
    error CriticalLoad(uint32 memberId);

    /// @notice The home takes part already.
    error AlreadyEnrolled(uint256 eventId, uint32 memberId);

    /// @notice The home does not take part, or left.
    error NotEnrolled(uint256 eventId, uint32 memberId);

    /// @notice A reading of the baseline is missing, or the one before it: unknown is not zero.
    error BaselineUnknown(uint32 memberId, uint64 interval);

    /// @notice The saving of this interval is promised to another event.
    error IntervalAlreadyPromised(uint32 memberId, uint64 interval, uint256 eventId);

    /// @notice A stage is from 1 to 3.
    error InvalidStage(uint8 stage);

    /// @notice The home has been paid, or saved nothing that is paid.
    error NothingToPay(uint256 eventId, uint32 memberId);

    /// @notice The budget's rest has gone back.
    error NothingToRefund(uint256 eventId);

    /// @notice Announces an event and takes its budget; only an operator may.
    /// @param terms All about it.
    /// @return eventId Its number, counting from 1.
    function announce(Terms calldata terms) external returns (uint256 eventId);

    /// @notice Takes part with the caller's home, until the event begins.
    /// @param eventId The event.
    function enrol(uint256 eventId) external;

    /// @notice Leaves the event, at any time until it is measured. Before it begins as if never enrolled.
    /// @param eventId The event.
    function optOut(uint256 eventId) external;

    /// @notice Calls the homes of the first priority classes, before the event begins; only an operator may.
    /// @param eventId The event.
    /// @param stage Number of classes, 1 to 3.
    function dispatch(uint256 eventId, uint8 stage) external;

    /// @notice Cancels an event: an operator before it begins; anyone when it began without dispatch.
    /// @param eventId The event.
    function cancel(uint256 eventId) external;

    /// @notice Begins the recovery after the event's end; anyone may call it.
    /// @param eventId The event.
    function recover(uint256 eventId) external;

    /// @notice Measures homes by the places in which they enrolled; anyone may call it, as often as needed. A home
    /// without readings waits until the deadline and is not paid then.
    /// @param eventId The event.
    /// @param from First place, counting from 0.
    /// @param count Number of places.
    function measure(uint256 eventId, uint256 from, uint256 count) external;

    /// @notice Fixes what the event pays, once all homes are measured; anyone may call it.
    /// @param eventId The event.
    function settle(uint256 eventId) external;

    /// @notice Pays a home its incentive, once; anyone may call it, the home's account gets the money.
    /// @param eventId The event.
    /// @param memberId The home.
    /// @return amount Micro.
    function claim(uint256 eventId, uint32 memberId) external returns (uint256 amount);

    /// @notice Pays back what the event does not pay; anyone may call it, who announced it gets the money.
    /// @param eventId The event.
    /// @return amount Micro.
    function refund(uint256 eventId) external returns (uint256 amount);

    /// @notice The terms of an event.
    /// @param eventId The event.
    function termsOf(uint256 eventId) external view returns (Terms memory);

    /// @notice Where an event is in its life.
    /// @param eventId The event.
    function stateOf(uint256 eventId) external view returns (EventState memory);

    /// @notice A home's part in an event.
    /// @param eventId The event.
    /// @param memberId The home.
    function participation(uint256 eventId, uint32 memberId) external view returns (Participation memory);

    /// @notice The member in a place of an event, counting from 0.
    /// @param eventId The event.
    /// @param place The place.
    function participantAt(uint256 eventId, uint256 place) external view returns (uint32 memberId);

    /// @notice Whether a home is to curtail its load now: called, in the event, or not yet back in the recovery.
    /// @param eventId The event.
    /// @param memberId The home.
    function isCurtailed(uint256 eventId, uint32 memberId) external view returns (bool);

    /// @notice What a home can claim, micro.
    /// @param eventId The event.
    /// @param memberId The home.
    function incentive(uint256 eventId, uint32 memberId) external view returns (uint256);

    /// @notice The event that a home's saving in an interval is promised to, zero for none.
    /// @param memberId The home.
    /// @param interval The interval's index.
    function promisedTo(uint32 memberId, uint64 interval) external view returns (uint256 eventId);

    /// @notice Number of events, and the number of the latest one.
    function eventCount() external view returns (uint256);
}
