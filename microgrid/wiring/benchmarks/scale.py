"""How a run grows with the number of homes: three tiers, greedy batteries, from 100 to 100,000 homes."""

import math
from functools import partial

from microgrid.sim.run import run as simulate
from microgrid.sim.scenario import Scenario
from microgrid.wiring.measuring import Figure, best_of, exponent, peak_bytes

SIZES, QUICK_SIZES = (100, 1_000, 10_000, 100_000), (20, 60, 180)
SETTINGS = {"market.mechanism": "three_tier", "planning.optimiser": "greedy"}
LARGE, LARGE_STEPS, BAR_S, BAR_BYTES = 10_000, 96, 5.0, 1.5e9
QUICK_LARGE = 200
CODE = """
from microgrid.sim.run import run
from microgrid.sim.scenario import Scenario
"""


def run(*, quick: bool) -> list[Figure]:
    """The exponent of time, then time and memory of many homes for a day of quarter hours; quick: up to 200 homes."""
    sizes, large = (QUICK_SIZES, QUICK_LARGE) if quick else (SIZES, LARGE)
    runs = {size: _runs(size) for size in sizes}
    seconds = {size: best_of(runs[size], partial(simulate, _scenario(size))) for size in sizes}
    return [
        *(_step(size, seconds, sizes, runs) for size in sizes[1:]),
        _growth(sizes, seconds),
        _growth(sizes[-2:], seconds),
        *_large(large, quick=quick),
    ]


def _runs(size: int) -> int:
    return 3 if size <= 10_000 else 2  # noqa: PLR2004 - the largest take seconds


def _scenario(homes: int, **settings: str) -> Scenario:
    return Scenario().with_settings({**SETTINGS, "homes.count": str(homes), **settings})


def _step(size: int, seconds: dict[int, float], sizes: tuple[int, ...], runs: dict[int, int]) -> Figure:
    """A size beside what the next smaller one would give in proportion."""
    smaller = sizes[sizes.index(size) - 1]
    expected = seconds[smaller] * size / smaller
    return Figure(
        f"{size:,} homes, 24 steps", seconds[size], "s", f"{smaller:,} homes in proportion", expected, None, runs[size]
    )


def _growth(sizes: tuple[int, ...], seconds: dict[int, float]) -> Figure:
    """The exponent over some sizes; what every run costs, however small, lowers it where small ones are among them."""
    return Figure(
        f"exponent of time, {sizes[0]:,} to {sizes[-1]:,} homes",
        exponent(sizes, [seconds[size] for size in sizes]),
        "power of n",
        "exponent of n log n over the same sizes",
        exponent(sizes, [size * math.log(size) for size in sizes]),
    )


def _large(homes: int, *, quick: bool) -> list[Figure]:
    quarters = {"steps": str(LARGE_STEPS), "step_minutes": "15"}
    settings = {**SETTINGS, "homes.count": str(homes), **quarters}
    name = f"{homes:,} homes, {LARGE_STEPS} steps"
    runs = 1 if quick else 2
    seconds = best_of(runs, lambda: simulate(_scenario(homes, **quarters)))
    quarter = best_of(runs, lambda: simulate(_scenario(homes)))
    memory = peak_bytes(f"{CODE}run(Scenario().with_settings({settings!r}))\n")
    return [
        Figure(name, seconds, "s", "24 steps of them in proportion", 4 * quarter, None if quick else BAR_S, runs),
        Figure(
            f"peak memory, {name}",
            memory,
            "bytes",
            "the same modules, no run",
            peak_bytes(CODE),
            None if quick else BAR_BYTES,
        ),
    ]
