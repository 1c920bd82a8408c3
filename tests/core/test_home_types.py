"""The ten home types and the community that is made of them."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.assets import home_types
from microgrid.assets.home_options import HomeOptions
from microgrid.assets.home_types import HOME_TYPES
from microgrid.assets.homes import HomeCommunity, build_homes
from microgrid.assets.local_clock import local_seconds
from microgrid.assets.ownership import owners, whole_numbers
from microgrid.assets.site import Site
from microgrid.domain.errors import BadInputError
from microgrid.domain.intervals import Interval, interval_at

HOUR = 3_600
JUNE = interval_at(datetime(2026, 6, 15, tzinfo=UTC), HOUR)
DEFAULTS = HomeOptions()


def build(
    count: int = 100, steps: int = 24, seed: int = 7, first: Interval = JUNE, options: HomeOptions = DEFAULTS
) -> HomeCommunity:
    return build_homes(count, first, steps, np.random.default_rng(seed), options)


def test_the_table_keeps_to_the_stated_bounds() -> None:
    assert len(HOME_TYPES) == 10
    assert len({row.name for row in HOME_TYPES}) == 10
    assert sum(row.share for row in HOME_TYPES) == pytest.approx(1.0)
    for row in HOME_TYPES:
        assert 0.35 <= row.base_kwh_per_hour[0] < row.base_kwh_per_hour[1] <= 1.50
        assert row.pv_share == 0.0 or 2.5 <= row.pv_kw[0] < row.pv_kw[1] <= 7.0
        assert 5.0 <= row.battery_kwh[0] < row.battery_kwh[1] <= 20.0
    assert min(row.base_kwh_per_hour[0] for row in HOME_TYPES) == 0.35
    assert max(row.base_kwh_per_hour[1] for row in HOME_TYPES) == 1.50
    assert max(row.pv_kw[1] for row in HOME_TYPES) == 7.0
    assert max(row.battery_kwh[1] for row in HOME_TYPES) == 20.0
    assert any(row.pv_share == 0.0 for row in HOME_TYPES)


def test_the_documented_table_is_the_one_in_use() -> None:
    rows = [line.split("|")[1:-1] for line in (home_types.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(HOME_TYPES)
    for cells, row in zip(rows, HOME_TYPES, strict=True):
        name, share, base, panels, battery, car, pump = (cell.strip() for cell in cells)
        numbers = [[float(number) for number in re.findall(r"[\d.]+", text)] for text in (base, panels, battery)]
        assert (name, per_cent(share)) == (row.name, row.share)
        assert (per_cent(car), per_cent(pump)) == (row.ev_share, row.heat_pump_share)
        assert numbers[0] == list(row.base_kwh_per_hour)
        for text, found, owned, size in (
            (panels, numbers[1], row.pv_share, row.pv_kw),
            (battery, numbers[2], row.battery_share, row.battery_kwh),
        ):
            assert per_cent(text) == owned
            assert found[-2:] == (list(size) if owned else [])


def per_cent(text: str) -> float:
    words = {"all": 1.0, "none": 0.0}
    first = text.split(":", maxsplit=1)[0].strip()
    return words[first] if first in words else float(first.removesuffix("%")) / 100


def test_a_daily_shape_is_one_at_its_busiest_and_never_above_on_working_days() -> None:
    for row in HOME_TYPES:
        working, weekend = row.shape.quarters()
        assert working.max() == pytest.approx(1.0)
        assert working.min() > 0.05
        assert weekend.shape == (96,)
        assert 0.2 < working.mean() < 0.7


@pytest.mark.parametrize("start", [datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 6, 20, tzinfo=UTC)], ids=str)
def test_a_summer_day_of_a_hundred_homes_has_the_stated_energy(start: datetime) -> None:
    """800 to 1,000 kWh generated and 700 to 900 consumed, whatever the seed; a Monday and a Saturday."""
    for seed in range(20):
        homes = build(seed=seed, first=interval_at(start, HOUR))
        assert 800 <= homes.pv_kwh.sum() <= 1_000
        assert 700 <= homes.load_kwh.sum() <= 900


@pytest.mark.parametrize("count", [5, 10, 100, 1_000])
def test_four_homes_of_five_own_a_battery(count: int) -> None:
    homes = build(count=count, steps=1)
    assert (homes.battery_kwh > 0).sum() == 0.8 * count
    owned = homes.battery_kwh[homes.battery_kwh > 0]
    assert owned.min() >= 5.0
    assert owned.max() <= 20.0
    assert homes.battery_kw == pytest.approx(homes.battery_kwh / 2)


def test_every_type_occurs_with_its_share_and_its_sizes() -> None:
    homes = build(count=1_000, steps=1)
    for index, row in enumerate(HOME_TYPES):
        own = homes.type_index == index
        assert own.sum() == round(1_000 * row.share)
        panels = homes.pv_capacity_kw[own]
        assert abs((panels > 0).sum() - row.pv_share * own.sum()) <= 1
        assert ((panels == 0) | ((panels >= row.pv_kw[0]) & (panels <= row.pv_kw[1]))).all()
        assert abs((homes.ev_charger_kw[own] > 0).sum() - row.ev_share * own.sum()) <= 1
        assert abs((homes.heat_loss_kw_per_k[own] > 0).sum() - row.heat_pump_share * own.sum()) <= 1
    assert homes.type_names[0] == HOME_TYPES[homes.type_index[0]].name


def test_homes_with_panels_have_batteries_before_their_like_without() -> None:
    homes = build(count=1_000, steps=1)
    for index in range(len(HOME_TYPES)):
        own = homes.type_index == index
        panels, battery = homes.pv_capacity_kw[own] > 0, homes.battery_kwh[own] > 0
        assert battery[panels].all() or not battery[~panels].any()


def test_the_arrays_fit_together() -> None:
    homes = build(count=13, steps=30)
    assert homes.home_ids[:2] == ("h001", "h002")
    for table in (homes.load_kwh, homes.pv_kwh):
        assert table.shape == (30, 13)
        assert table.dtype == np.float64
        assert table.flags.c_contiguous
        assert np.isfinite(table).all()
    assert homes.load_kwh.min() > 0.0
    assert (homes.pv_kwh.sum(axis=0) > 0).tolist() == (homes.pv_capacity_kw > 0).tolist()
    assert homes.pv_kwh[[0, 1, 2, 23, 24, 25]].sum() == 0.0
    assert (homes.pv_kwh <= homes.pv_capacity_kw).all()
    assert homes.air_c.shape == (30,)
    assert ((homes.ev_charger_kw > 0) == (homes.ev_km_per_day > 0)).all()


def test_the_same_seed_makes_the_same_homes() -> None:
    one, other, third = build(seed=1), build(seed=1), build(seed=2)
    assert one.load_kwh.tobytes() == other.load_kwh.tobytes()
    assert one.pv_kwh.tobytes() == other.pv_kwh.tobytes()
    assert one.load_kwh.tobytes() != third.load_kwh.tobytes()


def test_another_share_of_batteries_or_cars_leaves_load_and_panels_alone() -> None:
    one, other = build(), build(options=HomeOptions(battery_share=0.2, ev_share=1.0, heat_pump_share=0.0))
    assert one.load_kwh.tobytes() == other.load_kwh.tobytes()
    assert one.pv_kwh.tobytes() == other.pv_kwh.tobytes()
    assert (other.battery_kwh > 0).sum() == 20
    assert (other.ev_charger_kw > 0).all()
    assert not other.heat_loss_kw_per_k.any()


def test_a_longer_run_begins_like_the_short_one() -> None:
    assert build(steps=48).load_kwh[:24].tobytes() == build(steps=24).load_kwh.tobytes()


def test_shorter_intervals_carry_about_the_same_energy() -> None:
    quarter = Interval(JUNE.index * 4, 900)
    assert build(first=quarter, steps=96).load_kwh.sum() == pytest.approx(build().load_kwh.sum(), rel=0.03)
    assert build(first=quarter, steps=96).pv_kwh.sum() == pytest.approx(build().pv_kwh.sum(), rel=1e-9)


def test_ranges_and_mix_can_be_chosen() -> None:
    options = HomeOptions(
        mix={"family": 3, "single": 1},
        base_kwh_per_hour=(1.0, 1.0),
        pv_share=1.0,
        pv_kw=(6.0, 6.5),
        battery_kwh=(9.0, 9.0),
    )
    homes = build(options=options)
    assert sorted(set(homes.type_names)) == ["family", "single"]
    assert homes.type_names.count("family") == 75
    assert homes.pv_capacity_kw.min() >= 6.0
    assert homes.pv_capacity_kw.max() <= 6.5
    assert set(homes.battery_kwh.tolist()) == {0.0, 9.0}


def test_consumers_that_get_panels_get_those_of_a_small_roof() -> None:
    homes = build(options=HomeOptions(pv_share=1.0))
    assert homes.pv_capacity_kw.min() == 2.5


def test_pvlib_gives_the_same_generation_within_a_per_cent() -> None:
    plain, other = build(), build(options=HomeOptions(sky="pvlib"))
    assert plain.load_kwh.tobytes() == other.load_kwh.tobytes()
    assert plain.pv_kwh.sum() == pytest.approx(other.pv_kwh.sum(), rel=0.01)


def test_south_of_the_equator_panels_face_north() -> None:
    sydney = Site(-33.9, 151.3, 30.0)
    homes = build_homes(20, JUNE, 24, np.random.default_rng(0), site=sydney)
    assert np.cos(np.radians(homes.azimuth_deg)).min() > 0.4


def test_homes_live_by_their_own_clock() -> None:
    """The evening peak of Los Angeles comes seven hours after that of a UTC community."""
    here = build(count=500, seed=3)
    there = build_homes(500, JUNE, 24, np.random.default_rng(3), timezone=ZoneInfo("America/Los_Angeles"))
    peak = here.load_kwh.sum(axis=1).argmax()
    assert there.load_kwh.sum(axis=1).argmax() == (peak + 7) % 24


def test_the_local_clock_is_right_on_the_days_it_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    times_s = datetime(2026, 3, 28, tzinfo=UTC).timestamp() + 900.0 * np.arange(0.5, 3 * 96)
    expected = []
    for instant in times_s.tolist():
        local = datetime.fromtimestamp(instant, berlin)
        expected.append(local.replace(tzinfo=UTC).timestamp())
    assert local_seconds(times_s, berlin).tolist() == expected


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"battery_share": 1.2}, "battery_share"),
        ({"pv_share": float("nan")}, "pv_share"),
        ({"pv_kw": (7.0, 2.5)}, "pv_kw"),
        ({"mix": {"castle": 1.0}}, "castle"),
        ({"mix": {"family": -1.0}}, "family"),
        ({"mix": {"family": 0.0}}, "mix"),
        ({"sky": "green"}, "green"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(bad: dict[str, object], named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        HomeOptions(**bad)  # type: ignore[arg-type]


def test_a_community_without_homes_or_time_is_refused() -> None:
    with pytest.raises(BadInputError, match="number of homes"):
        build(count=0)
    with pytest.raises(BadInputError, match="number of intervals"):
        build(steps=0)


@settings(max_examples=80)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=12).filter(lambda w: sum(w) > 1e-6), st.integers(0, 500))
def test_whole_numbers_sum_up_and_stay_within_one_of_their_share(weights: list[float], total: int) -> None:
    wanted = np.array(weights)
    numbers = whole_numbers(wanted, total)
    assert numbers.sum() == total
    assert np.abs(numbers - wanted * total / wanted.sum()).max() <= 1.0 + 1e-6


@settings(max_examples=80)
@given(
    kinds=st.lists(st.integers(0, 2), min_size=1, max_size=60),
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    mean=st.floats(0, 1) | st.none(),
)
def test_as_many_homes_own_a_thing_as_the_mean_share_says(
    kinds: list[int], shares: list[float], mean: float | None
) -> None:
    kind = np.array(kinds)
    own = owners(kind, shares, mean, np.random.default_rng(0))
    present = float(np.array(shares)[kind].mean())
    if mean is None or (mean <= present and not present):
        mean = present
    assert abs(own.sum() - mean * len(kinds)) <= 0.5 + 1e-6


def test_homes_are_made_without_pandas_and_the_physics_libraries() -> None:
    code = "import microgrid.assets.homes, sys; print({'pandas', 'pvlib', 'demandlib', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
