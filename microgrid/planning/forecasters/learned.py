"""One linear model for all series, learned from their own past.

It starts from the mean m(k) of the same time of day over the last week and halfway between m and yesterday, and learns
how far to move towards what is listed in `_features`: yesterday, the median, the day before, the same weekday, the last
error, and how the last hours and the last day compare with the usual. All are zero where m and the days agree, so that
nights stay dark and what never changes is forecast exactly; no forecast leaves the range that its time of day has had.

The model is a ridge regression in units of each series' mean (scikit-learn), whose penalty pulls towards the start; the
absolute error is what counts, by iteratively reweighted least squares (Schlossmacher, J. Am. Stat. Assoc. 68 (1973)
857). It is trained anew on the history at each call, which takes milliseconds, and knows nothing else.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from microgrid.domain.errors import MissingPartError
from microgrid.domain.interfaces import EnergyArray, SeriesArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.planning.forecasters._seasonal import same_time_yesterday

WEEK: Final = 7
LEAST_DAYS: Final = 4
MOST_DAYS: Final = 28
TRAINING_SERIES: Final = 100
ORIGIN_HOURS: Final = 5
RECENT_HOURS: Final = 3
PENALTY: Final = 0.3
HALFWAY: Final = 0.5
REWEIGHTINGS: Final = 4
LEAST_RESIDUAL: Final = 0.1
MOST_RATIO: Final = 3.0


@dataclass(frozen=True, slots=True)
class LearnedForecaster:
    """Trains on the history it is given; with less than four days of it, the same time yesterday.

    Attributes:
        per_day: Intervals of a day, for single homes.
        ridge: The regression's class.
    """

    per_day: int
    ridge: Any

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:  # noqa: ARG002 - unknown to a home
        """The coming interval's net energy, Wh."""
        history = history_wh[:, None].astype(np.float64)
        return round(float(self.ahead(history, np.zeros((1, 1)), per_day=self.per_day)[0, 0]))

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """Forecast of one model for all N series, shape (S, N)."""
        steps, days = len(actual), len(history) // per_day
        if days < LEAST_DAYS:
            return same_time_yesterday(history, steps, per_day)
        known = history[-MOST_DAYS * per_day :]
        scale = np.abs(known).mean(axis=0)
        series = known / np.where(scale > 0, scale, 1.0)
        window = min(WEEK, days // 2) * per_day
        weights = self._train(series[:, :: -(-series.shape[1] // TRAINING_SERIES)], steps, window, per_day)
        base, features = _features(series[-window:], steps, per_day)
        for weight, feature in zip(weights, features, strict=True):
            base += weight * feature
        return _within_range(known, base * scale, per_day)

    def _train(self, series: SeriesArray, steps: int, window: int, per_day: int) -> SeriesArray:
        """Weight of each feature, from forecasts that could have been made every five hours."""
        steps, stride = min(steps, per_day), max(1, ORIGIN_HOURS * per_day // HOURS_PER_DAY)
        columns, targets = [], []
        for origin in range(len(series) - steps, window - 1, -stride):
            base, features = _features(series[origin - window : origin], steps, per_day)
            columns.append(np.stack(features, axis=-1).reshape(-1, len(features)))
            targets.append((series[origin : origin + steps] - base).ravel())
        inputs, target = np.concatenate(columns), np.concatenate(targets)
        size = np.sqrt((inputs**2).mean(axis=0)) + np.finfo(np.float64).tiny
        start = np.zeros(len(size))
        start[0] = HALFWAY
        weights: SeriesArray = start + self._fit(inputs / size, target - inputs @ start) / size
        return weights

    def _fit(self, inputs: SeriesArray, target: SeriesArray) -> SeriesArray:
        """Least absolute residuals with a penalty on the weights' squares."""
        certainty = np.ones(len(target))
        for _ in range(1 + REWEIGHTINGS):
            model = self.ridge(alpha=PENALTY * len(target), fit_intercept=False)
            model.fit(inputs, target, sample_weight=certainty)
            certainty = 1.0 / np.maximum(np.abs(target - model.predict(inputs)), LEAST_RESIDUAL)
            certainty /= certainty.mean()
        return np.asarray(model.coef_, dtype=np.float64)


def _features(window: SeriesArray, steps: int, per_day: int) -> tuple[SeriesArray, list[SeriesArray]]:
    """Mean of the same time of day, and what may be added to it; each of shape (steps, N)."""
    days = window.reshape(-1, per_day, window.shape[1])
    mean, phase = days.mean(axis=0), np.arange(steps) % per_day
    base = mean[phase]
    hours = (np.arange(steps) * HOURS_PER_DAY / per_day)[:, None]
    recent = max(1, RECENT_HOURS * per_day // HOURS_PER_DAY)
    hour_trend = base * _above_usual(window[-recent:], mean[-recent:])
    return base, [
        days[-1][phase] - base,
        np.median(days, axis=0)[phase] - base,
        days[0][phase] - base,
        days[-2][phase] - base,
        base * _above_usual(days[-1], mean),
        hour_trend * np.exp(-hours / 2.0),
        hour_trend * np.exp(-hours / 6.0),
        np.where(base != 0, (window[-1] - mean[-1]) * np.exp(-hours / 1.5), 0.0),
    ]


def _above_usual(recent: SeriesArray, usual: SeriesArray) -> SeriesArray:
    """By what share a sum exceeds the usual one, shape (N,); 0 where the usual is next to nothing or negative."""
    total = usual.sum(axis=0)
    some = total > np.finfo(np.float32).eps * len(usual)
    ratio = np.clip(recent.sum(axis=0) / np.where(some, total, 1.0), 0.0, MOST_RATIO)
    return np.where(some, ratio - 1.0, 0.0)


def _within_range(history: SeriesArray, forecast: SeriesArray, per_day: int) -> SeriesArray:
    """Held between the least and the most that this time of day has had, shape (S, N)."""
    whole = len(history) // per_day * per_day
    days = history[len(history) - whole :].reshape(-1, per_day, history.shape[1])
    phase = np.arange(len(forecast)) % per_day
    held: SeriesArray = np.clip(forecast, days.min(axis=0)[phase], days.max(axis=0)[phase])
    return held


def build(interval_seconds: int) -> LearnedForecaster:
    """A learned forecaster for intervals of this length.

    Raises:
        MissingPartError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import Ridge  # noqa: PLC0415 - an extra, and a second to import
    except ImportError as error:
        part, remedy = "scikit-learn", "install it with `pip install 'microgrid[learn]'` or choose another forecaster"
        raise MissingPartError(part, remedy) from error
    return LearnedForecaster(max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // interval_seconds), Ridge)
