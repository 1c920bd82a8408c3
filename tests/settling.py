"""What tests of settlement share: a trade, and that no credit is without money."""

from contract_market import BUY, FEED_IN, FIRST, RETAIL, SELL, World


def trade(world: World, energy_wh: int = 1_000) -> int:
    """Home 0 buys what home 1 sells; the clearing price."""
    world.order(world.homes[0], BUY, energy_wh, RETAIL)
    world.order(world.homes[1], SELL, energy_wh, FEED_IN)
    world.clear()
    return int(world.trading.functions.clearing(FIRST).call()[8])


def assert_solvent(world: World) -> None:
    """No credit without tokens behind it, and every micro in some account."""
    held = world.money.functions.balanceOf(world.trading.address).call()
    balances = world.balances()
    others = sum(max(0, balance) for who, balance in balances.items() if who != world.parties.backstop)
    assert world.trading.functions.totalLiabilities().call() == held
    assert others <= held
