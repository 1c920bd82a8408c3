"""The figures of the report, each drawn once and given as PNG (for the folder) and as SVG (for the page).

Colours are Okabe-Ito's, told apart by the colour-blind; what matters is told by shape and label too. In the SVG each
colour becomes a CSS variable, so that figures follow the page into dark mode.
"""

import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from microgrid.domain.units import kwh
from microgrid.report.view import ReportView, numbers

Axes = Any  # matplotlib's annotations know no times on an axis
SIZE_INCHES = (4.3, 3.0)
DOTS_PER_INCH = 160
DAY_S = 86_400
INK, QUIET, BLUE, ORANGE, GREEN, RED = "#1b1f24", "#8a919a", "#0072b2", "#b97a00", "#00805b", "#d55e00"
CSS_NAMES = {INK: "ink", QUIET: "quiet", BLUE: "blue", ORANGE: "orange", GREEN: "green", RED: "red"}
STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "svg.fonttype": "none",
    "svg.hashsalt": "microgrid",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "axes.titlecolor"), INK
    ),
}


@dataclass(frozen=True)
class Plot:
    """A drawn figure: `name` is the file's stem, `summary` says in a sentence what it shows."""

    name: str
    title: str
    summary: str
    png: bytes
    svg: str


def draw_all(view: ReportView) -> Iterator[Plot]:
    """Draw every figure of a run that has intervals."""
    if not view.community:
        return
    yield _draw("energy", "Energy of the community", _energy_summary(view), view, _energy)
    yield _draw("prices", "Price and energy traded", _price_summary(view), view, _prices)
    yield _draw("bills", "Bills with and without the market", _bill_summary(view), view, _bills)


def _draw(name: str, title: str, summary: str, view: ReportView, paint: Callable[[Any, ReportView], None]) -> Plot:
    """Run a painter on a fresh figure; matplotlib, half a second to import, waits until then."""
    png, svg = io.BytesIO(), io.StringIO()
    with import_module("matplotlib").rc_context(STYLE):
        figure = import_module("matplotlib.figure").Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        paint(axes, view)
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        axes.set_title(title)  # on the page a heading says it
        figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return Plot(name, title, summary, png.getvalue(), _themed(svg.getvalue(), name))


