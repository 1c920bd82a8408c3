"""From the store to the chain: numbered batches whose signed transaction is stored before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from microgrid.domain.records import Reading, ReadingResult
from microgrid.ports import Chain, Store

MOST_IN_BATCH = 200


Submitted = tuple[Reading, ReadingResult]
"""A reading and what the contract said of it."""


@dataclass(frozen=True)
class ChainSender:
    """Submits stored readings, each once.

    A batch is begun (number and raw transaction stored), sent, finished. After a crash in between the same bytes are
    sent again: the chain knows the transaction, or the contract refuses the number it has seen.

    Attributes:
        most: Readings in one transaction, bounded by its gas.
    """

    store: Store
    chain: Chain
    most: int = MOST_IN_BATCH

    def submit_pending(self, up_to_end_s: int) -> list[Submitted]:
        """Finish what was begun, then submit all pending readings up to a time (Unix s).

        Raises:
            ChainError: a transaction failed; it stays begun and is sent again next time.
        """
        submitted = self._resume()
        pending = [reading for reading in self.store.pending_readings() if reading.timestamp_s <= up_to_end_s]
        for start in range(0, len(pending), self.most):
            submitted += self._submit(pending[start : start + self.most])
        return submitted

    def _resume(self) -> list[Submitted]:
        unfinished = self.store.unfinished_batches()
        return [item for number, raw, batch in unfinished for item in self._send(number, raw, batch)]

    def _submit(self, batch: Sequence[Reading]) -> list[Submitted]:
        number = self.store.next_batch_number()
        raw = self.chain.prepare_readings(number, batch)
        self.store.begin_batch(number, batch, raw)
        return self._send(number, raw, batch)

    def _send(self, number: int, raw: bytes, batch: Sequence[Reading]) -> list[Submitted]:
        results = self.chain.send_readings(raw)
        self.store.finish_batch(number, results)
        return list(zip(batch, results, strict=True))
