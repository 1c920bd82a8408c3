"""Sun, clear sky and clouds over one place.

Clear sky: Ineichen and Perez, Solar Energy 73 (2002) 151, sun position by NREL's SPA, both from pvlib. Clouds: a
stochastic clear-sky index, see `clear_sky_index`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR, Interval

FloatArray = npt.NDArray[np.float64]

LONGEST_SUBSTEP_S = 900
WARMEST_HOUR = 15.0
DEGREES_PER_HOUR = 15.0


@dataclass(frozen=True, slots=True)
class Site:
    """A place; the default lies near the Greenwich meridian (Valencia), where the sun keeps UTC."""

    latitude: float = 39.47
    longitude: float = -0.38
    altitude_m: float = 15.0
    linke_turbidity: float = 3.0


@dataclass(frozen=True, eq=False, slots=True)
class Sky:
    """Sun and irradiance at S instants, each array of shape (S,).

    Attributes:
        times: The instants, UTC.
        zenith_deg: Angle of the sun from the vertical, with refraction.
        azimuth_deg: From north, clockwise.
        ghi: Global horizontal irradiance, W/m².
        dni: Direct normal irradiance, W/m².
        dhi: Diffuse horizontal irradiance, W/m².
    """

    times: pd.DatetimeIndex
    zenith_deg: FloatArray
    azimuth_deg: FloatArray
    ghi: FloatArray
    dni: FloatArray
    dhi: FloatArray


def substeps(interval: Interval) -> int:
    """Number of instants that stand for one interval: one a quarter of an hour at least."""
    return max(1, -(-interval.seconds // LONGEST_SUBSTEP_S))


def midpoints(first: Interval, count: int) -> pd.DatetimeIndex:
    """The middles of the substeps of `count` intervals, UTC."""
    step_s = first.seconds / substeps(first)
    offsets_s = (np.arange(count * substeps(first)) + 0.5) * step_s
    stamps_ms = first.start_s * 1_000 + np.rint(offsets_s * 1_000).astype(np.int64)
    return pd.DatetimeIndex(pd.to_datetime(stamps_ms, unit="ms", utc=True))


def sun_position(site: Site, times: pd.DatetimeIndex) -> pd.DataFrame:
    """Columns `zenith`, `apparent_zenith`, `azimuth` and others of pvlib, degrees."""
    from pvlib import solarposition  # noqa: PLC0415 - takes a second to import, and only synthetic homes need it

    sun: pd.DataFrame = solarposition.get_solarposition(times, site.latitude, site.longitude, altitude=site.altitude_m)
    return sun


def clear_sky(site: Site, times: pd.DatetimeIndex) -> Sky:
    """The sky without clouds."""
    from pvlib import atmosphere, clearsky, irradiance  # noqa: PLC0415 - as above

    sun = sun_position(site, times)
    zenith = sun["apparent_zenith"].to_numpy()
    pressure = atmosphere.alt2pres(site.altitude_m)
    airmass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), pressure)
    extra = np.asarray(irradiance.get_extra_radiation(_day_of_year(times)))
    with np.errstate(divide="ignore", invalid="ignore"):  # at night there is no air mass; the result is zero
        parts = clearsky.ineichen(zenith, airmass, site.linke_turbidity, altitude=site.altitude_m, dni_extra=extra)
    ghi, dni, dhi = (np.nan_to_num(np.asarray(parts[name], dtype=np.float64)) for name in ("ghi", "dni", "dhi"))
    return Sky(times, zenith, sun["azimuth"].to_numpy(), ghi, dni, dhi)


def clouded(sky: Sky, index: FloatArray) -> Sky:
    """The sky whose global irradiance is `index` times the clear one, shape (S,).

    Direct and diffuse parts by Erbs, Klein, Duffie, Solar Energy 28 (1982) 293.
    """
    from pvlib import irradiance  # noqa: PLC0415 - as above

    ghi = sky.ghi * index
    parts = irradiance.erbs(ghi, sky.zenith_deg, _day_of_year(sky.times))
    dni, dhi = (np.nan_to_num(np.asarray(parts[name], dtype=np.float64)) for name in ("dni", "dhi"))
    return Sky(sky.times, sky.zenith_deg, sky.azimuth_deg, ghi, dni, dhi)


def clear_sky_index(count: int, step_s: float, generator: np.random.Generator) -> FloatArray:
    """Clear-sky index k = GHI / clear GHI of a passing sky, shape (count,), 0.15…1.05.

    k = 0.15 + 0.90 / (1 + exp(-x)), where x = 1.2 + 1.5 w + 0.6 c sums two Ornstein-Uhlenbeck processes of unit
    variance: the weather w with a memory of 18 h and passing clouds c with one of 20 min. Sampled exactly, x keeps its
    law at any step. Most skies are nearly clear, some overcast, as measured clear-sky indices are.
    """
    weather = ornstein_uhlenbeck(count, step_s, 18 * SECONDS_PER_HOUR, generator)
    clouds = ornstein_uhlenbeck(count, step_s, SECONDS_PER_HOUR / 3, generator)
    return 0.15 + 0.90 / (1.0 + np.exp(-(1.2 + 1.5 * weather + 0.6 * clouds)))


def ornstein_uhlenbeck(
    count: int, step_s: float, memory_s: float, generator: np.random.Generator, columns: tuple[int, ...] = ()
) -> FloatArray:
    """Stationary process of unit variance with correlation exp(-t / memory), shape (count, *columns).

    Exact for any step: x[i + 1] = a x[i] + sqrt(1 - a²) e, a = exp(-step / memory), e standard normal.
    """
    noise = generator.standard_normal((count, *columns))
    kept = np.exp(-step_s / memory_s)
    fresh = np.sqrt(1.0 - kept**2)
    for step in range(1, count):
        noise[step] = kept * noise[step - 1] + fresh * noise[step]
    return noise


def air_temperature_c(site: Site, times: pd.DatetimeIndex, mean_c: float = 18.0, swing_c: float = 6.0) -> FloatArray:
    """A cosine over the day, warmest at 15:00 solar time, shape (S,)."""
    seconds = (times - pd.Timestamp(0, tz="UTC")).total_seconds().to_numpy()
    solar_hour = seconds / SECONDS_PER_HOUR + site.longitude / DEGREES_PER_HOUR
    return mean_c + swing_c * np.cos(2 * np.pi * (solar_hour - WARMEST_HOUR) / HOURS_PER_DAY)


def _day_of_year(times: pd.DatetimeIndex) -> FloatArray:
    """As numbers: pvlib would ask pandas for them under a name that pandas is about to drop."""
    return times.day_of_year.to_numpy(dtype=np.float64)
