"""What differs between runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from builders import run_result
from simulated_runs import BY_HAND, by_hand, everything, written
from simulations import inputs_of, scenario

from microgrid.domain.errors import RunFolderError, ValueRefusedError
from microgrid.report import write_run_folder
from microgrid.report.compare import compare, flattened
from microgrid.sim.run import run


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return written(by_hand("no_market"), tmp_path / "alone"), written(by_hand(), tmp_path / "together")


def test_bills_differ_by_what_the_market_brought(pair: tuple[Path, Path]) -> None:
    """h0 sells 4 kWh at 0.20 instead of 0.10; h1 and h2 buy them at 0.20 instead of 0.30."""
    homes = {home["home_id"]: home for home in compare(pair)["homes"]}
    assert homes["h0"] == {"home_id": "h0", "bills": [-0.4, -0.8], "gains": [0.0, 0.4]}
    assert homes["h1"]["gains"][1] == pytest.approx(1.332 * 0.1, abs=1e-9)
    assert sum(home["gains"][1] for home in homes.values()) == pytest.approx(0.8, abs=1e-9)


def test_settings_that_differ_have_dotted_keys(pair: tuple[Path, Path]) -> None:
    assert compare(pair)["settings"] == [{"key": "market.mechanism", "values": ["no_market", "mid_market_rate"]}]


def test_figures_come_with_their_differences(pair: tuple[Path, Path]) -> None:
    figures = {row["name"]: row for row in compare(pair)["figures"]}
    assert figures["totals.traded_kwh"] == {
        "name": "totals.traded_kwh",
        "values": [0.0, 4.0],
        "differences": [0.0, 4.0],
    }
    assert figures["totals.bills"]["differences"][1] == pytest.approx(-0.8, abs=1e-9)
    assert "energy.shared_self_sufficiency" in figures


def test_a_run_does_not_differ_from_itself(pair: tuple[Path, Path]) -> None:
    compared = compare([pair[0], pair[0], pair[0]])
    assert compared["settings"] == []
    assert {difference for row in compared["figures"] for difference in row["differences"]} == {0}


def test_homes_that_one_run_lacks_are_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = written(everything(), tmp_path / "other")
    compared = compare([pair[0], other])
    assert compared["homes"] == []
    assert compared["only"][0] == {"run": str(pair[0]), "homes": ["h0", "h1", "h2"]}


def test_an_emulated_run_compares_by_its_totals(pair: tuple[Path, Path], tmp_path: Path) -> None:
    emulated = write_run_folder(run_result(3, 4), tmp_path / "emulated")
    names = {row["name"] for row in compare([emulated, pair[1]])["figures"]}
    assert {"totals.bills", "totals.saving", "totals.traded_kwh", "totals.import_kwh"} <= names


def test_runs_in_two_currencies_are_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    rules = scenario({**BY_HAND, "prices": {**BY_HAND["prices"], "currency": "USD"}}, steps=1)
    dollars = written(run(rules, inputs=inputs_of(rules, [[1.0]], [[0.0]])), tmp_path / "dollars")
    with pytest.raises(ValueRefusedError, match="currency of the runs is EUR, USD"):
        compare([pair[0], dollars])


def test_a_single_run_and_a_folder_without_one_are_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueRefusedError, match="two or more"):
        compare(pair[:1])
    with pytest.raises(RunFolderError, match="nowhere"):
        compare([pair[0], tmp_path / "nowhere"])


def test_nested_names_are_joined_by_dots() -> None:
    assert flattened({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}


def test_the_command_tells_who_gains(pair: tuple[Path, Path]) -> None:
    call = [sys.executable, "-m", "microgrid", "compare", *map(str, pair)]
    spoken = subprocess.run(call, capture_output=True, text=True, check=False)
    assert spoken.returncode == 0, spoken.stderr
    assert "together: 3 homes pay less, 0 more" in spoken.stdout
    assert "market.mechanism" in spoken.stdout
    answer = subprocess.run([*call, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == compare(pair)
