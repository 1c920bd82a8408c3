"""The figures of a simulated run, one file a subject; what a run does not have is left out, not drawn empty."""

from collections.abc import Callable, Iterator

from microgrid.report.drawing import Axes, Plot, draw_below_title
from microgrid.report.simulation.plots import credits as credits_
from microgrid.report.simulation.plots import energy, fairness, homes, ledger, money, network, regulator, trade
from microgrid.report.simulation.plots.sketch import COLOURS, Sketch, always
from microgrid.report.simulation.view import SimulationView

SKETCHES: tuple[Sketch, ...] = (
    *energy.SKETCHES,
    *homes.SKETCHES,
    *trade.SKETCHES,
    *network.SKETCHES,
    *money.SKETCHES,
    *fairness.SKETCHES,
    *regulator.SKETCHES,
    *ledger.SKETCHES,
    *credits_.SKETCHES,
)


def draw_all(view: SimulationView) -> Iterator[Plot]:
    """Draw every figure for which the run has data."""
    if not always(view):
        return
    for sketch in SKETCHES:
        if sketch.wanted(view):
            yield draw_below_title(sketch.name, sketch.title, _painter(sketch, view), sketch.size_inches, COLOURS)


def _painter(sketch: Sketch, view: SimulationView) -> Callable[[Axes], str]:
    return lambda axes: sketch.paint(axes, view)
