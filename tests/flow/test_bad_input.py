"""What a person gets wrong is told in one sentence with exit code 2, and nothing is left behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_S = 200


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
    "a seed below zero": (["demo", "--seed", "-1"], ["--seed"]),
    "a fee that is no number": (["demo", "--fee", "nan"], ["fee", "nan", "0 to 1"]),
    "a fee below zero": (["demo", "--fee", "-1"], ["fee", "0 to 1"]),
    "a fee above the contract's": (["demo", "--fee", "1.01"], ["fee", "1.01", "0 to 1"]),
    "a feed-in price that is no number": (["demo", "--feed-in", "nan"], ["feed-in price", "nan"]),
    "two retail prices": (
        ["demo", "--data", "fine.csv", "--prices", "two.csv"],
        ["retail_a_per_kwh, retail_b_per_kwh", "--retail-column"],
    ),
    "a price of another world": (
        ["demo", "--data", "fine.csv", "--prices", "dear.csv"],
        ["dear.csv, line 2", "at most"],
    ),
    "a home like a power station": (["demo", "--data", "huge.csv", "--hours", "2"], ["huge.csv", "a has 1e+08 kW"]),
    "a node from before chains": (["node", "--start", "1960-01-01"], ["--start", "1970"]),
    "a node on another's address": (["node", "--port", "0", "--host", "192.0.2.1"], ["192.0.2.1"]),
    "a time before chains": (["demo", "--start", "1969-12-31"], ["--start", "1971"]),
    "a time beyond clocks": (["demo", "--start", "9999-12-31"], ["--start", "2200"]),
    "data from before chains": (["demo", "--data", "old.csv", "--hours", "1"], ["old.csv", "1971"]),
    "no such command": (["dmeo"], ["dmeo"]),
}
QUICK = {"wrong file", "no such file", "unknown backend", "no such time", "a fee that is no number", "no such command"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_bad_input_is_one_sentence_and_leaves_nothing(name: str, tmp_path: Path, wrong_csv: Path) -> None:
    (tmp_path / "orders.json").write_text('{"bids": [], "asks": []}')
    days = {"fine.csv": "2016-08-01", "old.csv": "1960-08-01"}
    for file, day in days.items():
        rows = [f"{day}T{hour:02}:00,a,1.0,0\n" for hour in range(24)]
        (tmp_path / file).write_text("interval_start,home_id,load_kwh,pv_kwh\n" + "".join(rows))
    rows = [f"2016-08-01T{hour:02}:00,a,1e8,0\n" for hour in range(2)]
    (tmp_path / "huge.csv").write_text("interval_start,home_id,load_kwh,pv_kwh\n" + "".join(rows))
    rows = [f"2016-08-01T{hour:02}:00,1e20\n" for hour in range(24)]
    (tmp_path / "two.csv").write_text("interval_start,retail_a_per_kwh,retail_b_per_kwh\n2016-08-01T00:00,0.3,0.2\n")
    (tmp_path / "dear.csv").write_text("interval_start,retail_eur_per_kwh\n" + "".join(rows))
    before = sorted(tmp_path.rglob("*"))
    words, told = CASES[name]
    result = microgrid(*words, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert [part for part in told if part not in result.stderr] == []
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_database_of_an_earlier_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Its readings would count as known, and the homes' bills of this run would come out as zero."""
    words = ("demo", "--homes", "2", "--hours", "1", "--store", f"sqlite:///{tmp_path / 'store.db'}", "--out")
    assert microgrid(*words, str(tmp_path / "first"), cwd=tmp_path).returncode == 0
    again = microgrid(*words, str(tmp_path / "again"), cwd=tmp_path)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "4 readings of an earlier run" in again.stderr
    assert not (tmp_path / "again").exists()


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
