"""What every forecaster does; a test class inherits this and has a fixture `forecaster` for hourly intervals."""

import numpy as np

from microgrid.domain.interfaces import Forecaster


class ForecasterBehaviour:
    def test_a_forecast_is_a_whole_number_of_wh(self, forecaster: Forecaster) -> None:
        assert type(forecaster.forecast(np.array([5, -7, 9]), 3)) is int

    def test_a_home_without_history_gets_a_forecast(self, forecaster: Forecaster) -> None:
        assert type(forecaster.forecast(np.array([], dtype=np.int64), 0)) is int

    def test_what_never_changes_is_forecast_exactly(self, forecaster: Forecaster) -> None:
        assert forecaster.forecast(np.full(100, -250), -250) == -250
