"""The optimum by linear programming (HiGHS).

Homes with meters of their own are independent of each other, so each is planned alone, one after the other in
a solver model that is kept: only bounds and costs change, and the last home's basis starts the next. Homes on a shared
meter, or under a limit of the community, are planned together.
"""

from microgrid.planning.optimisers._highs import Models
from microgrid.planning.optimisers._parts import couples, decide_by_parts
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan, make_plan


def solve(problem: Problem) -> Plan:
    """The cheapest plan.

    Raises:
        InfeasibleError: no plan keeps all limits; the message says which.
        SolverError: HiGHS gave up.
    """
    decision = decide_by_parts(problem, Models(interior_point=couples(problem)))
    return make_plan(problem, decision, "linear_program")
