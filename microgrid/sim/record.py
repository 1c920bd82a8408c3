"""The arrays of a run while it goes."""

from itertools import starmap

import numpy as np

from microgrid.domain.arrays import BoolArray, IntArray
from microgrid.domain.units import NANO_PER_MICRO
from microgrid.sim.outcome import Money, Trades, Trading
from microgrid.sim.regulator import Ban, Ruling
from microgrid.sim.trading import Orders, StepTrades

BY_HOME = (
    "order_wh",
    "limit_micro",
    "market_micro",
    "amount_micro",
    "bonus_micro",
    "penalty_micro",
    "banned",
    "paid_in_micro",
)
BY_STEP = ("homes_micro", "grid_micro", "operator_micro", "regulator_micro", "dust_micro")


class Record:
    """Filled step by step: `bills` where they are due, `trades`, then `ruling`, then `money`.

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

    def bills(self, step: int, paid_in_micro: IntArray) -> None:
        """What homes paid in at the beginning of the step to settle their balances."""
        self._by_home["paid_in_micro"][step] = paid_in_micro

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

    def moved_micro(self, step: int) -> IntArray:
        """What each home got in a step, bonus and penalty included, shape (N,)."""
        rows = self._by_home
        moved: IntArray = rows["amount_micro"][step] + rows["bonus_micro"][step] - rows["penalty_micro"][step]
        return moved

    def paid_in_micro(self, step: int) -> IntArray:
        """What each home paid in at the beginning of a step to settle its balance, shape (N,)."""
        paid: IntArray = self._by_home["paid_in_micro"][step]
        return paid

    def grid_micro(self, step: int) -> int:
        """What the grid got in a step."""
        return int(self._by_step["grid_micro"][step])

    @property
    def bans(self) -> tuple[Ban, ...]:
        """All bans, in order."""
        return tuple(self._bans)

    def money_by_step(self) -> Money:
        """Where each step's money went."""
        return Money(**self._by_step)

    def trading(self, start_micro: int, alone: IntArray, baseline: IntArray) -> Trading:
        """What homes ordered, traded and paid.

        Args:
            start_micro: Balance of every home at the start.
            alone: Credit with the grid alone, shape (T, N).
            baseline: Credit without market, battery and shifted loads, shape (T, N).
        """
        rows = self._by_home
        moved = rows["amount_micro"] + rows["bonus_micro"] - rows["penalty_micro"]
        return Trading(
            **rows,
            bought_wh=self._bought,
            sold_wh=self._sold,
            without_market_micro=alone,
            baseline_micro=baseline,
            balance_micro=start_micro + np.cumsum(moved + rows["paid_in_micro"], axis=0),
        )

    def all_trades(self) -> Trades:
        """The trades of all steps as columns."""
        parts = list(starmap(_columns, self._trades))
        return Trades(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _columns(step: int, trades: StepTrades) -> tuple[IntArray, ...]:
    return (np.full(len(trades.buyer), step, dtype=np.int64), *trades.columns)
