"""What an optimiser decides, and the energy that then flows through homes and meters."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.planning.problem import Problem


@dataclass(frozen=True, eq=False, slots=True)
class Decision:
    """What an optimiser may decide; all kWh per interval.

    Attributes:
        charge_kwh: Energy into each battery, AC side, shape (T, B).
        discharge_kwh: Energy out of each battery, AC side, shape (T, B).
        flex_kwh: Energy of each load that can wait, shape (T, F).
        curtailed_kwh: PV left unused, shape (T, N).
    """

    charge_kwh: FloatArray
    discharge_kwh: FloatArray
    flex_kwh: FloatArray
    curtailed_kwh: FloatArray


class Flows(Protocol):
    """A decision, or a plan that was made of one."""

    @property
    def charge_kwh(self) -> FloatArray:
        """Energy into each battery, shape (T, B)."""

    @property
    def discharge_kwh(self) -> FloatArray:
        """Energy out of each battery, shape (T, B)."""

    @property
    def flex_kwh(self) -> FloatArray:
        """Energy of each load that can wait, shape (T, F)."""

    @property
    def curtailed_kwh(self) -> FloatArray:
        """PV left unused, shape (T, N)."""


def net_by_home(problem: Problem, decision: Flows) -> FloatArray:
    """Energy that each home takes (above zero) or gives, kWh, shape (T, N).

    net = load - pv + curtailed + charge - discharge + flexible
    """
    net = problem.load_kwh - problem.pv_kwh + decision.curtailed_kwh
    net += sum_at(problem.batteries.home, decision.charge_kwh - decision.discharge_kwh, problem.homes)
    net += sum_at(problem.flexible.home, decision.flex_kwh, problem.homes)
    return net


def net_by_meter(problem: Problem, decision: Flows) -> FloatArray:
    """The same at each meter, shape (T, M)."""
    return problem.by_meter(net_by_home(problem, decision))


def sum_at(places: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Columns of an array (T, K) summed by the place of each, shape (T, count)."""
    total = np.zeros((len(values), count))
    if len(np.unique(places)) == len(places):
        total[:, places] = values
    else:
        np.add.at(total.T, places, values.T)
    return total
