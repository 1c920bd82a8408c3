"""The arrays of a run while it goes."""

from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np

from microgrid.domain.arrays import BoolArray, IntArray
from microgrid.domain.units import NANO_PER_MICRO, micro
from microgrid.sim.regulator import Ban, Ruling
from microgrid.sim.results import Grid, Money, Results, Trades, Trading
from microgrid.sim.trading import Orders, StepTrades

if TYPE_CHECKING:
    from microgrid.sim.run import Simulation

BY_HOME = ("order_wh", "limit_micro", "market_micro", "amount_micro", "bonus_micro", "penalty_micro", "banned")
BY_STEP = ("homes_micro", "grid_micro", "operator_micro", "regulator_micro", "dust_micro")


class Record:
    """Filled step by step: `trades`, then `ruling`, then `money`.

    Args:
        steps: T.
        homes: N.
        tiers: Number of markets.
    """

    def __init__(self, steps: int, homes: int, tiers: int) -> None:
        self._homes = homes
        self._by_home = {name: np.zeros((steps, homes), dtype=np.int64) for name in BY_HOME}
        self._bought, self._sold = (np.zeros((tiers, steps, homes), dtype=np.int64) for _ in range(2))
        self._by_step = {name: np.zeros(steps, dtype=np.int64) for name in BY_STEP}
        self._trades: list[tuple[int, StepTrades]] = []
        self._bans: list[Ban] = []

    def trades(self, step: int, orders: Orders, trades: StepTrades, market_micro: IntArray, banned: BoolArray) -> None:
        """What was ordered and traded."""
        row = self._by_home
        row["order_wh"][step], row["limit_micro"][step] = orders.net_wh, orders.limit_micro
        row["market_micro"][step], row["banned"][step] = market_micro, banned
        for tier in range(len(self._bought)):
            part = trades.of_tier(tier)
            self._bought[tier, step] = part.bought_wh(self._homes + 1)[:-1]
            self._sold[tier, step] = part.sold_wh(self._homes + 1)[:-1]
        self._trades.append((step, trades))

    def ruling(self, step: int, ruling: Ruling) -> None:
        """What the regulator decided."""
        self._by_home["bonus_micro"][step] = ruling.bonus_micro
        self._by_home["penalty_micro"][step] = ruling.penalty_micro
        self._bans.extend(ruling.bans)

    def money(self, step: int, amount_micro: IntArray, grid_nano: int, operator_nano: int) -> None:
        """Where the money went; what rounding left is dust."""
        self._by_home["amount_micro"][step] = amount_micro
        regulator = int((self._by_home["penalty_micro"][step] - self._by_home["bonus_micro"][step]).sum())
        homes = int(amount_micro.sum()) - regulator
        grid, operator = grid_nano // NANO_PER_MICRO, operator_nano // NANO_PER_MICRO
        sums = (homes, grid, operator, regulator, -(homes + grid + operator + regulator))
        for name, value in zip(BY_STEP, sums, strict=True):
            self._by_step[name][step] = value

    def results(
        self, simulation: "Simulation", alone: IntArray, baseline: IntArray, prices: tuple[IntArray, IntArray]
    ) -> Results:
        """The finished arrays as results, invariants still unchecked."""
        inputs, rows = simulation.inputs, self._by_home
        moved = rows["amount_micro"] + rows["bonus_micro"] - rows["penalty_micro"]
        start = micro(simulation.scenario.regulator.start_balance)
        return Results(
            scenario=simulation.scenario,
            seed=simulation.seed,
            home_ids=inputs.home_ids,
            home_types=inputs.home_types,
            first=inputs.first,
            grid=Grid(*prices, inputs.carbon_kg_per_kwh),
            energy=simulation.energy,
            trading=Trading(
                **rows,
                bought_wh=self._bought,
                sold_wh=self._sold,
                without_market_micro=alone,
                baseline_micro=baseline,
                balance_micro=start + np.cumsum(moved, axis=0),
            ),
            trades=self._all_trades(),
            money=Money(**self._by_step),
            tiers=simulation.tiers,
            bans=tuple(self._bans),
            transfers=simulation.credit_book.log,
            credits_wh=simulation.credit_book.balances_wh,
            ledger=None,
            invariants=(),
            filled=inputs.filled,
        )

    def _all_trades(self) -> Trades:
        parts = list(starmap(_columns, self._trades))
        return Trades(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _columns(step: int, trades: StepTrades) -> tuple[IntArray, ...]:
    return (np.full(len(trades.buyer), step, dtype=np.int64), *trades.columns)
