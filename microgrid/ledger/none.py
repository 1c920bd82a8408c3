"""Nothing is written down: for studies in which the ledger is of no interest."""

from collections.abc import Sequence

import numpy as np

from microgrid.domain.blocks import LedgerHistory, Transaction
from microgrid.domain.intervals import Interval


class NoLedger:
    """Takes every transaction and keeps none."""

    def record(self, interval: Interval, transactions: Sequence[Transaction]) -> tuple[str, ...]:  # noqa: ARG002 - kept by none
        """No blocks."""
        return ()

    def close(self) -> LedgerHistory:
        """An empty history."""
        return LedgerHistory("none")


def build(generator: np.random.Generator) -> NoLedger:  # noqa: ARG001 - nothing is left to chance
    """A ledger that keeps nothing."""
    return NoLedger()
