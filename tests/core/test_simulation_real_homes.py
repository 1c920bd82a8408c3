"""The simulator on measured homes gives the bills that were computed independently of it.

The simulator counts whole Wh and micro, the references floats: over a week a home's bill differs by less than a cent.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from microgrid.data.prices import read_prices
from microgrid.data.profiles import read_profiles
from microgrid.domain.intervals import interval_range
from microgrid.domain.records import PriceBand
from microgrid.sim.inputs import bands_of, measured_inputs
from microgrid.sim.run import run
from microgrid.sim.scenario import Scenario
from microgrid.tariffs.table import TableTariff

Reference = Callable[[str], dict[str, Any]]
CENT = 0.01
WEEKS = ["sierra_2016-08-01_2016-08-08_flat", "sierra_2016-12-05_2016-12-12_tou"]
RULES = {
    "no_market": "p2g_bills",
    "mid_market_rate": "mmr_bills",
    "supply_demand_ratio": "sdr_bills",
}


def week(case: dict[str, Any], folder: Path, rules: Scenario) -> Any:
    inputs = case["inputs"]
    start, end = (datetime.fromisoformat(inputs[name]) for name in ("from", "to_exclusive"))
    hours = (end - start).total_seconds() / 3600
    profiles = read_profiles(folder / inputs["file"], start=start, hours=hours, homes=inputs["homes"])
    bands: list[PriceBand] = bands_of(rules, profiles.first, profiles.count)
    if isinstance(inputs["retail"], str):
        table = read_prices(folder / "sierra_crest_price.csv", feed_in_per_kwh=inputs["feed_in"])
        bands = TableTariff(table).bands(list(interval_range(profiles.first, profiles.count)))
    return measured_inputs(rules, profiles, None, bands, [], seed=0)


def rules_of(case: dict[str, Any], mechanism: str, **batteries: Any) -> Scenario:
    retail = case["inputs"]["retail"]
    return Scenario.from_mapping(
        {
            "market": {"mechanism": mechanism, "strategy": "truthful"},
            "batteries": {"model": "none", **batteries},
            "prices": {
                "tariff": "flat",
                "retail": 1.0 if isinstance(retail, str) else retail,
                "feed_in": case["inputs"]["feed_in"],
            },
        }
    )


@pytest.mark.parametrize("name", WEEKS)
@pytest.mark.parametrize("mechanism", RULES)
def test_bills_of_a_measured_week_are_those_of_the_reference(
    reference: Reference, shared_data: Path, name: str, mechanism: str
) -> None:
    case = next(case for case in reference("settlement_real_homes")["cases"] if case["id"] == name)
    rules = rules_of(case, mechanism)
    result = run(rules, inputs=week(case, shared_data, rules))
    assert (result.bill_micro / 1e6).tolist() == pytest.approx(case["expected"][RULES[mechanism]], abs=CENT)
    energy = result.metrics["energy"]
    assert energy["grid_import_kwh"] == pytest.approx(case["expected"]["grid_import_kwh"], abs=0.05)
    assert energy["grid_export_kwh"] == pytest.approx(case["expected"]["grid_export_kwh"], abs=0.05)
    assert energy["peak_import_kw"] == pytest.approx(case["expected"]["peak_net_import_kwh_per_slot"], abs=0.02)
    use = ("self_consumption", "self_sufficiency")
    for figure in use:
        expected = case["expected"][f"community_{figure}_without_sharing"]
        assert energy[figure] == pytest.approx(expected, abs=1e-4)
        assert energy[f"shared_{figure}"] == pytest.approx(
            case["expected"][f"community_{figure}_with_sharing"], abs=1e-4
        )


@pytest.mark.parametrize(
    ("model", "optimiser", "mechanism", "figure"),
    [
        ("none", "greedy", "no_market", "sum_of_separate_homes_no_battery"),
        ("none", "greedy", "mid_market_rate", "cost_without_battery"),
        ("individual", "linear_program", "no_market", "sum_of_separate_homes_with_batteries"),
        ("individual", "community_optimum", "mid_market_rate", "optimal_cost"),
    ],
)
def test_the_august_week_of_eleven_homes_costs_what_the_solvers_say(
    reference: Reference, shared_data: Path, model: str, optimiser: str, mechanism: str, figure: str
) -> None:
    """459.20 alone without batteries, 414.23 shared, 309.05 with batteries, 249.96 USD with batteries and shared."""
    case = next(c for c in reference("battery_lp")["cases"] if c["id"] == "sc_shared_2016-08-01_11homes")
    data = case["inputs"]["data"]
    week_case = {"inputs": {**data, "retail": "column", "feed_in": data["export_price"]}}
    rules = rules_of(
        week_case,
        mechanism,
        model=model,
        share=1.0,
        capacity_kwh=6.4,
        hours=6.4 / 5.0,
        round_trip_efficiency=0.9,
        soc_min=0.0,
        soc_max=1.0,
        soc_start=0.0,
    ).with_settings({"planning.optimiser": optimiser})
    result = run(rules, inputs=week(week_case, shared_data, rules))
    expected = case["expected"]
    assert result.metrics["bills"]["bill"] == pytest.approx(expected[figure], abs=0.1)
    assert result.metrics["bills"]["baseline"] == pytest.approx(expected["sum_of_separate_homes_no_battery"], abs=0.02)
