"""`microgrid deploy`, `device` and `trade` against a node in another thread or process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from village import START_S, key

from microgrid.chain.backend import dev_key
from microgrid.chain.client import MarketChain
from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.cli._chain import NameBook, open_market
from microgrid.domain.errors import BadInputError, ContractRevertError, OrderRefusedError
from microgrid.domain.wire import Payload, decode_reading, encode_reading

HOME, OTHER = dev_key(1), dev_key(2)
METER, OTHER_METER = key("meter-01"), key("meter-02")
GATE_LEAD_S, HOUR_S = 300, 3_600
FIRST = START_S // HOUR_S + 1

Run = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[NodeServer]:
    """A node whose clock starts at the start of an hour."""
    started = NodeServer(start_s=START_S)
    thread = threading.Thread(target=started.serve)
    thread.start()
    yield started
    started.stop()
    thread.join()
    started.close()


@pytest.fixture
def run(server: NodeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder; gives the JSON that it prints, or raises its error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRID_OPERATOR_KEY", raising=False)
    Path("home.key").write_text("0x" + HOME.secret.hex() + "\n")
    Path("other.key").write_text(OTHER.secret.hex())

    def invoke(*words: str, as_json: bool = True) -> Any:
        options = ["--rpc", server.url, *(["--json"] if as_json else [])]
        result = CliRunner().invoke(root, [*words, *options], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.stdout

    return invoke


@pytest.fixture
def market(run: Run) -> Run:
    """Contracts, two homes with a meter each, and their money."""
    run("deploy")
    for name, home, meter in (("meter-01", HOME, METER), ("meter-02", OTHER, OTHER_METER)):
        run("device", "register", name, "--owner", home.address, "--key", meter.address)
        run("trade", "deposit", "50", "--account", home.address)
    return run


def read_meters(market: MarketChain, number: int, time_s: int, registers: list[tuple[int, int]]) -> None:
    readings = []
    for name, meter, (import_wh, export_wh) in zip(
        ("meter-01", "meter-02"), (METER, OTHER_METER), registers, strict=True
    ):
        payload = Payload(1, name, 0, number, time_s, import_wh, export_wh, 0, 230_000, 0)
        readings.append(decode_reading(encode_reading(payload, meter, market.reading_domain)))
    market.send_readings(market.prepare_readings(number, readings))


class TestDeploy:
    def test_it_writes_the_addresses_that_it_prints(self, run: Run) -> None:
        printed = run("deploy", "--out", "here.json")
        written = json.loads(Path("here.json").read_text())
        assert printed == written | {"file": "here.json"}
        assert written["chain_id"] == 31_337
        assert [path.name for path in Path().iterdir() if "part" in path.name] == []

    def test_its_options_are_the_contracts_rules(self, run: Run, server: NodeServer) -> None:
        run("deploy", "--interval-seconds", "900", "--gate-lead-seconds", "60", "--fee", "0.0025")
        with open_market(server.url, None, Path("deployment.json"), NameBook(Path("deployment.json"))) as market:
            assert market.registry.interval_seconds() == 900
            assert market.trading.gate_closure_s(10) == 9_000 - 60
            assert market.grid.trading_fee() == 2_500

    @pytest.mark.parametrize("out", ["missing/deployment.json", "."])
    def test_a_place_that_cannot_be_written_is_refused_before_anything_is_deployed(
        self, run: Run, server: NodeServer, out: str
    ) -> None:
        with pytest.raises(BadInputError, match="cannot be written"):
            run("deploy", "--out", out)
        assert server.chain.blocks[-1].number == 0

    def test_the_key_may_come_from_the_environment(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MICROGRID_OPERATOR_KEY", HOME.secret.hex())
        run("deploy")
        run("device", "register", "m", "--owner", HOME.address, "--key", METER.address)
        monkeypatch.delenv("MICROGRID_OPERATOR_KEY")
        with pytest.raises(ContractRevertError, match="AccessManagedUnauthorized"):
            run("device", "register", "n", "--owner", HOME.address, "--key", OTHER_METER.address)


class TestDevice:
    def test_a_registered_device_is_shown_and_listed(self, market: Run) -> None:
        shown = market("device", "show", "meter-01")
        assert (shown["owner"], shown["key"], shown["member_id"]) == (HOME.address, METER.address, 1)
        assert (shown["class"], shown["status"], shown["last_reading"]) == ("smart-meter", "active", None)
        assert [device["device"] for device in market("device", "list")] == ["meter-01", "meter-02"]

    def test_the_table_shows_whole_addresses(self, market: Run) -> None:
        assert METER.address in market("device", "show", "meter-01", as_json=False)

    def test_suspending_activating_and_a_new_key(self, market: Run) -> None:
        assert market("device", "suspend", "meter-01")["status"] == "suspended"
        assert market("device", "activate", "meter-01")["status"] == "active"
        rotated = market("device", "rotate-key", "meter-01", "--device-key-file", "other.key")
        assert rotated["key"] == OTHER.address

    def test_alerts_are_raised_acknowledged_and_resolved(self, market: Run) -> None:
        assert market("device", "raise-alert", "meter-01", "3")["status"] == "raised"
        assert market("device", "acknowledge", "0")["status"] == "acknowledged"
        (alert,) = market("device", "alerts", "--open")
        assert (alert["alert"], alert["device"], alert["kind"]) == (0, "meter-01", 3)
        assert market("device", "resolve", "0")["status"] == "resolved"
        assert market("device", "alerts", "--open") == []

    def test_the_performance_of_a_new_device_is_empty(self, market: Run) -> None:
        shown = market("device", "performance", "meter-01")
        assert (shown["device"], shown["accepted"], shown["last_seen_s"]) == ("meter-01", 0, 0)

    def test_a_device_is_replaced_when_its_owner_agreed(self, market: Run) -> None:
        words = ("device", "replace", "meter-01", "meter-09", "--key", key("spare").address)
        with pytest.raises(ContractRevertError, match="ReplacementNotApproved"):
            market(*words)
        assert not market(*words, "--approve", "--key-file", "home.key")["replaced"]
        assert market(*words)["replaced"]
        assert market("device", "show", "meter-01")["status"] == "retired"
        assert market("device", "show", "meter-09")["status"] == "active"

    def test_a_device_is_retired(self, market: Run) -> None:
        assert market("device", "retire", "meter-02")["status"] == "retired"
        assert market("device", "show", "meter-02")["status"] == "retired"

    def test_an_owner_rotates_its_own_devices_key(self, market: Run) -> None:
        market("device", "rotate-key", "meter-01", "--key", key("new").address, "--key-file", "home.key")
        with pytest.raises(ContractRevertError, match="Unauthorized"):
            market("device", "rotate-key", "meter-02", "--key", key("newer").address, "--key-file", "home.key")

    def test_an_unknown_device_is_named_beside_the_known_ones(self, market: Run) -> None:
        with pytest.raises(BadInputError, match="no device is called 'meter-99'; known here are: meter-01, meter-02"):
            market("device", "show", "meter-99")

    @pytest.mark.parametrize("words", [[], ["--key", METER.address, "--device-key-file", "home.key"]])
    def test_the_key_is_named_exactly_once(self, market: Run, words: list[str]) -> None:
        with pytest.raises(BadInputError, match="name the device's key once"):
            market("device", "register", "meter-03", "--owner", HOME.address, *words)


class TestTrade:
    def test_an_interval_from_orders_to_bills(self, market: Run, server: NodeServer) -> None:
        market("trade", "deposit", "100", "--account", dev_key(8).address)
        bought = market("trade", "order", "buy", "1.5", "0.20", "--key-file", "home.key")
        sold = market("trade", "order", "sell", "1", "0.10", "--signed-by", "other.key")
        assert (bought["trader"], sold["trader"]) == (HOME.address, OTHER.address)
        assert bought["interval"] == sold["interval"] == FIRST
        assert bought["start"] == "2016-08-01T01:00:00+00:00"
        book = market("trade", "book")
        assert book["takes_orders"] is True
        assert sum(level["buy_wh"] for level in book["levels"]) == 1_500
        assert sum(level["sell_wh"] for level in book["levels"]) == 1_000
        start_s = FIRST * HOUR_S
        with open_market(server.url, None, Path("deployment.json"), NameBook(Path("deployment.json"))) as chain:
            chain.advance_to(start_s)
            cleared = market("trade", "clear", "2016-08-01T01:00")
            read_meters(chain, 0, start_s, [(0, 0), (0, 0)])
            chain.advance_to(start_s + HOUR_S)
            read_meters(chain, 1, start_s + HOUR_S, [(1_500, 0), (0, 1_000)])
        assert (cleared["volume_wh"], cleared["bought_wh"]) == (1_000, {HOME.address: 1_000})
        bills = market("trade", "settle", str(FIRST))
        money = bills["money"]
        assert money["homes_micro"] + money["grid_micro"] + money["fees_micro"] + money["dust_micro"] == 0
        price = cleared["price_micro_per_kwh"]
        assert {s["account"]: s["amount_micro"] for s in bills["statements"]}[OTHER.address] == price
        balances = market("trade", "balance")
        assert sum(balances.values()) == 200_000_000
        events = [entry["event"] for entry in market("trade", "history", OTHER.address)]
        assert events == ["Deposited", "OrderCreated", "HomeSettled"]

    def test_an_order_is_taken_back_and_placed_anew(self, market: Run) -> None:
        market("trade", "order", "buy", "1.5", "0.20", "--key-file", "home.key")
        cancelled = market("trade", "cancel", "buy", "--key-file", "home.key")
        assert (cancelled["interval"], cancelled["energy_wh"]) == (FIRST, 1_500)
        assert market("trade", "balance", HOME.address) == {HOME.address: 50_000_000}
        assert market("trade", "book")["levels"] == []
        market("trade", "order", "buy", "1", "0.20", "--key-file", "home.key")
        with pytest.raises(ContractRevertError, match="AlreadyCancelled"):
            market("trade", "cancel", "buy", "--interval", str(FIRST), "--key-file", "home.key")
        events = [entry["event"] for entry in market("trade", "history", "--key-file", "home.key")]
        assert events == ["Deposited", "OrderCreated", "OrderCancelled", "OrderCreated"]

    def test_two_homes_make_a_deal(self, market: Run) -> None:
        words = ("trade", "offer", OTHER.address, "sell", "1.5", "0.10", "--key-file", "home.key")
        first, second = market(*words), market(*words)
        assert (first["number"], first["status"], first["interval"], first["maker"]) == (1, "open", FIRST, HOME.address)
        assert [made["number"] for made in market("trade", "offers")] == [1, 2]
        assert [made["status"] for made in market("trade", "accept", "1", "--key-file", "other.key")] == ["accepted"]
        withdrawn = market("trade", "withdraw-offer", str(second["number"]), "--key-file", "home.key")
        assert [made["status"] for made in withdrawn] == ["withdrawn"]
        assert market("trade", "offers") == []
        assert [made["energy_wh"] for made in market("trade", "offers", "--all")] == [1_500, 1_500]
        assert (
            market("trade", "balance", OTHER.address)[OTHER.address] == 50_000_000 - 1_500 * (100_000 + 1_000) // 1_000
        )
        with pytest.raises(ContractRevertError, match="OfferNotOpen"):
            market("trade", "accept", "1", "--key-file", "other.key")

    def test_credits_come_from_metered_export_and_go_once(self, market: Run, server: NodeServer) -> None:
        start_s = FIRST * HOUR_S
        with open_market(server.url, None, Path("deployment.json"), NameBook(Path("deployment.json"))) as chain:
            for number, registers in enumerate([[(0, 0), (0, 0)], [(0, 1_200), (300, 0)]]):
                chain.advance_to(start_s + number * HOUR_S)
                read_meters(chain, number, start_s + number * HOUR_S, registers)
        minted = market("trade", "credits", "mint", str(FIRST), HOME.address)
        assert minted == {"minted_wh": 1_200, "spent_wh": 0, "balances_wh": {HOME.address: 1_200}}
        market("trade", "credits", "transfer", OTHER.address, "0.2", "--key-file", "home.key")
        market("trade", "credits", "spend", "1", "green event", "--key-file", "home.key")
        shown = market("trade", "credits", "show")
        assert (shown["spent_wh"], shown["balances_wh"][HOME.address], shown["balances_wh"][OTHER.address]) == (
            1_000,
            0,
            200,
        )
        with pytest.raises(BadInputError, match="at most 32 bytes"):
            market("trade", "credits", "spend", "1", "x" * 33, "--key-file", "home.key")

    def test_money_moves_by_its_owners_key(self, market: Run) -> None:
        moved = market("trade", "transfer", OTHER.address, "2.50", "--key-file", "home.key")
        assert moved == {HOME.address: 47_500_000, OTHER.address: 52_500_000}
        assert market("trade", "withdraw", "7.5", "--key-file", "home.key") == {HOME.address: 40_000_000}
        assert [e["event"] for e in market("trade", "history", "--key-file", "home.key")] == [
            "Deposited",
            "CreditTransferred",
            "Withdrawn",
        ]

    def test_contract_errors_come_by_name_with_values(self, market: Run) -> None:
        with pytest.raises(
            ContractRevertError, match=rf"InsufficientBalance\(account={HOME.address}, balance=50000000"
        ):
            market("trade", "withdraw", "51", "--key-file", "home.key")
        market("trade", "order", "buy", "1", "0.2", "--key-file", "home.key")
        with pytest.raises(ContractRevertError, match=rf"GateStillOpen\(interval={FIRST}, gateClosure="):
            market("trade", "clear", "next")

    def test_settling_what_is_not_cleared_is_refused(self, market: Run) -> None:
        with pytest.raises(ContractRevertError, match=rf"NotCleared\(interval={FIRST}"):
            market("trade", "settle", str(FIRST))

    def test_a_refused_relayed_order_names_the_reason(self, market: Run) -> None:
        market("trade", "order", "sell", "1", "0.1", "--signed-by", "other.key")
        with pytest.raises(OrderRefusedError, match="was refused: order_exists"):
            market("trade", "order", "sell", "2", "0.1", "--signed-by", "other.key")

    @pytest.mark.parametrize("text", ["tomorrow", "9" * 15, "9" * 30, "9" * 5_000, "9999-12-31T23:00"])
    def test_what_is_no_interval_is_told_the_next_open_one(self, market: Run, text: str) -> None:
        with pytest.raises(
            BadInputError, match=rf"the next open one starts at 2016-08-01T01:00:00\+00:00 and has index {FIRST}"
        ):
            market("trade", "clear", text)

    @pytest.mark.parametrize(
        "words",
        [
            ["trade", "deposit", "nan"],
            ["trade", "deposit", "0.0000001"],
            ["trade", "order", "buy", "one", "0.2"],
            ["trade", "balance", "0x12"],
            ["trade", "balance", HOME.address[:-1] + "9"],
        ],
    )
    def test_mistyped_values_are_usage_errors(self, words: list[str]) -> None:
        result = CliRunner().invoke(root, words)
        assert result.exit_code == 2
        assert "Invalid value" in result.stderr


class TestWhatIsWrong:
    """Exit codes and sentences of the real command, in its own process."""

    @pytest.fixture
    def sentence(self, run: Run, server: NodeServer, tmp_path: Path) -> Callable[..., tuple[int, str]]:  # noqa: ARG002 - the folder
        def failing(*words: str, rpc_url: str = server.url, **environment: str) -> tuple[int, str]:
            command = [sys.executable, "-m", "microgrid", *words, "--rpc", rpc_url]
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, **environment}
            )
            assert ended.stdout == ""
            assert ended.stderr.count("\n") == 1
            return ended.returncode, ended.stderr

        return failing

    def test_no_node(self, sentence: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
        code, text = sentence("deploy", rpc_url="http://127.0.0.1:1")
        assert (code, list(tmp_path.glob("*.json"))) == (2, [])
        assert "http://127.0.0.1:1 cannot be reached: connection refused" in text

    def test_no_deployment_file(self, sentence: Callable[..., tuple[int, str]]) -> None:
        code, text = sentence("trade", "balance")
        assert code == 2
        assert text.startswith("Error: deployment.json cannot be read: No such file")

    def test_no_key(self, sentence: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
        secret = "ab" * 31
        (tmp_path / "short.key").write_text(secret)
        code, text = sentence("deploy", "--key-file", "short.key")
        assert (code, secret in text) == (2, False)
        assert "short.key holds no private key" in text
        code, text = sentence("deploy", MICROGRID_OPERATOR_KEY="0" * 64)
        assert (code, "MICROGRID_OPERATOR_KEY holds no private key" in text) == (2, True)

    def test_no_gas_money(self, sentence: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
        (tmp_path / "poor.key").write_text(key("poor").secret.hex())
        code, text = sentence("deploy", "--key-file", "poor.key")
        assert (code, list(tmp_path.glob("*.json"))) == (1, [])
        assert "insufficient funds" in text

    @pytest.mark.usefixtures("market")
    def test_contracts_of_another_chain(self, sentence: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
        document = json.loads((tmp_path / "deployment.json").read_text())
        for change, words in (
            ({"chain_id": 1}, "is of chain 1, but the node serves chain 31337"),
            ({"energy_trading": HOME.address}, "names contracts that are not on this chain"),
        ):
            (tmp_path / "deployment.json").write_text(json.dumps(document | change))
            code, text = sentence("trade", "balance")
            assert code == 2
            assert words in text

    @pytest.mark.usefixtures("market")
    def test_a_contract_that_refuses(self, sentence: Callable[..., tuple[int, str]]) -> None:
        code, text = sentence("trade", "withdraw", "51", "--key-file", "home.key")
        assert code == 1
        assert text.startswith(f"Error: InsufficientBalance(account={HOME.address}, balance=50000000, needed=51000000)")


@pytest.mark.parametrize("group", ["deploy", "node", "device", "trade"])
def test_every_command_shows_an_example(group: str) -> None:
    command = root.get_command(None, group)  # type: ignore[arg-type]
    for each in (command, *getattr(command, "commands", {}).values()):
        assert "Example: microgrid " in (each.help or "")
