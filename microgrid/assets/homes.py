"""The simulator's community: thousands of homes of ten types as arrays.

Load of home n in interval t: base_n * shape of its type at the local time, up to an hour earlier or later, times a
log-normal Ornstein-Uhlenbeck process of mean 1 (its habits). Generation: the panels' power per kW on one of 15 planes
under one sky, times their size. Every part has a random stream of its own, spawned from the generator, so that another
share of batteries, say, leaves load and generation as they are.
"""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

import numpy as np

from microgrid.assets.clouds import air_temperature_c, clear_sky_index, ornstein_uhlenbeck
from microgrid.assets.home_options import HomeOptions
from microgrid.assets.home_types import HOME_TYPES, QUARTERS_PER_DAY, Range
from microgrid.assets.local_clock import local_seconds
from microgrid.assets.ownership import owners, whole_numbers
from microgrid.assets.pv import ac_power_kw, cell_temperature_c, dc_power_kw, plane_irradiance
from microgrid.assets.site import Site, interval_means, midpoints_s, substeps
from microgrid.assets.sky import SECONDS_PER_DAY, Light, plain_clear_sky, plain_clouded
from microgrid.domain.arrays import BoolArray, FloatArray, IntArray
from microgrid.domain.errors import CommunityError
from microgrid.domain.intervals import Interval

SECONDS_PER_QUARTER: Final = 900
FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""

SATURDAY: Final = 5
SHIFT_QUARTERS: Final = 4
HABIT_SD: Final = 0.35
HABIT_MEMORY_S: Final = 3_600

TILTS_DEG: Final = (20.0, 30.0, 40.0)
FACING_DEG: Final = (120.0, 150.0, 180.0, 210.0, 240.0)
GAMMA_PER_C: Final = -0.004
LOSSES: Final = 0.14

SMALLEST_PANELS_KW: Final = 2.5

BATTERY_SHARE: Final = 0.8
BATTERY_KW_PER_KWH: Final = 0.5
CHARGERS_KW: Final = (3.7, 7.4, 11.0)
CHARGER_SHARES: Final = (0.3, 0.5, 0.2)
DAILY_KM: Final = 36.0
DAILY_KM_SPREAD: Final = 0.5
HEAT_LOSS_KW_PER_K: Final = (0.10, 0.25)
"""From a well insulated to an old house of 120 m²."""

DEFAULT_SITE: Final = Site()
DEFAULT_OPTIONS: Final = HomeOptions()


@dataclass(frozen=True, eq=False, slots=True)
class HomeCommunity:
    """N homes over T intervals; a size of 0 means that a home does not own the thing.

    Attributes:
        home_ids: Names h001, h002, ….
        type_index: Type of each home, an index into `HOME_TYPES`, shape (N,).
        first: First interval; its length is that of all.
        load_kwh: Consumption without electric cars and heat pumps, shape (T, N).
        pv_kwh: Generation, shape (T, N).
        pv_capacity_kw: Size of the panels, shape (N,).
        tilt_deg: Of the panels, from the horizontal, shape (N,).
        azimuth_deg: Direction the panels face, from north, clockwise, shape (N,).
        battery_kwh: Capacity of the battery, shape (N,).
        battery_kw: Power of the battery either way, shape (N,).
        ev_charger_kw: Power of the car's charger, shape (N,).
        ev_km_per_day: How far the car goes on a mean day, shape (N,).
        heat_loss_kw_per_k: Heat a house with a heat pump loses per degree, shape (N,).
        air_c: Temperature of the air, shape (T,).
    """

    home_ids: tuple[str, ...]
    type_index: IntArray
    first: Interval
    load_kwh: FloatArray = field(repr=False)
    pv_kwh: FloatArray = field(repr=False)
    pv_capacity_kw: FloatArray = field(repr=False)
    tilt_deg: FloatArray = field(repr=False)
    azimuth_deg: FloatArray = field(repr=False)
    battery_kwh: FloatArray = field(repr=False)
    battery_kw: FloatArray = field(repr=False)
    ev_charger_kw: FloatArray = field(repr=False)
    ev_km_per_day: FloatArray = field(repr=False)
    heat_loss_kw_per_k: FloatArray = field(repr=False)
    air_c: FloatArray = field(repr=False)

    @property
    def type_names(self) -> tuple[str, ...]:
        """Name of each home's type."""
        return tuple(HOME_TYPES[kind].name for kind in self.type_index.tolist())


class _Panels(NamedTuple):
    capacity_kw: FloatArray
    tilt_class: IntArray
    facing_class: IntArray


