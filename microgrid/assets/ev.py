"""Electric cars that charge at home overnight, as flexible demand.

A car comes home at a normally distributed time and needs energy for the day's way, kWh = km * kwh_per_km, by a normally
distributed time of the next morning. Between arrival a and departure d, with charger power P and the need
E = min(need, P (d - a)), the energy charged by time t lies between

    lower(t) = max(0, E - P (d - t))   (as late as possible)   and   upper(t) = min(E, P (t - a))   (at once),

and the sessions of a car add up. Uncontrolled cars charge at once, so theirs is the upper bound. A session that the
horizon cuts ends with it: whoever waits has, at the end, as much as one who did not. Cars that stand at home when the
horizon begins are full.

The distributions are assumptions: commuters who leave at half past seven and are back at six.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import numpy as np

from microgrid.assets.flexible_demand import FlexibleDemand
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import SECONDS_PER_HOUR, Interval

EARLIEST_ARRIVAL_H, LATEST_ARRIVAL_H = 12.0, 23.75
EARLIEST_DEPARTURE_H, LATEST_DEPARTURE_H = 3.0, 11.75


@dataclass(frozen=True, slots=True)
class Driving:
    """When cars come and go and what they need.

    Attributes:
        arrival_h: Mean hour of arrival on the local clock; arrivals are held between 12:00 and 23:45.
        arrival_sd_h: Its standard deviation.
        departure_h: Mean hour of departure of the next day; departures are held between 3:00 and 11:45.
        departure_sd_h: Its standard deviation.
        kwh_per_km: Energy at the wall, charging losses included.
        daily_spread: Standard deviation of the logarithm of a car's way from day to day.
    """

    arrival_h: float = 18.0
    arrival_sd_h: float = 1.5
    departure_h: float = 7.5
    departure_sd_h: float = 1.0
    kwh_per_km: float = 0.2
    daily_spread: float = 0.3


COMMUTERS: Final = Driving()


class _Sessions(NamedTuple):
    """One evening of F cars: arrival and departure in seconds since the horizon began, need in kWh."""

    arrival_s: FloatArray
    departure_s: FloatArray
    need_kwh: FloatArray


def ev_demand(
    charger_kw: FloatArray,
    km_per_day: FloatArray,
    first: Interval,
    steps: int,
    generator: np.random.Generator,
    *,
    driving: Driving = COMMUTERS,
    timezone: tzinfo = UTC,
) -> FlexibleDemand:
    """The cars of N homes over `steps` intervals.

    Args:
        charger_kw: Power of each home's charger, 0 where there is no car, shape (N,).
        km_per_day: Mean daily way of each home's car, shape (N,).
        first: First interval.
        steps: Number of intervals, T.
        generator: Source of chance.
        driving: Habits.
        timezone: The clock the cars' owners live by.
    """
    home = np.flatnonzero(charger_kw)
    power_kw = charger_kw[home]
    lower, upper = np.zeros((2, steps, len(home)))
    end_s = steps * first.seconds
    for midnight_s, next_midnight_s in _midnights(first, end_s, timezone):
        drawn = _evening(midnight_s, next_midnight_s, km_per_day[home], driving, generator)
        sessions = drawn._replace(departure_s=np.minimum(drawn.departure_s, end_s))
        _add(lower, upper, sessions, power_kw, first.seconds)
    uncontrolled = np.diff(upper, axis=0, prepend=np.zeros((1, len(home))))
    return FlexibleDemand(home, power_kw, lower, upper, uncontrolled)


def _midnights(first: Interval, length_s: int, timezone: tzinfo) -> list[tuple[float, float]]:
    """Local midnights of each day and the next, seconds since the horizon began."""
    day = first.start_utc.astimezone(timezone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    midnights_s: list[float] = []
    while not midnights_s or midnights_s[-1] < length_s:
        midnights_s.append(_unix_s(day, timezone) - first.start_s)
        day += timedelta(days=1)
    return list(zip(midnights_s, [*midnights_s[1:], _unix_s(day, timezone) - first.start_s], strict=True))


def _unix_s(local: datetime, timezone: tzinfo) -> float:
    return local.replace(tzinfo=timezone).timestamp()


def _evening(
    midnight_s: float, next_midnight_s: float, km: FloatArray, driving: Driving, generator: np.random.Generator
) -> _Sessions:
    draws = generator.standard_normal((3, len(km)))
    arrival_h = np.clip(driving.arrival_h + driving.arrival_sd_h * draws[0], EARLIEST_ARRIVAL_H, LATEST_ARRIVAL_H)
    departure_h = np.clip(
        driving.departure_h + driving.departure_sd_h * draws[1], EARLIEST_DEPARTURE_H, LATEST_DEPARTURE_H
    )
    way_km = km * np.exp(driving.daily_spread * draws[2] - driving.daily_spread**2 / 2)
    return _Sessions(
        midnight_s + arrival_h * SECONDS_PER_HOUR,
        next_midnight_s + departure_h * SECONDS_PER_HOUR,
        way_km * driving.kwh_per_km,
    )


def _add(lower: FloatArray, upper: FloatArray, sessions: _Sessions, power_kw: FloatArray, step_s: int) -> None:
    """Add an evening's bounds to those of the horizon, shapes (T, F).

    A session that begins before the horizon or after it counts for nothing.
    """
    inside = (sessions.arrival_s >= 0) & (sessions.arrival_s < sessions.departure_s)
    window_h = np.where(inside, sessions.departure_s - sessions.arrival_s, 0.0) / SECONDS_PER_HOUR
    need_kwh = np.minimum(sessions.need_kwh, power_kw * window_h)
    if not need_kwh.any():
        return
    begins = max(0, int(sessions.arrival_s[inside].min() // step_s))
    ends = min(len(lower), int(-(-sessions.departure_s[inside].max() // step_s)))
    at_s = (np.arange(begins, ends)[:, None] + 1.0) * step_s
    left_kwh = power_kw * np.maximum(sessions.departure_s - at_s, 0.0) / SECONDS_PER_HOUR
    past_kwh = power_kw * np.maximum(at_s - sessions.arrival_s, 0.0) / SECONDS_PER_HOUR
    lower[begins:ends] += np.maximum(need_kwh - left_kwh, 0.0)
    upper[begins:ends] += np.minimum(need_kwh, past_kwh)
    lower[ends:] += need_kwh
    upper[ends:] += need_kwh
