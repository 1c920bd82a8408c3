"""Bills, savings and balances."""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    PAPER,
    QUIET,
    RED,
    Axes,
    Sketch,
    bands,
    homes_axis,
    legend_above,
    outline,
    short,
    thinned,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView

FEW_HOMES = 24
ENDS = 6
BILLS = (
    ("bill_baseline", "no market, no battery", RED, "^", ":"),
    ("bill_without_market", "battery, grid alone", QUIET, "s", "--"),
    ("bill", "with the market", BLUE, "o", "-"),
)


def _bills(axes: Axes, view: SimulationView) -> str:
    order = np.argsort(view.bill("bill_without_market"), kind="stable")[::-1]
    places = np.arange(view.homes)
    for name, label, colour, marker, style in BILLS:
        values = view.bill(name)[order]
        if view.homes <= FEW_HOMES:
            axes.plot(places, values, marker, color=colour, markersize=6, label=label)
        else:
            drawn = values if name == "bill_without_market" else _smooth(values)
            axes.plot(places, drawn, style, color=colour, label=label)
    if view.homes <= FEW_HOMES:
        axes.vlines(places, view.bill("bill")[order], view.bill("bill_baseline")[order], color=QUIET, linewidth=0.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel(f"bill ({view.currency}), below zero: receives")
    homes_axis(axes, view, order.tolist())
    legend_above(axes, 2)
    bill, alone, plain = (view.bill(name).sum() for name in ("bill", "bill_without_market", "bill_baseline"))
    smoothed = "" if view.homes <= FEW_HOMES else " Neighbouring homes are averaged."
    return (
        f"All bills: {plain:,.2f} without market and battery, {alone:,.2f} with batteries, "
        f"{bill:,.2f} {view.currency} with the market too.{smoothed}"
    )


def _smooth(values: FloatArray) -> FloatArray:
    """Means over neighbours, so that a curve of many homes can be followed."""
    width = max(1, len(values) // 20)
    padded = np.pad(values, width, mode="edge")
    sums = np.cumsum(np.insert(padded, 0, 0.0))
    span = 2 * width + 1
    means: FloatArray = (sums[span:] - sums[:-span]) / span
    return means


def _savings(axes: Axes, view: SimulationView) -> str:
    saving = np.sort(view.bill("saving"))[::-1]
    order = np.argsort(view.bill("saving"), kind="stable")[::-1]
    places = np.arange(len(saving))
    for chosen, colour, label, hatch in ((saving >= 0, GREEN, "saves", ""), (saving < 0, RED, "pays more", "//")):
        if not chosen.any():
            continue
        if view.homes <= FEW_HOMES:
            axes.bar(
                places[chosen],
                saving[chosen],
                0.8,
                color=colour,
                label=label,
                hatch=hatch or None,
                edgecolor=PAPER,
                linewidth=0,
            )
        else:
            outline(axes, np.where(chosen, saving, 0), np.zeros_like(saving), colour, label, hatch)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(saving.mean(), color=INK, linewidth=1, linestyle="--", label="mean")
    axes.set_ylabel(f"saving ({view.currency})")
    homes_axis(axes, view, order.tolist())
    legend_above(axes, 3)
    amounts = f"{saving.mean():.3f} {view.currency} on average, {np.median(saving):.3f} in the middle"
    return (
        f"The market{_with_regulator(view)} saves a home {amounts}; "
        f"{int((saving < 0).sum()):,} of {view.homes:,} homes pay more."
    )


def _with_regulator(view: SimulationView) -> str:
    return ", bonuses and penalties included," if view.summary["regulator"] else ""


def _over_time(axes: Axes, view: SimulationView) -> str:
    names = (("bills_baseline", BILLS[0]), ("bills_without_market", BILLS[1]), ("bills", BILLS[2]))
    for name, (_, label, colour, _, style) in names:
        total = np.concatenate([[0.0], np.cumsum(view.series(name))])
        axes.plot(view.edges, total, style, color=colour, linewidth=1.8, label=label)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel(f"all bills so far ({view.currency})")
    legend_above(axes, 2)
    time_axis(axes, view)
    saving = (view.series("bills_without_market") - view.series("bills")).sum()
    return f"At the end the market has saved the homes {saving:,.2f} {view.currency} in all."


def _best_and_worst(axes: Axes, view: SimulationView) -> str:
    """The ends of the ranking; all homes where they are few."""
    saving = view.bill("saving")
    order = np.argsort(saving, kind="stable")
    few = view.homes <= 2 * ENDS
    shown = order if few else np.concatenate([order[:ENDS], order[-ENDS:]])
    places = np.arange(len(shown)) + (0 if few else np.repeat([0, 1], ENDS))
    colours = [GREEN if saving[home] >= 0 else RED for home in shown]
    axes.barh(places, saving[shown], color=colours)
    for place, home in zip(places, shown.tolist(), strict=True):
        axes.text(max(saving[home], 0), place, f" {saving[home]:+.3f}", va="center", fontsize=7)
    axes.margins(x=0.14)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [_home_and_type(view, home) for home in shown.tolist()], fontsize=7.5)
    if not few:
        axes.text(0, ENDS, f" … {view.homes - 2 * ENDS:,} homes between …", va="center", fontsize=8, color=QUIET)
    axes.set_xlabel(f"saving ({view.currency})")
    best, worst = view.home_ids[order[-1]], view.home_ids[order[0]]
    return f"{best} gains most, {saving.max():+.3f} {view.currency}; {worst} least, {saving.min():+.3f}."


def _home_and_type(view: SimulationView, home: int) -> str:
    kind = view.summary["homes"][home].get("home_type", "")
    return short(view.home_ids[home]) + (f" ({short(kind)})" if kind else "")


def _has_types(view: SimulationView) -> bool:
    return view.steps > 0 and len({home.get("home_type", "") for home in view.summary["homes"]}) > 1


def _home_types(axes: Axes, view: SimulationView) -> str:
    """Mean bills of each type of home, dearest on top."""
    kinds = np.array([home["home_type"] for home in view.summary["homes"]])
    names = sorted(set(kinds.tolist()), key=lambda kind: float(view.bill("bill")[kinds == kind].mean()))
    for name, label, colour, marker, _ in BILLS:
        means = [float(view.bill(name)[kinds == kind].mean()) for kind in names]
        axes.plot(means, range(len(names)), marker, color=colour, markersize=6, label=label)
    for place in range(len(names)):
        axes.axhline(place, color=QUIET, linewidth=0.4, zorder=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(names)), [f"{short(kind)} ({(kinds == kind).sum()})" for kind in names], fontsize=7.5)
    axes.set_xlabel(f"mean bill of a home ({view.currency}), below zero: receives")
    legend_above(axes, 1)
    gain = {kind: float(view.bill("saving")[kinds == kind].mean()) for kind in names}
    best = max(gain, key=lambda kind: gain[kind])
    gained = f"{gain[best]:.3f} {view.currency} a home"
    return f"Number of homes in brackets. The market saves most for {short(best)}: {gained}."


