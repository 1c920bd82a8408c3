// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IDirectTrading} from "../interfaces/IDirectTrading.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IIncentives} from "../interfaces/IIncentives.sol";
import {IMoneyLocks} from "../interfaces/IMoneyLocks.sol";
import {IRegulator} from "../interfaces/IRegulator.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {IntervalHistory} from "../libraries/IntervalHistory.sol";

/// @title Incentives of the reward system: earned by energy, paid within a budget for each epoch.
/// @dev Why no epoch pays more than its budget B: a home that earned e gets at most 1.5 e scaled by
/// min(1, B / (1.5 * sum of e)), rounded down. Why splitting does not pay: e is linear in energy, the boost
/// min(e / 2, stake / 10) is concave and homogeneous in (e, stake), and every rounding is down.
abstract contract Incentives is IIncentives, AccessManaged {
    using SafeCast for uint256;

    /// @dev What the incentives are built on, and where they start.
    struct Program {
        IGridBalance grid;
        IRegulator regulator;
        IStaking staking;
        uint64 epochIntervals;
        uint128 epochBudget;
        IncentiveRates rates;
    }

    struct Pot {
        uint128 budget;
        uint128 earned;
    }

    struct Share {
        uint128 earned;
        uint120 penalty;
        bool claimed;
    }

    /// @dev Generation less feed-in of an inverter and the meter beside it: its largest value so far.
    struct Level {
        bytes32 meterId;
        int256 highest;
    }

    /// @dev What one call of `recordConduct` carries from home to home.
    /// @param deals Direct deals as `dealWords` tells them.
    struct Run {
        uint64 interval;
        uint32 from;
        uint256[] deals;
        uint64 epoch;
        uint256 perSavedWh;
        uint256 penaltyPerKwh;
        uint256 earned;
    }

    /// @notice Largest rate, token units per kWh.
    uint256 public constant MAX_INCENTIVE = 100e18;

    uint256 private constant PER_KWH = 1000;
    uint256 private constant PERMILLE = 1000;
    uint256 private constant HOURS = 24;
    uint256 private constant NEUTRAL_MULTIPLIER = 1e18;
    uint256 private constant RISE = 8;
    uint256 private constant FALL = 4;
    uint256 private constant BOOST_SHARE = 2;
    uint256 private constant STAKE_SHARE = 10;

    /// @notice Whose price multipliers tell the peak hours.
    IGridBalance public immutable grid;

    /// @notice Who sets bonus and penalty.
    IRegulator public immutable regulator;

    /// @notice Where stakes are.
    IStaking public immutable staking;

    IDeviceRegistry private immutable DEVICES;
    IEnergyTrading private immutable MARKET;
    IDirectTrading private immutable DIRECT;
    uint64 private immutable EPOCH_INTERVALS;
    uint64 private immutable INTERVAL_SECONDS;

    IncentiveRates private _incentives;
    uint128 private _epochBudget;
    mapping(uint64 epoch => Pot) private _pots;
    mapping(uint64 epoch => mapping(uint32 memberId => Share)) private _shares;
    mapping(uint32 memberId => Conduct) private _conduct;
    mapping(uint32 memberId => uint32[HOURS]) private _baselines;
    mapping(bytes32 inverterId => Level) private _levels;
    mapping(bytes32 eventId => mapping(uint32 memberId => bool)) private _credited;

    constructor(IDeviceRegistry registry_, IEnergyTrading trading_, Program memory program) {
        if (program.epochIntervals == 0) revert InvalidEpoch();
        (DEVICES, MARKET) = (registry_, trading_);
        DIRECT = IMoneyLocks(address(trading_)).directTrading();
        (grid, regulator, staking) = (program.grid, program.regulator, program.staking);
        EPOCH_INTERVALS = program.epochIntervals;
        INTERVAL_SECONDS = registry_.intervalSeconds();
        _setIncentiveRates(program.rates);
        _setEpochBudget(program.epochBudget);
    }

    /// @inheritdoc IIncentives
    function recordConduct(uint64 interval, uint32 from, uint32 to) external returns (uint32 recorded) {
        if (from == 0 || from > to || to > DEVICES.memberCount()) revert InvalidRange(from, to);
        Run memory run = _startRun(interval);
        (run.from, run.deals) = (from, DIRECT.dealWords(interval, from, to));
        uint256[] memory energies = DEVICES.intervalEnergies(interval, from, to);
        uint256[] memory before = DEVICES.intervalEnergies(interval - 1, from, to);
        bool passable = !_isCleared(interval - 1);
        for (uint32 memberId = from; memberId <= to; ++memberId) {
            uint64 last = _conduct[memberId].lastInterval;
            if (energies[memberId - from] == 0 || last >= interval) continue;
            bool silent = before[memberId - from] == 0;
            // What is known of the interval before comes first: nobody can pass over it to move a baseline.
            if (!passable && last != 0 && last < interval - 1 && !silent) continue;
            _record(memberId, energies[memberId - from], silent, run);
            ++recorded;
        }
        _fillPot(run.epoch, run.earned);
    }

    /// @inheritdoc IIncentives
    function recordSelfConsumption(bytes32 inverterId) external returns (uint256 energyWh) {
        IDeviceRegistry.Device memory inverter = DEVICES.device(inverterId);
        bool isInverter = inverter.class == IDeviceRegistry.DeviceClass.Inverter
            && inverter.status == IDeviceRegistry.DeviceStatus.Active;
        if (!isInverter) revert NotAnInverter(inverterId);
        bytes32 meterId = DEVICES.meterOf(inverter.memberId);
        IDeviceRegistry.Registers memory made = DEVICES.registers(inverterId);
        IDeviceRegistry.Registers memory fed = DEVICES.registers(meterId);
        if (made.timestamp != fed.timestamp || made.timestamp == 0) {
            revert ReadingsNotAligned(made.timestamp, fed.timestamp);
        }
        energyWh = _raise(_levels[inverterId], meterId, int256(uint256(made.exportWh)) - int256(uint256(fed.exportWh)));
        uint256 earned = (energyWh * regulator.terms().bonusPerKwh) / PER_KWH;
        _conduct[inverter.memberId].selfConsumedWh += energyWh.toUint48();
        uint64 epoch = _earnNow(inverter.memberId, earned);
        emit SelfConsumptionRecorded(epoch, inverter.memberId, inverterId, energyWh, earned);
    }

    /// @inheritdoc IIncentives
    function creditStability(bytes32 eventId, uint32 memberId, uint64 energyWh) external restricted {
        if (DEVICES.accountOf(memberId) == address(0)) revert UnknownMemberId(memberId);
        if (_credited[eventId][memberId]) revert AlreadyCredited(eventId, memberId);
        _credited[eventId][memberId] = true;
        uint256 earned = (uint256(energyWh) * _incentives.perStabilityKwh) / PER_KWH;
        uint64 epoch = _earnNow(memberId, earned);
        emit StabilityCredited(epoch, memberId, eventId, energyWh, earned);
    }

    /// @inheritdoc IIncentives
    function claimIncentives(uint64 epoch) external returns (uint256 amount) {
        uint64 opens = _claimableFrom(epoch);
        if (block.timestamp < opens) revert EpochNotOver(epoch, opens);
        uint32 memberId = DEVICES.memberOf(msg.sender);
        amount = incentiveOf(epoch, memberId);
        if (amount == 0) revert NothingEarned(epoch, memberId);
        _shares[epoch][memberId].claimed = true;
        emit IncentiveClaimed(epoch, memberId, amount);
        _mintReward(msg.sender, amount);
    }

    /// @inheritdoc IIncentives
    function setIncentiveRates(IncentiveRates calldata rates) external restricted {
        _setIncentiveRates(rates);
    }

    /// @inheritdoc IIncentives
    function setEpochBudget(uint128 budget) external restricted {
        _setEpochBudget(budget);
    }

    /// @inheritdoc IIncentives
    function epochOf(uint64 epoch) external view returns (Epoch memory) {
        Pot memory pot = _pots[epoch];
        return Epoch(pot.earned == 0 ? _epochBudget : pot.budget, pot.earned, _claimableFrom(epoch));
    }

    /// @inheritdoc IIncentives
    function conductOf(uint32 memberId) external view returns (Conduct memory) {
        return _conduct[memberId];
    }

    /// @inheritdoc IIncentives
    function behaviourScore(uint32 memberId) external view returns (uint256 permille, bool known) {
        Conduct memory conduct = _conduct[memberId];
        uint256 good = uint256(conduct.peerWh) + conduct.savedWh + conduct.selfConsumedWh;
        uint256 all = good + conduct.gridWh;
        return all == 0 ? (0, false) : ((PERMILLE * good) / all, true);
    }

    /// @inheritdoc IIncentives
    function baseline(uint32 memberId, uint8 hour) external view returns (uint256 importWh, bool known) {
        uint256 stored = _baselines[memberId][hour];
        return stored == 0 ? (0, false) : (stored - 1, true);
    }

    /// @inheritdoc IIncentives
    function incentiveRates() external view returns (IncentiveRates memory) {
        return _incentives;
    }

    /// @inheritdoc IIncentives
    function epochBudget() external view returns (uint256) {
        return _epochBudget;
    }

    /// @inheritdoc IIncentives
    function epochIntervals() external view returns (uint64) {
        return EPOCH_INTERVALS;
    }

    /// @inheritdoc IIncentives
    function incentiveOf(uint64 epoch, uint32 memberId) public view returns (uint256) {
        Share memory share = _shares[epoch][memberId];
        if (share.claimed || share.earned == 0) return 0;
        uint256 most = uint256(share.earned) / BOOST_SHARE;
        uint256 reward = share.earned + Math.min(most, _stakeIn(epoch, memberId) / STAKE_SHARE);
        Pot memory pot = _pots[epoch];
        // The boost is set aside for everybody, so that nobody's stake takes from others.
        uint256 worst = pot.earned + pot.earned / BOOST_SHARE;
        if (worst > pot.budget) reward = Math.mulDiv(reward, pot.budget, worst);
        return reward > share.penalty ? reward - share.penalty : 0;
    }

    /// @dev Mints a reward; the token is the reward system's.
    function _mintReward(address account, uint256 amount) internal virtual;

    function _startRun(uint64 interval) private view returns (Run memory run) {
        if (!_isCleared(interval)) revert IntervalNotCleared(interval);
        run.interval = interval;
        run.epoch = interval / EPOCH_INTERVALS;
        if (block.timestamp >= _claimableFrom(run.epoch)) revert EpochClosed(run.epoch);
        bool peak = grid.timeOfDayMultiplier(interval) > NEUTRAL_MULTIPLIER;
        run.perSavedWh = _incentives.perSavedKwh + (peak ? uint256(_incentives.perPeakKwh) : 0);
        run.penaltyPerKwh = regulator.terms().penaltyPerKwh;
    }

    /// @param silent Whether there is no reading of the interval before: the energy may be that of many intervals.
    function _record(uint32 memberId, uint256 energy, bool silent, Run memory run) private {
        (uint64 importWh,,) = IntervalHistory.unpack(energy);
        uint256 peerWh = Math.min(importWh, _boughtWh(memberId, run));
        uint256 savedWh = silent ? 0 : _saved(memberId, run.interval, importWh);
        uint256 earned = (savedWh * run.perSavedWh) / PER_KWH;
        uint256 penalty = ((importWh - peerWh) * run.penaltyPerKwh) / PER_KWH;
        Conduct storage conduct = _conduct[memberId];
        conduct.lastInterval = run.interval;
        conduct.peerWh += uint48(peerWh);
        conduct.gridWh += uint48(importWh - peerWh);
        conduct.savedWh += uint48(savedWh);
        Share storage share = _shares[run.epoch][memberId];
        share.earned += uint128(earned);
        share.penalty += uint120(penalty);
        run.earned += earned;
        emit ConductRecorded(run.interval, memberId, savedWh, importWh - peerWh, earned, penalty);
    }

    /// @dev What a home bought from peers, in the auction and directly.
    function _boughtWh(uint32 memberId, Run memory run) private view returns (uint256 boughtWh) {
        boughtWh = MARKET.fill(run.interval, memberId, IEnergyTrading.Side.Buy);
        if (run.deals.length != 0) boughtWh += uint32(run.deals[memberId - run.from]);
    }

    /// @dev Energy below the baseline, which then moves. Stored plus one; zero is unknown.
    function _saved(uint32 memberId, uint64 interval, uint256 importWh) private returns (uint256 savedWh) {
        uint256 hour = ((uint256(interval) * INTERVAL_SECONDS) / 1 hours) % HOURS;
        uint32[HOURS] storage hours_ = _baselines[memberId];
        uint256 capped = Math.min(importWh, type(uint32).max - 1);
        if (hours_[hour] == 0) {
            hours_[hour] = uint32(capped + 1);
            return 0;
        }
        uint256 base = hours_[hour] - 1;
        if (capped < base) {
            savedWh = base - capped;
            base -= Math.ceilDiv(savedWh, FALL);
        } else {
            base += (capped - base) / RISE;
        }
        hours_[hour] = uint32(base + 1);
    }

    /// @dev The new maximum less the old one.
    function _raise(Level storage level, bytes32 meterId, int256 now_) private returns (uint256 energyWh) {
        if (level.meterId != meterId) {
            (level.meterId, level.highest) = (meterId, now_);
        } else if (now_ > level.highest) {
            energyWh = uint256(now_ - level.highest);
            level.highest = now_;
        }
    }

    function _earnNow(uint32 memberId, uint256 earned) private returns (uint64 epoch) {
        epoch = uint64(block.timestamp) / INTERVAL_SECONDS / EPOCH_INTERVALS;
        _shares[epoch][memberId].earned += earned.toUint128();
        _fillPot(epoch, earned);
    }

    /// @dev The first who earns something in an epoch fixes its budget.
    function _fillPot(uint64 epoch, uint256 earned) private {
        if (earned == 0) return;
        Pot storage pot = _pots[epoch];
        if (pot.earned == 0) pot.budget = _epochBudget;
        pot.earned += earned.toUint128();
    }

    function _setIncentiveRates(IncentiveRates memory rates) private {
        uint256 highest = Math.max(Math.max(rates.perSavedKwh, rates.perPeakKwh), rates.perStabilityKwh);
        if (highest > MAX_INCENTIVE) revert IncentiveTooHigh(highest, MAX_INCENTIVE);
        _incentives = rates;
        emit IncentiveRatesSet(rates);
    }

    function _setEpochBudget(uint128 budget) private {
        _epochBudget = budget;
        emit EpochBudgetSet(budget);
    }

    function _isCleared(uint64 interval) private view returns (bool) {
        return MARKET.clearing(interval).status != IEnergyTrading.Status.None;
    }

    /// @dev What was staked through the whole epoch: the lesser of both ends, and what is unstaked unbonds meanwhile.
    function _stakeIn(uint64 epoch, uint32 memberId) private view returns (uint256) {
        address account = DEVICES.accountOf(memberId);
        uint256 length = uint256(EPOCH_INTERVALS) * INTERVAL_SECONDS;
        uint48 start = uint48(epoch * length);
        return Math.min(staking.stakeAt(account, start), staking.stakeAt(account, start + uint48(length)));
    }

    /// @dev The registry keeps an interval's energy for so long; then nothing can be recorded any more.
    function _claimableFrom(uint64 epoch) private view returns (uint64) {
        return ((epoch + 1) * EPOCH_INTERVALS + uint64(IntervalHistory.LENGTH)) * INTERVAL_SECONDS;
    }
}
