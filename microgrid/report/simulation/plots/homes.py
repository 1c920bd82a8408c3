"""Homes side by side: own use, grid use."""

import numpy as np

from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    Axes,
    Sketch,
    averaged,
    crowded,
    homes_axis,
    legend_above,
    outline,
)
from microgrid.report.simulation.view import SimulationView

FEW_HOMES = 40


def _self_use(axes: Axes, view: SimulationView) -> str:
    """Of each home: share of its generation used by itself, share of its use that it covers itself."""
    load, imported, pv, exported = (view.bill(f"{name}_kwh") for name in ("load", "import", "pv", "export"))
    sufficiency = 100 * np.divide(load - np.minimum(imported, load), load, out=np.zeros_like(load), where=load > 0)
    consumption = 100 * np.divide(pv - np.minimum(exported, pv), pv, out=np.full_like(pv, np.nan), where=pv > 0)
    order = np.argsort(sufficiency, kind="stable")[::-1]
    places = np.arange(len(order))
    size = 6 if len(order) <= FEW_HOMES else 3 if len(order) <= 10 * FEW_HOMES else 1
    shown = (
        (consumption, "o", ORANGE, size, "of its generation: used by itself"),
        (sufficiency, "s", BLUE, 0.8 * size, "of its use: covered by itself"),
    )
    for share, marker, colour, width, label in shown:
        dots = {"marker": marker, "markersize": width, "linestyle": "none", "rasterized": crowded(view)}
        axes.plot(places, share[order], color=colour, label=label, alpha=0.85, **dots)
    axes.set_ylim(-3, 103)
    axes.set_ylabel("share (%)")
    homes_axis(axes, view, order.tolist())
    legend_above(axes, 1)
    return f"The middle home covers {np.median(sufficiency):.0f} % of its use with its own panels and battery."


def _grid(axes: Axes, view: SimulationView) -> str:
    """Above zero what a home takes from the grid after trading, below what it gives."""
    bought, sold, imported, exported = (view.bill(f"{name}_kwh") for name in ("bought", "sold", "import", "export"))
    from_grid, to_grid = np.maximum(imported - bought, 0), np.maximum(exported - sold, 0)
    order = np.argsort(from_grid - to_grid, kind="stable")[::-1]
    shown = (
        (from_grid, BLUE, "from the grid", ""),
        (np.minimum(imported, bought), GREEN, "bought in the community", "//"),
        (-to_grid, ORANGE, "to the grid", ""),
        (-np.minimum(exported, sold), GREEN, "sold in the community", "\\\\"),
    )
    bottoms = {1: np.zeros(len(order)), -1: np.zeros(len(order))}
    for place, (energy, colour, label, hatch) in enumerate(shown):
        side = 1 if place < 2 else -1  # noqa: PLR2004 - two above zero, two below
        if len(order) <= FEW_HOMES:
            look = {"color": colour, "label": label, "hatch": hatch or None, "edgecolor": PAPER, "linewidth": 0}
            axes.bar(np.arange(len(order)), energy[order], 0.8, bottoms[side], **look)
        else:
            outline(axes, energy[order], bottoms[side], colour, label, hatch)
        bottoms[side] = bottoms[side] + energy[order]
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("energy at the meter (kWh)")
    homes_axis(axes, view, order.tolist())
    legend_above(axes)
    return (
        f"Homes took {from_grid.sum():,.0f} kWh from the grid and gave it {to_grid.sum():,.0f} kWh; "
        f"{bought.sum():,.0f} kWh came from the community.{averaged(view)}"
    )


SKETCHES = (
    Sketch("self_use", "Own use and own supply of each home", _self_use),
    Sketch("grid_by_home", "What each home exchanged at its meter", _grid),
)
