"""How good forecasts are.

MAE = mean |e|, RMSE = sqrt(mean e²). MASE is the MAE over that of the seasonal naive forecast within the history,
scale = mean |y[t] - y[t - m]| with m the intervals of a day, per series, then averaged (Hyndman and Koehler,
International Journal of Forecasting 22 (2006) 679). Skill = 1 - MAE / MAE of the seasonal naive forecast of the same
intervals: 0 is as good as yesterday, 1 perfect.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.errors import SeriesError
from microgrid.domain.interfaces import Forecaster, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR

NAIVE = "seasonal_naive"


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of one forecaster over all origins, intervals and series.

    Attributes:
        mae: Mean absolute error, in the unit of the series.
        rmse: Root of the mean square error, in the unit of the series.
        mase: Mean absolute scaled error; NaN where no series ever changes from day to day.
        skill: 1 less the ratio to the seasonal naive forecast's MAE; NaN where that one makes no error.
        origins: Number of forecasts.
    """

    mae: float
    rmse: float
    mase: float
    skill: float
    origins: int


def mean_absolute_error(forecast: SeriesArray, actual: SeriesArray) -> float:
    """Mean of |forecast - actual| over everything."""
    return float(np.abs(forecast - actual).mean())


def root_mean_square_error(forecast: SeriesArray, actual: SeriesArray) -> float:
    """Root of the mean of (forecast - actual)² over everything."""
    return float(np.sqrt(((forecast - actual) ** 2).mean()))


def mean_absolute_scaled_error(
    forecast: SeriesArray, actual: SeriesArray, history: SeriesArray, *, per_day: int
) -> float:
    """MASE of forecasts of shape (S, N), scaled by a history of shape (H, N).

    A series that repeats itself day by day has no scale and is left out; NaN where all do.
    """
    scale = np.abs(history[per_day:] - history[:-per_day]).mean(axis=0)
    errors = np.abs(forecast - actual).mean(axis=0)
    moving = scale > 0
    return float((errors[moving] / scale[moving]).mean()) if moving.any() else float("nan")


def score_forecasters(
    series: SeriesArray,
    *,
    per_day: int,
    names: Iterable[str] | None = None,
    horizon: int | None = None,
    first_origin: int | None = None,
    stride: int | None = None,
) -> dict[str, Score]:
    """Score forecasters by rolling origin: each forecast knows what lies before its origin and nothing else.

    Args:
        series: N series over T intervals, shape (T, N).
        per_day: Intervals of a day.
        names: Forecasters; all by default.
        horizon: Intervals of each forecast, a day by default.
        first_origin: Number of intervals the first forecast knows, half of the series by default.
        stride: Intervals from one origin to the next, a day by default.

    Raises:
        SeriesError: too short for one day of history and one forecast.
        UnknownNameError: no forecaster of that name.
        MissingPartError: a forecaster needs a package that is not installed.
    """
    horizon = per_day if horizon is None else horizon
    first = max(per_day + 1, len(series) // 2) if first_origin is None else first_origin
    origins = range(first, len(series) - horizon + 1, per_day if stride is None else stride)
    if first <= per_day or not origins:
        raise SeriesError(found=len(series), first_origin=first, per_day=per_day, horizon=horizon)
    seconds = HOURS_PER_DAY * SECONDS_PER_HOUR // per_day
    chosen = {name: plugins.load("forecaster", name).build(seconds) for name in names or plugins.names("forecaster")}
    naive = _rolling(plugins.load("forecaster", NAIVE).build(seconds), series, origins, horizon, per_day)
    actual = np.concatenate([series[origin : origin + horizon] for origin in origins])
    reference = mean_absolute_error(naive, actual)
    return {
        name: _score(
            _rolling(made, series, origins, horizon, per_day), actual, series[:first], per_day, reference, origins
        )
        for name, made in chosen.items()
    }


def _rolling(forecaster: Forecaster, series: SeriesArray, origins: range, horizon: int, per_day: int) -> SeriesArray:
    """Forecasts of all origins one after the other, shape (origins * horizon, N)."""
    return np.concatenate([forecaster.ahead(series[:at], series[at : at + horizon], per_day=per_day) for at in origins])


def _score(
    forecast: SeriesArray, actual: SeriesArray, history: SeriesArray, per_day: int, reference: float, origins: range
) -> Score:
    error = mean_absolute_error(forecast, actual)
    return Score(
        error,
        root_mean_square_error(forecast, actual),
        mean_absolute_scaled_error(forecast, actual, history, per_day=per_day),
        1.0 - error / reference if reference else float("nan"),
        len(origins),
    )
