"""The live page of a run; imported only when it is asked for."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from microgrid.domain.run import HomeInfo, IntervalOutcome, RunResult
from microgrid.web.live import LiveFeed
from microgrid.web.server import LiveServer
from microgrid.web.views import done_view, interval_view, invariants_view, run_view, status_view


class LivePage:
    """Serves from entry to exit and tells the page what happens.

    Raises:
        PortTakenError: somebody else listens on the port.
    """

    def __init__(self, port: int) -> None:
        self._feed = LiveFeed()
        self._server = LiveServer(self._feed, port=port)
        self._homes: Sequence[HomeInfo] = ()

    @property
    def url(self) -> str:
        """Address of the page."""
        return self._server.url

    def began(self, homes: Sequence[HomeInfo], intervals: int, currency: str) -> None:
        """The contracts stand and the homes are registered."""
        self._homes = homes
        self._feed.publish(run_view(homes, intervals, currency))

    def settled(self, outcome: IntervalOutcome) -> None:
        """An interval is settled."""
        self._feed.publish(interval_view(outcome, self._homes))

    def ended(self, result: RunResult) -> None:
        """All intervals are settled."""
        self._feed.publish(invariants_view(result.invariants))
        self._feed.publish(done_view(result.readings))

    def __enter__(self) -> Self:
        self._server.start()
        self._feed.publish(status_view("deploying contracts"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
