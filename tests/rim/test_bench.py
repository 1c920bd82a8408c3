"""`microgrid bench`: every benchmark runs, and every figure stands beside a yardstick. No test here times anything."""

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from microgrid.cli import bench
from microgrid.domain import plugins
from microgrid.domain.errors import BenchmarkError, UnknownNameError
from microgrid.wiring.measuring import Figure, best_of, exponent, peak_bytes, python

NAMES = plugins.names("benchmark")
MEGABYTE = 1_000_000


def made(value: float, bar: float | None = None) -> SimpleNamespace:
    """A benchmark of one figure."""
    figure = Figure("sorting", value, "s", "reading", 0.5, bar)
    return SimpleNamespace(__doc__="Sorts.\n\nMore.", run=lambda **_: [figure])


def invoke(monkeypatch: pytest.MonkeyPatch, benchmark: SimpleNamespace, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(plugins, "load", lambda *_: benchmark)
    result = CliRunner().invoke(bench.command, ["made", *arguments])
    return result.exit_code, result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_at_tiny_sizes_and_every_figure_has_a_yardstick(name: str) -> None:
    figures = plugins.load("benchmark", name).run(quick=True)
    assert figures
    for figure in figures:
        assert math.isfinite(figure.value)
        assert figure.value > 0 or figure.unit == "power of n"  # tiny runs all cost the same
        assert math.isfinite(figure.yardstick_value)
        assert figure.yardstick_value > 0
        assert figure.yardstick_name
        assert figure.bar is None  # bars are for the full sizes
        assert figure.holds is None
    assert len({figure.name for figure in figures}) == len(figures)


@pytest.mark.parametrize("name", NAMES)
def test_its_first_line_says_what_it_measures(name: str) -> None:
    first, _, rest = str(plugins.load("benchmark", name).__doc__).partition("\n")
    assert first.endswith(".")
    assert not rest.strip()


def test_the_command_prints_one_document() -> None:
    command = [sys.executable, "-m", "microgrid", "bench", "mining", "clearing", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["format"] == "microgrid-bench/1"
    assert document["quick"] is True
    assert document["machine"]["cores"] >= 1
    assert [entry["name"] for entry in document["benchmarks"]] == ["mining", "clearing"]
    for entry in document["benchmarks"]:
        for figure in entry["figures"]:
            assert set(figure) == {"name", "value", "unit", "best_of", "yardstick", "bar", "holds"}
            assert figure["value"] > 0


def test_all_are_listed_without_running() -> None:
    result = CliRunner().invoke(bench.command, ["--list", "--json"])
    assert [entry["name"] for entry in json.loads(result.stdout)] == list(NAMES)


def test_an_unknown_name_is_refused_before_anything_runs() -> None:
    result = CliRunner().invoke(bench.command, ["mining", "minning"])
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean 'mining'?" in str(result.exception)
    assert not result.stdout


@pytest.mark.parametrize(
    ("value", "bar", "strict", "code", "word"),
    [
        (1.0, 1.0, True, 0, "bar 1 s: holds"),
        (1.1, 1.0, True, 1, "bar 1 s: MISSED"),
        (1.1, 1.0, False, 0, "bar 1 s: MISSED"),
        (1.1, None, True, 0, "beside 500 ms: reading"),
    ],
)
def test_only_strict_fails_where_a_bar_is_missed(
    monkeypatch: pytest.MonkeyPatch, value: float, bar: float | None, *, strict: bool, code: int, word: str
) -> None:
    exit_code, output = invoke(monkeypatch, made(value, bar), *(["--strict"] if strict else []))
    assert exit_code == code
    assert word in output


def test_strict_prints_the_document_before_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    exit_code, output = invoke(monkeypatch, made(2.0, 1.0), "--strict", "--json")
    assert exit_code == 1
    (entry,) = json.loads(output)["benchmarks"]
    assert entry == {
        "name": "made",
        "summary": "Sorts.",
        "figures": [
            {
                "name": "sorting",
                "value": 2.0,
                "unit": "s",
                "best_of": 1,
                "yardstick": {"name": "reading", "value": 0.5},
                "bar": 1.0,
                "holds": False,
            }
        ],
    }


def test_the_exponent_is_that_of_a_power_law() -> None:
    sizes = [10, 100, 1_000]
    assert exponent(sizes, [3 * size**1.5 for size in sizes]) == pytest.approx(1.5, abs=1e-12)


def test_the_best_run_counts() -> None:
    calls: list[int] = []
    assert best_of(4, lambda: calls.append(1)) >= 0
    assert len(calls) == 4


def test_peak_memory_is_that_of_the_process_alone() -> None:
    here = bytearray(300 * MEGABYTE)  # a parent's memory must not count
    small, large = peak_bytes(""), peak_bytes(f"bytearray({200 * MEGABYTE})\n")
    assert len(here) > small
    assert 190 * MEGABYTE < large - small < 210 * MEGABYTE


def test_a_process_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(BenchmarkError, match="ZeroDivisionError"):
        python("-c", "1 / 0")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.234, "s", "1.23 s"),
        (0.0123, "s", "12.3 ms"),
        (4e-5, "s", "40 µs"),
        (1e-8, "s", "0.01 µs"),
        (2_345_678_901, "bytes", "2,346 MB"),
        (1.0523, "power of n", "1.05"),
    ],
)
def test_figures_are_shown_with_three_digits(value: float, unit: str, text: str) -> None:
    assert bench.shown(value, unit) == text


def test_the_documentation_names_every_benchmark() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text("utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
