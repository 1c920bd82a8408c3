"""Photovoltaic arrays: irradiance on the plane, cell temperature, PVWatts.

Plane: isotropic sky, I = DNI max(cos(aoi), 0) + DHI (1 + cos(tilt)) / 2 + GHI albedo (1 - cos(tilt)) / 2.
Cell: Faiman, T = T_air + I / (u0 + u1 wind), u0 = 25, u1 = 6.84.
DC: PVWatts, P = I / 1000 * P0 * (1 + gamma (T - 25)). AC: PVWatts inverter (NREL/TP-6A20-62641).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.assets.weather import FloatArray, Site, Sky, air_temperature_c

ALBEDO = 0.2
LIGHT_WIND_M_S = 1.0
NOMINAL_EFFICIENCY = 0.96


@dataclass(frozen=True, slots=True)
class PvArray:
    """Modules and inverter of one home.

    Attributes:
        capacity_kw: Power of the modules under standard conditions.
        tilt_deg: From the horizontal.
        azimuth_deg: Direction it faces, from north, clockwise.
        gamma_per_c: Loss of power per degree of cell temperature.
        losses: Share lost to soiling, wiring and mismatch before the inverter.
    """

    capacity_kw: float
    tilt_deg: float = 30.0
    azimuth_deg: float = 180.0
    gamma_per_c: float = -0.004
    losses: float = 0.14


def plane_irradiance(sky: Sky, tilt_deg: FloatArray, azimuth_deg: FloatArray) -> FloatArray:
    """Irradiance on N planes, W/m², shape (S, N); tilt and azimuth have shape (N,)."""
    from pvlib import irradiance  # noqa: PLC0415 - takes a second to import, and only synthetic homes need it

    ghi, dni, dhi = sky.ghi[:, None], sky.dni[:, None], sky.dhi[:, None]
    zenith, azimuth = sky.zenith_deg[:, None], sky.azimuth_deg[:, None]
    facing = irradiance.aoi_projection(tilt_deg, azimuth_deg, zenith, azimuth)
    direct = dni * np.maximum(facing, 0.0)
    diffuse = irradiance.isotropic(tilt_deg, dhi) + irradiance.get_ground_diffuse(tilt_deg, ghi, ALBEDO)
    plane: FloatArray = direct + diffuse
    return plane


def cell_temperature_c(
    plane_w_m2: FloatArray, air_c: FloatArray | float, wind_m_s: FloatArray | float = LIGHT_WIND_M_S
) -> FloatArray:
    """Temperature of the cells, shape as the irradiance."""
    from pvlib import temperature  # noqa: PLC0415 - as above

    cell: FloatArray = temperature.faiman(plane_w_m2, air_c, wind_m_s)
    return cell


def dc_power_kw(
    plane_w_m2: FloatArray, cell_c: FloatArray, capacity_kw: FloatArray | float, gamma_per_c: FloatArray | float
) -> FloatArray:
    """Power of the modules, kW."""
    from pvlib import pvsystem  # noqa: PLC0415 - as above

    power: FloatArray = pvsystem.pvwatts_dc(plane_w_m2, cell_c, capacity_kw, gamma_per_c)
    return power


def ac_power_kw(dc_kw: FloatArray, inverter_dc_kw: FloatArray | float) -> FloatArray:
    """Power behind an inverter that is rated for `inverter_dc_kw` at its input, kW, never below zero."""
    from pvlib import inverter  # noqa: PLC0415 - as above

    power: FloatArray = np.maximum(inverter.pvwatts(dc_kw, inverter_dc_kw, NOMINAL_EFFICIENCY), 0.0)
    return power


def pv_power_kw(arrays: Sequence[PvArray], site: Site, sky: Sky) -> FloatArray:
    """AC power of N arrays under one sky, kW, shape (S, N).

    Worked out per kW and scaled, which PVWatts allows, so that a home without panels needs no case of its own.
    """
    tilt, azimuth = _column(arrays, "tilt_deg"), _column(arrays, "azimuth_deg")
    plane = plane_irradiance(sky, tilt, azimuth)
    cell = cell_temperature_c(plane, air_temperature_c(site, sky.times)[:, None])
    dc = dc_power_kw(plane, cell, 1.0, _column(arrays, "gamma_per_c")) * (1.0 - _column(arrays, "losses"))
    return ac_power_kw(dc, 1.0) * _column(arrays, "capacity_kw")


def _column(arrays: Sequence[PvArray], name: str) -> FloatArray:
    return np.array([getattr(array, name) for array in arrays], dtype=np.float64)
