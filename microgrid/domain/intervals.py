"""Half-open delivery intervals in aware UTC, numbered from the Unix epoch: index = start / length."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from microgrid.domain.errors import IntervalError

SECONDS_PER_HOUR = 3_600
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Interval:
    """`[index * seconds, (index + 1) * seconds)` in Unix time."""

    index: int
    seconds: int

    @property
    def start_utc(self) -> datetime:
        """First instant of the interval."""
        return datetime.fromtimestamp(self.start_s, UTC)

    @property
    def end_utc(self) -> datetime:
        """First instant after the interval."""
        return datetime.fromtimestamp(self.end_s, UTC)

    @property
    def start_s(self) -> int:
        """First instant, Unix seconds."""
        return self.index * self.seconds

    @property
    def end_s(self) -> int:
        """First instant after the interval, Unix seconds."""
        return self.start_s + self.seconds

    @property
    def hours(self) -> float:
        """Length in hours."""
        return self.seconds / SECONDS_PER_HOUR


def interval_at(start_utc: datetime, seconds: int) -> Interval:
    """The interval that begins exactly at `start_utc`.

    Raises:
        IntervalError: the time has no zone, or no interval of this length begins there.
    """
    if start_utc.tzinfo is None:
        raise IntervalError(start_utc.isoformat(), seconds, "has no time zone; write it as 2026-01-31T00:00+00:00")
    stamp = start_utc.timestamp()
    if stamp % seconds:
        raise IntervalError(start_utc.isoformat(), seconds, "does not begin an interval of this length")
    return Interval(int(stamp) // seconds, seconds)


def interval_range(first: Interval, count: int) -> Iterator[Interval]:
    """`count` consecutive intervals from `first`."""
    return (Interval(first.index + offset, first.seconds) for offset in range(count))
