"""Heat pumps: the published efficiency, the heat of degree hours, and bounds that can always be kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.assets.heat_pump import Heating, coefficient_of_performance, heat_demand_kwh, heat_pump_demand
from microgrid.assets.homes import build_homes
from microgrid.domain.intervals import Interval

HOUR = Interval(490_000, 3_600)
WINTER = 3.0 + 4.0 * np.cos(2 * np.pi * (np.arange(48) - 15) / 24)


def test_the_efficiency_is_that_of_the_paper() -> None:
    """Worked by hand at lifts of 20, 40 and 60 K: 4.642, 2.978 and 1.818."""
    assert coefficient_of_performance(np.array([25.0, 5.0, -15.0]), 45.0) == pytest.approx([4.642, 2.978, 1.818])


def test_the_efficiency_is_held_where_the_fit_ends() -> None:
    assert coefficient_of_performance(np.array([40.0, -30.0]), 45.0) == pytest.approx(
        coefficient_of_performance(np.array([30.0, -15.0]), 45.0)
    )


def test_heat_is_loss_times_degree_hours() -> None:
    heat = heat_demand_kwh(np.array([0.2, 0.1]), np.array([5.5, 15.5, 20.0]), Interval(0, 1_800))
    assert heat == pytest.approx(np.array([[1.0, 0.5], [0.0, 0.0], [0.0, 0.0]]))


def test_electricity_is_heat_over_efficiency() -> None:
    demand = heat_pump_demand(np.array([0.0, 0.2]), np.array([5.0, 5.0]), HOUR)
    assert demand.home.tolist() == [1]
    assert demand.uncontrolled_kwh[:, 0] == pytest.approx([0.2 * 10.5 / 2.978] * 2)


def test_the_store_lets_the_pump_run_three_hours_ahead_and_never_behind() -> None:
    demand = heat_pump_demand(np.array([0.2]), WINTER, HOUR)
    total = np.cumsum(demand.uncontrolled_kwh[:, 0])
    assert demand.lower_kwh[:, 0] == pytest.approx(total)
    assert demand.upper_kwh[:-3, 0] == pytest.approx(total[3:])
    assert demand.upper_kwh[-3:, 0] == pytest.approx(total[-1])


def test_a_store_of_part_of_an_interval_holds_that_part() -> None:
    demand = heat_pump_demand(np.array([0.2]), np.full(10, 5.0), HOUR, Heating(buffer_hours=0.5))
    hourly = demand.uncontrolled_kwh[0, 0]
    assert (demand.upper_kwh - demand.lower_kwh)[:-1, 0] == pytest.approx(hourly / 2)


@settings(max_examples=60)
@given(
    losses=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=5),
    air=st.lists(st.floats(-40.0, 40.0), min_size=1, max_size=60),
    buffer_hours=st.floats(0.0, 12.0),
    seconds=st.sampled_from([900, 3_600]),
)
def test_every_house_can_always_be_heated(
    losses: list[float], air: list[float], buffer_hours: float, seconds: int
) -> None:
    interval = Interval(0, seconds)
    demand = heat_pump_demand(np.array(losses), np.array(air), interval, Heating(buffer_hours=buffer_hours))
    most = demand.power_kw * interval.hours
    total = np.cumsum(demand.uncontrolled_kwh, axis=0)
    assert (demand.uncontrolled_kwh >= 0).all()
    assert (demand.uncontrolled_kwh <= most + 1e-9).all()
    assert (demand.lower_kwh <= total + 1e-9).all()
    assert (total <= demand.upper_kwh + 1e-9).all()
    assert (np.diff(demand.upper_kwh, axis=0) >= -1e-9).all()
    assert demand.upper_kwh[-1] == pytest.approx(demand.lower_kwh[-1])


def test_a_community_heats_in_winter_and_not_in_summer() -> None:
    homes = build_homes(100, HOUR, 24, np.random.default_rng(0))
    summer = heat_pump_demand(homes.heat_loss_kw_per_k, homes.air_c + 10.0, HOUR)
    winter = heat_pump_demand(homes.heat_loss_kw_per_k, homes.air_c - 15.0, HOUR)
    assert summer.uncontrolled_kwh.sum() == 0.0
    per_house = winter.uncontrolled_kwh.sum(axis=0)
    assert per_house.min() > 5.0
    assert per_house.max() < 40.0
