"""Batteries as columns of arrays, and the physics of one step.

    soc[t+1] = soc[t] + eta_charge * charge - discharge / eta_discharge

`charge` and `discharge` are energies at the AC terminals, kWh per interval and never negative; `soc` is the energy
inside, kWh. Every function takes the state of charge and returns a new one; nothing here remembers.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from microgrid.domain.arrays import FloatArray, IntArray, frozen_floats, frozen_indices
from microgrid.domain.errors import PlanError
from microgrid.domain.units import WH_PER_KWH

ROUND_TRIP = 0.95
LOWEST_SHARE, HIGHEST_SHARE = 0.10, 0.95
NEARLY_ONE_WH = 1e-6
"""A float of 289.9999999 Wh is 290 Wh; rounding toward zero must not lose a whole watt-hour to the last bit."""

Flows = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, eq=False, slots=True)
class BatteryFleet:
    """B batteries, each behind the meter of a home.

    Attributes:
        home: Index of the home, shape (B,); several batteries may share one.
        capacity_kwh: Energy that the cells hold.
        charge_power_kw: Largest charging power at the AC side.
        discharge_power_kw: Largest discharging power at the AC side.
        eta_charge: Share of the charged energy that arrives in the cells, above 0 and up to 1.
        eta_discharge: Share of the energy taken from the cells that arrives outside, above 0 and up to 1.
        soc_min_kwh: Lowest state of charge allowed.
        soc_max_kwh: Highest state of charge allowed.
        soc0_kwh: State of charge at the start.
        min_final_soc_kwh: State of charge that must at least be left at the end.

    Raises:
        PlanError: arrays of different lengths, or a value outside its range, naming the battery.
    """

    home: IntArray
    capacity_kwh: FloatArray
    charge_power_kw: FloatArray
    discharge_power_kw: FloatArray
    eta_charge: FloatArray
    eta_discharge: FloatArray
    soc_min_kwh: FloatArray
    soc_max_kwh: FloatArray
    soc0_kwh: FloatArray
    min_final_soc_kwh: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", frozen_indices(self.home))
        for name in _FLOATS:
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        _check(self)

    @classmethod
    def none(cls) -> "BatteryFleet":
        """No battery at all."""
        return cls(np.zeros(0, np.int64), *[np.zeros(0)] * len(_FLOATS))

    @classmethod
    def of_homes(
        cls,
        home: npt.ArrayLike,
        capacity_kwh: npt.ArrayLike,
        power_kw: npt.ArrayLike,
        *,
        round_trip: npt.ArrayLike = ROUND_TRIP,
        lowest: float = LOWEST_SHARE,
        highest: float = HIGHEST_SHARE,
        start: npt.ArrayLike = LOWEST_SHARE,
        final: npt.ArrayLike = 0.0,
    ) -> "BatteryFleet":
        """Batteries from what a data sheet says.

        Args:
            home: Index of the home of each battery, shape (B,).
            capacity_kwh: Energy of the cells, scalar or (B,).
            power_kw: Power in both directions, scalar or (B,).
            round_trip: Round-trip efficiency; its root is lost each way.
            lowest: Lowest state of charge, share of the capacity.
            highest: Highest state of charge, share of the capacity.
            start: State of charge at the start, share of the capacity.
            final: State of charge that must be left at the end, share of the capacity.
        """
        homes = np.atleast_1d(np.asarray(home, dtype=np.int64))
        columns = (capacity_kwh, power_kw, np.sqrt(round_trip), start, final)
        capacity, power, one_way, first, last = (np.broadcast_to(frozen_floats(c), homes.shape) for c in columns)
        low, high = lowest * capacity, highest * capacity
        end = np.maximum(low, last * capacity)
        return cls(homes, capacity, power, power, one_way, one_way, low, high, first * capacity, end)

    @property
    def count(self) -> int:
        """How many batteries, B."""
        return len(self.home)

    def select(self, batteries: npt.NDArray[np.int64] | npt.NDArray[np.bool_], home: IntArray) -> "BatteryFleet":
        """Some of the batteries, by index or mask, at homes with new indices, shape (chosen,)."""
        return BatteryFleet(home, *(getattr(self, name)[batteries] for name in _FLOATS))

    def starting_at(self, soc0_kwh: FloatArray, min_final_soc_kwh: FloatArray | None = None) -> "BatteryFleet":
        """The same batteries with other states of charge at the start and least ones at the end, kWh, shape (B,)."""
        final = self.soc_min_kwh if min_final_soc_kwh is None else min_final_soc_kwh
        return replace(self, soc0_kwh=soc0_kwh, min_final_soc_kwh=final)

    def floor_kwh(self, intervals_left: npt.ArrayLike, dt_hours: float) -> FloatArray:
        """State of charge below which the final one is out of reach with some intervals left, kWh, shape (..., B)."""
        return self.min_final_soc_kwh - np.asarray(intervals_left) * self.charge_power_kw * dt_hours * self.eta_charge

    def chargeable_kwh(self, soc_kwh: FloatArray, dt_hours: float) -> FloatArray:
        """Most energy that each can take from outside in one interval, kWh, shape (B,)."""
        room = np.maximum(self.soc_max_kwh - soc_kwh, 0.0) / self.eta_charge
        return np.minimum(self.charge_power_kw * dt_hours, room)

    def dischargeable_kwh(self, soc_kwh: FloatArray, dt_hours: float) -> FloatArray:
        """Most energy that each can give in one interval, kWh, shape (B,)."""
        stock = np.maximum(soc_kwh - self.soc_min_kwh, 0.0) * self.eta_discharge
        return np.minimum(self.discharge_power_kw * dt_hours, stock)

    def after(self, soc_kwh: FloatArray, charge_kwh: FloatArray, discharge_kwh: FloatArray) -> FloatArray:
        """State of charge after a step, kWh, shape (B,); rounding of the last bits never leaves the limits."""
        moved = soc_kwh + self.eta_charge * charge_kwh - discharge_kwh / self.eta_discharge
        return np.clip(moved, self.soc_min_kwh, self.soc_max_kwh)


def self_consumption_step(fleet: BatteryFleet, soc_kwh: FloatArray, surplus_kwh: FloatArray, dt_hours: float) -> Flows:
    """Store what is left over, give what is missing.

    Args:
        fleet: The batteries.
        soc_kwh: State of charge before, kWh, shape (B,).
        surplus_kwh: PV minus load at each battery's meter, kWh, shape (B,); below zero where energy is missing.
        dt_hours: Length of the interval.

    Returns:
        Charge and discharge at the AC side, kWh, and the state of charge after, kWh, each of shape (B,).
    """
    charge = np.minimum(np.maximum(surplus_kwh, 0.0), fleet.chargeable_kwh(soc_kwh, dt_hours))
    discharge = np.minimum(np.maximum(-surplus_kwh, 0.0), fleet.dischargeable_kwh(soc_kwh, dt_hours))
    return charge, discharge, fleet.after(soc_kwh, charge, discharge)


def self_consumption_step_wh(
    fleet: BatteryFleet, soc_kwh: FloatArray, surplus_wh: IntArray, dt_hours: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """The same step in whole Wh at the AC side, rounded toward zero so that every limit holds.

    Returns:
        Charge and discharge in Wh, and the state of charge after in kWh, each of shape (B,).
    """
    charge = np.minimum(np.maximum(surplus_wh, 0), whole_wh(fleet.chargeable_kwh(soc_kwh, dt_hours)))
    discharge = np.minimum(np.maximum(-surplus_wh, 0), whole_wh(fleet.dischargeable_kwh(soc_kwh, dt_hours)))
    return charge, discharge, fleet.after(soc_kwh, charge / WH_PER_KWH, discharge / WH_PER_KWH)


def follow_step_wh(
    fleet: BatteryFleet, soc_kwh: FloatArray, charge_kwh: FloatArray, discharge_kwh: FloatArray, dt_hours: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Carry out a planned charge and discharge as far as the limits let it be.

    Args:
        fleet: The batteries.
        soc_kwh: State of charge before, kWh, shape (B,).
        charge_kwh: Planned energy into each battery, AC side, kWh, shape (B,).
        discharge_kwh: Planned energy out of each, likewise.
        dt_hours: Length of the interval.

    Returns:
        Charge and discharge, whole Wh at the AC side, and the state of charge after it, kWh, each shape (B,).
    """
    charge = np.minimum(whole_wh(charge_kwh), whole_wh(fleet.chargeable_kwh(soc_kwh, dt_hours)))
    discharge = np.minimum(whole_wh(discharge_kwh), whole_wh(fleet.dischargeable_kwh(soc_kwh, dt_hours)))
    return charge, discharge, fleet.after(soc_kwh, charge / WH_PER_KWH, discharge / WH_PER_KWH)


