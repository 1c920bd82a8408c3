"""How batteries, cars and heat pumps are run: a plan made on forecasts, carried out in whole Wh."""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.assets.battery import BatteryFleet, follow_step_wh
from microgrid.assets.registers import cumulative_wh
from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR
from microgrid.domain.units import WH_PER_KWH
from microgrid.planning import Plan, Problem, plan
from microgrid.planning.schedule import join
from microgrid.sim.inputs import Inputs, price_columns
from microgrid.sim.outcome import Energy
from microgrid.sim.scenario import Scenario

MICRO = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Expectation:
    """What homes expect of the T intervals: kWh, shape (T, N); prices in micro per kWh, shape (T, 2)."""

    load_kwh: FloatArray
    pv_kwh: FloatArray
    prices: FloatArray

    @property
    def net_wh(self) -> IntArray:
        """Load minus PV in whole Wh, shape (T, N)."""
        return np.diff(cumulative_wh(self.load_kwh), axis=0) - np.diff(cumulative_wh(self.pv_kwh), axis=0)


def expect(scenario: Scenario, inputs: Inputs) -> Expectation:
    """Forecasts of load, PV and prices, made once a day for the day to come."""
    forecaster, per_day = _forecaster(scenario, inputs), _per_day(inputs)
    past = inputs.past
    return Expectation(
        np.maximum(_by_day(forecaster, past.load_kwh, inputs.load_kwh, per_day), 0.0),
        np.maximum(_by_day(forecaster, past.pv_kwh, inputs.pv_kwh, per_day), 0.0),
        np.maximum(_by_day(forecaster, past.prices, price_columns(inputs.bands), per_day), 0.0),
    )


def _forecaster(scenario: Scenario, inputs: Inputs) -> Any:
    return plugins.load("forecaster", scenario.planning.forecaster).build(inputs.first.seconds)


