"""Electric cars: what they need is always possible, and they charge at home only."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.assets.ev import Driving, ev_demand
from microgrid.assets.flexible_demand import FlexibleDemand
from microgrid.assets.homes import build_homes
from microgrid.domain.intervals import Interval, interval_at

HOUR = 3_600
MONDAY = interval_at(datetime(2026, 6, 15, tzinfo=UTC), HOUR)
PUNCTUAL = Driving(arrival_sd_h=0.0, departure_sd_h=0.0, daily_spread=0.0)


def assert_always_possible(demand: FlexibleDemand, hours: float) -> None:
    """Charging at once, as late as possible and anything in between keep to the bounds."""
    most_kwh = demand.power_kw * hours + 1e-9
    assert (demand.lower_kwh <= demand.upper_kwh + 1e-9).all()
    for total in (demand.lower_kwh, demand.upper_kwh, (demand.lower_kwh + demand.upper_kwh) / 2):
        steps = np.diff(total, axis=0, prepend=np.zeros((1, total.shape[1])))
        assert steps.min(initial=0.0) >= -1e-9
        assert (steps <= most_kwh).all()
    total = np.cumsum(demand.uncontrolled_kwh, axis=0)
    assert (demand.lower_kwh - 1e-9 <= total).all()
    assert (total <= demand.upper_kwh + 1e-9).all()
    assert demand.uncontrolled_kwh.min(initial=0.0) >= -1e-9
    assert (demand.uncontrolled_kwh <= most_kwh).all()


@settings(max_examples=80)
@given(
    chargers=st.lists(st.sampled_from([0.0, 3.7, 7.4, 11.0]), min_size=1, max_size=6),
    km=st.floats(0.0, 500.0),
    seconds=st.sampled_from([300, 900, 1_800, 3_600]),
    begin=st.integers(0, 400),
    steps=st.integers(1, 200),
    spread=st.floats(0.0, 6.0),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Sydney"]),
)
def test_every_car_can_always_be_charged(
    chargers: list[float], km: float, seconds: int, begin: int, steps: int, spread: float, zone: str
) -> None:
    first = Interval(interval_at(datetime(2026, 3, 27, tzinfo=UTC), seconds).index + begin, seconds)
    driving = Driving(arrival_sd_h=spread, departure_sd_h=spread)
    ways = np.full(len(chargers), km)
    demand = ev_demand(
        np.array(chargers), ways, first, steps, np.random.default_rng(0), driving=driving, timezone=ZoneInfo(zone)
    )
    assert demand.home.tolist() == [home for home, power in enumerate(chargers) if power]
    assert demand.upper_kwh.shape == (steps, len(demand.home))
    assert_always_possible(demand, first.hours)
    assert demand.lower_kwh[-1] == pytest.approx(demand.upper_kwh[-1], abs=1e-9)


def test_a_punctual_car_needs_its_way_between_six_and_half_past_seven() -> None:
    """40 km at 0.2 kWh/km are 8 kWh: two hours at 3.7 kW and 0.6 kWh more."""
    demand = ev_demand(np.array([3.7]), np.array([40.0]), MONDAY, 48, np.random.default_rng(0), driving=PUNCTUAL)
    upper, lower = demand.upper_kwh[:, 0], demand.lower_kwh[:, 0]
    assert upper[17] == 0.0
    assert upper[[18, 19, 20]] == pytest.approx([3.7, 7.4, 8.0])
    assert demand.uncontrolled_kwh[[17, 18, 19, 20, 21], 0] == pytest.approx([0.0, 3.7, 3.7, 0.6, 0.0])
    assert lower[28] == 0.0
    assert lower[29] == pytest.approx(8.0 - 1.5 * 3.7)
    assert lower[31] == pytest.approx(8.0)
    assert lower[-1] == pytest.approx(16.0)


def test_a_car_that_is_away_does_not_charge() -> None:
    """Bounds that are equal and level leave no freedom between ten in the morning and three in the afternoon."""
    driving = Driving(arrival_sd_h=0.5, departure_sd_h=0.5)
    chargers = np.full(50, 7.4)
    demand = ev_demand(chargers, np.full(50, 40.0), MONDAY, 24 * 7, np.random.default_rng(1), driving=driving)
    hour = np.arange(24 * 7) % 24
    away = (hour >= 10) & (hour < 15)
    assert demand.lower_kwh[away] == pytest.approx(demand.upper_kwh[away])
    assert demand.uncontrolled_kwh[away].max() == pytest.approx(0.0, abs=1e-9)


def test_a_need_beyond_the_night_is_capped_by_the_charger() -> None:
    demand = ev_demand(np.array([3.7]), np.array([1_000.0]), MONDAY, 40, np.random.default_rng(0), driving=PUNCTUAL)
    assert demand.upper_kwh[-1, 0] == pytest.approx(13.5 * 3.7)


def test_over_many_cars_the_distribution_is_the_documented_one() -> None:
    """Means of 18:00 and of 40 km a day, within three standard errors of 2,000 cars."""
    cars, days = 2_000, 5
    quarter = Interval(MONDAY.index * 4, 900)
    demand = ev_demand(np.full(cars, 11.0), np.full(cars, 40.0), quarter, 96 * days + 48, np.random.default_rng(2))
    energy_kwh = demand.upper_kwh[-1].mean() / days
    assert energy_kwh == pytest.approx(8.0, rel=0.02)
    starts_h = (demand.uncontrolled_kwh[:96] > 0).argmax(axis=0) / 4
    assert starts_h.mean() == pytest.approx(18.0, abs=0.25)
    assert starts_h.std() == pytest.approx(1.5, abs=0.15)


def test_the_cars_of_a_community_are_those_of_its_homes() -> None:
    homes = build_homes(100, MONDAY, 24, np.random.default_rng(3))
    demand = ev_demand(homes.ev_charger_kw, homes.ev_km_per_day, MONDAY, 24, np.random.default_rng(4))
    assert demand.home.tolist() == np.flatnonzero(homes.ev_charger_kw).tolist()
    assert 20 <= len(demand.home) <= 40
    assert demand.uncontrolled_kwh.sum() > 0


def test_the_same_seed_makes_the_same_cars() -> None:
    one, other = (ev_demand(np.full(3, 7.4), np.full(3, 30.0), MONDAY, 48, np.random.default_rng(5)) for _ in range(2))
    assert one.upper_kwh.tobytes() == other.upper_kwh.tobytes()


def test_a_community_without_cars_has_no_demand() -> None:
    demand = ev_demand(np.zeros(4), np.zeros(4), MONDAY, 24, np.random.default_rng(0))
    assert demand.upper_kwh.shape == (24, 0)
