"""Who trades with whom."""

from importlib import import_module
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.report.simulation.plots.sketch import BLUE, INK, ORANGE, PAPER, QUIET, Axes, Sketch, heat_map, short
from microgrid.report.simulation.plots.trade import has_trades
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.tables import BATTERY_NAME

FEW_HOMES = 25
MOST_IN_CIRCLE = 120
MOST_LINKS = 150


def _groups(view: SimulationView) -> tuple[list[str], IntArray]:
    """Names to tell trades apart by, and the group of each home and of the central battery, shape (N + 1,)."""
    kinds = [home.get("home_type", "") for home in view.summary["homes"]]
    if view.homes <= FEW_HOMES:
        names, places = list(view.home_ids), np.arange(view.homes)
    elif any(kinds):
        names = sorted(set(kinds))
        places = np.array([names.index(kind) for kind in kinds])
    else:
        traded = view.bill("bought_kwh") + view.bill("sold_kwh")
        largest = np.sort(np.argsort(traded, kind="stable")[::-1][: FEW_HOMES - 1])
        names = [*(view.home_ids[home] for home in largest), "all others"]
        places = np.full(view.homes, len(largest))
        places[largest] = np.arange(len(largest))
    battery = len(names) if _battery_trades(view) else 0
    return [*names, BATTERY_NAME] if battery else names, np.append(places, battery)


def _battery_trades(view: SimulationView) -> bool:
    return bool((view.buyers == view.homes).any() or (view.sellers == view.homes).any())


def _matrix(axes: Axes, view: SimulationView) -> str:
    names, group = _groups(view)
    energy = np.zeros((len(names), len(names)))
    np.add.at(energy, (group[view.sellers], group[view.buyers]), view.values("all_trades", "energy_kwh"))
    heat_map(axes, energy, "kWh")
    size = 7.5 if len(names) <= 12 else 5.5  # noqa: PLR2004 - as many as fit
    labels = [short(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=55, ha="right", fontsize=size)
    axes.set_yticks(range(len(names)), labels, fontsize=size)
    axes.set_xlabel("buyer")
    axes.set_ylabel("seller")
    seller, buyer = np.unravel_index(int(energy.argmax()), energy.shape)
    what = "homes" if view.homes <= FEW_HOMES else "groups"
    return f"The largest flow between {what}: {names[seller]} sold {energy.max():,.1f} kWh to {names[buyer]}.".replace(
        "_", " "
    )


def _small_circle(view: SimulationView) -> bool:
    return has_trades(view) and 2 < view.homes <= MOST_IN_CIRCLE  # noqa: PLR2004 - three make a circle


def _network(axes: Axes, view: SimulationView) -> str:
    """Homes on a circle, sellers and buyers linked; the wider the link the more energy."""
    energy = np.zeros((view.homes + 1, view.homes + 1))
    np.add.at(energy, (view.sellers, view.buyers), view.values("all_trades", "energy_kwh"))
    x, y = _circle(view.homes)
    between = energy + energy.T
    seller, buyer = np.nonzero(np.triu(between))
    order = np.argsort(between[seller, buyer], kind="stable")[-MOST_LINKS:]
    for first, second in zip(seller[order], buyer[order], strict=True):
        _link(axes, (x[first], y[first]), (x[second], y[second]), float(between[first, second] / between.max()))
    _dots(axes, view, energy, x, y)
    axes.set_axis_off()
    axes.set_aspect("equal")
    shown = f" The {MOST_LINKS} largest links are drawn." if len(seller) > MOST_LINKS else ""
    return f"{len(seller):,} pairs traded. Filled circles sold more than they bought, open squares bought more.{shown}"


def _circle(homes: int) -> tuple[FloatArray, FloatArray]:
    """Places on a circle, the central battery in its middle, shape (N + 1,) each."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(homes) / homes
    return np.append(np.cos(angle), 0.0), np.append(np.sin(angle), 0.0)


def _link(axes: Axes, start: tuple[float, float], end: tuple[float, float], weight: float) -> None:
    path: Any = import_module("matplotlib.path").Path
    patch: Any = import_module("matplotlib.patches").PathPatch
    middle = (0.25 * (start[0] + end[0]), 0.25 * (start[1] + end[1]))
    curve = path([start, middle, end], [path.MOVETO, path.CURVE3, path.CURVE3])
    axes.add_patch(patch(curve, fill=False, edgecolor=QUIET, linewidth=0.3 + 3.5 * weight, alpha=0.35 + 0.5 * weight))


def _dots(axes: Axes, view: SimulationView, energy: FloatArray, x: FloatArray, y: FloatArray) -> None:
    sold, bought = energy.sum(axis=1), energy.sum(axis=0)
    size = 12 + 90 * (sold + bought) / max(float((sold + bought).max()), 1e-12)
    present = np.append(np.ones(view.homes, dtype=bool), _battery_trades(view))
    sellers, buyers = present & (sold > bought), present & (sold <= bought)
    axes.scatter(x[sellers], y[sellers], size[sellers], color=ORANGE, zorder=3)
    axes.scatter(x[buyers], y[buyers], size[buyers], marker="s", facecolor=PAPER, edgecolor=BLUE, zorder=3)
    if view.homes <= FEW_HOMES:
        for home, name in enumerate(view.home_ids):
            axes.text(1.16 * x[home], 1.13 * y[home], short(name), ha="center", va="center", fontsize=7, color=INK)
    axes.set_xlim(-1.35, 1.35)
    axes.set_ylim(-1.25, 1.25)


SKETCHES = (
    Sketch("trade_matrix", "Who sold to whom", _matrix, has_trades, (4.3, 3.6)),
    Sketch("trade_network", "Network of trades", _network, _small_circle, (4.3, 3.8)),
)
