"""What a home expects, what it plans and what it bids.

`plan(Problem(...), "linear_program").cost`
"""

import inspect
from typing import Any

from microgrid.domain import plugins
from microgrid.domain.errors import UnknownNameError
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan

__all__ = ["Plan", "Problem", "plan"]


def plan(problem: Problem, optimiser: str = "linear_program", **parameters: Any) -> Plan:
    """Plan batteries, loads that can wait and curtailment with an optimiser of `microgrid/planning/optimisers`.

    Args:
        problem: What to plan for.
        optimiser: Name of the optimiser.
        parameters: Those that the optimiser has, by name.

    Raises:
        UnknownNameError: no such optimiser, or it has no such parameter; the message lists what there is.
        InfeasibleError: the limits stand against each other; the message says which.
        PlanError: a problem that this optimiser cannot plan for.
        SolverError: the solver gave up.
    """
    solve = plugins.load("optimiser", optimiser).solve
    known = [name for name in inspect.signature(solve).parameters if name != "problem"]
    kind = f"parameter of {optimiser}"
    for name in parameters:
        if name not in known:
            raise UnknownNameError(kind, name, known or ["none"])
    result: Plan = solve(problem, **parameters)
    return result
