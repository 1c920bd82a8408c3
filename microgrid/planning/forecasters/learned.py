"""Weighs simple forecasts by how well they did, for all series together, hour by hour of the lead.

Yesterday, the same weekday, medians and means of the time of day, the last value and the clear sky times its present
index (`_simple.py`) are each hard to beat somewhere: medians for load, yesterday and the clear sky for PV, the same
weekday for a tariff, the last value for the coming hour. A weighted mean of forecasts beats them all (Bates and
Granger, Operational Research Quarterly 20 (1969) 451). It starts from weights (least error / error)^4, each error being
that of forecasts which could have been made in the past, and a share for yesterday. From there weights are learned with
the sum held at one, first for all leads together, then for each band of leads, starting from those for all.

What is made small is the absolute error, by iteratively reweighted least squares (Schlossmacher, J. Am. Stat. Assoc. 68
(1973) 857), plus a penalty on the squares of what weights move (scikit-learn's ridge regression), in units of each
series' mean. Where all simple forecasts agree nothing can move, so that nights stay dark and what never changes is
forecast exactly. Trained anew on the history at each call, at most 30 series of 28 days, and nothing else is known.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from microgrid.domain.errors import MissingPartError
from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.planning.forecasters._seasonal import same_time_yesterday
from microgrid.planning.forecasters._simple import WEEK, YESTERDAY, Places, SimpleForecasts

LEAST_DAYS: Final = 4
MOST_DAYS: Final = 28
FIRST_DAY: Final = 2
TRAINING_SERIES: Final = 30
ORIGIN_HOURS: Final = 11
BAND_HOURS: Final = (0, 1, 2, 4, 8, 16)
POWER: Final = 4.0
YESTERDAYS_SHARE: Final = 0.3
PENALTY: Final = 0.3
REWEIGHTINGS: Final = 6
LEAST_RESIDUAL: Final = 0.05
NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class LearnedForecaster:
    """Trains on the history it is given; with less than four days of it, the same time yesterday.

    Attributes:
        per_day: Intervals of a day, for single homes.
        ridge: scikit-learn's ridge regression.
    """

    per_day: int
    ridge: Any

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """The coming interval's net energy, Wh."""
        history = history_wh[:, None].astype(np.float64)
        return round(float(self.ahead(history, np.zeros((1, 1)), per_day=self.per_day)[0, 0]))

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """Forecast of one model for all N series, shape (S, N); from the second day on, the first one over and over."""
        steps, days = len(actual), min(len(history) // per_day, MOST_DAYS)
        if days < LEAST_DAYS or not history.shape[1]:
            return same_time_yesterday(history, steps, per_day)
        known = history[len(history) - days * per_day :]
        scale = np.abs(known).mean(axis=0)
        series = known / np.where(scale > 0, scale, 1.0)
        leads = np.arange(min(steps, per_day))
        weights = self._learn(series[:, :: -(-series.shape[1] // TRAINING_SERIES)], leads, per_day)
        simple = SimpleForecasts.of(series, per_day, days - 1)
        forecasts = simple.at(np.array([len(series)]), leads)[0]
        day = simple.within_range(len(series), np.einsum("knm,km->kn", forecasts, weights))
        repeated: SeriesArray = (day * scale)[np.arange(steps) % per_day]
        return repeated

    def _learn(self, series: SeriesArray, leads: Places, per_day: int) -> SeriesArray:
        """Weights of the simple forecasts for each lead, shape (K, M), from the past's origins every eleven hours."""
        stride, hourly = max(1, ORIGIN_HOURS * per_day // HOURS_PER_DAY), max(1, per_day // HOURS_PER_DAY)
        origins = np.arange(len(series) - len(leads), FIRST_DAY * per_day - 1, -stride)
        band, lessons = _bands(leads, per_day), leads[::hourly]
        forecasts = SimpleForecasts.of(series, per_day, FIRST_DAY - 1).at(origins, lessons)
        target = series[origins[:, None] + lessons]
        # With a fortnight, origins that do not know the same weekday yet say nothing of merit.
        fair = origins >= (WEEK if len(series) >= 2 * WEEK * per_day else FIRST_DAY) * per_day
        errors = np.abs(forecasts - target[..., None])[fair].mean(axis=(0, 1, 2))
        start = _by_merit(errors)
        if errors.min() <= NOTHING:
            return np.tile(start, (len(leads), 1))
        shared = self._fit(forecasts, target, start)
        own = {
            number: self._fit(forecasts[:, chosen], target[:, chosen], shared)
            for number in np.unique(band).tolist()
            if (chosen := band[::hourly] == number).any()
        }
        return np.stack([own.get(number, shared) for number in band.tolist()])

    def _fit(self, forecasts: SeriesArray, target: SeriesArray, start: SeriesArray) -> SeriesArray:
        """Weights of sum one with the least absolute error, not far from where they start, shape (M,)."""
        base = forecasts @ start
        inputs = (forecasts - base[..., None]).reshape(-1, len(start))
        residual = (target - base).ravel()
        size, error = float((inputs**2).mean()), float(np.abs(residual).mean())
        if min(size, error) <= NOTHING:
            return start
        penalty, moved = PENALTY * size * len(inputs), np.zeros(len(start))
        for _ in range(REWEIGHTINGS):
            certainty = 1.0 / np.maximum(np.abs(residual - inputs @ moved), LEAST_RESIDUAL * error)
            moved = self.ridge(inputs, residual, penalty, sample_weight=certainty / certainty.mean(), solver="cholesky")
        weights: SeriesArray = start * (1.0 - moved.sum()) + moved
        return weights


def _bands(leads: Places, per_day: int) -> Places:
    """Which band of hours each lead lies in, shape (K,)."""
    return np.searchsorted(BAND_HOURS, leads * HOURS_PER_DAY / per_day, side="right") - 1


def _by_merit(errors: SeriesArray) -> SeriesArray:
    """Weights of sum one, the larger the smaller the error; all to those without any, shape (M,)."""
    least = errors.min()
    if least <= NOTHING:
        perfect = errors <= NOTHING
        even: SeriesArray = perfect / perfect.sum()
        return even
    merit = (least / errors) ** POWER
    weights: SeriesArray = merit / merit.sum() * (1.0 - YESTERDAYS_SHARE)
    weights[YESTERDAY] += YESTERDAYS_SHARE
    return weights


def build(interval_seconds: int) -> LearnedForecaster:
    """A learned forecaster for intervals of this length.

    Raises:
        MissingPartError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import ridge_regression  # noqa: PLC0415 - an extra, and a second to import
    except ImportError as error:
        part, remedy = "scikit-learn", "install it with `pip install 'microgrid[learn]'` or choose another forecaster"
        raise MissingPartError(part, remedy) from error
    return LearnedForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds), ridge_regression)
