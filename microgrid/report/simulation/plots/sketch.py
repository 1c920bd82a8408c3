"""What the figures of a simulated run have in common: colours, axes of time and of homes, names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.report.drawing import BLUE, CSS_NAMES, GREEN, INK, ORANGE, QUIET, RED, SIZE_INCHES, Axes
from microgrid.report.simulation.view import SimulationView

SKY, PURPLE, YELLOW = "#56b4e9", "#cc79a7", "#9c8f00"
PAPER = "#ffffff"
COLOURS = {**CSS_NAMES, SKY: "sky", PURPLE: "purple", YELLOW: "yellow", PAPER: "card"}
TIER_COLOURS = (BLUE, PURPLE, GREEN, RED)
TIER_MARKERS = ("o", "s", "^", "D")
MOST_POINTS = 400
LONGEST_NAME = 18
MOST_SHAPES = 500


def always(view: SimulationView) -> bool:
    """Whether there is anything to draw: a run with intervals and homes."""
    return view.steps > 0 and view.homes > 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """A figure yet to be drawn.

    Attributes:
        name: The file's stem.
        title: Its subject.
        paint: Draws it and says in a sentence what it shows.
        wanted: Whether the run has what it takes.
        size_inches: Width and height.
    """

    name: str
    title: str
    paint: Callable[[Axes, SimulationView], str]
    wanted: Callable[[SimulationView], bool] = always
    size_inches: tuple[float, float] = SIZE_INCHES


def thinned(view: SimulationView, series: FloatArray) -> tuple[list[Any], FloatArray]:
    """Edges and means of groups of intervals, few enough to draw.

    Args:
        view: The run.
        series: One row for each interval, shape (T, ...).

    Returns:
        Starts of the groups and the end of the last, and their means, shape (groups, ...).
    """
    starts, means = grouped(series)
    return [*(view.edges[start] for start in starts), view.edges[-1]], means


def grouped(rows: FloatArray) -> tuple[IntArray, FloatArray]:
    """Means of neighbours, few enough to draw.

    Args:
        rows: Values of at least one interval or home, shape (rows, ...).

    Returns:
        Index of the first row of each group, shape (groups,), and the means, shape (groups, ...).
    """
    starts = np.arange(0, len(rows), -(-len(rows) // MOST_POINTS))
    counts = np.diff(np.append(starts, len(rows))).reshape(-1, *[1] * (rows.ndim - 1))
    means: FloatArray = np.add.reduceat(rows, starts, axis=0) / counts
    return starts, means


def area(
    axes: Axes,
    edges: Sequence[Any],
    lower: FloatArray | float,
    upper: FloatArray,
    colour: str,
    label: str,
    *,
    hatch: str = "",
    alpha: float = 0.8,
) -> None:
    """What lies between two stairs, hatched in the colour of the paper.

    Args:
        axes: Where.
        edges: Where steps begin and the last one ends, shape (P + 1,).
        lower: Height of each step's lower end, shape (P,).
        upper: Of its upper end, shape (P,).
        colour: Of the area.
        label: In the legend.
        hatch: Matplotlib's pattern; plain where none is given.
        alpha: How far the colour covers what lies below.
    """
    low, high = (stepped(np.broadcast_to(side, upper.shape)) for side in (lower, upper))
    look = {"facecolor": colour, "edgecolor": PAPER, "hatch": hatch or None, "linewidth": 0, "alpha": alpha}
    axes.fill_between(edges, low, high, step="post", label=label, **look)


def outline(axes: Axes, height: FloatArray, bottom: FloatArray, colour: str, label: str, hatch: str) -> None:
    """Bars of ranked homes that are too many to be told apart, as one area; neighbours are averaged.

    Args:
        axes: Where.
        height: Of each bar, shape (N,).
        bottom: Where each begins, shape (N,).
        colour: Of the area.
        label: In the legend.
        hatch: As for `area`.
    """
    starts, (lower, upper) = grouped(bottom)[0], (grouped(side)[1] for side in (bottom, bottom + height))
    edges = [*(starts - 0.5), len(height) - 0.5]
    area(axes, edges, lower, upper, colour, label, hatch=hatch, alpha=1.0)


def averaged(view: SimulationView) -> str:
    """What to say of homes that `outline` averages; nothing where each has its own place."""
    return " Neighbouring homes are averaged." if view.homes > MOST_POINTS else ""


def stepped(values: FloatArray) -> FloatArray:
    """One value a group as values at its edges, the last twice."""
    return np.concatenate([values, values[-1:]])


def crowded(view: SimulationView) -> bool:
    """Whether homes are so many that the page takes a picture of their dots instead of a shape for each."""
    return view.homes > MOST_SHAPES


def time_axis(axes: Axes, view: SimulationView) -> None:
    """Times in UTC, with the date where the run is short and dates are not on the axis."""
    dates: Any = import_module("matplotlib.dates")
    locator = dates.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlabel(f"time (UTC), from {view.summary['period']['start'][:10]}")
    axes.set_xlim(view.edges[0], view.edges[-1])


def legend_above(axes: Axes, columns: int = 2, handles: Any = None) -> None:
    """A legend that covers no data: above the axes."""
    options: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns, "borderaxespad": 0.2}
    options |= {"handlelength": 1.4, "columnspacing": 1.0}
    if handles is None:
        axes.legend(**options)
    else:
        axes.legend(handles=handles, **options)


def homes_axis(axes: Axes, view: SimulationView, order: Sequence[int], *, most: int = 24) -> None:
    """Names of the homes in an order where they can be read, a count where they are many."""
    if len(order) <= most:
        names = [short(view.home_ids[home]) for home in order]
        size = 8 if len(order) <= 14 else 6.5  # noqa: PLR2004 - as many as fit side by side
        axes.set_xticks(range(len(order)), names, rotation=55 if len(names) > 6 else 0, fontsize=size)  # noqa: PLR2004
        if len(names) > 6:  # noqa: PLR2004 - names side by side as long as they fit
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
    else:
        axes.set_xlabel(f"{len(order):,} homes, ranked")


def short(name: str) -> str:
    """A long name by its beginning, words apart, and safe from being read as a formula."""
    plain = name.replace("_", " ").replace("$", r"\$")
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"


def words(name: str) -> str:
    """A name in words."""
    return name.replace("_", " ")


def room_above(axes: Axes, share: float = 0.12) -> None:
    """From zero to somewhat above the data."""
    axes.set_ylim(0, max(axes.get_ylim()[1], 1e-6) * (1 + share))


def heat_map(axes: Axes, cells: FloatArray, label: str, **options: Any) -> None:
    """Cells from white to blue, small ones lifted by a square root, with a scale."""
    norm: Any = import_module("matplotlib.colors").PowerNorm(0.5, 0, max(float(cells.max()), 1e-12))
    image = axes.imshow(cells, cmap="Blues", norm=norm, aspect="auto", interpolation="nearest", **options)
    axes.figure.colorbar(image, ax=axes, label=label)


def bands(axes: Axes, edges: Sequence[Any], values: FloatArray, colour: str) -> None:
    """Spread over homes: all of them, the middle 80 %, the median.

    Args:
        axes: Where.
        edges: Times, shape (P,).
        values: One row a time, shape (P, homes).
        colour: Of all three.
    """
    low, tenth, middle, ninetieth, high = np.quantile(values, [0, 0.1, 0.5, 0.9, 1], axis=1)
    axes.fill_between(edges, low, high, color=colour, alpha=0.12, linewidth=0, label="all homes")
    axes.fill_between(edges, tenth, ninetieth, color=colour, alpha=0.3, linewidth=0, label="middle 80 % of homes")
    axes.plot(edges, middle, color=colour, linewidth=1.8, label="median home")


__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "INK",
    "ORANGE",
    "PAPER",
    "PURPLE",
    "QUIET",
    "RED",
    "SKY",
    "TIER_COLOURS",
    "TIER_MARKERS",
    "YELLOW",
    "Axes",
    "Sketch",
    "always",
    "area",
    "averaged",
    "bands",
    "crowded",
    "heat_map",
    "homes_axis",
    "legend_above",
    "outline",
    "room_above",
    "short",
    "stepped",
    "thinned",
    "time_axis",
    "words",
]
