"""Sun, panels, clouds and households, against independent results and physical bounds."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sunshine import Reference, assert_a_measured_year_yields, assert_clear_days_yield, cases, site

from microgrid.assets.clouds import clear_sky_index
from microgrid.assets.community import synthetic_community
from microgrid.assets.load import Household, load_power_kw, mean_profile
from microgrid.assets.profile import Profiles
from microgrid.assets.pv import ac_power_kw, dc_power_kw
from microgrid.assets.registers import cumulative_wh, registers_wh
from microgrid.assets.site import Site
from microgrid.assets.weather import Sky, clear_sky, clouded, midpoints, sun_position
from microgrid.domain.intervals import Interval, interval_at

HOUR = 3_600
JUNE = interval_at(datetime(2026, 6, 15, tzinfo=UTC), HOUR)


def test_the_sun_stands_where_the_reference_has_it(reference: Reference) -> None:
    for case in cases(reference, "sunpos"):
        inputs, expected = case["inputs"], case["expected"]
        sun = sun_position(site(inputs), pd.DatetimeIndex([pd.Timestamp(inputs["utc"])])).iloc[0]
        tolerance = case["tolerance"]["SPA implementation"]
        assert sun["zenith"] == pytest.approx(expected["zenith_deg"], abs=tolerance), case["id"]
        assert sun["azimuth"] == pytest.approx(expected["azimuth_deg"], abs=tolerance), case["id"]


def test_modules_and_inverter_give_the_power_of_the_reference(reference: Reference) -> None:
    for case in cases(reference, "pvwatts"):
        inputs, expected = case["inputs"], case["expected"]
        plane, cell = np.array([float(inputs["poa_w_m2"])]), np.array([float(inputs["cell_temp_c"])])
        dc = dc_power_kw(plane, cell, inputs["pdc0_kw"], inputs["gamma_per_c"])
        assert dc[0] == pytest.approx(expected["pdc_kw"], abs=case["tolerance"])
        ac = ac_power_kw(dc, inputs["pdc0_kw"])
        assert ac[0] == pytest.approx(expected["pac_kw_inverter_pdc0_equal_nominal_eta96"], abs=case["tolerance"])


def test_a_clear_day_yields_what_the_reference_has(reference: Reference) -> None:
    assert_clear_days_yield(reference, lambda place, first: clear_sky(place, midpoints(first, 96)))


def test_a_measured_year_yields_what_the_reference_has(reference: Reference) -> None:
    def sky(place: Site, times: pd.DatetimeIndex, *light: np.ndarray) -> Sky:
        sun = sun_position(place, times)
        return Sky(times, sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy(), *light)

    assert_a_measured_year_yields(reference, sky)


def test_the_clear_sky_index_stays_physical_and_varies_from_day_to_day() -> None:
    index = clear_sky_index(96 * 60, 900.0, np.random.default_rng(1))
    assert index.min() >= 0.15
    assert index.max() <= 1.05
    by_day = index.reshape(60, 96).mean(axis=1)
    assert by_day.min() < 0.5
    assert by_day.max() > 0.9
    assert 0.6 < index.mean() < 0.85


def test_clouds_keep_the_parts_of_the_light_consistent() -> None:
    """Global = direct on the horizontal + diffuse, and never more than the index allows."""
    times = midpoints(JUNE, 24)
    clear = clear_sky(Site(), times)
    index = clear_sky_index(len(times), 900.0, np.random.default_rng(2))
    sky = clouded(clear, index)
    assert sky.ghi == pytest.approx(clear.ghi * index)
    up = np.cos(np.radians(sky.zenith_deg)) > 0.1
    direct = sky.dni * np.cos(np.radians(sky.zenith_deg))
    assert (direct + sky.dhi)[up] == pytest.approx(sky.ghi[up], rel=0.02, abs=1.0)


def test_the_mean_household_uses_its_yearly_mean() -> None:
    """The profile's own normalisation: one year of quarters has the mean 1, within its rounding and weekdays."""
    year = pd.date_range("2026-01-01", "2027-01-01", freq="15min", tz="UTC", inclusive="left")
    profile = mean_profile(pd.DatetimeIndex(year))
    assert profile.mean() == pytest.approx(1.0, rel=0.02)
    hours = profile.reshape(-1, 24, 4).mean(axis=(0, 2))
    assert hours.argmin() in range(1, 5)
    assert hours.argmax() in range(17, 21)


