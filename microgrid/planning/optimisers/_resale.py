"""No battery sells what it bought: energy from the grid never goes back to it through a battery.

Legal and tariff rules pay for solar energy only. For each battery a second account p, the solar share of its stock,
is kept beside the stock s:

    p[t] <= p[t-1] + eta_c * c_pv[t] - d_sold[t] / eta_d,   0 <= p <= s,   0 <= c_pv <= c,   0 <= d_sold <= d
    e + sum c_pv <= max(pv - load, 0) - u + sum d_sold        each meter and interval, u only where pv > load

PV serves the load of its own meter first; what is then left over may be sold or stored as solar energy, and only
stored solar energy may be sold. Where nothing is left over, PV may be left unused all the same: a connection behind the
meter may carry no more. What the battery held at the start counts as solar energy, or as much of it as
`Problem.solar0_kwh` says. The first row is an inequality, so that solar energy may also serve the load.
"""

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.planning.optimisers._builder import Builder
from microgrid.planning.problem import Problem
from microgrid.planning.schedule import Plan


def add(builder: Builder, problem: Problem) -> None:
    """Columns and rows of the rule, after those of the batteries."""
    fleet, blocks = problem.batteries, builder.blocks
    shape = (problem.intervals, fleet.count)
    solar_charge = builder.columns("solar_charge", shape, upper=fleet.charge_power_kw * problem.dt_hours)
    sold = builder.columns("sold", shape, upper=fleet.discharge_power_kw * problem.dt_hours)
    solar = builder.columns("solar", shape, upper=fleet.soc_max_kwh)
    for name, part, whole in (
        ("solar_charge", solar_charge, blocks["charge"]),
        ("sold", sold, blocks["discharge"]),
        ("solar", solar, blocks["soc"]),
    ):
        rows = builder.rows(f"part_{name}", shape, -np.inf, 0.0)
        builder.put(rows, part, 1.0)
        builder.put(rows, whole, -1.0)
    _account_rows(builder, problem)
    _sale_rows(builder, problem)


def _account_rows(builder: Builder, problem: Problem) -> None:
    fleet, blocks = problem.batteries, builder.blocks
    most = np.zeros((problem.intervals, fleet.count))
    most[0] = problem.solar_at_start_kwh
    rows = builder.rows("solar", most.shape, -np.inf, most)
    builder.put(rows, blocks["solar"], 1.0)
    builder.put(rows[1:], blocks["solar"][:-1], -1.0)
    builder.put(rows, blocks["solar_charge"], -fleet.eta_charge)
    builder.put(rows, blocks["sold"], 1.0 / fleet.eta_discharge)


def _sale_rows(builder: Builder, problem: Problem) -> None:
    blocks, meter = builder.blocks, problem.meter_of_home
    surplus = np.maximum(-problem.net_kwh, 0.0)
    rows = builder.rows("sale", surplus.shape, -np.inf, surplus)
    builder.put(rows, blocks["export"], 1.0)
    unused, left_over = blocks["curtailed"], (surplus > 0).astype(np.float64)
    place = meter if unused.shape[1] == problem.homes else slice(unused.shape[1])
    builder.put(rows[:, place], unused, left_over[:, place])
    at_battery = rows[:, meter[problem.batteries.home]]
    builder.put(at_battery, blocks["solar_charge"], 1.0)
    builder.put(at_battery, blocks["sold"], -1.0)


def solar_left_kwh(problem: Problem, plan: Plan) -> FloatArray:
    """The most that can be solar energy of what a plan leaves in each battery, kWh, shape (B,).

    What a meter's surplus did not sell was charged, and what it sold beyond its surplus came out of its batteries, in
    proportion to what each charged or could have sold.
    """
    fleet, meter = problem.batteries, problem.meter_of_home[problem.batteries.home]
    surplus = np.maximum(-problem.net_kwh, 0.0)
    unused = problem.by_meter(plan.curtailed_kwh) * (surplus > 0)
    kept = surplus - unused - plan.export_kwh
    solar = problem.solar_at_start_kwh
    for time in range(problem.intervals):
        charged = _shared_out(np.maximum(kept[time], 0.0), plan.charge_kwh[time], meter)
        most = np.minimum(plan.discharge_kwh[time], solar * fleet.eta_discharge)
        sold = _shared_out(np.maximum(-kept[time], 0.0), most, meter)
        moved = solar + fleet.eta_charge * charged - sold / fleet.eta_discharge
        solar = np.clip(moved, 0.0, plan.soc_kwh[time + 1])
    return solar


def _shared_out(amount: FloatArray, most: FloatArray, meter: IntArray) -> FloatArray:
    total = np.bincount(meter, most, len(amount))
    share = np.minimum(np.divide(amount, total, out=np.zeros_like(amount), where=total > 0), 1.0)
    shared: FloatArray = most * share[meter]
    return shared
