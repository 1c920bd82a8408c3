"""A community of made-up but physical homes."""

from datetime import UTC, tzinfo

import numpy as np

from microgrid.assets.clouds import air_temperature_c, clear_sky_index
from microgrid.assets.load import LARGEST_SHIFT_S, QUARTER_S, Household, load_power_kw
from microgrid.assets.profile import Profiles
from microgrid.assets.pv import PvArray, pv_power_kw
from microgrid.assets.site import Site, interval_means, substeps
from microgrid.assets.weather import clear_sky, clouded, midpoints, unix_s
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import Interval

DEFAULT_SITE = Site()
CONSUMER_SHARE = 0.3
CAPACITY_KW = (2.5, 7.0)
MEAN_LOAD_KW = (0.35, 1.5)
TILT_DEG = (15.0, 45.0)
FACING_DEG = (120.0, 240.0)


def synthetic_community(
    homes: int,
    first: Interval,
    count: int,
    generator: np.random.Generator,
    *,
    site: Site = DEFAULT_SITE,
    timezone: tzinfo = UTC,
    consumer_share: float = CONSUMER_SHARE,
) -> Profiles:
    """Profiles of homes under one sky: arrays of 2.5…7 kW on most roofs, mean load 0.35…1.5 kW.

    Args:
        homes: Number of homes, named h01, h02, ….
        first: First interval.
        count: Number of intervals.
        generator: Source of chance; the same state gives the same homes.
        site: Where they stand.
        timezone: The clock they live by.
        consumer_share: Share of homes without panels.
    """
    households = _households(homes, generator)
    arrays = _arrays(homes, round(homes * consumer_share), site, generator)
    times = midpoints(first, count)
    step_s = first.seconds / substeps(first)
    sky = clouded(clear_sky(site, times), clear_sky_index(len(times), step_s, generator))
    air_c = air_temperature_c(site.longitude, unix_s(times))
    load_kw = load_power_kw(households, times, step_s, generator, timezone)
    width = max(2, len(str(homes)))
    return Profiles.from_load_and_pv(
        [f"h{number:0{width}d}" for number in range(1, homes + 1)],
        first,
        _energy_kwh(load_kw, first),
        _energy_kwh(pv_power_kw(arrays, sky, air_c), first),
    )


def _households(homes: int, generator: np.random.Generator) -> list[Household]:
    mean_kw = generator.uniform(*MEAN_LOAD_KW, homes)
    largest = LARGEST_SHIFT_S // QUARTER_S
    shift = generator.integers(-largest, largest, homes, endpoint=True) * QUARTER_S
    return [Household(float(mean), int(late)) for mean, late in zip(mean_kw, shift, strict=True)]


def _arrays(homes: int, consumers: int, site: Site, generator: np.random.Generator) -> list[PvArray]:
    """Consumers have arrays of no capacity, so that all homes go through the same arithmetic."""
    capacity = generator.uniform(*CAPACITY_KW, homes)
    capacity[generator.permutation(homes)[:consumers]] = 0.0
    tilt = generator.uniform(*TILT_DEG, homes)
    facing = generator.uniform(*FACING_DEG, homes)
    towards_equator = facing if site.latitude >= 0 else (facing + 180.0) % 360.0
    values = zip(capacity.tolist(), tilt.tolist(), towards_equator.tolist(), strict=True)
    return [PvArray(*value) for value in values]


def _energy_kwh(power_kw: FloatArray, first: Interval) -> FloatArray:
    """Mean power of each interval's substeps times its length, shape (T, N)."""
    return interval_means(power_kw, first) * first.hours
