"""Taking orders back: what it gives back, who may do it and when, and that those behind keep their place."""

from typing import Any

import pytest
from contract_market import BUY, CONFIG, FIRST, FUNDS, HOUR, RETAIL, SELL, World, reverts
from eth_account import Account
from eth_account.messages import encode_typed_data

GATE = FIRST * HOUR - CONFIG.gate_lead_seconds
CANCELLATION = (("trader", "address"), ("interval", "uint64"), ("side", "uint8"), ("deadline", "uint64"))


def cancel(world: World, home: int, side: int, interval: int = FIRST) -> dict[str, Any]:
    receipt = world.send(world.trading.functions.cancelOrder(interval, side), world.homes[home].address)
    return world.events(receipt, world.trading, "OrderCancelled")[0]


def sign(world: World, home: int, cancellation: tuple[str, int, int, int]) -> bytes:
    domain = {"name": "EnergyTrading", "version": "1", "chainId": world.web3.eth.chain_id}
    types = {"Cancellation": [{"name": name, "type": kind} for name, kind in CANCELLATION]}
    message = dict(zip((name for name, _ in CANCELLATION), cancellation, strict=True))
    typed = encode_typed_data(domain | {"verifyingContract": world.trading.address}, types, message)
    return bytes(world.homes[home].account.sign_message(typed).signature)


def fills(world: World, side: int) -> list[int]:
    return [world.trading.functions.fill(FIRST, home.member_id, side).call() for home in world.homes]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_what_the_order_locked_comes_back_exactly(world: World, side: int) -> None:
    home = world.homes[0]
    world.order(home, side, 1_333, 123_457)
    locked = FUNDS - world.balance(home.address)
    assert locked > 0
    event = cancel(world, 0, side)
    assert world.balance(home.address) == FUNDS
    assert (event["memberId"], event["side"], event["energyWh"], event["released"]) == (1, side, 1_333, locked)
    assert world.trading.functions.position(FIRST, 1, side).call()[0] == 0
    assert sum(world.trading.functions.levels(FIRST, side).call()) == 0


def test_those_behind_move_up_and_the_rest_keep_their_time(world: World) -> None:
    """3 kWh meet bids of 2, 1, 2, 2 kWh in this order; without the second the third gets a whole kWh more."""
    world.order(world.homes[3], SELL, 3_000, 100_000)
    for home, energy_wh in zip(world.homes, (2_000, 1_000, 2_000, 2_000), strict=True):
        world.order(home, BUY, energy_wh, RETAIL)
    cancel(world, 1, BUY)
    assert sum(world.trading.functions.levels(FIRST, BUY).call()) == 6_000
    world.clear()
    assert fills(world, BUY) == [2_000, 0, 1_000, 0]
    clearing = world.trading.functions.clearing(FIRST).call()
    assert tuple(clearing[5:7]) == (3_000, 3_000)


def test_the_order_placed_instead_stands_at_the_end_of_the_queue(world: World) -> None:
    world.order(world.homes[3], SELL, 2_000, 100_000)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.order(world.homes[1], BUY, 1_500, RETAIL)
    cancel(world, 0, BUY)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.clear()
    assert fills(world, BUY) == [500, 1_500, 0, 0]


def test_a_home_cancels_once_for_each_interval_and_side(world: World) -> None:
    home = world.homes[0]
    world.order(home, BUY, 1_000, RETAIL)
    world.order(home, SELL, 1_000, RETAIL)
    cancel(world, 0, BUY)
    cancel(world, 0, SELL)
    world.order(home, BUY, 1_000, RETAIL)
    with reverts(world.trading, "AlreadyCancelled", FIRST, 1, BUY):
        cancel(world, 0, BUY)


def test_the_neighbour_in_the_storage_word_and_the_other_side_are_left_alone(world: World) -> None:
    for home in world.homes:
        for side in (BUY, SELL):
            world.order(home, side, 100 * home.member_id, 200_000)
    cancel(world, 1, SELL)
    found = [[world.trading.functions.position(FIRST, n, side).call()[0] for side in (BUY, SELL)] for n in range(1, 5)]
    assert found == [[100, 100], [200, 0], [300, 300], [400, 400]]


