"""The optimum by linear programming (HiGHS).

Homes with meters of their own are independent of each other, so each is planned alone, one after the other in one
solver model that is kept: only bounds and costs change, and the last home's basis starts the next. Homes on a shared
meter, or under a limit of the community, are planned together.
"""

from microgrid.planning.optimisers._highs import Model
from microgrid.planning.optimisers._parts import plan_by_parts
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan


def solve(problem: Problem) -> Plan:
    """The cheapest plan.

    Raises:
        InfeasibleError: no plan keeps all limits; the message says which.
        SolverError: HiGHS gave up.
    """
    coupled = problem.homes > 1 and (problem.metering == "shared" or problem.has_community_limit)
    return plan_by_parts(problem, Model(interior_point=coupled), "linear_program")