def whole_wh(energy_kwh: FloatArray) -> IntArray:
    """Energies in kWh, not negative, as whole Wh of the same shape, rounded toward zero."""
    return np.floor(energy_kwh * WH_PER_KWH + NEARLY_ONE_WH).astype(np.int64)


_FLOATS = (
    "capacity_kwh",
    "charge_power_kw",
    "discharge_power_kw",
    "eta_charge",
    "eta_discharge",
    "soc_min_kwh",
    "soc_max_kwh",
    "soc0_kwh",
    "min_final_soc_kwh",
)


def _check(fleet: BatteryFleet) -> None:
    for name in ("home", *_FLOATS):
        if getattr(fleet, name).shape != (fleet.count,):
            raise PlanError(
                what=f"{name} of the batteries",
                found=getattr(fleet, name).shape,
                right=f"an array of {fleet.count} numbers",
            )
    low, high = fleet.soc_min_kwh, fleet.soc_max_kwh
    _check_range(fleet, "home", 0, np.inf)
    for name in ("capacity_kwh", "charge_power_kw", "discharge_power_kw"):
        _check_range(fleet, name, 0.0, np.inf)
    for name in ("eta_charge", "eta_discharge"):
        _check_range(fleet, name, np.finfo(np.float64).tiny, 1.0)
    _check_range(fleet, "soc_max_kwh", 0.0, fleet.capacity_kwh)
    _check_range(fleet, "soc_min_kwh", 0.0, high)
    for name in ("soc0_kwh", "min_final_soc_kwh"):
        _check_range(fleet, name, low, high)


def _check_range(fleet: BatteryFleet, name: str, low: npt.ArrayLike, high: npt.ArrayLike) -> None:
    """NaN compares false with everything, so it is valid nowhere."""
    values = getattr(fleet, name)
    slack = 1e-9 * np.maximum(1.0, fleet.capacity_kwh) if "soc" in name else 0.0
    wrong = np.flatnonzero(
        ~((values >= low - np.asarray(slack)) & (values <= high + np.asarray(slack)) & np.isfinite(values))
    )
    if wrong.size:
        battery = int(wrong[0])
        lowest, highest = (float(np.broadcast_to(limit, values.shape)[battery]) for limit in (low, high))
        right = f"between {lowest:g} and {highest:g}" if np.isfinite(highest) else f"{lowest:g} or more"
        what = f"{name} of battery {battery} at home {fleet.home[battery]}"
        raise PlanError(
            what=what, found=f"{values[battery]:g}", right=right if "eta" not in name else "above 0 and up to 1"
        )
