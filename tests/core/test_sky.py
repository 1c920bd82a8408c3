"""The sky in plain numpy, against the reference results and against pvlib."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pvlib
import pytest
from sunshine import Reference, assert_a_measured_year_yields, assert_clear_days_yield, cases, site

from microgrid.assets.clouds import CHANGEABLE, FAIR, air_temperature_c, clear_sky_index
from microgrid.assets.pv import ac_power_kw, cell_temperature_c, dc_power_kw, plane_irradiance
from microgrid.assets.site import Site, interval_means, midpoints_s
from microgrid.assets.sky import PlainSky, extraterrestrial_w_m2, plain_clear_sky, plain_clouded, sun_position
from microgrid.assets.weather import Sky, clear_sky, clouded, midpoints
from microgrid.domain.intervals import Interval, interval_at

PLACES = {
    "valencia": Site(),
    "london": Site(51.5074, -0.1278, 20.0),
    "harare": Site(-17.8292, 31.0522, 1_490.0),
    "fontana": Site(34.0922, -117.435, 380.0),
}
DAYS = [datetime(2026, month, 15, tzinfo=UTC) for month in (1, 4, 7, 10)]


def test_the_sun_stands_where_the_reference_has_it(reference: Reference) -> None:
    """Ten times nearer than the file asks of simplified formulas: the almanac's are good to 0.01 degrees."""
    for case in cases(reference, "sunpos"):
        instant = datetime.fromisoformat(case["inputs"]["utc"]).timestamp()
        sun = sun_position(site(case["inputs"]), np.array([instant]))
        tolerance = case["tolerance"]["simplified formulas"] / 10
        assert sun.zenith_deg[0] == pytest.approx(case["expected"]["zenith_deg"], abs=tolerance), case["id"]
        assert sun.azimuth_deg[0] == pytest.approx(case["expected"]["azimuth_deg"], abs=tolerance), case["id"]


@pytest.mark.parametrize("place", PLACES)
def test_the_sun_keeps_to_nrels_algorithm_all_year(place: str) -> None:
    times = pd.date_range("2026-01-01", "2027-01-01", freq="97min", tz="UTC")
    expected = pvlib.solarposition.get_solarposition(times, PLACES[place].latitude, PLACES[place].longitude)
    sun = sun_position(PLACES[place], times.as_unit("s").asi8.astype(np.float64))
    assert np.abs(sun.zenith_deg - expected["zenith"]).max() < 0.03
    up = expected["elevation"].to_numpy() > 1.0
    assert np.abs(sun.apparent_zenith_deg - expected["apparent_zenith"])[up].max() < 0.06
    turned = (sun.azimuth_deg - expected["azimuth"].to_numpy() + 180.0) % 360.0 - 180.0
    across_the_sky = np.abs(turned) * np.sin(np.radians(expected["zenith"].to_numpy()))
    assert across_the_sky.max() < 0.03


def test_a_clear_day_yields_what_the_reference_has(reference: Reference) -> None:
    assert_clear_days_yield(reference, lambda place, first: plain_clear_sky(place, midpoints_s(first, 96)))


def test_a_measured_year_under_the_plain_sun_yields_what_the_reference_has(reference: Reference) -> None:
    def sky(place: Site, times: pd.DatetimeIndex, *light: np.ndarray) -> PlainSky:
        times_s = times.as_unit("s").asi8.astype(np.float64)
        sun = sun_position(place, times_s)
        return PlainSky(times_s, sun.apparent_zenith_deg, sun.azimuth_deg, *light)

    assert_a_measured_year_yields(reference, sky)


@pytest.mark.parametrize("place", PLACES)
def test_clear_days_have_the_energy_that_pvlib_gives_them(place: str) -> None:
    for start in DAYS:
        first = interval_at(start, 900)
        plain, other = (
            plain_clear_sky(PLACES[place], midpoints_s(first, 96)),
            clear_sky(PLACES[place], midpoints(first, 96)),
        )
        for name in ("ghi", "dni", "dhi"):
            assert getattr(plain, name).sum() == pytest.approx(getattr(other, name).sum(), rel=0.01), (start, name)


