"""A market of four homes on an in-process chain, deployed once and put back after every test."""

from collections.abc import Iterator

import pytest
from contract_market import CONFIG, FIRST, FUNDS, HOUR, START, World
from eth_tester import EthereumTester, PyEVMBackend
from programme import Programme, open_programme
from web3 import EthereumTesterProvider, Web3

from microgrid.chain.deployment import Parties, deploy


@pytest.fixture(scope="session")
def _deployed() -> World:
    backend = PyEVMBackend(
        PyEVMBackend.generate_genesis_params({"timestamp": START - 4 * HOUR, "gas_limit": 30_000_000})
    )
    tester = EthereumTester(backend)
    web3 = Web3(EthereumTesterProvider(tester))
    parties = Parties(*web3.eth.accounts[1:10])
    key = bytes(backend.account_keys[0].to_bytes())
    world = World(tester, web3, deploy(web3, key, CONFIG, parties), parties)
    for number in range(4):
        world.homes.append(world.add_home(number))
        world.deposit(world.homes[-1].address, FUNDS)
    world.deposit(parties.backstop, FUNDS)
    world.open(FIRST, count=4)
    return world


@pytest.fixture
def world(_deployed: World) -> Iterator[World]:
    """The market with four homes, 100 units of money each, and four intervals open from FIRST."""
    snapshot = _deployed.tester.take_snapshot()
    homes = list(_deployed.homes)
    yield _deployed
    _deployed.homes = homes
    _deployed.tester.revert_to_snapshot(snapshot)


@pytest.fixture
def programme(world: World) -> Programme:
    """Demand response; two intervals of history are metered; the sponsor has three budgets."""
    return open_programme(world)
