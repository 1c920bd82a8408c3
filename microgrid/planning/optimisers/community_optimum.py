"""The least that a community can pay together: all homes on one meter, energy free inside.

No strategy and no market can do better with the same batteries and loads: whatever homes trade with each other, the
money stays in the community, and only the net of all homes meets the grid. Homes with prices of their own buy at the
lowest and sell at the highest of them. The programme couples all homes, so an interior-point method solves it.
"""

from microgrid.planning.optimisers._clarabel import InteriorPoint
from microgrid.planning.optimisers._parts import decide
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan, make_plan


def solve(problem: Problem) -> Plan:
    """The cheapest plan of all homes together; its import and export have one column.

    Raises:
        PlanError: one home sells dearer than another buys.
        InfeasibleError: no plan keeps all limits; the message says which.
        SolverError: neither Clarabel nor HiGHS came to an end.
    """
    together = problem if problem.metering == "shared" else problem.on_one_meter()
    return make_plan(together, decide(together, InteriorPoint()), "community_optimum")
