"""RewardSystem: tokens for energy shared inside the community, and for conduct that helps it."""

from collections.abc import Sequence
from dataclasses import dataclass

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor

CLAIM, RECORD, CREDIT = GasBudget(250_000), GasBudget(300_000, 120_000), GasBudget(250_000)
CHECKPOINT = GasBudget(100_000, 120_000)


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is known of a member's conduct, in Wh.

    Attributes:
        last_interval: Latest interval recorded, zero for none.
        peer_wh: Energy drawn that was bought from peers.
        grid_wh: Energy drawn that was not.
        saved_wh: Energy drawn less than the baseline.
        self_consumed_wh: Own generation used at home.
    """

    last_interval: int
    peer_wh: int
    grid_wh: int
    saved_wh: int
    self_consumed_wh: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """Budget of an epoch and what was earned of it before boosts and penalties, in tokens (1e-18)."""

    budget_wad: int
    earned_wad: int
    claimable_from_s: int


class RewardSystem:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def accrued(self, account: str) -> int:
        """Reward earned since the last claim, 18 decimals."""
        return int(self._transactor.read(self.contract, "accrued", account))

    def claim(self) -> None:
        """Mint this account's reward."""
        self._transactor.execute("claim", self.contract, "claim", [], CLAIM)

    def checkpoint(self, accounts: Sequence[str]) -> None:
        """Write down what accounts earned at their old rates, so that from now on they earn at new ones; anyone may."""
        self._transactor.execute("checkpoint", self.contract, "checkpoint", [list(accounts)], CHECKPOINT, len(accounts))

    def rates_wad(self) -> tuple[int, int]:
        """Tokens (1e-18) for a kWh sold and delivered, and for one bought and consumed."""
        sold, bought = (self._transactor.read(self.contract, name) for name in ("perSoldKwh", "perBoughtKwh"))
        return int(sold), int(bought)

    def record_conduct(self, interval: int, first: int, last: int) -> None:
        """Count an interval for a range of members, in as many transactions as gas asks for; anyone may."""
        for begin in range(first, last + 1, RECORD.most_items):
            end = min(last, begin + RECORD.most_items - 1)
            args, items = [interval, begin, end], end - begin + 1
            self._transactor.execute("recordConduct", self.contract, "recordConduct", args, RECORD, items)

    def record_self_consumption(self, inverter: bytes) -> None:
        """Count what an inverter generated and the home did not feed in; anyone may."""
        args = [inverter]
        self._transactor.execute("recordSelfConsumption", self.contract, "recordSelfConsumption", args, CREDIT)

    def credit_stability(self, event: bytes, member_id: int, energy_wh: int) -> None:
        """Credit a member's part in a demand-response event, where this account may."""
        args = [event, member_id, energy_wh]
        self._transactor.execute("creditStability", self.contract, "creditStability", args, CREDIT)

    def claim_incentives(self, epoch: int) -> None:
        """Mint what this account earned in an epoch."""
        self._transactor.execute("claimIncentives", self.contract, "claimIncentives", [epoch], CLAIM)

    def incentive(self, epoch: int, member_id: int) -> int:
        """What a member can claim of an epoch as it stands, 18 decimals."""
        return int(self._transactor.read(self.contract, "incentiveOf", epoch, member_id))

    def incentive_rates_wad(self) -> tuple[int, int, int]:
        """Tokens (1e-18) for a kWh saved, in addition for one saved at peak hours, and for one shifted."""
        saved, peak, stability = self._transactor.read(self.contract, "incentiveRates")
        return int(saved), int(peak), int(stability)

    def epoch_intervals(self) -> int:
        """Number of intervals of an epoch."""
        return int(self._transactor.read(self.contract, "epochIntervals"))

    def epoch(self, epoch: int) -> Epoch:
        """An epoch by its number."""
        return Epoch(*self._transactor.read(self.contract, "epochOf", epoch))

    def conduct(self, member_id: int) -> Conduct:
        """What is known of a member."""
        return Conduct(*self._transactor.read(self.contract, "conductOf", member_id))

    def score_permille(self, member_id: int) -> int | None:
        """Behaviour score from 0 to 1000; None while nothing is known."""
        permille, known = self._transactor.read(self.contract, "behaviourScore", member_id)
        return int(permille) if known else None
