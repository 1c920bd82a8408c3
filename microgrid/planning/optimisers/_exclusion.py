"""A battery never charges and discharges at once.

Losses make that a waste, so the linear programme avoids it by itself where energy has a price above zero. Where the
price is negative, or an export limit leaves no other way out, wasting energy would pay: there, and only there, a whole
number z in {0, 1} is added: charge <= z * limit, discharge <= (1 - z) * limit.
"""

from dataclasses import replace

import numpy as np

from microgrid.domain.arrays import BoolArray
from microgrid.planning.optimisers._builder import Program


def with_exclusion(program: Program, places: BoolArray) -> Program:
    """The programme with a whole number for each place, shape (T, B)."""
    count = int(places.sum())
    charge, discharge = program.blocks["charge"][places], program.blocks["discharge"][places]
    switch = len(program.cost) + np.arange(count)
    rows = len(program.row_lower) + np.arange(2 * count)
    one, zero = np.ones(count), np.zeros(count)
    most_charge, most_discharge = program.upper[charge], program.upper[discharge]
    return replace(
        program,
        cost=np.concatenate([program.cost, zero]),
        lower=np.concatenate([program.lower, zero]),
        upper=np.concatenate([program.upper, one]),
        whole=np.concatenate([program.whole, np.ones(count, np.bool_)]),
        row_lower=np.concatenate([program.row_lower, np.full(2 * count, -np.inf)]),
        row_upper=np.concatenate([program.row_upper, zero, most_discharge]),
        row=np.concatenate([program.row, rows, rows]),
        column=np.concatenate([program.column, charge, discharge, switch, switch]),
        value=np.concatenate([program.value, one, one, -most_charge, most_discharge]),
    )
