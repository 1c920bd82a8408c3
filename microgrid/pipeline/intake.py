"""From the broker to the store: receive, judge, store in one transaction, acknowledge, send receipts. In this order."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from microgrid.domain.records import DeviceRecord, Frame, Reading, Rejection, RejectionReason
from microgrid.domain.wire import (
    PAYLOAD_VERSION,
    ReceiptPayload,
    SigningDomain,
    SigningKey,
    encode_receipt,
    receipt_topic,
    topic_device,
)
from microgrid.oracle import FINAL_REASONS, Duplicate, Verdict, Verifier
from microgrid.ports import Broker, Clock, Store

BATCH = 500


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What one batch held.

    Attributes:
        readings: Accepted readings, in order of arrival.
        rejections: Refused messages.
        duplicates: Messages known already.
    """

    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    duplicates: int = 0

    @property
    def received(self) -> int:
        """Messages in the batch."""
        return len(self.readings) + len(self.rejections) + self.duplicates

    @property
    def refused(self) -> Mapping[RejectionReason, int]:
        """Refused messages by reason."""
        return Counter(rejection.reason for rejection in self.rejections)


@dataclass
class Intake:
    """The oracle's loop body.

    Whatever dies between its steps, nothing is lost or doubled: before the commit the message is not acknowledged and
    the device has no receipt; after it a repetition is recognised, acknowledged and answered with a receipt.

    Attributes:
        devices: Returns the registry as it is now, by device name.
        domain: EIP-712 domain of the device registry.
        oracle_key: Signs receipts.
        batch: So many messages at most are stored in one transaction.
    """

    broker: Broker
    store: Store
    devices: Callable[[], Mapping[str, DeviceRecord]]
    domain: SigningDomain
    oracle_key: SigningKey
    clock: Clock
    site: str
    batch: int = BATCH
    _verifier: Verifier | None = field(default=None, init=False, repr=False)

    def process(self, timeout_s: float) -> IntakeReport:
        """Take one batch through all steps; waits up to `timeout_s` for the first message.

        Raises:
            StoreError: the database refused; nothing was acknowledged, and the messages will come again.
        """
        deliveries = self.broker.receive(self.batch, timeout_s)
        if not deliveries:
            return IntakeReport()
        verdicts = self._judge([delivery.frame for delivery in deliveries])
        report = _report(verdicts)
        self._record(report)
        self.broker.acknowledge(deliveries)
        self._send_receipts(_answered(verdicts))
        return report

    def _judge(self, frames: Sequence[Frame]) -> list[Verdict]:
        verifier = self._verifier = self._verifier or self._fresh_verifier()
        devices, now_s = self.devices(), self.clock.now_s()
        return [verifier.judge(frame, devices, now_s) for frame in frames]

    def _fresh_verifier(self) -> Verifier:
        recent = self.store.recent()
        marks = self.store.contiguous(sorted({reading.device for reading, _ in recent}))
        return Verifier(self.site, self.domain, self.store.stored_payload, marks, recent)

    def _record(self, report: IntakeReport) -> None:
        verifier, self._verifier = self._verifier, None
        self.store.record(report.readings, report.rejections)
        # Kept only now: after a failed commit it would remember what was never stored.
        self._verifier = verifier
        if verifier is not None:
            verifier.committed()

    def _send_receipts(self, devices: Sequence[str]) -> None:
        now_s = self.clock.now_s()
        for device, (epoch, sequence) in self.store.contiguous(devices).items():
            if sequence >= 0:
                receipt = ReceiptPayload(v=PAYLOAD_VERSION, dev=device, ep=epoch, seq=sequence, ts=now_s)
                self.broker.publish(Frame(receipt_topic(self.site, device), encode_receipt(receipt, self.oracle_key)))


def _report(verdicts: Sequence[Verdict]) -> IntakeReport:
    return IntakeReport(
        tuple(verdict for verdict in verdicts if isinstance(verdict, Reading)),
        tuple(verdict for verdict in verdicts if isinstance(verdict, Rejection)),
        sum(isinstance(verdict, Duplicate) for verdict in verdicts),
    )


def _answered(verdicts: Sequence[Verdict]) -> list[str]:
    """Devices that get a receipt: those of accepted, known and finally refused readings."""
    names = {verdict.device for verdict in verdicts if not isinstance(verdict, Rejection)}
    final = (verdict for verdict in verdicts if isinstance(verdict, Rejection) and verdict.reason in FINAL_REASONS)
    return sorted(names | {topic_device(verdict.topic) for verdict in final})
