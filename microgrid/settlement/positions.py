"""The money rule of one interval over arrays of homes; the equations stand in `microgrid.settlement.statement`."""

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.domain.units import NANO_PER_MICRO


def grid_nano(
    bought_wh: IntArray, sold_wh: IntArray, import_wh: IntArray, export_wh: IntArray, retail: int, feed_in: int
) -> IntArray:
    """What the grid gets from each home, nano, shape (N,): retail for its supply, minus feed-in for what it takes.

    Args:
        bought_wh: Promised to the home, shape (N,).
        sold_wh: Promised by the home.
        import_wh: Metered into the home.
        export_wh: Metered out of it.
        retail: Micro per kWh.
        feed_in: Micro per kWh.
    """
    supplied = np.maximum(import_wh - bought_wh, 0) + np.maximum(sold_wh - export_wh, 0)
    taken = np.maximum(bought_wh - import_wh, 0) + np.maximum(export_wh - sold_wh, 0)
    result: IntArray = supplied * retail - taken * feed_in
    return result


def without_market_micro(
    import_wh: IntArray, export_wh: IntArray, retail: IntArray | int, feed_in: IntArray | int
) -> IntArray:
    """Credit of homes that trade with the grid alone, micro, rounded down once an interval, shape of `import_wh`."""
    result: IntArray = (export_wh * feed_in - import_wh * retail) // NANO_PER_MICRO
    return result
