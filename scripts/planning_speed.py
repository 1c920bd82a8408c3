"""How long planning takes: `python scripts/planning_speed.py` prints seconds, the bar beside each, and the load.

The coupled optimum is timed against the solver alone on the same matrices, in the same run. Each figure is the best of
three, except that of the convex model, which is that of a fresh process with the import of CVXPY in it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.planning import Problem, plan
from microgrid.planning.optimisers._clarabel import cone_form
from microgrid.planning.optimisers._program import build_program

QUARTERS_A_DAY, DAYS = 96, 365
PEAK_BEGINS, PEAK_ENDS = 16, 21


def homes_problem(homes: int, intervals: int, dt_hours: float, **changes: str) -> Problem:
    """Homes with sun, an evening peak and a battery each."""
    draw = np.random.default_rng(7)
    hour = (np.arange(intervals) * dt_hours % 24)[:, None]
    load = (0.3 + 0.7 * draw.random((intervals, homes)) + 0.8 * ((hour > PEAK_BEGINS) & (hour < PEAK_ENDS))) * dt_hours
    pv = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, 1) * draw.uniform(1, 4, homes) * dt_hours
    price = np.where((hour[:, 0] >= PEAK_BEGINS) & (hour[:, 0] < PEAK_ENDS), 0.45, 0.25)
    fleet = BatteryFleet.of_homes(np.arange(homes), draw.uniform(4, 12, homes), 3.0, round_trip=0.9)
    values = {"batteries": fleet, **changes}
    return Problem(dt_hours, load, pv, price, np.full(intervals, 0.08), **values)  # type: ignore[arg-type]


def seconds(job: Callable[[], object], times: int = 3) -> float:
    """The best of some runs."""
    best = np.inf
    for _ in range(times):
        start = time.perf_counter()
        job()
        best = min(best, time.perf_counter() - start)
    return float(best)


def solver_alone(problem: Problem) -> float:
    """Seconds that Clarabel needs for matrices that are there."""
    import clarabel  # noqa: PLC0415 - as the optimiser does
    from scipy import sparse  # noqa: PLC0415 - as above

    program = build_program(problem)
    matrix, right, equal = cone_form(program)
    cones = [clarabel.ZeroConeT(equal), clarabel.NonnegativeConeT(len(right) - equal)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    nothing = sparse.csc_matrix((len(program.cost),) * 2)
    return seconds(lambda: clarabel.DefaultSolver(nothing, program.cost, matrix, right, cones, settings).solve())


def convex_in_a_fresh_process(intervals: int) -> float:
    """Seconds of a process that imports CVXPY and plans 100 homes on one meter, without the start of Python."""
    code = (
        "import sys, time; sys.path[:0] = ['.', 'scripts']; import planning_speed as s;"
        f"p = s.homes_problem(100, {intervals}, {24 / intervals}, metering='shared');"
        "t = time.perf_counter(); s.plan(p, 'convex'); print(time.perf_counter() - t)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    year = homes_problem(1, QUARTERS_A_DAY * DAYS, 0.25)
    steps = {"horizon_steps": QUARTERS_A_DAY, "replan_steps": QUARTERS_A_DAY}
    report("one home, a year of quarter hours, 365 daily programmes", lambda: plan(year, "rolling_horizon", **steps), 3)
    many = homes_problem(10_000, QUARTERS_A_DAY, 0.25)
    report("greedy, 10,000 homes, 96 intervals", lambda: plan(many, "greedy"), 1)
    alone = homes_problem(100, QUARTERS_A_DAY, 0.25)
    report("linear_program, 100 separate homes, 96 intervals", lambda: plan(alone, "linear_program"), None)
    shared = homes_problem(100, QUARTERS_A_DAY, 0.25, metering="shared")
    plan(shared, "community_optimum")
    pairs = [(solver_alone(shared), seconds(lambda: plan(shared, "community_optimum"))) for _ in range(3)]
    solver, whole = (min(column) for column in zip(*pairs, strict=True))
    print(f"{solver:8.3f} s            Clarabel alone, 100 homes, 96 intervals, matrices given")
    print(f"{whole:8.3f} s  (bar {1.2 * solver:5.2f})  community_optimum, the same, in turn with it")
    report("  of which building", lambda: cone_form(build_program(shared)), None)
    for intervals, bar in ((24, 1.5), (96, 4.0)):
        taken = convex_in_a_fresh_process(intervals)
        print(f"{taken:8.3f} s  (bar {bar:5.2f})  convex, 100 homes, {intervals} intervals, with the import of CVXPY")
    print(f"load average {os.getloadavg()}, {os.cpu_count()} cores")


def report(what: str, job: Callable[[], object], bar: float | None) -> None:
    """Time a job and print it beside its bar."""
    shown = f"(bar {bar:5.2f})" if bar is not None else " " * 11
    print(f"{seconds(job):8.3f} s  {shown}  {what}")


if __name__ == "__main__":
    main()
