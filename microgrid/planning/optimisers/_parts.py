"""Plans the parts of a problem that do not touch each other one by one, and puts them together."""

from typing import Protocol

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.planning.decision import Decision
from microgrid.planning.optimisers._builder import Program
from microgrid.planning.optimisers._exclusion import with_exclusion
from microgrid.planning.optimisers._highs import Model
from microgrid.planning.optimisers._program import build_program, decision_of
from microgrid.planning.optimisers._reasons import explain
from microgrid.planning.overlap import without_overlap
from microgrid.planning.problem import Problem


class Solver(Protocol):
    """What solves a programme."""

    def solve(self, program: Program) -> FloatArray | None:
        """The optimal columns, or None where no columns keep all bounds."""


def couples(problem: Problem) -> bool:
    """Whether anything ties the homes together."""
    return problem.homes > 1 and (problem.metering == "shared" or problem.has_community_limit)


def decide_by_parts(problem: Problem, solver: Solver) -> Decision:
    """The cheapest decision, home by home where homes are independent.

    Raises:
        InfeasibleError: no plan keeps all limits.
        SolverError: the solver gave up.
    """
    if couples(problem) or problem.homes == 1:
        return decide(problem, solver)
    whole = _nothing(problem)
    most_import, most_export = problem.home_limits_kwh
    limited = np.isfinite(most_import) | np.isfinite(most_export)
    for home in range(problem.homes):
        batteries = np.flatnonzero(problem.batteries.home == home)
        loads = np.flatnonzero(problem.flexible.home == home)
        if not (batteries.size or loads.size or problem.pv_curtailable or limited[home]):
            continue
        part = decide(problem.of_home(home), solver, home)
        whole.charge_kwh[:, batteries], whole.discharge_kwh[:, batteries] = part.charge_kwh, part.discharge_kwh
        whole.flex_kwh[:, loads], whole.curtailed_kwh[:, home] = part.flex_kwh, part.curtailed_kwh[:, 0]
    return whole


def decide(problem: Problem, solver: Solver, first_home: int = 0) -> Decision:
    """The cheapest decision for a problem as a whole.

    Args:
        problem: The problem.
        solver: The solver to use.
        first_home: Number of the problem's first home, for messages.

    Raises:
        InfeasibleError: no plan keeps all limits.
    """
    program = build_program(problem)
    solution = solver.solve(program)
    if solution is None:
        raise explain(problem, first_home)
    decision = decision_of(problem, program, solution)
    decision, wasteful = without_overlap(problem, decision)
    places = np.zeros_like(wasteful)
    while (wasteful & ~places).any():
        places = places | wasteful
        solution = Model().solve(with_exclusion(program, places))
        if solution is None:
            raise explain(problem, first_home)
        decision, wasteful = without_overlap(problem, decision_of(problem, program, solution))
    return decision


def _nothing(problem: Problem) -> Decision:
    of_batteries, of_loads = (problem.intervals, problem.batteries.count), (problem.intervals, problem.flexible.count)
    return Decision(np.zeros(of_batteries), np.zeros(of_batteries), np.zeros(of_loads), np.zeros_like(problem.pv_kwh))
