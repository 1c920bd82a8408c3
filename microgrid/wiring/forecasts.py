"""Forecasters scored on a scenario's homes and prices."""

from collections.abc import Mapping

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import MissingPartError
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.domain.units import MICRO_PER_UNIT
from microgrid.planning.scoring import Score, score_forecasters
from microgrid.sim.inputs import price_columns
from microgrid.wiring.simulate import SimulationRequest, prepare


def score_community(
    request: SimulationRequest, *, horizon_hours: int = HOURS_PER_DAY, every_hours: int = HOURS_PER_DAY
) -> Mapping[str, Mapping[str, Score]]:
    """Scores by series (load, pv in kWh; feed_in, retail in currency per kWh) and forecaster.

    Forecasters whose packages are not installed are left out.

    Args:
        request: The scenario, its files and settings.
        horizon_hours: How far each forecast goes.
        every_hours: From one forecast to the next; 24 makes all of them at the same time of day.

    Raises:
        BadInputError: a file or setting that cannot be used.
        SeriesError: less than two days are known.
    """
    # All forecasters are compared, so the days that they learn from are wanted whatever the scenario's own is.
    prepared = prepare(request.with_settings({"planning.forecaster": "seasonal_naive"}))
    inputs = prepared.community(request.seed)
    per_day = max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // inputs.first.seconds)
    past = inputs.past
    prices = np.concatenate([past.prices, price_columns(inputs.bands)]) / MICRO_PER_UNIT
    series: dict[str, FloatArray] = {
        "load": np.concatenate([past.load_kwh, inputs.load_kwh]),
        "pv": np.concatenate([past.pv_kwh, inputs.pv_kwh]),
        "feed_in": prices[:, :1],
        "retail": prices[:, 1:],
    }
    names = [name for name in plugins.names("forecaster") if _is_installed(name)]
    per_hour = SECONDS_PER_HOUR // inputs.first.seconds
    horizon, stride = horizon_hours * per_hour, every_hours * per_hour
    return {
        name: score_forecasters(values, per_day=per_day, names=names, horizon=horizon, stride=stride)
        for name, values in series.items()
    }


def _is_installed(name: str) -> bool:
    """Whether the packages that a forecaster needs are there."""
    try:
        plugins.load("forecaster", name).build(SECONDS_PER_HOUR)
    except MissingPartError:
        return False
    return True