def test_settlement_after_a_cancellation_sums_to_zero(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.order(world.homes[1], BUY, 1_000, RETAIL)
    world.order(world.homes[3], SELL, 1_500, 100_000)
    cancel(world, 0, BUY)
    world.clear()
    world.meter(FIRST, [(1_000, 0), (1_000, 0), (0, 0), (0, 1_500)])
    world.settle()
    money = world.trading.functions.intervalMoney(FIRST).call()
    assert sum(money[:4]) == 0
    assert sum(world.balances().values()) == world.trading.functions.totalLiabilities().call() == 5 * FUNDS


def test_without_an_order_there_is_nothing_to_cancel(world: World) -> None:
    with reverts(world.trading, "NoOrder", FIRST, 1, BUY):
        cancel(world, 0, BUY)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    cancel(world, 0, BUY)
    with reverts(world.trading, "NoOrder", FIRST, 1, BUY):
        cancel(world, 0, BUY)
    with reverts(world.trading, "NoOrder", FIRST, 0, BUY):
        world.send(world.trading.functions.cancelOrder(FIRST, BUY), world.parties.issuer)


def test_from_gate_closure_on_an_order_stands(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.at(GATE)
    with reverts(world.trading, "GateClosed", FIRST, GATE):
        cancel(world, 0, BUY)


def test_a_pause_does_not_stop_it(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.send(world.trading.functions.pause(), world.parties.guardian)
    cancel(world, 0, BUY)
    assert world.balance(world.homes[0].address) == FUNDS


def test_one_interval_of_a_longer_order_can_be_cancelled(world: World) -> None:
    home = world.homes[0]
    world.send(world.trading.functions.createOrderAt(FIRST, 1_000, RETAIL, 3, BUY), home.address)
    cancel(world, 0, BUY, FIRST + 1)
    standing = [world.trading.functions.position(FIRST + n, 1, BUY).call()[0] for n in range(3)]
    assert standing == [1_000, 0, 1_000]


class TestSigned:
    def test_anybody_hands_in_what_the_home_signed(self, world: World) -> None:
        home = world.homes[0]
        world.order(home, BUY, 1_000, RETAIL)
        words = (home.address, FIRST, BUY, GATE)
        call = world.trading.functions.cancelOrderFor(words, sign(world, 0, words))
        world.send(call, world.parties.issuer)
        assert world.balance(home.address) == FUNDS
        world.order(home, BUY, 1_000, RETAIL)
        with reverts(world.trading, "AlreadyCancelled", FIRST, 1, BUY):
            world.send(call, world.parties.issuer)

    def test_a_strangers_signature_or_another_cancellation_is_refused(self, world: World) -> None:
        home = world.homes[0]
        world.order(home, BUY, 1_000, RETAIL)
        words = (home.address, FIRST, BUY, GATE)
        for changed, signature in (
            (words, sign(world, 1, words)),
            ((home.address, FIRST + 1, BUY, GATE), sign(world, 0, words)),
            (words, b""),
        ):
            with reverts(world.trading, "BadSignature", home.address):
                world.send(world.trading.functions.cancelOrderFor(changed, signature), world.parties.issuer)

    def test_it_expires(self, world: World) -> None:
        words = (world.homes[0].address, FIRST, BUY, GATE - 100)
        world.at(GATE - 99)
        with reverts(world.trading, "CancellationExpired", GATE - 100):
            world.send(world.trading.functions.cancelOrderFor(words, sign(world, 0, words)), world.parties.issuer)

    def test_the_digest_is_that_of_the_typed_data_standard(self, world: World) -> None:
        words = (world.homes[0].address, FIRST, BUY, GATE)
        digest = world.trading.functions.hashCancellation(words).call()
        signer = Account._recover_hash(digest, signature=sign(world, 0, words))
        assert signer == world.homes[0].address


class TestNonces:
    def test_the_relay_cannot_bring_a_cancelled_order_back(self, world: World) -> None:
        home = world.homes[0]
        order = (home.address, FIRST, 1, BUY, 1_000, RETAIL, 7, GATE)
        call = world.trading.functions.submitOrders([order], [world.sign_order(order, home.account)])
        world.send(call, world.parties.issuer)
        cancel(world, 0, BUY)
        refused = world.events(world.send(call, world.parties.issuer), world.trading, "OrderRefused")
        assert [event["result"] for event in refused] == [3]
        assert world.trading.functions.position(FIRST, 1, BUY).call()[0] == 0

    def test_an_order_signed_and_not_handed_in_yet_can_be_made_void(self, world: World) -> None:
        home = world.homes[0]
        receipt = world.send(world.trading.functions.revokeNonces(8), home.address)
        assert world.events(receipt, world.trading, "NoncesRevoked") == [{"trader": home.address, "below": 8}]
        order = (home.address, FIRST, 1, BUY, 1_000, RETAIL, 7, GATE)
        call = world.trading.functions.submitOrders([order], [world.sign_order(order, home.account)])
        refused = world.events(world.send(call, world.parties.issuer), world.trading, "OrderRefused")
        assert [event["result"] for event in refused] == [3]
        with reverts(world.trading, "NoncesUsed", home.address, 8):
            world.send(world.trading.functions.revokeNonces(8), home.address)
        with reverts(world.trading, "UnknownMember", world.parties.backstop):
            world.send(world.trading.functions.revokeNonces(8), world.parties.backstop)
