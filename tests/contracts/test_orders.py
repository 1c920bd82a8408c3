"""Orders: who may place which, where they stand, what they lock."""

from collections.abc import Sequence
from typing import Any

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, START, Home, World, reverts
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from web3.types import TxReceipt

SELL = 1
GATE = START - CONFIG.gate_lead_seconds
(
    ACCEPTED,
    BAD_SIGNATURE,
    EXPIRED,
    NONCE_USED,
    UNKNOWN_MEMBER,
    GATE_CLOSED,
    INTERVAL_NOT_OPEN,
    ORDER_EXISTS,
    ENERGY_OUT_OF_RANGE,
    PRICE_OUTSIDE_BAND,
    INSUFFICIENT_BALANCE,
    INVALID_DURATION,
) = range(12)
FAR = 2**40


def tick_price(tick: int, feed_in: int = FEED_IN, retail: int = RETAIL) -> int:
    """The rule as written: feed-in and so many 127ths of the band."""
    return feed_in + tick * (retail - feed_in) // 127


def bid_tick(limit: int) -> int:
    """Highest tick whose price is not above the limit, by looking at all."""
    return max(tick for tick in range(128) if tick_price(tick) <= limit)


def offer_tick(limit: int) -> int:
    """Lowest tick whose price is not below the limit, by looking at all."""
    return min(tick for tick in range(128) if tick_price(tick) >= limit)


