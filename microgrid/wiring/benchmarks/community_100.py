"""A day of a hundred prosumers as a whole process: start, homes, plan, market, miners, regulator, run folder."""

import tempfile
from pathlib import Path

from microgrid.wiring.measuring import Figure, best_of, python

CASES = {
    "24 steps, greedy": ((), 2.0),
    "24 steps, convex": (("planning.optimiser=convex",), 4.0),
    "96 steps, convex": (("planning.optimiser=convex", "steps=96", "step_minutes=15"), 8.0),
}
TINY = ("homes.count=4", "steps=3", "ledger.difficulty=1")
YARDSTICK = "import numpy, pandas"


def run(*, quick: bool) -> list[Figure]:
    """Three cases beside the start of Python with numpy and pandas; quick: four homes for three steps."""
    runs = 1 if quick else 3
    start = best_of(runs, lambda: python("-c", YARDSTICK))
    return [
        Figure(
            f"process, {'tiny' if quick else name}" + (f", {number}" if quick else ""),
            best_of(runs, lambda settings=settings: _simulate((*settings, *TINY) if quick else settings)),
            "s",
            f"process of `{YARDSTICK}`",
            start,
            None if quick else bar,
            runs,
        )
        for number, (name, (settings, bar)) in enumerate(CASES.items())
    ]


def _simulate(settings: tuple[str, ...]) -> None:
    words = [word for setting in settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "run")
        python("-m", "microgrid", "simulate", "community_100", "--no-plots", "--out", target, *words)
