"""What a meter shows: whole-Wh registers that only rise.

A meter reads the cumulative sum of its profile, rounded once. Rounding each interval by itself would let the error grow
with the square root of time; this way any two readings differ from the true energy by less than 1 Wh.

    registers = cumulative_wh(profiles.import_kwh)      # shape (T + 1, N): row 0 is the baseline at the start, all zero
    import_wh = registers[i + 1, n]                     # what meter n shows at the end of interval i
    energy_wh = np.diff(registers, axis=0)              # what the contract will see per interval, shape (T, N)
"""

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.units import WH_PER_KWH


def cumulative_wh(energy_kwh: FloatArray, initial_wh: int = 0) -> IntArray:
    """Register values from energies per interval.

    Args:
        energy_kwh: Energy per interval and meter, kWh, never negative, shape (T, N) or (T,).
        initial_wh: What the register showed before the first interval.

    Returns:
        Register at the start and at the end of each interval, Wh, shape (T + 1, N) or (T + 1,).
    """
    total_kwh = np.cumsum(energy_kwh, axis=0)
    rows_wh = np.rint(total_kwh * WH_PER_KWH).astype(np.int64)
    start = np.zeros((1, *energy_kwh.shape[1:]), dtype=np.int64)
    return np.concatenate([start, rows_wh]) + initial_wh


def registers_wh(net_kwh: FloatArray) -> tuple[IntArray, IntArray]:
    """Import and export register of a meter that nets within the interval, Wh.

    Args:
        net_kwh: Load minus generation per interval, kWh, shape (T, N) or (T,).

    Returns:
        Import register, export register; each with one row more than `net_kwh`, the first one zero.
    """
    return cumulative_wh(np.maximum(net_kwh, 0.0)), cumulative_wh(np.maximum(-net_kwh, 0.0))
