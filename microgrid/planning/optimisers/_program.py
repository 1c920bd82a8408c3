"""A planning problem as a linear programme in sparse arrays: minimise c'x, low <= A x <= high, lower <= x <= upper.

Columns (T rows of each block): import i, export e by meter; curtailed u by home or meter; charge c, discharge d and
state of charge s by battery; flexible energy f and its sum g by load. Rows:

    i - e - u - sum c + sum d - sum f = load - pv            each meter and interval
    s[t] - s[t-1] - eta_c c[t] + d[t] / eta_d = 0            each battery, s[-1] = soc0
    g[t] - g[t-1] - f[t] = 0                                 each load that can wait
    -export limit <= u + c - d + f + load - pv <= import limit     each home behind a shared meter, where limited
    -export limit <= sum (i - e) <= import limit             all separate meters together, where limited

Built with whole arrays, without a loop over intervals.
"""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.planning.decision import Decision
from microgrid.planning.optimisers import _resale
from microgrid.planning.optimisers._builder import Builder, Program
from microgrid.planning.problem import Problem


def build_program(problem: Problem) -> Program:
    """The linear programme of all homes of a problem at once."""
    return collect(problem).program()


def collect(problem: Problem) -> Builder:
    """All columns and rows of a problem, to which more may be added."""
    builder = Builder()
    _grid_columns(builder, problem)
    _battery_columns(builder, problem)
    _flexible_columns(builder, problem)
    _balance_rows(builder, problem)
    _stock_rows(builder, problem)
    if problem.metering == "shared" and problem.has_home_limit:
        _home_rows(builder, problem)
    if problem.metering == "separate" and problem.has_community_limit:
        _community_rows(builder, problem)
    if not problem.grid_resale and problem.batteries.count:
        _resale.add(builder, problem)
    return builder


def decision_of(problem: Problem, program: Program, solution: FloatArray) -> Decision:
    """What a solution of the programme says."""
    charge, discharge, flex, unused = (
        solution[program.blocks[name]] for name in ("charge", "discharge", "flex", "curtailed")
    )
    if unused.shape == problem.pv_kwh.shape or not problem.pv_curtailable:
        curtailed = unused if problem.pv_curtailable else np.zeros_like(problem.pv_kwh)
    else:
        available = problem.pv_kwh.sum(axis=1, keepdims=True)
        share = np.divide(unused, available, out=np.zeros_like(unused), where=available > 0)
        curtailed = problem.pv_kwh * share
    return Decision(charge, discharge, flex, curtailed)


def by_home(problem: Problem) -> bool:
    """Whether curtailment must be told apart by home behind a shared meter."""
    return problem.metering == "separate" or problem.has_home_limit


def _grid_columns(builder: Builder, problem: Problem) -> None:
    shape = (problem.intervals, problem.meters)
    limits = problem.home_limits_kwh if problem.metering == "separate" else problem.community_limits_kwh
    builder.columns("import", shape, upper=limits[0], cost=problem.import_price)
    builder.columns("export", shape, upper=limits[1], cost=-problem.export_price)
    unused = problem.pv_kwh if by_home(problem) else problem.by_meter(problem.pv_kwh)
    if problem.pv_curtailable:
        builder.columns("curtailed", (problem.intervals, unused.shape[1]), upper=unused)
    else:
        builder.columns("curtailed", (problem.intervals, 0))


def _battery_columns(builder: Builder, problem: Problem) -> None:
    fleet, dt = problem.batteries, problem.dt_hours
    shape = (problem.intervals, fleet.count)
    builder.columns("charge", shape, upper=fleet.charge_power_kw * dt, cost=problem.cycle_cost_per_kwh)
    builder.columns("discharge", shape, upper=fleet.discharge_power_kw * dt, cost=problem.cycle_cost_per_kwh)
    lowest = np.broadcast_to(fleet.soc_min_kwh, shape).copy()
    lowest[-1] = np.maximum(lowest[-1], fleet.min_final_soc_kwh)
    builder.columns("soc", shape, lower=lowest, upper=fleet.soc_max_kwh)


def _flexible_columns(builder: Builder, problem: Problem) -> None:
    loads = problem.flexible
    shape = (problem.intervals, loads.count)
    builder.columns("flex", shape, upper=loads.power_kw * problem.dt_hours)
    bounds = (loads.lower_kwh, loads.upper_kwh) if loads.count else (0.0, 0.0)
    builder.columns("flexed", shape, *bounds)


def _balance_rows(builder: Builder, problem: Problem) -> None:
    blocks, meter, net = builder.blocks, problem.meter_of_home, problem.net_kwh
    rows = builder.rows("balance", net.shape, net, net)
    builder.put(rows, blocks["import"], 1.0)
    builder.put(rows, blocks["export"], -1.0)
    unused = blocks["curtailed"]
    builder.put(rows[:, meter] if unused.shape[1] == problem.homes else rows[:, : unused.shape[1]], unused, -1.0)
    at_battery = rows[:, meter[problem.batteries.home]]
    builder.put(at_battery, blocks["charge"], -1.0)
    builder.put(at_battery, blocks["discharge"], 1.0)
    builder.put(rows[:, meter[problem.flexible.home]], blocks["flex"], -1.0)


def _stock_rows(builder: Builder, problem: Problem) -> None:
    fleet, blocks = problem.batteries, builder.blocks
    start = np.zeros((problem.intervals, fleet.count))
    start[0] = fleet.soc0_kwh
    rows = builder.rows("stock", start.shape, start, start)
    builder.put(rows, blocks["soc"], 1.0)
    builder.put(rows[1:], blocks["soc"][:-1], -1.0)
    builder.put(rows, blocks["charge"], -fleet.eta_charge)
    builder.put(rows, blocks["discharge"], 1.0 / fleet.eta_discharge)
    sums = builder.rows("sum", blocks["flex"].shape, 0.0, 0.0)
    builder.put(sums, blocks["flexed"], 1.0)
    builder.put(sums[1:], blocks["flexed"][:-1], -1.0)
    builder.put(sums, blocks["flex"], -1.0)


def _home_rows(builder: Builder, problem: Problem) -> None:
    blocks, net = builder.blocks, problem.load_kwh - problem.pv_kwh
    most_import, most_export = problem.home_limits_kwh
    rows = builder.rows("home", net.shape, -most_export - net, most_import - net)
    builder.put(rows[:, : blocks["curtailed"].shape[1]], blocks["curtailed"], 1.0)
    builder.put(rows[:, problem.batteries.home], blocks["charge"], 1.0)
    builder.put(rows[:, problem.batteries.home], blocks["discharge"], -1.0)
    builder.put(rows[:, problem.flexible.home], blocks["flex"], 1.0)


def _community_rows(builder: Builder, problem: Problem) -> None:
    most_import, most_export = problem.community_limits_kwh
    rows = builder.rows("community", (problem.intervals, 1), -most_export, most_import)
    builder.put(rows, builder.blocks["import"], 1.0)
    builder.put(rows, builder.blocks["export"], -1.0)
