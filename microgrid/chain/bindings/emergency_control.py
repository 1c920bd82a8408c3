"""EmergencyControl: levels, shedding, priorities."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.wire import keccak256

CALL = GasBudget(400_000)


class Level(IntEnum):
    """Levels of an emergency, in the order in which they come."""

    NORMAL = 0
    ALERT = 1
    EMERGENCY = 2
    RECOVERY = 3


class PriorityClass(IntEnum):
    """Classes of members, in the order in which they are curtailed; critical ones never are."""

    FLEXIBLE = 0
    STANDARD = 1
    ESSENTIAL = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class EmergencyStatus:
    """Level, whether a guardian declared it, number of curtailed classes, begin and end (Unix s; end 0 for none)."""

    level: Level
    declared: bool
    stage: int
    since_s: int
    until_s: int


class EmergencyControl:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def status(self) -> EmergencyStatus:
        """The level now."""
        level, *rest = self._read("status")
        return EmergencyStatus(Level(level), *rest)

    def last_severity(self) -> int | None:
        """The last severity taken into account, permille; None where it is too old to count."""
        permille, known = self._read("lastSeverity")
        return int(permille) if known else None

    def next_declaration_s(self) -> int:
        """Earliest time of a guardian's next declaration."""
        return int(self._read("nextDeclaration"))

    def priority_of(self, member_id: int) -> PriorityClass:
        """A member's class."""
        return PriorityClass(self._read("priorityOf", member_id))

    def is_shed(self, member_id: int) -> bool:
        """Whether a member is to curtail its load now."""
        return bool(self._read("isShed", member_id))

    def observe(self) -> None:
        """Take the severity that the sensors give."""
        self._send("observe")

    def report_severity(self, permille: int) -> None:
        """Take a severity, as an oracle."""
        self._send("reportSeverity", permille)

    def declare(self, level: Level, duration_s: int, reason: str) -> None:
        """Declare a level, as a guardian; the chain keeps the hash of the reason."""
        self._send("declare", int(level), duration_s, keccak256(reason.encode()))

    def stand_down(self) -> None:
        """End the level, as an operator."""
        self._send("standDown")

    def expire(self) -> None:
        """Write down what time has changed."""
        self._send("expire")

    def set_shedding(self, stage: int) -> None:
        """Curtail so many classes, as an operator."""
        self._send("setShedding", stage)

    def set_priority(self, member_id: int, priority: PriorityClass) -> None:
        """Set a member's class, as an operator."""
        self._send("setPriority", member_id, int(priority))

    def _send(self, name: str, *args: Any) -> None:
        self._transactor.execute(name, self.contract, name, args, CALL)

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
