"""What the oracle remembers of a device between messages: a short window of readings above its gap-free mark.

All numbers are chain sequences (`Reading.chain_sequence`), which rise over epochs too.
"""

from bisect import bisect_left
from collections.abc import Collection

from microgrid.domain.records import EPOCH_SHIFT, Reading

GAP_WINDOW = 4_096
REMEMBERED = 4


def advance(mark: int, decided: Collection[int], window: int = GAP_WINDOW) -> int:
    """The highest number up to which nothing is missing any more.

    A gap closes when it is filled, when a newer epoch begins, or when it falls `window` numbers behind the newest: from
    then on a reading that would fill it is refused as replayed, so nothing behind it has to wait.

    Args:
        mark: The mark so far.
        decided: Numbers above the mark whose readings were accepted or refused for good.
        window: How far behind the newest a late reading may come.
    """
    if not decided:
        return mark
    newest = max(decided)
    before_epoch = (newest >> EPOCH_SHIFT << EPOCH_SHIFT) - 1
    mark = max(mark, newest - window, before_epoch)
    while mark + 1 in decided:
        mark += 1
    return mark


class DeviceWindow:
    """One device's gap-free mark, its decided readings above it, and the accepted ones as neighbours for comparison."""

    def __init__(self, mark: int = -1) -> None:
        self.mark = mark
        self.newest = mark
        self._payloads: dict[int, bytes] = {}
        self._accepted: list[Reading] = []

    def payload(self, number: int) -> bytes | None:
        """Payload decided under this number, None when there is none in the window."""
        return self._payloads.get(number)

    def neighbours(self, number: int) -> tuple[Reading | None, Reading | None]:
        """The accepted readings just before and just after this number."""
        place = bisect_left(self._accepted, number, key=_number)
        before = self._accepted[place - 1] if place else None
        after = self._accepted[place] if place < len(self._accepted) else None
        return before, after

    def add(self, reading: Reading, *, accepted: bool) -> None:
        """Take up a decided reading."""
        number = reading.chain_sequence
        self._payloads[number] = reading.payload
        self.newest = max(self.newest, number)
        if accepted:
            self._accepted.insert(bisect_left(self._accepted, number, key=_number), reading)

    def trim(self) -> None:
        """Move the mark up and forget what lies below it, but for the accepted reading right at or below it."""
        self.mark = advance(self.mark, self._payloads)
        # A few below the mark stay: what brokers double and devices resend is mostly the newest.
        oldest = self.mark - REMEMBERED
        self._payloads = {number: data for number, data in self._payloads.items() if number > oldest}
        keep_from = bisect_left(self._accepted, self.mark + 1, key=_number) - 1
        del self._accepted[: max(keep_from, 0)]


def _number(reading: Reading) -> int:
    return reading.chain_sequence
