"""Draw `report.html` and the plots of a simulated run: one file, no request to anywhere, readable on a phone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from microgrid.domain.errors import RunFolderError
from microgrid.report.drawing import Plot
from microgrid.report.html import environment, trusted
from microgrid.report.simulation.reading import read_simulation
from microgrid.report.simulation.view import SimulationView

MOST_HOMES = 200


def rebuild_simulation_report(folder: Path) -> Path:
    """Draw the report of a run folder anew from its summary and tables.

    Returns:
        Path of `report.html`.

    Raises:
        RunFolderError: the folder holds no simulated run, or a summary that lacks something.
        DataFileError: one of its tables is damaged.
    """
    view = read_simulation(folder)
    try:
        return write_report(folder, view)
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(str(folder), f"a part is missing or damaged: {error}") from error


def write_report(folder: Path, view: SimulationView) -> Path:
    """Write `report.html` and `plots/*.png` into a folder; plots of an earlier report are removed."""
    from microgrid.report.simulation.plots import draw_all  # noqa: PLC0415 - a run without plots needs none

    plots = list(draw_all(view))
    place = folder / "plots"
    place.mkdir(exist_ok=True)
    for old in place.glob("*.png"):
        old.unlink()
    for plot in plots:
        (place / f"{plot.name}.png").write_bytes(plot.png)
    path = folder / "report.html"
    path.write_text(render(view, plots), encoding="utf-8", newline="\n")
    return path


def render(view: SimulationView, plots: Sequence[Plot]) -> str:
    """The page as text."""
    summary = view.summary
    return (
        environment()
        .get_template("simulation.html")
        .render(
            s={**summary, "timings_s": {}},
            m=summary["metrics"],
            currency=view.currency,
            homes=_homes(view),
            shown=MOST_HOMES,
            regulator=summary["regulator"],
            ledger=summary["ledger"],
            contracts=summary.get("contracts"),
            credits=summary["credits"],
            traded_by_tier=_by_tier(view),
            plots={plot.name: plot for plot in plots},
            drawing={plot.name: trusted(plot.svg) for plot in plots},
            css=trusted(_style()),
        )
    )


def _style() -> str:
    folder = Path(__file__).parents[1] / "templates"
    return "".join((folder / name).read_text("utf-8") for name in ("report.css", "simulation.css"))


def _homes(view: SimulationView) -> list[Mapping[str, Any]]:
    """Bills by home; where homes are many, those that gained and lost most."""
    names = (
        "bill",
        "bill_without_market",
        "bill_baseline",
        "saving",
        "bought_kwh",
        "sold_kwh",
        "import_kwh",
        "export_kwh",
    )
    columns = [view.bill(name).tolist() for name in names]
    rows: list[Mapping[str, Any]] = [
        {"home_id": home["home_id"], "home_type": home.get("home_type", ""), **dict(zip(names, values, strict=True))}
        for home, values in zip(view.summary["homes"], zip(*columns, strict=True), strict=True)
    ]
    if len(rows) <= MOST_HOMES:
        return rows
    ranked = sorted(rows, key=lambda row: row["saving"], reverse=True)
    return [*ranked[: MOST_HOMES // 2], *ranked[-MOST_HOMES // 2 :]]


def _by_tier(view: SimulationView) -> list[Mapping[str, Any]]:
    tiers = view.summary["metrics"]["market"]["tiers"]
    return [{"name": name.replace("_", " "), **tier} for name, tier in tiers.items()]
