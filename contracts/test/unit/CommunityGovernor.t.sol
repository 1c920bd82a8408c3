// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {CommunityGovernor} from "../../governance/CommunityGovernor.sol";
import {RewardToken} from "../../tokens/RewardToken.sol";
import {Community} from "./Community.sol";

/// @dev A community of four voters decides on the multiplier of an hour.
contract CommunityGovernorTest is Community {
    uint48 private constant DELAY = 86_400;
    uint32 private constant PERIOD = 3 * 86_400;
    uint256 private constant TIMELOCK = 86_400;
    uint64 private constant NOW = START * HOUR;
    string private constant WHY = "a cheaper noon";

    RewardToken private reward;
    TimelockController private timelock;
    CommunityGovernor private governor;

    function setUp() external {
        _found();
        reward = new RewardToken(address(manager), 1e27);
        _allow(address(reward), reward.mint.selector, MINTER);
        address[] memory nobody = new address[](0);
        timelock = new TimelockController(TIMELOCK, nobody, new address[](1), address(this));
        governor = new CommunityGovernor(reward, timelock, CommunityGovernor.Rules(DELAY, PERIOD, 1e18, 10, 100e18));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        manager.grantRole(GOVERNANCE, address(timelock), 0);
        _endow(1, 1e18);
        _endow(2, 99e18);
        _endow(3, 60e18);
        _endow(4, 100e18);
        vm.warp(NOW + 1);
    }

    function test_deployment_keeps_the_rules_of_votes() external view {
        cheats.assertEq(governor.name(), "CommunityGovernor");
        cheats.assertEq(governor.votingDelay(), DELAY);
        cheats.assertEq(governor.votingPeriod(), PERIOD);
        cheats.assertEq(governor.proposalThreshold(), 1e18);
        cheats.assertEq(governor.quorumNumerator(), 10);
        cheats.assertEq(governor.minQuorum(), 100e18);
        cheats.assertEq(governor.timelock(), address(timelock));
        cheats.assertEq(address(governor.token()), address(reward));
        cheats.assertEq(governor.clock(), NOW + 1);
        cheats.assertEq(governor.CLOCK_MODE(), "mode=timestamp");
    }

    function test_a_quorum_is_a_share_of_the_supply_and_never_below_its_least() external {
        // A tenth of 260 tokens is less than 100, a tenth of 2000 is more.
        cheats.assertEq(governor.quorum(NOW), 100e18);
        _endow(5, 1740e18);
        vm.warp(NOW + 2);
        cheats.assertEq(governor.quorum(NOW + 1), 200e18);
        cheats.assertEq(governor.quorum(NOW), 100e18);
    }

    function testFuzz_a_quorum_is_the_larger_of_share_and_least(uint96 more) external {
        _endow(5, more % 1e26);
        vm.warp(NOW + 2);
        uint256 tenth = (260e18 + uint256(more) % 1e26) / 10;
        cheats.assertEq(governor.quorum(NOW + 1), tenth > 100e18 ? tenth : 100e18);
    }

    function test_a_proposer_needs_votes() external {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        bytes memory call = abi.encodeCall(governor.propose, (targets, values, calls, WHY));
        bytes4 few = IGovernor.GovernorInsufficientProposerVotes.selector;
        _fails(STRANGER, address(governor), call, abi.encodeWithSelector(few, STRANGER, 0, 1e18));
        _propose();
    }

    function test_an_accepted_proposal_goes_through_the_timelock_and_changes_the_market() external {
        uint256 id = _propose();
        cheats.assertTrue(governor.proposalNeedsQueuing(id));
        _expectState(id, IGovernor.ProposalState.Pending);
        uint256 start = NOW + 1 + DELAY;
        vm.warp(start);
        _expectState(id, IGovernor.ProposalState.Pending);
        vm.warp(start + 1);
        _expectState(id, IGovernor.ProposalState.Active);
        _vote(id, 4, 1);
        vm.warp(start + PERIOD);
        _expectState(id, IGovernor.ProposalState.Active);
        vm.warp(start + PERIOD + 1);
        _expectState(id, IGovernor.ProposalState.Succeeded);
        vm.prank(STRANGER);
        _queue();
        _expectState(id, IGovernor.ProposalState.Queued);
        cheats.assertEq(governor.proposalEta(id), start + PERIOD + 1 + TIMELOCK);
        vm.warp(start + PERIOD + TIMELOCK);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        bytes memory call = abi.encodeCall(governor.execute, (targets, values, calls, keccak256(bytes(WHY))));
        vm.prank(STRANGER);
        (bool early,) = address(governor).call(call);
        cheats.assertFalse(early);
        vm.warp(start + PERIOD + 1 + TIMELOCK);
        vm.prank(STRANGER);
        (bool ok,) = address(governor).call(call);
        cheats.assertTrue(ok);
        _expectState(id, IGovernor.ProposalState.Executed);
        cheats.assertEq(grid.timeOfDayMultiplier(START + 12), 8e17);
    }

    function test_a_vote_a_unit_below_the_quorum_is_defeated() external {
        uint256 id = _propose();
        vm.warp(NOW + 2 + DELAY);
        _vote(id, 2, 1);
        vm.warp(NOW + 2 + DELAY + PERIOD);
        _expectState(id, IGovernor.ProposalState.Defeated);
    }

    function test_abstentions_count_for_the_quorum_and_a_tie_is_defeated() external {
        uint256 id = _propose();
        vm.warp(NOW + 2 + DELAY);
        _vote(id, 1, 1);
        _vote(id, 2, 2);
        vm.warp(NOW + 2 + DELAY + PERIOD);
        _expectState(id, IGovernor.ProposalState.Succeeded);
        vm.warp(NOW + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        vm.prank(_account(1));
        id = governor.propose(targets, values, calls, "again");
        vm.warp(NOW + 2 + DELAY);
        _vote(id, 1, 1);
        _vote(id, 2, 1);
        _vote(id, 4, 0);
        vm.warp(NOW + 2 + DELAY + PERIOD);
        _expectState(id, IGovernor.ProposalState.Defeated);
    }

    function test_tokens_earned_after_the_start_of_a_vote_do_not_vote_in_it() external {
        uint256 id = _propose();
        vm.warp(NOW + 2 + DELAY);
        _endow(4, 1000e18);
        _vote(id, 4, 1);
        (, uint256 inFavour,) = governor.proposalVotes(id);
        cheats.assertEq(inFavour, 100e18);
    }

    function test_the_proposer_cancels_before_the_vote() external {
        uint256 id = _propose();
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        vm.prank(_account(1));
        governor.cancel(targets, values, calls, keccak256(bytes(WHY)));
        _expectState(id, IGovernor.ProposalState.Canceled);
    }

    function test_the_governor_itself_holds_no_role_and_obeys_only_the_timelock() external {
        bytes memory call = abi.encodeCall(governor.setVotingDelay, (1));
        bytes memory reason = abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, _account(1));
        _fails(_account(1), address(governor), call, reason);
        (bool allowed,) = manager.canCall(address(governor), address(grid), grid.setTimeOfDayMultiplier.selector);
        cheats.assertFalse(allowed);
    }

    function _endow(uint256 memberId, uint256 amount) private {
        _as(MINTER);
        reward.mint(_account(memberId), amount);
        vm.prank(_account(memberId));
        reward.delegate(_account(memberId));
    }

    function _action() private view returns (address[] memory targets, uint256[] memory values, bytes[] memory calls) {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (address(grid), abi.encodeCall(grid.setTimeOfDayMultiplier, (12, 8e17)));
    }

    function _propose() private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        vm.prank(_account(1));
        return governor.propose(targets, values, calls, WHY);
    }

    function _queue() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _action();
        governor.queue(targets, values, calls, keccak256(bytes(WHY)));
    }

    /// @dev 0 is against, 1 in favour, 2 an abstention.
    function _vote(uint256 id, uint256 memberId, uint8 support) private {
        vm.prank(_account(memberId));
        governor.castVote(id, support);
    }

    function _expectState(uint256 id, IGovernor.ProposalState state) private view {
        cheats.assertTrue(governor.state(id) == state);
    }
}
