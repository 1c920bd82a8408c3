"""An MQTT broker inside this process: amqtt on a loopback port, in a thread with an event loop of its own."""

import asyncio
import errno
import logging
import random
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self

from amqtt.broker import Broker
from amqtt.errors import BrokerError

from microgrid.domain.errors import PortTakenError, UnreachableError

HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 2.0
TURNS_TO_CONNECT = 2  # of the event loop, from an accepted socket to `stream_connected`


@dataclass(frozen=True, slots=True)
class BrokerFaults:
    """Shares of messages that the broker loses and sends twice, for tests of those who must cope."""

    drop: float = 0.0
    duplicate: float = 0.0
    seed: int = 0


class EmbeddedBroker:
    """Starts when made, listens on `url`, stops with `close`. Loopback only, no passwords, nothing kept on disk.

    Args:
        port: 0 takes any free one.
        faults: What it does wrong on purpose.

    Raises:
        PortTakenError: somebody else listens there.
    """

    def __init__(self, port: int = 0, faults: BrokerFaults | None = None) -> None:
        _silence()
        self._faults = faults or BrokerFaults()
        self._loop = asyncio.new_event_loop()
        self._ready: Future[int] = Future()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, args=(port,), name="embedded-broker", daemon=True)
        self._thread.start()
        try:
            self.port = self._ready.result(START_TIMEOUT_S)
        except BrokerError as error:
            self._thread.join()
            raise _start_error(port, error) from error

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://{HOST}:{self.port}"

    def close(self) -> None:
        """Disconnect everybody and stop; what is queued is lost."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, port: int) -> None:
        try:
            self._loop.run_until_complete(self._serve(port))
        finally:
            self._loop.close()

    async def _serve(self, port: int) -> None:
        broker = _FaultyBroker(_settings(port), self._faults)
        try:
            await broker.start()
        except BrokerError as error:
            self._ready.set_exception(error)
        else:
            self._ready.set_result(broker.listening_port())
            await self._stop.wait()
            await broker.hang_up()
        await _end_other_tasks()


class _FaultyBroker(Broker):  # type: ignore[misc] # amqtt publishes no types
    """Loses some of what it is about to hand to subscribers and hands some on twice."""

    def __init__(self, settings: dict[str, Any], faults: BrokerFaults) -> None:
        super().__init__(settings)
        self._faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - chance, not secrets
        self._writers: set[asyncio.StreamWriter] = set()

    def listening_port(self) -> int:
        """The port that the listener got."""
        port: int = self._servers["default"].instance.sockets[0].getsockname()[1]
        return port

    def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> Coroutine[Any, Any, None]:
        """Know the connection at once, before the task that serves it has begun."""
        self._writers.add(writer)
        return self._serve(reader, writer, listener_name)

    async def hang_up(self) -> None:
        """Stop listening and cut every connection.

        amqtt's own `shutdown` goes on listening while it waits for each client's reader to say that it ended, and
        waits for ever if that reader was stopped before its first turn.
        """
        server = self._servers["default"].instance
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(TURNS_TO_CONNECT):  # asyncio forgets an accepted socket whose server closes before that
            await asyncio.sleep(0)
        server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str) -> None:
        try:
            await super().stream_connected(reader, writer, listener_name)
        finally:  # amqtt leaves some connections open after garbage
            self._writers.discard(writer)
            writer.close()

    async def _broadcast_message(
        self, session: Any, topic: str | None, data: bytes | bytearray | None, force_qos: int | None = None
    ) -> None:
        draw = self._random.random()
        copies = 0 if draw < self._faults.drop else 2 if draw < self._faults.drop + self._faults.duplicate else 1
        for _ in range(copies):
            await super()._broadcast_message(session, topic, data, force_qos)


async def _end_other_tasks() -> None:
    """Give the broker's tasks `STOP_TIMEOUT_S` to end; what they say as they are torn off is of no use to anybody."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)


def _settings(port: int) -> dict[str, Any]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


def _silence() -> None:
    # amqtt reports clients that went away, and late acknowledgements, at warning level and above.
    for name in ("amqtt", "transitions"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL + 1)


def _start_error(port: int, error: BrokerError) -> PortTakenError | UnreachableError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
            return PortTakenError(HOST, port)
        cause = cause.__cause__
    return UnreachableError("embedded broker", f"mqtt://{HOST}:{port}", str(error))
