"""Planning problems of made-up homes."""

import numpy as np

from microgrid.planning import Problem
from microgrid.sim.community import make_inputs
from microgrid.sim.scenario import Scenario

MICRO = 1e-6


def made_up(**settings: str) -> Problem:
    """The problem of a scenario's homes; settings as in a scenario file, with `__` for the dot."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    inputs = make_inputs(Scenario().with_settings({"homes.history_days": "0", **named}), 0)
    feed_in, retail = np.array([(band.feed_in, band.retail) for band in inputs.bands]).T * MICRO
    return Problem(
        dt_hours=inputs.first.hours,
        load_kwh=inputs.load_kwh,
        pv_kwh=inputs.pv_kwh,
        import_price=retail,
        export_price=feed_in,
        batteries=inputs.batteries,
    )
