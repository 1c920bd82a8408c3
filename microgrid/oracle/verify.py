"""Judges messages, cheapest check first.

Order: size, bytes, topic, registry, signature, known already, epoch and window, clock, registers. The signature comes
before everything that consults history, so that nobody without the device's key can raise an alarm against it or use up
one of its numbers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from microgrid.domain.errors import WireError
from microgrid.domain.records import EPOCH_SHIFT, DeviceRecord, Frame, Reading, Rejection, RejectionReason
from microgrid.domain.wire import MAX_FRAME_BYTES, Quality, SigningDomain, decode_reading, reading_topic
from microgrid.oracle.checks import Refused, check_clock, check_signature, check_size, check_status, check_step
from microgrid.oracle.window import GAP_WINDOW, DeviceWindow

FINAL_REASONS: Final = frozenset(
    {RejectionReason.CLOCK, RejectionReason.REGISTER_DECREASED, RejectionReason.POWER_EXCEEDED}
)
"""Reasons that refuse an authentic reading for good: its number is used up, and the receipt covers it."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A reading that was decided before, byte for byte: harmless, counted, answered with a receipt."""

    device: str


Verdict = Reading | Rejection | Duplicate
Lookup = Callable[[str, int, int], bytes | None]


class Verifier:
    """Judges frames of one site against the registry and against what was decided before.

    After a batch is stored call `committed`; when storing failed, throw the verifier away and make a new one.

    Args:
        domain: EIP-712 domain in which devices sign.
        stored: Payload stored under (device, epoch, sequence), None when there is none.
        marks: Each device's epoch and the highest sequence up to which nothing is missing.
        recent: Decided readings from each device's mark on; False beside those refused for good.
    """

    def __init__(
        self,
        site: str,
        domain: SigningDomain,
        stored: Lookup,
        marks: Mapping[str, tuple[int, int]] | None = None,
        recent: Iterable[tuple[Reading, bool]] = (),
    ) -> None:
        self._site, self._domain, self._stored = site, domain, stored
        self._windows = {
            name: DeviceWindow((epoch << EPOCH_SHIFT) + sequence) for name, (epoch, sequence) in (marks or {}).items()
        }
        self._touched: set[str] = set(self._windows)
        for reading, accepted in recent:
            self._windows[reading.device].add(reading, accepted=accepted)
        self.committed()

    def judge(self, frame: Frame, devices: Mapping[str, DeviceRecord], now_s: int) -> Verdict:
        """What the message is: a new reading, a refused one, or one known already."""
        try:
            check_size(frame)
            reading = _decoded(frame)
            self._check_topic(frame, reading)
            device = check_status(devices.get(reading.device), reading.device)
            check_signature(reading, device, self._domain)
            return self._judge_authentic(reading, device, now_s)
        except Refused as refused:
            data = frame.data[:MAX_FRAME_BYTES]
            return Rejection(frame.topic, refused.reason, refused.explanation, data)

    def committed(self) -> None:
        """Everything judged so far is stored."""
        for name in self._touched:
            self._windows[name].trim()
        self._touched.clear()

    def _judge_authentic(self, reading: Reading, device: DeviceRecord, now_s: int) -> Verdict:
        window = self._windows.setdefault(reading.device, DeviceWindow())
        known = self._known_payload(window, reading)
        if known is not None:
            return _repeated(reading, known)
        _check_number(window, reading)
        try:
            flagged = check_clock(reading.timestamp_s, now_s)
            _check_neighbours(window, reading, device.rated_power_w)
        except Refused:
            self._decide(window, reading, accepted=False)
            raise
        self._decide(window, reading, accepted=True)
        quality = reading.quality | Quality.CLOCK_UNSYNCHRONISED
        return replace(reading, quality=int(quality)) if flagged else reading

    def _decide(self, window: DeviceWindow, reading: Reading, *, accepted: bool) -> None:
        window.add(reading, accepted=accepted)
        self._touched.add(reading.device)

    def _known_payload(self, window: DeviceWindow, reading: Reading) -> bytes | None:
        payload = window.payload(reading.chain_sequence)
        if payload is not None or reading.chain_sequence > window.mark:
            return payload
        return self._stored(reading.device, reading.epoch, reading.sequence)

    def _check_topic(self, frame: Frame, reading: Reading) -> None:
        if frame.topic != reading_topic(self._site, reading.device):
            text = f"published on {frame.topic!r}, but device {reading.device!r} of site {self._site!r} is named inside"
            raise Refused(RejectionReason.TOPIC_MISMATCH, text)


def _decoded(frame: Frame) -> Reading:
    try:
        return decode_reading(frame.data)
    except WireError as error:
        raise Refused(RejectionReason.MALFORMED, str(error)) from error


def _repeated(reading: Reading, known: bytes) -> Duplicate:
    if known != reading.payload:
        text = f"epoch {reading.epoch} sequence {reading.sequence} was signed before with other contents"
        raise Refused(RejectionReason.EQUIVOCATION, text)
    return Duplicate(reading.device)


def _check_number(window: DeviceWindow, reading: Reading) -> None:
    current_epoch = max(window.mark, window.newest) >> EPOCH_SHIFT
    if reading.epoch < current_epoch:
        text = f"epoch {reading.epoch} is over, the device is in epoch {current_epoch}"
        raise Refused(RejectionReason.STALE_EPOCH, text)
    if reading.chain_sequence <= max(window.mark, window.newest - GAP_WINDOW):
        text = f"sequence {reading.sequence} is more than {GAP_WINDOW} behind the newest"
        raise Refused(RejectionReason.REPLAYED, text)


def _check_neighbours(window: DeviceWindow, reading: Reading, rated_power_w: int) -> None:
    before, after = window.neighbours(reading.chain_sequence)
    if before is not None:
        check_step(before, reading, rated_power_w)
    if after is not None:
        check_step(reading, after, rated_power_w)
