"""`microgrid govern` against a node in another thread: a proposal from creation to execution."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from village import START_S, key

from microgrid.chain.backend import dev_key
from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.cli._chain import NameBook, open_market
from microgrid.domain.errors import BadInputError, ContractRevertError
from microgrid.domain.wire import Payload, decode_reading, encode_reading

BUYER, SELLER = dev_key(1), dev_key(2)
HOUR_S = 3_600
FIRST = START_S // HOUR_S + 1
CALL = "GridBalance.setTradingFee(2500)"

Run = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[NodeServer]:
    started = NodeServer(start_s=START_S)
    thread = threading.Thread(target=started.serve)
    thread.start()
    yield started
    started.stop()
    thread.join()
    started.close()


@pytest.fixture
def run(server: NodeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRID_OPERATOR_KEY", raising=False)
    Path("buyer.key").write_text(BUYER.secret.hex())
    Path("seller.key").write_text(SELLER.secret.hex())

    def invoke(*words: str, as_json: bool = True) -> Any:
        options = ["--rpc", server.url, *(["--json"] if as_json else [])]
        result = CliRunner().invoke(root, [*words, *options], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.stdout

    return invoke


def share(server: NodeServer, run: Run) -> None:
    """The seller sells 1 kWh to the buyer and both are settled: they earn 1 and 0.5 tokens."""
    for name, home in (("m1", BUYER), ("m2", SELLER)):
        run("device", "register", name, "--owner", home.address, "--key", key(name).address)
        run("trade", "deposit", "50", "--account", home.address)
    run("trade", "deposit", "100", "--account", dev_key(8).address)
    run("trade", "order", "buy", "1", "0.20", "--key-file", "buyer.key")
    run("trade", "order", "sell", "1", "0.10", "--key-file", "seller.key")
    with open_market(server.url, None, Path("deployment.json"), NameBook(Path("deployment.json"))) as market:
        market.advance_to(FIRST * HOUR_S)
        for number, registers in enumerate(((0, 0), (1_000, 1_000))):
            market.advance_to((FIRST + number) * HOUR_S)
            payloads = (
                Payload(1, "m1", 0, number, (FIRST + number) * HOUR_S, registers[0], 0, 0, 230_000, 0),
                Payload(1, "m2", 0, number, (FIRST + number) * HOUR_S, 0, registers[1], 0, 230_000, 0),
            )
            readings = [decode_reading(encode_reading(p, key(p.dev), market.reading_domain)) for p in payloads]
            market.send_readings(market.prepare_readings(number, readings))
    run("trade", "clear", str(FIRST))
    run("trade", "settle", str(FIRST))


def pass_time(server: NodeServer, seconds: int) -> None:
    with open_market(server.url, None, Path("deployment.json"), NameBook(Path("deployment.json"))) as market:
        market.advance_to(market.now_s() + seconds)


@pytest.fixture
def governed(server: NodeServer, run: Run) -> Run:
    times = ["--voting-delay", "0", "--voting-period", "3600", "--timelock-delay", "600", "--min-quorum", "1"]
    run("deploy", "--governance", *times)
    share(server, run)
    with open_market(server.url, Path("seller.key"), Path("deployment.json"), NameBook(Path("x"))) as market:
        market.reward_system.claim()
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
    with open_market(server.url, None, Path("deployment.json"), NameBook(Path("x"))) as market:
        assert market.grid.trading_fee() == 2_500
    assert "Pay for the line" in governed("govern", "list", as_json=False)
    assert "executed" in governed("govern", "show", number, as_json=False)


def test_who_deployed_a_governed_market_cannot_change_its_rules(governed: Run, server: NodeServer) -> None:
    place = (server.url, None, Path("deployment.json"), NameBook(Path("x")))
    with open_market(*place) as market, pytest.raises(ContractRevertError, match="AccessManagedUnauthorized"):
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
