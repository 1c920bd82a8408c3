"""Energy credits and their transfers."""

import numpy as np

from microgrid.domain.arrays import BoolArray, FloatArray, IntArray
from microgrid.report.simulation.plots.sketch import (
    BLUE,
    INK,
    ORANGE,
    RED,
    Axes,
    Sketch,
    area,
    bands,
    legend_above,
    room_above,
    thinned,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView, texts
from microgrid.sim.credits import SUPPLY


def _has_transfers(view: SimulationView) -> bool:
    return view.steps > 0 and "credit_transfers" in view.tables and view.tables["credit_transfers"].rows > 0


def _steps(view: SimulationView) -> IntArray:
    places = {stamp.isoformat(): step for step, stamp in enumerate(view.edges)}
    return np.array([places[stamp] for stamp in texts(view.column("credit_transfers", "interval_start"))])


def _done(view: SimulationView) -> BoolArray:
    """Whether each transfer was carried out, shape (transfers,)."""
    return np.array([refused == "" for refused in texts(view.column("credit_transfers", "refused"))])


def balances(view: SimulationView) -> tuple[FloatArray, FloatArray]:
    """Credits of homes, shape (T, N), and of the supply, shape (T,), after each interval, kWh, replayed."""
    rules = view.settings["credits"]
    places = {name: place for place, name in enumerate((*view.home_ids, SUPPLY))}
    moved = np.zeros((view.steps, view.homes + 1))
    amount, step = np.where(_done(view), view.values("credit_transfers", "amount_kwh"), 0.0), _steps(view)
    for name, sign in (("sender", -1), ("receiver", 1)):
        holder = np.array([places[holder] for holder in texts(view.column("credit_transfers", name))])
        np.add.at(moved, (step, holder), sign * amount)
    total = np.cumsum(moved, axis=0)
    return total[:, :-1] + rules["start"], total[:, -1] + rules["supply"]


def _balances(axes: Axes, view: SimulationView) -> str:
    homes, supply = balances(view)
    edges, levels = thinned(view, homes)
    bands(axes, edges[1:], levels, BLUE)
    axes.axhline(view.settings["credits"]["start"], color=INK, linewidth=1, linestyle=":", label="at the start")
    axes.set_ylabel("credits of a home (kWh)")
    legend_above(axes, 2)
    time_axis(axes, view)
    return (
        f"Homes end with {homes[-1].min():,.1f} to {homes[-1].max():,.1f} kWh of credits; "
        f"the central supply went from {view.settings['credits']['supply']:,.0f} to {supply[-1]:,.1f} kWh."
    )


def _transfers(axes: Axes, view: SimulationView) -> str:
    done, step = _done(view), _steps(view)
    counts = [np.bincount(step[chosen], minlength=view.steps).astype(float) for chosen in (done, ~done)]
    edges, rate = thinned(view, np.stack(counts, axis=1))
    area(axes, edges, 0, rate[:, 0], BLUE, "carried out")
    area(axes, edges, rate[:, 0], rate.sum(axis=1), RED, "refused", hatch="//")
    axes.set_ylabel("transfers per interval")
    room_above(axes)
    largest = axes.twinx()
    moved = np.bincount(
        step, weights=np.where(done, view.values("credit_transfers", "amount_kwh"), 0), minlength=view.steps
    )
    largest.plot(
        view.edges, np.concatenate([[0], np.cumsum(moved)]), color=ORANGE, linewidth=1.8, label="moved so far (right)"
    )
    largest.set_ylabel("credits moved (kWh)")
    largest.set_ylim(0, None)
    largest.spines["right"].set_visible(True)
    handles = [*axes.get_legend_handles_labels()[0], *largest.get_legend_handles_labels()[0]]
    legend_above(axes, 3, handles)
    time_axis(axes, view)
    return f"{int(done.sum()):,} transfers moved {moved.sum():,.1f} kWh; refused: {int((~done).sum()):,}."


SKETCHES = (
    Sketch("credit_balances", "Energy credits of the homes", _balances, _has_transfers),
    Sketch("credit_transfers", "Transfers of credits", _transfers, _has_transfers),
)
