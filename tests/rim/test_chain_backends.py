"""The chain backends, by the behaviour they share, and what is each one's own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from behaviours.chain_backend import ChainBackendBehaviour
from village import START_S

from microgrid.chain.backend import Backend
from microgrid.chain.backends import anvil, rpc
from microgrid.chain.node import NodeServer
from microgrid.chain.remote import RemoteBackend
from microgrid.domain import plugins
from microgrid.domain.errors import BadInputError, ClockAheadError, UnknownNameError, UnreachableError

MARKS = {"anvil": [pytest.mark.anvil]}
NAMES = [pytest.param(name, marks=MARKS.get(name, []), id=name) for name in plugins.names("backend")]


@contextmanager
def running_node(start_s: int) -> Iterator[str]:
    server = NodeServer(start_s=start_s)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join()
        server.close()


class TestBackend(ChainBackendBehaviour):
    @pytest.fixture(params=NAMES)
    def backend(self, request: pytest.FixtureRequest) -> Iterator[Backend]:
        connect = plugins.load("backend", request.param).connect
        if request.param != "rpc":
            backend: Backend = connect(None, START_S)
            yield backend
            backend.close()
            return
        with running_node(START_S - 3_600) as url:
            backend = connect(url, START_S)
            yield backend
            backend.close()


def test_an_unknown_backend_is_named_beside_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known are anvil, eth_tester, rpc"):
        plugins.load("backend", "etherum")


def test_a_chain_past_the_wanted_time_is_refused_with_what_to_do() -> None:
    with running_node(START_S) as url, pytest.raises(ClockAheadError, match="microgrid node --start 2016-07-31T"):
        rpc.connect(url, START_S - 3_600)


def test_nobody_listening_is_one_sentence() -> None:
    with pytest.raises(
        UnreachableError, match=r"the chain node at http://127\.0\.0\.1:1 cannot be reached: connection refused"
    ):
        rpc.connect("http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["127.0.0.1:8545", "ws://127.0.0.1:8545", "http://", ""])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match=r"is no address of a chain node"):
        RemoteBackend(url)


def test_a_named_anvil_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInputError, match="/nowhere/anvil is no anvil binary"):
        anvil.connect("/nowhere/anvil", START_S)
