"""From what an optimiser decided to a plan that is exact: physics and balance are worked out anew, not believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.planning.problem import Problem

SOLVER_TOLERANCE_KWH = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Decision:
    """What an optimiser may decide; all kWh per interval.

    Attributes:
        charge_kwh: Energy into each battery, AC side, shape (T, B).
        discharge_kwh: Energy out of each battery, AC side, shape (T, B).
        flex_kwh: Energy of each load that can wait, shape (T, F).
        curtailed_kwh: PV left unused, shape (T, N).
    """

    charge_kwh: FloatArray
    discharge_kwh: FloatArray
    flex_kwh: FloatArray
    curtailed_kwh: FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """A schedule and what it costs.

    Attributes:
        optimiser: Who made it.
        cost: Energy bought less energy sold plus wear, currency.
        wear_cost: The share of the cost that is wear of the batteries.
        charge_kwh: Energy into each battery, AC side, shape (T, B).
        discharge_kwh: Energy out of each battery, AC side, shape (T, B).
        soc_kwh: State of charge at every boundary of intervals, shape (T + 1, B).
        flex_kwh: Energy of each load that can wait, shape (T, F).
        curtailed_kwh: PV left unused, shape (T, N).
        import_kwh: Energy from the grid at each meter, shape (T, M).
        export_kwh: Energy to the grid at each meter, shape (T, M).
    """

    optimiser: str
    cost: float
    wear_cost: float
    charge_kwh: FloatArray
    discharge_kwh: FloatArray
    soc_kwh: FloatArray
    flex_kwh: FloatArray
    curtailed_kwh: FloatArray
    import_kwh: FloatArray
    export_kwh: FloatArray

    @property
    def power_kwh(self) -> FloatArray:
        """Charge minus discharge of each battery, shape (T, B)."""
        return self.charge_kwh - self.discharge_kwh


def make_plan(problem: Problem, decision: Decision, optimiser: str) -> Plan:
    """The plan that follows from a decision.

    Noise of a solver is removed: values are clipped to their limits, a battery that charges and discharges at once
    does the difference, the state of charge is summed up anew, and each meter imports or exports, never both.
    """
    fleet = problem.batteries
    charge, discharge = without_overlap(problem, *_clipped_power(problem, decision))
    charge, discharge, soc = _follow(fleet, charge, discharge, problem.dt_hours)
    flex = np.clip(decision.flex_kwh, 0.0, problem.flexible.power_kw * problem.dt_hours)
    curtailed = np.clip(decision.curtailed_kwh, 0.0, problem.pv_kwh)
    net = net_by_meter(problem, Decision(charge, discharge, flex, curtailed))
    bought, sold = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    wear = problem.cycle_cost_per_kwh * float(charge.sum() + discharge.sum())
    cost = float((problem.import_price * bought - problem.export_price * sold).sum()) + wear
    return Plan(optimiser, cost, wear, charge, discharge, soc, flex, curtailed, bought, sold)


def join(plans: Sequence[Plan], optimiser: str) -> Plan:
    """Plans of consecutive times as one; each begins with the state of charge that the one before ends with."""
    names = ("charge_kwh", "discharge_kwh", "flex_kwh", "curtailed_kwh", "import_kwh", "export_kwh")
    parts = {name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names}
    soc = np.concatenate([plans[0].soc_kwh[:1], *(plan.soc_kwh[1:] for plan in plans)])
    cost, wear = (sum(getattr(plan, name) for plan in plans) for name in ("cost", "wear_cost"))
    return Plan(optimiser=optimiser, cost=cost, wear_cost=wear, soc_kwh=soc, **parts)


def net_by_home(problem: Problem, decision: Decision | Plan) -> FloatArray:
    """Energy that each home takes (above zero) or gives, kWh, shape (T, N).

    net = load - pv + curtailed + charge - discharge + flexible
    """
    net = problem.load_kwh - problem.pv_kwh + decision.curtailed_kwh
    net += sum_at(problem.batteries.home, decision.charge_kwh - decision.discharge_kwh, problem.homes)
    net += sum_at(problem.flexible.home, decision.flex_kwh, problem.homes)
    return net


def net_by_meter(problem: Problem, decision: Decision | Plan) -> FloatArray:
    """The same at each meter, shape (T, M)."""
    return problem.by_meter(net_by_home(problem, decision))


def sum_at(places: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Columns of an array (T, K) summed by the place of each, shape (T, count)."""
    total = np.zeros((len(values), count))
    if len(np.unique(places)) == len(places):
        total[:, places] = values
    else:
        np.add.at(total.T, places, values.T)
    return total


def overlap_kwh(fleet: BatteryFleet, charge_kwh: FloatArray, discharge_kwh: FloatArray) -> FloatArray:
    """Charge that a discharge of the same interval undoes, kWh, shape as the charge.

    Charging x and discharging x * eta_charge * eta_discharge leaves the state of charge as it was.
    """
    return np.minimum(charge_kwh, discharge_kwh / (fleet.eta_charge * fleet.eta_discharge))


def may_drop_overlap(problem: Problem) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where losing less energy cannot cost more, shape (T, B): no negative price and no limit on export."""
    bought, sold = problem.prices
    free = (bought >= 0) & (problem.pv_curtailable | (sold >= 0))
    if problem.has_home_limit or problem.has_community_limit:
        free = free & (not np.isfinite([*problem.home_limits_kwh[1], problem.community_limits_kwh[1]]).any())
    return free[:, problem.meter_of_home[problem.batteries.home]]


def without_overlap(
    problem: Problem, charge_kwh: FloatArray, discharge_kwh: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Charge and discharge of which at most one is above zero, except where the waste itself is worth money."""
    fleet = problem.batteries
    both = overlap_kwh(fleet, charge_kwh, discharge_kwh)
    both = np.where(may_drop_overlap(problem) | (both < 1e3 * SOLVER_TOLERANCE_KWH), both, 0.0)
    charge = charge_kwh - both
    discharge = discharge_kwh - both * fleet.eta_charge * fleet.eta_discharge
    return np.maximum(charge, 0.0), np.maximum(discharge, 0.0)


def _clipped_power(problem: Problem, decision: Decision) -> tuple[FloatArray, FloatArray]:
    fleet, dt = problem.batteries, problem.dt_hours
    charge = np.clip(decision.charge_kwh, 0.0, fleet.charge_power_kw * dt)
    return charge, np.clip(decision.discharge_kwh, 0.0, fleet.discharge_power_kw * dt)


def _follow(
    fleet: BatteryFleet, charge: FloatArray, discharge: FloatArray, dt_hours: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Charge, discharge and state of charge within the limits."""
    moved = fleet.eta_charge * charge - discharge / fleet.eta_discharge
    soc = np.concatenate([fleet.soc0_kwh[None], fleet.soc0_kwh + np.cumsum(moved, axis=0)])
    limited = np.clip(soc, fleet.soc_min_kwh, fleet.soc_max_kwh)
    if np.abs(soc - limited).max(initial=0.0) <= SOLVER_TOLERANCE_KWH:
        return charge, discharge, limited
    charge, discharge, soc = charge.copy(), discharge.copy(), limited
    for time in range(len(charge)):
        np.minimum(charge[time], fleet.chargeable_kwh(soc[time], dt_hours), out=charge[time])
        np.minimum(discharge[time], fleet.dischargeable_kwh(soc[time], dt_hours), out=discharge[time])
        soc[time + 1] = fleet.after(soc[time], charge[time], discharge[time])
    return charge, discharge, soc
