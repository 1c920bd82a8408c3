"""The in-process chain over HTTP: JSON-RPC 2.0 as web3 clients and Foundry's tools speak it."""

import errno
import json
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from microgrid.chain.evm import LocalChain
from microgrid.chain.jsonrpc import PARSE_ERROR, JsonRpc
from microgrid.domain.errors import PortTakenError, UnreachableError

MAX_REQUEST_BYTES = 16 * 1024 * 1024
IDLE_TIMEOUT_S = 60


class _Handler(BaseHTTPRequestHandler):
    """One connection; requests of all connections take turns at the chain."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_TIMEOUT_S
    rpc: ClassVar[JsonRpc]
    turn: ClassVar[threading.Lock]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_REQUEST_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._reply(self._answer(self.rfile.read(length)))

    def _answer(self, body: bytes) -> Any:
        try:
            request = json.loads(body)
        except ValueError:
            return {"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": "request is not JSON"}}
        with self.turn:
            return self.rpc.answer(request)

    def _reply(self, answer: Any) -> None:
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(HTTPStatus.OK if content else HTTPStatus.NO_CONTENT)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name given by the standard library
        """Nothing: a node answers hundreds of requests a second."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class NodeServer:
    """A development node.

    Args:
        host: Address to listen on.
        port: Port, 0 for any free one.
        start_s: Time at which its clock starts, Unix seconds; it runs on from there. Now by default.
        accounts: Number of funded accounts.

    Raises:
        PortTakenError: somebody else listens there.
        UnreachableError: this machine has no such address.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, start_s: int | None = None, accounts: int = 10) -> None:
        begin_s = int(time.time()) if start_s is None else start_s
        offset_s = begin_s - int(time.time())
        self.chain = LocalChain(begin_s - 1, accounts, clock=lambda: int(time.time()) + offset_s)
        handler = type("Handler", (_Handler,), {"rpc": JsonRpc(self.chain), "turn": threading.Lock()})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(host, port) from error
            what = "the address to listen on"
            raise UnreachableError(what, f"{host}:{port}", error.strerror or str(error)) from error
        self.url = f"http://{host}:{self._server.server_port}"

    def serve(self) -> None:
        """Answer until `stop` is called, from another thread or a signal's."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Let `serve` return."""
        self._server.shutdown()

    def close(self) -> None:
        """Free the port."""
        self._server.server_close()
