"""What the contracts cost, in gas, every order and every reading accepted; see scripts/prove.py."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, SELL, START, Home, World
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3

from microgrid.chain.bindings.reading_words import short_signature
from microgrid.chain.deployment import MAX_TRANSACTION_GAS, Parties, deploy
from microgrid.domain.merkle import commitment_digest
from microgrid.domain.wire import SigningDomain, SigningKey

BUDGET = Path(__file__).parents[1] / "contracts" / "gas-budget.json"
TOLERANCE = 0.02
METERED, MEMBERS, BATCH = 100, 500, 50
TICK = (RETAIL - FEED_IN) // 127
FULL, MANY, GAPPED, SETTLED = range(FIRST + 1, FIRST + 5)
RING = 32
ORACLES = sorted((SigningKey(keccak(text=f"oracle-{n}")) for n in range(3)), key=lambda key: int(key.address, 16))


def measure() -> dict[str, int]:
    """Gas of each kind of transaction; of batches, for one item where the name says so."""
    world = _market()
    costs = dict(_deployments(world)) | dict(_money(world)) | dict(_orders(world))
    costs |= dict(_clearings(world)) | dict(_readings(world)) | dict(_commitments(world))
    blocks = (world.web3.eth.get_block(number) for number in range(world.web3.eth.block_number + 1))
    dearest = max(block["gasUsed"] for block in blocks)
    assert dearest <= MAX_TRANSACTION_GAS, f"a transaction took {dearest} gas"
    return costs


def differences(measured: dict[str, int]) -> list[str]:
    """What costs otherwise than the committed budget says."""
    budget = json.loads(BUDGET.read_text(encoding="utf-8"))
    return [
        f"{name}: {measured.get(name)} gas, the budget says {budget.get(name)}"
        for name in measured | budget
        if abs(measured.get(name, 0) - budget.get(name, 0)) > TOLERANCE * budget.get(name, 0)
    ]


def _market() -> World:
    genesis = PyEVMBackend.generate_genesis_params({"timestamp": START - 4 * HOUR, "gas_limit": 30_000_000})
    backend = PyEVMBackend(genesis)
    tester = EthereumTester(backend)
    web3 = Web3(EthereumTesterProvider(tester))
    accounts: Sequence[str] = web3.eth.accounts
    parties = Parties(*accounts[1:10])
    world = World(tester, web3, deploy(web3, bytes(backend.account_keys[0].to_bytes()), CONFIG, parties), parties)
    for number in range(METERED):
        world.homes.append(world.add_home(number))
    _admit_the_rest(world)
    supply = (MEMBERS + 2) * FUNDS
    world.send(world.money.functions.mint(parties.issuer, supply), parties.issuer)
    world.send(world.money.functions.approve(world.trading.address, supply), parties.issuer)
    world.open(FIRST, count=SETTLED + 1 - FIRST)
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
    """Another market beside this one, with all that there is."""
    eth, key = world.web3.eth, bytes(world.tester.backend.account_keys[0].to_bytes())
    deployment = deploy(world.web3, key, replace(CONFIG, with_governance=True), world.parties)
    names = {address: name for name, address in deployment.addresses.items()}
    for number in range(deployment.block + 1, eth.block_number + 1):
        transaction: Any = eth.get_block(number)["transactions"][0]
        receipt = eth.get_transaction_receipt(transaction)
        if receipt["contractAddress"] in names:
            yield f"deploy {names[receipt['contractAddress']]}", receipt["gasUsed"]
    yield "deploy, roles and parameters", receipt["gasUsed"]


def _money(world: World) -> Iterator[tuple[str, int]]:
    first, second = (world.homes[n].address for n in (0, 1))
    for home in world.homes[2:]:
        _deposit(world, home.address)
    _deposit(world, world.parties.backstop)
    yield "deposit, first of an account", _deposit(world, first)
    yield "deposit, later", _deposit(world, first)
    _deposit(world, second)
    world.send(world.trading.functions.withdraw(1_000), first)
    yield "withdraw", world.send(world.trading.functions.withdraw(1_000), first)["gasUsed"]
    yield "transfer", world.send(world.trading.functions.transfer(second, 1_000), first)["gasUsed"]


def _deposit(world: World, account: str) -> int:
    receipt = world.send(world.trading.functions.deposit(account, FUNDS // 2), world.parties.issuer)
    return int(receipt["gasUsed"])


def _orders(world: World) -> Iterator[tuple[str, int]]:
    """Orders of four intervals, each placed long before the gate."""
    homes = world.homes
    yield "order, first at its tick", world.order(homes[0], BUY, 1_000, FEED_IN + 64 * TICK, FULL)["gasUsed"]
    yield "order, at a tick with orders", world.order(homes[2], BUY, 1_000, FEED_IN + 64 * TICK, FULL)["gasUsed"]
    yield "order relayed in 50, first nonce, each", _relay(world, homes[10:60], FULL) // BATCH
    for side in (BUY, SELL):
        _at_every_tick(world, homes[100:228], FULL, side)
    yield "order relayed in 50, later nonce, each", _relay(world, homes[10:60], MANY, BUY) // BATCH
    for start in (start for start in range(0, MEMBERS, 10) if not 10 <= start < 60):
        _relay(world, homes[start : start + 10], MANY, BUY)
    for start in range(0, MEMBERS, BATCH):
        _relay(world, homes[start : start + BATCH], MANY, SELL)
    yield "cancel an order inside its queue", _gaps(world)
    crossing = [RETAIL if home.member_id % 2 else FEED_IN for home in homes[:METERED]]
    for start in range(METERED):
        world.order(homes[start], start % 2, 100, crossing[start], SETTLED)


def _gaps(world: World) -> int:
    """A book that is dear to clear: gaps in every word of both sides, and in 4 MWh every other order gone."""
    sparse, dense = world.homes[:16], world.homes[16:METERED]
    for side in (BUY, SELL):
        _relay(world, sparse, GAPPED, side, [FEED_IN + 8 * n * (RETAIL - FEED_IN) // 127 for n in range(16)])
        for start in range(0, len(dense), BATCH):
            batch = dense[start : start + BATCH]
            _relay(world, batch, GAPPED, side, [FEED_IN + 64 * (RETAIL - FEED_IN) // 127] * len(batch), 49_999)
        _at_every_tick(world, world.homes[100:228], GAPPED, side)
    cancel = world.trading.functions.cancelOrder
    for home in (*sparse, *dense[::2]):
        for side in (BUY, SELL):
            cost = world.send(cancel(GAPPED, side), home.address)["gasUsed"]
    return int(cost)


def _at_every_tick(world: World, homes: Sequence[Home], interval: int, side: int) -> None:
    for start in range(0, len(homes), 32):
        prices = [FEED_IN + n * (RETAIL - FEED_IN) // 127 for n in range(start, start + 32)]
        _relay(world, homes[start : start + 32], interval, side, prices)


def _relay(
    world: World,
    homes: Sequence[Home],
    interval: int,
    side: int = SELL,
    prices: Iterable[int] = (),
    energy_wh: int = 0,
) -> int:
    """Gas of a relayed batch; nobody's order may be refused."""
    limits = prices or [FEED_IN + home.member_id * 440 for home in homes]
    orders = [
        (home.address, interval, 1, side, energy_wh or 100 + home.member_id, price, interval * 2 + side, 2**40)
        for home, price in zip(homes, limits, strict=True)
    ]
    signatures = [world.sign_order(order, home.account) for home, order in zip(homes, orders, strict=True)]
    receipt = world.send(world.trading.functions.submitOrders(orders, signatures), world.homes[0].address)
    assert world.events(receipt, world.trading, "OrderRefused") == []
    assert len(world.events(receipt, world.trading, "OrderCreated")) == len(homes)
    return int(receipt["gasUsed"])


