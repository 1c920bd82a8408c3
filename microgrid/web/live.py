"""What has happened in a run so far, kept for pages that open late, and passed on to those that are open."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Event = Mapping[str, Any]


class LiveFeed:
    """A log of events that any thread may add to and read from.

    An event is a JSON-able mapping with a `type`. Intervals are kept one by one; of every other type the newest is
    enough to show where the run stands, and it alone stays in the log.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: dict[int, Event] = {}
        self._newest: dict[str, int] = {}
        self._last_id = 0
        self._wakers: set[Callable[[], object]] = set()
        self._closed = False

    def publish(self, event: Event) -> int:
        """Add an event and wake the pages; returns its id, counted from 1."""
        kind = str(event["type"])
        with self._lock:
            self._last_id += 1
            if kind != "interval":
                self._log.pop(self._newest.get(kind, 0), None)
                self._newest[kind] = self._last_id
            self._log[self._last_id] = event
            self._wake()
            return self._last_id

    def since(self, event_id: int) -> list[tuple[int, Event]]:
        """Events after `event_id` that are still in the log, oldest first."""
        with self._lock:
            return [(number, event) for number, event in self._log.items() if number > event_id]

    def snapshot(self) -> dict[str, Any]:
        """Everything so far: the newest event of each type by its name, `intervals`, and `last_id` to go on from."""
        with self._lock:
            state: dict[str, Any] = {kind: self._log[number] for kind, number in self._newest.items()}
            state["intervals"] = [event for event in self._log.values() if event["type"] == "interval"]
            return state | {"last_id": self._last_id}

    def close(self) -> None:
        """Let open pages go; nothing more will come."""
        with self._lock:
            self._closed = True
            self._wake()

    @property
    def closed(self) -> bool:
        """Whether the feed has ended."""
        return self._closed

    @contextmanager
    def watching(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have `wake` called, in the publisher's thread, after each event while the block runs."""
        with self._lock:
            self._wakers.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._wakers.discard(wake)

    def _wake(self) -> None:
        for wake in self._wakers:
            wake()
