"""Clouds and air temperature: the stochastic part of the weather.

Clear-sky index k = GHI / clear GHI = 0.15 + 0.90 / (1 + exp(-x)), x = mean + weather_sd w + clouds_sd c, which sums two
Ornstein-Uhlenbeck processes of unit variance: the weather w with a memory of 18 h and passing clouds c with one of
20 min. Sampled exactly, x keeps its law at any step.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR

WEATHER_MEMORY_S = 18 * SECONDS_PER_HOUR
CLOUD_MEMORY_S = SECONDS_PER_HOUR / 3
WARMEST_HOUR = 15.0
DEGREES_PER_HOUR = 15.0


@dataclass(frozen=True, slots=True)
class Climate:
    """How clear the sky is and how much it changes.

    Attributes:
        mean: Of x; 0 stands for a clear-sky index of 0.6, 3 for one of 1.0.
        weather_sd: Standard deviation of x from day to day.
        clouds_sd: Standard deviation of x within the hour.
    """

    mean: float = 1.2
    weather_sd: float = 1.5
    clouds_sd: float = 0.6


CHANGEABLE = Climate()
"""Most skies are nearly clear, some overcast, as measured clear-sky indices are."""

FAIR = Climate(mean=1.6, weather_sd=0.3, clouds_sd=0.6)
"""Settled summer weather: some clouds pass, no day is overcast."""


def clear_sky_index(
    count: int, step_s: float, generator: np.random.Generator, climate: Climate = CHANGEABLE
) -> FloatArray:
    """Clear-sky index of a passing sky, shape (count,), 0.15…1.05; see the formula above."""
    weather = ornstein_uhlenbeck(count, step_s, WEATHER_MEMORY_S, generator)
    clouds = ornstein_uhlenbeck(count, step_s, CLOUD_MEMORY_S, generator)
    return 0.15 + 0.90 / (1.0 + np.exp(-(climate.mean + climate.weather_sd * weather + climate.clouds_sd * clouds)))


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


def air_temperature_c(longitude: float, times_s: FloatArray, mean_c: float = 18.0, swing_c: float = 6.0) -> FloatArray:
    """A cosine over the day, warmest at 15:00 solar time, shape of `times_s` (Unix seconds)."""
    solar_hour = times_s / SECONDS_PER_HOUR + longitude / DEGREES_PER_HOUR
    return mean_c + swing_c * np.cos(2 * np.pi * (solar_hour - WARMEST_HOUR) / HOURS_PER_DAY)
