"""Gas of clearing against those who make it dear: measured by receipts, in a transaction that reads a cold storage."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, ORDER, RETAIL, SELL, START, World
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3

from microgrid.chain.deployment import Parties, deploy

TICKS = 128
LARGEST_WH = 2**24 - 1
SMALL_WH = 10
FUNDS = 10**11
MARGIN = 64
BATCH = 64
CLEAR_GAS = 300_000
PRICES = [FEED_IN + tick * (RETAIL - FEED_IN) // (TICKS - 1) for tick in range(TICKS)]
CANCELLATION = (("trader", "address"), ("interval", "uint64"), ("side", "uint8"), ("deadline", "uint64"))
DEADLINE = START


class Crowd:
    """Members who hand in orders and cancellations through one relay."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.relay = world.parties.issuer
        self.members = [Account.from_key(keccak(text=f"crowd-{number}")) for number in range(count)]
        self.nonces = [0] * count
        world.send(world.money.functions.mint(self.relay, FUNDS * count), self.relay)
        world.send(world.money.functions.approve(world.trading.address, FUNDS * count), self.relay)
        for member in self.members:
            world.send(world.registry.functions.registerMember(member.address), world.parties.operator)
            world.send(world.trading.functions.deposit(member.address, FUNDS), self.relay)

    def order(self, orders: Sequence[tuple[int, int, int, int]]) -> None:
        """Place orders of (member, side, energy, tick)."""
        for first in range(0, len(orders), BATCH):
            signed = [self._signed(*order) for order in orders[first : first + BATCH]]
            batch = [list(part) for part in zip(*signed, strict=True)]
            receipt = self.world.send(self.world.trading.functions.submitOrders(*batch), self.relay)
            assert self.world.events(receipt, self.world.trading, "OrderRefused") == []

    def cancel(self, member: int, side: int) -> None:
        """Take an order back."""
        account = self.members[member]
        values = (account.address, FIRST, side, DEADLINE)
        signature = self._sign(account, "Cancellation", CANCELLATION, values)
        self.world.send(self.world.trading.functions.cancelOrderFor(values, signature), self.relay)

    def _signed(self, member: int, side: int, energy_wh: int, tick: int) -> tuple[tuple[str | int, ...], bytes]:
        account = self.members[member]
        values = (account.address, FIRST, 1, side, energy_wh, PRICES[tick], self.nonces[member], DEADLINE)
        self.nonces[member] += 1
        return values, self._sign(account, "Order", ORDER, values)

    def _sign(
        self, account: LocalAccount, kind: str, fields: Sequence[tuple[str, str]], values: Sequence[str | int]
    ) -> bytes:
        domain = {"name": "EnergyTrading", "version": "1", "chainId": self.world.web3.eth.chain_id}
        types = {kind: [{"name": name, "type": solidity} for name, solidity in fields]}
        message = dict(zip((name for name, _ in fields), values, strict=True))
        typed = encode_typed_data(domain | {"verifyingContract": self.world.trading.address}, types, message)
        return bytes(account.sign_message(typed).signature)


@pytest.fixture
def large_world() -> Iterator[World]:
    """A market that takes the largest orders there can be."""
    genesis = PyEVMBackend.generate_genesis_params({"timestamp": START - 7_200, "gas_limit": 30_000_000})
    backend = PyEVMBackend(genesis)
    tester = EthereumTester(backend)
    web3 = Web3(EthereumTesterProvider(tester))
    parties = Parties(*web3.eth.accounts[1:10])
    config = replace(CONFIG, max_order_wh=LARGEST_WH)
    world = World(tester, web3, deploy(web3, bytes(backend.account_keys[0].to_bytes()), config, parties), parties)
    world.open(FIRST)
    yield world


@pytest.mark.slow
def test_clearing_stays_cheap_with_gaps_at_every_tick_and_deep_queues_at_the_margin(large_world: World) -> None:
    """Every tick of both sides has a gap with an order behind it; both margins lie just below 2^31 Wh, beside a gap.

    So the searches there go through all levels of the tree and past all children but the last in each.
    """
    crowd = Crowd(large_world, 2 * TICKS + 2)
    sides = (BUY, SELL)
    ticks = range(TICKS)
    crowd.order([(tick, side, SMALL_WH, tick) for tick in ticks for side in sides])
    crowd.order([(TICKS + tick, side, SMALL_WH, tick) for tick in ticks for side in sides])
    for tick in ticks:
        for side in sides:
            crowd.cancel(tick, side)
    crowd.order([(member, side, LARGEST_WH, MARGIN) for member in ticks for side in sides])
    gone, last = 2 * TICKS, 2 * TICKS + 1
    crowd.order([(gone, side, 2 * SMALL_WH, MARGIN) for side in sides])
    crowd.order([(last, side, 4 * SMALL_WH, MARGIN) for side in sides])
    for side in sides:
        crowd.cancel(gone, side)
    large_world.at(START - CONFIG.gate_lead_seconds)
    receipt = large_world.send(large_world.trading.functions.clear(FIRST), crowd.relay)
    found = large_world.trading.functions.clearing(FIRST).call()
    margin_wh = TICKS * LARGEST_WH + 5 * SMALL_WH
    above_wh = (TICKS - 1 - MARGIN) * SMALL_WH
    assert found[1:4] == (MARGIN, MARGIN, MARGIN)
    assert found[5] == above_wh + margin_wh
    print("GAS", receipt["gasUsed"])
    assert receipt["gasUsed"] <= CLEAR_GAS
