"""A private mosquitto on a free loopback port, for tests; needs its Debian package."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from time import monotonic

START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program() -> str:
    found = [path for path in ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto") if Path(path).exists()]
    return found[0] if found else "mosquitto"


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "mosquitto ended at once"
            assert monotonic() < deadline_s, "mosquitto does not listen"
        else:
            return


@contextmanager
def mosquitto(folder: Path, port: int, *extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until the block ends; `extra` are further lines of its configuration."""
    lines = [f"listener {port} 127.0.0.1", "max_inflight_messages 500", "max_queued_messages 0", *extra]
    # Started by root it would become another user, who may not read the test's files.
    lines.append(f"user {getuser()}")
    if not any(line.startswith("allow_anonymous") for line in extra):
        lines.append("allow_anonymous true")
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n")
    with (folder / "mosquitto.log").open("ab") as log:
        process = subprocess.Popen([_program(), "-c", str(config)], stdout=log, stderr=log)
        try:
            _await(port, process)
            yield process
        finally:
            process.kill()
            process.wait()
