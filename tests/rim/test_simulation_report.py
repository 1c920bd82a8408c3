"""The page and the plots of simulated runs, from tiny to large."""

import json
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from run_folders import assert_page_fits, assert_page_stands_alone, report
from simulated_runs import by_hand, everything, written
from simulations import inputs_of, scenario

from microgrid.report.drawing import Plot
from microgrid.report.simulation.plots import SKETCHES, draw_all, sketch
from microgrid.report.simulation.reading import read_simulation
from microgrid.sim.run import run

MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(everything(), tmp_path_factory.mktemp("runs") / "run", plots=True)


def plots_of(results: Any, target: Path) -> dict[str, Plot]:
    return {plot.name: plot for plot in draw_all(read_simulation(written(results, target)))}


def test_a_run_in_which_everything_happens_has_every_plot(folder: Path) -> None:
    drawn = {path.stem for path in (folder / "plots").glob("*.png")}
    assert drawn == {one.name for one in SKETCHES}


def test_a_plot_without_data_is_left_out(tmp_path: Path) -> None:
    drawn = plots_of(by_hand("no_market"), tmp_path / "run")
    without = {"bans", "bonuses_and_penalties", "miners", "credit_balances", "prices", "trade_matrix", "battery_flows"}
    assert not without & set(drawn)
    assert {"energy_sources", "bills_by_home", "load_duration"} <= set(drawn)


def test_the_picture_is_a_png_and_the_drawing_well_formed(tmp_path: Path) -> None:
    for plot in plots_of(by_hand(), tmp_path / "run").values():
        assert plot.png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", plot.png[16:24])
        assert width > height > 400
        ET.fromstring(plot.svg)  # noqa: S314 - drawn here
        assert plot.summary.endswith(".")


def test_hatching_can_be_told_from_the_area_it_lies_on(tmp_path: Path) -> None:
    patterns = [
        pattern
        for plot in plots_of(everything(), tmp_path / "run").values()
        for pattern in re.findall(r"<pattern.*?</pattern>", plot.svg, re.DOTALL)
    ]
    assert patterns
    for pattern in patterns:
        fill, stroke = (re.search(rf"{word}[:=] ?\"?([^\";]+)", pattern) for word in ("fill", "stroke"))
        assert fill
        assert stroke
        assert stroke[1] == "var(--card)" != fill[1]


def test_the_dots_of_a_crowd_take_the_colours_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "MOST_SHAPES", 2)
    drawn = plots_of(by_hand(), tmp_path / "run")
    for name, colours in (("self_use", {"orange", "blue"}), ("saving_and_trade", {"orange", "blue"})):
        svg = drawn[name].svg
        used = re.findall(r'<image filter="url\(#([^)]+)\)"', svg)
        assert len(used) == svg.count("<image") == 2
        flooded = dict(re.findall(r'<filter id="([^"]+)"[^>]*><feFlood flood-color="var\(--(\w+)\)"', svg))
        assert {flooded[name] for name in used} == colours


def test_a_heat_map_keeps_its_own_colours(tmp_path: Path) -> None:
    svg = plots_of(everything(), tmp_path / "run")["trade_heatmap"].svg
    assert "<image " in svg
    assert "<filter" not in svg


@pytest.mark.slow
@pytest.mark.parametrize("model", ["central", "shared", "none"])
def test_every_kind_of_battery_is_drawn(model: str, tmp_path: Path) -> None:
    drawn = plots_of(everything(model=model), tmp_path / "run")
    assert ("battery_flows" in drawn) is (model != "none")
    assert ("state_of_charge" in drawn) is (model == "shared")


def test_what_the_central_battery_buys_is_not_drawn_as_bought_by_homes(tmp_path: Path) -> None:
    results = everything(model="central")
    drawn = plots_of(results, tmp_path / "run")
    bought = results.trading.bought_wh.sum(axis=(1, 2)) / 1_000
    assert bought[-1] < (results.trades.energy_wh[results.trades.tier == 2].sum() / 1_000)
    assert f"{bought[-1]:,.1f} kWh central battery" in drawn["import_origin"].summary
    assert f"; {bought[:-1].sum():,.1f} kWh changed hands." in drawn["order_book"].summary


def test_a_single_home_for_a_single_interval_has_a_report(tmp_path: Path) -> None:
    rules = scenario({"batteries": {"model": "none"}}, steps=1)
    result = run(rules, inputs=inputs_of(rules, [[1.0]], [[0.0]]))
    page = (written(result, tmp_path / "run", plots=True) / "report.html").read_text("utf-8")
    assert "What the market did for 1 home<" in page


def test_figures_follow_from_hand_made_energies(tmp_path: Path) -> None:
    """h1 and h2 use 3 kWh an hour, h0 generates 2, all of which the neighbours take."""
    drawn = plots_of(by_hand(), tmp_path / "run")
    assert drawn["energy_sources"].summary == (
        "Of 6 kWh used: 0% own panels, 0% own battery, 67% traded in the community, 33% grid."
    )
    assert drawn["generation_use"].summary.startswith("100% of 4 kWh generated stayed")
    assert drawn["load_pv_net"].summary == "The community takes at most 1.0 kW from the grid and gives at most 0.0 kW."
    assert drawn["bills_over_time"].summary == "At the end the market has saved the homes 0.80 EUR in all."


@pytest.mark.slow
def test_a_thousand_homes_take_no_more_room_than_a_hundred(tmp_path: Path) -> None:
    rules = scenario({"homes": {"count": 1_000}}, steps=4)
    target = written(run(rules, seed=1), tmp_path / "run", plots=True)
    page = (target / "report.html").read_text("utf-8")
    assert len(page) < MOST_BYTES
    assert page.count('<th scope="row">h') == 200
    assert "The 100 homes that gained most" in page


def test_the_page_stands_alone_and_is_light(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert_page_stands_alone(page)
    assert len(page) < MOST_BYTES


def test_the_page_leads_to_every_section_and_shows_every_plot(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert set(re.findall(r'href="#([a-z]+)"', page)) <= set(re.findall(r'\bid="([^"]+)"', page))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    for text in (summary["reproduce"]["command"], summary["ledger"]["head"], "h001", "state of charge"):
        assert text in page
    for one in SKETCHES:
        assert f"<h3>{one.title}</h3>" in page.replace("&#39;", "'"), one.name


def test_names_are_escaped(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    summary = json.loads((target / "summary.json").read_text("utf-8"))
    summary["description"] = summary["homes"][0]["home_id"] = "<script>$x$"
    (target / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert report(str(target)).returncode == 0
    assert "<script" not in (target / "report.html").read_text("utf-8")


def test_the_command_prints_one_json_document(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    done = report(str(target), "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["report"] == str(target / "report.html")
    assert len(answer["plots"]) >= 15
    assert answer["totals"]["homes"] == 3


@pytest.mark.chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen_and_loads_nothing(folder: Path, tmp_path: Path, width: int) -> None:
    assert_page_fits(folder / "report.html", tmp_path / "profile", width)
