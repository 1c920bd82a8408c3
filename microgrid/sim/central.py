"""The community's own battery: it takes what homes have left over and gives it back, at the middle of the grid's band.

All homes own it in equal parts. What it charges it buys from homes with a surplus, in proportion to it, and what these
lack from the grid at retail; what it discharges it sells to homes that need energy, in proportion, and the rest to the
grid at feed-in. With p the reference price, what it earns is split evenly in each step:

    dividend = floor((p (to homes - from homes) - retail from_grid + feed_in to_grid) / N)
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.domain.records import PriceBand
from microgrid.market.quanta import apportioned
from microgrid.sim.outcome import Energy
from microgrid.sim.trading import StepTrades

TIER = "central_battery"


@dataclass(frozen=True, eq=False, slots=True)
class Share:
    """The battery's part in one step.

    Attributes:
        bought_wh: What each home bought from it, shape (N,).
        sold_wh: What each home sold to it.
        grid_nano: What the grid gets from the battery.
    """

    bought_wh: IntArray
    sold_wh: IntArray
    grid_nano: int


def battery_share(energy: Energy, step: int, band: PriceBand) -> Share:
    """Who fills and who uses the central battery in a step."""
    charge, discharge = int(energy.central_charge_wh[step]), int(energy.central_discharge_wh[step])
    bought, sold = _shared(discharge, energy.import_wh[step]), _shared(charge, energy.export_wh[step])
    from_grid, to_grid = charge - int(sold.sum()), discharge - int(bought.sum())
    return Share(bought, sold, from_grid * band.retail - to_grid * band.feed_in)


def _shared(total_wh: int, wanted_wh: IntArray) -> IntArray:
    """As much of the total as is wanted, in proportion."""
    return apportioned(min(total_wh, int(wanted_wh.sum())), wanted_wh)


def battery_trades(share: Share, band: PriceBand, tier: int) -> StepTrades:
    """The battery's deals at the reference price; it stands after the last home, as number N."""
    buyers, sellers = np.flatnonzero(share.bought_wh), np.flatnonzero(share.sold_wh)
    battery = len(share.bought_wh)
    energy = np.concatenate([share.bought_wh[buyers], share.sold_wh[sellers]])
    price = np.full_like(energy, band.reference)
    return StepTrades(
        np.concatenate([buyers, np.full_like(sellers, battery)]),
        np.concatenate([np.full_like(buyers, battery), sellers]),
        energy,
        price,
        price,
        np.full_like(energy, tier),
    )