def ceil_micro(nano: int) -> int:
    return -(-nano // 1_000)


def position(world: World, home: Home, side: int, interval: int = FIRST) -> tuple[int, int, int]:
    return tuple(world.trading.functions.position(interval, home.member_id, side).call())


def signed(world: World, home: Home, **changes: int) -> tuple[tuple[Any, ...], bytes]:
    values = {"interval": FIRST, "duration": 1, "side": BUY, "energy": 500, "price": 200_000, "nonce": 7}
    order = (home.address, *{**values, "deadline": FAR, **changes}.values())
    return order, world.sign_order(order, home.account)


def relay(world: World, orders: Sequence[tuple[tuple[Any, ...], bytes]]) -> TxReceipt:
    call = world.trading.functions.submitOrders([o for o, _ in orders], [s for _, s in orders])
    return world.send(call, world.parties.operator)


def refusals(world: World, receipt: TxReceipt) -> list[int]:
    return [event["result"] for event in world.events(receipt, world.trading, "OrderRefused")]


def test_tick_prices_divide_the_band(world: World) -> None:
    for tick in (0, 1, 63, 64, 126, 127):
        assert world.trading.functions.tickPrice(FIRST, tick).call() == tick_price(tick)


def test_a_bid_is_entered_and_told(world: World) -> None:
    receipt = world.order(world.homes[0], BUY, 1_500, 200_000)
    (event,) = world.events(receipt, world.trading, "OrderCreated")
    tick = bid_tick(200_000)
    expected = {"interval": FIRST, "memberId": 1, "side": BUY, "tick": tick, "energyWh": 1_500, "aheadWh": 0}
    assert event == expected
    assert position(world, world.homes[0], BUY) == (1_500, 0, tick)
    assert position(world, world.homes[0], SELL) == (0, 0, 0)


@pytest.mark.parametrize("limit", [FEED_IN, FEED_IN + 1, 123_456, 250_000, RETAIL - 1, RETAIL])
def test_bids_are_rounded_down_and_offers_up_to_the_tick_grid(world: World, limit: int) -> None:
    world.order(world.homes[0], BUY, 100, limit)
    world.order(world.homes[1], SELL, 100, limit)
    assert position(world, world.homes[0], BUY)[2] == bid_tick(limit)
    assert position(world, world.homes[1], SELL)[2] == offer_tick(limit)


def test_a_bid_above_retail_counts_as_retail_and_an_offer_below_feed_in_as_feed_in(world: World) -> None:
    world.order(world.homes[0], BUY, 100, 2**200)
    world.order(world.homes[1], SELL, 100, 0)
    assert position(world, world.homes[0], BUY)[2] == 127
    assert position(world, world.homes[1], SELL)[2] == 0


def test_a_bid_locks_its_price_and_the_fee_rounded_up(world: World) -> None:
    world.order(world.homes[0], BUY, 1_501, 200_000)
    locked = ceil_micro(1_501 * (tick_price(bid_tick(200_000)) + CONFIG.fee_micro_per_kwh))
    assert world.balance(world.homes[0].address) == FUNDS - locked


def test_an_offer_locks_what_non_delivery_can_cost_rounded_up(world: World) -> None:
    world.order(world.homes[0], SELL, 1_501, 100_000)
    locked = ceil_micro(1_501 * (RETAIL - tick_price(offer_tick(100_000))))
    assert world.balance(world.homes[0].address) == FUNDS - locked
    assert world.trading.functions.totalLiabilities().call() == 5 * FUNDS


def test_orders_at_a_tick_stand_in_order_of_time(world: World) -> None:
    for home, energy, ahead in zip(world.homes, (100, 2_000, 30, 4), (0, 100, 2_100, 2_130), strict=True):
        world.order(home, SELL, max(energy, 10), 150_000)
        assert position(world, home, SELL)[1] == ahead
    book = world.trading.functions.levels(FIRST, SELL).call()
    assert len(book) == 128
    assert {tick: energy for tick, energy in enumerate(book) if energy} == {offer_tick(150_000): 2_140}
    assert not any(world.trading.functions.levels(FIRST, BUY).call())


def test_levels_of_neighbouring_ticks_do_not_mix(world: World) -> None:
    limits = [tick_price(tick) for tick in (0, 7, 8, 127)]
    for home, limit in zip(world.homes, limits, strict=True):
        world.order(home, BUY, 1_000 + limit % 97, limit)
    book = world.trading.functions.levels(FIRST, BUY).call()
    expected = {tick: 1_000 + limit % 97 for tick, limit in zip((0, 7, 8, 127), limits, strict=True)}
    assert {tick: energy for tick, energy in enumerate(book) if energy} == expected


def test_homes_that_share_a_storage_word_keep_their_own_orders(world: World) -> None:
    for number, home in enumerate(world.homes):
        world.order(home, BUY, 100 + number, 100_000)
        world.order(home, SELL, 200 + number, 290_000)
    for number, home in enumerate(world.homes):
        assert position(world, home, BUY)[0] == 100 + number
        assert position(world, home, SELL)[0] == 200 + number


def test_create_order_takes_the_next_interval_whose_gate_is_open(world: World) -> None:
    home = world.homes[0].address
    call = world.trading.functions.createOrder(100, 200_000, 1, BUY)
    world.at(GATE - 1)
    assert world.events(world.send(call, home), world.trading, "OrderCreated")[0]["interval"] == FIRST
    world.at(GATE)
    assert world.events(world.send(call, home), world.trading, "OrderCreated")[0]["interval"] == FIRST + 1


def test_an_order_may_stand_in_several_intervals(world: World) -> None:
    home = world.homes[0]
    call = world.trading.functions.createOrderAt(FIRST, 100, 200_000, 4, BUY)
    receipt = world.send(call, home.address)
    intervals = [event["interval"] for event in world.events(receipt, world.trading, "OrderCreated")]
    assert intervals == [FIRST + i for i in range(4)]
    locked = ceil_micro(100 * (tick_price(bid_tick(200_000)) + CONFIG.fee_micro_per_kwh))
    assert world.balance(home.address) == FUNDS - 4 * locked


def test_an_order_stands_in_all_its_intervals_or_in_none(world: World) -> None:
    home = world.homes[0]
    world.order(home, BUY, 100, 200_000, FIRST + 2)
    with reverts(world.trading, "OrderExists", FIRST + 2, 1, BUY):
        world.send(world.trading.functions.createOrderAt(FIRST, 100, 200_000, 4, BUY), home.address)
    assert position(world, home, BUY) == (0, 0, 0)


def test_the_gate_closes_before_the_interval(world: World) -> None:
    assert world.trading.functions.gateClosure(FIRST).call() == GATE
    world.at(GATE)
    with reverts(world.trading, "GateClosed", FIRST, GATE):
        world.order(world.homes[0], BUY, 100, 200_000)


def test_intervals_of_the_distant_past_are_closed(world: World) -> None:
    assert world.trading.functions.gateClosure(0).call() == 0
    with reverts(world.trading, "GateClosed", 0, 0):
        world.order(world.homes[0], BUY, 100, 200_000, 0)


@pytest.mark.parametrize("interval", [FIRST + 4, 2**64 - 1])
def test_an_interval_must_be_open(world: World, interval: int) -> None:
    with reverts(world.trading, "IntervalNotOpen", interval):
        world.order(world.homes[0], BUY, 100, 200_000, interval)
    with reverts(world.trading, "IntervalNotOpen", interval):
        world.trading.functions.tickPrice(interval, 3).call()


def test_there_is_one_order_for_each_side(world: World) -> None:
    world.order(world.homes[0], BUY, 100, 200_000)
    world.order(world.homes[0], SELL, 100, 290_000)
    for side in (BUY, SELL):
        with reverts(world.trading, "OrderExists", FIRST, 1, side):
            world.order(world.homes[0], side, 100, 200_000)


@pytest.mark.parametrize("energy", [0, 9, 50_001, 2**256 - 1])
def test_energy_has_a_range(world: World, energy: int) -> None:
    with reverts(world.trading, "EnergyOutOfRange", energy, 10, 50_000):
        world.order(world.homes[0], BUY, energy, 200_000)


@pytest.mark.parametrize(("side", "price"), [(BUY, FEED_IN - 1), (SELL, RETAIL + 1)])
def test_a_limit_that_the_grid_beats_is_refused(world: World, side: int, price: int) -> None:
    with reverts(world.trading, "PriceOutsideBand", price, FEED_IN, RETAIL):
        world.order(world.homes[0], side, 100, price)


@pytest.mark.parametrize("duration", [0, 5, 2**256 - 1])
def test_duration_has_a_range(world: World, duration: int) -> None:
    with reverts(world.trading, "InvalidDuration", duration, 4):
        world.send(world.trading.functions.createOrder(100, 200_000, duration, BUY), world.homes[0].address)


def test_strangers_and_the_backstop_place_no_orders(world: World) -> None:
    for stranger in (world.parties.oracle, world.parties.backstop):
        with reverts(world.trading, "UnknownMember", stranger):
            world.send(world.trading.functions.createOrder(100, 200_000, 1, BUY), stranger)


def test_an_order_needs_its_money_to_the_micro(world: World) -> None:
    home = world.homes[0]
    needed = ceil_micro(1_000 * (RETAIL + CONFIG.fee_micro_per_kwh))
    world.send(world.trading.functions.withdraw(FUNDS - needed + 1), home.address)
    with reverts(world.trading, "InsufficientBalance", home.address, needed - 1, needed):
        world.order(home, BUY, 1_000, RETAIL)
    world.deposit(home.address, 1)
    world.order(home, BUY, 1_000, RETAIL)
    assert world.balance(home.address) == 0


def test_the_order_digest_is_that_of_an_independent_eip712_implementation(world: World) -> None:
    names = ("trader", "interval", "duration", "side", "energyWh", "price", "nonce", "deadline")
    kinds = ("address", "uint64", "uint32", "uint8", "uint64", "uint64", "uint64", "uint64")
    order = (world.homes[0].address, 2**50, 2**31, SELL, 2**60, 2**63, 2**64 - 1, 1)
    domain = {"name": "EnergyTrading", "version": "1", "chainId": world.web3.eth.chain_id}
    domain["verifyingContract"] = world.trading.address
    types = {"Order": [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]}
    message = encode_typed_data(domain, types, dict(zip(names, order, strict=True)))
    expected = keccak(b"\x19\x01" + message.header + message.body)
    assert world.trading.functions.hashOrder(order).call() == expected


def test_anybody_relays_signed_orders(world: World) -> None:
    orders = [signed(world, home, side=number % 2) for number, home in enumerate(world.homes)]
    receipt = relay(world, orders)
    created = world.events(receipt, world.trading, "OrderCreated")
    assert [event["memberId"] for event in created] == [1, 2, 3, 4]
    assert refusals(world, receipt) == []
    assert world.trading.functions.nonceUsed(world.homes[0].address, 7).call()
    assert not world.trading.functions.nonceUsed(world.homes[0].address, 8).call()
    assert world.trading.functions.nonceUsed(world.homes[0].address, 6).call()
    assert world.trading.functions.account(world.homes[0].address).call()[3] == 8


def test_results_come_one_for_each_order(world: World) -> None:
    orders = [signed(world, world.homes[0]), signed(world, world.homes[1], deadline=1)]
    call = world.trading.functions.submitOrders([o for o, _ in orders], [s for _, s in orders])
    assert call.call() == [ACCEPTED, EXPIRED]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deadline": START - 8 * HOUR}, EXPIRED),
        ({"interval": FIRST - 24}, GATE_CLOSED),
        ({"interval": FIRST + 4}, INTERVAL_NOT_OPEN),
        ({"interval": 2**64 - 1, "duration": 4}, INTERVAL_NOT_OPEN),
        ({"interval": FIRST + 3, "duration": 2}, INTERVAL_NOT_OPEN),
        ({"energy": 9}, ENERGY_OUT_OF_RANGE),
        ({"energy": 2**64 - 1}, ENERGY_OUT_OF_RANGE),
        ({"price": FEED_IN - 1}, PRICE_OUTSIDE_BAND),
        ({"side": SELL, "price": 2**64 - 1}, PRICE_OUTSIDE_BAND),
        ({"duration": 0}, INVALID_DURATION),
        ({"duration": 5}, INVALID_DURATION),
    ],
    ids=str,
)
def test_one_bad_order_never_blocks_the_others(world: World, changes: dict[str, int], expected: int) -> None:
    bad, good = world.homes[:2]
    receipt = relay(world, [signed(world, bad, **changes), signed(world, good)])
    assert world.events(receipt, world.trading, "OrderRefused") == [
        {"trader": bad.address, "nonce": 7, "result": expected}
    ]
    assert position(world, good, BUY)[0] == 500
    assert not world.trading.functions.nonceUsed(bad.address, 7).call()


