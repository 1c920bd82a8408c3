"""The sky in plain numpy: what the simulator uses, so that a run need not load pvlib and pandas.

Sun: the Astronomical Almanac's low-precision formulas, as in Michalsky, Solar Energy 40 (1988) 227: 0.01° from 1950 to
2050. Refraction: Sæmundsson, Sky and Telescope 72 (1986) 70. Clear sky: Ineichen and Perez, Solar Energy 73 (2002) 151,
with the air mass of Kasten and Young, Applied Optics 28 (1989) 4735, and the extraterrestrial irradiance of Spencer
(1971). Direct and diffuse parts under clouds: Erbs, Klein and Duffie, Solar Energy 28 (1982) 293.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from microgrid.assets.site import Site
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR

SECONDS_PER_DAY = HOURS_PER_DAY * SECONDS_PER_HOUR
J2000_S = 946_728_000
"""2000-01-01 12:00 UTC in Unix seconds."""

SOLAR_CONSTANT_W_M2 = 1_366.1
SEA_LEVEL_HPA = 1_013.25
SUNSET_DEG = -0.575
"""Elevation at which the refracted sun touches the horizon."""

LOWEST_COSINE = 0.065
LOWEST_SUN_DEG = 87.0


class Light(Protocol):
    """Sun and irradiance at S instants, what a plane needs to know of a sky; each array has shape (S,)."""

    @property
    def zenith_deg(self) -> FloatArray:
        """Angle of the sun from the vertical, with refraction."""

    @property
    def azimuth_deg(self) -> FloatArray:
        """From north, clockwise."""

    @property
    def ghi(self) -> FloatArray:
        """Global horizontal irradiance, W/m²."""

    @property
    def dni(self) -> FloatArray:
        """Direct normal irradiance, W/m²."""

    @property
    def dhi(self) -> FloatArray:
        """Diffuse horizontal irradiance, W/m²."""


@dataclass(frozen=True, eq=False, slots=True)
class PlainSky:
    """A `Light` with its instants in Unix seconds; angles in degrees, irradiance in W/m², shape (S,) each."""

    times_s: FloatArray
    zenith_deg: FloatArray
    azimuth_deg: FloatArray
    ghi: FloatArray
    dni: FloatArray
    dhi: FloatArray


class SunPosition(NamedTuple):
    """Angles of the sun at S instants, degrees, shape (S,) each; `zenith_deg` is without refraction."""

    zenith_deg: FloatArray
    apparent_zenith_deg: FloatArray
    azimuth_deg: FloatArray


def sun_position(site: Site, times_s: FloatArray) -> SunPosition:
    """Where the sun stands at instants given in Unix seconds, shape (S,)."""
    days = (times_s - J2000_S) / SECONDS_PER_DAY
    declination, right_ascension = _equatorial(days)
    sidereal_hour = 6.697375 + 0.0657098242 * days + (times_s % SECONDS_PER_DAY) / SECONDS_PER_HOUR
    hour_angle = np.radians(sidereal_hour * 15.0 + site.longitude) - right_ascension
    latitude = np.radians(site.latitude)
    sine = np.sin(declination) * np.sin(latitude) + np.cos(declination) * np.cos(latitude) * np.cos(hour_angle)
    zenith = np.degrees(np.arccos(np.clip(sine, -1.0, 1.0)))
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.sin(declination) * np.cos(latitude) - np.cos(declination) * np.sin(latitude) * np.cos(hour_angle)
    return SunPosition(zenith, zenith - _refraction_deg(90.0 - zenith), np.degrees(np.arctan2(east, north)) % 360.0)


def _equatorial(days: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Declination and right ascension, radians, from days since J2000."""
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean_longitude = 280.460 + 0.9856474 * days
    longitude = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439 - 0.0000004 * days)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    return declination, np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))


def _refraction_deg(elevation_deg: FloatArray) -> FloatArray:
    """1.02' / tan(h + 10.3 / (h + 5.11)) above the horizon, none below it."""
    height = np.maximum(elevation_deg, SUNSET_DEG)
    lift = 1.02 / 60.0 / np.tan(np.radians(height + 10.3 / (height + 5.11)))
    return np.where(elevation_deg > SUNSET_DEG, lift, 0.0)


