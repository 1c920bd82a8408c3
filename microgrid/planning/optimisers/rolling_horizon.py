"""Plan ahead with a forecast, act on what comes, plan again: receding-horizon control with the linear programme.

Every `replan_steps` intervals the next `horizon_steps` are planned with what is forecast for them; of that plan the
part until the next one is carried out. Batteries and loads that can wait follow the plan, the grid takes what the
forecast got wrong. State of charge, its solar part and energy already taken are carried over. Each plan keeps later
deadlines and the final state of charge within reach.
"""

from collections.abc import Callable, Sequence

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import InfeasibleError, PlanError
from microgrid.domain.intervals import HOURS_PER_DAY
from microgrid.planning.decision import Decision
from microgrid.planning.optimisers._highs import Models
from microgrid.planning.optimisers._parts import couples, decide_by_parts
from microgrid.planning.optimisers._reasons import out_of_reach
from microgrid.planning.optimisers._resale import solar_left_kwh
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan, join, make_plan

Expected = tuple[FloatArray, FloatArray]
Forecast = Callable[[int, int], Sequence[FloatArray]]


def solve(
    problem: Problem,
    horizon_steps: int | None = None,
    replan_steps: int | None = None,
    forecast: Expected | Forecast | None = None,
) -> Plan:
    """What comes of planning again and again.

    Args:
        problem: What really happens.
        horizon_steps: How many intervals each plan looks ahead; a day where not given.
        replan_steps: After how many intervals the next plan is made; an hour where not given, at least one interval.
        forecast: Load and PV expected, two arrays of shape (T, N); or a function of the first interval of a plan and
            the one after its last, both counted from 0, that gives two arrays of shape (stop - start, N), and after
            them, where prices are not known ahead, import and export price; the truth where not given.

    Raises:
        PlanError: steps or a forecast that cannot be.
        InfeasibleError: no plan keeps all limits; the message says which.
        SolverError: HiGHS gave up.
    """
    horizon = horizon_steps if horizon_steps is not None else max(1, round(HOURS_PER_DAY / problem.dt_hours))
    every = replan_steps if replan_steps is not None else min(horizon, max(1, round(1 / problem.dt_hours)))
    if not 1 <= every <= horizon:
        raise PlanError(what="replan_steps", found=every, right=f"between 1 and horizon_steps, {horizon}")
    if clauses := out_of_reach(problem):
        raise InfeasibleError(clauses)
    expect, models = _as_function(problem, forecast), Models(interior_point=couples(problem))
    soc, flexed, done = problem.batteries.soc0_kwh, np.zeros(problem.flexible.count), []
    solar = None if problem.grid_resale else problem.solar_at_start_kwh
    for start in range(0, problem.intervals, every):
        ahead = problem.window(start, min(start + horizon, problem.intervals), soc, flexed, solar)
        decision = _decide(ahead.expecting(*expect(start, start + ahead.intervals)), models, start)
        now = problem.window(start, min(start + every, problem.intervals), soc, flexed, solar)
        done.append(make_plan(now, _first(decision, now.intervals), "rolling_horizon"))
        solar = None if problem.grid_resale else solar_left_kwh(now, done[-1])
        soc, flexed = done[-1].soc_kwh[-1], flexed + done[-1].flex_kwh.sum(axis=0)
    return join(done, "rolling_horizon")


def _decide(ahead: Problem, models: Models, start: int) -> Decision:
    try:
        return decide_by_parts(ahead, models)
    except InfeasibleError as error:
        first, *others = error.limits
        raise InfeasibleError([f"counted from interval {start}, where a plan begins: {first}", *others]) from error


def _as_function(problem: Problem, forecast: Expected | Forecast | None) -> Forecast:
    if forecast is None:
        return lambda start, stop: (problem.load_kwh[start:stop], problem.pv_kwh[start:stop])
    if callable(forecast):
        return forecast
    load, pv = forecast
    for name, expected in (("load", load), ("PV", pv)):
        if np.shape(expected) != problem.load_kwh.shape:
            right = f"of the shape of the problem, {problem.load_kwh.shape}"
            raise PlanError(what=f"the forecast of {name}", found=f"of shape {np.shape(expected)}", right=right)
    return lambda start, stop: (load[start:stop], pv[start:stop])


def _first(decision: Decision, intervals: int) -> Decision:
    return Decision(
        decision.charge_kwh[:intervals],
        decision.discharge_kwh[:intervals],
        decision.flex_kwh[:intervals],
        decision.curtailed_kwh[:intervals],
    )
