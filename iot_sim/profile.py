"""Energy of a home, interval by interval, and the cumulative registers that a meter makes of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from microgrid.assets.registers import cumulative_wh
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import SECONDS_PER_HOUR
from microgrid.domain.units import WH_PER_KWH


@dataclass(frozen=True)
class EnergyProfile:
    """Energy drawn and fed in per interval.

    Attributes:
        start_s: First instant, Unix seconds.
        seconds: Length of an interval.
        import_kwh: Energy drawn from the grid in each interval, kWh, shape (intervals,).
        export_kwh: Energy fed into the grid in each interval, kWh, same shape.
    """

    start_s: int
    seconds: int
    import_kwh: FloatArray
    export_kwh: FloatArray

    @classmethod
    def of_load_and_pv(cls, start_s: int, seconds: int, load_kwh: FloatArray, pv_kwh: FloatArray) -> Self:
        """A home behind one meter: what PV does not cover is drawn, what the load leaves is fed in, per interval."""
        net_kwh = np.asarray(load_kwh, dtype=float) - np.asarray(pv_kwh, dtype=float)
        return cls(start_s, seconds, np.maximum(net_kwh, 0.0), np.maximum(-net_kwh, 0.0))

    def registers_wh(self, end_s: int) -> tuple[int, int]:
        """Cumulative import and export at a time: the sums of the whole intervals before it, each rounded once."""
        done = self._intervals_before(end_s)
        return int(self._import_sums[done]), int(self._export_sums[done])

    def power_w(self, end_s: int) -> int:
        """Mean net power over the interval that ends at `end_s` or holds it, import positive; 0 before the first."""
        done = self._intervals_before(end_s)
        if done == 0:
            return 0
        net_kwh = float(self.import_kwh[done - 1] - self.export_kwh[done - 1])
        return round(net_kwh * WH_PER_KWH * SECONDS_PER_HOUR / self.seconds)

    @cached_property
    def _import_sums(self) -> npt.NDArray[np.int64]:
        return cumulative_wh(self.import_kwh)

    @cached_property
    def _export_sums(self) -> npt.NDArray[np.int64]:
        return cumulative_wh(self.export_kwh)

    def _intervals_before(self, end_s: int) -> int:
        return min(max((end_s - self.start_s) // self.seconds, 0), len(self.import_kwh))
