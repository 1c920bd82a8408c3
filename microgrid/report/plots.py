"""The figures of the report of an emulated run."""

import math
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any

from microgrid.domain.units import kwh
from microgrid.report.drawing import BLUE, GREEN, INK, ORANGE, QUIET, Axes, Plot, draw
from microgrid.report.view import ReportView, numbers

DAY_S = 86_400


def draw_all(view: ReportView) -> Iterator[Plot]:
    """Draw every figure of a run that has intervals."""
    if not view.community:
        return
    yield draw("energy", "Energy of the community", partial(_energy, view=view))
    yield draw("prices", "Price and energy traded", partial(_prices, view=view))
    yield draw("bills", "Bills with and without the market", partial(_bills, view=view))


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


def _energy(axes: Axes, view: ReportView) -> str:
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
    return _energy_summary(view)


def _prices(axes: Axes, view: ReportView) -> str:
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
    return _price_summary(view)


MOST_HOMES = 24
LONGEST_LABEL = 20


def _bills(axes: Axes, view: ReportView) -> str:
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
    return _bill_summary(view)


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
