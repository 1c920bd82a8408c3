"""The store on a PostgreSQL server of its own: started on a free port, ended after the tests."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from behaviours.store import StoreBehaviour

from microgrid.domain.errors import UnreachableError
from microgrid.store import open_store

pytestmark = pytest.mark.postgres

_numbers = count()


def _program(name: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(versions[0]) if versions else shutil.which(name) or name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(*command: str) -> None:
    """PostgreSQL refuses to run as root; there it runs as the user that its package made."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, capture_output=True, user=user, cwd="/", timeout=60)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("postgres")
    if os.geteuid() == 0:
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(0o755)
        shutil.chown(folder, "postgres")
    data, port = folder / "data", _free_port()
    _run(_program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    _run(_program("pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    yield f"postgresql://postgres@127.0.0.1:{port}"
    _run(_program("pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")


class TestPostgres(StoreBehaviour):
    @pytest.fixture
    def url(self, server: str) -> str:
        name = f"store{next(_numbers)}"
        _run(_program("psql"), f"{server}/postgres", "-c", f"create database {name}")
        return f"{server}/{name}"


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    with pytest.raises(UnreachableError, match="database at postgresql") as caught:
        open_store(f"postgresql://user:secret@127.0.0.1:{_free_port()}/db")
    assert "secret" not in str(caught.value)
