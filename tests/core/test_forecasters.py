"""Forecasts of many series: what each plug-in says, that none but one sees the future, and how good they are."""

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.data.prices import read_prices
from microgrid.data.profiles import read_profiles
from microgrid.domain import plugins
from microgrid.domain.errors import MissingPartError, SeriesError
from microgrid.domain.interfaces import SeriesArray
from microgrid.planning.forecasters import cautious, climatology, exact, learned, persistence, seasonal_naive
from microgrid.planning.forecasters._simple import SimpleForecasts
from microgrid.planning.scoring import (
    mean_absolute_error,
    mean_absolute_scaled_error,
    root_mean_square_error,
    score_forecasters,
)

DAY = 24
AUGUST, DECEMBER = datetime(2016, 8, 1), datetime(2016, 12, 1)  # noqa: DTZ001 - the file keeps its local clock


def made_up(days: int, homes: int = 5, seed: int = 0) -> SeriesArray:
    generator = np.random.default_rng(seed)
    hours = np.arange(days * DAY)
    shape = np.maximum(np.sin((hours - 6) / 12 * np.pi), 0.0)
    weather = np.repeat(generator.uniform(0.3, 1.0, days), DAY)
    return np.outer(shape * weather, generator.uniform(1.0, 4.0, homes)) * generator.uniform(
        0.8, 1.2, (len(hours), homes)
    )


def test_what_each_forecaster_says_of_two_days() -> None:
    history, actual = np.arange(48.0)[:, None], np.full((50, 1), 7.0)
    yesterday = np.tile(np.arange(24.0, 48.0), 3)[:50]
    assert exact.build(3_600).ahead(history, actual, per_day=DAY).tolist() == actual.tolist()
    assert (persistence.build(3_600).ahead(history, actual, per_day=DAY) == 47.0).all()
    assert seasonal_naive.build(3_600).ahead(history, actual, per_day=DAY)[:, 0].tolist() == yesterday.tolist()
    assert learned.build(3_600).ahead(history, actual, per_day=DAY)[:, 0].tolist() == yesterday.tolist()
    usual = (yesterday - 12.0).tolist()
    assert climatology.build(3_600).ahead(history, actual, per_day=DAY)[:, 0].tolist() == usual


@pytest.mark.parametrize("name", [name for name in plugins.names("forecaster") if name != "exact"])
def test_another_future_changes_no_forecast(name: str) -> None:
    forecaster = plugins.load("forecaster", name).build(3_600)
    history = made_up(14)
    one, other = (forecaster.ahead(history, future, per_day=DAY) for future in (np.zeros((DAY, 5)), made_up(1, seed=9)))
    assert one.tobytes() == other.tobytes()


def test_what_comes_after_an_origin_changes_no_simple_forecast_made_there() -> None:
    """The past that a model is trained on must not know its own future."""
    origins, leads = np.array([49, 60, 71]), np.arange(DAY)
    one, other = made_up(5), made_up(5)
    for origin in origins:
        other[origin:] = made_up(5, seed=7)[origin:]
        here = [SimpleForecasts.of(series, DAY, 1).at(np.array([origin]), leads).tobytes() for series in (one, other)]
        assert here[0] == here[1]
        assert (SimpleForecasts.of(other, DAY, 1).at(np.array([origin + 1]), leads) != 0).any()
        other = one.copy()


def test_the_clear_sky_fades_with_what_came_of_it() -> None:
    """Half the usual sun all day is half the clear sky at every lead, and the median of the week takes no notice."""
    day = np.maximum(np.sin((np.arange(DAY) - 6) / 12 * np.pi), 0.0)[:, None]
    series = np.concatenate([np.tile(day, (6, 1)), day / 2])
    simple = SimpleForecasts.of(series, DAY, 1)
    forecasts = simple.at(np.array([6 * DAY + 18]), np.arange(1, 23))[0, :, 0]
    places = (6 * DAY + 18 + np.arange(1, 23)) % DAY
    assert forecasts[:, -3:] == pytest.approx(np.repeat(day[places] / 2, 3, axis=1))
    assert forecasts[6:, 2] == pytest.approx(day[places[6:], 0]), "one dull day of seven"


@pytest.mark.parametrize("per_day", [1, 2, 5, 96])
def test_days_of_any_number_of_intervals_are_learned(per_day: int) -> None:
    history = np.random.default_rng(3).uniform(0, 2, (9 * per_day + per_day // 2, 2))
    ahead = learned.build(3_600).ahead(history, np.zeros((2 * per_day + 1, 2)), per_day=per_day)
    assert ahead.shape == (2 * per_day + 1, 2)
    assert (ahead >= history.min(axis=0)).all()
    assert (ahead <= history.max(axis=0)).all()


def test_a_tariff_with_weekends_is_known_after_four_weeks() -> None:
    """Yesterday is wrong on every Saturday and Monday."""
    weekday, weekend = np.where(np.isin(np.arange(DAY), range(16, 21)), 0.54, 0.22), np.full(DAY, 0.3)
    prices = np.concatenate([weekend if day % 7 > 4 else weekday for day in range(42)])[:, None]
    scores = score_forecasters(prices, per_day=DAY, names=["learned", "seasonal_naive"], first_origin=28 * DAY)
    assert scores["seasonal_naive"].mae > 0.01
    assert scores["learned"].mae < 0.1 * scores["seasonal_naive"].mae


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-3_000, 3_000), max_size=200))
def test_the_cautious_forecast_of_one_home_is_the_first_of_many_intervals(values: list[int]) -> None:
    forecaster = cautious.build(3_600)
    history = np.array(values, dtype=np.int64)
    ahead = forecaster.ahead(history[:, None].astype(np.float64), np.zeros((3, 1)), per_day=DAY)
    assert forecaster.forecast(history, 0) == int(ahead[0, 0])


