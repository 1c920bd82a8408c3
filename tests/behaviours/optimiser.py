"""What every optimiser does; a test class inherits this and has a fixture `optimiser`, its name."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import random_problem

from microgrid.assets.battery import BatteryFleet
from microgrid.assets.flexible import FlexibleLoads
from microgrid.domain.errors import InfeasibleError
from microgrid.planning import Problem, plan
from microgrid.planning.invariants import broken
from microgrid.planning.problem import Metering

METERINGS: list[Metering] = ["separate", "shared"]


class OptimiserBehaviour:
    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        homes=st.integers(1, 4),
        intervals=st.integers(1, 12),
        metering=st.sampled_from(METERINGS),
        curtailable=st.booleans(),
    )
    def test_every_invariant_holds_on_any_problem(
        self, optimiser: str, seed: int, homes: int, intervals: int, metering: Metering, *, curtailable: bool
    ) -> None:
        problem = random_problem(seed, homes, intervals, metering=metering, pv_curtailable=curtailable)
        assert broken(problem, plan(problem, optimiser)) == []

    def test_without_anything_to_decide_the_cost_is_that_of_the_meters(self, optimiser: str) -> None:
        problem = random_problem(3, 3, 8).without_batteries()
        problem = replace(problem, flexible=FlexibleLoads.none())
        net = problem.load_kwh - problem.pv_kwh
        expected = np.where(net > 0, problem.import_price * net, problem.export_price * net).sum()
        shared = replace(problem, metering="shared")
        if optimiser != "community_optimum":
            assert plan(problem, optimiser).cost == pytest.approx(expected, abs=1e-6)
        together = net.sum(axis=1)
        expected = np.where(together > 0, problem.import_price[:, 0], problem.export_price[:, 0]) @ together
        assert plan(shared, optimiser).cost == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("metering", METERINGS)
    def test_one_home_one_interval_no_sun_will_do(self, optimiser: str, metering: Metering) -> None:
        one = np.ones((1, 1))
        problem = Problem(1.0, one, 0 * one, 0.3 * one[0], 0.1 * one[0], metering=metering)
        assert plan(problem, optimiser).cost == pytest.approx(0.3)

    def test_a_battery_of_no_capacity_changes_nothing(self, optimiser: str) -> None:
        problem = random_problem(5, 2, 6)
        empty = BatteryFleet.of_homes([0, 1], 0.0, 2.0)
        result = plan(replace(problem, batteries=empty), optimiser)
        assert result.cost == pytest.approx(plan(problem.without_batteries(), optimiser).cost, abs=1e-6)
        assert np.abs(result.power_kwh).max() < 1e-6

    def test_the_sun_of_noon_serves_the_evening(self, optimiser: str) -> None:
        load, pv = np.array([[0.0], [1.0]]), np.array([[2.0], [0.0]])
        battery = BatteryFleet.of_homes(0, 1.0, 5.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        problem = Problem(1.0, load, pv, np.full(2, 0.3), np.full(2, 0.05), battery)
        result = plan(problem, optimiser)
        assert result.cost == pytest.approx(-0.05, abs=1e-6)
        assert result.soc_kwh[:, 0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)

    def test_equal_prices_for_both_directions_are_no_trouble(self, optimiser: str) -> None:
        problem = random_problem(8, 2, 6)
        problem = replace(problem, import_price=np.full(6, 0.2), export_price=np.full(6, 0.2))
        assert broken(problem, plan(problem, optimiser)) == []

    def test_a_battery_is_left_as_full_as_it_must_be(self, optimiser: str) -> None:
        battery = BatteryFleet.of_homes(0, 10.0, 1.0, lowest=0.0, start=0.0, final=0.3)
        nothing = np.zeros((8, 1))
        result = plan(Problem(0.5, nothing, nothing, np.full(8, 0.3), np.full(8, 0.1), battery), optimiser)
        assert result.soc_kwh[-1, 0] == pytest.approx(3.0, abs=1e-6)

    def test_a_final_state_out_of_reach_is_named(self, optimiser: str) -> None:
        battery = BatteryFleet.of_homes([1], 10.0, 1.0, lowest=0.0, start=0.0, final=0.5)
        nothing = np.zeros((3, 2))
        problem = Problem(1.0, nothing, nothing, np.full(3, 0.3), np.full(3, 0.1), battery)
        with pytest.raises(InfeasibleError, match=r"battery of home 1 .* 5 kWh: .* at most 2\.924 kWh"):
            plan(problem, optimiser)

    def test_a_load_that_can_wait_takes_the_sun_and_is_ready_in_time(self, optimiser: str) -> None:
        load, pv = np.zeros((4, 1)), np.array([[0.0], [2.0], [0.0], [0.0]])
        car = FlexibleLoads.in_windows(4, [0], [3.0], [2.0], [0], [2])
        problem = Problem(1.0, load, pv, np.full(4, 0.3), np.full(4, 0.1), flexible=car)
        result = plan(problem, optimiser)
        assert result.cost == pytest.approx(0.3, abs=1e-6)
        assert result.flex_kwh[:3].sum() == pytest.approx(3.0, abs=1e-6)

    def test_a_load_that_cannot_be_ready_in_time_is_named(self, optimiser: str) -> None:
        nothing = np.zeros((4, 2))
        cars = FlexibleLoads.in_windows(4, [0, 1], [1.0, 7.0], [2.0, 2.0], [0, 1], [3, 3])
        problem = Problem(1.0, nothing, nothing, np.full(4, 0.3), np.full(4, 0.1), flexible=cars)
        with pytest.raises(
            InfeasibleError, match=r"load . of home 1 cannot get 7 kWh by the end of interval 3 .* 6 kWh"
        ):
            plan(problem, optimiser)

    def test_the_same_problem_gives_the_same_plan(self, optimiser: str) -> None:
        problem = random_problem(11, 3, 12)
        one, other = (plan(problem, optimiser) for _ in range(2))
        assert one.cost == other.cost
        assert np.array_equal(one.soc_kwh, other.soc_kwh)
        assert one.optimiser == optimiser