def test_the_household_lives_by_its_clock_on_the_days_the_clock_changes() -> None:
    """Noon in UTC is 13:00 in Berlin before 29 March 2026 and 14:00 after."""
    berlin = ZoneInfo("Europe/Berlin")
    for day, shift in ((28, 1), (29, 2)):
        start = datetime(2026, 3, day, 12, tzinfo=UTC)
        times = pd.DatetimeIndex([start])
        local = pd.DatetimeIndex([start + timedelta(hours=shift)])
        assert mean_profile(times, berlin) == pytest.approx(mean_profile(local, UTC))


def test_single_homes_differ_and_their_mean_is_the_profile() -> None:
    times = midpoints(JUNE, 24 * 14)
    homes = [Household(mean_kw=0.5)] * 200
    load = load_power_kw(homes, times, 900.0, np.random.default_rng(3))
    assert load.shape == (24 * 14 * 4, 200)
    assert load.min() > 0
    expected = 0.5 * mean_profile(times).mean()
    assert load.mean() == pytest.approx(expected, rel=0.03)
    assert np.corrcoef(load[:, 0], load[:, 1])[0, 1] < 0.5
    assert load.max() > 2.0


@pytest.fixture(scope="module")
def community() -> Profiles:
    return synthetic_community(10, JUNE, 24, np.random.default_rng(7))


def test_a_community_has_prosumers_and_consumers_within_the_stated_sizes(community: Profiles) -> None:
    assert community.home_ids == tuple(f"h{n:02d}" for n in range(1, 11))
    assert community.load_kwh is not None
    assert community.pv_kwh is not None
    assert (community.pv_kwh.sum(axis=0) == 0).sum() == 3
    assert community.pv_kwh.max() < 7.0
    assert community.load_kwh.min() > 0


def test_the_sun_shines_by_day_only(community: Profiles) -> None:
    assert community.pv_kwh is not None
    assert community.pv_kwh[[0, 1, 2, 22, 23]].sum() == 0
    assert community.pv_kwh[12].sum() > 0


def test_the_same_generator_makes_the_same_homes() -> None:
    one, other, third = (synthetic_community(4, JUNE, 6, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.net_kwh.tobytes() == other.net_kwh.tobytes()
    assert one.net_kwh.tobytes() != third.net_kwh.tobytes()


def test_shorter_intervals_carry_the_same_energy() -> None:
    quarter = interval_at(datetime(2026, 6, 15, tzinfo=UTC), 900)
    hours = synthetic_community(4, JUNE, 24, np.random.default_rng(1))
    quarters = synthetic_community(4, quarter, 96, np.random.default_rng(1))
    assert hours.net_kwh.sum(axis=0) == pytest.approx(quarters.net_kwh.sum(axis=0))


@pytest.mark.parametrize(
    ("homes", "first", "count"),
    [
        (1, JUNE, 24),
        (2, interval_at(datetime(2026, 12, 31, tzinfo=UTC), HOUR), 48),
        (3, interval_at(datetime(2026, 3, 29, tzinfo=UTC), 300), 12),
        (3, JUNE, 1),
    ],
    ids=["one home", "over new year", "five minutes", "one interval"],
)
def test_any_number_of_homes_and_intervals_works(homes: int, first: Interval, count: int) -> None:
    profiles = synthetic_community(homes, first, count, np.random.default_rng(0))
    assert profiles.net_kwh.shape == (count, homes)
    assert np.isfinite(profiles.net_kwh).all()


def test_a_community_without_panels_generates_nothing() -> None:
    profiles = synthetic_community(3, JUNE, 24, np.random.default_rng(0), consumer_share=1.0)
    assert profiles.export_kwh.sum() == 0


def test_south_of_the_equator_panels_face_north_and_winter_is_in_june() -> None:
    sydney = Site(-33.9, 151.3, 30.0)
    december = interval_at(datetime(2026, 12, 15, tzinfo=UTC), HOUR)
    yields = []
    for first in (JUNE, december):
        profiles = synthetic_community(10, first, 240, np.random.default_rng(5), site=sydney)
        assert profiles.pv_kwh is not None
        yields.append(profiles.pv_kwh.sum())
    assert yields[0] < 0.8 * yields[1]


def test_registers_show_zero_first_and_only_rise() -> None:
    imports, exports = registers_wh(np.array([[0.4, -1.0], [-0.2004, 0.0], [0.1006, 2.0]]))
    assert imports.tolist() == [[0, 0], [400, 0], [400, 0], [501, 2_000]]
    assert exports.tolist() == [[0, 0], [0, 1_000], [200, 1_000], [200, 1_000]]
    assert cumulative_wh(np.array([1.0]), initial_wh=7).tolist() == [7, 1_007]


def test_physics_libraries_are_loaded_only_when_homes_are_made() -> None:
    """Importing them takes a second that measured homes need not spend."""
    code = "import microgrid.assets.community, sys; print('pvlib' in sys.modules, 'demandlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
