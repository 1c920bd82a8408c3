// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEmergencyControl} from "../interfaces/IEmergencyControl.sol";
import {IGridMonitor} from "../interfaces/IGridMonitor.sol";

/// @title Emergency levels, and who is curtailed in which order.
contract EmergencyControl is IEmergencyControl, AccessManaged {
    /// @notice The most severe there is.
    uint16 public constant FULL_SEVERITY = 1000;

    /// @notice Largest number of curtailed classes; the class above it is Critical.
    uint8 public constant MAX_STAGE = uint8(PriorityClass.Critical);

    uint32 private constant MAX_SECONDS = 1 weeks;

    /// @notice Where members are numbered.
    IDeviceRegistry public immutable registry;

    /// @notice Where sensors report.
    IGridMonitor public immutable monitor;

    Rules private _rules;
    Status private _status;
    uint64 private _nextDeclaration;
    uint64 private _severityAt;
    uint16 private _severity;

    /// @dev The class plus one; zero for a member whose class nobody set.
    mapping(uint32 memberId => uint8) private _priorities;

    /// @param authority_ The access manager.
    /// @param registry_ Where members are numbered.
    /// @param monitor_ Where sensors report.
    /// @param rules_ The first rules.
    constructor(address authority_, IDeviceRegistry registry_, IGridMonitor monitor_, Rules memory rules_)
        AccessManaged(authority_)
    {
        registry = registry_;
        monitor = monitor_;
        _setRules(rules_);
    }

    /// @inheritdoc IEmergencyControl
    function observe() external {
        (uint16 permille, bool known) = monitor.severity();
        if (!known) revert SeverityUnknown();
        _take(permille, Cause.Measured);
    }

    /// @inheritdoc IEmergencyControl
    function reportSeverity(uint16 permille) external restricted {
        if (permille > FULL_SEVERITY) revert InvalidSeverity(permille, FULL_SEVERITY);
        _take(permille, Cause.Reported);
    }

    /// @inheritdoc IEmergencyControl
    function declare(Level level, uint32 duration, bytes32 reason) external restricted {
        Status memory now_ = _brought();
        bool upwards = now_.level == Level.Recovery ? level == Level.Emergency : level > now_.level;
        if (!upwards || level == Level.Recovery) revert InvalidLevel(level, now_.level);
        uint32 max = _secondsOf(level);
        if (duration == 0 || duration > max) revert InvalidDuration(duration, max);
        // From its own alert a guardian may go on to an emergency at once.
        bool escalates = now_.level == Level.Alert && now_.declared;
        if (!escalates && block.timestamp < _nextDeclaration) revert DeclaredTooSoon(_nextDeclaration);
        uint64 until = uint64(block.timestamp) + duration;
        _nextDeclaration = until + 2 * uint64(_rules.recoverySeconds);
        emit EmergencyDeclared(msg.sender, level, until, reason);
        _enter(now_, level, until, Cause.Declared);
    }

    /// @inheritdoc IEmergencyControl
    function standDown() external restricted {
        Status memory now_ = _brought();
        if (now_.level == Level.Normal) revert NothingToEnd();
        Level next = now_.level == Level.Emergency ? Level.Recovery : Level.Normal;
        _enter(now_, next, _endOf(next), Cause.StoodDown);
    }

    /// @inheritdoc IEmergencyControl
    function expire() external {
        _status = _brought();
    }

    /// @inheritdoc IEmergencyControl
    function setShedding(uint8 stage) external restricted {
        Status memory now_ = _brought();
        if (now_.level != Level.Emergency) revert NoEmergency(now_.level);
        if (stage > MAX_STAGE) revert InvalidStage(stage, MAX_STAGE);
        if (stage > now_.stage + 1) revert SheddingOutOfOrder(now_.stage, stage);
        now_.stage = stage;
        _status = now_;
        emit SheddingOrdered(stage, now_.until);
    }

    /// @inheritdoc IEmergencyControl
    function setPriority(uint32 memberId, PriorityClass class) external restricted {
        if (registry.accountOf(memberId) == address(0)) revert MemberNotFound(memberId);
        _priorities[memberId] = uint8(class) + 1;
        emit PrioritySet(memberId, class);
    }

    /// @inheritdoc IEmergencyControl
    function setRules(Rules calldata rules_) external restricted {
        _status = _brought();
        _setRules(rules_);
    }

    /// @inheritdoc IEmergencyControl
    function status() external view returns (Status memory now_) {
        (now_,) = _after(_status);
        now_.stage = _stageOf(now_);
    }

    /// @inheritdoc IEmergencyControl
    function lastSeverity() external view returns (uint16 permille, bool known) {
        known = _severityAt != 0 && block.timestamp < _severityAt + _rules.alertSeconds;
        permille = known ? _severity : 0;
    }

    /// @inheritdoc IEmergencyControl
    function isShed(uint32 memberId) external view returns (bool) {
        (Status memory now_,) = _after(_status);
        return uint8(priorityOf(memberId)) < _stageOf(now_);
    }

    /// @inheritdoc IEmergencyControl
    function nextDeclaration() external view returns (uint64) {
        return _nextDeclaration;
    }

    /// @inheritdoc IEmergencyControl
    function rules() external view returns (Rules memory) {
        return _rules;
    }

    /// @inheritdoc IEmergencyControl
    function priorityOf(uint32 memberId) public view returns (PriorityClass) {
        uint8 stored = _priorities[memberId];
        return stored == 0 ? PriorityClass.Standard : PriorityClass(stored - 1);
    }

    /// @dev Lets a severity raise, hold or lower the level.
    function _take(uint16 permille, Cause cause) private {
        (_severity, _severityAt) = (permille, uint64(block.timestamp));
        emit SeverityTaken(msg.sender, permille);
        Status memory now_ = _brought();
        Level level = now_.level;
        Level next = _next(now_, permille);
        if (next != level) {
            _enter(now_, next, _endOf(next), cause);
            return;
        }
        bool confirmed = level == Level.Emergency
            ? permille > _rules.emergencyLeave
            : level != Level.Normal && permille > _rules.alertLeave;
        if (confirmed) {
            // A recovery in trouble begins anew with what is still curtailed, or the rest would come back into it.
            if (level == Level.Recovery) (now_.stage, now_.since) = (_stageOf(now_), uint64(block.timestamp));
            now_.until = uint64(Math.max(now_.until, _endOf(level)));
        }
        _status = now_;
    }

    /// @dev The level that follows from a severity.
    function _next(Status memory now_, uint16 permille) private view returns (Level) {
        Rules memory limits = _rules;
        if (permille >= limits.emergencyEnter) return Level.Emergency;
        if (now_.level == Level.Normal) return permille >= limits.alertEnter ? Level.Alert : Level.Normal;
        bool mayFall = !now_.declared && block.timestamp >= now_.since + limits.dwellSeconds;
        if (now_.level == Level.Emergency) {
            return mayFall && permille <= limits.emergencyLeave ? Level.Recovery : Level.Emergency;
        }
        return now_.level == Level.Alert && mayFall && permille <= limits.alertLeave ? Level.Normal : now_.level;
    }

    function _enter(Status memory now_, Level level, uint64 until, Cause cause) private {
        emit LevelChanged(now_.level, level, until, cause);
        // What was curtailed comes back step by step in the recovery, and stays curtailed if the emergency returns.
        now_.stage = level == Level.Recovery || level == Level.Emergency ? _stageOf(now_) : 0;
        now_.level = level;
        now_.declared = cause == Cause.Declared;
        now_.since = uint64(block.timestamp);
        now_.until = until;
        _status = now_;
    }

    /// @dev The status with all that time has changed, told in events; the caller stores it.
    function _brought() private returns (Status memory now_) {
        Status memory before = _status;
        Level passed;
        (now_, passed) = _after(before);
        if (passed != before.level) {
            uint64 until = now_.level == passed ? now_.until : now_.since;
            emit LevelChanged(before.level, passed, until, Cause.Expired);
        }
        if (now_.level != passed) emit LevelChanged(passed, now_.level, now_.until, Cause.Expired);
    }

    /// @dev A status after the time since; `passed` is the level on the way, Recovery between Emergency and Normal.
    function _after(Status memory before) private view returns (Status memory now_, Level passed) {
        now_ = before;
        passed = before.level;
        if (now_.level == Level.Emergency && block.timestamp >= now_.until) {
            passed = Level.Recovery;
            uint64 end = now_.until + _rules.recoverySeconds;
            now_ = Status(Level.Recovery, false, before.stage, now_.until, end);
        }
        if (now_.level != Level.Normal && block.timestamp >= now_.until) {
            if (before.level != Level.Emergency) passed = Level.Normal;
            now_ = Status(Level.Normal, false, 0, now_.until, 0);
        }
    }

    /// @dev Curtailed classes; in the recovery the most important of them come back first, in equal steps of time.
    function _stageOf(Status memory now_) private view returns (uint8) {
        if (now_.level != Level.Recovery) return now_.stage;
        uint256 left = now_.until - block.timestamp;
        return uint8(Math.ceilDiv(now_.stage * left, now_.until - now_.since));
    }

    function _setRules(Rules memory rules_) private {
        bool alerts = rules_.alertEnter > rules_.alertLeave && rules_.alertLeave <= rules_.emergencyLeave;
        bool emergencies = rules_.emergencyEnter > rules_.emergencyLeave && rules_.alertEnter <= rules_.emergencyEnter;
        bool bounded = rules_.emergencyEnter <= FULL_SEVERITY && rules_.dwellSeconds <= MAX_SECONDS;
        bool times = _isDuration(rules_.alertSeconds) && _isDuration(rules_.emergencySeconds)
            && _isDuration(rules_.recoverySeconds);
        if (!alerts || !emergencies || !bounded || !times) revert InvalidRules();
        _rules = rules_;
        emit RulesSet(rules_);
    }

    function _endOf(Level level) private view returns (uint64) {
        return level == Level.Normal ? 0 : uint64(block.timestamp) + _secondsOf(level);
    }

    function _secondsOf(Level level) private view returns (uint32) {
        if (level == Level.Alert) return _rules.alertSeconds;
        return level == Level.Emergency ? _rules.emergencySeconds : _rules.recoverySeconds;
    }

    function _isDuration(uint32 duration) private pure returns (bool) {
        return duration > 0 && duration <= MAX_SECONDS;
    }
}
