"""Ageing of batteries: how much capacity is gone, and when it will be too little.

    fade = calendar_fade * sqrt(years / calendar_years) + cycle_fade * equivalent_cycles / rated_cycles

The growth with the root of time is that of the layer which forms on the anode (Broussely et al., Journal of Power
Sources 97-98 (2001) 13); wear in proportion to the energy that went through is how warranties count it. An equivalent
full cycle is a discharge of the whole capacity, measured at the cells.
The defaults are those of a lithium iron phosphate home battery with a warranty of 70 % after 10 years or 6,000 cycles:
they are assumptions, not a measurement of yours.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import PlanError

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True, slots=True)
class Ageing:
    """How a battery ages.

    Attributes:
        calendar_fade: Share of the capacity lost in `calendar_years` without use.
        calendar_years: Years.
        cycle_fade: Share of the capacity lost in `rated_cycles`.
        rated_cycles: Equivalent full cycles.
        end_of_life: Share of the capacity that is lost when the battery is worn out.

    Raises:
        PlanError: a value that is not above zero.
    """

    calendar_fade: float = 0.10
    calendar_years: float = 10.0
    cycle_fade: float = 0.20
    rated_cycles: float = 6_000.0
    end_of_life: float = 0.30

    def __post_init__(self) -> None:
        for name in ("calendar_fade", "calendar_years", "cycle_fade", "rated_cycles", "end_of_life"):
            if not 0 < getattr(self, name) < np.inf:
                raise PlanError(what=name, found=getattr(self, name), right="above zero")

    def fade(self, years: FloatArray | float, cycles: FloatArray | float) -> FloatArray:
        """Share of the capacity lost after some years and equivalent full cycles, shape as these.

        fade = calendar_fade * sqrt(years / calendar_years) + cycle_fade * cycles / rated_cycles
        """
        calendar = self.calendar_fade * np.sqrt(np.asarray(years) / self.calendar_years)
        return np.asarray(calendar + self.cycle_fade * np.asarray(cycles) / self.rated_cycles)

    def years_of_life(self, cycles_per_year: FloatArray | float) -> FloatArray:
        """Years from new to the end of life at a rate of use, equivalent full cycles a year, shape as the rate.

        With x = sqrt(years) the fade is k x + c x^2, k = calendar_fade / sqrt(calendar_years) and
        c = cycle_fade * cycles_per_year / rated_cycles; it meets the end of life at
        x = 2 end / (k + sqrt(k^2 + 4 c end)).
        """
        k = self.calendar_fade / np.sqrt(self.calendar_years)
        c = self.cycle_fade * np.asarray(cycles_per_year) / self.rated_cycles
        root = 2 * self.end_of_life / (k + np.sqrt(k**2 + 4 * c * self.end_of_life))
        return np.asarray(root**2)


@dataclass(frozen=True, eq=False, slots=True)
class LifeCounters:
    """What each battery has been through.

    Attributes:
        hours: Time in service.
        cycles: Equivalent full cycles, shape (B,).
    """

    hours: float
    cycles: FloatArray

    @classmethod
    def new(cls, count: int) -> "LifeCounters":
        """Batteries that were never used."""
        return cls(0.0, np.zeros(count))

    def after(self, fleet: BatteryFleet, discharge_kwh: FloatArray, dt_hours: float) -> "LifeCounters":
        """Counters after one interval, shape (B,), or after several, shape (T, B)."""
        flows = np.atleast_2d(discharge_kwh)
        used = flows.sum(axis=0) / fleet.eta_discharge
        cycles = np.divide(used, fleet.capacity_kwh, out=np.zeros(fleet.count), where=fleet.capacity_kwh > 0)
        return LifeCounters(self.hours + len(flows) * dt_hours, self.cycles + cycles)

    def health(self, ageing: Ageing) -> FloatArray:
        """Share of the capacity that is left, shape (B,)."""
        return 1.0 - ageing.fade(self.hours / HOURS_PER_YEAR, self.cycles)

    def years_left(self, ageing: Ageing) -> FloatArray:
        """Years until the end of life when use goes on as it has, shape (B,); never below zero.

        Raises:
            PlanError: nothing was counted yet.
        """
        if self.hours <= 0:
            raise PlanError(what="the time in service", found=self.hours, right="above zero for a prediction")
        years = self.hours / HOURS_PER_YEAR
        return np.maximum(ageing.years_of_life(self.cycles / years) - years, 0.0)
