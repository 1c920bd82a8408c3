"""Whether a run's money fits the 64-bit integers in which it is counted."""

from collections.abc import Sequence

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import ScenarioError
from microgrid.domain.records import PriceBand
from microgrid.domain.units import MICRO_PER_UNIT, NANO_PER_MICRO
from microgrid.sim.outcome import Energy
from microgrid.sim.scenario import Scenario

LARGEST_NANO = 2**62
"""Half of what 64 bits hold, so that a sum of two such amounts still fits."""


def check_worth(scenario: Scenario, bands: Sequence[PriceBand], energy: Energy, wanted_wh: IntArray) -> None:
    """Refuse a run whose sums of money would wrap around.

    Args:
        scenario: Its fee, bonus and penalty.
        bands: Grid prices of the T intervals.
        energy: What the homes use, make and store.
        wanted_wh: What they want to trade, shape (T, N).

    Raises:
        ScenarioError: the money of one interval, or the balances after all, could be more than 64-bit integers hold.
    """
    rules, retail = scenario.regulator, np.array([band.retail for band in bands], dtype=np.float64)
    extra = scenario.market.trading_fee + (rules.bonus + rules.penalty if rules.enabled else 0.0)
    worth_nano = _moved_wh(energy, wanted_wh) * (retail + extra * MICRO_PER_UNIT)
    largest = max(float(worth_nano.max()), float(worth_nano.sum()) / NANO_PER_MICRO)
    if largest > LARGEST_NANO:
        per_unit = NANO_PER_MICRO * MICRO_PER_UNIT
        key, right = "energy times price of an interval", f"below {LARGEST_NANO / per_unit:.1e} for exact sums"
        raise ScenarioError(key, float(f"{largest / per_unit:.1e}"), f"{right}; lower the prices or the homes' energy")


def _moved_wh(energy: Energy, wanted_wh: IntArray) -> FloatArray:
    """No home's trades, imports and exports of an interval together are more, shape (T,)."""
    by_home = (energy.load_wh, energy.plain_load_wh, energy.pv_wh, energy.charge_wh, energy.discharge_wh)
    total: FloatArray = np.abs(wanted_wh).sum(axis=1, dtype=np.float64)
    total += energy.central_charge_wh + energy.central_discharge_wh
    for part in by_home:
        total += part.sum(axis=1, dtype=np.float64)
    return total
