"""What `microgrid simulate` makes of measured data that no run could use, or no written scenario could say again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from microgrid.cli import root
from microgrid.domain.errors import BadInputError, DataFileError
from microgrid.sim.scenario import DEFAULT_START


def simulate(*words: str | Path) -> BaseException | None:
    return CliRunner().invoke(root, ["simulate", *map(str, words), "--no-plots"]).exception


def write_data(path: Path, seconds: int, home: str = "a", load: str = "0.5") -> Path:
    times = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds * step) for step in range(60))
    rows = [f"{time.isoformat()},{name},{load},0.2" for time in times for name in (home, "b")]
    path.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    return path


@pytest.mark.parametrize(
    ("seconds", "minutes", "length"), [(1, "0.0166667", 1), (30, "0.5", 1), (90, "1.5", 3), (7_200, "120", 120)]
)
def test_steps_that_no_scenario_has_are_refused(tmp_path: Path, seconds: int, minutes: str, length: int) -> None:
    data = write_data(tmp_path / "homes.csv", seconds)
    words = ["--set", f"steps={length}", "--set", "step_minutes=1"]
    error = simulate("community_100", "--data", data, *words, "--out", tmp_path / "run")
    assert isinstance(error, DataFileError)
    assert f"has steps of {minutes} minutes; a simulation takes 1, 5, 10" in str(error)


def test_a_run_of_minutes_runs_again_from_its_own_scenario(tmp_path: Path) -> None:
    data = write_data(tmp_path / "homes.csv", 60)
    words = ["--set", "steps=1", "--set", "planning.forecaster=seasonal_naive", "--set", "ledger.kind=none"]
    assert simulate("community_100", "--data", data, *words, "--out", tmp_path / "one") is None
    assert simulate(tmp_path / "one" / "scenario.toml", "--data", data, "--out", tmp_path / "two") is None
    for name in ("bills", "all_trades", "prosumer_energy", "prosumer_trading"):
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("home", ["central battery", "supply", "regulator"])
def test_a_home_may_not_bear_the_name_of_another_party(tmp_path: Path, home: str) -> None:
    data = write_data(tmp_path / "homes.csv", 3_600, home)
    error = simulate("community_100", "--data", data, "--out", tmp_path / "run")
    assert isinstance(error, DataFileError)
    assert f"names a home {home!r}" in str(error)


def test_a_number_that_no_home_has_is_refused_where_it_stands(tmp_path: Path) -> None:
    data = write_data(tmp_path / "homes.csv", 3_600, load="1e300")
    error = simulate("community_100", "--data", data, "--out", tmp_path / "run")
    assert isinstance(error, DataFileError)
    assert "line 2, column 'load_kwh': 1e+300 must be at most 1e+09" in str(error)


@pytest.mark.parametrize(("option", "needs"), [("--fill", "--data"), ("--retail-column", "--prices")])
def test_an_option_that_would_do_nothing_is_refused(tmp_path: Path, option: str, needs: str) -> None:
    error = simulate("community_100", option, "zero", "--out", tmp_path / "run")
    assert isinstance(error, BadInputError)
    assert f"{option} zero does nothing without {needs}" in str(error)


@pytest.mark.parametrize("home", ["=1+1", "+1", "-2+3", "@SUM(A1)", "a\tb"])
def test_a_home_that_a_spreadsheet_would_run_as_a_formula_is_refused_where_it_stands(tmp_path: Path, home: str) -> None:
    error = simulate("community_100", "--data", write_data(tmp_path / "homes.csv", 3_600, home))
    assert isinstance(error, DataFileError)
    assert f"line 2, column 'home_id': names a home {home!r}; a spreadsheet would run" in str(error)


def write_days(path: Path, days: list[str], minutes: int = 60) -> Path:
    """Local times without a zone, whole days."""
    times = (
        datetime.fromisoformat(day) + timedelta(minutes=minutes * n) for day in days for n in range(1_440 // minutes)
    )
    rows = [f"{time.isoformat()},{home},0.5,0.2" for time in times for home in ("a", "b")]
    path.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    return path


def test_the_start_is_where_the_data_begin_unless_one_is_given_even_the_usual_one(tmp_path: Path) -> None:
    data = write_days(tmp_path / "homes.csv", ["2026-06-20", "2026-06-21"])
    words = ["--data", data, "--set", "steps=2", "--set", "ledger.kind=none"]
    assert simulate("community_100", *words, "--out", tmp_path / "first") is None
    assert simulate("community_100", *words, "--set", f"start={DEFAULT_START}", "--out", tmp_path / "given") is None
    told = [
        json.loads((tmp_path / name / "summary.json").read_text())["period"]["start"] for name in ("first", "given")
    ]
    assert told == ["2026-06-20T00:00:00+00:00", "2026-06-21T00:00:00+00:00"]


def test_without_data_the_run_tells_the_usual_start(tmp_path: Path) -> None:
    assert simulate("household_5", "--set", "steps=2", "--out", tmp_path / "run") is None
    assert f'start = "{DEFAULT_START}"' in (tmp_path / "run" / "scenario.toml").read_text()


def test_hourly_data_of_a_clock_half_an_hour_off_say_what_to_do_and_it_works(tmp_path: Path) -> None:
    data = write_days(tmp_path / "homes.csv", ["2026-06-20"])
    words = ["household_5", "--data", data, "--set", "steps=24", "--out", tmp_path / "run"]
    error = simulate(*words, "--set", "timezone=Asia/Kolkata")
    assert "leave the time zone at UTC, or use shorter intervals" in str(error)
    assert simulate(*words) is None
    halves = write_days(tmp_path / "halves.csv", ["2026-06-20"], minutes=30)
    words[2], told = halves, tmp_path / "run" / "summary.json"
    assert simulate(*words, "--set", "timezone=Asia/Kolkata", "--set", "step_minutes=30") is None
    assert json.loads(told.read_text())["period"]["start"] == "2026-06-19T18:30:00+00:00"


@pytest.mark.parametrize(("column", "currency"), [("retail_usd_per_kwh", "USD"), ("retail_per_kwh", "EUR")])
def test_the_currency_of_the_price_column_is_that_of_made_up_homes_too(
    tmp_path: Path, column: str, currency: str
) -> None:
    prices = tmp_path / "prices.csv"
    rows = [f"2026-06-21T{hour:02}:00,0.3,0.4" for hour in range(2)]
    prices.write_text("\n".join(["interval_start,retail_per_kwh,retail_usd_per_kwh", *rows]))
    words = ["--set", "steps=2", "--prices", prices, "--retail-column", column, "--out", tmp_path / "run"]
    assert simulate("household_5", *words) is None
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["currency"] == currency
