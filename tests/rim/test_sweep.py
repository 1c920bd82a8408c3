"""`microgrid sweep`: many runs, one table, nothing done twice."""

import csv
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from behaviours.engine import EngineBehaviour
from sweep_work import square_or_die, thread_limits

from microgrid.domain import plugins
from microgrid.domain.errors import BadInputError, RunFolderError, ScenarioError, UnknownNameError
from microgrid.sim.run import run
from microgrid.wiring.engines import local
from microgrid.wiring.points import PointStore, cell, csv_text
from microgrid.wiring.simulate import SimulationRequest
from microgrid.wiring.sweep import Sweep, SweepRequest, plan_sweep, run_sweep, simulate_point
from microgrid.wiring.sweep_values import parse_seeds, parse_vary

PATIENCE_S = 200.0
SMALL = {"steps": "3", "homes.count": "3", "homes.history_days": "0"}
TWO_KEYS = ("--vary", "batteries.share=0,0.8", "--vary", "homes.pv_kw=[2,3],4", "--seeds", "0,7")
SETTINGS = tuple(word for key, value in SMALL.items() for word in ("--set", f"{key}={value}"))


def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "microgrid", "sweep", "household_5", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def request(vary: dict[str, tuple[str, ...]], **changes: Any) -> SweepRequest:
    return SweepRequest(SimulationRequest("household_5", SMALL), vary, **changes)


def here(work: Callable[[Any], Any], tasks: Any, **_: Any) -> Iterator[tuple[int, Any]]:
    """An engine without processes."""
    yield from ((number, work(task)) for number, task in enumerate(tasks))


def planned(vary: dict[str, tuple[str, ...]], **changes: Any) -> Sweep:
    return replace(plan_sweep(request(vary, **changes)), start=here)


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "sweep.csv").read_text("utf-8"))))


