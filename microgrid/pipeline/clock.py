"""Time that the run itself sets."""


class SimulatedClock:
    """A `Clock` that stands still between steps."""

    def __init__(self, now_s: int) -> None:
        self._now_s = now_s

    def now_s(self) -> int:
        """Simulated time, Unix seconds."""
        return self._now_s

    def set(self, now_s: int) -> None:
        """Move time forward; it never runs back."""
        self._now_s = max(self._now_s, now_s)
