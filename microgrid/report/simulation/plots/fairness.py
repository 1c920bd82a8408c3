"""How evenly gains and costs are spread."""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.report.simulation.plots.sketch import BLUE, INK, ORANGE, QUIET, Axes, Sketch, crowded, legend_above
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.metrics.fairness import gini


def _lorenz(axes: Axes, view: SimulationView) -> str:
    """Of savings, energy used and generated; a curve on the diagonal is an even spread."""
    curves = (
        ("saving", "savings (losses as zero)", BLUE, "-"),
        ("load_kwh", "energy used", QUIET, "--"),
        ("pv_kwh", "energy generated", ORANGE, "-."),
    )
    told = []
    axes.plot([0, 100], [0, 100], ":", color=INK, linewidth=1, label="all the same")
    for name, label, colour, style in curves:
        values = np.maximum(view.bill(name), 0.0)
        if values.sum() > 0:
            axes.plot(*lorenz(values), style, color=colour, linewidth=1.8, label=f"{label}, Gini {gini(values):.2f}")
            told.append(f"{gini(values):.2f} for {label.split(' (')[0]}")
    axes.set_xlabel("homes, those with least first (%)")
    axes.set_ylabel("share of the total (%)")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.legend(loc="upper left")
    return f"Gini coefficient (0: all the same, 1: one has all): {', '.join(told)}."


def lorenz(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of homes and of the total in percent, least first, shape (N + 1,) each; values not below zero."""
    total = np.concatenate([[0.0], np.cumsum(np.sort(values))])
    return np.linspace(0, 100, len(total)), 100 * total / total[-1]


def _anybody_gains(view: SimulationView) -> bool:
    return view.steps > 0 and bool((view.bill("saving") > 0).any())


def _saving_and_trade(axes: Axes, view: SimulationView) -> str:
    bought, sold, saving = (view.bill(name) for name in ("bought_kwh", "sold_kwh", "saving"))
    mostly_sells = sold > bought
    size = 26 if view.homes <= 40 else 10 if view.homes <= 1000 else 2  # noqa: PLR2004 - as crowded as it is
    for chosen, marker, colour, label in (
        (mostly_sells, "o", ORANGE, "sells more"),
        (~mostly_sells, "s", BLUE, "buys more"),
    ):
        look = {"color": colour, "marker": marker, "label": label, "alpha": 0.75, "rasterized": crowded(view)}
        axes.scatter((bought + sold)[chosen], saving[chosen], size, **look)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("energy traded (kWh)")
    axes.set_ylabel(f"saving ({view.currency})")
    legend_above(axes, 2)
    means = [saving[chosen].mean() if chosen.any() else 0.0 for chosen in (mostly_sells, ~mostly_sells)]
    return f"On average sellers gain {means[0]:.3f} and buyers {means[1]:.3f} {view.currency}."


SKETCHES = (
    Sketch("lorenz", "How evenly savings and energy are spread", _lorenz, _anybody_gains),
    Sketch("saving_and_trade", "Saving and energy traded of each home", _saving_and_trade, _anybody_gains),
)