def build_homes(
    count: int,
    first: Interval,
    steps: int,
    generator: np.random.Generator,
    options: HomeOptions = DEFAULT_OPTIONS,
    *,
    site: Site = DEFAULT_SITE,
    timezone: tzinfo = UTC,
    days: np.random.Generator | None = None,
) -> HomeCommunity:
    """A community of `count` homes over `steps` intervals.

    Args:
        count: Number of homes, N.
        first: First interval.
        steps: Number of intervals, T.
        generator: Source of chance; its spawned streams make the parts, so a fresh one of the same seed makes the same.
        options: What the community is made of.
        site: Where it stands.
        timezone: The clock the homes live by.
        days: Source of chance for habits and clouds, so that the same homes can live through other days.

    Raises:
        CommunityError: no home or no interval.
    """
    _check(count, steps)
    mix, panel, battery, car, pump, habits, sky = _streams(generator, days)
    kind = _types(count, options, mix)
    panels = _panels(kind, options, panel)
    capacity_kwh = _batteries_kwh(kind, panels.capacity_kw > 0, options, battery)
    charger_kw, km_per_day = _cars(kind, options, car)
    air_c = air_temperature_c(site.longitude, midpoints_s(first, steps), options.mean_air_c)
    light, facing = _light(site, first, steps, options, sky), _facing_deg(site)
    return HomeCommunity(
        home_ids=_names(count),
        type_index=kind,
        first=first,
        load_kwh=_load_kwh(kind, first, steps, options, habits, timezone),
        pv_kwh=_pv_kwh(_pv_kw_per_kw(light, air_c, facing), panels, first),
        pv_capacity_kw=panels.capacity_kw,
        tilt_deg=np.array(TILTS_DEG)[panels.tilt_class],
        azimuth_deg=facing[panels.facing_class],
        battery_kwh=capacity_kwh,
        battery_kw=capacity_kwh * BATTERY_KW_PER_KWH,
        ev_charger_kw=charger_kw,
        ev_km_per_day=km_per_day,
        heat_loss_kw_per_k=_heat_losses(kind, options, pump),
        air_c=interval_means(air_c, first),
    )


def _check(count: int, steps: int) -> None:
    for name, number in (("the number of homes", count), ("the number of intervals", steps)):
        if number < 1:
            raise CommunityError(what=name, found=number, right="1 or more")


def _streams(generator: np.random.Generator, days: np.random.Generator | None) -> list[np.random.Generator]:
    """One for each part of a community, those of habits and sky last."""
    streams = generator.spawn(7)
    return streams if days is None else [*streams[:5], *days.spawn(2)]


def _facing_deg(site: Site) -> FloatArray:
    """Directions that panels face, towards the equator in the mean."""
    return (np.array(FACING_DEG) + (0.0 if site.latitude >= 0 else 180.0)) % 360.0


def _names(count: int) -> tuple[str, ...]:
    width = max(3, len(str(count)))
    return tuple(f"h{number:0{width}d}" for number in range(1, count + 1))


def _types(count: int, options: HomeOptions, generator: np.random.Generator) -> IntArray:
    """Each type its share, in random order."""
    numbers = whole_numbers(options.type_weights(), count)
    return generator.permutation(np.repeat(np.arange(len(numbers)), numbers))


def _sizes(kind: IntArray, name: str, override: Range | None, generator: np.random.Generator) -> FloatArray:
    """Evenly drawn between the two sizes of each home's type, shape (N,)."""
    limits = np.array([override or getattr(row, name) for row in HOME_TYPES])[kind]
    sizes: FloatArray = limits[:, 0] + generator.random(len(kind)) * (limits[:, 1] - limits[:, 0])
    return sizes


def _owned(
    kind: IntArray,
    name: str,
    mean: float | None,
    generator: np.random.Generator,
    before: BoolArray | None = None,
) -> BoolArray:
    return owners(kind, [getattr(row, name) for row in HOME_TYPES], mean, generator, before)


def _panels(kind: IntArray, options: HomeOptions, generator: np.random.Generator) -> _Panels:
    """Where all homes shall have panels, types without a size of their own take that of a flat roof."""
    own = _owned(kind, "pv_share", options.pv_share, generator)
    size_kw = np.maximum(
        _sizes(kind, "pv_kw", options.pv_kw, generator), SMALLEST_PANELS_KW if not options.pv_kw else 0
    )
    tilt = generator.integers(len(TILTS_DEG), size=len(kind))
    facing = generator.integers(len(FACING_DEG), size=len(kind))
    return _Panels(np.where(own, size_kw, 0.0), tilt, facing)


def _batteries_kwh(
    kind: IntArray, has_panels: BoolArray, options: HomeOptions, generator: np.random.Generator
) -> FloatArray:
    """Of each type those with panels buy a battery first; the mean share is 80 % unless another is asked for."""
    share = BATTERY_SHARE if options.battery_share is None and options.mix is None else options.battery_share
    own = _owned(kind, "battery_share", share, generator, has_panels)
    return np.where(own, _sizes(kind, "battery_kwh", options.battery_kwh, generator), 0.0)


