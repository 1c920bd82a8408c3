"""Energy and bills of measured communities without a market and with free sharing, against independent results."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid.assets.profile import Profiles
from microgrid.data.prices import read_prices
from microgrid.data.profiles import read_profiles
from microgrid.domain.records import PriceBand
from microgrid.domain.units import MICRO_PER_UNIT, units
from microgrid.market.sharing import bill_sharing_bills, mid_market_bills, supply_demand_bills
from microgrid.settlement.community import bills_without_market, community_bill, self_use, shared_energy
from microgrid.settlement.statement import MeteredEnergy, amount_without_market_micro
from microgrid.tariffs import flat, table

Reference = Callable[[str], dict[str, Any]]

CASES = [
    *(
        f"sierra_{start}_{end}_{tariff}"
        for start, end in (
            ("2016-08-01", "2016-08-08"),
            ("2016-12-05", "2016-12-12"),
            ("2016-08-01", "2016-10-01"),
            ("2016-12-01", "2017-02-01"),
            ("2017-04-01", "2017-05-01"),
        )
        for tariff in ("flat", "tou")
    ),
    "bondi_2017-01-02_2017-01-16_flat",
    "bondi_2017-06-05_2017-06-19_flat",
]


class Case:
    """One reference case with its profiles and bands."""

    def __init__(self, document: dict[str, Any], name: str, folder: Path) -> None:
        case = next(case for case in document["cases"] if case["id"] == name)
        self.expected = case["expected"]
        self.tolerance = document["tolerance"]
        inputs = case["inputs"]
        start, end = datetime.fromisoformat(inputs["from"]), datetime.fromisoformat(inputs["to_exclusive"])
        hours = (end - start).total_seconds() / 3_600
        self.profiles: Profiles = read_profiles(
            folder / inputs["file"], start=start, hours=hours, homes=inputs["homes"]
        )
        if isinstance(inputs["retail"], str):
            prices = read_prices(folder / "sierra_crest_price.csv", feed_in_per_kwh=inputs["feed_in"])
            tariff: Any = table.build(table=prices)
        else:
            tariff = flat.build(retail=inputs["retail"], feed_in=inputs["feed_in"])
        self.bands: list[PriceBand] = tariff.bands(self.profiles.intervals)

    @property
    def retail(self) -> np.ndarray:
        return np.array([band.retail for band in self.bands]) / MICRO_PER_UNIT

    @property
    def feed_in(self) -> np.ndarray:
        return np.array([band.feed_in for band in self.bands]) / MICRO_PER_UNIT


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, reference: Reference, shared_data: Path) -> Case:
    return Case(reference("settlement_real_homes"), request.param, shared_data)


def test_every_reference_case_is_run(reference: Reference) -> None:
    assert {case["id"] for case in reference("settlement_real_homes")["cases"]} == set(CASES)


def test_bills_without_a_market(case: Case) -> None:
    profiles = case.profiles
    bills = bills_without_market(profiles.import_kwh, profiles.export_kwh, case.retail, case.feed_in)
    assert bills.tolist() == pytest.approx(case.expected["p2g_bills"], abs=case.tolerance)
    assert bills.sum() == pytest.approx(case.expected["community_bill_p2g"], abs=case.tolerance)


def rounding_bound(case: Case) -> float:
    """How far rounding can move a bill.

    Registers are off by 0.5 Wh at most, so by Abel summation a bill is off by half a Wh times the last price and the
    sum of price changes, of both registers; and each interval's money is rounded by less than a micro.
    """
    per_wh = sum(price[-1] + np.abs(np.diff(price)).sum() for price in (case.retail, case.feed_in)) / 1_000
    return float(per_wh / 2 + len(case.bands) * 1e-6)


def test_bills_in_whole_micro_from_the_registers_agree_with_the_floats(case: Case) -> None:
    energies = [np.diff(register, axis=0) for register in case.profiles.registers_wh()]
    for home, expected in enumerate(case.expected["p2g_bills"]):
        credit = sum(
            amount_without_market_micro(MeteredEnergy(int(drawn), int(fed)), band)
            for drawn, fed, band in zip(*(energy[:, home] for energy in energies), case.bands, strict=True)
        )
        assert abs(-units(credit) - expected) <= rounding_bound(case) + 1e-6


def test_the_community_bill_with_sharing_and_the_saving(case: Case) -> None:
    profiles, expected = case.profiles, case.expected
    shared = community_bill(profiles.import_kwh, profiles.export_kwh, case.retail, case.feed_in)
    assert shared == pytest.approx(expected["community_bill_shared"], abs=case.tolerance)
    saving = 100 * (1 - shared / expected["community_bill_p2g"])
    assert saving == pytest.approx(expected["saving_percent"], abs=case.tolerance)


@pytest.mark.parametrize(
    ("rule", "name"),
    [(bill_sharing_bills, "bill_sharing"), (mid_market_bills, "mmr"), (supply_demand_bills, "sdr")],
    ids=["bill_sharing", "mid_market_rate", "supply_demand_ratio"],
)
def test_bills_of_sharing_rules(case: Case, rule: Callable[..., np.ndarray], name: str) -> None:
    profiles, expected = case.profiles, case.expected
    bills = rule(profiles.import_kwh, profiles.export_kwh, case.retail, case.feed_in)
    assert bills.tolist() == pytest.approx(expected[f"{name}_bills"], abs=case.tolerance)
    assert bills.sum() == pytest.approx(expected["community_bill_shared"], abs=case.tolerance)
    better = bills < np.array(expected["p2g_bills"]) - case.tolerance
    assert better.sum() == expected["homes_strictly_better"][name]


def test_energy_between_neighbours_and_with_the_grid(case: Case) -> None:
    result, expected = shared_energy(case.profiles.import_kwh, case.profiles.export_kwh), case.expected
    assert [
        result.shared_kwh,
        result.grid_import_kwh,
        result.grid_export_kwh,
        result.peak_import_kwh,
        result.peak_export_kwh,
    ] == pytest.approx(
        [
            expected["p2p_traded_kwh"],
            expected["grid_import_kwh"],
            expected["grid_export_kwh"],
            expected["peak_net_import_kwh_per_slot"],
            expected["peak_net_export_kwh_per_slot"],
        ],
        abs=case.tolerance,
    )


def test_self_consumption_and_self_sufficiency(case: Case) -> None:
    profiles, expected = case.profiles, case.expected
    if profiles.load_kwh is None or profiles.pv_kwh is None:
        assert "home_self_consumption" not in expected
        return
    result = self_use(profiles.load_kwh, profiles.pv_kwh)
    for ours, theirs in (
        (result.home_self_consumption, expected["home_self_consumption"]),
        (result.home_self_sufficiency, expected["home_self_sufficiency"]),
    ):
        wanted = [float("nan") if value is None else value for value in theirs]
        assert ours.tolist() == pytest.approx(wanted, abs=case.tolerance, nan_ok=True)
    assert [
        result.self_consumption,
        result.self_sufficiency,
        result.shared_self_consumption,
        result.shared_self_sufficiency,
    ] == pytest.approx(
        [
            expected["community_self_consumption_without_sharing"],
            expected["community_self_sufficiency_without_sharing"],
            expected["community_self_consumption_with_sharing"],
            expected["community_self_sufficiency_with_sharing"],
        ],
        abs=case.tolerance,
    )


def test_a_community_without_generation_has_no_self_consumption_but_a_self_sufficiency_of_zero() -> None:
    result = self_use(np.ones((3, 2)), np.zeros((3, 2)))
    assert np.isnan(result.self_consumption)
    assert result.home_self_sufficiency.tolist() == [0.0, 0.0]
