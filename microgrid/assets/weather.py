"""Sun, clear sky and clouds over one place, by pvlib.

Clear sky: Ineichen and Perez, Solar Energy 73 (2002) 151; sun position by NREL's SPA. `microgrid.assets.sky` offers the
same in plain numpy.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microgrid.assets.site import Site, midpoints_s
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import Interval


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


def midpoints(first: Interval, count: int) -> pd.DatetimeIndex:
    """The middles of the substeps of `count` intervals, UTC."""
    stamps_ms = np.rint(midpoints_s(first, count) * 1_000).astype(np.int64)
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


def unix_s(times: pd.DatetimeIndex) -> FloatArray:
    """Instants as Unix seconds, shape (S,)."""
    seconds: FloatArray = (times - pd.Timestamp(0, tz="UTC")).total_seconds().to_numpy()
    return seconds


def _day_of_year(times: pd.DatetimeIndex) -> FloatArray:
    """As numbers: pvlib would ask pandas for them under a name that pandas is about to drop."""
    return times.day_of_year.to_numpy(dtype=np.float64)