def _balances(axes: Axes, view: SimulationView) -> str:
    balance = view.by_home("prosumer_trading", "balance")
    edges, levels = thinned(view, balance)
    best, worst = int(balance[-1].argmax()), int(balance[-1].argmin())
    if view.homes > FEW_HOMES // 2:
        bands(axes, edges[1:], levels, BLUE)
    else:
        axes.plot(edges[1:], levels, color=BLUE, linewidth=0.8, alpha=0.5)
    for home, label, colour, style in ((best, "best", GREEN, "--"), (worst, "worst", RED, "-.")):
        axes.plot(
            edges[1:],
            levels[:, home],
            style,
            color=colour,
            linewidth=1.6,
            label=f"{label}: {short(view.home_ids[home])}",
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel(f"balance ({view.currency})")
    legend_above(axes, 2)
    time_axis(axes, view)
    end = balance[-1]
    span = f"between {end.min():,.2f} and {end.max():,.2f} {view.currency}"
    rules = view.settings["regulator"]
    days = rules.get("billing_days", 0) if rules["enabled"] else 0
    period = "day" if days == 1 else f"{days} days"
    billed = f" A bill every {period} brings them back to {rules['start_balance']:,.2f}." if days else ""
    return f"Balances end {span}; {int((end < 0).sum()):,} homes are below zero.{billed}"


SKETCHES = (
    Sketch("bills_by_home", "Bills with and without market and battery", _bills),
    Sketch("savings_by_home", "What the market saves each home", _savings),
    Sketch("bills_over_time", "The community's bill as it grows", _over_time),
    Sketch("best_and_worst", "Homes that gain most and least", _best_and_worst, size_inches=(4.3, 3.4)),
    Sketch("home_types", "Bills by type of home", _home_types, _has_types, (4.3, 3.8)),
    Sketch("balances", "Money of the homes", _balances),
)
