"""CommunityGovernor: proposals from creation over vote and queue to execution by the timelock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from web3.contract import Contract

from microgrid.chain.calls import Action
from microgrid.chain.reverts import named
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.wire import keccak256

PROPOSE, VOTE, QUEUE, EXECUTE = (
    GasBudget(500_000, 200_000),
    GasBudget(250_000),
    GasBudget(300_000),
    GasBudget(3_000_000),
)


class Vote(IntEnum):
    """What a vote says."""

    AGAINST = 0
    FOR = 1
    ABSTAIN = 2


class ProposalState(IntEnum):
    """Where a proposal is in its life."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXPIRED = 6
    EXECUTED = 7


UNCOUNTED = (ProposalState.PENDING, ProposalState.CANCELED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it stands. Times are Unix seconds; votes have 18 decimals.

    Attributes:
        proposal_id: Its number, a hash of what it does and says.
        vote_start_s: Votes are counted as held at this time, and cast after it.
        vote_end_s: Last moment to vote.
        executable_s: Earliest execution, zero before it is queued.
        quorum_wad: Votes for or abstaining that it needs, zero before the vote has started and once cancelled.
    """

    proposal_id: int
    proposer: str
    description: str
    actions: tuple[Action, ...]
    state: ProposalState
    vote_start_s: int
    vote_end_s: int
    executable_s: int
    against_wad: int
    for_wad: int
    abstain_wad: int
    quorum_wad: int


class CommunityGovernor:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor, first_block: int) -> None:
        self.contract, self._transactor, self._first_block = contract, transactor, first_block

    def propose(self, actions: Sequence[Action], description: str) -> int:
        """Propose calls by the timelock; returns the proposal's id."""
        calls = _calls(actions)
        self._transactor.execute("propose", self.contract, "propose", [*calls, description], PROPOSE, len(actions))
        return int(self._read("getProposalId", *calls, keccak256(description.encode())))

    def vote(self, proposal_id: int, vote: Vote) -> None:
        """Cast this account's votes."""
        self._transactor.execute("castVote", self.contract, "castVote", [proposal_id, vote], VOTE)

    def queue(self, proposal_id: int) -> None:
        """Hand an accepted proposal to the timelock; anyone may."""
        self._finish("queue", proposal_id, QUEUE)

    def execute(self, proposal_id: int) -> None:
        """Let the timelock do what was accepted, after its delay; anyone may."""
        self._finish("execute", proposal_id, EXECUTE)

    def cancel(self, proposal_id: int) -> None:
        """Take this account's own proposal back, before its vote starts."""
        self._finish("cancel", proposal_id, QUEUE)

    def proposal(self, proposal_id: int) -> Proposal:
        """A proposal.

        Raises:
            ContractRevertError: `GovernorNonexistentProposal`.
        """
        for created in self._created():
            if created["proposalId"] == proposal_id:
                return self._proposal(created)
        raise named("GovernorNonexistentProposal")(proposalId=proposal_id)

    def proposals(self) -> list[Proposal]:
        """All proposals, oldest first."""
        return [self._proposal(created) for created in self._created()]

    def _finish(self, step: str, proposal_id: int, budget: GasBudget) -> None:
        proposal = self.proposal(proposal_id)
        arguments = [*_calls(proposal.actions), keccak256(proposal.description.encode())]
        self._transactor.execute(step, self.contract, step, arguments, budget)

    def _created(self) -> list[Mapping[str, Any]]:
        logs = self._transactor.logs(self.contract, "ProposalCreated", self._first_block, {})
        return [log["args"] for log in logs]

    def _proposal(self, created: Mapping[str, Any]) -> Proposal:
        number, start_s = created["proposalId"], int(created["voteStart"])
        against, in_favour, abstain = self._read("proposalVotes", number)
        state = ProposalState(self._read("state", number))
        pairs = zip(created["targets"], created["calldatas"], strict=True)
        return Proposal(
            proposal_id=number,
            proposer=created["proposer"],
            description=created["description"],
            actions=tuple(Action(target, bytes(data)) for target, data in pairs),
            state=state,
            vote_start_s=start_s,
            vote_end_s=int(created["voteEnd"]),
            executable_s=int(self._read("proposalEta", number)),
            against_wad=against,
            for_wad=in_favour,
            abstain_wad=abstain,
            # The clock of votes knows no future: a proposal can be cancelled before its vote starts.
            quorum_wad=0 if state in UNCOUNTED else int(self._read("quorum", start_s)),
        )

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)


def _calls(actions: Sequence[Action]) -> list[Any]:
    """Targets, values and call data, as the governor takes them."""
    return [[action.target for action in actions], [0] * len(actions), [action.data for action in actions]]
