// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Emergency levels, and who is curtailed in which order.
/// @notice Normal -> Alert -> Emergency -> Recovery -> Normal. A level rises at once and falls only below a lower
/// threshold and after a while (hysteresis). Every level but Normal ends by itself when nothing confirms it, so a lost
/// guardian or oracle freezes nothing. No level stops trading, settlement or payments: this contract has no power over
/// them.
interface IEmergencyControl {
    enum Level {
        Normal,
        Alert,
        Emergency,
        Recovery
    }

    /// @notice Order of curtailment: Flexible first, then Standard, then Essential. Critical is never curtailed.
    enum PriorityClass {
        Flexible,
        Standard,
        Essential,
        Critical
    }

    /// @notice Why a level changed.
    enum Cause {
        Measured,
        Reported,
        Declared,
        StoodDown,
        Expired
    }

    /// @notice Thresholds in permille of severity: enter > leave, and those of Emergency not below those of Alert.
    /// @param dwellSeconds A measured level does not fall before it stood this long.
    /// @param alertSeconds An alert that nothing confirms ends after this.
    /// @param emergencySeconds An emergency that nothing confirms ends after this.
    /// @param recoverySeconds Length of the recovery, in which curtailed classes come back one after the other.
    struct Rules {
        uint16 alertEnter;
        uint16 alertLeave;
        uint16 emergencyEnter;
        uint16 emergencyLeave;
        uint32 dwellSeconds;
        uint32 alertSeconds;
        uint32 emergencySeconds;
        uint32 recoverySeconds;
    }

    /// @param level The level now.
    /// @param declared Whether a guardian declared it; it does not fall by measurement then.
    /// @param stage Number of priority classes that are curtailed.
    /// @param since When the level began.
    /// @param until When it ends by itself; zero for Normal.
    struct Status {
        Level level;
        bool declared;
        uint8 stage;
        uint64 since;
        uint64 until;
    }

    /// @notice The level changed. A change by time is told with the next transaction.
    event LevelChanged(Level indexed from, Level indexed to, uint64 until, Cause cause);

    /// @notice A guardian declared a level.
    event EmergencyDeclared(address indexed guardian, Level indexed level, uint64 until, bytes32 reason);

    /// @notice A severity was taken into account.
    event SeverityTaken(address indexed by, uint16 permille);

    /// @notice The number of curtailed classes was set: 1 is Flexible, 2 also Standard, 3 also Essential.
    event SheddingOrdered(uint8 stage, uint64 until);

    /// @notice A member's priority was set.
    event PrioritySet(uint32 indexed memberId, PriorityClass class);

    /// @notice The rules were set.
    event RulesSet(Rules rules);

    /// @notice The rules do not keep the relations that their description names, or a time is zero or over a week.
    error InvalidRules();

    /// @notice Severity is from 0 to 1000.
    error InvalidSeverity(uint16 permille, uint16 max);

    /// @notice No sensor has a fresh report: the severity is unknown.
    error SeverityUnknown();

    /// @notice A guardian declares Alert or Emergency, and only upwards.
    error InvalidLevel(Level asked, Level current);

    /// @notice A declaration lasts at least a second and at most as long as its level.
    error InvalidDuration(uint32 duration, uint32 max);

    /// @notice A guardian declares again only after a pause, so that it cannot hold a level for good.
    error DeclaredTooSoon(uint64 earliest);

    /// @notice The level is Normal.
    error NothingToEnd();

    /// @notice Loads are curtailed in an emergency only.
    error NoEmergency(Level level);

    /// @notice Three classes can be curtailed; Critical never is.
    error InvalidStage(uint8 stage, uint8 max);

    /// @notice One class after the other: no class is passed over.
    error SheddingOutOfOrder(uint8 current, uint8 asked);

    /// @notice No member has this number.
    error MemberNotFound(uint32 memberId);

    /// @notice Takes the severity that the grid's sensors give; anyone may call it.
    function observe() external;

    /// @notice Takes a severity that an oracle reports.
    /// @param permille From 0 to 1000.
    function reportSeverity(uint16 permille) external;

    /// @notice Declares Alert or Emergency for a while; only a guardian may.
    /// @param level One that is above the present one.
    /// @param duration Seconds.
    /// @param reason Why, as the guardian encodes it.
    function declare(Level level, uint32 duration, bytes32 reason) external;

    /// @notice Ends the level: Emergency goes to Recovery, the others to Normal; only an operator may.
    function standDown() external;

    /// @notice Writes down what time has changed; anyone may call it. Views are right without it.
    function expire() external;

    /// @notice Sets how many classes are curtailed in an emergency; only an operator may. It rises by one at a time.
    /// @param stage From 0 to 3.
    function setShedding(uint8 stage) external;

    /// @notice Sets a member's priority; only an operator may. Everybody is Standard at first.
    /// @param memberId The member's number.
    /// @param class Its class.
    function setPriority(uint32 memberId, PriorityClass class) external;

    /// @notice Sets the rules.
    /// @param rules_ All of them.
    function setRules(Rules calldata rules_) external;

    /// @notice The level now, with all that time has changed.
    function status() external view returns (Status memory);

    /// @notice The last severity that was taken into account.
    /// @return permille Meaningless unless `known`.
    /// @return known Whether it is younger than an alert lasts.
    function lastSeverity() external view returns (uint16 permille, bool known);

    /// @notice A member's priority.
    /// @param memberId The member's number.
    function priorityOf(uint32 memberId) external view returns (PriorityClass);

    /// @notice Whether a member is to curtail its load now.
    /// @param memberId The member's number.
    function isShed(uint32 memberId) external view returns (bool);

    /// @notice Earliest time of a guardian's next declaration.
    function nextDeclaration() external view returns (uint64);

    /// @notice The rules.
    function rules() external view returns (Rules memory);
}
