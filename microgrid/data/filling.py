"""Ways to fill values that are missing or wrong in a user's file; NaN marks them."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import UnknownNameError


def zero(series: FloatArray) -> FloatArray:
    """Nothing was used or generated; shape (T,) in and out, as for all that follow."""
    return np.nan_to_num(series, nan=0.0)


def previous(series: FloatArray) -> FloatArray:
    """The value before holds on; before the first one, the first one."""
    known = np.flatnonzero(~np.isnan(series))
    last = np.searchsorted(known, np.arange(len(series)), side="right") - 1
    return series[known[np.maximum(last, 0)]]


def interpolate(series: FloatArray) -> FloatArray:
    """A straight line between the neighbours; level at both ends."""
    known = np.flatnonzero(~np.isnan(series))
    return np.interp(np.arange(len(series)), known, series[known])


FILLS: Final[Mapping[str, Callable[[FloatArray], FloatArray]]] = {
    "zero": zero,
    "previous": previous,
    "interpolate": interpolate,
}
"""Ways to fill by the name that `--fill` takes; each maps a series of shape (T,) with at least one known value."""


def filler(name: str) -> Callable[[FloatArray], FloatArray]:
    """The way to fill of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in FILLS:
        kind = "way to fill"
        raise UnknownNameError(kind, name, FILLS)
    return FILLS[name]