def test_a_relayed_order_needs_money(world: World) -> None:
    home = world.homes[0]
    world.send(world.trading.functions.withdraw(FUNDS), home.address)
    assert refusals(world, relay(world, [signed(world, home)])) == [INSUFFICIENT_BALANCE]
    world.deposit(home.address, FUNDS)
    assert refusals(world, relay(world, [signed(world, home)])) == []


def test_a_relayed_order_needs_a_member(world: World) -> None:
    account = Account.from_key(keccak(text="stranger"))
    stranger = Home(account, account, bytes(32), 0)
    assert refusals(world, relay(world, [signed(world, stranger)])) == [UNKNOWN_MEMBER]


def test_an_order_sent_twice_is_refused(world: World) -> None:
    order = signed(world, world.homes[0])
    assert refusals(world, relay(world, [order, order])) == [NONCE_USED]


def test_a_nonce_serves_once_whatever_the_order(world: World) -> None:
    home = world.homes[0]
    relay(world, [signed(world, home)])
    assert refusals(world, relay(world, [signed(world, home, interval=FIRST + 1)])) == [NONCE_USED]
    assert refusals(world, relay(world, [signed(world, home, nonce=8)])) == [ORDER_EXISTS]


def test_nonces_rise_and_may_leave_some_out(world: World) -> None:
    home = world.homes[0]
    orders = [signed(world, home, interval=FIRST + i, nonce=nonce) for i, nonce in enumerate((7, 6, 9))]
    assert refusals(world, relay(world, orders)) == [NONCE_USED]
    assert refusals(world, relay(world, [signed(world, home, interval=FIRST + 1, nonce=8)])) == [NONCE_USED]
    assert refusals(world, relay(world, [signed(world, home, interval=FIRST + 1, nonce=10)])) == []


