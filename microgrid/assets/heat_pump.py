"""Air-source heat pumps with a thermal store, as flexible demand.

Heat: Q = loss * max(base - T_air, 0) * hours, the degree hours below the temperature at which a house needs no heating
(15.5 °C, the base of British degree days). Electricity: Q / COP with
COP = 6.81 - 0.121 dT + 0.000630 dT² and dT = T_flow - T_air, a fit to measured air-source units for 15 <= dT <= 60 K
(Staffell, Brett, Brandon and Hawkes, Energy and Environmental Science 5 (2012) 9291); dT is held within it.

The store holds the heat of some hours. The pump may run ahead of the demand by as much and never behind it:
lower(t) = what the demand has taken by t, upper(t) = what it will have taken `buffer_hours` later. Energy that is drawn
ahead counts with the COP of the hour it is made for.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from microgrid.assets.flexible_demand import FlexibleDemand
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import Interval

SMALLEST_LIFT_K, LARGEST_LIFT_K = 15.0, 60.0


@dataclass(frozen=True, slots=True)
class Heating:
    """How houses are heated.

    Attributes:
        base_c: Outdoor temperature above which no heat is needed.
        flow_c: Temperature of the water in the heating circuit.
        design_c: Outdoor temperature for which the pump is sized; below it the house cools.
        buffer_hours: How many hours of heat the store holds.
    """

    base_c: float = 15.5
    flow_c: float = 45.0
    design_c: float = -7.0
    buffer_hours: float = 3.0


RADIATORS: Final = Heating()


def coefficient_of_performance(air_c: FloatArray | float, flow_c: float) -> FloatArray:
    """Heat per electricity of an air-source heat pump, shape of `air_c`."""
    lift = np.clip(flow_c - np.asarray(air_c, dtype=np.float64), SMALLEST_LIFT_K, LARGEST_LIFT_K)
    performance: FloatArray = 6.81 - 0.121 * lift + 0.000630 * lift**2
    return performance


def heat_demand_kwh(
    heat_loss_kw_per_k: FloatArray, air_c: FloatArray, first: Interval, heating: Heating = RADIATORS
) -> FloatArray:
    """Heat that houses need, kWh, shape (T, N), from losses (N,) and the temperature of the air (T,)."""
    degrees = np.maximum(heating.base_c - air_c, 0.0)
    return np.outer(degrees * first.hours, heat_loss_kw_per_k)


def heat_pump_demand(
    heat_loss_kw_per_k: FloatArray, air_c: FloatArray, first: Interval, heating: Heating = RADIATORS
) -> FlexibleDemand:
    """The heat pumps of N homes over T intervals.

    Args:
        heat_loss_kw_per_k: Heat each house loses per degree, 0 where there is no heat pump, shape (N,).
        air_c: Temperature of the air, shape (T,).
        first: First interval.
        heating: Temperatures and store.
    """
    home = np.flatnonzero(heat_loss_kw_per_k)
    loss = heat_loss_kw_per_k[home]
    design_cop = coefficient_of_performance(heating.design_c, heating.flow_c)
    power_kw = loss * (heating.base_c - heating.design_c) / design_cop
    heat_kwh = heat_demand_kwh(loss, air_c, first, heating)
    needed_kwh = heat_kwh / coefficient_of_performance(air_c, heating.flow_c)[:, None]
    uncontrolled = np.minimum(needed_kwh, power_kw * first.hours)
    lower = np.cumsum(uncontrolled, axis=0)
    return FlexibleDemand(home, power_kw, lower, _ahead(lower, heating.buffer_hours / first.hours), uncontrolled)


def _ahead(total: FloatArray, intervals: float) -> FloatArray:
    """The cumulative sum `intervals` later, linear in between and level after its end, shape (T, F)."""
    whole, part = divmod(intervals, 1.0)
    last = len(total) - 1
    before = np.minimum(np.arange(len(total)) + int(whole), last)
    after = np.minimum(before + 1, last)
    later: FloatArray = (1.0 - part) * total[before] + part * total[after]
    return np.maximum(later, total)
