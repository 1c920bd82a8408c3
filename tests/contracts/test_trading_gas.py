"""Gas of orders and settlement on receipts: cold storage, one transaction each, a regulator in place."""

from collections.abc import Iterator
from typing import Any

import pytest
from contract_market import BUY, FEED_IN, FIRST, HOUR, RETAIL, SELL, START, World

HOMES = 100
BATCH = 50
SETTLE_PER_HOME = 12_000
SINGLE_ORDER = 85_000
RELAYED_ORDER = 60_000


@pytest.fixture(scope="module")
def _community(_deployed: World) -> Iterator[World]:
    snapshot, homes = _deployed.tester.take_snapshot(), list(_deployed.homes)
    for number in range(len(homes), HOMES):
        _deployed.homes.append(_deployed.add_home(number))
        _deployed.deposit(_deployed.homes[-1].address, 100_000_000)
    yield _deployed
    _deployed.homes[:] = homes
    _deployed.tester.revert_to_snapshot(snapshot)


@pytest.fixture
def community(_community: World) -> Iterator[World]:
    """The market with a hundred homes."""
    snapshot = _community.tester.take_snapshot()
    yield _community
    _community.tester.revert_to_snapshot(snapshot)


def relay(world: World, numbers: range, side: int | None = None, nonce: int = 0, interval: int = FIRST) -> int:
    """Gas of a batch of orders, one for each of some homes, sellers and buyers in turn."""
    orders = []
    for number in numbers:
        chosen = number % 2 if side is None else side
        price = FEED_IN + 1_000 * number if chosen == BUY else RETAIL - 1_000 * number
        values = (interval, 1, chosen, 500 + number, price, nonce, START)
        orders.append((world.homes[number].address, *values))
    signatures = [world.sign_order(order, world.homes[n].account) for n, order in zip(numbers, orders, strict=True)]
    receipt = world.send(world.trading.functions.submitOrders(orders, signatures), world.parties.operator)
    assert len(world.events(receipt, world.trading, "OrderCreated")) == len(orders)
    return int(receipt["gasUsed"])


def order_all(world: World, side: int | None = None, nonce: int = 0) -> None:
    for first in range(0, HOMES, BATCH):
        relay(world, range(first, first + BATCH), side, nonce)


def settled_gas(world: World, *, metered: bool) -> float:
    """Gas of settling all homes in one transaction, by home."""
    world.clear()
    if metered:
        world.meter(FIRST, [(400, 100) if number % 2 else (100, 400) for number in range(HOMES)])
    else:
        world.at((FIRST + 3) * HOUR + 1)
    receipt = world.settle()
    assert len(world.bills(receipt)) == HOMES
    assert len(world.events(receipt, world.trading, "IntervalSettled")) == 1
    print(f"settle, by home: {receipt['gasUsed'] / HOMES:.0f}")  # noqa: T201 - shown by pytest -s
    return float(receipt["gasUsed"] / HOMES)


def test_settling_metered_homes_with_one_order_each(community: World) -> None:
    order_all(community)
    assert settled_gas(community, metered=True) <= SETTLE_PER_HOME


@pytest.mark.slow
def test_settling_metered_homes_with_two_orders_each(community: World) -> None:
    order_all(community, BUY)
    order_all(community, SELL, nonce=1)
    assert settled_gas(community, metered=True) <= SETTLE_PER_HOME


@pytest.mark.slow
def test_settling_homes_without_a_reading(community: World) -> None:
    order_all(community)
    assert settled_gas(community, metered=False) <= SETTLE_PER_HOME


def _order(world: World, number: int, **changes: Any) -> int:
    values = {"side": BUY, "energy_wh": 1_000, "price": 200_000} | changes
    receipt = world.order(world.homes[number], **values)
    return int(receipt["gasUsed"])


def test_a_homes_own_order(community: World) -> None:
    first_of_interval = _order(community, 0)
    warm = _order(community, 2)
    first_at_tick = _order(community, 4, price=290_000)
    print(f"order: {first_of_interval} {warm} {first_at_tick}")  # noqa: T201 - shown by pytest -s
    assert warm <= SINGLE_ORDER
    assert max(first_of_interval, first_at_tick) <= SINGLE_ORDER + 20_000


def test_relayed_orders_with_first_and_later_nonces(community: World) -> None:
    first = relay(community, range(BATCH), nonce=0) / BATCH
    later = relay(community, range(BATCH), nonce=1, interval=FIRST + 1) / BATCH
    print(f"relayed, each: {first:.0f} {later:.0f}")  # noqa: T201 - shown by pytest -s
    assert max(first, later) <= RELAYED_ORDER
