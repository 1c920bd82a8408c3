"""Optimisers: the common behaviour of each, and reference results."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from behaviours.optimiser import OptimiserBehaviour
from planning_cases import case_l, measured_problem, toy_problem

from microgrid.domain import plugins
from microgrid.planning import Problem, plan
from microgrid.planning.invariants import broken
from microgrid.planning.problem import Metering

Reference = Callable[[str], dict[str, Any]]
OPTIMA = ["linear_program", "convex", "community_optimum"]
MAKERS = {"toy": ("h1", "h3", "h5", "h7", "h9", "r0", "r2", "r4")}
MEASURED = (
    "sc_shared_2016-08-01_11homes",
    "sc_shared_2016-12-05_11homes",
    "sc_shared_2017-04-10_1homes",
    "sc_shared_2016-08-15_2homes",
)


@pytest.fixture(scope="module", params=plugins.names("optimiser"))
def optimiser(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class TestEveryOptimiser(OptimiserBehaviour):
    """The suite of the interface, once a file in the folder."""


@pytest.fixture(scope="module")
def battery_cases(reference: Reference) -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in reference("battery_lp")["cases"]}


@pytest.fixture(params=[*MAKERS["toy"], *MEASURED])
def case(request: pytest.FixtureRequest, battery_cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return battery_cases[request.param]


@pytest.fixture
def make(case: dict[str, Any], request: pytest.FixtureRequest) -> Callable[[Metering], Problem]:
    if "data" not in case["inputs"]:
        return lambda metering: toy_problem(case, metering)
    folder: Path = request.getfixturevalue("shared_data")
    return lambda metering: measured_problem(case, folder, metering)


def test_the_lists_of_cases_are_those_of_the_file(battery_cases: dict[str, dict[str, Any]]) -> None:
    assert set(battery_cases) == {*MAKERS["toy"], *MEASURED}


@pytest.mark.parametrize("name", OPTIMA)
def test_the_optimum_of_every_reference_case_is_reached(
    name: str, case: dict[str, Any], make: Callable[[Metering], Problem]
) -> None:
    problem, expected = make("shared"), case["expected"]
    result = plan(problem, name)
    assert result.cost == pytest.approx(expected["optimal_cost"], abs=1e-5)
    assert broken(problem, result) == []
    bare = plan(problem.without_batteries(), name).cost
    assert bare == pytest.approx(expected["cost_without_battery"], abs=1e-5)


@pytest.mark.parametrize("name", ["linear_program", "convex"])
def test_homes_with_meters_of_their_own_reach_the_reference_sums(
    name: str, case: dict[str, Any], make: Callable[[Metering], Problem]
) -> None:
    if "sum_of_separate_homes_no_battery" not in case["expected"]:
        assert make("shared").homes == 1
        return
    problem, expected = make("separate"), case["expected"]
    result = plan(problem, name)
    assert result.cost == pytest.approx(expected["sum_of_separate_homes_with_batteries"], abs=1e-5)
    assert broken(problem, result) == []
    bare = plan(problem.without_batteries(), name).cost
    assert bare == pytest.approx(expected["sum_of_separate_homes_no_battery"], abs=1e-5)


@pytest.mark.parametrize("name", OPTIMA)
def test_one_central_battery_of_the_same_size_reaches_the_reference(
    name: str, case: dict[str, Any], make: Callable[[Metering], Problem]
) -> None:
    expected = case["expected"].get("optimal_cost_central_battery_same_total_size", case["expected"]["optimal_cost"])
    problem = make("shared")
    fleet = problem.batteries
    if not (np.ptp(fleet.eta_charge) == np.ptp(fleet.capacity_kwh) == np.ptp(fleet.charge_power_kw) == 0):
        return
    sums = {
        field: np.atleast_1d(getattr(fleet, field).sum())
        for field in ("capacity_kwh", "charge_power_kw", "discharge_power_kw", "soc_min_kwh", "soc_max_kwh", "soc0_kwh")
    }
    one = replace(
        fleet,
        home=[0],
        eta_charge=fleet.eta_charge[:1],
        eta_discharge=fleet.eta_discharge[:1],
        min_final_soc_kwh=np.atleast_1d(fleet.min_final_soc_kwh.sum()),
        **sums,
    )
    assert plan(replace(problem, batteries=one), name).cost == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("metering", ["separate", "shared"])
def test_greedy_lies_between_the_optimum_and_no_battery(
    metering: Metering, case: dict[str, Any], make: Callable[[Metering], Problem]
) -> None:
    problem = make(metering)
    greedy, best = (plan(problem, name).cost for name in ("greedy", "linear_program"))
    assert greedy >= best - 1e-9
    if not problem.batteries.soc0_kwh.any():
        assert greedy <= plan(problem.without_batteries(), "greedy").cost + 1e-9


def test_the_value_of_sharing_in_a_measured_week(battery_cases: dict[str, Any], shared_data: Path) -> None:
    case = battery_cases["sc_shared_2016-08-01_11homes"]
    alone, together = (measured_problem(case, shared_data, metering) for metering in ("separate", "shared"))
    costs = [plan(p).cost for p in (alone.without_batteries(), together.without_batteries(), alone, together)]
    assert [round(cost, 2) for cost in costs] == [459.20, 414.23, 309.05, 249.96]


@pytest.mark.parametrize("name", OPTIMA)
@pytest.mark.parametrize("intervals", [24, 96])
def test_a_hundred_homes_cost_what_two_peers_found(name: str, intervals: int, reference: Reference) -> None:
    expected = {case["id"]: case for case in reference("peer_books")["cases"]}["case_l"]["expected"]
    problem = case_l(intervals)
    result = plan(problem, name)
    assert result.cost == pytest.approx(expected[f"cost_T{intervals}"], abs=1e-3)
    assert broken(problem, result) == []


def test_what_memory_held_before_is_nothing_to_the_convex_model(
    battery_cases: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New memory full of infinities of both signs: CVXPY adds it up, but for the shape alone."""

    def soiled(*arguments: Any, **settings: Any) -> Any:
        array = np.zeros(*arguments, **settings)
        if array.dtype == np.float64:
            array.flat[::2], array.flat[1::2] = np.inf, -np.inf
        return array

    monkeypatch.setattr(np, "empty", soiled)
    case = battery_cases["h3"]
    assert plan(toy_problem(case), "convex").cost == pytest.approx(case["expected"]["optimal_cost"], abs=1e-5)
