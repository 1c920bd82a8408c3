"""`microgrid node`: a local development chain that ordinary Ethereum tools can talk to."""

import errno
import signal
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime
from types import FrameType

import rich_click as click
from rich.console import Console

from microgrid.chain.backend import dev_key
from microgrid.chain.backends import anvil
from microgrid.chain.evm import CHAIN_ID
from microgrid.chain.node import NodeServer
from microgrid.domain.errors import BadInputError, ChainError, PortTakenError, UnreachableError

MOST_ACCOUNTS = 100


@click.command()
@click.option(
    "--backend",
    type=click.Choice(["eth-tester", "anvil"]),
    default="eth-tester",
    show_default=True,
    help="What executes: py-evm in this process, or Foundry's Anvil.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8545, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--start", help="Time at which the chain's clock starts, ISO (UTC unless it has a zone). [default: now]")
@click.option(
    "--accounts",
    type=click.IntRange(1, MOST_ACCOUNTS),
    default=10,
    show_default=True,
    help="Number of funded accounts.",
)
def command(backend: str, host: str, port: int, start: str | None, accounts: int) -> None:
    """Serve a chain over JSON-RPC until Ctrl-C.

    The accounts come from the well-known development mnemonic: everybody knows their keys.

    Example: microgrid node --port 8545

    Example: microgrid node --start 2016-08-01T00:00 --accounts 20
    """
    start_s = _unix_time(start)
    if backend == "anvil":
        _run_anvil(host, port, start_s, accounts)
    else:
        _serve(host, port, start_s, accounts)


def _serve(host: str, port: int, start_s: int, accounts: int) -> None:
    server = NodeServer(host, port, start_s, accounts)
    _stop_on_signals(server)
    _greet(server, start_s, accounts)
    try:
        server.serve()
    finally:
        server.close()


def _stop_on_signals(server: NodeServer) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.stop).start()  # `serve` runs in this thread, and stopping waits for it

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _greet(server: NodeServer, start_s: int, accounts: int) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"[bold]Chain {CHAIN_ID}[/bold], clock from {datetime.fromtimestamp(start_s, UTC).isoformat()}")
    console.print("Accounts with 1000000 ETH each (their keys are public knowledge, never send real money there):")
    for index in range(accounts):
        key = dev_key(index)
        console.print(f"  ({index}) {key.address}  0x{key.secret.hex()}")
    console.print(f"Listening on {server.url} (Ctrl-C ends)")


def _run_anvil(host: str, port: int, start_s: int, accounts: int) -> None:
    """Hand the terminal to Anvil, which prints its accounts itself."""
    words = anvil.command(anvil.find_program(), host, port, start_s, accounts)
    _check_port(host, port)
    with subprocess.Popen(words) as process:  # noqa: S603
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Anvil hears Ctrl-C itself
        code = process.wait()
    if code not in {0, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT, 128 + signal.SIGTERM}:
        message = f"Anvil ended with exit code {code}; is port {port} on {host} taken?"
        raise ChainError(message)


def _check_port(host: str, port: int) -> None:
    """Anvil itself would print a stack of words about a taken port."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from error
        what = "the address to listen on"
        raise UnreachableError(what, f"{host}:{port}", error.strerror or str(error)) from error


def _unix_time(text: str | None) -> int:
    if text is None:
        return int(time.time())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"--start {text!r} is no time; write it as 2016-08-01T00:00 (UTC unless it has a zone)"
        raise BadInputError(message) from error
    start_s = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if start_s <= 0:
        message = f"--start {text!r} is before a chain's clock begins, in 1970"
        raise BadInputError(message)
    return start_s
