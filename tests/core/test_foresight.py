"""No plan of a simulated run knows what its homes could not have known."""

from dataclasses import replace

import numpy as np
import pytest
from simulations import inputs_of, scenario

from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray
from microgrid.domain.records import PriceBand
from microgrid.sim.run import run

DAYS, HOURS = 3, 24
SECOND_DAY = slice(HOURS, 2 * HOURS)
BLIND = [name for name in plugins.names("forecaster") if name not in {"exact", "learned"}]


def stored_wh(forecaster: str, optimiser: str, second_day: tuple[float, float, int]) -> FloatArray:
    """What batteries take less what they give, hour by hour; factors of the second day's load, PV and retail price."""
    hour = np.arange(DAYS * HOURS)[:, None] + np.arange(3)
    load, pv = 0.4 + 0.3 * np.cos(hour), np.maximum(2.0 * np.sin((hour % HOURS - 6) * np.pi / 12), 0.0)
    retail = np.where(hour[:, 0] % HOURS < 18, 200_000, 400_000)
    load[SECOND_DAY] *= second_day[0]
    pv[SECOND_DAY] *= second_day[1]
    retail[SECOND_DAY] += second_day[2]
    rules = scenario(
        planning__forecaster=forecaster,
        planning__optimiser=optimiser,
        market__mechanism="no_market",
        steps=DAYS * HOURS,
        batteries__share=1.0,
        batteries__soc_start=0.3,
    )
    bands = [PriceBand(100_000, price, price) for price in retail.tolist()]
    inputs = inputs_of(rules, load, pv, bands=bands)
    prices = np.tile([100_000.0, 300_000.0], (HOURS, 1))
    past = replace(inputs.past, load_kwh=load[:HOURS] * 0.8, pv_kwh=pv[:HOURS] * 0.9, prices=prices)
    energy = run(rules, inputs=replace(inputs, past=past)).energy
    return energy.charge_wh - energy.discharge_wh


@pytest.mark.parametrize("optimiser", ["linear_program", "convex", "rolling_horizon", "community_optimum"])
@pytest.mark.parametrize("forecaster", BLIND)
def test_what_a_day_brings_changes_no_plan_made_before_it(forecaster: str, optimiser: str) -> None:
    """A rolling plan of the evening looks into the next day, and must not find there what that day will bring."""
    plain = stored_wh(forecaster, optimiser, (1.0, 1.0, 0))
    other = stored_wh(forecaster, optimiser, (3.0, 0.1, 150_000))
    assert np.abs(plain[:HOURS]).sum() > 0
    assert (plain[:HOURS] == other[:HOURS]).all()


@pytest.mark.parametrize("optimiser", ["linear_program", "rolling_horizon"])
def test_with_foresight_a_plan_prepares_for_the_next_day(optimiser: str) -> None:
    plain = stored_wh("exact", optimiser, (1.0, 1.0, 0))
    other = stored_wh("exact", optimiser, (3.0, 0.1, 150_000))
    assert (plain[:HOURS] != other[:HOURS]).any()


def test_prices_known_for_a_shorter_past_than_energy_are_not_shifted() -> None:
    """The price rises at 18:00 each day; yesterday tells, and batteries wait for it on the third day."""
    rules = scenario(
        planning__forecaster="seasonal_naive",
        planning__optimiser="rolling_horizon",
        market__mechanism="no_market",
        steps=DAYS * HOURS,
        batteries__share=1.0,
        batteries__soc_start=0.5,
    )
    hour = np.arange(DAYS * HOURS) % HOURS
    bands = [PriceBand(100_000, price, price) for price in np.where(hour < 18, 150_000, 900_000).tolist()]
    inputs = inputs_of(rules, np.full((DAYS * HOURS, 1), 0.5), np.zeros((DAYS * HOURS, 1)), bands=bands)
    past = replace(inputs.past, load_kwh=np.full((HOURS, 1), 0.5), pv_kwh=np.zeros((HOURS, 1)), prices=np.zeros((0, 2)))
    energy = run(rules, inputs=replace(inputs, past=past)).energy
    evening = energy.discharge_wh[2 * HOURS :][18:]
    assert evening.sum() == 3_000
    assert (np.abs(evening - 500) <= 1).all()
