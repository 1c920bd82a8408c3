"""From what an optimiser decided to a plan that is exact: physics and balance are worked out anew, not believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.domain.arrays import FloatArray
from microgrid.planning.decision import Decision, net_by_meter
from microgrid.planning.overlap import without_overlap
from microgrid.planning.problem import Problem

SOLVER_TOLERANCE_KWH = 1e-9


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
    clean, _ = without_overlap(problem, _clipped(problem, decision))
    charge, discharge, soc = _follow(fleet, clean.charge_kwh, clean.discharge_kwh, problem.dt_hours)
    flex, curtailed = clean.flex_kwh, clean.curtailed_kwh
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


def _clipped(problem: Problem, decision: Decision) -> Decision:
    fleet, dt = problem.batteries, problem.dt_hours
    return Decision(
        np.clip(decision.charge_kwh, 0.0, fleet.charge_power_kw * dt),
        np.clip(decision.discharge_kwh, 0.0, fleet.discharge_power_kw * dt),
        np.clip(decision.flex_kwh, 0.0, problem.flexible.power_kw * dt),
        np.clip(decision.curtailed_kwh, 0.0, problem.pv_kwh),
    )


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