def test_the_last_nonce_is_the_last(world: World) -> None:
    home = world.homes[0]
    orders = [
        signed(world, home, nonce=2**32 - 1),
        signed(world, home, nonce=2**64 - 1),
        signed(world, home, nonce=2**32 - 2),
        signed(world, home, interval=FIRST + 1, nonce=2**32 - 1),
    ]
    assert refusals(world, relay(world, orders)) == [NONCE_USED, NONCE_USED, NONCE_USED]
    assert position(world, home, BUY)[0] == 500
    world.order(home, BUY, 500, 200_000, FIRST + 1)


@pytest.mark.parametrize(
    "domain",
    [{"chainId": 1}, {"verifyingContract": "0x" + "11" * 20}, {"name": "DeviceRegistry"}, {"version": "2"}],
    ids=str,
)
def test_an_order_for_another_domain_is_refused(world: World, domain: dict[str, Any]) -> None:
    home = world.homes[0]
    order, _ = signed(world, home)
    receipt = relay(world, [(order, world.sign_order(order, home.account, **domain))])
    assert refusals(world, receipt) == [BAD_SIGNATURE]


def test_an_order_signed_by_somebody_else_or_changed_is_refused(world: World) -> None:
    first, second = world.homes[:2]
    order, signature = signed(world, first)
    dearer = (*order[:5], 299_000, *order[6:])
    forged = [(order, world.sign_order(order, second.account)), (dearer, signature), (order, b""), (order, bytes(65))]
    assert refusals(world, relay(world, forged)) == [BAD_SIGNATURE] * 4


def test_a_malleable_order_signature_is_refused(world: World) -> None:
    order, signature = signed(world, world.homes[0])
    curve = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (curve - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    twin = signature[:32] + high + bytes([55 - signature[64]])
    assert refusals(world, relay(world, [(order, twin)])) == [BAD_SIGNATURE]


def test_a_batch_needs_as_many_signatures_as_orders(world: World) -> None:
    order, _ = signed(world, world.homes[0])
    with reverts(world.trading, "BatchLengthMismatch", 1, 0):
        world.send(world.trading.functions.submitOrders([order], []), world.parties.operator)


def test_relayed_and_own_orders_lock_the_same(world: World) -> None:
    first, second = world.homes[:2]
    relay(world, [signed(world, first, duration=2)])
    world.send(world.trading.functions.createOrderAt(FIRST, 500, 200_000, 2, BUY), second.address)
    assert world.balance(first.address) == world.balance(second.address) < FUNDS


def test_the_rules_can_be_read(world: World) -> None:
    rules = (CONFIG.gate_lead_seconds, CONFIG.settlement_deadline_seconds, 10, 50_000, 4)
    assert world.trading.functions.config().call() == rules
