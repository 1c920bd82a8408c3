"""What the regulator did."""

from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    PAPER,
    PURPLE,
    RED,
    Axes,
    Sketch,
    area,
    legend_above,
    room_above,
    short,
    thinned,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView

FEW_HOMES = 20
KINDS = (("bought", "too much from the local market", PURPLE, ""), ("balance", "balance too low", BLUE, "//"))


def _has_regulator(view: SimulationView) -> bool:
    return view.steps > 0 and view.summary["regulator"] is not None


def _amounts(axes: Axes, view: SimulationView) -> str:
    bonus, penalty = (view.by_home("prosumer_trading", name).sum(axis=1) for name in ("bonus", "penalty"))
    edges, rate = thinned(view, np.stack([bonus, -penalty], axis=1) / view.hours)
    area(axes, edges, 0, rate[:, 0], GREEN, "bonuses")
    area(axes, edges, 0, rate[:, 1], RED, "penalties", hatch="//")
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
    """A line for each banned home where they are few, else how many are banned; colour and hatching tell the reason."""
    bans = view.summary["regulator"]["bans"]
    homes = list(dict.fromkeys(ban["home_id"] for ban in bans))
    if len(homes) <= FEW_HOMES:
        _bars(axes, view, homes)
    else:
        _counts(axes, view)
    legend_above(axes, 1)
    time_axis(axes, view)
    return f"{len(bans):,} bans shut out {len(homes):,} of {view.homes:,} homes for a while."


def _of_kind(view: SimulationView, word: str) -> list[dict[str, Any]]:
    return [ban for ban in view.summary["regulator"]["bans"] if ban["reason"].startswith(word)]


def _bars(axes: Axes, view: SimulationView, homes: list[str]) -> None:
    for word, label, colour, hatch in KINDS:
        bans = _of_kind(view, word)
        for ban in bans:
            _ban(axes, view, ban, homes.index(ban["home_id"]), colour, hatch)
        if bans:
            text = f"{label} ({len(bans)})"
            axes.barh([0], [0], color=colour, hatch=hatch or None, edgecolor=PAPER, linewidth=0, label=text)
    axes.set_yticks(range(len(homes)), [short(home) for home in homes], fontsize=7.5)
    axes.set_ylim(len(homes) - 0.4, -0.6)


def _counts(axes: Axes, view: SimulationView) -> None:
    lower: FloatArray = np.zeros(view.steps)
    for word, label, colour, hatch in KINDS:
        bans = _of_kind(view, word)
        change = np.zeros(view.steps + 1)
        for ban in bans:
            change[min(ban["first"], view.steps)] += 1
            change[min(ban["first"] + ban["steps"], view.steps)] -= 1
        upper = lower + np.cumsum(change)[:-1]
        area(axes, view.edges, lower, upper, colour, f"{label} ({len(bans)} bans)", hatch=hatch, alpha=1.0)
        lower = upper
    axes.set_ylabel("homes banned")
    room_above(axes)


def _ban(axes: Axes, view: SimulationView, ban: dict[str, Any], place: int, colour: str, hatch: str) -> None:
    first, steps = ban["first"], ban["steps"]
    if first >= view.steps:
        return
    start, end = view.edges[first], view.edges[min(first + steps, view.steps)]
    axes.barh(place, end - start, 0.6, start, color=colour, hatch=hatch or None, edgecolor=PAPER, linewidth=0)


SKETCHES = (
    Sketch("bonuses_and_penalties", "Bonuses and penalties of the regulator", _amounts, _has_regulator),
    Sketch("bans", "Bans from trading and their reasons", _bans, _has_bans),
)
