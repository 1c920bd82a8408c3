"""The regulator: rewards own renewable use, fines buying from the local market, bans for a while.

Per home and step, with u the home's own PV energy that it uses itself and l the energy that it buys from the local
market (Wh), bonus rate B and penalty rate P (micro per kWh):

    bonus = floor(B u / 1000)        penalty = ceil(P l / 1000)

A home is banned from peers and local market for 2 or 3 steps when within the last `window_steps` it bought more than
`market_limit_kwh` from the local market, or when its balance has fallen below `lowest_balance`. Every `billing_days`
homes pay their bill or are paid out, which brings each balance back to `start_balance`.
"""

from dataclasses import dataclass, field

import numpy as np

from microgrid.domain.arrays import BoolArray, IntArray
from microgrid.domain.units import NANO_PER_MICRO, kwh, micro, units, wh
from microgrid.sim.scenario import Regulator


@dataclass(frozen=True, slots=True)
class Ban:
    """A home shut out from trading in steps `first` … `first + steps - 1`."""

    decided: int
    first: int
    steps: int
    home: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a step costs and brings each home, micro, shape (N,), and who is banned from now on."""

    bonus_micro: IntArray
    penalty_micro: IntArray
    bans: tuple[Ban, ...]


@dataclass
class Office:
    """The regulator at work; it remembers market use, balances and bans of N homes."""

    rules: Regulator
    homes: int
    generator: np.random.Generator
    _balance: IntArray = field(init=False)
    _free_from: IntArray = field(init=False)
    _used_wh: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self._balance = np.full(self.homes, micro(self.rules.start_balance), dtype=np.int64)
        self._free_from = np.zeros(self.homes, dtype=np.int64)
        self._used_wh = np.zeros((self.rules.window_steps, self.homes), dtype=np.int64)

    @property
    def balance_micro(self) -> IntArray:
        """Money of each home, micro, shape (N,)."""
        return self._balance.copy()

    def banned(self, step: int) -> BoolArray:
        """Who may not trade in a step, shape (N,)."""
        banned: BoolArray = self._free_from > step
        return banned

    def settle_bills(self) -> IntArray:
        """Bring every balance back to the start.

        Returns:
            What each home pays in for that, micro, shape (N,); below zero it is paid out.
        """
        paid: IntArray = micro(self.rules.start_balance) - self._balance
        self._balance += paid
        return paid

    def judge(self, step: int, own_use_wh: IntArray, local_wh: IntArray, amount_micro: IntArray) -> Ruling:
        """Close a step: bonus, penalty, balances, bans from the next step on.

        Args:
            step: The step that has just been settled.
            own_use_wh: Own PV energy that each home used itself, shape (N,).
            local_wh: Energy that each home bought from the local market, shape (N,).
            amount_micro: What each home got from trading and the grid; below zero it paid, shape (N,).
        """
        bonus = own_use_wh * micro(self.rules.bonus) // NANO_PER_MICRO
        penalty = -(-local_wh * micro(self.rules.penalty) // NANO_PER_MICRO)
        self._balance += amount_micro + bonus - penalty
        self._used_wh[step % self.rules.window_steps] = local_wh
        return Ruling(bonus, penalty, self._bans(step))

    def _bans(self, step: int) -> tuple[Ban, ...]:
        free = ~self.banned(step + 1)
        used = self._used_wh.sum(axis=0)
        heavy = free & (used > wh(self.rules.market_limit_kwh))
        poor = free & ~heavy & (self._balance < micro(self.rules.lowest_balance))
        homes = np.flatnonzero(heavy | poor)
        low, high = self.rules.ban_steps
        lengths = self.generator.integers(low, high, size=len(homes), endpoint=True)
        bans = tuple(
            Ban(step, step + 1, length, home, self._reason(home, int(used[home]), heavy=bool(heavy[home])))
            for home, length in zip(homes.tolist(), lengths.tolist(), strict=True)
        )
        self._free_from[homes] = step + 1 + lengths
        self._used_wh[:, homes] = 0
        return bans

    def _reason(self, home: int, used_wh: int, *, heavy: bool) -> str:
        rules = self.rules
        if heavy:
            limit = f"more than {rules.market_limit_kwh:g} kWh"
            return f"bought {kwh(used_wh):.3f} kWh from the local market in {rules.window_steps} steps, {limit}"
        return f"balance of {units(int(self._balance[home])):.2f} below {rules.lowest_balance:.2f}"
