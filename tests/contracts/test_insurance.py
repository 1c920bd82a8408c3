"""The insurance pool: who fills it, when it is drawn, and that nothing is made of nothing."""

from contract_market import BUY, FEED_IN, FIRST, FUNDS, RETAIL, SELL, World, reverts


def money(world: World) -> dict[str, int]:
    names = ("homes", "grid", "fees", "dust", "settled")
    return dict(zip(names, world.trading.functions.intervalMoney(FIRST).call(), strict=True))


def assert_covered(world: World) -> None:
    """No credit but the backstop's without tokens behind it, and every micro in some account."""
    held = world.money.functions.balanceOf(world.trading.address).call()
    balances = world.balances()
    assert sum(balances.values()) == world.trading.functions.totalLiabilities().call() == held
    assert sum(max(0, balance) for who, balance in balances.items() if who != world.parties.backstop) <= held


def test_anybody_pays_into_the_insurance_pool(world: World) -> None:
    pool = world.trading.address
    world.send(world.trading.functions.transfer(pool, 1_000), world.homes[0].address)
    world.deposit(pool, 500)
    assert world.balance(pool) == 1_500
    assert sum(world.balances().values()) == world.trading.functions.totalLiabilities().call() == 5 * FUNDS + 500


def test_governance_sets_the_insurance_share(world: World) -> None:
    functions = world.trading.functions
    receipt = world.send(functions.setInsuranceShare(10_000), world.parties.governance)
    assert world.events(receipt, world.trading, "InsuranceShareSet") == [{"bps": 10_000}]
    assert functions.insuranceShare().call() == 10_000
    with reverts(world.trading, "InvalidShare", 10_001, 10_000):
        world.send(functions.setInsuranceShare(10_001), world.parties.governance)


def test_the_insurance_pool_bridges_a_backstop_that_runs_dry(world: World) -> None:
    """The backstop has 0.05 left and owes 0.072: the pool of 0.03 gives 0.022 and no more."""
    backstop, pool = world.parties.backstop, world.trading.address
    world.send(world.trading.functions.withdraw(FUNDS - 50_000), backstop)
    world.deposit(pool, 30_000)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (0, 0), (0, 900)])
    receipt = world.settle()
    assert world.events(receipt, world.trading, "InsuranceDrawn") == [{"amount": 22_000}]
    assert (world.balance(backstop), world.balance(pool)) == (0, 8_000)
    assert (money(world)["homes"], money(world)["grid"], money(world)["dust"]) == (72_000, -72_000, 0)
    assert_covered(world)
    for home in world.homes:
        world.send(world.trading.functions.withdraw(world.balance(home.address)), home.address)
    assert world.money.functions.balanceOf(pool).call() == 8_000


def test_an_insurance_pool_that_does_not_suffice_is_left_alone(world: World) -> None:
    backstop, pool = world.parties.backstop, world.trading.address
    world.send(world.trading.functions.withdraw(FUNDS), backstop)
    world.deposit(pool, 71_999)
    world.clear()
    world.meter(FIRST, [(0, 0), (0, 0), (0, 0), (0, 900)])
    with reverts(world.trading, "BackstopUnfunded", 0, 1):
        world.settle()
    assert world.balance(pool) == 71_999
    world.deposit(pool, 1)
    world.settle()
    assert (world.balance(backstop), world.balance(pool)) == (0, 0)
    assert_covered(world)


def test_a_share_of_the_fees_goes_into_the_insurance_pool(world: World) -> None:
    """2 000 micro of fees, a quarter of it and the dust for the pool."""
    world.send(world.trading.functions.setInsuranceShare(2_500), world.parties.governance)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.order(world.homes[1], SELL, 1_000, FEED_IN)
    world.clear()
    world.meter(FIRST, [(1_001, 0), (0, 1_003), (0, 7), (0, 0)])
    world.settle()
    told = money(world)
    assert told["fees"] == 2_000
    assert world.balance(world.parties.treasury) == 1_500
    assert world.balance(world.trading.address) == 500 + told["dust"]
    assert sum(told[name] for name in ("homes", "grid", "fees", "dust")) == 0
    assert_covered(world)
