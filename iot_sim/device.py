"""What every device is: a name, a key, a counter that never goes back, and readings kept until the oracle confirms."""

from dataclasses import dataclass
from typing import Protocol

from iot_sim.outbox import Outbox
from microgrid.domain.errors import WireError
from microgrid.domain.records import Frame
from microgrid.domain.wire import (
    PAYLOAD_VERSION,
    Payload,
    SigningDomain,
    SigningKey,
    decode_receipt,
    encode_reading,
    reading_topic,
    receipt_topic,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a meter shows: cumulative registers, mean net power (import positive), voltage, quality bits."""

    import_wh: int
    export_wh: int
    power_w: int
    voltage_mv: int
    quality: int = 0


class Meter(Protocol):
    """The measuring part of a device: one per device type."""

    def sample(self, end_s: int) -> Sample:
        """Registers and momentary values at a time (Unix s)."""


class Device:
    """Reads its meter, signs, keeps, and forgets on a receipt. Sends nothing by itself.

    The epoch is the time of the first reading after the counter was lost, so that it rises without any memory.

    Args:
        domain: EIP-712 domain of the device registry.
        oracle: Address whose receipts count.
        clock_skew_s: How far the device's clock is ahead.
    """

    def __init__(
        self,
        name: str,
        key: SigningKey,
        meter: Meter,
        *,
        site: str,
        domain: SigningDomain,
        oracle: str,
        outbox: Outbox | None = None,
        clock_skew_s: int = 0,
    ) -> None:
        self.name, self.key = name, key
        self.outbox = Outbox() if outbox is None else outbox
        self.registers_wh = (0, 0)
        self.sent = 0
        self.topic, self.receipt_topic = reading_topic(site, name), receipt_topic(site, name)
        self.client_id = f"{site}.{name}"  # sites share a broker, which lets in one client of an id
        self._meter, self._domain, self._oracle, self._skew_s = meter, domain, oracle, clock_skew_s

    def read(self, end_s: int) -> Frame:
        """Take a reading at a time (Unix s), keep it, and return what to publish."""
        sample = self._meter.sample(end_s)
        time_s = end_s + self._skew_s
        if self.outbox.epoch is None:
            self.outbox.begin_epoch(time_s)
        frame = encode_reading(self._payload(sample, time_s), self.key, self._domain)
        self.outbox.add(frame)
        self.registers_wh = (sample.import_wh, sample.export_wh)
        self.sent += 1
        return Frame(self.topic, frame)

    def unconfirmed(self, most: int) -> list[Frame]:
        """Up to `most` readings without a receipt, oldest first."""
        return [Frame(self.topic, data) for data in self.outbox.oldest(most)]

    def hear(self, data: bytes) -> bool:
        """Take a receipt; whether it covered anything. A forged or foreign one covers nothing."""
        try:
            receipt = decode_receipt(data, self._oracle)
        except WireError:
            return False
        mine = receipt.dev == self.name and receipt.ep == self.outbox.epoch
        return mine and self.outbox.forget(receipt.seq)

    def _payload(self, sample: Sample, time_s: int) -> Payload:
        return Payload(
            v=PAYLOAD_VERSION,
            dev=self.name,
            ep=self.outbox.epoch or 0,
            seq=self.outbox.next_sequence,
            ts=time_s,
            imp=sample.import_wh,
            exp=sample.export_wh,
            w=sample.power_w,
            v_mv=sample.voltage_mv,
            q=sample.quality,
        )
