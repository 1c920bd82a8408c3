"""What governance and the regulator say of orders: limits of their energy, bans."""

from contract_market import BUY, FIRST, START, World, reverts
from web3.contract import Contract

BANNED = 12
CONDUCT = 2
NOBODY = "0x" + "00" * 20


def ban(world: World, number: int) -> Contract:
    """Ban a home for an interval; returns the regulator."""
    regulator = world.deployment.contract(world.web3, "Regulator")
    call = regulator.functions.ban(world.homes[number].member_id, 1, CONDUCT)
    world.send(call, world.parties.maintainer)
    return regulator


def relayed(world: World, numbers: tuple[int, ...]) -> list[int]:
    """Result codes of refused orders, one order for each of some homes."""
    homes = [world.homes[number] for number in numbers]
    orders = [(home.address, FIRST, 1, BUY, 500, 200_000, 0, START) for home in homes]
    signatures = [world.sign_order(order, home.account) for home, order in zip(homes, orders, strict=True)]
    receipt = world.send(world.trading.functions.submitOrders(orders, signatures), world.parties.operator)
    return [event["result"] for event in world.events(receipt, world.trading, "OrderRefused")]


def test_governance_sets_the_limits_of_an_order(world: World) -> None:
    home, functions = world.homes[0], world.trading.functions
    receipt = world.send(functions.setOrderLimits(100, 200), world.parties.governance)
    assert world.events(receipt, world.trading, "OrderLimitsSet") == [{"minOrderWh": 100, "maxOrderWh": 200}]
    assert tuple(functions.config().call()[2:4]) == (100, 200)
    for energy_wh in (99, 201):
        with reverts(world.trading, "EnergyOutOfRange", energy_wh, 100, 200):
            world.order(home, BUY, energy_wh, 200_000)
    world.order(home, BUY, 200, 200_000)


def test_limits_that_make_no_sense_are_refused(world: World) -> None:
    for limits in ((0, 1), (2, 1), (1, 2**24)):
        with reverts(world.trading, "InvalidConfig"):
            world.send(world.trading.functions.setOrderLimits(*limits), world.parties.governance)


def test_limits_do_not_touch_orders_that_stand(world: World) -> None:
    world.order(world.homes[0], BUY, 500, 200_000)
    world.send(world.trading.functions.setOrderLimits(10, 20), world.parties.governance)
    world.send(world.trading.functions.cancelOrder(FIRST, BUY), world.homes[0].address)
    assert sum(world.balances().values()) == world.trading.functions.totalLiabilities().call()


def test_a_banned_home_places_no_orders_until_the_ban_ends(world: World) -> None:
    banned = world.homes[0]
    regulator = ban(world, 0)
    assert world.trading.functions.regulator().call() == regulator.address
    with reverts(world.trading, "Banned", banned.member_id):
        world.order(banned, BUY, 500, 200_000)
    assert relayed(world, (0, 1)) == [BANNED]
    world.send(regulator.functions.lift(banned.member_id), world.parties.governance)
    assert relayed(world, (0,)) == []


def test_an_order_placed_before_a_ban_stands(world: World) -> None:
    world.order(world.homes[0], BUY, 500, 200_000)
    ban(world, 0)
    assert world.trading.functions.position(FIRST, 1, BUY).call()[0] == 500
    world.send(world.trading.functions.cancelOrder(FIRST, BUY), world.homes[0].address)


def test_without_a_regulator_nobody_is_banned(world: World) -> None:
    ban(world, 0)
    receipt = world.send(world.trading.functions.setRegulator(NOBODY), world.parties.governance)
    assert world.events(receipt, world.trading, "RegulatorSet") == [{"regulator": NOBODY}]
    world.order(world.homes[0], BUY, 500, 200_000)