def _clearings(world: World) -> Iterator[tuple[str, int]]:
    names = ("empty book", "orders at every tick", "1,000 orders", "queues full of gaps", "100 orders")
    for interval, name in zip(range(FIRST, SETTLED + 1), names, strict=True):
        yield f"clear, {name}", world.clear(interval)["gasUsed"]


def _readings(world: World) -> Iterator[tuple[str, int]]:
    """Batches of 50 readings: the first ever of their meters, and once the history has gone round; bills between."""
    homes, rest = world.homes[:BATCH], world.homes[BATCH:METERED]
    yield "reading signed in 50, first of a meter, each", _read(world, homes, 0) // BATCH
    _read(world, rest, 0)
    for number in range(1, RING + 3):
        cost = _read(world, homes, number)
        if number == 1:
            _read(world, rest, 1)
            yield "settle 100 metered homes with orders, each", _settle(world, SETTLED)
        if number == 3:
            yield "settle 100 overdue homes, each", _settle(world, MANY)
    yield "reading signed in 50, steady, each", cost // BATCH


def _settle(world: World, interval: int) -> int:
    receipt = world.send(world.trading.functions.settle(interval, 1, METERED), world.homes[0].address)
    assert world.trading.functions.intervalMoney(interval).call()[-1] == METERED
    return int(receipt["gasUsed"]) // METERED


def _read(world: World, homes: Sequence[Home], number: int) -> int:
    """Gas of a batch of readings; nobody's may be refused."""
    end = (SETTLED + number) * HOUR
    world.at(end)
    receipt = world.submit([(home, (number + 1, end, 300 * number, 100 * number)) for home in homes])
    assert world.results(receipt) == []
    return int(receipt["gasUsed"])


def _commitments(world: World) -> Iterator[tuple[str, int]]:
    """Roots signed by two of three keys: as dear for 50 readings as for 1,000."""
    functions, root = world.registry.functions, keccak(text="root")
    world.send(functions.setOracleKeys([key.address for key in ORACLES], 2), world.parties.governance)
    domain = SigningDomain("DeviceRegistry", world.web3.eth.chain_id, world.registry.address)
    world.at((SETTLED + RING + 3) * HOUR)
    # The first commitment ever also fixes the latest interval's word; it is no row.
    for number, count, row in (
        (0, 1, ""),
        (1, 1, ""),
        (2, BATCH, "reading committed in 50, first root of its place, each"),
        (RING, BATCH, "reading committed in 50, each"),
        (RING + 1, 1_000, "reading committed in 1,000, each"),
    ):
        interval = SETTLED + number
        digest = commitment_digest(interval, root, count, domain)
        signatures = [short_signature(key.sign(digest)) for key in ORACLES[:2]]
        call = functions.commitReadings(interval, root, count, signatures)
        cost = int(world.send(call, world.homes[0].address)["gasUsed"])
        if row:
            yield row, cost // count


def main() -> int:
    """Measure, and compare with the budget or rewrite it."""
    measured = measure()
    width = max(map(len, measured))
    print("\n".join(f"{name:{width}}{gas:>12,}" for name, gas in measured.items()))  # noqa: T201
    if "--write" in sys.argv[1:]:
        BUDGET.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
        return 0
    found = differences(measured)
    print("\n".join(found) or "all within 2 per cent of the budget")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