def plain_clear_sky(site: Site, times_s: FloatArray) -> PlainSky:
    """The sky without clouds at instants in Unix seconds, shape (S,)."""
    sun = sun_position(site, times_s)
    cosine = np.maximum(np.cos(np.radians(sun.apparent_zenith_deg)), 0.0)
    extra = extraterrestrial_w_m2(times_s)
    airmass = _absolute_airmass(sun.apparent_zenith_deg, site.altitude_m)
    near, far = np.exp(-site.altitude_m / 8_000.0), np.exp(-site.altitude_m / 1_250.0)
    haze = site.linke_turbidity - 1.0
    scale, decay = 5.09e-5 * site.altitude_m + 0.868, 3.92e-5 * site.altitude_m + 0.0387
    ghi = scale * extra * cosine * np.exp(-decay * airmass * (near + far * haze))
    beam = (0.664 + 0.163 / near) * extra * np.exp(-0.09 * airmass * haze)
    share = 1.0 - (0.1 - 0.2 * np.exp(-site.linke_turbidity)) / (0.1 + 0.882 / near)
    dni = np.minimum(beam, share * ghi / np.maximum(cosine, 1e-9))
    return PlainSky(times_s, sun.apparent_zenith_deg, sun.azimuth_deg, ghi, dni, ghi - dni * cosine)


def _absolute_airmass(zenith_deg: FloatArray, altitude_m: float) -> FloatArray:
    """1 / (cos z + 0.50572 (96.07995 - z)^-1.6364), times the pressure; at night that of the horizon."""
    zenith = np.minimum(zenith_deg, 90.0)
    relative = 1.0 / (np.cos(np.radians(zenith)) + 0.50572 * (96.07995 - zenith) ** -1.6364)
    pressure_hpa = ((44_331.514 - altitude_m) / 11_880.516) ** (1 / 0.1902632)
    airmass: FloatArray = relative * pressure_hpa / SEA_LEVEL_HPA
    return airmass


def extraterrestrial_w_m2(times_s: FloatArray) -> FloatArray:
    """Irradiance outside the atmosphere, by the day of the year (Spencer 1971), shape of `times_s`."""
    days = np.floor(times_s / SECONDS_PER_DAY).astype("datetime64[D]")
    of_year = (days - days.astype("datetime64[Y]")).astype(np.float64)
    angle = 2 * np.pi * of_year / 365.0
    first, second = 0.034221 * np.cos(angle) + 0.00128 * np.sin(angle), 2 * angle
    ratio: FloatArray = 1.00011 + first + 0.000719 * np.cos(second) + 7.7e-5 * np.sin(second)
    return SOLAR_CONSTANT_W_M2 * ratio


def plain_clouded(sky: PlainSky, index: FloatArray) -> PlainSky:
    """The sky whose global irradiance is `index` times the clear one, shape (S,).

    The diffuse fraction is a function of the clearness k = GHI / (extraterrestrial on the horizontal); next to the
    horizon all light is diffuse.
    """
    ghi, cosine = sky.ghi * index, np.cos(np.radians(sky.zenith_deg))
    clearness = ghi / (extraterrestrial_w_m2(sky.times_s) * np.maximum(cosine, LOWEST_COSINE))
    diffuse = ghi * _erbs_fraction(np.clip(clearness, 0.0, 1.0))
    dhi = np.where(sky.zenith_deg > LOWEST_SUN_DEG, ghi, diffuse)
    dni = (ghi - dhi) / np.maximum(cosine, LOWEST_COSINE / 2)
    return PlainSky(sky.times_s, sky.zenith_deg, sky.azimuth_deg, ghi, dni, dhi)


def _erbs_fraction(clearness: FloatArray) -> FloatArray:
    middle = 0.9511 + clearness * (-0.1604 + clearness * (4.388 + clearness * (-16.638 + clearness * 12.336)))
    low, high = clearness <= 0.22, clearness > 0.80  # noqa: PLR2004 - the ends of Erbs' polynomial
    return np.where(low, 1.0 - 0.09 * clearness, np.where(high, 0.165, middle))
