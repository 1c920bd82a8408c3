"""`microgrid forecast`: every forecaster beside yesterday, on made-up and on given homes."""

import json
from pathlib import Path

from click.testing import CliRunner

from microgrid.cli import root
from microgrid.domain import plugins

SMALL = ["community_100", "--set", "homes.count=3", "--set", "steps=48", "--set", "ledger.kind=none"]


def test_every_forecaster_is_scored_on_load_pv_and_prices() -> None:
    result = CliRunner().invoke(root, ["forecast", *SMALL, "--json"])
    assert result.exit_code == 0, result.output
    scores = json.loads(result.output)
    assert set(scores) == {"load", "pv", "feed_in", "retail"}
    for series, found in scores.items():
        assert set(found) == set(plugins.names("forecaster")), series
        assert found["exact"]["mae"] == 0.0
    assert scores["load"]["seasonal_naive"]["skill"] == 0.0
    assert scores["feed_in"]["seasonal_naive"]["skill"] is None, "a flat price leaves nothing to miss"
    assert scores["pv"]["persistence"]["mae"] > scores["pv"]["seasonal_naive"]["mae"]


def test_the_table_shows_a_line_for_each() -> None:
    output = CliRunner().invoke(root, ["forecast", *SMALL]).output
    assert output.count("seasonal_naive") == 4


def test_too_short_a_file_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    rows = [f"2026-01-01T{hour:02d}:00,h1,1.0,0.0" for hour in range(24)]
    path = tmp_path / "day.csv"
    path.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    result = CliRunner().invoke(
        root, ["forecast", "summer_week", "--set", "start=2026-01-01T00:00", "--data", str(path)]
    )
    assert result.exit_code != 0
    assert "intervals" in str(result.exception)


def test_short_forecasts_know_more_than_long_ones() -> None:
    """Each hour from the hour before: persistence misses less of the sun than it does a day ahead."""
    words = ["forecast", *SMALL, "--horizon-hours", "1", "--every-hours", "5", "--json"]
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 0, result.output
    short = json.loads(result.output)["pv"]["persistence"]
    long = json.loads(CliRunner().invoke(root, ["forecast", *SMALL, "--json"]).output)["pv"]["persistence"]
    assert short["mae"] < long["mae"]
    assert short["origins"] > 4 * long["origins"]


def test_a_horizon_of_nothing_is_refused() -> None:
    result = CliRunner().invoke(root, ["forecast", *SMALL, "--horizon-hours", "0"])
    assert result.exit_code == 2
    assert "--horizon-hours" in result.output
