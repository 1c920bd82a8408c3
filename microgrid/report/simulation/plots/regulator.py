"""What the regulator did."""

import numpy as np

from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    RED,
    Axes,
    Sketch,
    legend_above,
    short,
    stepped,
    thinned,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView

MOST_HOMES = 30
FEW_HOMES = 16
KINDS = (("bought", "too much from the local market", PURPLE, ""), ("balance", "balance too low", BLUE, "//"))


def _has_regulator(view: SimulationView) -> bool:
    return view.steps > 0 and view.summary["regulator"] is not None


def _amounts(axes: Axes, view: SimulationView) -> str:
    bonus, penalty = (view.by_home("prosumer_trading", name).sum(axis=1) for name in ("bonus", "penalty"))
    edges, rate = thinned(view, np.stack([bonus, -penalty], axis=1) / view.hours)
    axes.fill_between(edges, 0, stepped(rate[:, 0]), step="post", color=GREEN, alpha=0.8, linewidth=0, label="bonuses")
    axes.fill_between(
        edges, 0, stepped(rate[:, 1]), step="post", color=RED, alpha=0.8, hatch="//", edgecolor="#ffffff", linewidth=0,
        label="penalties",
    )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel(f"{view.currency} per hour")
    legend_above(axes)
    time_axis(axes, view)
    return (
        f"Bonuses for own renewable energy: {bonus.sum():,.3f} {view.currency}; "
        f"penalties for energy from the local market: {penalty.sum():,.3f} {view.currency}."
    )


def _has_bans(view: SimulationView) -> bool:
    return _has_regulator(view) and bool(view.summary["regulator"]["bans"])


def _bans(axes: Axes, view: SimulationView) -> str:
    """One line a home, its bans as bars; colour and hatching tell the reason."""
    bans = view.summary["regulator"]["bans"]
    homes = list(dict.fromkeys(ban["home_id"] for ban in bans))[:MOST_HOMES]
    for word, label, colour, hatch in KINDS:
        for ban in bans:
            if ban["reason"].startswith(word) and ban["home_id"] in homes:
                _ban(axes, view, ban, homes.index(ban["home_id"]), colour, hatch)
        count = sum(ban["reason"].startswith(word) for ban in bans)
        if count:
            axes.barh(
                [0],
                [0],
                color=colour,
                hatch=hatch or None,
                edgecolor="#ffffff",
                linewidth=0,
                label=f"{label} ({count})",
            )
    size = 8 if len(homes) <= FEW_HOMES else 6
    axes.set_yticks(range(len(homes)), [short(home) for home in homes], fontsize=size)
    axes.set_ylim(len(homes) - 0.4, -0.6)
    legend_above(axes, 1)
    time_axis(axes, view)
    banned = len({ban["home_id"] for ban in bans})
    shown = f" The first {MOST_HOMES} homes are drawn." if banned > MOST_HOMES else ""
    return f"{len(bans):,} bans shut out {banned:,} of {view.homes:,} homes for a while.{shown}"


def _ban(axes: Axes, view: SimulationView, ban: dict[str, object], place: int, colour: str, hatch: str) -> None:
    first, steps = int(str(ban["first"])), int(str(ban["steps"]))
    if first >= view.steps:
        return
    start, end = view.edges[first], view.edges[min(first + steps, view.steps)]
    axes.barh(place, end - start, 0.6, start, color=colour, hatch=hatch or None, edgecolor="#ffffff", linewidth=0)


SKETCHES = (
    Sketch("bonuses_and_penalties", "Bonuses and penalties of the regulator", _amounts, _has_regulator),
    Sketch("bans", "Bans from trading and their reasons", _bans, _has_bans),
)
