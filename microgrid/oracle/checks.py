"""The single checks of a reading, each a pure function that raises `Refused` with a reason and an explanation."""

from datetime import UTC, datetime
from typing import Final

from microgrid.domain.errors import WireError
from microgrid.domain.intervals import SECONDS_PER_HOUR
from microgrid.domain.records import DeviceRecord, DeviceStatus, Frame, Reading, RejectionReason
from microgrid.domain.wire import MAX_FRAME_BYTES, SIGNATURE_BYTES, SigningDomain, reading_digest, recover

PAST_S: Final = 7 * 24 * 3_600
FUTURE_S: Final = 120
FLAGGED_FUTURE_S: Final = 600
POWER_MARGIN_PERCENT: Final = 110
ROUNDING_WH: Final = 1
_MILLISECONDS_FROM: Final = 100_000_000_000
_UNSET_CLOCK_BEFORE: Final = 1_009_843_200  # 2002-01-01: clocks that were never set count from 1970 or 2000


class Refused(Exception):  # noqa: N818
    """A check that failed; caught by the verifier, which makes a `Rejection` of it."""

    def __init__(self, reason: RejectionReason, explanation: str) -> None:
        self.reason, self.explanation = reason, explanation
        super().__init__(explanation)


def check_size(frame: Frame) -> None:
    """Neither empty nor longer than any device's frame."""
    size = len(frame.data)
    if size > MAX_FRAME_BYTES:
        raise Refused(RejectionReason.OVERSIZED, f"{size} bytes, at most {MAX_FRAME_BYTES} are read")
    if size <= SIGNATURE_BYTES:
        raise Refused(RejectionReason.MALFORMED, f"{size} bytes, a signature alone takes {SIGNATURE_BYTES}")


def check_status(device: DeviceRecord | None, name: str) -> DeviceRecord:
    """Registered and active."""
    if device is None:
        raise Refused(RejectionReason.UNKNOWN_DEVICE, f"no device {name!r} is registered")
    if device.status is not DeviceStatus.ACTIVE:
        raise Refused(RejectionReason.INACTIVE_DEVICE, f"device {name!r} is {device.status.name.lower()}")
    return device


def check_signature(reading: Reading, device: DeviceRecord, domain: SigningDomain) -> None:
    """Signed by the key that the registry has."""
    try:
        signer = recover(reading_digest(reading, domain), reading.signature)
    except WireError as error:
        raise Refused(RejectionReason.BAD_SIGNATURE, str(error)) from error
    if signer != device.key:
        text = f"signed by {signer}, the key of {device.device!r} is {device.key}"
        raise Refused(RejectionReason.BAD_SIGNATURE, text)


def check_clock(time_s: int, now_s: int) -> bool:
    """Whether the time must be flagged as doubtful; refused when it is further off than that."""
    if time_s >= _MILLISECONDS_FROM:
        shown = _utc(time_s // 1_000)
        raise Refused(RejectionReason.CLOCK, f"time {time_s} looks like milliseconds ({shown}); seconds are expected")
    if time_s < _UNSET_CLOCK_BEFORE and now_s - time_s > PAST_S:
        raise Refused(RejectionReason.CLOCK, f"time {_utc(time_s)}: the device's clock was never set")
    ahead_s = time_s - now_s
    if ahead_s > FLAGGED_FUTURE_S:
        text = f"time {_utc(time_s)} is {ahead_s} s ahead, at most {FLAGGED_FUTURE_S} s are taken"
        raise Refused(RejectionReason.CLOCK, text)
    if -ahead_s > PAST_S:
        raise Refused(RejectionReason.CLOCK, f"time {_utc(time_s)} is {-ahead_s} s old, at most {PAST_S} s are taken")
    return ahead_s > FUTURE_S


def check_step(earlier: Reading, later: Reading, rated_power_w: int) -> None:
    """Time rises, registers do not fall, and neither grows faster than the rated power allows.

    Bound: delta_wh <= 1.1 * rated_power_w * seconds / 3600, and 1 Wh for the rounding of the registers.
    """
    seconds = later.timestamp_s - earlier.timestamp_s
    if seconds <= 0:
        later_text, earlier_text = (f"{_utc(item.timestamp_s)} (sequence {item.sequence})" for item in (later, earlier))
        text = f"time {later_text} does not follow {earlier_text}"
        raise Refused(RejectionReason.CLOCK, text)
    bound_wh = rated_power_w * seconds * POWER_MARGIN_PERCENT // (100 * SECONDS_PER_HOUR) + ROUNDING_WH
    _check_register("import", earlier.import_wh, later.import_wh, bound_wh)
    _check_register("export", earlier.export_wh, later.export_wh, bound_wh)


def _check_register(name: str, earlier_wh: int, later_wh: int, bound_wh: int) -> None:
    if later_wh < earlier_wh:
        text = f"{name} register fell from {earlier_wh} to {later_wh} Wh"
        raise Refused(RejectionReason.REGISTER_DECREASED, text)
    if later_wh - earlier_wh > bound_wh:
        text = f"{name} register grew by {later_wh - earlier_wh} Wh, the rated power allows {bound_wh}"
        raise Refused(RejectionReason.POWER_EXCEEDED, text)


def _utc(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat()
