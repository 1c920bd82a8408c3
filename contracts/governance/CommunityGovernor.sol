// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Votes of the community: who holds reward tokens decides on fees, prices, reward rates and roles.
/// @notice A proposal waits, is voted on, is queued in the timelock and executed from there; anyone may queue and
/// execute what the vote accepted. Times are Unix seconds, as the token's clock is.
/// @dev The timelock, not this contract, holds the roles. A quorum has a least number of votes besides its share of
/// the supply: otherwise the first who earns a token would rule while the supply is small.
contract CommunityGovernor is
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice What the votes are about and how long each step takes.
    /// @param votingDelaySeconds From a proposal to the start of its vote.
    /// @param votingPeriodSeconds From the start of a vote to its end.
    /// @param proposalThreshold Votes that a proposer needs, token units.
    /// @param quorumPercent Share of the supply that must vote for it or abstain, per cent.
    /// @param minQuorum Least number of votes of a quorum, token units.
    struct Rules {
        uint48 votingDelaySeconds;
        uint32 votingPeriodSeconds;
        uint256 proposalThreshold;
        uint256 quorumPercent;
        uint256 minQuorum;
    }

    /// @notice Least number of votes of a quorum, token units.
    uint256 public immutable minQuorum;

    /// @param token The reward token.
    /// @param timelock_ Holds the roles and executes.
    /// @param rules How votes go.
    constructor(IVotes token, TimelockController timelock_, Rules memory rules)
        Governor("CommunityGovernor")
        GovernorSettings(rules.votingDelaySeconds, rules.votingPeriodSeconds, rules.proposalThreshold)
        GovernorVotes(token)
        GovernorVotesQuorumFraction(rules.quorumPercent)
        GovernorTimelockControl(timelock_)
    {
        minQuorum = rules.minQuorum;
    }

    /// @notice Where a proposal is in its life.
    /// @param proposalId Its id.
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @notice Every proposal goes through the timelock.
    /// @param proposalId Its id.
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @notice Votes that a proposer needs, token units.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    /// @notice Votes, for or abstaining, that a decision needs: its share of the supply, and no less than `minQuorum`.
    /// @param timepoint Unix seconds.
    function quorum(uint256 timepoint) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        return Math.max(minQuorum, super.quorum(timepoint));
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