def test_clouds_part_the_light_as_pvlib_does() -> None:
    first = interval_at(datetime(2026, 7, 15, tzinfo=UTC), 900)
    index = clear_sky_index(96, 900.0, np.random.default_rng(4), CHANGEABLE)
    other = clouded(clear_sky(Site(), midpoints(first, 96)), index)
    plain = plain_clouded(plain_clear_sky(Site(), midpoints_s(first, 96)), index)
    for name in ("ghi", "dni", "dhi"):
        assert getattr(plain, name) == pytest.approx(getattr(other, name), rel=0.02, abs=3.0), name


def test_light_is_never_negative_and_there_is_none_at_night() -> None:
    sky = plain_clear_sky(Site(), midpoints_s(interval_at(datetime(2026, 1, 1, tzinfo=UTC), 900), 365 * 96))
    sky = plain_clouded(sky, np.full(365 * 96, 0.7))
    for light in (sky.ghi, sky.dni, sky.dhi):
        assert light.min() >= 0.0
        assert light[sky.zenith_deg > 90.0].max() == 0.0
    assert sky.ghi.max() > 600.0


def test_a_sky_with_pandas_times_lights_the_same_planes() -> None:
    first = interval_at(DAYS[2], 3_600)
    plain, other = plain_clear_sky(Site(), midpoints_s(first, 24)), clear_sky(Site(), midpoints(first, 24))
    assert isinstance(other, Sky)
    tilt, azimuth = np.array([20.0, 40.0]), np.array([120.0, 240.0])
    assert plane_irradiance(plain, tilt, azimuth) == pytest.approx(
        plane_irradiance(other, tilt, azimuth), rel=0.02, abs=2
    )


def test_panels_and_inverters_follow_pvlib() -> None:
    generator = np.random.default_rng(0)
    sky = plain_clear_sky(Site(), midpoints_s(interval_at(DAYS[1], 900), 96))
    tilt, azimuth = generator.uniform(0, 90, 8), generator.uniform(0, 360, 8)
    plane = plane_irradiance(sky, tilt, azimuth)
    expected = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sky.zenith_deg[:, None], sky.azimuth_deg[:, None],
        sky.dni[:, None], sky.ghi[:, None], sky.dhi[:, None], albedo=0.2,
    )["poa_global"]  # fmt: skip
    assert plane == pytest.approx(expected)
    cell = cell_temperature_c(plane, 18.0, 2.0)
    assert cell == pytest.approx(pvlib.temperature.faiman(plane, 18.0, 2.0))
    dc = dc_power_kw(plane, cell, 3.0, -0.0035)
    assert dc == pytest.approx(pvlib.pvsystem.pvwatts_dc(plane, cell, 3.0, -0.0035))
    assert ac_power_kw(dc, 2.5) == pytest.approx(pvlib.inverter.pvwatts(dc, 2.5, 0.96))


def test_the_earths_distance_follows_spencer() -> None:
    days = pd.date_range("2024-01-01 12:00", "2024-12-31 12:00", freq="D", tz="UTC")
    expected = pvlib.irradiance.get_extra_radiation(days.day_of_year.to_numpy(), method="spencer")
    assert extraterrestrial_w_m2(days.as_unit("s").asi8.astype(np.float64)) == pytest.approx(expected)


def test_settled_weather_has_no_overcast_day() -> None:
    index = clear_sky_index(96 * 60, 900.0, np.random.default_rng(1), FAIR)
    by_day = index.reshape(60, 96).mean(axis=1)
    assert by_day.min() > 0.7
    assert by_day.max() < 1.0


def test_it_is_warmest_in_the_afternoon() -> None:
    times_s = midpoints_s(Interval(0, 3_600), 24)
    air_c = interval_means(air_temperature_c(0.0, times_s, mean_c=10.0, swing_c=5.0), Interval(0, 3_600))
    assert air_c.mean() == pytest.approx(10.0)
    assert air_c.argmax() in (14, 15)
