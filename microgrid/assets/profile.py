"""Energy of a community over time: what meters will measure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.assets.registers import cumulative_wh
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.intervals import Interval, interval_range


@dataclass(frozen=True, eq=False, slots=True)
class Profiles:
    """Energy per interval and home, T consecutive intervals and N homes.

    Attributes:
        home_ids: Names of the homes, in the order of the columns.
        first: First interval; its length is that of all.
        import_kwh: Energy that a home draws from the grid, shape (T, N).
        export_kwh: Energy that a home feeds into the grid, shape (T, N).
        load_kwh: Consumption, shape (T, N); None where only a net meter is known.
        pv_kwh: Generation, shape (T, N); None where only a net meter is known.
        filled: Number of (home, interval) pairs that were missing or wrong in the source and were repaired.
    """

    home_ids: tuple[str, ...]
    first: Interval
    import_kwh: FloatArray
    export_kwh: FloatArray
    load_kwh: FloatArray | None = None
    pv_kwh: FloatArray | None = None
    filled: int = 0

    @classmethod
    def from_load_and_pv(
        cls, home_ids: Sequence[str], first: Interval, load_kwh: FloatArray, pv_kwh: FloatArray, filled: int = 0
    ) -> "Profiles":
        """Homes whose meter nets within the interval: import = max(load - pv, 0), export = max(pv - load, 0).

        Args:
            home_ids: Names of the N homes.
            first: First interval.
            load_kwh: Consumption, kWh, shape (T, N).
            pv_kwh: Generation, kWh, shape (T, N).
            filled: Values that were missing in the source and were filled.
        """
        net_kwh = load_kwh - pv_kwh
        return cls(
            tuple(home_ids), first, np.maximum(net_kwh, 0.0), np.maximum(-net_kwh, 0.0), load_kwh, pv_kwh, filled
        )

    @property
    def net_kwh(self) -> FloatArray:
        """Import minus export, shape (T, N)."""
        return self.import_kwh - self.export_kwh

    @property
    def count(self) -> int:
        """Number of intervals."""
        return len(self.import_kwh)

    @property
    def intervals(self) -> list[Interval]:
        """The intervals, in order."""
        return list(interval_range(self.first, self.count))

    def registers_wh(self) -> tuple[IntArray, IntArray]:
        """Import and export registers at the start and after each interval, Wh, each of shape (T + 1, N)."""
        return cumulative_wh(self.import_kwh), cumulative_wh(self.export_kwh)

    def metered_net_wh(self) -> IntArray:
        """Net energy as the registers will show it, Wh, shape (T, N): what an exact forecast is."""
        import_wh, export_wh = self.registers_wh()
        return np.diff(import_wh - export_wh, axis=0)
