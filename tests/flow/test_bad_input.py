"""What a person gets wrong is told in one sentence with exit code 2, and nothing is left behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_S = 60


def microgrid(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "microgrid", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def wrong_csv(tmp_path: Path) -> Path:
    path = tmp_path / "homes.csv"
    path.write_text("interval_start,home_id,load_kwh,pv_kwh\n2016-08-01T00:00,a,1.0,0\n2016-08-01T01:00,a,oops,0\n")
    return path


CASES = {
    "wrong file": (["demo", "--data", "homes.csv"], ["homes.csv", "line 3", "load_kwh"]),
    "no such file": (["demo", "--data", "nothing.csv"], ["nothing.csv"]),
    "unknown backend": (["demo", "--backend", "etherium"], ["etherium", "eth_tester", "anvil", "rpc"]),
    "unknown forecaster": (["demo", "--forecaster", "oracle"], ["oracle", "persistence"]),
    "unknown mechanism": (["market", "clear", "orders.json", "--mechanism", "uniform"], ["uniform", "uniform_price"]),
    "no such time": (["demo", "--start", "yesterday"], ["--start", "2016-08-01"]),
    "unreachable broker": (["demo", "--hours", "1", "--broker", "mqtt://127.0.0.1:1"], ["127.0.0.1:1"]),
    "no broker URL": (["demo", "--hours", "1", "--broker", "localhost"], ["localhost", "mqtt://"]),
    "unreachable node": (["demo", "--backend", "rpc", "--rpc", "http://127.0.0.1:1"], ["127.0.0.1:1"]),
    "no number of homes": (["demo", "--homes", "many"], ["--homes", "many"]),
    "a folder that is no run": (["demo", "--out", "."], ["holds other things"]),
    "no such command": (["dmeo"], ["dmeo"]),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence_and_leaves_nothing(name: str, tmp_path: Path, wrong_csv: Path) -> None:
    (tmp_path / "orders.json").write_text('{"bids": [], "asks": []}')
    before = sorted(tmp_path.rglob("*"))
    words, told = CASES[name]
    result = microgrid(*words, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert [part for part in told if part not in result.stderr] == []
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_taken_port_is_told_before_anything_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = microgrid("demo", "--serve", "--port", str(port), cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert str(port) in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["not-a-key", "0" * 64, "f" * 64])
def test_an_invalid_key_is_refused_and_never_shown(tmp_path: Path, key: str) -> None:
    result = microgrid("demo", "--hours", "1", cwd=tmp_path, MICROGRID_OPERATOR_KEY=key)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "MICROGRID_OPERATOR_KEY" in result.stderr
    assert key not in result.stderr


def test_a_setting_out_of_range_is_named(tmp_path: Path) -> None:
    result = microgrid("demo", "--hours", "1", cwd=tmp_path, MICROGRID_READING_TIMEOUT_S="-1")
    assert result.returncode == 2
    assert "MICROGRID_READING_TIMEOUT_S" in result.stderr
