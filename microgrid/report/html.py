"""Draw `report.html` and the plots of a run folder: one file, no request to anywhere, readable on a phone."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from microgrid.domain.errors import RunFolderError
from microgrid.domain.units import kwh, units
from microgrid.report.drawing import Plot
from microgrid.report.plots import draw_all
from microgrid.report.tables import Row
from microgrid.report.view import ReportView, read_view

TEMPLATES = Path(__file__).parent / "templates"
MOST_HOMES = 12
MINUS = "\N{MINUS SIGN}"


def rebuild_report(folder: Path) -> Path:
    """Draw the report of a run folder anew from its summary and tables.

    Returns:
        Path of `report.html`.

    Raises:
        RunFolderError: the folder holds no run, or a summary that lacks something.
        DataFileError: one of its tables is damaged.
    """
    view = read_view(folder)
    try:
        plots = list(draw_all(view))
        page = render(view, plots)
    except (KeyError, TypeError, jinja2.UndefinedError) as error:
        raise RunFolderError(str(folder), f"summary.json lacks a part: {error}") from error
    (folder / "plots").mkdir(exist_ok=True)
    for plot in plots:
        (folder / "plots" / f"{plot.name}.png").write_bytes(plot.png)
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8", newline="\n")
    return path


def render(view: ReportView, plots: list[Plot]) -> str:
    """The page as text."""
    return (
        environment()
        .get_template("report.html")
        .render(
            s=view.summary,
            currency=view.currency,
            community=view.community,
            bills=view.bills,
            worst=_worst_imbalance(view),
            plots={plot.name: plot for plot in plots},
            drawing={plot.name: trusted(plot.svg) for plot in plots},
            css=trusted((TEMPLATES / "report.css").read_text("utf-8")),
        )
    )


def environment() -> jinja2.Environment:
    """The templates, with the filters that write amounts."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": money,
        "signed": signed,
        "micro": money_of_micro,
        "signed_micro": signed_of_micro,
        "kwh": energy,
        "count": count,
    }
    return made


def trusted(text: str) -> Markup:
    """Text that needs no escaping: our own files, and drawings whose labels matplotlib has escaped."""
    return Markup(text)  # noqa: S704 - as the docstring says


def _worst_imbalance(view: ReportView) -> list[Row]:
    """Bills of the homes that imbalance cost most, worst first."""
    hit = [row for row in view.bills if Decimal(row["imbalance_cost"])]
    return sorted(hit, key=lambda row: Decimal(row["imbalance_cost"]), reverse=True)[:MOST_HOMES]


def money(amount: Any, places: int = 3) -> str:
    """An amount in currency units with a true minus sign."""
    return f"{Decimal(str(amount)):,.{places}f}".replace("-", MINUS)


def signed(amount: Any, places: int = 3) -> str:
    """An amount with its sign always shown."""
    return f"{Decimal(str(amount)):+,.{places}f}".replace("-", MINUS)


def money_of_micro(amount_micro: int, places: int = 2) -> str:
    """Micro as an amount in currency units."""
    return money(units(amount_micro), places)


def signed_of_micro(amount_micro: int, places: int = 3) -> str:
    """Micro as an amount with its sign."""
    return signed(units(amount_micro), places)


def energy(energy_wh: int, places: int = 1) -> str:
    """Wh as kWh."""
    return f"{kwh(energy_wh):,.{places}f}"


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"
