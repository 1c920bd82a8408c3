"""Batteries that several homes use: one of the community, or one that is owned in shares.

Individual  each home has its own: `battery.self_consumption_step`.
Central     one for all; it stores the surplus of all homes together and serves what they lack together. Its energy
            belongs to nobody; what each home gives and takes is in proportion to its surplus or need.
Shared      one for all, but each home owns a share of its capacity and power, and the energy it stored there. Homes
            that charge and homes that discharge at the same time meet before the cells: only the difference goes
            through them, and the losses that this saves are credited to the owners in proportion to their free room.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.assets.battery import BatteryFleet, self_consumption_step_wh
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import PlanError
from microgrid.domain.units import WH_PER_KWH

SHARES_TOLERANCE = 1e-9


def central_step_wh(
    battery: BatteryFleet, soc_kwh: FloatArray, surplus_wh: IntArray, dt_hours: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """One step of a battery that belongs to the community.

    Args:
        battery: One battery.
        soc_kwh: Its state of charge before, kWh, shape (1,).
        surplus_wh: PV minus load of each home, Wh, shape (N,).
        dt_hours: Length of the interval.

    Returns:
        What each home charges and what it is given, Wh, shape (N,), and the state of charge after, kWh, shape (1,). The
        homes' parts add up to the battery's flow to the last Wh.
    """
    together = surplus_wh.sum(keepdims=True)
    charge, discharge, after = self_consumption_step_wh(battery, soc_kwh, together, dt_hours)
    return _split(charge, np.maximum(surplus_wh, 0)), _split(discharge, np.maximum(-surplus_wh, 0)), after


@dataclass(frozen=True, eq=False, slots=True)
class SharedBattery:
    """A battery that N homes own in shares.

    Attributes:
        owned: What each owner has of it, as a battery of its own, N of them.
        share: Share of each owner, shape (N,), adding up to one.
    """

    owned: BatteryFleet
    share: FloatArray

    @classmethod
    def of_shares(cls, battery: BatteryFleet, share: FloatArray) -> "SharedBattery":
        """Divide one battery.

        Args:
            battery: One battery; its state of charge at the start is divided as the rest.
            share: Share of each home, shape (N,), not negative, adding up to one.

        Raises:
            PlanError: more than one battery, or shares that do not add up.
        """
        if battery.count != 1:
            raise PlanError(what="the shared battery", found=f"{battery.count} batteries", right="one")
        if not ((share >= 0).all() and abs(share.sum() - 1) <= SHARES_TOLERANCE):
            raise PlanError(what="the sum of the shares", found=f"{share.sum():g}", right="1, with none below zero")
        one = np.ones(len(share))
        return cls(
            BatteryFleet(
                home=np.arange(len(share)),
                capacity_kwh=battery.capacity_kwh * share,
                charge_power_kw=battery.charge_power_kw * share,
                discharge_power_kw=battery.discharge_power_kw * share,
                eta_charge=battery.eta_charge * one,
                eta_discharge=battery.eta_discharge * one,
                soc_min_kwh=battery.soc_min_kwh * share,
                soc_max_kwh=battery.soc_max_kwh * share,
                soc0_kwh=battery.soc0_kwh * share,
                min_final_soc_kwh=battery.min_final_soc_kwh * share,
            ),
            share,
        )

    def step_wh(
        self, soc_kwh: FloatArray, surplus_wh: IntArray, dt_hours: float
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """One step in which each owner stores its surplus in its share and takes from what it stored.

        Args:
            soc_kwh: Energy of each owner, kWh, shape (N,); its sum is the state of charge of the battery.
            surplus_wh: PV minus load of each home, Wh, shape (N,).
            dt_hours: Length of the interval.

        Returns:
            Charge and discharge of each owner, Wh, and its energy after, kWh, shape (N,).
        """
        charge, discharge, after = self_consumption_step_wh(self.owned, soc_kwh, surplus_wh, dt_hours)
        return charge, discharge, self.credited(soc_kwh, after, charge / WH_PER_KWH, discharge / WH_PER_KWH)

    def credited(
        self, before_kwh: FloatArray, after_kwh: FloatArray, charge_kwh: FloatArray, discharge_kwh: FloatArray
    ) -> FloatArray:
        """Energy of each owner with its part of the losses that never happened, kWh, shape (N,).

        The cells see the net flow only: they gain eta_charge * net, or lose -net / eta_discharge. That is never less
        than what the owners' accounts gain together, and the owners' room is never less than the difference.
        """
        net = float(charge_kwh.sum() - discharge_kwh.sum())
        eta_charge, eta_discharge = self.owned.eta_charge[0], self.owned.eta_discharge[0]
        cells = float(before_kwh.sum()) + (eta_charge * net if net > 0 else net / eta_discharge)
        room = self.owned.soc_max_kwh - after_kwh
        saved = min(max(cells - float(after_kwh.sum()), 0.0), float(room.sum()))
        return after_kwh + saved * room / room.sum() if saved > 0 else after_kwh


def _split(total: IntArray, weight: IntArray) -> IntArray:
    """A whole number of Wh in proportion to weights; what rounding leaves goes to the largest remainders."""
    amount, weights = int(total[0]), int(weight.sum())
    if amount == 0:
        return np.zeros_like(weight)
    part, remainder = np.divmod(amount * weight, weights)
    left = amount - int(part.sum())
    part[np.argsort(-remainder, kind="stable")[:left]] += 1
    return part
