"""Energy in whole quanta: the integers in which every market rule counts, and exact sums of them."""

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.units import WH_PER_KWH

QUANTA_PER_KWH = 10**9
"""Quantities are compared and paired in whole 1e-9 kWh, so that 0.1 + 0.2 kWh meets 0.3 kWh exactly."""
QUANTA_PER_WH = QUANTA_PER_KWH // WH_PER_KWH
LARGEST_EXACT_FLOAT = 2**53
LOW_BITS = 26


def to_quanta(quantity_kwh: FloatArray) -> IntArray:
    """Energies in kWh as whole quanta of the same shape, half to even."""
    return np.rint(quantity_kwh * QUANTA_PER_KWH).astype(np.int64)


def from_quanta(quanta: IntArray) -> FloatArray:
    """Energies in quanta as kWh of the same shape."""
    return quanta / QUANTA_PER_KWH


def summed(group: IntArray, quanta: IntArray, groups: int) -> IntArray:
    """Exact sum of the quanta of each group, shape (groups,).

    `np.bincount` adds in floats, which are exact below 2**53; larger totals are added in two halves of their bits.

    Args:
        group: Group of each order, in 0…groups - 1, shape (orders,).
        quanta: Energies, none negative, with a total below 2**63, shape (orders,).
        groups: Number of groups.
    """
    if int(quanta.sum()) < LARGEST_EXACT_FLOAT:
        return np.bincount(group, quanta, groups).astype(np.int64)
    high = np.bincount(group, quanta >> LOW_BITS, groups).astype(np.int64)
    low = np.bincount(group, quanta & (2**LOW_BITS - 1), groups).astype(np.int64)
    return (high << LOW_BITS) + low


def apportioned(volume: int, quanta: IntArray) -> IntArray:
    """`volume` handed out in proportion to `quanta`, exactly, none above its own, shape (orders,).

    fill(i) = floor(volume * C(i) / C(n)) - floor(volume * C(i - 1) / C(n)) with C the running sum of `quanta`: the
    remainders of the division move along the list and add up to nothing.

    Args:
        volume: What is handed out, at most the sum of `quanta`.
        quanta: Energies, shape (orders,).
    """
    until = np.cumsum(quanta)
    total = int(until[-1]) if len(until) else 0
    if total == 0:
        return np.zeros_like(quanta)
    wide = until if volume * total < np.iinfo(np.int64).max else until.astype(object)
    shared_until: IntArray = (wide * volume // total).astype(np.int64)
    shared_until[1:] -= shared_until[:-1].copy()
    return shared_until


def coarsest_unit(*sides: IntArray) -> int:
    """The largest unit, but no larger than a Wh, that measures every energy, in quanta.

    Shares are cut in this unit, so that orders in whole Wh get fills in whole Wh.
    """
    return int(np.gcd.reduce(np.concatenate(sides), initial=QUANTA_PER_WH))
