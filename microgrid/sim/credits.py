"""Energy credits that homes pass on among each other and the central supply.

A controller keeps every balance. It takes a transfer only if both sides are known and different, the amount is above
zero and the sender holds it; whatever it decides stands in the log, so that balances can be recomputed from the log
alone, and their sum never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.domain.units import WH_PER_KWH

SUPPLY = "supply"


@dataclass(frozen=True, slots=True)
class Transfer:
    """An attempt to pass on credits.

    Attributes:
        step: Step in which it was tried.
        sender: Home or `supply`.
        receiver: Home or `supply`.
        amount_wh: Credits, Wh.
        refused: Why it was refused; empty where it was carried out.
        sender_balance_wh: The sender's balance afterwards; None where nobody is known by that name.
    """

    step: int
    sender: str
    receiver: str
    amount_wh: int
    refused: str
    sender_balance_wh: int | None


class CreditBook:
    """Balances and the log of all transfers.

    Args:
        balances_wh: Balance of each holder at the start, Wh, never negative.
    """

    def __init__(self, balances_wh: Mapping[str, int]) -> None:
        self._balances = dict(balances_wh)
        self._log: list[Transfer] = []

    @property
    def balances_wh(self) -> Mapping[str, int]:
        """Balance of each holder, Wh."""
        return dict(self._balances)

    @property
    def log(self) -> tuple[Transfer, ...]:
        """Every attempt, in order."""
        return tuple(self._log)

    def transfer(self, step: int, sender: str, receiver: str, amount_wh: int) -> Transfer:
        """Carry a transfer out or refuse it; either way it is logged."""
        refused = self._objection(sender, receiver, amount_wh)
        if not refused:
            self._balances[sender] -= amount_wh
            self._balances[receiver] += amount_wh
        entry = Transfer(step, sender, receiver, amount_wh, refused, self._balances.get(sender))
        self._log.append(entry)
        return entry

    def _objection(self, sender: str, receiver: str, amount_wh: int) -> str:
        for name in (sender, receiver):
            if name not in self._balances:
                return f"nobody is known as {name}"
        if sender == receiver:
            return "sender and receiver are the same"
        if amount_wh <= 0:
            return "the amount is not above zero"
        if amount_wh > self._balances[sender]:
            missing = (amount_wh - self._balances[sender]) / WH_PER_KWH
            return f"the sender lacks {missing:.3f} kWh"
        return ""


def random_transfers(
    book: CreditBook, step: int, holders: Sequence[str], count: int, most_wh: int, generator: np.random.Generator
) -> None:
    """Try `count` transfers between holders drawn at random, of 1…`most_wh` Wh each."""
    pairs = generator.integers(len(holders), size=(count, 2)).tolist()
    amounts = generator.integers(1, most_wh, size=count, endpoint=True).tolist()
    for (sender, receiver), amount_wh in zip(pairs, amounts, strict=True):
        book.transfer(step, holders[sender], holders[receiver], amount_wh)


def replay(start_wh: Mapping[str, int], log: Sequence[Transfer]) -> Mapping[str, int]:
    """Balances that follow from a log: what an auditor compares with the book."""
    balances = dict(start_wh)
    for entry in log:
        if not entry.refused:
            balances[entry.sender] -= entry.amount_wh
            balances[entry.receiver] += entry.amount_wh
    return balances
