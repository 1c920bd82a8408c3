"""What every device type does; a test class inherits this and has a fixture `create`, the module's own."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metering import HOUR_S, START_S

from iot_sim.device import Meter
from iot_sim.profile import EnergyProfile

Create = Callable[[EnergyProfile, np.random.Generator], Meter]
ENERGY = st.floats(0.0, 20_000.0, allow_nan=False)


class DeviceBehaviour:
    @settings(max_examples=60)
    @given(energy=st.lists(st.tuples(ENERGY, ENERGY), min_size=1, max_size=40))
    def test_registers_never_fall_and_follow_the_energy_to_the_watt_hour(
        self, create: Create, energy: list[tuple[float, float]]
    ) -> None:
        """Deltas may round, their sum may not drift: after any number of intervals a register is within half a Wh."""
        load_kwh, pv_kwh = np.array(energy).T / 1_000
        profile = EnergyProfile.of_load_and_pv(START_S, HOUR_S, load_kwh, pv_kwh)
        meter = create(profile, np.random.default_rng(1))
        samples = [meter.sample(START_S + number * HOUR_S) for number in range(len(energy) + 1)]
        assert (samples[0].import_wh, samples[0].export_wh) == (0, 0)
        drawn = fed_in = 0.0
        for (load, pv), before, after in zip(energy, samples, samples[1:], strict=False):
            drawn, fed_in = drawn + max(load - pv, 0.0), fed_in + max(pv - load, 0.0)
            assert after.import_wh >= before.import_wh
            assert after.export_wh >= before.export_wh
            assert after.import_wh == pytest.approx(drawn, abs=0.501)
            assert after.export_wh == pytest.approx(fed_in, abs=0.501)

    def test_power_and_voltage_are_plausible(self, create: Create) -> None:
        """3 kWh in an hour are 3 kW; the voltage stays within 230 V ± 10 % (EN 50160)."""
        profile = EnergyProfile(START_S, HOUR_S, np.array([3.0, 0.0] * 50), np.array([0.0, 2.0] * 50))
        meter = create(profile, np.random.default_rng(2))
        samples = [meter.sample(START_S + number * HOUR_S) for number in range(1, 101)]
        assert [sample.power_w for sample in samples] == [3_000, -2_000] * 50
        assert all(207_000 <= sample.voltage_mv <= 253_000 for sample in samples)
        assert samples[0].voltage_mv != samples[2].voltage_mv

    @pytest.mark.parametrize("energy_kwh", [300.0, 90_000.0])
    def test_the_voltage_of_a_large_building_is_plausible_too(self, create: Create, energy_kwh: float) -> None:
        """Otherwise it falls below zero, which no reading can hold."""
        profile = EnergyProfile(START_S, HOUR_S, np.array([energy_kwh, 0.0]), np.array([0.0, energy_kwh]))
        meter = create(profile, np.random.default_rng(2))
        assert all(207_000 <= meter.sample(START_S + hour * HOUR_S).voltage_mv <= 253_000 for hour in (1, 2))

    def test_the_same_seed_reads_the_same(self, create: Create) -> None:
        profile = EnergyProfile(START_S, HOUR_S, np.array([0.5]), np.array([0.0]))
        first, second = (create(profile, np.random.default_rng(3)).sample(START_S + HOUR_S) for _ in range(2))
        assert first == second

    def test_registers_stand_still_outside_the_profile(self, create: Create) -> None:
        profile = EnergyProfile(START_S, HOUR_S, np.array([0.5]), np.array([0.0]))
        meter = create(profile, np.random.default_rng(3))
        assert meter.sample(START_S - HOUR_S).import_wh == 0
        assert meter.sample(START_S + 10 * HOUR_S).import_wh == 500
