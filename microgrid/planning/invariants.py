"""What holds for every plan, whoever made it."""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.planning.decision import net_by_home, net_by_meter
from microgrid.planning.overlap import overlap_kwh
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan

EXACT_KWH = 1e-9
SOLVER_KWH = 1e-5


def broken(problem: Problem, plan: Plan) -> list[str]:
    """Names of the rules that a plan breaks; empty for a right one.

    Exact within 1e-9 kWh: balance, state of charge and its limits, power. Within a solver's tolerance: the final state
    of charge, bounds of loads that can wait, limits of connections, charging and discharging at once.
    """
    if plan.import_kwh.shape[1] == 1 and problem.metering == "separate":
        problem = problem.on_one_meter()
    errors = {**_exact(problem, plan), **_within_solver(problem, plan)}
    limits = dict.fromkeys(errors, EXACT_KWH) | dict.fromkeys(_within_solver(problem, plan), SOLVER_KWH)
    return [name for name, error in errors.items() if not error <= limits[name]]


def _exact(problem: Problem, plan: Plan) -> dict[str, float]:
    fleet, dt = problem.batteries, problem.dt_hours
    moved = fleet.eta_charge * plan.charge_kwh - plan.discharge_kwh / fleet.eta_discharge
    return {
        "the balance of each meter": _most(np.abs(plan.import_kwh - plan.export_kwh - net_by_meter(problem, plan))),
        "import or export, never both": _most(np.minimum(plan.import_kwh, plan.export_kwh)),
        "the state of charge follows from the flows": _most(np.abs(np.diff(plan.soc_kwh, axis=0) - moved)),
        "the state of charge at the start": _most(np.abs(plan.soc_kwh[0] - fleet.soc0_kwh)),
        "the lowest state of charge": _most(fleet.soc_min_kwh - plan.soc_kwh),
        "the highest state of charge": _most(plan.soc_kwh - fleet.soc_max_kwh),
        "power of charging": _most(plan.charge_kwh - fleet.charge_power_kw * dt),
        "power of discharging": _most(plan.discharge_kwh - fleet.discharge_power_kw * dt),
        "no negative energy": _most(-np.minimum(plan.charge_kwh, plan.discharge_kwh)),
        "PV left unused is there": _most(np.maximum(plan.curtailed_kwh - problem.pv_kwh, -plan.curtailed_kwh)),
        "the cost is that of the flows": abs(_cost(problem, plan) - plan.cost),
    }


def _within_solver(problem: Problem, plan: Plan) -> dict[str, float]:
    fleet, loads, net = problem.batteries, problem.flexible, net_by_home(problem, plan)
    flowed = np.cumsum(plan.flex_kwh, axis=0)
    bounds = np.maximum(loads.lower_kwh - flowed, flowed - loads.upper_kwh) if loads.count else np.zeros(0)
    most_import, most_export = problem.home_limits_kwh
    together = net.sum(axis=1)
    community = problem.community_limits_kwh
    unused = np.zeros(1) if problem.pv_curtailable else plan.curtailed_kwh
    return {
        "the final state of charge": _most(fleet.min_final_soc_kwh - plan.soc_kwh[-1]),
        "bounds of loads that can wait": _most(bounds),
        "power of loads that can wait": _most(plan.flex_kwh - loads.power_kw * problem.dt_hours),
        "connections of homes": _most(np.maximum(net - most_import, -net - most_export)),
        "connection of the community": _most(np.maximum(together - community[0], -together - community[1])),
        "charge or discharge, never both": _most(overlap_kwh(fleet, plan.charge_kwh, plan.discharge_kwh)),
        "PV is left unused only where it may be": _most(unused),
    }


def _cost(problem: Problem, plan: Plan) -> float:
    energy = (problem.import_price * plan.import_kwh - problem.export_price * plan.export_kwh).sum()
    return float(energy + problem.cycle_cost_per_kwh * (plan.charge_kwh.sum() + plan.discharge_kwh.sum()))


def _most(error: FloatArray) -> float:
    return float(np.max(error, initial=0.0))
