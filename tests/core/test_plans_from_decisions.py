"""From a decision to a plan: physics is worked out anew, and waste is dropped where it earns nothing."""

from typing import Any

import numpy as np
import pytest

from microgrid.assets.battery import BatteryFleet
from microgrid.planning import plan
from microgrid.planning.decision import Decision
from microgrid.planning.overlap import without_overlap
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import make_plan

NOTHING = np.zeros((1, 0))


def one_home(export_price: float, start: float = 0.5, **settings: Any) -> Problem:
    """An hour with 2 kWh of PV and a battery of 10 kWh and 5 kW that loses a tenth each way."""
    battery = BatteryFleet.of_homes([0], 10.0, 5.0, round_trip=0.81, lowest=0.0, highest=1.0, start=start)
    pv_kwh, load_kwh = np.array([[2.0]]), np.zeros((1, 1))
    return Problem(1.0, load_kwh, pv_kwh, np.array([0.1]), np.array([export_price]), battery, **settings)


def decided(charge_kwh: float, discharge_kwh: float) -> Decision:
    return Decision(np.array([[charge_kwh]]), np.array([[discharge_kwh]]), NOTHING, np.zeros((1, 1)))


@pytest.mark.parametrize(
    ("problem", "kept"),
    [
        (one_home(-0.1), True),
        (one_home(-0.1, pv_curtailable=True), False),
        (one_home(0.05), False),
    ],
    ids=["selling costs", "selling costs, but PV may be left unused", "selling pays"],
)
def test_a_battery_wastes_energy_only_where_waste_pays(problem: Problem, *, kept: bool) -> None:
    """1 kWh in and 0.81 out leave the state of charge as it was."""
    clean, remaining = without_overlap(problem, decided(1.0, 0.81))
    assert remaining.item() is kept
    assert (clean.charge_kwh.item(), clean.discharge_kwh.item()) == pytest.approx((1.0, 0.81) if kept else (0.0, 0.0))


def test_more_discharge_than_is_stored_ends_with_the_battery_empty() -> None:
    result = make_plan(one_home(0.05, start=0.1), decided(0.0, 4.0), "by hand")
    assert (result.discharge_kwh.item(), result.soc_kwh[-1].item()) == pytest.approx((0.9, 0.0))
    assert result.cost == pytest.approx(-0.05 * (2.0 + 0.9))


def test_more_charge_than_there_is_room_for_ends_with_the_battery_full() -> None:
    result = make_plan(one_home(0.05, start=0.91), decided(4.0, 0.0), "by hand")
    assert (result.charge_kwh.item(), result.soc_kwh[-1].item()) == pytest.approx((1.0, 10.0))
    assert result.cost == pytest.approx(-0.05 * (2.0 - 1.0))


def test_pv_is_left_unused_only_while_selling_costs() -> None:
    """Greedy, without a battery: the first hour's 2 kWh would be sold at -0.10, the second's are sold at 0.05."""
    prices = (np.array([0.1, 0.1]), np.array([-0.1, 0.05]))
    problem = Problem(1.0, np.zeros((2, 1)), np.full((2, 1), 2.0), *prices, pv_curtailable=True)
    result = plan(problem, "greedy")
    assert result.curtailed_kwh.ravel().tolist() == [2.0, 0.0]
    assert result.cost == pytest.approx(-0.05 * 2.0)


def test_homes_on_one_meter_buy_at_the_lowest_and_sell_at_the_highest_price_among_them() -> None:
    prices = (np.array([[0.30, 0.25]]), np.array([[0.05, 0.10]]))
    one = Problem(1.0, np.ones((1, 2)), np.zeros((1, 2)), *prices).on_one_meter()
    assert (one.meters, one.import_price.tolist(), one.export_price.tolist()) == (1, [[0.25]], [[0.10]])
