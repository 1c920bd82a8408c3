"""The doctor looks at the real parts and says what to do."""

import json
import socket

import pytest
from click.testing import CliRunner

from microgrid.cli.doctor import UnhealthyError, command
from microgrid.config import Settings
from microgrid.wiring.doctor import State, examine


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type,call-arg]


def test_all_that_is_needed_works_here() -> None:
    findings = {finding.part: finding for finding in examine(settings())}
    needed = ["Python", "libraries", "contract artifacts", "embedded broker", "database", "run folder", "MQTT broker"]
    assert {part: findings[part].state for part in needed} == dict.fromkeys(needed, State.OK)
    assert "EnergyTrading" in findings["contract artifacts"].found


def test_what_is_not_there_comes_with_a_remedy() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        node = next(f for f in examine(settings(rpc_url=url)) if f.part.startswith("node"))
    assert node.state is State.OPTIONAL
    assert "microgrid node" in node.remedy


def test_a_named_broker_that_does_not_answer_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_BROKER_URL", "mqtt://127.0.0.1:1")
    result = CliRunner().invoke(command, ["--json"])
    broken = [finding["part"] for finding in json.loads(result.stdout) if finding["state"] == "broken"]
    assert broken == ["MQTT broker"]
    assert isinstance(result.exception, UnhealthyError)


def test_the_table_names_every_part() -> None:
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert all(part in result.output for part in ("Python", "libraries", "database", "anvil"))