def _cars(kind: IntArray, options: HomeOptions, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Charger power and daily distance; distances are log-normal."""
    own = _owned(kind, "ev_share", options.ev_share, generator)
    charger_kw = generator.choice(np.array(CHARGERS_KW), size=len(kind), p=CHARGER_SHARES)
    spread = DAILY_KM_SPREAD * generator.standard_normal(len(kind)) - DAILY_KM_SPREAD**2 / 2
    return np.where(own, charger_kw, 0.0), np.where(own, DAILY_KM * np.exp(spread), 0.0)


def _heat_losses(kind: IntArray, options: HomeOptions, generator: np.random.Generator) -> FloatArray:
    own = _owned(kind, "heat_pump_share", options.heat_pump_share, generator)
    return np.where(own, generator.uniform(*HEAT_LOSS_KW_PER_K, len(kind)), 0.0)


def _load_kwh(
    kind: IntArray, first: Interval, steps: int, options: HomeOptions, generator: np.random.Generator, timezone: tzinfo
) -> FloatArray:
    """Habits times profile times size, in one array of shape (T, N)."""
    base_kwh = _sizes(kind, "base_kwh_per_hour", options.base_kwh_per_hour, generator)
    shifts = 2 * SHIFT_QUARTERS + 1
    column = kind * shifts + generator.integers(shifts, size=len(kind))
    load = ornstein_uhlenbeck(steps, first.seconds, HABIT_MEMORY_S, generator, (len(kind),))
    load *= HABIT_SD
    np.exp(load, out=load)
    scale = base_kwh * first.hours * np.exp(-(HABIT_SD**2) / 2)
    for step, profile in enumerate(_profiles(first, steps, timezone)):
        load[step] *= profile[column] * scale
    return load


def _profiles(first: Interval, steps: int, timezone: tzinfo) -> FloatArray:
    """Shape of each type and shift, shape (T, types * shifts)."""
    local_s = local_seconds(midpoints_s(first, steps), timezone).reshape(steps, -1)
    weekend = ((local_s // SECONDS_PER_DAY + FIRST_WEEKDAY) % 7 >= SATURDAY).astype(np.int64)
    quarter = (local_s % SECONDS_PER_DAY // SECONDS_PER_QUARTER).astype(np.int64)
    shapes = np.stack([row.shape.quarters() for row in HOME_TYPES], axis=1)
    later = (np.arange(QUARTERS_PER_DAY)[:, None] - np.arange(-SHIFT_QUARTERS, SHIFT_QUARTERS + 1)) % QUARTERS_PER_DAY
    shifted = shapes[:, :, later].transpose(0, 2, 1, 3).reshape(len(shapes), QUARTERS_PER_DAY, -1)
    total = np.zeros((steps, shifted.shape[-1]))
    for day, time in zip(weekend.T, quarter.T, strict=True):
        total += shifted[day, time]
    total /= local_s.shape[1]
    return total


def _light(site: Site, first: Interval, steps: int, options: HomeOptions, generator: np.random.Generator) -> Light:
    index = clear_sky_index(steps * substeps(first), first.seconds / substeps(first), generator, options.climate)
    if options.sky == "plain":
        return plain_clouded(plain_clear_sky(site, midpoints_s(first, steps)), index)
    from microgrid.assets.weather import clear_sky, clouded, midpoints  # noqa: PLC0415 - pandas takes long to import

    return clouded(clear_sky(site, midpoints(first, steps)), index)


def _pv_kw_per_kw(light: Light, air_c: FloatArray, facing_deg: FloatArray) -> FloatArray:
    """Power of one kW of panels on each plane, shape (S, tilts * directions)."""
    tilt, azimuth = np.repeat(TILTS_DEG, len(FACING_DEG)), np.tile(facing_deg, len(TILTS_DEG))
    plane = plane_irradiance(light, tilt, azimuth)
    cell = cell_temperature_c(plane, air_c[:, None])
    return ac_power_kw(dc_power_kw(plane, cell, 1.0, GAMMA_PER_C) * (1.0 - LOSSES), 1.0)


def _pv_kwh(pv_kw: FloatArray, panels: _Panels, first: Interval) -> FloatArray:
    """Generation of all homes, shape (T, N)."""
    plane = panels.tilt_class * len(FACING_DEG) + panels.facing_class
    energy: FloatArray = np.take(interval_means(pv_kw, first) * first.hours, plane, axis=1)
    energy *= panels.capacity_kw
    return energy
