"""Photovoltaic arrays: irradiance on the plane, cell temperature, PVWatts.

Plane: isotropic sky, I = DNI max(cos(aoi), 0) + DHI (1 + cos(tilt)) / 2 + GHI albedo (1 - cos(tilt)) / 2.
Cell: Faiman, T = T_air + I / (u0 + u1 wind), u0 = 25, u1 = 6.84.
DC: PVWatts, P = I / 1000 * P0 * (1 + gamma (T - 25)). AC: PVWatts inverter (NREL/TP-6A20-62641).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.assets.sky import Light
from microgrid.domain.arrays import FloatArray

ALBEDO = 0.2
LIGHT_WIND_M_S = 1.0
STANDARD_W_M2 = 1_000.0
STANDARD_CELL_C = 25.0
NOMINAL_EFFICIENCY = 0.96
REFERENCE_EFFICIENCY = 0.9637


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


def plane_irradiance(light: Light, tilt_deg: FloatArray, azimuth_deg: FloatArray) -> FloatArray:
    """Irradiance on N planes, W/m², shape (S, N); tilt and azimuth have shape (N,)."""
    zenith, azimuth = np.radians(light.zenith_deg)[:, None], np.radians(light.azimuth_deg)[:, None]
    tilt, facing = np.radians(tilt_deg), np.radians(azimuth_deg)
    incidence = np.cos(tilt) * np.cos(zenith) + np.sin(tilt) * np.sin(zenith) * np.cos(azimuth - facing)
    direct = light.dni[:, None] * np.maximum(incidence, 0.0)
    diffuse = light.dhi[:, None] * (1.0 + np.cos(tilt)) / 2 + light.ghi[:, None] * ALBEDO * (1.0 - np.cos(tilt)) / 2
    plane: FloatArray = direct + diffuse
    return plane


def cell_temperature_c(
    plane_w_m2: FloatArray, air_c: FloatArray | float, wind_m_s: FloatArray | float = LIGHT_WIND_M_S
) -> FloatArray:
    """Temperature of the cells, shape as the irradiance."""
    return air_c + plane_w_m2 / (25.0 + 6.84 * wind_m_s)


def dc_power_kw(
    plane_w_m2: FloatArray, cell_c: FloatArray, capacity_kw: FloatArray | float, gamma_per_c: FloatArray | float
) -> FloatArray:
    """Power of the modules, kW, shape as the irradiance: G / 1000 * capacity * (1 + gamma * (cell - 25)).

    Args:
        plane_w_m2: Irradiance G in the plane of the modules, W/m².
        cell_c: Temperature of the cells, °C, same shape.
        capacity_kw: Power at 1000 W/m² and 25 °C.
        gamma_per_c: Change of power per °C, below zero.
    """
    return plane_w_m2 / STANDARD_W_M2 * capacity_kw * (1.0 + gamma_per_c * (cell_c - STANDARD_CELL_C))


def ac_power_kw(dc_kw: FloatArray, inverter_dc_kw: FloatArray | float) -> FloatArray:
    """Power behind an inverter that is rated for `inverter_dc_kw` at its input, kW, shape as the DC power.

    With load z = DC / rating: efficiency 0.96 / 0.9637 * (-0.0162 z - 0.0059 / z + 0.9858), and at most 0.96 of the
    rating, never below zero. Multiplied out, so that no input gives no power.
    """
    load = dc_kw / inverter_dc_kw
    bent = (0.9858 * load - 0.0162 * load**2 - 0.0059) * NOMINAL_EFFICIENCY / REFERENCE_EFFICIENCY
    power: FloatArray = np.clip(bent, 0.0, NOMINAL_EFFICIENCY) * inverter_dc_kw
    return power


def pv_power_kw(arrays: Sequence[PvArray], light: Light, air_c: FloatArray) -> FloatArray:
    """AC power of N arrays under one sky, kW, shape (S, N).

    Worked out per kW and scaled, which PVWatts allows, so that a home without panels needs no case of its own.

    Args:
        arrays: The arrays.
        light: Sun and irradiance at S instants.
        air_c: Temperature of the air, shape (S,).
    """
    plane = plane_irradiance(light, _column(arrays, "tilt_deg"), _column(arrays, "azimuth_deg"))
    cell = cell_temperature_c(plane, air_c[:, None])
    dc = dc_power_kw(plane, cell, 1.0, _column(arrays, "gamma_per_c")) * (1.0 - _column(arrays, "losses"))
    return ac_power_kw(dc, 1.0) * _column(arrays, "capacity_kw")


def _column(arrays: Sequence[PvArray], name: str) -> FloatArray:
    return np.array([getattr(array, name) for array in arrays], dtype=np.float64)
