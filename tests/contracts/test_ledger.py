"""Money in, money out, money across: the internal ledger and the tokens behind it."""

from pathlib import Path

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, SELL, START, World, reverts
from web3.contract import Contract

from microgrid.chain import artifacts

MOCKS = Path(__file__).parent / "artifacts"
RULES = (300, 2 * HOUR, 10, 50_000, 4)


def test_a_deposit_is_credited_and_told(world: World) -> None:
    home, payer = world.homes[0].address, world.parties.issuer
    receipt = world.deposit(home, 1_234)
    (event,) = world.events(receipt, world.trading, "Deposited")
    assert event == {"account": home, "payer": payer, "amount": 1_234}
    assert world.balance(home) == FUNDS + 1_234
    assert world.trading.functions.totalLiabilities().call() == 5 * FUNDS + 1_234


def test_a_withdrawal_is_paid_and_told(world: World) -> None:
    home = world.homes[0].address
    receipt = world.send(world.trading.functions.withdraw(FUNDS), home)
    assert world.events(receipt, world.trading, "Withdrawn") == [{"account": home, "amount": FUNDS}]
    assert world.money.functions.balanceOf(home).call() == FUNDS
    assert world.balance(home) == 0
    assert world.trading.functions.totalLiabilities().call() == 4 * FUNDS


def test_nobody_withdraws_more_than_there_is(world: World) -> None:
    home = world.homes[0].address
    with reverts(world.trading, "InsufficientBalance", home, FUNDS, FUNDS + 1):
        world.send(world.trading.functions.withdraw(FUNDS + 1), home)


def test_locked_money_is_not_withdrawn(world: World) -> None:
    home = world.homes[0].address
    world.order(world.homes[0], BUY, 10_000, RETAIL)
    free = FUNDS - 10_000 * (RETAIL + CONFIG.fee_micro_per_kwh) // 1_000
    with reverts(world.trading, "InsufficientBalance", home, free, FUNDS):
        world.send(world.trading.functions.withdraw(FUNDS), home)
    world.send(world.trading.functions.withdraw(free), home)


def test_credit_moves_between_accounts(world: World) -> None:
    first, second = world.homes[0].address, world.homes[1].address
    receipt = world.send(world.trading.functions.transfer(second, 500), first)
    (event,) = world.events(receipt, world.trading, "CreditTransferred")
    assert event == {"from": first, "to": second, "amount": 500}
    assert (world.balance(first), world.balance(second)) == (FUNDS - 500, FUNDS + 500)


def test_credit_moved_to_oneself_stays(world: World) -> None:
    home = world.homes[0].address
    world.send(world.trading.functions.transfer(home, 500), home)
    assert world.balance(home) == FUNDS


def test_treasury_and_backstop_take_part_in_the_ledger(world: World) -> None:
    treasury, backstop = world.parties.treasury, world.parties.backstop
    world.send(world.trading.functions.transfer(treasury, 700), backstop)
    world.send(world.trading.functions.withdraw(700), treasury)
    assert world.money.functions.balanceOf(treasury).call() == 700
    assert world.trading.functions.backstop().call() == backstop
    assert world.trading.functions.treasury().call() == treasury


def test_credit_is_not_moved_beyond_the_balance(world: World) -> None:
    first, second = world.homes[0].address, world.homes[1].address
    with reverts(world.trading, "InsufficientBalance", first, FUNDS, FUNDS + 1):
        world.send(world.trading.functions.transfer(second, FUNDS + 1), first)


def test_strangers_have_no_account(world: World) -> None:
    stranger = world.parties.oracle
    for call, sender in (
        (world.trading.functions.deposit(stranger, 1), world.parties.issuer),
        (world.trading.functions.transfer(stranger, 1), world.homes[0].address),
        (world.trading.functions.withdraw(1), stranger),
    ):
        with reverts(world.trading, "UnknownMember", stranger):
            world.send(call, sender)
    assert world.trading.functions.account(stranger).call() == (0, 0, 0, 0)


def test_moving_nothing_is_refused(world: World) -> None:
    home = world.homes[0].address
    for call in (
        world.trading.functions.withdraw(0),
        world.trading.functions.transfer(home, 0),
        world.trading.functions.deposit(home, 0),
    ):
        with reverts(world.trading, "ZeroAmount"):
            world.send(call, home)


def test_a_gift_of_tokens_is_nobodys_balance(world: World) -> None:
    world.send(world.money.functions.mint(world.trading.address, 999), world.parties.issuer)
    assert world.trading.functions.totalLiabilities().call() == 5 * FUNDS
    assert sum(world.balances().values()) == 5 * FUNDS


def test_a_pause_stops_orders_and_clearing_and_traps_no_money(world: World) -> None:
    homes = world.homes
    world.order(homes[0], BUY, 1_000, RETAIL)
    world.order(homes[1], SELL, 1_000, FEED_IN)
    world.clear()
    world.send(world.trading.functions.pause(), world.parties.guardian)
    assert world.trading.functions.paused().call()
    order = (homes[0].address, FIRST + 1, 1, BUY, 100, RETAIL, 1, 2**40)
    for call in (
        world.trading.functions.createOrder(100, RETAIL, 1, BUY),
        world.trading.functions.createOrderAt(FIRST + 1, 100, RETAIL, 1, BUY),
        world.trading.functions.submitOrders([order], [world.sign_order(order, homes[0].account)]),
        world.trading.functions.clear(FIRST + 1),
    ):
        with reverts(world.trading, "EnforcedPause"):
            world.send(call, homes[0].address)
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (0, 0), (0, 0)])
    world.settle()
    world.send(world.trading.functions.transfer(homes[1].address, 1), homes[0].address)
    for home in homes:
        world.send(world.trading.functions.withdraw(world.balance(home.address)), home.address)
    world.deposit(homes[0].address, 5)


