"""Physics of batteries: limits, losses, whole watt-hours, one battery for many homes, ageing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.assets.ageing import HOURS_PER_YEAR, Ageing, LifeCounters
from microgrid.assets.battery import (
    BatteryFleet,
    follow_step_wh,
    self_consumption_step,
    self_consumption_step_wh,
    whole_wh,
)
from microgrid.assets.flexible import FlexibleLoads
from microgrid.assets.shared_battery import SharedBattery, central_step_wh
from microgrid.domain.errors import PlanError

SEEDS = st.integers(0, 100_000)


def some_fleet(seed: int, count: int) -> BatteryFleet:
    draw = np.random.default_rng(seed)
    return BatteryFleet.of_homes(
        np.arange(count),
        draw.uniform(0, 20, count),
        draw.uniform(0, 6, count),
        round_trip=draw.uniform(0.6, 1, count),
        start=draw.uniform(0.1, 0.95, count),
    )


class TestOneStep:
    def test_surplus_is_stored_with_loss_and_need_is_served_with_loss(self) -> None:
        fleet = BatteryFleet.of_homes([0, 1], 10.0, 5.0, round_trip=0.81, lowest=0.0, highest=1.0, start=0.5)
        charge, discharge, after = self_consumption_step(fleet, fleet.soc0_kwh, np.array([2.0, -1.8]), 1.0)
        assert charge.tolist() == [2.0, 0.0]
        assert discharge.tolist() == [0.0, 1.8]
        assert after.tolist() == pytest.approx([5.0 + 0.9 * 2.0, 5.0 - 1.8 / 0.9])

    def test_power_and_the_limits_of_the_state_of_charge_bind(self) -> None:
        fleet = BatteryFleet.of_homes([0, 1, 2], 10.0, 2.0, round_trip=1.0, start=[0.5, 0.94, 0.11])
        charge, discharge, after = self_consumption_step(fleet, fleet.soc0_kwh, np.array([9.0, 9.0, -9.0]), 0.5)
        assert charge.tolist() == pytest.approx([1.0, 0.1, 0.0])
        assert discharge.tolist() == pytest.approx([0.0, 0.0, 0.1])
        assert after.tolist() == pytest.approx([6.0, 9.5, 1.0])

    @given(seed=SEEDS, dt=st.sampled_from([0.25, 0.5, 1.0]))
    def test_a_day_of_steps_in_whole_wh_keeps_every_limit(self, seed: int, dt: float) -> None:
        fleet, draw = some_fleet(seed, 5), np.random.default_rng(seed)
        soc = fleet.soc0_kwh
        for _ in range(24):
            surplus = draw.integers(-4_000, 4_000, 5)
            charge, discharge, after = self_consumption_step_wh(fleet, soc, surplus, dt)
            assert charge.dtype == discharge.dtype == np.int64
            assert (charge * discharge == 0).all()
            assert (charge <= np.maximum(surplus, 0)).all()
            assert (discharge <= np.maximum(-surplus, 0)).all()
            assert (charge <= fleet.charge_power_kw * dt * 1000 + 1e-6).all()
            assert (fleet.soc_min_kwh <= after).all()
            assert (after <= fleet.soc_max_kwh).all()
            moved = fleet.eta_charge * charge / 1000 - discharge / 1000 / fleet.eta_discharge
            assert np.abs(after - soc - moved).max() < 1e-8
            soc = after

    def test_whole_wh_round_toward_zero_but_lose_none_to_the_last_bit(self) -> None:
        assert whole_wh(np.array([0.29, 0.3, 2.0, 1.9999, 0.0])).tolist() == [290, 300, 2000, 1999, 0]

    def test_a_planned_flow_is_carried_out_as_far_as_it_can_be(self) -> None:
        fleet = BatteryFleet.of_homes([0, 1], 10.0, 2.0, round_trip=1.0, start=[0.9, 0.15])
        charge, discharge, after = follow_step_wh(
            fleet, fleet.soc0_kwh, np.array([1.0, 0.0]), np.array([0.0, 1.0]), 1.0
        )
        assert (charge.tolist(), discharge.tolist()) == ([500, 0], [0, 500])
        assert after.tolist() == pytest.approx([9.5, 1.0])


class TestWrongBatteries:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"capacity_kwh": -1.0}, "capacity_kwh of battery 0 at home 0 is -1; it must be 0 or more"),
            ({"power_kw": np.nan}, "charge_power_kw of battery 0 at home 0 is nan"),
            ({"round_trip": 1.1}, r"eta_charge of battery 0 at home 0 is 1\.0488.*above 0 and up to 1"),
            ({"round_trip": 0.0}, "eta_charge of battery 0 at home 0 is 0; it must be above 0 and up to 1"),
            ({"start": 0.97}, r"soc0_kwh of battery 0 at home 0 is 9\.7; it must be between 1 and 9\.5"),
            ({"start": 0.05}, r"soc0_kwh of battery 0 at home 0 is 0\.5; it must be between 1 and 9\.5"),
            ({"final": 1.0}, r"min_final_soc_kwh of battery 0 at home 0 is 10; it must be between 1 and 9\.5"),
            ({"lowest": 0.96}, r"soc_min_kwh of battery 0 at home 0 is 9\.6; it must be between 0 and 9\.5"),
            ({"home": [-1]}, "home of battery 0 at home -1 is -1"),
        ],
    )
    def test_the_battery_and_what_would_be_right_are_named(self, change: dict[str, Any], message: str) -> None:
        values = {"home": [0], "capacity_kwh": 10.0, "power_kw": 5.0} | change
        with pytest.raises(PlanError, match=message):
            BatteryFleet.of_homes(**values)

    def test_columns_of_different_lengths_are_refused(self) -> None:
        fleet = BatteryFleet.of_homes([0, 1], 10.0, 5.0)
        with pytest.raises(PlanError, match="soc0_kwh of the batteries"):
            fleet.starting_at(np.ones(3))

    def test_arrays_of_the_fleet_cannot_be_written_to_and_those_of_the_caller_still_can(self) -> None:
        start = np.array([5.0])
        fleet = BatteryFleet.of_homes([0], 10.0, 5.0).starting_at(start)
        start[0] = 6.0
        with pytest.raises(ValueError, match="read-only"):
            fleet.soc0_kwh[0] = 1.0


class TestCentralBattery:
    @given(seed=SEEDS, homes=st.integers(1, 12))
    def test_what_homes_give_and_get_adds_up_to_the_battery_to_the_wh(self, seed: int, homes: int) -> None:
        battery, draw = BatteryFleet.of_homes(0, 12.0, 3.0, start=0.5), np.random.default_rng(seed)
        surplus = draw.integers(-3_000, 3_000, homes)
        charge, discharge, after = central_step_wh(battery, battery.soc0_kwh, surplus, 1.0)
        assert (charge <= np.maximum(surplus, 0)).all()
        assert (discharge <= np.maximum(-surplus, 0)).all()
        assert charge.sum() * discharge.sum() == 0
        moved = battery.eta_charge * charge.sum() / 1000 - discharge.sum() / 1000 / battery.eta_discharge
        assert after == pytest.approx(battery.soc0_kwh + moved, abs=1e-9)

    def test_homes_take_part_in_proportion_to_surplus_and_need(self) -> None:
        battery = BatteryFleet.of_homes(0, 10.0, 3.0, round_trip=1.0, start=0.5)
        charge, discharge, _ = central_step_wh(battery, battery.soc0_kwh, np.array([4_000, 2_000, -1_000]), 1.0)
        assert charge.tolist() == [2_000, 1_000, 0]
        assert discharge.tolist() == [0, 0, 0]


class TestSharedBattery:
    def test_who_charged_it_owns_that_energy(self) -> None:
        battery = BatteryFleet.of_homes(0, 10.0, 10.0, round_trip=1.0, lowest=0.0, highest=1.0, start=0.0)
        shared = SharedBattery.of_shares(battery, np.array([0.5, 0.5]))
        _, _, soc = shared.step_wh(shared.owned.soc0_kwh, np.array([3_000, 0]), 1.0)
        assert soc.tolist() == [3.0, 0.0]
        charge, discharge, soc = shared.step_wh(soc, np.array([0, -2_000]), 1.0)
        assert (charge.tolist(), discharge.tolist(), soc.tolist()) == ([0, 0], [0, 0], [3.0, 0.0])

    @given(seed=SEEDS, homes=st.integers(1, 6))
    def test_owners_accounts_add_up_to_the_cells_and_stay_in_their_shares(self, seed: int, homes: int) -> None:
        draw = np.random.default_rng(seed)
        share = draw.dirichlet(np.ones(homes))
        battery = BatteryFleet.of_homes(0, 20.0, 8.0, round_trip=0.8, start=0.5)
        shared = SharedBattery.of_shares(battery, share)
        soc, cells = shared.owned.soc0_kwh, 10.0
        for _ in range(30):
            charge, discharge, after = shared.step_wh(soc, draw.integers(-3_000, 3_000, homes), 1.0)
            net = int(charge.sum() - discharge.sum()) / 1000
            cells += battery.eta_charge[0] * net if net > 0 else net / battery.eta_discharge[0]
            assert after.sum() == pytest.approx(cells, abs=1e-6)
            assert (after <= shared.owned.soc_max_kwh + 1e-9).all()
            assert (after >= shared.owned.soc_min_kwh - 1e-9).all()
            idle = (charge == 0) & (discharge == 0)
            assert (after[idle] >= soc[idle] - 1e-12).all()
            soc = after

    def test_losses_that_a_meeting_saves_are_credited(self) -> None:
        battery = BatteryFleet.of_homes(0, 10.0, 10.0, round_trip=0.81, lowest=0.0, highest=1.0, start=0.5)
        shared = SharedBattery.of_shares(battery, np.array([0.5, 0.5]))
        _, _, after = shared.step_wh(shared.owned.soc0_kwh, np.array([900, -900]), 1.0)
        assert after.sum() == pytest.approx(5.0)

    @pytest.mark.parametrize("share", [[0.5, 0.4], [1.5, -0.5]])
    def test_shares_must_add_up(self, share: list[float]) -> None:
        with pytest.raises(PlanError, match="sum of the shares"):
            SharedBattery.of_shares(BatteryFleet.of_homes(0, 10.0, 5.0), np.array(share))


class TestAgeing:
    def test_fade_is_that_of_the_data_sheet_at_its_rated_points(self) -> None:
        ageing = Ageing()
        assert ageing.fade(10.0, 0.0) == pytest.approx(0.10)
        assert ageing.fade(0.0, 6_000.0) == pytest.approx(0.20)
        assert ageing.fade(2.5, 3_000.0) == pytest.approx(0.05 + 0.10)

    @given(rate=st.floats(0, 2_000))
    def test_the_predicted_end_of_life_is_where_the_fade_reaches_it(self, rate: float) -> None:
        ageing = Ageing()
        years = float(ageing.years_of_life(rate))
        assert ageing.fade(years, rate * years) == pytest.approx(ageing.end_of_life, rel=1e-9)

    def test_a_full_discharge_is_one_cycle_and_a_battery_without_cells_has_none(self) -> None:
        fleet = BatteryFleet.of_homes([0, 1], [10.0, 0.0], 5.0, round_trip=0.81, lowest=0.0, highest=1.0, start=0.0)
        counters = LifeCounters.new(2).after(fleet, np.array([[4.5, 0.0], [4.5, 0.0]]), 1.0)
        assert counters.cycles.tolist() == pytest.approx([1.0, 0.0])
        assert counters.hours == 2.0

    def test_years_left_count_down_with_use_as_it_was(self) -> None:
        counters, ageing = LifeCounters(2 * HOURS_PER_YEAR, np.array([600.0, 0.0])), Ageing()
        whole = ageing.years_of_life(np.array([300.0, 0.0]))
        assert counters.years_left(ageing) == pytest.approx(whole - 2.0)
        assert counters.health(ageing)[0] < counters.health(ageing)[1] < 1.0
        with pytest.raises(PlanError, match="time in service"):
            LifeCounters.new(1).years_left(ageing)

    def test_wrong_parameters_are_named(self) -> None:
        with pytest.raises(PlanError, match="rated_cycles is 0"):
            Ageing(rated_cycles=0.0)


class TestLoadsThatCanWait:
    def test_bounds_of_a_window_jump_at_arrival_and_departure(self) -> None:
        car = FlexibleLoads.in_windows(5, [0], [6.0], [4.0], [1], [3])
        assert car.upper_kwh[:, 0].tolist() == [0.0, 6.0, 6.0, 6.0, 6.0]
        assert car.lower_kwh[:, 0].tolist() == [0.0, 0.0, 0.0, 6.0, 6.0]
        assert car.needed_kwh(1.0)[:, 0].tolist() == [0.0, 0.0, 2.0, 6.0, 6.0]
        assert car.reachable_kwh(1.0)[:, 0].tolist() == [0.0, 4.0, 6.0, 6.0, 6.0]

    @pytest.mark.parametrize(
        ("lower", "upper", "power", "message"),
        [
            ([[2.0]], [[1.0]], [1.0], "lower_kwh of flexible load 0 in interval 0 is 2; it must be at most its upper"),
            ([[np.nan]], [[1.0]], [1.0], "lower_kwh of flexible load 0 is nan"),
            ([[0.0]], [[1.0]], [-1.0], "power_kw of flexible load 0 is -1"),
            ([[0.0, 1.0]], [[1.0, 1.0]], [1.0], "lower_kwh of the flexible loads is of shape"),
        ],
    )
    def test_wrong_bounds_are_named(
        self, lower: list[list[float]], upper: list[list[float]], power: list[float], message: str
    ) -> None:
        with pytest.raises(PlanError, match=message):
            FlexibleLoads(np.zeros(1, np.int64), np.array(lower), np.array(upper), np.array(power))