def _themed(svg: str, name: str) -> str:
    """The drawing alone, colours as CSS variables, ids made unique on the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        r'<svg viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">',
        body,
        count=1,
    )
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    for prefix in ('id="', 'href="#', "url(#"):
        body = body.replace(prefix, f"{prefix}{name}-")
    for colour, css in CSS_NAMES.items():
        body = body.replace(colour, f"var(--{css})")
    return body


def _edges(view: ReportView) -> list[datetime]:
    """Starts of all intervals, and the end of the last."""
    starts = [datetime.fromisoformat(row["interval_start"]) for row in view.community]
    return [*starts, datetime.fromisoformat(view.summary["period"]["end"])]


def _steps(values: list[float]) -> list[float]:
    """One value an interval as values at `_edges`, for steps that last as long as their intervals."""
    return [*values, values[-1]]


def _time_axis(axes: Axes, view: ReportView) -> None:
    dates: Any = import_module("matplotlib.dates")
    locator = dates.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlabel(f"time (UTC), from {view.summary['period']['start'][:10]}")


def _energy(axes: Axes, view: ReportView) -> None:
    rows = view.community
    lines = (
        ("load_kwh", "load", INK, "-"),
        ("pv_kwh", "PV", ORANGE, "-"),
        ("import_kwh", "metered import", BLUE, "--"),
        ("export_kwh", "metered export", GREEN, "-."),
    )
    for column, label, colour, style in lines:
        if rows[0][column]:
            values = _steps(numbers(rows, column))
            axes.step(_edges(view), values, style, where="post", color=colour, label=label, linewidth=1.5)
    axes.set_ylabel("energy per interval (kWh)")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    axes.legend(loc="upper left", ncols=2)
    _time_axis(axes, view)


def _prices(axes: Axes, view: ReportView) -> None:
    edges, rows, traded = _edges(view), view.community, numbers(view.community, "traded_kwh")
    energy = axes.twinx()
    energy.bar(
        edges[:-1], traded, view.summary["period"]["interval_seconds"] / DAY_S, align="edge", color=QUIET, alpha=0.4
    )
    energy.set_ylabel("traded per interval (kWh), bars")
    energy.set_ylim(0, max(*traded, 0.001) * 1.3)
    energy.spines["right"].set_visible(True)
    axes.set_zorder(energy.get_zorder() + 1)
    axes.patch.set_visible(False)
    low, high = _steps(numbers(rows, "feed_in_per_kwh")), _steps(numbers(rows, "retail_per_kwh"))
    price = _steps([p if v else math.nan for p, v in zip(numbers(rows, "price_per_kwh"), traded, strict=True)])
    axes.fill_between(edges, low, high, step="post", color=BLUE, alpha=0.08)
    axes.step(edges, high, where="post", color=INK, linewidth=1, linestyle="--", label="retail")
    axes.step(edges, price, where="post", color=BLUE, linewidth=2, label="market")
    axes.step(edges, low, where="post", color=INK, linewidth=1, linestyle=":", label="feed-in")
    axes.set_ylim(0, max(*high, 0.001) * 1.3)
    axes.set_ylabel(f"price ({view.currency} per kWh)")
    axes.legend(loc="upper left", ncols=3)
    _time_axis(axes, view)


MOST_HOMES = 24
LONGEST_LABEL = 20


def _bills(axes: Axes, view: ReportView) -> None:
    """Two bars a home; where homes are many, those whose bill changed most."""
    rows = sorted(view.bills, key=lambda row: abs(float(row["saving"])), reverse=True)[:MOST_HOMES]
    rows.sort(key=view.bills.index)
    places = range(len(rows))
    alone, market = numbers(rows, "bill_without_market"), numbers(rows, "bill")
    axes.bar(
        [p - 0.2 for p in places], alone, 0.38, color="none", edgecolor=QUIET, hatch="////", label="without market"
    )
    axes.bar([p + 0.2 for p in places], market, 0.38, color=BLUE, label="with market")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(list(places), [_short(row["home_id"]) for row in rows], rotation=40, ha="right", fontsize=8)
    axes.set_ylabel(f"bill ({view.currency}), below zero: receives")
    axes.margins(y=0.22)
    axes.legend(loc="upper left", ncols=2)


def _short(name: str) -> str:
    """A long name by its beginning, so that labels leave room for what they label."""
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"


def _energy_summary(view: ReportView) -> str:
    totals = view.summary["totals"]
    return (
        f"Homes imported {kwh(totals['import_wh']):.1f} kWh and exported {kwh(totals['export_wh']):.1f} kWh "
        f"at their meters over {view.summary['period']['intervals']} intervals."
    )


def _price_summary(view: ReportView) -> str:
    prices = [
        price
        for price, row in zip(numbers(view.community, "price_per_kwh"), view.community, strict=True)
        if float(row["traded_kwh"])
    ]
    traded = kwh(view.summary["totals"]["traded_wh"])
    if not prices:
        return "Nothing was traded."
    span = f"between {min(prices):.4f} and {max(prices):.4f}"
    return f"{traded:.1f} kWh were traded, at prices {span} {view.currency} per kWh."


def _bill_summary(view: ReportView) -> str:
    totals, count = view.summary["totals"], len(view.bills)
    better, worse = totals["homes_better_off"], totals["homes_worse_off"]
    shown = f" The {MOST_HOMES} homes whose bill changed most are drawn." if count > MOST_HOMES else ""
    return f"{better} of {count} homes pay less with the market, {worse} pay more.{shown}"
