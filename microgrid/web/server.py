"""Serve the live page from a background thread."""

import errno
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from microgrid.domain.errors import PortTakenError, UnreachableError
from microgrid.web.app import create_app
from microgrid.web.live import LiveFeed

PAGE = "the live page"
BACKLOG = 64
GRACE_S = 2


class LiveServer:
    """Holds its port from construction on, serves from `start` to `stop`; a context manager does both.

    Args:
        feed: What the page shows.
        host: Address to listen on; the page has no sign-in, so leave it at loopback unless all may see the run.
        port: Port to listen on, 0 for any free one.

    Raises:
        PortTakenError: somebody else listens there.
        UnreachableError: this machine has no such address, or the port is reserved.
    """

    def __init__(self, feed: LiveFeed, host: str = "127.0.0.1", port: int = 0) -> None:
        self._feed = feed
        self._socket = _listen(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            create_app(feed), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_S
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="live-page", daemon=True)

    @property
    def url(self) -> str:
        """Address of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def start(self) -> None:
        """Serve. The socket listens already, so a request made right away waits and is answered."""
        self._thread.start()

    def stop(self) -> None:
        """End all streams, then the server; the port is free afterwards."""
        self._feed.close()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; `SO_REUSEADDR` lets a port be taken again at once after a restart."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from error
        raise UnreachableError(PAGE, f"{host}:{port}", error.strerror or str(error)) from error
    return listener
