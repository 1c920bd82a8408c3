"""Why no plan keeps all limits, in words.

First the conditions that any plan must meet, each alone; they give the clearest sentence. Where each holds and the
limits only together leave no plan, the limits are made soft: the programme with the least total excess is solved, and
the limits that it exceeds are named.
"""

import numpy as np

from microgrid.domain.errors import InfeasibleError
from microgrid.planning.decision import sum_at
from microgrid.planning.optimisers._elastic import exceeded
from microgrid.planning.problem import Problem

TOLERANCE_KWH = 1e-9


def explain(problem: Problem, first_home: int = 0) -> InfeasibleError:
    """The error that says which limits stand against each other.

    Args:
        problem: A problem without a plan.
        first_home: Number of its first home in the problem that the caller knows.
    """
    alone = [*out_of_reach(problem, first_home), *_connections(problem, first_home)]
    return InfeasibleError(alone or exceeded(problem, first_home))


def out_of_reach(problem: Problem, first_home: int = 0) -> list[str]:
    """A clause for each final state of charge and deadline that even full power from the start does not reach."""
    return [*_final_states(problem, first_home), *_deadlines(problem, first_home)]


def _final_states(problem: Problem, first_home: int) -> list[str]:
    fleet = problem.batteries
    gain = problem.intervals * fleet.charge_power_kw * problem.dt_hours * fleet.eta_charge
    last = problem.intervals - 1
    return [
        f"battery of home {first_home + fleet.home[i]} cannot reach its final state of charge "
        f"{fleet.min_final_soc_kwh[i]:g} kWh: to {fleet.soc0_kwh[i]:g} kWh at the start at most {gain[i]:.4g} kWh can "
        f"be added by the end of interval {last} with {fleet.charge_power_kw[i]:g} kW"
        for i in np.flatnonzero(fleet.soc0_kwh + gain < fleet.min_final_soc_kwh - TOLERANCE_KWH)
    ]


def _deadlines(problem: Problem, first_home: int) -> list[str]:
    loads, sentences = problem.flexible, []
    if not loads.count:
        return []
    reach = loads.reachable_kwh(problem.dt_hours)
    late = loads.lower_kwh - reach > TOLERANCE_KWH
    for i in np.flatnonzero(late.any(axis=0)):
        time = int(np.argmax(late[:, i]))
        sentences.append(
            f"flexible load {i} of home {first_home + loads.home[i]} cannot get {loads.lower_kwh[time, i]:g} kWh "
            f"by the end of interval {time} with {loads.power_kw[i]:g} kW: at most {reach[time, i]:.4g} kWh"
        )
    return sentences


def _connections(problem: Problem, first_home: int) -> list[str]:
    """Homes whose load or PV alone is more than connection and batteries can carry in some interval."""
    fleet, loads, dt = problem.batteries, problem.flexible, problem.dt_hours
    give = sum_at(fleet.home, fleet.discharge_power_kw[None] * dt, problem.homes)
    take = sum_at(fleet.home, fleet.charge_power_kw[None] * dt, problem.homes)
    take += sum_at(loads.home, loads.power_kw[None] * dt, problem.homes)
    net = problem.load_kwh - problem.pv_kwh
    most_import, most_export = problem.home_limits_kwh
    spill = problem.pv_kwh if problem.pv_curtailable else 0.0
    sentences = []
    for excess, what in (
        (net - give - most_import, "needs {0:.4g} kW more than its import limit and batteries give"),
        (-net - take - spill - most_export, "has {0:.4g} kW of PV more than its export limit and batteries take"),
    ):
        for home in np.flatnonzero((excess > TOLERANCE_KWH).any(axis=0)):
            time = int(np.argmax(excess[:, home]))
            clause = what.format(excess[time, home] / dt)
            sentences.append(f"home {first_home + home} {clause} in interval {time}")
    return sentences
