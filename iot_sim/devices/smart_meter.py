"""A household's revenue meter: two registers, mean power and the voltage that goes with it."""

import numpy as np

from iot_sim.device import Sample
from iot_sim.profile import EnergyProfile

NOMINAL_MV = 230_000
VOLTAGE_NOISE_MV = 900
# Voltage drop along the house's connection: 0.2 ohm at 230 V, so 0.87 mV a watt.
DROP_MV_PER_W = 0.2 * 1_000 / 230
# Who draws more has a stronger connection: no grid lets the voltage leave 10 % (EN 50160); noise takes up the rest.
LARGEST_DROP_MV = 18_000


class SmartMeter:
    """Reads a profile.

    Args:
        profile: Energy drawn and fed in per interval.
        rng: Chance of the voltage.
    """

    def __init__(self, profile: EnergyProfile, rng: np.random.Generator) -> None:
        self._profile, self._rng = profile, rng

    def sample(self, end_s: int) -> Sample:
        """Registers and momentary values at a time (Unix s)."""
        import_wh, export_wh = self._profile.registers_wh(end_s)
        power_w = self._profile.power_w(end_s)
        drop_mv = min(max(DROP_MV_PER_W * power_w, -LARGEST_DROP_MV), LARGEST_DROP_MV)
        voltage_mv = NOMINAL_MV - drop_mv + self._rng.normal(0.0, VOLTAGE_NOISE_MV)
        return Sample(import_wh, export_wh, power_w, round(voltage_mv))


create = SmartMeter
