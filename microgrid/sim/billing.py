"""Billing periods: after each, homes pay what they owe or are paid out, and their balances begin anew."""

import numpy as np

from microgrid.domain.arrays import BoolArray
from microgrid.domain.intervals import Interval, interval_range
from microgrid.sim.inputs import clock
from microgrid.sim.scenario import Scenario


def billing_steps(scenario: Scenario, first: Interval, steps: int) -> BoolArray:
    """Intervals at whose beginning balances are settled, shape (T,).

    Periods are whole days on the homes' clock, counted from the beginning of the run, so that a day may have 23 or 25
    hours. None where the regulator is off or `billing_days` is 0.
    """
    rules = scenario.regulator
    if not rules.enabled or not rules.billing_days:
        return np.zeros(steps, dtype=np.bool_)
    zone = clock(scenario)
    local = [interval.start_utc.astimezone(zone).replace(tzinfo=None) for interval in interval_range(first, steps)]
    period = np.array([(time - local[0]).days // rules.billing_days for time in local], dtype=np.int64)
    # A clock that is put back shows the hour before a bill twice; no bill is undone by that.
    settled: BoolArray = np.diff(np.maximum.accumulate(period), prepend=0) > 0
    return settled
