"""Small scenarios and hand-made inputs for tests of the simulator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from microgrid.assets.profile import Profiles
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.sim.inputs import Inputs, bands_of, measured_inputs
from microgrid.sim.scenario import Scenario

HOUR = 3_600
FIRST = Interval(1_781_992_800 // HOUR, HOUR)


def scenario(document: Mapping[str, Any] | None = None, **settings: Any) -> Scenario:
    """Six homes and twelve hours around noon unless told otherwise; settings like `market__mechanism`."""
    base = Scenario.from_mapping({"start": "2026-06-21T06:00", "steps": 12, "homes": {"count": 6}, **(document or {})})
    return base.with_settings({name.replace("__", "."): _typed(value) for name, value in settings.items()})


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def inputs_of(
    rules: Scenario,
    load_kwh: npt.ArrayLike,
    pv_kwh: npt.ArrayLike,
    first: Interval = FIRST,
    bands: list[PriceBand] | None = None,
    seed: int = 0,
) -> Inputs:
    """Measured homes h0, h1, … with these loads and generations, shape (T, N)."""
    load, pv = np.array(load_kwh, dtype=np.float64), np.array(pv_kwh, dtype=np.float64)
    profiles = Profiles.from_load_and_pv([f"h{n}" for n in range(load.shape[1])], first, load, pv)
    return measured_inputs(rules, profiles, None, bands or bands_of(rules, first, len(load)), [], seed)
