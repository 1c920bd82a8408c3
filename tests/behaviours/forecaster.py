"""What every forecaster does; a test class inherits this and has a fixture `forecaster` for hourly intervals."""

import numpy as np
import pytest

from microgrid.domain.interfaces import Forecaster


class ForecasterBehaviour:
    def test_a_forecast_is_a_whole_number_of_wh(self, forecaster: Forecaster) -> None:
        assert type(forecaster.forecast(np.array([5, -7, 9]), 3)) is int

    def test_a_home_without_history_gets_a_forecast(self, forecaster: Forecaster) -> None:
        assert type(forecaster.forecast(np.array([], dtype=np.int64), 0)) is int

    def test_what_never_changes_is_forecast_exactly(self, forecaster: Forecaster) -> None:
        assert forecaster.forecast(np.full(100, -250), -250) == -250

    @pytest.mark.parametrize("intervals", [0, 1, 5, 24, 60, 24 * 9])
    @pytest.mark.parametrize("steps", [1, 24, 50])
    def test_any_history_gives_a_finite_forecast_of_all_series(
        self, forecaster: Forecaster, intervals: int, steps: int
    ) -> None:
        generator = np.random.default_rng(0)
        history, actual = generator.normal(size=(intervals, 3)), generator.normal(size=(steps, 3))
        ahead = forecaster.ahead(history, actual, per_day=24)
        assert ahead.shape == (steps, 3)
        assert ahead.dtype == np.float64
        assert np.isfinite(ahead).all()

    @pytest.mark.parametrize("level", [-2.5, 0.0, 0.3])
    def test_series_that_never_change_are_forecast_exactly(self, forecaster: Forecaster, level: float) -> None:
        ahead = forecaster.ahead(np.full((24 * 8, 2), level), np.full((30, 2), level), per_day=24)
        assert ahead == pytest.approx(np.full((30, 2), level))

    def test_each_series_is_forecast_in_its_own_column(self, forecaster: Forecaster) -> None:
        """Columns in another order give the forecasts in that order."""
        history = np.random.default_rng(1).uniform(0, 2, (24 * 10, 4))
        actual = history[:24]
        order = [2, 0, 3, 1]
        ahead = forecaster.ahead(history, actual, per_day=24)
        assert forecaster.ahead(history[:, order], actual[:, order], per_day=24) == pytest.approx(ahead[:, order])

    def test_the_same_history_gives_the_same_forecast_and_stays_as_it_is(self, forecaster: Forecaster) -> None:
        history = np.random.default_rng(2).uniform(0, 2, (24 * 10, 4))
        kept, actual = history.copy(), history[:24].copy()
        one, other = (forecaster.ahead(history, actual, per_day=24) for _ in range(2))
        assert one.tobytes() == other.tobytes()
        assert history.tobytes() == kept.tobytes()
