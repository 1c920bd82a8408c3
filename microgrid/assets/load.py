"""Household load: a measured mean profile, made into single homes.

The mean is the household profile H25 of BDEW (2025, from demandlib), by month, kind of day and quarter of an hour. A
home has its own size, its own hours and its own habits: `base` follows the profile, shifted by up to an hour and a half
and blurred by a log-normal process; appliances switch on at random, more often when the profile is high, and take a
fixed share of the energy. Over many homes and days the mean is the profile again.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np
import pandas as pd

from microgrid.assets.clouds import ornstein_uhlenbeck
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import SECONDS_PER_HOUR

QUARTER_S = 900
MEAN_OF_PROFILE_KW = 1_000_000 / 8_760
"""The profile is scaled to 1 GWh a year."""

LARGEST_SHIFT_S = 5_400
APPLIANCE_SHARE = 0.3
APPLIANCE_KW = 2.0
APPLIANCE_S = 2_700
BLUR = 0.35
BLUR_MEMORY_S = 3_600


@dataclass(frozen=True, slots=True)
class Household:
    """One home's habits.

    Attributes:
        mean_kw: Load over a whole year.
        shift_s: How much later than the mean household it lives.
    """

    mean_kw: float
    shift_s: int = 0


def mean_profile(times: pd.DatetimeIndex, timezone: tzinfo = UTC) -> FloatArray:
    """Load of the mean household at instants, relative to its yearly mean, shape of `times`.

    Args:
        times: Aware instants.
        timezone: The clock the household lives by.
    """
    from demandlib.bdew import H25  # noqa: PLC0415 - only synthetic homes need it

    local = times.tz_convert(timezone).tz_localize(None)
    quarters = pd.date_range(local.min().normalize(), local.max().normalize() + pd.Timedelta(days=1), freq="15min")
    with warnings.catch_warnings():
        # demandlib 0.2.2 still calls pandas in ways that pandas 3 announces to remove.
        warnings.simplefilter("ignore")
        profile_kw = H25(quarters).to_numpy(dtype=np.float64)
    position = ((local - quarters[0]).total_seconds() // QUARTER_S).astype(np.int64)
    relative: FloatArray = profile_kw[position] / MEAN_OF_PROFILE_KW
    return relative


def load_power_kw(
    households: list[Household],
    times: pd.DatetimeIndex,
    step_s: float,
    generator: np.random.Generator,
    timezone: tzinfo = UTC,
) -> FloatArray:
    """Load of N homes at S evenly spaced instants, kW, shape (S, N).

    Args:
        households: The homes.
        times: Aware instants, `step_s` apart.
        step_s: Their distance, seconds.
        generator: Source of chance.
        timezone: The clock the homes live by.
    """
    shapes = {
        shift_s: mean_profile(times - pd.Timedelta(seconds=shift_s), timezone)
        for shift_s in {home.shift_s for home in households}
    }
    wanted_kw = np.stack([shapes[home.shift_s] for home in households], axis=1) * np.array(
        [home.mean_kw for home in households]
    )
    columns = (len(households),)
    blur = ornstein_uhlenbeck(len(times), step_s, BLUR_MEMORY_S, generator, columns)
    base_kw = wanted_kw * (1 - APPLIANCE_SHARE) * np.exp(BLUR * blur - BLUR**2 / 2)
    load_kw: FloatArray = base_kw + _appliances_kw(wanted_kw * APPLIANCE_SHARE, step_s, generator)
    return load_kw


def _appliances_kw(wanted_kw: FloatArray, step_s: float, generator: np.random.Generator) -> FloatArray:
    """Switching on is a Poisson process whose expected energy is the wanted one; each run lasts a fixed time.

    A run that is shorter than a step is spread over it.
    """
    steps = max(1, round(APPLIANCE_S / step_s))
    power_kw = APPLIANCE_KW * APPLIANCE_S / (steps * step_s)
    energy_kwh = APPLIANCE_KW * APPLIANCE_S / SECONDS_PER_HOUR
    expected = wanted_kw * step_s / SECONDS_PER_HOUR / energy_kwh
    before = np.repeat(expected[:1], steps - 1, axis=0)
    started = generator.poisson(np.concatenate([before, expected]))
    total = np.cumsum(np.concatenate([np.zeros_like(started[:1]), started]), axis=0)
    running_kw: FloatArray = (total[steps:] - total[:-steps]) * power_kw
    return running_kw
