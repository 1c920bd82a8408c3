"""What a run leaves: arrays over intervals and homes, and trades as columns.

Arrays have shape (T, N): intervals, homes. Energy is in whole Wh, money in whole micro, prices in micro per kWh.
Amounts are credits: above zero the home gets money; its bill is the negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.intervals import Interval
from microgrid.domain.run import Invariant
from microgrid.sim.credits import Transfer
from microgrid.sim.regulator import Ban
from microgrid.sim.scenario import Scenario


@dataclass(frozen=True, eq=False, slots=True)
class Energy:
    """Where energy came from and went, Wh, shape (T, N); load includes cars and heat pumps as they were run.

    Attributes:
        load_wh: Consumption.
        flexible_wh: Part of it that cars and heat pumps took.
        pv_wh: Generation.
        charge_wh: Into the home's battery, at the AC side.
        discharge_wh: Out of it.
        import_wh: Through the meter into the home.
        export_wh: Out of it.
        soc_kwh: State of charge at the start and after each interval, shape (T + 1, N).
        soc_limits_kwh: Its lowest and highest value allowed, shape (2, N).
        central_charge_wh: Into the community's battery, shape (T,).
        central_discharge_wh: Out of it, shape (T,).
        central_soc_kwh: Its state of charge, shape (T + 1,).
        central_limits_kwh: Its lowest and highest value allowed, shape (2,).
        forecast_net_wh: Load that cannot wait minus PV, as homes expected it, shape (T, N).
        plain_load_wh: Consumption if cars and heat pumps ran at once, shape (T, N).
    """

    load_wh: IntArray
    flexible_wh: IntArray
    pv_wh: IntArray
    charge_wh: IntArray
    discharge_wh: IntArray
    import_wh: IntArray
    export_wh: IntArray
    soc_kwh: FloatArray
    soc_limits_kwh: FloatArray
    central_charge_wh: IntArray
    central_discharge_wh: IntArray
    central_soc_kwh: FloatArray
    central_limits_kwh: FloatArray
    forecast_net_wh: IntArray
    plain_load_wh: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Trading:
    """What homes ordered, traded and paid, shape (T, N) unless told otherwise.

    Attributes:
        order_wh: Above zero to buy, below zero to sell, zero where the home stayed out.
        limit_micro: Limit price of the order.
        bought_wh: Bought in each tier, shape (tiers, T, N).
        sold_wh: Sold in each tier, shape (tiers, T, N).
        market_micro: From trades alone, rounded down.
        amount_micro: From trades and grid.
        bonus_micro: From the regulator.
        penalty_micro: To the regulator.
        without_market_micro: The same energy with the grid alone.
        baseline_micro: Without market, battery and shifted loads.
        banned: Whether the home was shut out.
        paid_in_micro: Paid in at the beginning of the step to settle the bill; below zero paid out.
        balance_micro: Money of the home after the step: start balance and all amounts since the last bill.
    """

    order_wh: IntArray
    limit_micro: IntArray
    bought_wh: IntArray
    sold_wh: IntArray
    market_micro: IntArray
    amount_micro: IntArray
    bonus_micro: IntArray
    penalty_micro: IntArray
    without_market_micro: IntArray
    baseline_micro: IntArray
    banned: IntArray
    paid_in_micro: IntArray
    balance_micro: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Trades:
    """All trades in order, shape (trades,)."""

    step: IntArray
    buyer: IntArray
    seller: IntArray
    energy_wh: IntArray
    buyer_micro: IntArray
    seller_micro: IntArray
    tier: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Money:
    """Where each step's money went, micro, shape (T,); homes + grid + operator + regulator + dust = 0.

    Attributes:
        homes_micro: To the homes, bonuses less penalties included.
        grid_micro: To the grid.
        operator_micro: To who runs the market: fees, and what a rule leaves over or lacks.
        regulator_micro: To the regulator.
        dust_micro: Left by rounding.
    """

    homes_micro: IntArray
    grid_micro: IntArray
    operator_micro: IntArray
    regulator_micro: IntArray
    dust_micro: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Grid prices, micro per kWh, and carbon intensity, kg per kWh, shape (T,).

    Attributes:
        feed_in_micro: What the grid pays.
        retail_micro: What it asks.
        carbon_kg_per_kwh: Emissions of what it supplies.
        reference_micro: Price between the two that decides between equally good ticks of an auction.
    """

    feed_in_micro: IntArray
    retail_micro: IntArray
    carbon_kg_per_kwh: FloatArray
    reference_micro: IntArray


@dataclass(frozen=True, eq=False)
class Outcome:
    """A whole run of the simulator.

    Attributes:
        scenario: As run.
        seed: As run.
        home_ids: Names of the N homes.
        home_types: What kind of home each is; empty for measured homes.
        first: First interval.
        tiers: Names of the markets, the index of `Trading.bought_wh` and `Trades.tier`.
        bans: The regulator's bans.
        transfers: Credit transfers tried.
        credits_wh: Credits of each holder at the end.
        ledger: What was written down; None where there is no ledger.
        invariants: What must be exact, and by how much it was not.
        filled: Values of the input that were missing and were filled.
    """

    scenario: Scenario
    seed: int
    home_ids: tuple[str, ...]
    home_types: tuple[str, ...]
    first: Interval
    grid: Grid
    energy: Energy
    trading: Trading
    trades: Trades
    money: Money
    tiers: tuple[str, ...]
    bans: tuple[Ban, ...]
    transfers: tuple[Transfer, ...]
    credits_wh: Mapping[str, int]
    ledger: Any
    invariants: tuple[Invariant, ...]
    filled: int = 0

    @property
    def steps(self) -> int:
        """T."""
        return len(self.energy.load_wh)

    @property
    def homes(self) -> int:
        """N."""
        return len(self.home_ids)

    @property
    def bill_micro(self) -> IntArray:
        """What each home pays in all, bonuses and penalties included, shape (N,)."""
        trading = self.trading
        total: IntArray = (trading.penalty_micro - trading.amount_micro - trading.bonus_micro).sum(axis=0)
        return total

    @property
    def without_market_micro(self) -> IntArray:
        """What each home would pay if it traded with the grid alone, shape (N,)."""
        bill: IntArray = -self.trading.without_market_micro.sum(axis=0)
        return bill

    @property
    def baseline_micro(self) -> IntArray:
        """What each home would pay without market, battery and shifted loads, shape (N,)."""
        bill: IntArray = -self.trading.baseline_micro.sum(axis=0)
        return bill

    @cached_property
    def own_use_wh(self) -> IntArray:
        """PV energy that each home used itself or stored, shape (T, N)."""
        energy = self.energy
        own: IntArray = np.minimum(energy.pv_wh, energy.load_wh + energy.charge_wh)
        return own
