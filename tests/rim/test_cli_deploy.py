"""`microgrid deploy`, and what commands that talk to a chain say when something is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from rim.cli_chain import ONE as HOME
from rim.cli_chain import Run, open_market
from village import key

from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.domain.errors import BadInputError, ContractRevertError

METER, OTHER_METER = key("meter-01"), key("meter-02")


class TestDeploy:
    def test_it_writes_the_addresses_that_it_prints(self, run: Run) -> None:
        printed = run("deploy", "--out", "here.json")
        written = json.loads(Path("here.json").read_text())
        assert printed == written | {"file": "here.json"}
        assert written["chain_id"] == 31_337
        assert [path.name for path in Path().iterdir() if "part" in path.name] == []

    def test_its_options_are_the_contracts_rules(self, run: Run, server: NodeServer) -> None:
        run("deploy", "--interval-seconds", "900", "--gate-lead-seconds", "60", "--fee", "0.0025")
        with open_market(server) as market:
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

    def test_a_fee_above_the_contracts_limit(self, sentence: Callable[..., tuple[int, str]]) -> None:
        code, text = sentence("deploy", "--fee", "5")
        assert code == 2
        assert text == "Error: --fee 5.000000 is out of range: a trading fee is 0 to 1.000000 currency units per kWh\n"

    def test_one_account_for_grid_supplier_and_treasury(self, sentence: Callable[..., tuple[int, str]]) -> None:
        one = HOME.address
        code, text = sentence("deploy", "--backstop", one, "--treasury", one)
        assert (code, text) == (2, f"Error: --backstop and --treasury are both {one}: they must be two accounts\n")
        nobody = "0x" + 40 * "0"
        code, text = sentence("deploy", "--treasury", nobody)
        assert code == 2
        assert text == f"Error: {nobody} is nobody's account: money that goes there is lost\n"

    @pytest.mark.usefixtures("market")
    def test_an_order_of_nothing(self, sentence: Callable[..., tuple[int, str]]) -> None:
        code, text = sentence("trade", "order", "buy", "0", "0.2", "--key-file", "home.key")
        assert (code, text) == (2, "Error: ENERGY 0.000 is out of range: an order here is for 0.001 to 1000.000 kWh\n")

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
        values = f"account={HOME.address}, balance=50000000, needed=51000000"
        assert text == f"Error: InsufficientBalance({values}): the account cannot spend that much\n"


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--gate-lead-seconds", "604801"),
        ("deploy", "--timelock-delay", "31536001"),
        ("deploy", "--min-quorum", "1000000001"),
        ("device", "register", "m", "--owner", HOME.address, "--zone", "4294967295"),
        ("device", "register", "m", "--owner", HOME.address, "--rated-power-w", "100000001"),
    ],
)
def test_numbers_that_no_contract_takes_are_refused_with_their_range(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 2
    assert f"Invalid value for '{words[-2]}'" in result.output


@pytest.mark.parametrize("group", ["deploy", "node", "device", "trade"])
def test_every_command_shows_an_example(group: str) -> None:
    command = root.get_command(None, group)  # type: ignore[arg-type]
    for each in (command, *getattr(command, "commands", {}).values()):
        assert "Example: microgrid " in (each.help or "")
