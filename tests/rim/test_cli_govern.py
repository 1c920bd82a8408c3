"""`microgrid govern` against a node in another thread: a proposal from creation to execution."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from rim.cli_chain import ONE as BUYER
from rim.cli_chain import TWO as SELLER
from rim.cli_chain import Commands, Run, admit_two, commands_in, open_market, put_back, serving, share

from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.domain.errors import BadInputError, ContractRevertError

CALL = "GridBalance.setTradingFee(2500)"


def pass_time(server: NodeServer, seconds: int) -> None:
    with open_market(server) as market:
        market.advance_to(market.now_s() + seconds)


def govern_from_here(run: Run, server: NodeServer, voting_delay_s: int) -> None:
    """A market with governance in which the seller has earned and claimed a token."""
    times = ["--voting-period", "3600", "--timelock-delay", "600", "--min-quorum", "1"]
    run("deploy", "--governance", "--voting-delay", str(voting_delay_s), *times)
    admit_two(run)
    share(run, server, 1_000)
    with open_market(server, Path("seller.key")) as market:
        market.reward_system.claim()


@pytest.fixture(scope="module")
def prepared(server: NodeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of such a market, whose votes start at once."""
    folder = tmp_path_factory.mktemp("governed")
    with commands_in(folder, server) as run:
        govern_from_here(run, server, 0)
    return folder


@pytest.fixture
def governed(prepared: Path, run: Run) -> Run:
    put_back(prepared)
    return run


def test_a_proposal_goes_from_creation_to_execution(governed: Run, server: NodeServer) -> None:
    delegated = governed("govern", "delegate", "--key-file", "seller.key")
    assert delegated == {"account": SELLER.address, "votes_wad": 10**18}
    pass_time(server, 10)
    made = governed("govern", "propose", "Pay for the line", "--call", CALL, "--key-file", "seller.key")
    assert (made["calls"], made["description"], made["proposer"]) == ([CALL], "Pay for the line", SELLER.address)
    number = made["proposal"]
    pass_time(server, 10)
    assert governed("govern", "show", number)["state"] == "active"
    assert governed("govern", "vote", number, "for", "--key-file", "seller.key")["for_wad"] == 10**18
    pass_time(server, 3_601)
    assert governed("govern", "queue", number)["state"] == "queued"
    pass_time(server, 601)
    assert governed("govern", "execute", number)["state"] == "executed"
    assert [(p["proposal"], p["state"]) for p in governed("govern", "list")] == [(number, "executed")]
    with open_market(server) as market:
        assert market.grid.trading_fee() == 2_500
    assert "Pay for the line" in governed("govern", "list", as_json=False)
    assert "executed" in governed("govern", "show", number, as_json=False)


def test_the_calls_that_the_help_names_change_the_rules(governed: Run, server: NodeServer) -> None:
    calls = ["EnergyTrading.setInsuranceShare(2000)", "EnergyTrading.setOrderLimits(100, 20000)"]
    told = " ".join(CliRunner().invoke(root, ["govern", "propose", "--help"]).output.replace("│", " ").split())
    assert all(call in told for call in calls)
    governed("govern", "delegate", "--key-file", "seller.key")
    pass_time(server, 10)
    asked = [word for call in calls for word in ("--call", call)]
    made = governed("govern", "propose", "Insure", *asked, "--key-file", "seller.key")
    assert made["calls"] == calls
    pass_time(server, 10)
    governed("govern", "vote", made["proposal"], "for", "--key-file", "seller.key")
    pass_time(server, 3_601)
    governed("govern", "queue", made["proposal"])
    pass_time(server, 601)
    governed("govern", "execute", made["proposal"])
    shown = governed("trade", "rules")
    assert (shown["insurance_share_bps"], shown["min_order_wh"], shown["max_order_wh"]) == (2_000, 100, 20_000)


def test_who_deployed_a_governed_market_cannot_change_its_rules(governed: Run, server: NodeServer) -> None:
    with open_market(server) as market, pytest.raises(ContractRevertError, match="AccessManagedUnauthorized"):
        market.transactor.read(market.grid.contract, "setTradingFee", 1)


def test_an_unknown_proposal_is_an_error(governed: Run) -> None:
    with pytest.raises(ContractRevertError, match="GovernorNonexistentProposal"):
        governed("govern", "show", "12")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("setTradingFee(1)", "is no call: write Contract.function"),
        ("Nothing.setTradingFee(1)", "one of AccessManager, "),
        ("GridBalance.setTradingFee()", "does not fit GridBalance"),
        ("GridBalance.setTradingFee(x)", "does not fit GridBalance"),
        ("EnergyTrading.raiseFee(1)", "does not fit EnergyTrading"),
    ],
)
def test_a_call_that_is_none_is_refused(governed: Run, call: str, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        governed("govern", "propose", "why", "--call", call)


def test_addresses_in_calls_need_no_quotes(governed: Run, server: NodeServer) -> None:
    governed("govern", "delegate", "--key-file", "seller.key")
    pass_time(server, 10)
    call = f"AccessManager.grantRole(6, {BUYER.address}, 0)"
    made = governed("govern", "propose", "A guardian", "--call", call, "--key-file", "seller.key")
    assert made["calls"] == [call]


def test_a_market_without_governance_says_so(run: Run) -> None:
    run("deploy")
    with pytest.raises(BadInputError, match="deployed without governance"):
        run("govern", "list")


def test_a_key_with_the_role_changes_rules_at_once_without_governance(run: Run, server: NodeServer) -> None:
    run("deploy")
    limits = "EnergyTrading.setOrderLimits(100, 20000)"
    assert run("govern", "apply", CALL, limits) == {"calls": [CALL, limits]}
    rules = run("trade", "rules")
    assert (rules["fee_micro_per_kwh"], rules["min_order_wh"], rules["max_order_wh"]) == (2_500, 100, 20_000)
    with pytest.raises(ContractRevertError, match=r"FeeTooHigh\(.*\): "):
        run("govern", "apply", "GridBalance.setTradingFee(2000000)")
    with pytest.raises(ContractRevertError, match="does not hold the role"):
        run("govern", "apply", CALL, "--key-file", "seller.key")
    with pytest.raises(BadInputError, match="does not fit GridBalance"):
        run("govern", "apply", limits, "GridBalance.setTradingFee(-1)")
    with open_market(server) as market:
        assert market.grid.trading_fee() == 2_500


@pytest.fixture(scope="module")
def slow_server() -> Iterator[NodeServer]:
    """A node of its own: its clock must stand where orders are for the first interval."""
    with serving() as started:
        yield started


@pytest.mark.usefixtures("run")
def test_a_proposer_takes_a_proposal_back_before_its_vote(slow_server: NodeServer) -> None:
    server, run = slow_server, Commands(slow_server)
    govern_from_here(run, server, 600)
    run("govern", "delegate", "--key-file", "seller.key")
    pass_time(server, 10)
    made = [run("govern", "propose", why, "--call", CALL, "--key-file", "seller.key") for why in ("one", "two")]
    with pytest.raises(ContractRevertError, match="only its proposer can cancel a proposal"):
        run("govern", "cancel", made[0]["proposal"], "--key-file", "buyer.key")
    assert run("govern", "cancel", made[0]["proposal"], "--key-file", "seller.key")["state"] == "canceled"
    pass_time(server, 700)
    with pytest.raises(ContractRevertError, match="only before its vote starts"):
        run("govern", "cancel", made[1]["proposal"], "--key-file", "seller.key")