def test_every_combination_is_one_row_in_order_and_its_figures_are_those_of_a_single_run(tmp_path: Path) -> None:
    done = sweep(*TWO_KEYS, *SETTINGS, "--workers", "1", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    table = rows(tmp_path / "out")
    assert [(row["batteries.share"], row["homes.pv_kw"], row["seed"]) for row in table] == [
        (share, size, seed) for share in ("0.0", "0.8") for size in ("[2.0, 3.0]", "[4.0, 4.0]") for seed in ("0", "7")
    ]
    scenario = plan_sweep(request({})).points[0].scenario.with_settings({"homes.pv_kw": "[2,3]"})
    single = run(scenario.with_settings({"batteries.share": "0.8"}), 7).metrics
    assert float(table[5]["bills.bill"]) == single["bills"]["bill"]
    assert float(table[5]["energy.pv_kwh"]) == single["energy"]["pv_kwh"]
    assert not any(row["error"] for row in table)


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    for workers in ("1", "2"):
        done = sweep(*TWO_KEYS, *SETTINGS, "--workers", workers, "--out", str(tmp_path / workers), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == json.loads((tmp_path / workers / "sweep.json").read_text("utf-8"))
    one, two = (
        {path.relative_to(tmp_path / workers): path.read_bytes() for path in (tmp_path / workers).rglob("*.*")}
        for workers in ("1", "2")
    )
    assert one == two
    assert len(one) == 8 + 2


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    asked: list[int] = []

    def stops(work: Callable[[Any], Any], tasks: Any, **_: Any) -> Iterator[tuple[int, Any]]:
        for number, task in enumerate(tasks):
            if number == 3:
                raise KeyboardInterrupt
            asked.append(task.request.seed)
            yield number, work(task)

    whole = planned({}, seeds=tuple(range(5)))
    with pytest.raises(KeyboardInterrupt):
        run_sweep(replace(whole, start=stops), PointStore(tmp_path / "out"), lambda: None)
    assert not (tmp_path / "out" / "sweep.csv").exists()
    later = run_sweep(replace(whole, start=stops), PointStore(tmp_path / "out"), lambda: None)
    assert asked == [0, 1, 2, 3, 4]
    assert later == run_sweep(whole, PointStore(tmp_path / "other"), lambda: None)


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed when the block ends."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until_kept(count: int, points: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a sweep has kept so many runs."""
    deadline_s = time.monotonic() + PATIENCE_S
    while len(list(points.glob("*.json"))) < count:
        assert process.poll() is None, "it ended before that"
        assert time.monotonic() < deadline_s, "it keeps nothing"
        time.sleep(0.01)


def test_a_killed_sweep_leaves_whole_points_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    arguments = ("--repeat", "40", *SETTINGS, "--workers", "1", "--out")
    command = [sys.executable, "-m", "microgrid", "sweep", "household_5", *arguments, str(tmp_path / "out")]
    points = tmp_path / "out" / "points"
    with started(command) as process:
        until_kept(2, points, process)
    kept = {path: path.stat().st_ino for path in points.glob("*.json")}
    assert all(json.loads(path.read_text("utf-8"))["metrics"] for path in kept)
    for name in ("out", "fresh"):
        assert sweep(*arguments, str(tmp_path / name)).returncode == 0
    assert {path: path.stat().st_ino for path in kept} == kept
    for name in ("sweep.csv", "sweep.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


def test_ctrl_c_says_how_many_runs_are_kept(tmp_path: Path) -> None:
    """The runs are whole ones, a minute of work, so that the signal comes in the middle however late it is."""
    command = [sys.executable, "-m", "microgrid", "sweep", "household_5", "--repeat", "400", "--workers", "1"]
    points = tmp_path / "out" / "points"
    with started([*command, "--out", str(tmp_path / "out")]) as process:
        until_kept(1, points, process)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert error == f"Interrupted: {len(list(points.glob('*.json')))} of 400 runs are kept; the same command goes on.\n"


def test_a_changed_scenario_or_file_takes_nothing_from_before(tmp_path: Path) -> None:
    first = planned({"batteries.share": ("0", "0.5")})
    ids = {point.id for point in first.points}
    changed = replace(request({"batteries.share": ("0", "0.5")}), base=SimulationRequest("household_5", {"steps": "4"}))
    assert ids.isdisjoint(point.id for point in plan_sweep(changed).points)
    assert ids.isdisjoint(point.id for point in planned({"batteries.share": ("0", "0.5")}, seeds=(1,)).points)
    assert ids == {point.id for point in planned({"batteries.share": ("0.50", "0.0")}).points}
    prices = tmp_path / "prices.csv"
    found = set()
    for price in ("0.30", "0.31"):
        lines = [f"2026-06-21T{hour:02}:00,{price}" for hour in range(24)]
        prices.write_text("\n".join(["interval_start,retail_eur_per_kwh", *lines]), "utf-8")
        base = SimulationRequest("household_5", {**SMALL, "start": "2026-06-21T00:00"}, prices=prices)
        found |= {point.id for point in plan_sweep(SweepRequest(base, {})).points}
    assert len(found) == 2


@pytest.mark.parametrize("option", ["fill", "retail_column"])
def test_an_option_that_would_do_nothing_is_refused_once_before_the_first_run(option: str) -> None:
    base = replace(request({}).base, **{option: "zero"})
    with pytest.raises(BadInputError, match="zero does nothing without --"):
        plan_sweep(SweepRequest(base, {"batteries.share": ("0", "0.5")}))


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": "microgrid-sweep-point/1", "id": "another"}'])
def test_a_damaged_point_is_run_again(tmp_path: Path, damage: str) -> None:
    whole = planned({})
    before = run_sweep(whole, PointStore(tmp_path / "out"), lambda: None)
    (path,) = (tmp_path / "out" / "points").iterdir()
    path.write_text(damage, "utf-8")
    assert run_sweep(whole, PointStore(tmp_path / "out"), lambda: None) == before


def test_a_failing_run_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    arguments = ("--vary", "market.parameters.fee=-1,0.01", *SETTINGS, "--set", "market.mechanism=three_tier")
    done = sweep(*arguments, "--workers", "1", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "Failed: 1 of 2 runs." in done.stderr
    assert "market.parameters.fee=-1, seed=0: fee of three_tier" in done.stderr
    assert "Traceback" not in done.stderr
    bad, good = rows(tmp_path / "out")
    assert "fee of three_tier" in bad["error"]
    assert not bad["bills.bill"]
    assert float(good["energy.load_kwh"]) > 0
    assert not good["error"]


def test_a_run_that_failed_is_tried_again(tmp_path: Path) -> None:
    whole, store = planned({}), PointStore(tmp_path / "out")
    fails = replace(whole, start=lambda _work, tasks, **_: ((n, {"error": "no memory"}) for n, _ in enumerate(tasks)))
    assert run_sweep(fails, store, lambda: None)[0]["error"] == "no memory"
    assert "error" not in run_sweep(whole, store, lambda: None)[0]


def test_an_unforeseen_error_of_a_run_is_recorded_by_its_kind() -> None:
    (point,) = plan_sweep(request({})).points
    broken = replace(point, scenario=None)  # type: ignore[arg-type] - what no plan gives
    assert simulate_point(broken)["error"].startswith("AttributeError: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--vary", "homes.cout=1,2"), "there is no key homes.cout; did you mean 'count'?"),
        (("--vary", "batteries.share=0.5,1.5"), "batteries.share is 1.5; it must be from 0 to 1"),
        (("--vary", "batteries.share="), "batteries.share has no values in ''"),
        (("--vary", "batteries.share=0,,1"), "batteries.share has an empty value in '0,,1'"),
        (("--vary", "batteries.share"), "--vary 'batteries.share' names no values"),
        (("--vary", "steps=1", "--vary", "steps=2"), "--vary names steps twice"),
        (("--vary", "steps=1,2", "--set", "steps=3"), "steps is both set and varied"),
        (("--vary", "steps=4,4"), "the same run twice: steps=4, seed=0"),
        (("--seeds", "0,0"), "the same run twice: seed=0"),
        (("--seeds", "0,x"), "seed 'x' is no whole number"),
        (("--seeds", "0", "--repeat", "2"), "--seeds and --repeat both"),
        (("--engine", "dask"), "unknown engine 'dask': known are local"),
        (("--scheduler", "tcp://host:1"), "engine local has no scheduler"),
        (("--data", "none.csv"), "--data none.csv cannot be read"),
        (("--data", "none.csv", "--vary", "homes.count=1,2"), "homes.count cannot be varied with --data"),
    ],
)
def test_bad_input_is_one_sentence_before_any_run(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = sweep(*arguments, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_section_and_a_key_in_it_are_not_varied_together() -> None:
    with pytest.raises(BadInputError, match=r"homes\.mix\.worker is a part of homes\.mix"):
        plan_sweep(request({"homes.mix": ("{worker=1}",), "homes.mix.worker": ("1", "2")}))


def test_a_name_that_no_plugin_has_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="three_tier"):
        plan_sweep(request({"market.mechanism": ("three_tiers",)}))
    with pytest.raises(ScenarioError, match=r"market\.mechanism"):
        plan_sweep(request({"market.mechanism": ("3",)}))


def test_values_keep_the_commas_within_brackets_and_quotes() -> None:
    assert parse_vary(['a.b=[2,3], 4 ,{x=1,y=2},"p,q"']) == {"a.b": ("[2,3]", "4", "{x=1,y=2}", '"p,q"')}
    assert parse_seeds(None, 3) == (0, 1, 2)
    assert parse_seeds("4, 2", None) == (4, 2)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="other things"):
        PointStore(tmp_path)
    with pytest.raises(RunFolderError, match="is a file"):
        PointStore(tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_runs_with_different_metrics_share_one_table() -> None:
    points = [
        {"values": {"k": [1, 2]}, "seed": 0, "metrics": {"a": {"x": 0.1}, "b": None}},
        {"values": {"k": True}, "seed": 1, "metrics": {"a": {"y": 7}}},
        {"values": {"k": "text"}, "seed": 2, "error": "no, thanks"},
    ]
    expected = 'k,seed,a.x,b,a.y,error\n"[1, 2]",0,0.1,,,\ntrue,1,,,7,\ntext,2,,,,"no, thanks"\n'
    assert csv_text(["k"], points) == expected
    assert cell(0.1 + 0.2) == "0.30000000000000004"


@pytest.mark.parametrize("engine", [plugins.load("engine", name) for name in plugins.names("engine")])
class TestEngine(EngineBehaviour):
    pass


def test_each_process_has_one_thread_of_linear_algebra_and_the_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    ((_, limits),) = local.run(thread_limits, [None], workers=1, died=lambda _: None)
    assert limits == ["1"] * len(local.THREAD_LIMITS)
    assert dict(os.environ) == before


def test_a_sweep_that_is_left_leaves_no_process() -> None:
    outcomes = local.run(square_or_die, [1, 2, 3], workers=2, died=lambda _: None)
    next(outcomes)
    assert len(multiprocessing.active_children()) == 2
    outcomes.close()  # type: ignore[attr-defined] - a generator
    assert multiprocessing.active_children() == []
