"""What the two skies, pvlib's and the plain one, are both held against: cases of the reference file and a year."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pvlib
import pytest

from microgrid.assets.pv import cell_temperature_c, dc_power_kw, plane_irradiance
from microgrid.assets.site import Site
from microgrid.domain.intervals import Interval, interval_at

Reference = Callable[[str], dict[str, Any]]
LOSS_PER_C = -0.004


def cases(reference: Reference, prefix: str) -> list[dict[str, Any]]:
    found = [case for case in reference("pv")["cases"] if case["id"].startswith(prefix)]
    assert found
    return found


def site(inputs: dict[str, Any]) -> Site:
    return Site(inputs["latitude"], inputs["longitude"], inputs["altitude_m"])


def assert_clear_days_yield(reference: Reference, sky_of: Callable[[Site, Interval], Any]) -> None:
    """The light and yield of a sky over the 96 quarters of each clear day are within 1 % of the reference.

    Args:
        reference: Reads reference files.
        sky_of: Light over a day of quarters from the first one on.
    """
    for case in cases(reference, "clearday"):
        inputs = case["inputs"]
        start = datetime.fromisoformat(inputs["date_local"]).replace(tzinfo=ZoneInfo(inputs["timezone"]))
        sky = sky_of(site(inputs), interval_at(start, 900))
        plane = _plane(sky, inputs)
        dc = dc_power_kw(plane, cell_temperature_c(plane, 25.0), 1.0, LOSS_PER_C)
        result = {
            "ghi_kwh_m2": sky.ghi.sum() / 4_000,
            "poa_kwh_m2": plane.sum() / 4_000,
            "dc_kwh_per_kw": dc.sum() / 4,
            "peak_dc_kw_per_kw": dc.max(),
        }
        assert result == pytest.approx(case["expected"], rel=0.01), case["id"]


def assert_a_measured_year_yields(reference: Reference, sky_of: Callable[..., Any]) -> None:
    """The typical year of Greensboro that comes with pvlib, sun at the middle of the hour.

    Args:
        reference: Reads reference files.
        sky_of: Light from a site, times, and measured global, direct and diffuse light in W/m².
    """
    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    data, meta = pvlib.iotools.read_tmy3(path, coerce_year=1990, map_variables=True)
    place = Site(meta["latitude"], meta["longitude"], meta["altitude"])
    times = pd.DatetimeIndex(data.index.tz_convert("UTC")) - pd.Timedelta(minutes=30)
    sky = sky_of(place, times, *(data[column].to_numpy(dtype=np.float64) for column in ("ghi", "dni", "dhi")))
    air, wind = (data[name].to_numpy(dtype=np.float64)[:, None] for name in ("temp_air", "wind_speed"))
    for case in cases(reference, "greensboro"):
        plane = _plane(sky, case["inputs"])
        dc = dc_power_kw(plane, cell_temperature_c(plane, air, wind), 1.0, LOSS_PER_C)
        result = {"year_poa_kwh_m2": plane.sum() / 1_000, "year_dc_kwh_per_kw": dc.sum()}
        assert result == pytest.approx(case["expected"], rel=0.01), case["id"]


def _plane(sky: Any, inputs: dict[str, Any]) -> Any:
    return plane_irradiance(sky, np.array([float(inputs["tilt_deg"])]), np.array([float(inputs["azimuth_deg"])]))
