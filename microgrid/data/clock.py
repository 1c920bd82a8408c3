"""Time labels of data files as Unix seconds.

A label with a zone (`2026-03-29T00:00+01:00`, `…Z`) says all. A label without one is read on the clock of `timezone`;
the default, UTC, keeps the labels as they stand in the file, which is right for files whose every day has 24 hours. On
a clock with daylight saving the hour that is skipped does not exist, and of the hour that comes twice the first row of
a home is the earlier one.
"""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from microgrid.domain.errors import DataFileError


class Clock:
    """Reads the labels of one file.

    Raises:
        DataFileError: there is no such time zone.
    """

    def __init__(self, path: str, timezone: str = "UTC") -> None:
        self._path = path
        self._zone = _zone(path, timezone)
        self._known: dict[str, tuple[int, int]] = {}

    def instants(self, label: str, line: int, column: str) -> tuple[int, int]:
        """Unix seconds of a label; two different ones, earlier first, where the clock is put back.

        Raises:
            DataFileError: no ISO time, or a time that the clock skips.
        """
        if label not in self._known:
            self._known[label] = self._parse(label, line, column)
        return self._known[label]

    def seconds(self, time: datetime) -> int:
        """Unix seconds of a time; without a zone it is on this clock."""
        return int((time if time.tzinfo else time.replace(tzinfo=self._zone)).timestamp())

    def _parse(self, label: str, line: int, column: str) -> tuple[int, int]:
        try:
            time = datetime.fromisoformat(label.strip())
        except ValueError as error:
            reason = f"{label!r} is no time; expected ISO 8601 such as 2026-01-31T00:00"
            raise DataFileError(self._path, reason, line=line, column=column) from error
        if time.tzinfo is not None:
            return self.seconds(time), self.seconds(time)
        instants = self.seconds(time), self.seconds(time.replace(fold=1))
        if datetime.fromtimestamp(instants[0], self._zone).replace(tzinfo=None, fold=0) != time:
            reason = f"{label} does not exist on the clock of {self._zone}: daylight saving skips it"
            raise DataFileError(self._path, reason, line=line, column=column)
        return instants


def utc_label(seconds: int) -> str:
    """Unix seconds as people read them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M%z")


def _zone(path: str, timezone: str) -> tzinfo:
    if timezone.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        reason = f"cannot be read on the clock of {timezone!r}: no such time zone; write it like Europe/London"
        raise DataFileError(path, reason) from error
