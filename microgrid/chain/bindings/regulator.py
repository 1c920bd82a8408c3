"""Regulator: bonus, penalty, and bans that end by themselves."""

from dataclasses import dataclass
from enum import IntEnum

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor

BAN = GasBudget(200_000)


class BanReason(IntEnum):
    """Why a member is banned."""

    NONE = 0
    GRID_USE = 1
    CONDUCT = 2
    ARREARS = 3


@dataclass(frozen=True, slots=True)
class Ban:
    """A member's latest ban.

    Attributes:
        until_s: When it ends, Unix seconds; zero for never banned.
        in_force: Whether the member may place no orders now.
    """

    until_s: int
    reason: BanReason
    in_force: bool


class Regulator:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def ban(self, member_id: int, intervals: int, reason: BanReason) -> None:
        """Ban a member, where this account may."""
        self._transactor.execute("ban", self.contract, "ban", [member_id, intervals, reason], BAN)

    def ban_for_arrears(self, member_id: int) -> None:
        """Ban a member whose balance is below zero; anyone may."""
        self._transactor.execute("banForArrears", self.contract, "banForArrears", [member_id], BAN)

    def latest_ban(self, member_id: int) -> Ban:
        """A member's latest ban."""
        until_s, reason = self._transactor.read(self.contract, "banOf", member_id)
        in_force = bool(self._transactor.read(self.contract, "isBanned", member_id))
        return Ban(int(until_s), BanReason(reason), in_force)

    def terms_wad(self) -> tuple[int, int]:
        """Bonus and penalty, tokens (1e-18) per kWh."""
        bonus, penalty = self._transactor.read(self.contract, "terms")
        return int(bonus), int(penalty)
