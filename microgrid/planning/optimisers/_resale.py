"""No battery sells what it bought: energy from the grid never goes back to it through a battery.

Legal and tariff rules pay for solar energy only. For each battery a second account p, the solar share of its stock,
is kept beside the stock s:

    p[t] <= p[t-1] + eta_c * c_pv[t] - d_sold[t] / eta_d,   0 <= p <= s,   0 <= c_pv <= c,   0 <= d_sold <= d
    e + sum c_pv <= max(pv - load, 0) - u + sum d_sold        each meter and interval

PV serves the load of its own meter first; what is then left over may be sold or stored as solar energy, and only
stored solar energy may be sold. What the battery held at the start counts as solar energy, in share
`SOLAR_SHARE_AT_START`. The first row is an inequality, so that solar energy may also serve the load.
"""

import numpy as np

from microgrid.planning.optimisers._builder import Builder
from microgrid.planning.problem import Problem

SOLAR_SHARE_AT_START = 1.0


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
    most[0] = SOLAR_SHARE_AT_START * fleet.soc0_kwh
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
    unused = blocks["curtailed"]
    builder.put(rows[:, meter] if unused.shape[1] == problem.homes else rows[:, : unused.shape[1]], unused, 1.0)
    at_battery = rows[:, meter[problem.batteries.home]]
    builder.put(at_battery, blocks["solar_charge"], 1.0)
    builder.put(at_battery, blocks["sold"], -1.0)
