"""Energy, trade, savings and emissions of communities with batteries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from microgrid.domain.errors import MetricError
from microgrid.settlement.community import SelfUse, self_use, shared_energy
from microgrid.sim.metrics.energy import (
    WORLD_KG_PER_KWH,
    EnergyFlows,
    emissions,
    load_factor,
    peak_to_average_ratio,
    saving_percent,
    self_use_with_batteries,
    traded_share,
    traded_share_of_possible,
    trading_homes_share,
)

KWH = arrays(np.float64, st.just((6, 3)), elements=st.floats(0, 9).map(lambda x: round(x, 3)))

NOON_AND_NIGHT = EnergyFlows(
    load_kwh=np.array([[1.0, 1.0], [4.0, 3.0]]),
    pv_kwh=np.array([[6.0, 0.0], [0.0, 0.0]]),
    charge_kwh=np.array([[2.0, 0.0], [0.0, 0.0]]),
    discharge_kwh=np.array([[0.0, 0.0], [1.8, 0.0]]),
)


def numbers(use: SelfUse) -> list[float]:
    homes = [*use.home_self_consumption, *use.home_self_sufficiency]
    return [*homes, *(getattr(use, name) for name in SelfUse.__slots__[2:])]


@given(KWH, KWH)
def test_without_batteries_own_use_is_the_smaller_of_load_and_generation(load: np.ndarray, pv: np.ndarray) -> None:
    ours, theirs = self_use_with_batteries(EnergyFlows(load, pv)), self_use(load, pv)
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-9, nan_ok=True)


def test_a_battery_turns_feed_in_into_own_use() -> None:
    """Home 0 makes 6, uses 1, stores 2, feeds in 3; at night it needs 4, has 1.8, draws 2.2. Home 1 draws 1 and 3."""
    assert NOON_AND_NIGHT.net_kwh.tolist() == [[-3.0, 1.0], [pytest.approx(2.2), 3.0]]
    use = self_use_with_batteries(NOON_AND_NIGHT)
    assert use.home_self_consumption.tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert use.home_self_sufficiency.tolist() == pytest.approx([1 - 2.2 / 5, 0.0])
    assert (use.self_consumption, use.self_sufficiency) == pytest.approx((0.5, 1 - 6.2 / 9))
    assert (use.shared_self_consumption, use.shared_self_sufficiency) == pytest.approx((1 - 2 / 6, 1 - 5.2 / 9))


def test_a_battery_that_draws_to_sell_makes_self_sufficiency_negative() -> None:
    flows = EnergyFlows(np.array([[1.0], [1.0]]), np.zeros((2, 1)), np.array([[4.0], [0.0]]), np.array([[0.0], [3.0]]))
    assert self_use_with_batteries(flows).self_sufficiency == pytest.approx(1 - 5 / 2)


@given(KWH, KWH, KWH, KWH)
def test_energy_is_neither_made_nor_lost(
    load: np.ndarray, pv: np.ndarray, charge: np.ndarray, discharge: np.ndarray
) -> None:
    flows = EnergyFlows(load, pv, charge, discharge)
    supplied = pv + discharge + flows.import_kwh
    assert supplied == pytest.approx(load + charge + flows.export_kwh, abs=1e-9)
    assert (flows.import_kwh * flows.export_kwh == 0).all()


@pytest.mark.parametrize("name", ["pv_kwh", "charge_kwh", "discharge_kwh"])
def test_flows_of_other_shapes_are_refused_by_name(name: str) -> None:
    flows = {"load_kwh": np.zeros((4, 2)), "pv_kwh": np.zeros((4, 2)), name: np.zeros((2, 4))}
    with pytest.raises(MetricError, match=rf"shape of {name} is \(2, 4\); it must be \(T, N\), that of load_kwh"):
        EnergyFlows(**flows)
    with pytest.raises(MetricError, match=r"shape of load_kwh is \(4,\)"):
        EnergyFlows(np.zeros(4), np.zeros(4))


def test_peaks_of_homes_and_of_the_community() -> None:
    energy = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    assert peak_to_average_ratio(energy).tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert load_factor(energy).tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert float(peak_to_average_ratio(energy.sum(axis=1))) == 2.0
    assert float(load_factor(np.ones(5))) == 1.0


def test_shares_of_what_was_traded() -> None:
    """Imports 4 and 1, exports 0 and 2: at most min(4, 2) + min(1, 0)... here 1 at noon and 1 at night."""
    imports, exports = np.array([[4.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 5.0]])
    assert shared_energy(imports, exports).shared_kwh == 2.0
    assert traded_share(1.5, imports) == pytest.approx(0.3)
    assert traded_share_of_possible(1.5, imports, exports) == pytest.approx(0.75)
    assert np.isnan(traded_share(0.0, np.zeros((2, 2))))
    assert np.isnan(traded_share_of_possible(0.0, imports, np.zeros((2, 2))))


def test_a_home_takes_part_when_it_bought_or_sold_once() -> None:
    bought = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]])
    sold = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]])
    assert trading_homes_share(bought, sold) == 0.5


def test_a_saving_is_better_above_zero_also_for_a_home_that_earns() -> None:
    savings = saving_percent(np.array([8.0, -12.0, -9.0, 1.0]), np.array([10.0, -10.0, -10.0, 0.0]))
    assert savings.tolist() == pytest.approx([20.0, 20.0, -10.0, np.nan], nan_ok=True)
    assert float(saving_percent(90.0, 120.0)) == pytest.approx(25.0)


def test_emissions_follow_the_hour() -> None:
    """A coal night at 0.9 and a sunny noon at 0.1 kg per kWh."""
    flows, rate = NOON_AND_NIGHT, np.array([0.1, 0.9])
    homes = emissions(flows.load_kwh, flows.import_kwh, flows.export_kwh, rate)
    assert homes.imported_kg.tolist() == pytest.approx([2.2 * 0.9, 0.1 + 2.7])
    assert homes.without_own_energy_kg.tolist() == pytest.approx([0.1 + 3.6, 0.1 + 2.7])
    assert homes.avoided_by_own_use_kg.tolist() == pytest.approx([3.7 - 1.98, 0.0])
    assert homes.avoided_by_export_kg.tolist() == pytest.approx([0.3, 0.0])


@given(KWH, KWH)
def test_emissions_of_homes_add_up_and_one_rate_is_the_same_rate_always(load: np.ndarray, pv: np.ndarray) -> None:
    flows = EnergyFlows(load, pv)
    drawn, fed = flows.import_kwh, flows.export_kwh
    homes = emissions(load, drawn, fed)
    hourly = emissions(load, drawn, fed, np.full(6, WORLD_KG_PER_KWH))
    together = emissions(load.sum(axis=1), drawn.sum(axis=1), fed.sum(axis=1))
    for name in ("imported_kg", "without_own_energy_kg", "avoided_by_own_use_kg", "avoided_by_export_kg"):
        assert getattr(homes, name) == pytest.approx(getattr(hourly, name), abs=1e-9)
        assert getattr(homes, name).sum() == pytest.approx(float(getattr(together, name)), abs=1e-9)
    assert homes.imported_kg == pytest.approx(0.48 * drawn.sum(axis=0), abs=1e-9)
