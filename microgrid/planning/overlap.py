"""A battery does not charge and discharge at once.

Charging x while discharging x * eta_charge * eta_discharge leaves the state of charge as it was and wastes
w = x * (1 - eta_charge * eta_discharge). Without it the meter takes w less, or gives w more. Where no price is below
zero that cannot cost more, so the overlap is dropped; where a limit of the connection or an export price below zero
lets no more energy out, as much PV is left unused instead. What cannot be dropped so is where waste pays.
"""

from dataclasses import replace

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.domain.arrays import BoolArray, FloatArray
from microgrid.planning.decision import Decision, net_by_home
from microgrid.planning.problem import Problem

NOISE_KWH = 1e-6


def overlap_kwh(fleet: BatteryFleet, charge_kwh: FloatArray, discharge_kwh: FloatArray) -> FloatArray:
    """Charge that a discharge of the same interval undoes, kWh, shape as the charge."""
    return np.minimum(charge_kwh, discharge_kwh / (fleet.eta_charge * fleet.eta_discharge))


def without_overlap(problem: Problem, decision: Decision) -> tuple[Decision, BoolArray]:
    """The decision without waste that earns nothing, and where more than noise of it remains, shape (T, B)."""
    both = overlap_kwh(problem.batteries, decision.charge_kwh, decision.discharge_kwh)
    if not both.any():
        return decision, both > 0
    noise = both <= NOISE_KWH
    drop = _waste_is_free(problem) | noise
    clean = _dropped(problem, decision, np.where(drop, both, 0.0))
    limited = np.isfinite([*problem.home_limits_kwh[1], problem.community_limits_kwh[1]]).any()
    if limited or (problem.pv_curtailable and (problem.export_price < 0).any()):
        curtailed, held = _within_export_limits(problem, clean, decision)
        drop = drop & (~held[:, problem.batteries.home] | noise)
        clean = _dropped(problem, replace(decision, curtailed_kwh=curtailed), np.where(drop, both, 0.0))
    return clean, ~(drop | noise)


def _waste_is_free(problem: Problem) -> BoolArray:
    """Where less waste cannot cost more, shape (T, B)."""
    bought, sold = problem.prices
    free = (bought >= 0) & (problem.pv_curtailable | (sold >= 0))
    return free[:, problem.meter_of_home[problem.batteries.home]]


def _dropped(problem: Problem, decision: Decision, both: FloatArray) -> Decision:
    fleet = problem.batteries
    charge = decision.charge_kwh - both
    discharge = decision.discharge_kwh - both * fleet.eta_charge * fleet.eta_discharge
    return replace(decision, charge_kwh=np.maximum(charge, 0.0), discharge_kwh=np.maximum(discharge, 0.0))


def _within_export_limits(problem: Problem, clean: Decision, before: Decision) -> tuple[FloatArray, BoolArray]:
    """PV left unused so that no more leaves than may, and the homes where that does not help, both of shape (T, N).

    A home with a meter of its own leaves no more unused than it wasted before, so that its bill stays as it was.
    """
    net, wasted = net_by_home(problem, clean), net_by_home(problem, before)
    most, most_together = _most_export(problem, wasted)
    spare = problem.pv_kwh - clean.curtailed_kwh if problem.pv_curtailable else np.zeros_like(net)
    if problem.metering == "separate" or problem.has_home_limit:
        spare = np.minimum(spare, np.maximum(wasted - net, 0.0))
    own = np.minimum(np.maximum(-net - most, 0.0), spare)
    excess = np.maximum(_together(-net - own) - most_together, 0.0)
    available = _together(spare - own)
    share = np.minimum(np.divide(excess, available, out=np.zeros_like(excess), where=available > 0), 1.0)
    unused = own + (spare - own) * share
    sold = -net - unused
    held = (sold - most > NOISE_KWH) | (_together(sold) - most_together > NOISE_KWH)
    return clean.curtailed_kwh + np.where(held, 0.0, unused), held


def _most_export(problem: Problem, net: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Most that homes and all together may give, (T, N) and (T, 1): where it costs money, no more than with the waste.

    Args:
        problem: The problem.
        net: Energy that each home takes with the waste, shape (T, N).
    """
    homes, together = problem.home_limits_kwh[1], problem.community_limits_kwh[1]
    given, charged = np.maximum(-problem.by_meter(net), 0.0), problem.prices[1] < 0
    at_meter = np.where(charged, np.minimum(given, together if problem.metering == "shared" else homes), np.inf)
    if problem.metering == "shared":
        return np.broadcast_to(homes, net.shape), np.minimum(at_meter, together)
    return np.minimum(at_meter, homes), np.full((len(net), 1), together)


def _together(by_home: FloatArray) -> FloatArray:
    total: FloatArray = by_home.sum(axis=1, keepdims=True)
    return total
