"""`microgrid govern`: proposals of the community, from creation over vote and queue to execution."""

import re
from datetime import UTC, datetime
from typing import Any

import rich_click as click

from microgrid.chain.bindings.community_governor import Proposal, Vote
from microgrid.chain.calls import call_text, parse_call
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, table
from microgrid.cli._types import Account
from microgrid.domain.units import decimal_wad

VOTES = {"against": Vote.AGAINST, "for": Vote.FOR, "abstain": Vote.ABSTAIN}


@click.group()
def command() -> None:
    """Propose changes to the market's rules, vote on them, and carry out what was accepted.

    A PROPOSAL is the id that `propose` prints.

    Example: microgrid govern list
    """


@command.command()
@click.argument("description")
@click.option(
    "--call",
    "calls",
    multiple=True,
    required=True,
    help="What to do, as Contract.function(values); integers are in the contract's units. May be given several times.",
)
@at_market
def propose(desk: Desk, *, description: str, calls: tuple[str, ...]) -> None:
    """Propose one or more calls; the DESCRIPTION says why.

    `microgrid trade rules` shows what is in force. Other calls: "EnergyTrading.setInsuranceShare(2000)" (1/10000 of the
    fees), "EnergyTrading.setOrderLimits(100, 20000)" (Wh), "EnergyTrading.setRegulator(0x…)"; a contract's functions:
    `microgrid contracts abi EnergyTrading`.

    Example: microgrid govern propose "A fee of 0.002 per kWh" --call "GridBalance.setTradingFee(2000)"
    """
    governor = desk.market.governor
    market = desk.market
    actions = [parse_call(market.backend.web3, market.deployment, call) for call in calls]
    _show(desk, governor.propose(actions, description))


@command.command()
@click.argument("calls", nargs=-1, required=True)
@at_market
def apply(desk: Desk, *, calls: tuple[str, ...]) -> None:
    """Make CALLS at once that the acting key's roles allow, each as Contract.function(values).

    It is for markets without a governor and for roles that no vote decides on; integers are in the contract's units.
    `microgrid contracts abi EnergyTrading` shows a contract's functions, docs/contracts.md the rules that can be set.

    Example: microgrid govern apply "GridBalance.setTradingFee(2000)" "Regulator.lift(3)"
    """
    market = desk.market
    for call in calls:
        parse_call(market.backend.web3, market.deployment, call)
    for call in calls:
        market.apply(call)
    desk.show({"calls": list(calls)}, "\n".join(f"done: {call}" for call in calls))


@command.command()
@click.argument("proposal", type=int)
@at_market
def cancel(desk: Desk, *, proposal: int) -> None:
    """Take the acting key's own proposal back, before its vote starts.

    Example: microgrid govern cancel 1234…5678 --key-file home.key
    """
    desk.market.governor.cancel(proposal)
    _show(desk, proposal)


@command.command()
@click.argument("proposal", type=int)
@click.argument("decision", type=click.Choice(list(VOTES)))
@at_market
def vote(desk: Desk, *, proposal: int, decision: str) -> None:
    """Cast the acting key's votes: the tokens delegated to it when the vote started.

    Example: microgrid govern vote 1234…5678 for --key-file home.key
    """
    desk.market.governor.vote(proposal, VOTES[decision])
    _show(desk, proposal)


@command.command()
@click.argument("account", type=Account(), required=False)
@at_market
def delegate(desk: Desk, *, account: str | None) -> None:
    """Let an ACCOUNT (the acting key's by default) vote with the acting key's tokens; tokens count only once delegated.

    Example: microgrid govern delegate --key-file home.key
    """
    token, to = desk.market.reward_token, account or desk.market.transactor.address
    token.delegate(to)
    votes = token.votes_wad(to)
    desk.show({"account": to, "votes_wad": votes}, f"{to} has {decimal_wad(votes)} votes")


@command.command()
@click.argument("proposal", type=int)
@at_market
def queue(desk: Desk, *, proposal: int) -> None:
    """Hand an accepted proposal to the timelock; anyone may.

    Example: microgrid govern queue 1234…5678
    """
    desk.market.governor.queue(proposal)
    _show(desk, proposal)


@command.command()
@click.argument("proposal", type=int)
@at_market
def execute(desk: Desk, *, proposal: int) -> None:
    """Carry out a queued proposal after the timelock's delay; anyone may.

    Example: microgrid govern execute 1234…5678
    """
    desk.market.governor.execute(proposal)
    _show(desk, proposal)


@command.command("list")
@at_market
def list_command(desk: Desk) -> None:
    """List all proposals, oldest first.

    Example: microgrid govern list --json
    """
    found = desk.market.governor.proposals()
    rows = [[str(p.proposal_id), p.state.name.lower(), _time(p.vote_end_s), p.description] for p in found]
    columns = dict.fromkeys(("proposal", "state", "vote ends", "description"), "left")
    desk.show([_document(desk.market, p) for p in found], table("Proposals", columns, rows))


@command.command()
@click.argument("proposal", type=int)
@at_market
def show(desk: Desk, *, proposal: int) -> None:
    """Show a proposal: what it does, where it is, how the votes stand.

    Example: microgrid govern show 1234…5678
    """
    _show(desk, proposal)


def _show(desk: Desk, proposal_id: int) -> None:
    document = _document(desk.market, desk.market.governor.proposal(proposal_id))
    rows = [[re.sub(r"_(s|wad)$", "", name), _shown(name, value)] for name, value in document.items()]
    desk.show(document, table("Proposal", {"": "left", "value": "left"}, rows))


def _shown(name: str, value: Any) -> str:
    """A field for people; its name ends with its unit."""
    if name.endswith("_s"):
        return _time(value)
    return decimal_wad(value) if name.endswith("_wad") else str(value)


def _document(market: MarketChain, proposal: Proposal) -> dict[str, Any]:
    return {
        "proposal": str(proposal.proposal_id),  # as text: most readers of JSON cut integers at 53 bits
        "state": proposal.state.name.lower(),
        "description": proposal.description,
        "proposer": proposal.proposer,
        "calls": [call_text(market.backend.web3, market.deployment, action) for action in proposal.actions],
        "vote_start_s": proposal.vote_start_s,
        "vote_end_s": proposal.vote_end_s,
        "executable_s": proposal.executable_s,
        "for_wad": proposal.for_wad,
        "against_wad": proposal.against_wad,
        "abstain_wad": proposal.abstain_wad,
        "quorum_wad": proposal.quorum_wad,
    }


def _time(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat() if time_s else "not yet"
