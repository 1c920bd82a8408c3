"""`microgrid simulate` as a person uses it: ready scenarios, own files, settings, measured homes, mistakes."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microgrid.cli import root
from microgrid.data.scenarios import ready_names
from microgrid.domain.errors import BadInputError, DataFileError, RunFolderError, ScenarioError, UnknownNameError
from microgrid.sim.scenario import Scenario, key_rows

SMALL = ["--set", "homes.count=4", "--set", "steps=6", "--no-plots"]


def simulate(*words: str | Path) -> Result:
    return CliRunner().invoke(root, ["simulate", *map(str, words)])


def summary_of(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "summary.json").read_text())
    return document


def test_a_ready_scenario_leaves_a_run_folder_and_says_what_the_market_brought(tmp_path: Path) -> None:
    result = simulate("community_100", *SMALL, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "bills with the grid alone" in result.output
    assert "Invariants: 9 of 9 exact." in result.output
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"summary.json", "scenario.toml", "bills.csv", "prosumer_energy.csv", "prosumer_trading.csv"} <= names
    assert {"all_trades.csv", "regulator_actions.csv", "community_summary.csv", "blocks.json"} <= names


def test_the_written_scenario_runs_again_to_the_same_tables(tmp_path: Path) -> None:
    simulate("community_100", *SMALL, "--seed", "3", "--out", tmp_path / "one")
    simulate(tmp_path / "one" / "scenario.toml", "--seed", "3", "--no-plots", "--out", tmp_path / "two")
    for name in ("bills", "all_trades", "prosumer_energy", "prosumer_trading", "community_summary"):
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()
    assert (tmp_path / "one" / "blocks.json").read_bytes() == (tmp_path / "two" / "blocks.json").read_bytes()


def test_json_prints_the_summary_and_nothing_else(tmp_path: Path) -> None:
    result = simulate("household_5", *SMALL, "--json", "--out", tmp_path / "run")
    assert json.loads(result.output) == summary_of(tmp_path / "run")


def test_the_ready_scenarios_are_listed_with_what_they_are() -> None:
    assert set(json.loads(simulate("--list", "--json").output)) == set(ready_names())
    assert all(name in simulate("--list").output for name in ready_names())


def test_every_key_is_listed_with_unit_and_default() -> None:
    rows = json.loads(simulate("--keys", "--json").output)
    assert [row["key"] for row in rows] == [row.name for row in key_rows(Scenario)]
    assert "batteries.round_trip_efficiency" in simulate("--keys").output


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["comunity_100"], UnknownNameError, "did you mean 'community_100'"),
        (["absent.toml"], DataFileError, "there is no such file"),
        (["community_100", "--set", "homes.cuont=3"], ScenarioError, "did you mean 'count'"),
        (["community_100", "--set", "homes.count"], BadInputError, "write it as KEY=VALUE"),
        (["community_100", "--set", "steps=-1"], ScenarioError, "steps is -1; it must be from 1"),
        (["community_100", "--set", "start=yesterday"], ScenarioError, "an ISO time"),
        (["community_100", "--set", "start=2026-06-21T00:30"], ScenarioError, "the beginning of an interval of 60"),
        (["community_100", "--set", "timezone=Mars/Olympus"], ScenarioError, "a time zone such as"),
        (["community_100", "--data", "absent.csv"], DataFileError, "absent.csv"),
        (["community_100", "--set", "homes.mix.castle=1"], UnknownNameError, "home type"),
        (["community_100", "--set", "market.parameters.cap=1"], ScenarioError, "three_tier has k, cap_kwh"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, words: list[str], error: type[Exception], message: str
) -> None:
    result = simulate(*words, "--no-plots", "--out", tmp_path / "run")
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_without_a_scenario_the_ready_ones_are_named() -> None:
    result = simulate()
    assert result.exit_code == 2
    assert "community_100" in result.output


def test_a_folder_of_other_things_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    result = simulate("community_100", *SMALL, "--out", tmp_path / "letters")
    assert isinstance(result.exception, RunFolderError)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def write_homes(path: Path, hours: int = 48) -> Path:
    rows = [
        f"2026-05-{1 + hour // 24:02d}T{hour % 24:02d}:00,{home},{0.5 + 0.1 * number:.2f},{pv if number else 0.0:.2f}"
        for hour in range(hours)
        for number, home in enumerate(("a", "b", "c"))
        for pv in [1.5 if 9 <= hour % 24 < 15 else 0.0]
    ]
    path.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    return path


def test_measured_homes_take_the_place_of_made_up_ones(tmp_path: Path) -> None:
    data = write_homes(tmp_path / "homes.csv")
    words = ["--data", data, "--set", "start=2026-05-02T00:00", "--set", "steps=24", "--no-plots"]
    result = simulate("summer_week", *words, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.exception
    with (tmp_path / "run" / "bills.csv").open(newline="") as file:
        bills = {row["home_id"]: row for row in csv.DictReader(file)}
    assert set(bills) == {"a", "b", "c"}
    assert float(bills["a"]["load_kwh"]) == pytest.approx(12.0)
    assert float(bills["b"]["pv_kwh"]) == pytest.approx(9.0)
    summary = summary_of(tmp_path / "run")
    assert "homes.csv" in json.dumps(summary["reproduce"])


def test_gaps_in_the_data_are_refused_or_filled_and_counted(tmp_path: Path) -> None:
    data = write_homes(tmp_path / "homes.csv", 24)
    lines = data.read_text().splitlines()
    data.write_text("\n".join(lines[:10] + lines[11:]))
    words = ["summer_week", "--data", data, "--set", "start=2026-05-01T00:00", "--set", "steps=24", "--no-plots"]
    assert isinstance(simulate(*words, "--out", tmp_path / "run").exception, DataFileError)
    filled = simulate(*words, "--fill", "interpolate", "--out", tmp_path / "run")
    assert "Filled: 1 values" in filled.output


def test_listed_prices_are_those_that_homes_pay(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    rows = [f"2026-06-21T{hour:02d}:00,{0.2 + 0.01 * hour:.2f},0.05" for hour in range(24)]
    prices.write_text("\n".join(["interval_start,retail_per_kwh,feed_in_per_kwh", *rows]))
    simulate("community_100", *SMALL, "--prices", prices, "--out", tmp_path / "run")
    with (tmp_path / "run" / "community_summary.csv").open(newline="") as file:
        retail = [float(row["retail_per_kwh"]) for row in csv.DictReader(file)]
    assert retail == pytest.approx([0.2 + 0.01 * hour for hour in range(6)])
