"""Loads that can wait: energy that a home needs within a window of time, as bounds on what has flowed so far.

    lower_kwh[t] <= sum of flex[0..t] <= upper_kwh[t],   0 <= flex[t] <= power_kw * dt

A car that arrives in interval a, leaves before interval d and needs E: upper jumps from 0 to E at a, lower from 0 to E
at d - 1. A heat pump with a buffer: lower is the heat used so far less what the buffer may lack, upper is the heat
used so far plus what the buffer may hold, both divided by the coefficient of performance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid.domain.arrays import FloatArray, IntArray, frozen_floats, frozen_indices
from microgrid.domain.errors import PlanError


@dataclass(frozen=True, eq=False, slots=True)
class FlexibleLoads:
    """F loads over T intervals.

    Attributes:
        home: Index of the home of each load, shape (F,).
        lower_kwh: Energy that must have flowed by the end of each interval, shape (T, F).
        upper_kwh: Energy that may have flowed by the end of each interval, shape (T, F).
        power_kw: Largest power of each load, shape (F,).

    Raises:
        PlanError: shapes that do not fit, a value that is no number, or a lower bound above the upper one.
    """

    home: IntArray
    lower_kwh: FloatArray
    upper_kwh: FloatArray
    power_kw: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", frozen_indices(self.home))
        for name in ("lower_kwh", "upper_kwh", "power_kw"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        _check(self)

    @classmethod
    def none(cls) -> "FlexibleLoads":
        """No such load."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0))

    @classmethod
    def in_windows(
        cls,
        intervals: int,
        home: npt.ArrayLike,
        energy_kwh: npt.ArrayLike,
        power_kw: npt.ArrayLike,
        first: npt.ArrayLike,
        last: npt.ArrayLike,
    ) -> "FlexibleLoads":
        """Loads that each need an energy within the intervals first…last, both included.

        Args:
            intervals: T.
            home: Home of each load, shape (F,).
            energy_kwh: Energy needed, shape (F,).
            power_kw: Largest power, shape (F,).
            first: First interval in which it may run, shape (F,).
            last: Interval by whose end it must be done, shape (F,).
        """
        time = np.arange(intervals)[:, None]
        energy = np.asarray(energy_kwh, dtype=np.float64)
        upper = np.where(time >= np.asarray(first), energy, 0.0)
        lower = np.where(time >= np.asarray(last), energy, 0.0)
        return cls(np.atleast_1d(home), lower, upper, np.broadcast_to(power_kw, upper.shape[1:]))

    @property
    def count(self) -> int:
        """How many loads, F."""
        return len(self.home)

    def window(self, start: int, stop: int, done_kwh: FloatArray, dt_hours: float) -> "FlexibleLoads":
        """The intervals start…stop - 1 after `done_kwh` (F,) has flowed, so that what comes later stays possible."""
        if not self.count:
            return self
        low = np.maximum(self.needed_kwh(dt_hours)[start:stop] - done_kwh, 0.0)
        high = np.minimum.accumulate(self.upper_kwh[::-1], axis=0)[::-1][start:stop] - done_kwh
        return FlexibleLoads(self.home, low, np.maximum(high, low), self.power_kw)

    def select(self, loads: npt.NDArray[np.int64] | npt.NDArray[np.bool_], home: IntArray) -> "FlexibleLoads":
        """Some of the loads, by index or mask, at homes with new indices, shape (chosen,)."""
        return FlexibleLoads(home, self.lower_kwh[:, loads], self.upper_kwh[:, loads], self.power_kw[loads])

    def needed_kwh(self, dt_hours: float) -> FloatArray:
        """Energy that must have flowed so that every later bound can still be kept at full power, shape (T, F)."""
        rate = self.power_kw * dt_hours * np.arange(len(self.lower_kwh))[:, None]
        return np.maximum.accumulate((self.lower_kwh - rate)[::-1], axis=0)[::-1] + rate

    def reachable_kwh(self, dt_hours: float) -> FloatArray:
        """Energy that can have flowed at most by the end of each interval, shape (T, F)."""
        rate = self.power_kw * dt_hours * np.arange(1, len(self.upper_kwh) + 1)[:, None]
        ahead = np.minimum.accumulate(np.minimum(self.upper_kwh - rate, 0.0), axis=0)
        return ahead + rate


def _check(loads: FlexibleLoads) -> None:
    shape = (len(loads.lower_kwh), loads.count)
    for name, right in (("lower_kwh", shape), ("upper_kwh", shape), ("power_kw", shape[1:])):
        if getattr(loads, name).shape != right:
            raise PlanError(
                what=f"{name} of the flexible loads",
                found=f"of shape {getattr(loads, name).shape}",
                right=f"of shape {right}",
            )
        wrong = np.argwhere(~(np.isfinite(getattr(loads, name)) & (getattr(loads, name) >= 0)))
        if len(wrong):
            raise PlanError(
                what=f"{name} of flexible load {wrong[0][-1]}",
                found=getattr(loads, name)[tuple(wrong[0])],
                right="0 or more",
            )
    wrong = np.argwhere(loads.lower_kwh > loads.upper_kwh + 1e-9)
    if len(wrong):
        time, load = (int(i) for i in wrong[0])
        raise PlanError(
            what=f"lower_kwh of flexible load {load} in interval {time}",
            found=f"{loads.lower_kwh[time, load]:g}",
            right=f"at most its upper_kwh, {loads.upper_kwh[time, load]:g}",
        )
