// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Incentives: what saving, shifting, balancing and self-consumption earn, within a budget for each epoch.
/// @notice Everything is paid by energy (Wh), nothing by heads: a home split into many of its kind earns no more. An
/// epoch is a fixed number of intervals. What a home earned in it can be claimed once nothing more can be recorded; when
/// all homes together earned more than the budget, each gets its share pro rata.
/// @dev Energy saved is what an interval's import stays below the baseline: a rolling mean of the home's import in the
/// same hour of earlier days, which no later interval can change. It rises by an eighth of what is above it and falls
/// by a quarter of what is below it, so that inflating it costs more than it earns. Intervals without a reading are
/// unknown and count for nothing. The reading after them brings their energy too: it says nothing of its own interval,
/// so that it saves nothing and leaves the baseline as it is.
interface IIncentives {
    /// @param perSavedKwh For energy saved, token units per kWh.
    /// @param perPeakKwh In addition, for energy saved in hours whose price multiplier is above one.
    /// @param perStabilityKwh For energy shifted in demand-response events.
    struct IncentiveRates {
        uint80 perSavedKwh;
        uint80 perPeakKwh;
        uint80 perStabilityKwh;
    }

    /// @param budget Most that the epoch pays, token units; fixed when the first reward is earned in it.
    /// @param earned What all homes earned, before boosts and penalties.
    /// @param claimableFrom When rewards can be claimed and nothing more be recorded, Unix seconds.
    struct Epoch {
        uint256 budget;
        uint256 earned;
        uint64 claimableFrom;
    }

    /// @param lastInterval Latest interval recorded, zero for none.
    /// @param peerWh Energy drawn that was bought from peers, in the auction and directly.
    /// @param gridWh Energy drawn that was not.
    /// @param savedWh Energy saved.
    /// @param selfConsumedWh Own generation used at home.
    struct Conduct {
        uint64 lastInterval;
        uint48 peerWh;
        uint48 gridWh;
        uint48 savedWh;
        uint48 selfConsumedWh;
    }

    /// @notice A home's interval was recorded.
    event ConductRecorded(
        uint64 indexed interval, uint32 indexed memberId, uint256 savedWh, uint256 gridWh, uint256 earned, uint256 penalty
    );

    /// @notice Own generation used at home was counted.
    event SelfConsumptionRecorded(
        uint64 indexed epoch, uint32 indexed memberId, bytes32 inverterId, uint256 energyWh, uint256 earned
    );

    /// @notice A home took part in a demand-response event.
    event StabilityCredited(
        uint64 indexed epoch, uint32 indexed memberId, bytes32 eventId, uint256 energyWh, uint256 earned
    );

    /// @notice A home's reward of an epoch was minted.
    event IncentiveClaimed(uint64 indexed epoch, uint32 indexed memberId, uint256 amount);

    /// @notice Rates from now on.
    event IncentiveRatesSet(IncentiveRates rates);

    /// @notice Budget of epochs in which nothing is earned yet.
    event EpochBudgetSet(uint256 budget);

    /// @notice The interval has no clearing, so nobody knows what was bought from peers.
    error IntervalNotCleared(uint64 interval);

    /// @notice The epoch takes nothing more.
    error EpochClosed(uint64 epoch);

    /// @notice The epoch's rewards cannot be claimed yet.
    error EpochNotOver(uint64 epoch, uint64 claimableFrom);

    /// @notice The member has nothing to claim in the epoch, or claimed it.
    error NothingEarned(uint64 epoch, uint32 memberId);

    /// @notice The range is empty or beyond the members.
    error InvalidRange(uint32 from, uint32 to);

    /// @notice The device is no active inverter.
    error NotAnInverter(bytes32 deviceId);

    /// @notice The last readings of inverter and meter are not of one time.
    error ReadingsNotAligned(uint64 inverterTime, uint64 meterTime);

    /// @notice No member has this number.
    error UnknownMemberId(uint32 memberId);

    /// @notice The member's part in the event is credited already.
    error AlreadyCredited(bytes32 eventId, uint32 memberId);

    /// @notice A rate is above the largest allowed.
    error IncentiveTooHigh(uint256 rate, uint256 max);

    /// @notice An epoch has at least one interval.
    error InvalidEpoch();

    /// @notice Counts an interval for members `from` to `to` (inclusive); anyone may call it. Members without a reading,
    /// recorded already, or with an earlier interval still to be recorded are passed over; who has no reading of the
    /// interval before can save nothing in this one.
    /// @param interval Its index; it is cleared.
    /// @param from First member number, from 1.
    /// @param to Last member number.
    /// @return recorded Number of members recorded.
    function recordConduct(uint64 interval, uint32 from, uint32 to) external returns (uint32 recorded);

    /// @notice Counts what an inverter generated and the home's meter did not feed in; anyone may call it when both
    /// have a reading of one time. The first call for an inverter and meter only sets the starting point.
    /// @dev Only a new maximum of generation less feed-in counts: energy that a battery feeds in later is taken off.
    /// @param inverterId The inverter.
    /// @return energyWh Energy counted.
    function recordSelfConsumption(bytes32 inverterId) external returns (uint256 energyWh);

    /// @notice Credits a member's part in a demand-response event, once.
    /// @param eventId The event.
    /// @param memberId The member.
    /// @param energyWh Energy shifted against the baseline that was fixed before the event.
    function creditStability(bytes32 eventId, uint32 memberId, uint64 energyWh) external;

    /// @notice Mints the caller's reward of an epoch.
    /// @param epoch Its number.
    /// @return amount Token units.
    function claimIncentives(uint64 epoch) external returns (uint256 amount);

    /// @notice Sets the rates; what was recorded before keeps its value.
    /// @param rates All of them.
    function setIncentiveRates(IncentiveRates calldata rates) external;

    /// @notice Sets the budget of epochs in which nothing is earned yet.
    /// @param budget Token units.
    function setEpochBudget(uint128 budget) external;

    /// @notice What a member can claim of an epoch, as it stands now; zero once claimed.
    /// @param epoch Its number.
    /// @param memberId The member.
    function incentiveOf(uint64 epoch, uint32 memberId) external view returns (uint256);

    /// @notice An epoch.
    /// @param epoch Its number: interval / intervals of an epoch.
    function epochOf(uint64 epoch) external view returns (Epoch memory);

    /// @notice What is known of a member's conduct.
    /// @param memberId The member.
    function conductOf(uint32 memberId) external view returns (Conduct memory);

    /// @notice Behaviour score: share of saved, self-consumed and peers' energy in all energy counted, per mille.
    /// @param memberId The member.
    /// @return permille From 0 to 1000.
    /// @return known False while nothing is counted.
    function behaviourScore(uint32 memberId) external view returns (uint256 permille, bool known);

    /// @notice A member's baseline in an hour of the day.
    /// @param memberId The member.
    /// @param hour Hour of the day in UTC, 0 to 23.
    /// @return importWh Energy drawn in an interval.
    /// @return known False before the first interval recorded in this hour.
    function baseline(uint32 memberId, uint8 hour) external view returns (uint256 importWh, bool known);

    /// @notice The rates in force.
    function incentiveRates() external view returns (IncentiveRates memory);

    /// @notice Budget of epochs in which nothing is earned yet.
    function epochBudget() external view returns (uint256);

    /// @notice Number of intervals of an epoch.
    function epochIntervals() external view returns (uint64);
}
