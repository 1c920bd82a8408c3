"""A day of a hundred prosumers as a whole process: start, homes, plan, market, miners, regulator, run folder."""

import tempfile
from functools import partial
from pathlib import Path

from microgrid.wiring.measuring import Figure, best_of, python

CONVEX, QUARTERS = "planning.optimiser=convex", ("steps=96", "step_minutes=15")
CASES = {
    "100 homes, 24 steps, greedy": ((), 2.0),
    "100 homes, 24 steps, convex": ((CONVEX,), 4.0),
    "100 homes, 96 steps, convex": ((CONVEX, *QUARTERS), 8.0),
}
TINY = ("homes.count=4", "steps=3", "ledger.difficulty=1")
QUICK_CASES = {"4 homes, 3 steps, greedy": (TINY, None), "4 homes, 3 steps, convex": ((CONVEX, *TINY), None)}
YARDSTICK = "import numpy, pandas"


def run(*, quick: bool) -> list[Figure]:
    """Each case beside the start of Python with numpy and pandas; quick: four homes for three steps."""
    runs = 1 if quick else 3
    start = best_of(runs, lambda: python("-c", YARDSTICK))
    cases = QUICK_CASES if quick else CASES
    return [
        Figure(
            f"process, {name}",
            best_of(runs, partial(_simulate, settings)),
            "s",
            f"process of `{YARDSTICK}`",
            start,
            bar,
            runs,
        )
        for name, (settings, bar) in cases.items()
    ]


def _simulate(settings: tuple[str, ...]) -> None:
    words = [word for setting in settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "run")
        python("-m", "microgrid", "simulate", "community_100", "--no-plots", "--out", target, *words)
