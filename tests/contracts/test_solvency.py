"""Arrears and the backstop: nobody is paid with money that is not there."""

from contract_market import FIRST, FUNDS, World, reverts
from settling import assert_solvent, trade


def test_grid_purchases_may_lead_to_arrears_and_arrears_stop_orders(world: World) -> None:
    """2 000 Wh at 0.30 are 0.60, the balance was 0.50: 0.10 is owed to the grid supplier."""
    home = world.homes[2].address
    world.send(world.trading.functions.withdraw(FUNDS - 500_000), home)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (2_000, 0), (0, 0)])
    world.settle()
    assert world.balance(home) == -100_000
    assert world.balance(world.parties.backstop) == FUNDS + 600_000
    with reverts(world.trading, "InsufficientBalance", home, -100_000, 1):
        world.send(world.trading.functions.withdraw(1), home)
    assert_solvent(world)


def test_the_backstop_withdraws_only_what_leaves_arrears_covered(world: World) -> None:
    home, backstop = world.homes[2].address, world.parties.backstop
    world.send(world.trading.functions.withdraw(FUNDS - 500_000), home)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (2_000, 0), (0, 0)])
    world.settle()
    free = FUNDS + 500_000
    for call in (
        world.trading.functions.withdraw(free + 1),
        world.trading.functions.transfer(world.homes[0].address, free + 1),
    ):
        with reverts(world.trading, "InsufficientBalance", backstop, free, free + 1):
            world.send(call, backstop)
    world.send(world.trading.functions.withdraw(free), backstop)
    for other in (world.homes[0], world.homes[1], world.homes[3]):
        world.send(world.trading.functions.withdraw(FUNDS), other.address)
    assert world.money.functions.balanceOf(world.trading.address).call() == 0
    world.deposit(home, 100_000)
    assert world.balance(home) == 0
    world.send(world.trading.functions.withdraw(100_000), backstop)


def test_nobody_is_paid_from_thin_air(world: World) -> None:
    """The backstop has 0.05 left and owes 0.072 for 900 Wh: it must bring 0.022."""
    backstop = world.parties.backstop
    world.send(world.trading.functions.withdraw(FUNDS - 50_000), backstop)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (0, 0), (0, 900)])
    with reverts(world.trading, "BackstopUnfunded", 50_000, 22_000):
        world.settle()
    world.deposit(backstop, 22_000)
    world.settle()
    assert world.balance(backstop) == 0
    assert_solvent(world)


def test_grid_purchases_on_credit_pay_nobody(world: World) -> None:
    """Home 3 owes 0.60 for what it drew, home 4 is due 0.072: the debt is no money, so the backstop must bring some."""
    backstop, debtor = world.parties.backstop, world.homes[2].address
    world.send(world.trading.functions.withdraw(FUNDS), backstop)
    world.send(world.trading.functions.withdraw(FUNDS), debtor)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (2_000, 0), (0, 900)])
    with reverts(world.trading, "BackstopUnfunded", 0, 72_000):
        world.settle()
    world.deposit(debtor, 72_000)
    world.settle()
    assert world.balance(backstop) == 528_000
    assert_solvent(world)


def test_a_seller_settled_before_the_buyer_is_paid_from_what_the_buyer_locked(world: World) -> None:
    """With a penniless backstop; the whole purchase is locked, so the order of settling does not matter."""
    world.send(world.trading.functions.withdraw(FUNDS), world.parties.backstop)
    price = trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (0, 0), (0, 0)])
    world.settle(FIRST, 2, 2)
    world.send(world.trading.functions.withdraw(FUNDS + price), world.homes[1].address)
    assert_solvent(world)
    world.settle(FIRST, 1, 4)
    assert world.balance(world.homes[0].address) == FUNDS - price - 2_000
