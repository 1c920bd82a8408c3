"""Self-consumption first, one interval after the other, without looking at prices or ahead.

In each interval, at each meter:

1. loads that can wait take what they must take by now to keep their later bounds at full power;
2. PV that is left over goes to them, then into the batteries, shared out in proportion to what each can take;
3. what is missing comes from the batteries, in proportion to what each can give, then from the grid;
4. a battery whose final state of charge would otherwise be missed charges at full power towards the end.

The loop runs over intervals; all homes are one array. Limits of connections are no part of the rule.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import InfeasibleError
from microgrid.planning.decision import Decision, net_by_home
from microgrid.planning.optimisers._reasons import out_of_reach
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan, make_plan

REACTS = True
"""It looks at what is, never ahead, so forecasts are nothing to it."""

TOLERANCE_KWH = 1e-6


def solve(problem: Problem) -> Plan:
    """The plan of homes that use their own PV first.

    Raises:
        InfeasibleError: a limit that these rules do not keep; the message says which and in which interval.
    """
    if clauses := out_of_reach(problem):
        raise InfeasibleError(clauses)
    decision = _walk(problem)
    plan = make_plan(problem, decision, "greedy")
    _check_connections(problem, plan)
    return plan


@dataclass(slots=True)
class _State:
    """What has happened so far."""

    soc_kwh: FloatArray
    flexed_kwh: FloatArray


def _walk(problem: Problem) -> Decision:
    meters, meter_of_home = problem.meters, problem.meter_of_home
    battery_meter, load_meter = meter_of_home[problem.batteries.home], meter_of_home[problem.flexible.home]
    state = _State(problem.batteries.soc0_kwh, np.zeros(problem.flexible.count))
    floor, needed, allowed = _floors(problem), *_flexible_bounds(problem)
    charge, discharge = (np.zeros((problem.intervals, problem.batteries.count)) for _ in range(2))
    flex = np.zeros((problem.intervals, problem.flexible.count))
    surplus_of = -problem.net_kwh
    for time in range(problem.intervals):
        surplus = surplus_of[time].copy()
        if problem.flexible.count:
            flex[time] = _flexible_step(problem, state, surplus, load_meter, needed[time], allowed[time])
            surplus -= np.bincount(load_meter, flex[time], meters)
        if problem.batteries.count:
            charge[time], discharge[time] = _battery_step(problem, state, surplus, battery_meter, floor[time])
    return Decision(charge, discharge, flex, _curtailed(problem, charge, discharge, flex))


def _flexible_step(
    problem: Problem,
    state: _State,
    surplus: FloatArray,
    meter: IntArray,
    needed: FloatArray,
    allowed: FloatArray,
) -> FloatArray:
    must = np.maximum(needed - state.flexed_kwh, 0.0)
    most = np.minimum(problem.flexible.power_kw * problem.dt_hours, np.maximum(allowed - state.flexed_kwh, 0.0))
    must = np.minimum(must, most)
    left = surplus - np.bincount(meter, must, len(surplus))
    flex = must + _shared_out(np.maximum(left, 0.0), most - must, meter)
    state.flexed_kwh = state.flexed_kwh + flex
    return flex


def _battery_step(
    problem: Problem, state: _State, surplus: FloatArray, meter: IntArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    fleet, dt = problem.batteries, problem.dt_hours
    room = fleet.chargeable_kwh(state.soc_kwh, dt)
    above = np.maximum(state.soc_kwh - np.maximum(floor, fleet.soc_min_kwh), 0.0) * fleet.eta_discharge
    stock = np.minimum(fleet.dischargeable_kwh(state.soc_kwh, dt), above)
    forced = np.minimum(np.maximum(floor - state.soc_kwh, 0.0) / fleet.eta_charge, room)
    charge = np.maximum(_shared_out(np.maximum(surplus, 0.0), room, meter), forced)
    discharge = np.where(charge > 0, 0.0, _shared_out(np.maximum(-surplus, 0.0), stock, meter))
    state.soc_kwh = fleet.after(state.soc_kwh, charge, discharge)
    return charge, discharge


def _shared_out(amount: FloatArray, most: FloatArray, meter: IntArray) -> FloatArray:
    """An amount for each meter, given to what stands behind it in proportion to the most that each takes."""
    total = np.bincount(meter, most, len(amount))
    share = np.minimum(np.divide(amount, total, out=np.zeros_like(amount), where=total > 0), 1.0)
    return most * share[meter]


def _floors(problem: Problem) -> FloatArray:
    """State of charge below which the final one could not be reached any more, after each interval, shape (T, B)."""
    return problem.batteries.floor_kwh(np.arange(problem.intervals - 1, -1, -1)[:, None], problem.dt_hours)


def _flexible_bounds(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Energy needed so far and allowed so far, each so that all later bounds can be kept, shape (T, F)."""
    needed = problem.flexible.needed_kwh(problem.dt_hours)
    allowed = np.minimum.accumulate(problem.flexible.upper_kwh[::-1], axis=0)[::-1]
    return needed, allowed


def _curtailed(problem: Problem, charge: FloatArray, discharge: FloatArray, flex: FloatArray) -> FloatArray:
    """PV that would be sold below zero, where it may be left unused."""
    nothing = np.zeros_like(problem.pv_kwh)
    if not (problem.pv_curtailable and (problem.export_price < 0).any()):
        return nothing
    sold = np.maximum(-problem.by_meter(net_by_home(problem, Decision(charge, discharge, flex, nothing))), 0.0)
    available = problem.by_meter(problem.pv_kwh)
    share = np.divide(np.minimum(sold, available), available, out=np.zeros_like(sold), where=available > 0)
    return problem.pv_kwh * np.where(problem.export_price < 0, share, 0.0)[:, problem.meter_of_home]


def _check_connections(problem: Problem, plan: Plan) -> None:
    net = net_by_home(problem, plan)
    together = net.sum(axis=1, keepdims=True)
    for who, flow, (most_import, most_export) in (
        ("home {0}", net, problem.home_limits_kwh),
        ("the community", together, problem.community_limits_kwh),
    ):
        excess = np.maximum(flow - most_import, -flow - most_export)
        if (excess > TOLERANCE_KWH).any():
            time, place = (int(index) for index in np.argwhere(excess > TOLERANCE_KWH)[0])
            sentence = (
                f"{who.format(place)} exceeds its connection limit by {excess[time, place]:.4g} kWh "
                f"in interval {time}; "
                "greedy does not look at connection limits, linear_program does"
            )
            raise InfeasibleError([sentence])
