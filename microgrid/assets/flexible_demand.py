"""Consumption that must come but may come earlier or later: electric cars and heat pumps.

With flex[s, f] the energy drawn in interval s, everything a plan must keep to is

    lower[t, f] <= flex[0, f] + ... + flex[t, f] <= upper[t, f]   and   0 <= flex[t, f] <= power_kw[f] * hours.

`uncontrolled` keeps to it by construction, so there is always a plan.
"""

from dataclasses import dataclass

from microgrid.domain.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class FlexibleDemand:
    """F flexible consumers over T intervals.

    Attributes:
        home: Column of the home each one belongs to, shape (F,).
        power_kw: Largest power each one draws, shape (F,).
        lower_kwh: Energy each one must have drawn by the end of an interval, shape (T, F).
        upper_kwh: Energy each one can have drawn by the end of an interval, shape (T, F).
        uncontrolled_kwh: What each one draws in an interval if nobody steers it, shape (T, F).
    """

    home: IntArray
    power_kw: FloatArray
    lower_kwh: FloatArray
    upper_kwh: FloatArray
    uncontrolled_kwh: FloatArray
