"""A node for each file of tests, and the command line in front of it; every test finds the node as it was left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rim.cli_chain import Commands, Run, admit_two, commands_in, put_back, serving

from microgrid.chain.node import NodeServer


@pytest.fixture(scope="module")
def server() -> Iterator[NodeServer]:
    """A node whose clock starts at the start of an hour."""
    with serving() as started:
        yield started


@pytest.fixture
def run(server: NodeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs commands in an empty folder; what they did to the chain is undone afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRID_OPERATOR_KEY", raising=False)
    height, clock = server.chain.snapshot(), server.chain.clock
    yield Commands(server)
    server.chain.revert_to(height)
    server.chain.clock = clock  # time that a test let pass comes back too


@pytest.fixture(scope="module")
def two_homes(server: NodeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a market with two homes."""
    folder = tmp_path_factory.mktemp("two_homes")
    with commands_in(folder, server) as prepared:
        prepared("deploy")
        admit_two(prepared)
    return folder


@pytest.fixture
def market(two_homes: Path, run: Run) -> Run:
    """Contracts, two homes with a meter each, and their money."""
    put_back(two_homes)
    return run
