"""The optimum as a model that can be read: CVXPY with Clarabel, all homes in one problem.

The same problem as in `_program.py`, written as on paper. It costs a second to import CVXPY and some to build the
model; `linear_program` gives the same cost sooner.

Where an export limit leaves stored energy without value, plans that charge and discharge at once can cost as little as
others; then, of all plans of the least cost, the one that moves the least energy through batteries is taken.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import PlanError, SolverError
from microgrid.planning.decision import Decision
from microgrid.planning.optimisers._reasons import explain
from microgrid.planning.overlap import without_overlap
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan, make_plan

TIE = 1e-8
"""Currency by which plans may differ and still count as of the same cost."""


def solve(problem: Problem) -> Plan:
    """The cheapest plan.

    Raises:
        InfeasibleError: no plan keeps all limits; the message says which.
        PlanError: prices below zero make it pay to charge and discharge at once; a convex model cannot forbid that.
        SolverError: Clarabel gave up.
    """
    import cvxpy  # noqa: PLC0415 - takes a second, and only this optimiser needs it

    # CVXPY adds up uninitialised memory to learn the shape of a sum, and numpy warns of what it finds there.
    with np.errstate(invalid="ignore", over="ignore"):
        return make_plan(problem, _cheapest(problem, cvxpy), "convex")


def _cheapest(problem: Problem, cp: Any) -> Decision:
    model = _variables(problem, cp)
    buying, selling = problem.prices
    energy = cp.multiply(buying, model.bought) - cp.multiply(selling, model.sold)
    wear = problem.cycle_cost_per_kwh * (cp.sum(model.charge) + cp.sum(model.discharge))
    rules = [*_balance(problem, model), *_stocks(problem, model, cp), *_connections(problem, model)]
    if not problem.grid_resale and problem.batteries.count:
        rules += _no_resale(problem, model, cp)
    cost = cp.sum(energy) + wear
    least = _minimum(problem, cost, rules, cp)
    decision, wasteful = without_overlap(problem, _decision(problem, model))
    if wasteful.any():
        _minimum(problem, cp.sum(model.charge) + cp.sum(model.discharge), [*rules, cost <= least + TIE], cp)
        decision, wasteful = without_overlap(problem, _decision(problem, model))
    if wasteful.any():
        raise PlanError(
            what="the optimiser", found="convex, where prices or limits reward waste", right="linear_program there"
        )
    return decision


def _minimum(problem: Problem, what: Any, rules: list[Any], cp: Any) -> float:
    """Solve for the least of an expression; the variables then hold the solution."""
    task = cp.Problem(cp.Minimize(what), rules)
    task.solve(solver=cp.CLARABEL, canon_backend=cp.SCIPY_CANON_BACKEND, ignore_dpp=True)
    if task.status in {cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE}:
        raise explain(problem)
    if task.status != cp.OPTIMAL:
        raise SolverError(solver="Clarabel", status=task.status)
    return float(task.value)


@dataclass(frozen=True, slots=True)
class _Model:
    """Expressions of energy, kWh: bought, sold (T, M), unused PV (T, N), charge, discharge, soc (T, B), flex (T, F).

    CVXPY knows no variable without columns; where there is none of a kind, a constant zero of one column stands in.
    """

    bought: Any
    sold: Any
    unused: Any
    charge: Any
    discharge: Any
    soc: Any
    flex: Any


def _variables(problem: Problem, cp: Any) -> _Model:
    def block(width: int) -> Any:
        shape = (problem.intervals, width)
        return cp.Variable(shape, nonneg=True) if width else cp.Constant(np.zeros((problem.intervals, 1)))

    batteries = problem.batteries.count
    return _Model(
        bought=block(problem.meters),
        sold=block(problem.meters),
        unused=block(problem.homes if problem.pv_curtailable else 0),
        charge=block(batteries),
        discharge=block(batteries),
        soc=block(batteries),
        flex=block(problem.flexible.count),
    )


def _net_of_homes(problem: Problem, model: _Model) -> Any:
    """Energy that each home takes, kWh, expression of shape (T, N)."""
    battery_at, load_at = (_places(where.home, problem.homes) for where in (problem.batteries, problem.flexible))
    net = problem.load_kwh - problem.pv_kwh + (model.charge - model.discharge) @ battery_at + model.flex @ load_at
    return net + model.unused if problem.pv_curtailable else net


def _balance(problem: Problem, model: _Model) -> list[Any]:
    net = _net_of_homes(problem, model)
    if problem.metering == "shared":
        net = net @ np.ones((problem.homes, 1))
    rules = [model.bought - model.sold == net]
    return [*rules, model.unused <= problem.pv_kwh] if problem.pv_curtailable else rules


def _stocks(problem: Problem, model: _Model, cp: Any) -> list[Any]:
    fleet, loads, dt = problem.batteries, problem.flexible, problem.dt_hours
    rules = []
    if fleet.count:
        gained = cp.multiply(_rows(problem, fleet.eta_charge), model.charge)
        spent = cp.multiply(_rows(problem, 1 / fleet.eta_discharge), model.discharge)
        before = cp.vstack([fleet.soc0_kwh[None], model.soc[:-1]]) if problem.intervals > 1 else fleet.soc0_kwh[None]
        rules += [
            model.soc == before + gained - spent,
            model.charge <= _rows(problem, fleet.charge_power_kw * dt),
            model.discharge <= _rows(problem, fleet.discharge_power_kw * dt),
            model.soc >= _rows(problem, fleet.soc_min_kwh),
            model.soc <= _rows(problem, fleet.soc_max_kwh),
            model.soc[-1] >= fleet.min_final_soc_kwh,
        ]
    if loads.count:
        flowed = cp.cumsum(model.flex, axis=0)
        rules += [
            flowed >= loads.lower_kwh,
            flowed <= loads.upper_kwh,
            model.flex <= _rows(problem, loads.power_kw * dt),
        ]
    return rules


def _connections(problem: Problem, model: _Model) -> list[Any]:
    rules = []
    most_import, most_export = problem.home_limits_kwh
    if problem.has_home_limit:
        net = _net_of_homes(problem, model)
        taking, giving = np.flatnonzero(np.isfinite(most_import)), np.flatnonzero(np.isfinite(most_export))
        rules += [net[:, taking] <= _rows(problem, most_import[taking])] if taking.size else []
        rules += [-net[:, giving] <= _rows(problem, most_export[giving])] if giving.size else []
    together = (model.bought - model.sold) @ np.ones((problem.meters, 1))
    for flow, limit in zip((together, -together), problem.community_limits_kwh, strict=True):
        rules += [flow <= limit] if np.isfinite(limit) else []
    return rules


def _no_resale(problem: Problem, model: _Model, cp: Any) -> list[Any]:
    """The rule of `_resale.py`: only solar energy is sold."""
    fleet, shape = problem.batteries, (problem.intervals, problem.batteries.count)
    solar_charge, sold, solar = (cp.Variable(shape, nonneg=True) for _ in range(3))
    start = problem.solar_at_start_kwh[None]
    before = cp.vstack([start, solar[:-1]]) if problem.intervals > 1 else start
    gained = cp.multiply(_rows(problem, fleet.eta_charge), solar_charge)
    spent = cp.multiply(_rows(problem, 1 / fleet.eta_discharge), sold)
    at_meter = _places(problem.meter_of_home[fleet.home], problem.meters)
    surplus = np.maximum(-problem.net_kwh, 0.0)
    unused = model.unused @ _places(problem.meter_of_home, problem.meters) if problem.pv_curtailable else 0.0
    counted = cp.multiply(surplus > 0, unused)
    return [
        solar <= before + gained - spent,
        solar <= model.soc,
        solar_charge <= model.charge,
        sold <= model.discharge,
        model.sold + counted + (solar_charge - sold) @ at_meter <= surplus,
    ]


def _decision(problem: Problem, model: _Model) -> Decision:
    charge, discharge = (part.value[:, : problem.batteries.count] for part in (model.charge, model.discharge))
    unused = model.unused.value if problem.pv_curtailable else np.zeros_like(problem.pv_kwh)
    return Decision(charge, discharge, model.flex.value[:, : problem.flexible.count], unused)


def _places(places: IntArray, count: int) -> Any:
    """Matrix that sums columns by place, shape (K, count); one empty row where K is zero."""
    from scipy import sparse  # noqa: PLC0415 - CVXPY has imported it

    ones = (np.ones(len(places)), (np.arange(len(places)), places))
    return sparse.csr_matrix(ones, shape=(max(1, len(places)), count))


def _rows(problem: Problem, values: FloatArray) -> FloatArray:
    """One value for each column, the same in all intervals."""
    return np.broadcast_to(values, (problem.intervals, len(values)))