def test_governance_ends_a_pause(world: World) -> None:
    world.send(world.trading.functions.pause(), world.parties.guardian)
    with reverts(world.trading, "EnforcedPause"):
        world.send(world.trading.functions.pause(), world.parties.guardian)
    world.send(world.trading.functions.unpause(), world.parties.governance)
    world.order(world.homes[0], BUY, 100, RETAIL)
    with reverts(world.trading, "ExpectedPause"):
        world.send(world.trading.functions.unpause(), world.parties.governance)


def test_a_pause_ends_by_itself_after_24_intervals_and_can_be_renewed(world: World) -> None:
    receipt = world.send(world.trading.functions.pause(), world.parties.guardian)
    paused = world.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
    late = (paused + 24 * HOUR) // HOUR + 3
    world.open(late)
    world.at(paused + 24 * HOUR - 1)
    with reverts(world.trading, "EnforcedPause"):
        world.order(world.homes[0], BUY, 100, RETAIL, late)
    world.at(paused + 24 * HOUR)
    world.order(world.homes[0], BUY, 100, RETAIL, late)
    world.send(world.trading.functions.pause(), world.parties.guardian)
    assert world.trading.functions.paused().call()


# A token that keeps one per cent and calls back


@pytest.fixture
def fee_market(world: World) -> tuple[World, Contract, Contract]:
    """A second market whose money is a token with a transfer fee."""
    token = world.create(artifacts.read_artifact(MOCKS / "FeeToken.json"))
    places = (world.manager.address, token.address, world.registry.address, world.grid.address)
    parties = (world.parties.backstop, world.parties.treasury)
    market = world.create(artifacts.load("EnergyTrading"), *places, *parties, RULES)
    home = world.homes[0].address
    world.send(token.functions.mint(home, 1_000_000), home)
    world.send(token.functions.approve(market.address, 1_000_000), home)
    return world, token, market


def test_what_arrives_is_credited_not_what_was_announced(fee_market: tuple[World, Contract, Contract]) -> None:
    world, token, market = fee_market
    home = world.homes[0].address
    receipt = world.send(market.functions.deposit(home, 1_000), home)
    assert world.events(receipt, market, "Deposited")[0]["amount"] == 990
    assert market.functions.balanceOf(home).call() == 990 == token.functions.balanceOf(market.address).call()
    world.send(market.functions.withdraw(990), home)
    assert token.functions.balanceOf(market.address).call() == 0


@pytest.mark.parametrize("attack", ["deposit", "withdraw"])
@pytest.mark.parametrize("door", ["deposit", "withdraw"])
def test_a_token_that_calls_back_gets_nothing(
    fee_market: tuple[World, Contract, Contract], attack: str, door: str
) -> None:
    world, token, market = fee_market
    home = world.homes[0].address
    world.send(market.functions.deposit(home, 10_000), home)
    arguments = {"deposit": [home, 100], "withdraw": [100]}
    data = market.encode_abi(attack, arguments[attack])
    world.send(token.functions.attack(market.address, data), home)
    with reverts(market, "ReentrancyGuardReentrantCall"):
        world.send(market.functions[door](*arguments[door]), home)


@pytest.mark.parametrize(
    "rules",
    [
        (300, 2 * HOUR, 0, 50_000, 4, 0),
        (300, 2 * HOUR, 10, 9, 4, 0),
        (300, 2 * HOUR, 10, 2**24, 4, 0),
        (300, 2 * HOUR, 10, 50_000, 0, 0),
        (300, 2 * HOUR, 10, 50_000, 256, 0),
        (300, 31 * HOUR + 1, 10, 50_000, 4, 0),
    ],
    ids=str,
)
def test_contradictory_rules_are_refused(world: World, rules: tuple[int, ...]) -> None:
    _deploy_reverts(world, world.parties.treasury, rules, "InvalidConfig")


def test_backstop_and_treasury_are_two_accounts(world: World) -> None:
    _deploy_reverts(world, world.parties.backstop, RULES, "InvalidConfig")
    _deploy_reverts(world, "0x" + "0" * 40, RULES, "InvalidConfig")


def _deploy_reverts(world: World, treasury: str, rules: tuple[int, ...], error: str, *values: int) -> None:
    artifact = artifacts.load("EnergyTrading")
    factory = world.web3.eth.contract(abi=artifact.abi, bytecode=artifacts.linked(artifact, world.deployment.addresses))
    places = (world.manager.address, world.money.address, world.registry.address, world.grid.address)
    call = factory.constructor(*places, world.parties.backstop, treasury, rules)
    with reverts(world.trading, error, *values):
        world.web3.eth.call({"from": world.parties.admin, "data": call.data_in_transaction, "gas": 15_000_000})


def test_the_market_starts_before_the_first_interval(world: World) -> None:
    assert world.web3.eth.get_block("latest")["timestamp"] < START
