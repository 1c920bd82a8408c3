"""What the contracts cost, in gas: `python tests/gas_budget.py` measures it anew and rewrites the committed budget."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, SELL, START, Home, World
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3

from microgrid.chain.deployment import Parties, deploy

BUDGET = Path(__file__).parents[1] / "contracts" / "gas-budget.json"
METERED, MEMBERS, BATCH = 100, 500, 50
TICK = (RETAIL - FEED_IN) // 127


def measure() -> dict[str, int]:
    """Gas of each kind of transaction; of batches, for one item where the name says so."""
    world = _market()
    return dict(_deployments(world)) | dict(_money(world)) | dict(_orders(world)) | dict(_readings(world))


def _market() -> World:
    genesis = PyEVMBackend.generate_genesis_params({"timestamp": START - 4 * HOUR, "gas_limit": 30_000_000})
    backend = PyEVMBackend(genesis)
    tester = EthereumTester(backend)
    web3 = Web3(EthereumTesterProvider(tester))
    parties = Parties(*web3.eth.accounts[1:10])
    world = World(tester, web3, deploy(web3, bytes(backend.account_keys[0].to_bytes()), CONFIG, parties), parties)
    for number in range(METERED):
        world.homes.append(world.add_home(number))
    _admit_the_rest(world)
    supply = (MEMBERS + 2) * FUNDS
    world.send(world.money.functions.mint(parties.issuer, supply), parties.issuer)
    world.send(world.money.functions.approve(world.trading.address, supply), parties.issuer)
    world.open(FIRST, count=4)
    return world


def _admit_the_rest(world: World) -> None:
    """Members without a meter, many in a transaction."""
    for first in range(METERED, MEMBERS, METERED):
        calls = []
        for number in range(first, first + METERED):
            account, meter = (Account.from_key(keccak(text=f"{kind}-{number}")) for kind in ("home", "meter"))
            world.homes.append(Home(account, meter, keccak(text=f"meter-{number}"), number + 1))
            data = world.registry.encode_abi("registerMember", [account.address])
            calls.append(world.manager.encode_abi("execute", [world.registry.address, data]))
        world.send(world.manager.functions.multicall(calls), world.parties.operator)


def _deployments(world: World) -> Iterator[tuple[str, int]]:
    eth = world.web3.eth
    names = {address: name for name, address in world.deployment.addresses.items()}
    for number in range(1, eth.block_number + 1):
        for transaction in eth.get_block(number)["transactions"]:
            receipt = eth.get_transaction_receipt(transaction)
            if receipt["contractAddress"] in names:
                yield f"deploy {names[receipt['contractAddress']]}", receipt["gasUsed"]
        if number > world.deployment.block + len(names):
            return


def _money(world: World) -> Iterator[tuple[str, int]]:
    first, second = (world.homes[n].address for n in (0, 1))
    for home in world.homes[2:]:
        _deposit(world, home.address)
    _deposit(world, world.parties.backstop)
    yield "deposit (first of an account)", _deposit(world, first)
    yield "deposit (later)", _deposit(world, first)
    _deposit(world, second)
    world.send(world.trading.functions.withdraw(1_000), first)
    yield "withdraw", world.send(world.trading.functions.withdraw(1_000), first)["gasUsed"]
    yield "transfer", world.send(world.trading.functions.transfer(second, 1_000), first)["gasUsed"]


def _deposit(world: World, account: str) -> int:
    receipt = world.send(world.trading.functions.deposit(account, FUNDS // 2), world.parties.issuer)
    return int(receipt["gasUsed"])


def _orders(world: World) -> Iterator[tuple[str, int]]:
    homes = world.homes
    yield "clear (empty book)", world.clear(FIRST)["gasUsed"]
    full = FIRST + 1
    world.order(homes[0], BUY, 1_000, FEED_IN + 64 * TICK, full)
    yield "order", world.order(homes[2], BUY, 1_000, FEED_IN + 64 * TICK, full)["gasUsed"]
    relayed = world.send(_relay(world, homes[10:60], full), homes[0].address)
    yield "order in a relayed batch of 50, each", relayed["gasUsed"] // BATCH
    for side in (BUY, SELL):
        for start in range(100, 228, 32):
            ticks = [FEED_IN + (n - 100) * (RETAIL - FEED_IN) // 127 for n in range(start, start + 32)]
            world.send(_relay(world, homes[start : start + 32], full, side, ticks), homes[0].address)
    many = FIRST + 2
    for side in (BUY, SELL):
        for start in range(0, MEMBERS, BATCH):
            world.send(_relay(world, homes[start : start + BATCH], many, side), homes[0].address)
    yield "clear (orders at every tick)", world.clear(full)["gasUsed"]
    yield "clear (1,000 orders)", world.clear(many)["gasUsed"]


def _relay(world: World, homes: Sequence[Home], interval: int, side: int = SELL, prices: Sequence[int] = ()) -> Any:
    prices = prices or [FEED_IN + home.member_id * 440 for home in homes]
    orders = [
        (home.address, interval, 1, side, 100 + home.member_id, price, interval * 2 + side, 2**40)
        for home, price in zip(homes, prices, strict=True)
    ]
    signatures = [world.sign_order(order, home.account) for home, order in zip(homes, orders, strict=True)]
    return world.trading.functions.submitOrders(orders, signatures)


def _readings(world: World) -> Iterator[tuple[str, int]]:
    """A batch of 50 readings, the first ever of its meters, and once the history has gone round; then a bill."""
    homes, ends = world.homes[:BATCH], [(FIRST + 3 + n) * HOUR for n in range(36)]
    for number, end in enumerate(ends):
        world.at(end)
        groups = (homes, world.homes[BATCH:METERED]) if number < 2 else (homes,)
        costs = [
            world.submit([(h, (number + 1, end, 300 * number, 100 * number)) for h in g])["gasUsed"] for g in groups
        ]
        if number == 0:
            yield "reading in a batch of 50, first of a meter, each", costs[0] // BATCH
        if number == 1:
            settle = world.trading.functions.settle(FIRST + 2, 1, METERED)
            world.at((FIRST + 3) * HOUR + CONFIG.settlement_deadline_seconds + HOUR)
            yield "settle 100 overdue homes, each", world.send(settle, homes[0].address)["gasUsed"] // METERED
    yield "reading in a batch of 50, steady, each", costs[0] // BATCH


if __name__ == "__main__":
    BUDGET.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")