def test_the_cautious_forecaster_promises_the_low_quantile_of_each_time_of_day() -> None:
    """Interval k of a sawtooth: 20 % quantile of k - 1, k, k + 1 over seven days."""
    history = np.tile(np.arange(24.0), 8)[:, None] + 10.0
    ahead = cautious.build(3_600).ahead(history, np.zeros((48, 1)), per_day=DAY)
    assert ahead[5, 0] == pytest.approx(np.quantile(np.repeat([14.0, 15.0, 16.0], 7), 0.2))
    assert ahead[24:].tolist() == ahead[:24].tolist()


def test_nights_stay_dark_and_no_forecast_leaves_what_its_time_of_day_has_had() -> None:
    history = made_up(14)
    ahead = learned.build(3_600).ahead(history, np.zeros((DAY, 5)), per_day=DAY)
    days = history.reshape(14, DAY, 5)
    assert (ahead >= days.min(axis=0)).all()
    assert (ahead <= days.max(axis=0)).all()
    assert (ahead[days.max(axis=0) == 0] == 0).all()


def test_the_unit_does_not_matter_to_what_is_learned() -> None:
    history, future = made_up(14), np.zeros((DAY, 5))
    forecaster = learned.build(3_600)
    in_wh = forecaster.ahead(history * 1_000, future, per_day=DAY)
    assert in_wh / 1_000 == pytest.approx(forecaster.ahead(history, future, per_day=DAY))


def test_without_scikit_learn_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingPartError, match=r"microgrid\[learn\]"):
        learned.build(3_600)


@pytest.mark.parametrize(
    ("column", "start", "ratios"),
    [
        ("load_kwh", AUGUST, (0.9, 0.8)),
        ("pv_kwh", AUGUST, (0.95, 0.8)),
        ("load_kwh", DECEMBER, (0.9, 0.75)),
        ("pv_kwh", DECEMBER, (0.999, 0.75)),
    ],
    ids=["load in summer", "pv in summer", "load in winter", "pv in winter"],
)
def test_on_measured_homes_the_learned_forecast_beats_yesterday_and_the_last_value(
    shared_data: Path, column: str, start: datetime, ratios: tuple[float, float]
) -> None:
    """A day and an hour ahead, from every 31st hour, so that all times of day are origins; ratios of errors."""
    profiles = read_profiles(shared_data / "sierra_crest_hourly.csv.gz", start=start, hours=61 * DAY)
    series = getattr(profiles, column)
    for horizon, ratio in zip((DAY, 1), ratios, strict=True):
        scores = score_forecasters(
            series,
            per_day=DAY,
            names=["learned", "persistence"],
            horizon=horizon,
            first_origin=10 * DAY,
            stride=31,
        )
        assert scores["learned"].origins > 35
        assert 1.0 - scores["learned"].skill < ratio
        assert scores["learned"].mae < scores["persistence"].mae


def test_the_grids_price_is_forecast_as_any_other_series(shared_data: Path) -> None:
    """A time-of-use tariff repeats itself but for weekends: yesterday and the learned forecast err little."""
    table = read_prices(shared_data / "sierra_crest_price.csv")
    prices = np.array([retail for _, retail in list(table.prices.values())[: 40 * DAY]], dtype=np.float64)[:, None]
    scores = score_forecasters(prices / 1e6, per_day=DAY, names=["learned", "seasonal_naive"], first_origin=14 * DAY)
    assert scores["learned"].mae <= scores["seasonal_naive"].mae
    assert scores["learned"].mae < 0.05 * prices.mean() / 1e6


def test_errors_worked_by_hand() -> None:
    """Errors 1, -1, 3: MAE 5/3, RMSE sqrt(11/3); the history moves by 2 a day, so the MASE is 5/6."""
    actual, forecast = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [1.0], [6.0]])
    history = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    assert mean_absolute_error(forecast, actual) == pytest.approx(5 / 3)
    assert root_mean_square_error(forecast, actual) == pytest.approx((11 / 3) ** 0.5)
    assert mean_absolute_scaled_error(forecast, actual, history, per_day=2) == pytest.approx(5 / 6)
    assert np.isnan(mean_absolute_scaled_error(forecast, actual, np.ones((6, 1)), per_day=2))


def test_every_forecaster_is_scored_and_the_exact_one_is_perfect() -> None:
    scores = score_forecasters(made_up(8), per_day=DAY)
    assert set(scores) == set(plugins.names("forecaster"))
    assert (scores["exact"].mae, scores["exact"].skill) == (0.0, 1.0)
    assert scores["seasonal_naive"].skill == 0.0
    assert {score.origins for score in scores.values()} == {4}


def test_a_series_too_short_to_compare_is_refused() -> None:
    with pytest.raises(SeriesError, match="has 30 intervals"):
        score_forecasters(made_up(2)[:30], per_day=DAY)
    with pytest.raises(SeriesError, match="would know 3"):
        score_forecasters(made_up(4), per_day=DAY, first_origin=3)
