"""Limits made soft: which of them must give way, and by how much, so that there is a plan at all."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.planning.optimisers._builder import Builder, Program
from microgrid.planning.optimisers._highs import Model
from microgrid.planning.optimisers._program import collect
from microgrid.planning.problem import Problem

TOLERANCE_KWH = 1e-6
MOST_NAMED = 5

CLAUSES = {
    "import": "{meter} takes {excess:.4g} kWh more than its import limit in interval {time}",
    "export": "{meter} gives {excess:.4g} kWh more than its export limit in interval {time}",
    "soc": "battery of home {battery_home} ends {excess:.4g} kWh below its final state of charge",
    "flexed": "flexible load {index} of home {load_home} lacks {excess:.4g} kWh by the end of interval {time}",
    "home": "the connection of home {home} carries {excess:.4g} kWh too much in interval {time}",
    "community": "the connection of the community carries {excess:.4g} kWh too much in interval {time}",
}
SOFT_UPPER, SOFT_LOWER, SOFT_ROWS = ("import", "export"), ("soc", "flexed"), ("home", "community")


def exceeded(problem: Problem, first_home: int) -> list[str]:
    """A clause for each limit that the plan of least excess exceeds, the largest first."""
    program = _elastic(problem)
    solution = Model().solve(program)
    if solution is None:
        return ["the limits of the batteries leave no plan"]
    found = sorted(_clauses(problem, program, solution, first_home), reverse=True)
    if not found:
        return ["the limits could only be kept by charging and discharging a battery at once"]
    clauses = [clause for _, clause in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        clauses.append(f"and {len(found) - MOST_NAMED} limits more")
    return ["no plan keeps all limits together; with the least excess " + clauses[0], *clauses[1:]]


def _elastic(problem: Problem) -> Program:
    """The programme with a slack for each soft limit, and nothing but slack in its cost."""
    builder = collect(problem)
    lower, upper = (np.concatenate(bounds) for bounds in (builder.lower, builder.upper))
    hard_columns = len(lower)
    for name in SOFT_UPPER:
        _soften(builder, name, -1.0, -np.inf, upper[builder.blocks[name]])
        upper[builder.blocks[name]] = np.inf
    for name in SOFT_LOWER:
        _soften(builder, name, 1.0, lower[builder.blocks[name]], np.inf)
    lower[builder.blocks["flexed"]] = 0.0
    lower[builder.blocks["soc"]] = problem.batteries.soc_min_kwh
    for name in SOFT_ROWS:
        if name in builder.row_blocks:
            rows = builder.row_blocks[name]
            for sign in (-1.0, 1.0):
                builder.put(rows, builder.columns(f"{name} {sign:+g}", (rows.shape[0], rows.shape[1])), sign)
    program = builder.program()
    slack = np.arange(len(program.cost)) >= hard_columns
    lower, upper = (
        np.concatenate([kept, new[slack]]) for kept, new in ((lower, program.lower), (upper, program.upper))
    )
    return replace(program, cost=slack.astype(np.float64), lower=lower, upper=upper)


def _soften(builder: Builder, name: str, sign: float, low: FloatArray | float, high: FloatArray | float) -> None:
    """A row and a slack for each column of a block: low <= column + sign * slack <= high."""
    block = builder.blocks[name]
    shape = (block.shape[0], block.shape[1])
    slack = builder.columns(f"{name} {sign:+g}", shape)
    rows = builder.rows(f"soft {name}", shape, low, high)
    builder.put(rows, block, 1.0)
    builder.put(rows, slack, sign)


def _clauses(problem: Problem, program: Program, solution: FloatArray, first_home: int) -> Iterator[tuple[float, str]]:
    for name, clause in CLAUSES.items():
        for sign in ("+1", "-1"):
            excess = solution[program.blocks.get(f"{name} {sign}", np.zeros((0, 0), np.int64))]
            for time, index in np.argwhere(excess > TOLERANCE_KWH):
                places = _places(problem, int(index), first_home)
                yield float(excess[time, index]), clause.format(excess=excess[time, index], time=time, **places)


def _places(problem: Problem, index: int, first_home: int) -> dict[str, object]:
    """The names that a clause may use for what stands at an index."""
    shared = problem.metering == "shared"
    batteries, loads = problem.batteries, problem.flexible
    return {
        "index": index,
        "home": first_home + index,
        "meter": "the shared meter" if shared else f"home {first_home + index}",
        "battery_home": first_home + int(batteries.home[index]) if index < batteries.count else None,
        "load_home": first_home + int(loads.home[index]) if index < loads.count else None,
    }
