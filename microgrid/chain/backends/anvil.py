"""Foundry's Anvil, started on a free loopback port and ended on close."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from microgrid.chain.remote import RemoteBackend
from microgrid.domain.errors import BadInputError, ChainError, MissingPartError, UnreachableError

HEADSTART_S = 3_600
START_TIMEOUT_S = 30.0
POLL_S = 0.05
LOOPBACK = "127.0.0.1"
NPM_PATTERN = "node_modules/@foundry-rs/anvil-*/bin/anvil"
REMEDY = "`npm install @foundry-rs/anvil` in the current folder or in contracts/ puts it where it is found"


class AnvilBackend(RemoteBackend):
    """A node process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        super().__init__(url)
        self.mine_one_second_blocks()

    def close(self) -> None:
        """Close the connection and end the process."""
        super().close()
        self._process.terminate()
        self._process.wait()


def find_program(path: str | None = None) -> Path:
    """Where the anvil binary is: the named one, on PATH, or in a node_modules folder.

    Raises:
        MissingPartError: nowhere.
        BadInputError: there is none at `path`.
    """
    if path is not None:
        if not Path(path).is_file():
            message = f"{path} is no anvil binary; leave it out to search PATH and node_modules"
            raise BadInputError(message)
        return Path(path)
    if found := shutil.which("anvil"):
        return Path(found)
    roots = (Path(), Path("contracts"), Path(__file__).parents[3] / "contracts")
    binaries = [binary for root in roots for binary in sorted(root.glob(NPM_PATTERN))]
    if not binaries:
        part = "Anvil"
        raise MissingPartError(part, REMEDY)
    return binaries[0]


def command(program: Path, host: str, port: int, start_s: int, accounts: int) -> list[str]:
    """How Anvil is started: Cancun rules, the well-known accounts with a million ether each."""
    options = {"--host": host, "--port": port, "--timestamp": start_s, "--accounts": accounts, "--balance": 1_000_000}
    return [str(program), "--hardfork", "cancun", *(str(word) for option in options.items() for word in option)]


def connect(url: str | None = None, start_s: int | None = None) -> AnvilBackend:
    """Start Anvil (the binary named by `url`, or the one that is found) an hour before `start_s` (now by default).

    Raises:
        MissingPartError: Anvil is not installed.
        ChainError: it ended at once.
    """
    begin_s = (int(time.time()) if start_s is None else start_s) - HEADSTART_S
    port = _free_port()
    words = [*command(find_program(url), LOOPBACK, port, begin_s, 10), "--silent"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        return _when_ready(process, f"http://{LOOPBACK}:{port}")
    except BaseException:
        process.kill()
        process.wait()
        raise


def _when_ready(process: subprocess.Popen[bytes], url: str) -> AnvilBackend:
    give_up = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return AnvilBackend(process, url)
        except UnreachableError:
            if process.poll() is not None or time.monotonic() > give_up:
                message = f"Anvil did not start (exit code {process.poll()})"
                raise ChainError(message) from None
            time.sleep(POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
