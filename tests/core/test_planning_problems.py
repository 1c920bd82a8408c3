"""Plans at the edges: limits of connections, resale, prices below zero, limits that no plan keeps, wrong input."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import random_problem

from microgrid.assets.battery import BatteryFleet
from microgrid.assets.flexible import FlexibleLoads
from microgrid.domain.errors import BadInputError, InfeasibleError, PlanError, UnknownNameError
from microgrid.planning import Problem, plan
from microgrid.planning.decision import Decision
from microgrid.planning.invariants import broken
from microgrid.planning.overlap import overlap_kwh
from microgrid.planning.problem import Metering
from microgrid.planning.schedule import make_plan

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "shared": {"metering": "shared"},
    "curtailable": {"pv_curtailable": True},
    "wear": {"cycle_cost_per_kwh": 0.03},
    "no resale": {"grid_resale": False},
    "no resale, shared": {"grid_resale": False, "metering": "shared", "pv_curtailable": True},
    "limits of homes": {"home_import_limit_kw": 6.0, "home_export_limit_kw": 1.0, "pv_curtailable": True},
    "limits of homes, shared": {"metering": "shared", "home_export_limit_kw": 0.5, "pv_curtailable": True},
    "limit of the community": {"community_export_limit_kw": 2.0, "pv_curtailable": True},
    "limit of the shared meter": {"metering": "shared", "community_export_limit_kw": 1.0, "pv_curtailable": True},
}


class TestTwoFormulationsAndTwoSolversAgree:
    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 10_000), homes=st.integers(1, 4), intervals=st.integers(1, 30))
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_linear_program_and_convex_find_the_same_cost(
        self, variant: str, seed: int, homes: int, intervals: int
    ) -> None:
        problem = random_problem(seed, homes, intervals, **VARIANTS[variant])
        one, other = plan(problem, "linear_program"), plan(problem, "convex")
        assert one.cost == pytest.approx(other.cost, abs=1e-6)
        assert broken(problem, one) == broken(problem, other) == []

    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 10_000), homes=st.integers(1, 5), intervals=st.integers(1, 30))
    def test_the_community_optimum_is_the_bound_of_all(self, seed: int, homes: int, intervals: int) -> None:
        separate = random_problem(seed, homes, intervals)
        shared = replace(separate, metering="shared")
        bound = plan(separate, "community_optimum").cost
        assert bound == pytest.approx(plan(shared, "linear_program").cost, abs=1e-6)
        assert bound <= plan(separate, "linear_program").cost + 1e-6
        for name in ("greedy", "rolling_horizon"):
            assert plan(separate, name).cost >= plan(separate, "linear_program").cost - 1e-6
            assert plan(shared, name).cost >= bound - 1e-6

    def test_homes_of_different_shapes_and_prices_do_not_disturb_each_other(self) -> None:
        problem = random_problem(4, 4, 24)
        draw = np.random.default_rng(1)
        fleet = BatteryFleet.of_homes([0, 0, 2], [3.0, 5.0, 6.0], 2.0, round_trip=[0.8, 0.9, 0.95])
        prices = draw.uniform(0.2, 0.4, (24, 4))
        problem = replace(problem, batteries=fleet, import_price=prices, export_price=prices / 3)
        assert plan(problem).cost == pytest.approx(plan(problem, "convex").cost, abs=1e-6)
        alone = sum(plan(problem.of_home(home)).cost for home in range(4))
        assert plan(problem).cost == pytest.approx(alone, abs=1e-9)


class TestConnections:
    def test_a_battery_keeps_the_import_below_its_limit(self) -> None:
        load = np.array([[0.0], [0.0], [4.0]])
        battery = BatteryFleet.of_homes(0, 10.0, 5.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        problem = Problem(
            1.0, load, 0 * load, np.full(3, 0.3), np.full(3, 0.1), battery, home_import_limit_kw=np.array([2.0])
        )
        for name in ("linear_program", "convex", "community_optimum"):
            result = plan(problem, name)
            assert result.import_kwh.max() <= 2.0 + 1e-6
            assert result.import_kwh.sum() == pytest.approx(4.0, abs=1e-5)
        with pytest.raises(InfeasibleError, match="greedy does not look at connection limits"):
            plan(problem, "greedy")

    def test_a_load_above_the_limit_is_named(self) -> None:
        load = np.array([[1.0, 1.0], [1.0, 7.5]])
        problem = Problem(0.5, load, 0 * load, np.full(2, 0.3), np.full(2, 0.1), home_import_limit_kw=5.0)
        words = r"home 1 needs 10 kW more than its import limit and batteries give in interval 1"
        for name in ("linear_program", "convex", "community_optimum"):
            with pytest.raises(InfeasibleError, match=words):
                plan(problem, name)

    def test_pv_that_may_not_leave_is_named_unless_it_may_be_left_unused(self) -> None:
        pv = np.array([[3.0], [5.0]])
        problem = Problem(1.0, 0 * pv, pv, np.full(2, 0.3), np.full(2, 0.1), home_export_limit_kw=4.0)
        with pytest.raises(InfeasibleError, match=r"home 0 has 1 kW of PV more than its export limit .* interval 1"):
            plan(problem)
        assert plan(replace(problem, pv_curtailable=True)).cost == pytest.approx(-0.7)

    def test_limits_that_clash_only_together_are_found_by_making_them_soft(self) -> None:
        load = np.full((4, 1), 2.0)
        battery = BatteryFleet.of_homes(0, 10.0, 5.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        problem = Problem(
            1.0, np.array([[1.0], [1.0], [4.0], [4.0]]), 0 * load, np.full(4, 0.3), np.full(4, 0.1), battery,
            home_import_limit_kw=2.0,
        )  # fmt: skip
        with pytest.raises(InfeasibleError, match=r"excess home 0 takes 2 kWh more than its import limit") as caught:
            plan(problem)
        assert isinstance(caught.value, BadInputError)

    def test_a_clash_between_homes_names_the_community(self) -> None:
        load = np.full((2, 3), 2.0)
        problem = Problem(1.0, load, 0 * load, np.full(2, 0.3), np.full(2, 0.1), community_import_limit_kw=5.0)
        words = r"the connection of the community carries 1 kWh too much in interval [01]"
        for name in ("linear_program", "convex"):
            with pytest.raises(InfeasibleError, match=words):
                plan(problem, name)
        with pytest.raises(InfeasibleError, match="the shared meter takes 1 kWh more than its import limit"):
            plan(problem, "community_optimum")

    def test_a_car_and_a_limit_that_clash_are_named(self) -> None:
        load = np.full((3, 2), 1.0)
        car = FlexibleLoads.in_windows(3, [1], [6.0], [3.0], [0], [1])
        problem = Problem(1.0, load, 0 * load, np.full(3, 0.3), np.full(3, 0.1), flexible=car, home_import_limit_kw=3.0)
        with pytest.raises(InfeasibleError, match=r"home 1 takes .* kWh more|flexible load 0 of home 1 lacks 2 kWh"):
            plan(problem)

    @pytest.mark.parametrize("name", ["linear_program", "community_optimum"])
    def test_a_limit_that_only_waste_in_a_battery_would_keep_is_named(self, name: str) -> None:
        battery = BatteryFleet.of_homes(0, 1.0, 10.0, round_trip=0.81, lowest=0.0, highest=1.0, start=1.0)
        pv = np.array([[3.0]])
        problem = Problem(1.0, 0 * pv, pv, np.array([0.3]), np.array([0.1]), battery, home_export_limit_kw=2.0)
        with pytest.raises(InfeasibleError, match="only be kept by charging and discharging a battery at once"):
            plan(problem, name)


class TestResale:
    def problem(self, **changes: Any) -> Problem:
        battery = BatteryFleet.of_homes(0, 5.0, 5.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        nothing = np.zeros((2, 1))
        values: dict[str, Any] = {
            "dt_hours": 1.0, "load_kwh": nothing, "pv_kwh": nothing, "import_price": np.array([0.1, 0.5]),
            "export_price": np.array([0.05, 0.4]), "batteries": battery, "grid_resale": False,
        }  # fmt: skip
        return Problem(**(values | changes))

    @pytest.mark.parametrize("name", ["linear_program", "convex", "community_optimum"])
    def test_what_was_bought_is_not_sold_but_may_be_used(self, name: str) -> None:
        assert plan(self.problem(grid_resale=True), name).cost == pytest.approx(-1.5, abs=1e-6)
        assert plan(self.problem(), name).cost == pytest.approx(0.0, abs=1e-6)
        load = np.array([[0.0], [2.0]])
        assert plan(self.problem(load_kwh=load), name).cost == pytest.approx(0.2, abs=1e-6)

    @pytest.mark.parametrize("name", ["linear_program", "convex", "community_optimum"])
    def test_solar_energy_may_be_sold_later(self, name: str) -> None:
        pv = np.array([[3.0], [0.0]])
        assert plan(self.problem(pv_kwh=pv), name).cost == pytest.approx(-1.2, abs=1e-6)

    def test_the_account_holds_in_a_day_with_sun_and_load(self) -> None:
        problem = random_problem(2, 1, 24, grid_resale=False)
        problem = replace(problem, flexible=FlexibleLoads.none(), batteries=problem.batteries.starting_at(
            problem.batteries.soc_min_kwh
        ))  # fmt: skip
        result = plan(problem)
        surplus = np.maximum(problem.pv_kwh - problem.load_kwh, 0).sum()
        assert result.export_kwh.sum() <= surplus + problem.batteries.soc0_kwh.sum() + 1e-6

    def test_what_was_bought_under_one_plan_is_not_sold_under_the_next(self) -> None:
        """1 kWh is bought for 0.1 in hope of a load that does not come; selling it for 0.4 would break the rule."""
        battery = BatteryFleet.of_homes(0, 1.0, 1.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        nothing, expected = np.zeros((3, 1)), np.array([[0.0], [1.0], [0.0]])
        problem = Problem(
            1.0, nothing, nothing, np.array([0.1, 0.5, 0.5]), np.array([0.0, 0.4, 0.4]), battery, grid_resale=False
        )
        forecast = (expected, nothing)
        result = plan(problem, "rolling_horizon", horizon_steps=2, replan_steps=1, forecast=lambda a, b: tuple(
            (part if a == 0 else nothing)[a:b] for part in forecast
        ))  # fmt: skip
        assert result.charge_kwh.sum() == pytest.approx(1.0)
        assert (result.export_kwh.sum(), result.cost) == pytest.approx((0.0, 0.1))

    def test_only_the_part_of_the_stock_that_is_solar_is_sold(self) -> None:
        """1 kWh in stock, 0.25 of it solar, sold at 0.4."""
        battery = BatteryFleet.of_homes(0, 1.0, 1.0, round_trip=1.0, lowest=0.0, highest=1.0, start=1.0)
        nothing, price = np.zeros((1, 1)), np.array([0.4])
        problem = Problem(1.0, nothing, nothing, price, price, battery, grid_resale=False, solar0_kwh=np.array([0.25]))
        for name in ("linear_program", "convex", "rolling_horizon"):
            assert plan(problem, name).cost == pytest.approx(-0.1, abs=1e-6)
        with pytest.raises(PlanError, match="solar0_kwh"):
            replace(problem, solar0_kwh=np.zeros(2))

    @pytest.mark.parametrize("name", ["linear_program", "convex", "community_optimum"])
    def test_pv_that_no_wire_takes_is_left_unused_also_where_the_shared_meter_has_none_left_over(
        self, name: str
    ) -> None:
        """Home 0 has 2 kWh that may not leave it, home 1 needs 3 kWh and its battery is full: 3 - 1 kWh are bought."""
        battery = BatteryFleet.of_homes(1, 1.0, 1.0, round_trip=1.0, lowest=0.0, highest=1.0, start=1.0)
        problem = Problem(
            1.0, np.array([[0.0, 3.0]]), np.array([[2.0, 0.0]]), np.array([0.3]), np.array([0.1]), battery,
            metering="shared", pv_curtailable=True, grid_resale=False, home_export_limit_kw=np.array([0.0, 9.0]),
        )  # fmt: skip
        result = plan(problem, name)
        assert (result.cost, result.curtailed_kwh.sum()) == pytest.approx((0.6, 2.0), abs=1e-5)


class TestPricesBelowZero:
    def test_a_battery_never_wastes_energy_for_money(self) -> None:
        battery = BatteryFleet.of_homes(0, 2.0, 2.0, round_trip=0.81, lowest=0.0, highest=1.0, start=1.0)
        nothing = np.zeros((4, 1))
        prices = np.array([-0.1, -0.1, 0.3, 0.3])
        problem = Problem(1.0, nothing, nothing, prices, prices, battery)
        result = plan(problem)
        assert overlap_kwh(battery, result.charge_kwh, result.discharge_kwh).max() < 1e-6
        assert broken(problem, result) == []
        with pytest.raises(PlanError, match="linear_program"):
            plan(problem, "convex")

    def test_the_best_without_waste_is_found_by_trying_all(self) -> None:
        """One battery, two intervals, on a grid of flows: nothing beats the plan."""
        battery = BatteryFleet.of_homes(0, 1.0, 1.0, round_trip=0.64, lowest=0.0, highest=1.0, start=0.5)
        prices, nothing = np.array([-0.2, -0.1]), np.zeros((2, 1))
        result = plan(Problem(1.0, nothing, nothing, prices, prices, battery))
        best, steps = np.inf, np.linspace(-1, 1, 401)
        for first in steps:
            soc = 0.5 + 0.8 * first if first > 0 else 0.5 + first / 0.8
            if not -1e-9 <= soc <= 1 + 1e-9:
                continue
            after = np.where(steps > 0, soc + 0.8 * steps, soc + steps / 0.8)
            fits = (after >= -1e-9) & (after <= 1 + 1e-9)
            best = min(best, (prices[0] * first + prices[1] * steps[fits]).min())
        assert result.cost == pytest.approx(best, abs=1e-3)
        assert result.cost <= best + 1e-9

    def test_pv_is_left_unused_where_selling_costs(self) -> None:
        pv = np.ones((1, 1))
        problem = Problem(1.0, 0 * pv, pv, np.array([0.1]), np.array([-0.1]), pv_curtailable=True)
        for name in ("greedy", "linear_program", "convex", "rolling_horizon"):
            assert plan(problem, name).cost == pytest.approx(0.0, abs=1e-6)
            assert plan(replace(problem, pv_curtailable=False), name).cost == pytest.approx(0.1, abs=1e-6)

    @pytest.mark.parametrize("metering", ["separate", "shared"])
    def test_waste_that_spared_a_sale_below_zero_becomes_pv_left_unused(self, metering: Metering) -> None:
        """2 kWh of PV, 1.25 unused and 0.75 burnt in an empty battery of no size: all unused costs nothing."""
        one = np.ones((1, 1))
        battery = BatteryFleet.of_homes(0, 0.0, 1.0, round_trip=0.25)
        problem = Problem(
            1.0, 0 * one, 2 * one, np.array([0.3]), np.array([-0.1]), battery, metering=metering, pv_curtailable=True
        )
        result = make_plan(problem, Decision(one, one / 4, np.zeros((1, 0)), 1.25 * one), "by hand")
        assert (result.charge_kwh.sum(), result.curtailed_kwh.sum(), result.cost) == pytest.approx((0.0, 2.0, 0.0))
        for name in ("linear_program", "community_optimum"):
            assert plan(problem, name).cost == pytest.approx(0.0, abs=1e-6)


class TestRollingHorizon:
    def test_with_the_truth_and_the_whole_time_it_is_the_optimum(self) -> None:
        problem = random_problem(6, 3, 24)
        best = plan(problem, "linear_program").cost
        assert plan(problem, "rolling_horizon", horizon_steps=24).cost == pytest.approx(best, abs=1e-6)

    def test_a_forecast_as_arrays_or_as_a_function_gives_the_same_plan(self) -> None:
        problem, other = random_problem(6, 2, 24), random_problem(7, 2, 24)
        expected = (other.load_kwh, other.pv_kwh)
        settings_ = {"horizon_steps": 8, "replan_steps": 3}
        asked: list[tuple[int, int]] = []

        def forecast(start: int, stop: int) -> tuple[Any, Any]:
            asked.append((start, stop))
            return expected[0][start:stop], expected[1][start:stop]

        one = plan(problem, "rolling_horizon", forecast=expected, **settings_)
        two = plan(problem, "rolling_horizon", forecast=forecast, **settings_)
        assert one.cost == two.cost
        assert asked[:2] == [(0, 8), (3, 11)]
        assert asked[-1] == (21, 24)
        assert broken(problem, one) == []
        assert one.cost >= plan(problem, "linear_program").cost - 1e-9

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 9_999), horizon=st.integers(1, 10), every=st.integers(1, 10))
    def test_deadlines_beyond_the_horizon_are_kept(self, seed: int, horizon: int, every: int) -> None:
        problem = random_problem(seed, 2, 18)
        fleet = problem.batteries
        final = fleet.soc_min_kwh + 0.5 * (fleet.soc0_kwh - fleet.soc_min_kwh)
        problem = replace(problem, batteries=fleet.starting_at(fleet.soc0_kwh, final))
        result = plan(problem, "rolling_horizon", horizon_steps=max(horizon, every), replan_steps=every)
        assert broken(problem, result) == []

    def test_steps_and_forecasts_that_cannot_be_are_named(self) -> None:
        problem = random_problem(6, 2, 24)
        with pytest.raises(PlanError, match="replan_steps is 9; it must be between 1 and horizon_steps, 4"):
            plan(problem, "rolling_horizon", horizon_steps=4, replan_steps=9)
        with pytest.raises(PlanError, match=r"the forecast of PV is of shape \(3, 2\)"):
            plan(problem, "rolling_horizon", forecast=(problem.load_kwh, problem.pv_kwh[:3]))

    def test_a_limit_within_a_later_plan_is_named_with_its_start(self) -> None:
        load = np.array([[1.0], [1.0], [1.0], [9.0]])
        problem = Problem(1.0, load, 0 * load, np.full(4, 0.3), np.full(4, 0.1), home_import_limit_kw=5.0)
        with pytest.raises(InfeasibleError, match=r"counted from interval 2, where a plan begins: home 0 .* 1"):
            plan(problem, "rolling_horizon", horizon_steps=2, replan_steps=2)


class TestWrongProblems:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"load_kwh": np.array([[0.0, np.nan], [0.0, 0.0]])}, "load_kwh in interval 0 of home 1 is nan"),
            ({"pv_kwh": np.array([[0.0, 0.0], [-1.0, 0.0]])}, "pv_kwh in interval 1 of home 0 is -1; it must be 0 or"),
            ({"import_price": np.array([0.3, np.inf])}, "import_price in interval 1 of meter 0 is inf"),
            (
                {"export_price": np.array([0.1, 0.4])},
                "export_price in interval 1 of meter 0 is 0.4; it must be at most",
            ),
            ({"import_price": np.array([0.3])}, r"import_price is of shape \(1,\); it must be of shape \(2,\) or"),
            ({"pv_kwh": np.zeros((2, 3))}, r"pv_kwh is of shape \(2, 3\)"),
            ({"load_kwh": np.zeros((0, 2))}, "load_kwh is of shape .* at least one of each"),
            ({"load_kwh": np.zeros(2)}, r"load_kwh is of shape \(2,\)"),
            ({"dt_hours": 0.0}, "dt_hours is 0.0; it must be above zero"),
            ({"metering": "common"}, "metering is 'common'"),
            ({"cycle_cost_per_kwh": -1.0}, "cycle_cost_per_kwh is -1.0"),
            ({"home_import_limit_kw": np.array([1.0, -1.0])}, "home_import_limit_kw in interval 0 of home 1 is -1"),
            ({"community_export_limit_kw": np.nan}, "community_export_limit_kw is nan"),
            ({"batteries": BatteryFleet.of_homes([2], 5.0, 5.0)}, "home of a battery is 2; it must be one of the 2"),
            ({"flexible": FlexibleLoads.in_windows(3, [0], [1.0], [1.0], [0], [2])}, "flexible is for 3 intervals"),
        ],
    )
    def test_what_is_wrong_is_named(self, change: dict[str, Any], message: str) -> None:
        values: dict[str, Any] = {
            "dt_hours": 1.0, "load_kwh": np.zeros((2, 2)), "pv_kwh": np.zeros((2, 2)),
            "import_price": np.full(2, 0.3), "export_price": np.full(2, 0.1),
        }  # fmt: skip
        with pytest.raises(PlanError, match=message):
            Problem(**(values | change))

    def test_unknown_optimisers_and_parameters_are_named_with_what_there_is(self) -> None:
        problem = random_problem(1, 1, 2)
        with pytest.raises(UnknownNameError, match="did you mean 'linear_program'"):
            plan(problem, "linear_programme")
        with pytest.raises(UnknownNameError, match="known are forecast, horizon_steps, replan_steps"):
            plan(problem, "rolling_horizon", horizont=3)
        with pytest.raises(UnknownNameError, match="known are none"):
            plan(problem, "greedy", horizon_steps=3)


def test_wear_makes_a_battery_rest() -> None:
    battery = BatteryFleet.of_homes(0, 1.0, 1.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
    load = np.array([[0.0], [1.0]])
    problem = Problem(1.0, load, 0 * load, np.array([0.1, 0.3]), np.zeros(2), battery, cycle_cost_per_kwh=0.05)
    result = plan(problem)
    assert result.cost == pytest.approx(0.1 + 0.05 * 2)
    assert result.wear_cost == pytest.approx(0.1)
    assert plan(replace(problem, cycle_cost_per_kwh=0.11)).wear_cost == 0.0