def _per_day(inputs: Inputs) -> int:
    return max(1, HOURS_PER_DAY * SECONDS_PER_HOUR // inputs.first.seconds)


def _by_day(forecaster: Any, past: FloatArray, actual: FloatArray, per_day: int) -> FloatArray:
    """Each day is forecast from all that was measured before it began."""
    known = np.concatenate([past, actual])
    days = [
        forecaster.ahead(known[: len(past) + start], actual[start : start + per_day], per_day=per_day)
        for start in range(0, len(actual), per_day)
    ]
    return np.concatenate(days)


def make_plan(scenario: Scenario, inputs: Inputs, expected: Expectation) -> Plan:
    """Plan the run under the scenario's optimiser, which never knows more than had been measured when it planned.

    One that only reacts needs no forecast and meets what really happens; one that plans anew as it goes forecasts
    each time. All others plan the whole run at once if the forecaster has foresight, or else each day at its beginning.

    Raises:
        PlanError: no plan keeps every limit; the message says which one binds.
    """
    optimiser = scenario.planning.optimiser
    module = plugins.load("optimiser", optimiser)
    if "forecast" in inspect.signature(module.solve).parameters:
        return plan(_problem(scenario, inputs, _reality(inputs)), optimiser=optimiser, **_rolling(scenario, inputs))
    if getattr(module, "REACTS", False):
        return plan(_problem(scenario, inputs, _reality(inputs)), optimiser=optimiser)
    problem = _problem(scenario, inputs, expected)
    if getattr(plugins.load("forecaster", scenario.planning.forecaster), "FORESIGHT", False):
        return plan(problem, optimiser=optimiser)
    return _plan_by_day(problem, optimiser, _per_day(inputs))


def _reality(inputs: Inputs) -> Expectation:
    """What happens, as the meters count it, so that a battery fills a gap to the last Wh."""
    return Expectation(inputs.load_wh / WH_PER_KWH, inputs.pv_wh / WH_PER_KWH, price_columns(inputs.bands))


def _problem(scenario: Scenario, inputs: Inputs, expected: Expectation) -> Problem:
    import_price, export_price = _both_prices(expected.prices)
    return Problem(
        dt_hours=inputs.first.hours,
        load_kwh=expected.load_kwh,
        pv_kwh=expected.pv_kwh,
        import_price=import_price,
        export_price=export_price,
        batteries=inputs.batteries,
        flexible=inputs.flexible,
        metering="shared" if scenario.batteries.model == "central" else "separate",
    )


def _both_prices(prices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Import and export price in currency per kWh; a forecast may have them cross, which no plan could bear."""
    feed_in, retail = prices.T * MICRO
    return np.maximum(retail, feed_in), feed_in


def _plan_by_day(problem: Problem, optimiser: str, per_day: int) -> Plan:
    soc, flexed, done = problem.batteries.soc0_kwh, np.zeros(problem.flexible.count), []
    for start in range(0, problem.intervals, per_day):
        day = problem.window(start, min(start + per_day, problem.intervals), soc, flexed)
        done.append(plan(day, optimiser=optimiser))
        soc, flexed = done[-1].soc_kwh[-1], flexed + done[-1].flex_kwh.sum(axis=0)
    return join(done, optimiser)


def _rolling(scenario: Scenario, inputs: Inputs) -> dict[str, Any]:
    """Parameters of an optimiser that plans anew as it goes; a plan's forecast knows what was measured by then."""
    forecaster, past = _forecaster(scenario, inputs), inputs.past
    pairs = (past.load_kwh, inputs.load_kwh), (past.pv_kwh, inputs.pv_kwh), (past.prices, price_columns(inputs.bands))
    series = [(len(before), np.concatenate([before, run])) for before, run in pairs]

    def forecast(start: int, stop: int) -> tuple[FloatArray, ...]:
        ahead = (
            forecaster.ahead(known[: past + start], known[past + start : past + stop], per_day=_per_day(inputs))
            for past, known in series
        )
        load, pv, prices = (np.maximum(expected, 0.0) for expected in ahead)
        return load, pv, *_both_prices(prices)

    steps_per_hour = 1 / inputs.first.hours
    horizon = max(1, round(scenario.planning.horizon_hours * steps_per_hour))
    every = min(horizon, max(1, round(scenario.planning.replan_hours * steps_per_hour)))
    return {"horizon_steps": horizon, "replan_steps": every, "forecast": forecast}


def carry_out(scenario: Scenario, inputs: Inputs, expected: Expectation, planned: Plan) -> Energy:
    """Run a plan in whole Wh within every battery's limits, and read all meters."""
    charge, discharge, soc = _run_batteries(inputs, planned)
    limits = np.stack([inputs.batteries.soc_min_kwh, inputs.batteries.soc_max_kwh])
    flexible, plain = _flexible_wh(inputs, planned.flex_kwh), _flexible_wh(inputs, inputs.plain_flexible_kwh)
    central = scenario.batteries.model == "central"
    nothing = np.zeros_like(inputs.load_wh)
    own_charge, own_discharge = (nothing, nothing) if central else _spread(inputs, charge, discharge)
    load = inputs.load_wh + flexible
    drawn, given = load + own_charge, inputs.pv_wh + own_discharge
    netting = np.minimum(drawn, given) if inputs.netted else _stored(own_charge, own_discharge, inputs.pv_wh, load)
    none = np.zeros(inputs.steps, dtype=np.int64)
    return Energy(
        load_wh=load,
        flexible_wh=flexible,
        pv_wh=inputs.pv_wh,
        charge_wh=own_charge,
        discharge_wh=own_discharge,
        import_wh=drawn - netting,
        export_wh=given - netting,
        soc_kwh=_by_home(inputs, soc, central=central),
        soc_limits_kwh=_by_home(inputs, limits, central=central),
        central_charge_wh=charge[:, 0] if central else none,
        central_discharge_wh=discharge[:, 0] if central else none,
        central_soc_kwh=soc[:, 0] if central else np.zeros(inputs.steps + 1),
        central_limits_kwh=limits[:, 0] if central else np.zeros(2),
        forecast_net_wh=expected.net_wh,
        plain_load_wh=inputs.load_wh + plain,
    )


def _run_batteries(inputs: Inputs, planned: Plan) -> tuple[IntArray, IntArray, FloatArray]:
    """Charge and discharge in Wh, shape (T, B), and states of charge in kWh, shape (T + 1, B).

    What rounding to whole Wh leaves of a step is done in the next, so that it does not add up.
    """
    fleet: BatteryFleet = inputs.batteries
    charge = np.zeros((inputs.steps, fleet.count), dtype=np.int64)
    discharge, soc = np.zeros_like(charge), np.empty((inputs.steps + 1, fleet.count))
    soc[0] = fleet.soc0_kwh
    rest = np.zeros((2, fleet.count))
    for step in range(inputs.steps):
        wanted = np.stack([planned.charge_kwh[step], planned.discharge_kwh[step]])
        wanted += np.where(wanted > 0, rest, 0.0)
        charge[step], discharge[step], soc[step + 1] = follow_step_wh(
            fleet, soc[step], wanted[0], wanted[1], inputs.first.hours
        )
        done = np.stack([charge[step], discharge[step]]) / WH_PER_KWH
        rest = np.clip(np.where(wanted > 0, wanted - done, rest), 0.0, 1 / WH_PER_KWH)
    return charge, discharge, soc


def _spread(inputs: Inputs, charge: IntArray, discharge: IntArray) -> tuple[IntArray, IntArray]:
    """From batteries to homes; every home has one battery at most."""
    by_home = np.zeros((2, inputs.steps, inputs.homes), dtype=np.int64)
    by_home[0][:, inputs.batteries.home], by_home[1][:, inputs.batteries.home] = charge, discharge
    return by_home[0], by_home[1]


def _by_home(inputs: Inputs, by_battery: FloatArray, *, central: bool) -> FloatArray:
    """From batteries to homes, which own nothing where the battery is the community's."""
    by_home = np.zeros((len(by_battery), inputs.homes))
    if not central:
        by_home[:, inputs.batteries.home] = by_battery
    return by_home


def _flexible_wh(inputs: Inputs, energy_kwh: FloatArray) -> IntArray:
    """Energy of cars and heat pumps by home, Wh, shape (T, N)."""
    by_home = np.zeros((inputs.homes, inputs.steps), dtype=np.int64)
    if inputs.flexible.count:
        np.add.at(by_home, inputs.flexible.home, np.diff(cumulative_wh(energy_kwh), axis=0).T)
    return np.ascontiguousarray(by_home.T)


def _stored(charge: IntArray, discharge: IntArray, pv_wh: IntArray, load_wh: IntArray) -> IntArray:
    """Behind a two-register meter only what goes through the battery is netted."""
    return np.minimum(charge, pv_wh) + np.minimum(discharge, load_wh)
