"""A meter as the registry must see it: which readings it believes."""

from dataclasses import dataclass

from microgrid.domain.records import ReadingResult

MAX_AGE_S = 7 * 86_400
MAX_SKEW_S = 60


@dataclass
class Meter:
    """A device's registers and what they were booked as."""

    member: int
    rated_w: int
    last: tuple[int, int, int, int] | None = None
    carried: tuple[int, int] = (0, 0)

    def judge(self, reading: tuple[int, int, int, int], now_s: int) -> ReadingResult:
        """What becomes of a reading (sequence, time, import, export) whose signature is good."""
        sequence, time_s, import_wh, export_wh = reading
        first, last = self.last is None, self.last or (-1, 0, import_wh, export_wh)
        limit = self.rated_w * (time_s - last[1]) * 11 // 36_000
        checks = {
            ReadingResult.STALE_SEQUENCE: sequence <= last[0],
            ReadingResult.STALE_TIMESTAMP: time_s <= last[1],
            ReadingResult.FUTURE_TIMESTAMP: time_s > now_s + MAX_SKEW_S,
            ReadingResult.TOO_OLD: now_s > time_s + MAX_AGE_S,
            ReadingResult.REGISTER_DECREASED: not first and (import_wh < last[2] or export_wh < last[3]),
            ReadingResult.POWER_EXCEEDED: not first and max(import_wh - last[2], export_wh - last[3]) > limit,
        }
        return next((result for result, failed in checks.items() if failed), ReadingResult.ACCEPTED)
