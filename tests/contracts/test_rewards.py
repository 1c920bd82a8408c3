"""Rewards for energy shared inside the community, and the token they are paid in."""

from contract_market import BUY, FEED_IN, FIRST, RETAIL, SELL, World, reverts

WAD = 10**18
SOLD, BOUGHT = WAD, WAD // 2


def share(world: World, interval: int = FIRST, energy_wh: int = 1_000) -> None:
    """Home 0 buys and consumes what home 1 sells and delivers."""
    world.order(world.homes[0], BUY, energy_wh, RETAIL, interval)
    world.order(world.homes[1], SELL, energy_wh, FEED_IN, interval)
    world.clear(interval)
    world.meter(interval, [(energy_wh, 0), (0, energy_wh), (0, 0), (0, 0)])
    world.settle(interval)


def accrued(world: World) -> list[int]:
    return [world.rewards.functions.accrued(home.address).call() for home in world.homes]


def set_rates(world: World, sold: int, bought: int) -> None:
    world.send(world.rewards.functions.setRewardRates(sold, bought), world.parties.governance)


def test_sellers_and_buyers_earn_by_what_they_delivered_and_consumed(world: World) -> None:
    share(world)
    assert accrued(world) == [BOUGHT, SOLD, 0, 0]


def test_energy_over_the_grid_earns_nothing(world: World) -> None:
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (0, 0), (0, 0)])
    world.settle()
    assert accrued(world) == [0, 0, 0, 0]


def test_a_claim_is_minted_once(world: World) -> None:
    share(world)
    seller = world.homes[1].address
    receipt = world.send(world.rewards.functions.claim(), seller)
    (event,) = world.events(receipt, world.rewards, "RewardClaimed")
    assert event == {"account": seller, "soldWh": 1_000, "boughtWh": 0, "amount": SOLD}
    assert world.reward_token.functions.balanceOf(seller).call() == SOLD
    assert world.rewards.functions.claimed(seller).call() == [1_000, 0, SOLD]
    with reverts(world.rewards, "NothingToClaim", seller):
        world.send(world.rewards.functions.claim(), seller)
    share(world, FIRST + 2, 500)
    assert accrued(world)[1] == SOLD // 2
    world.send(world.rewards.functions.claim(), seller)
    assert world.rewards.functions.claimed(seller).call() == [1_500, 0, 3 * SOLD // 2]


def test_who_earned_nothing_claims_nothing(world: World) -> None:
    stranger = world.parties.oracle
    with reverts(world.rewards, "NothingToClaim", stranger):
        world.send(world.rewards.functions.claim(), stranger)


def test_new_rates_never_touch_energy_counted_before(world: World) -> None:
    share(world)
    before = accrued(world)
    for rates in ((0, 0), (50 * WAD, 50 * WAD)):
        set_rates(world, *rates)
        assert accrued(world) == before


def test_a_checkpoint_by_anybody_moves_an_account_to_the_present_rates(world: World) -> None:
    """1 kWh at the old rates; then a checkpoint; then 0.5 kWh at the new ones."""
    share(world)
    set_rates(world, 4 * WAD, 2 * WAD)
    accounts = [home.address for home in world.homes]
    receipt = world.send(world.rewards.functions.checkpoint(accounts), world.parties.oracle)
    fixed = world.events(receipt, world.rewards, "RewardCheckpointed")
    assert fixed[1] == {"account": accounts[1], "soldWh": 1_000, "boughtWh": 0, "owed": SOLD}
    share(world, FIRST + 2, 500)
    assert accrued(world) == [BOUGHT + WAD, SOLD + 2 * WAD, 0, 0]
    world.send(world.rewards.functions.claim(), accounts[1])
    assert world.reward_token.functions.balanceOf(accounts[1]).call() == SOLD + 2 * WAD


def test_without_a_checkpoint_an_account_keeps_earning_at_its_old_rates(world: World) -> None:
    share(world)
    set_rates(world, 4 * WAD, 2 * WAD)
    share(world, FIRST + 2, 500)
    assert accrued(world)[1] == SOLD + SOLD // 2


def test_a_new_member_starts_with_the_rates_of_its_day(world: World) -> None:
    set_rates(world, 4 * WAD, 2 * WAD)
    world.homes.append(world.add_home(9))
    world.deposit(world.homes[4].address, 10**9)
    set_rates(world, 7 * WAD, 7 * WAD)
    world.order(world.homes[4], SELL, 1_000, FEED_IN)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 0), (0, 0), (0, 0), (0, 1_000)])
    world.settle()
    assert accrued(world) == [BOUGHT, 0, 0, 0, 4 * WAD]


def test_rates_are_told_and_bounded(world: World) -> None:
    call = world.rewards.functions.setRewardRates(100 * WAD, 0)
    receipt = world.send(call, world.parties.governance)
    (event,) = world.events(receipt, world.rewards, "RewardRatesSet")
    assert event == {"perSoldKwh": 100 * WAD, "perBoughtKwh": 0}
    assert world.rewards.functions.perSoldKwh().call() == 100 * WAD
    assert world.rewards.functions.perBoughtKwh().call() == 0
    for rates in ((100 * WAD + 1, 0), (0, 100 * WAD + 1)):
        with reverts(world.rewards, "RateTooHigh", 100 * WAD + 1, 100 * WAD):
            world.send(world.rewards.functions.setRewardRates(*rates), world.parties.governance)


def test_rewards_vote_by_time(world: World) -> None:
    share(world)
    seller = world.homes[1].address
    world.send(world.rewards.functions.claim(), seller)
    receipt = world.send(world.reward_token.functions.delegate(seller), seller)
    assert world.reward_token.functions.getVotes(seller).call() == SOLD
    time_s = world.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
    assert world.reward_token.functions.CLOCK_MODE().call() == "mode=timestamp"
    world.at(time_s + 10)
    world.tester.mine_block()
    assert world.reward_token.functions.clock().call() >= time_s + 10
    assert world.reward_token.functions.getPastVotes(seller, time_s).call() == SOLD
    assert world.reward_token.functions.getPastVotes(seller, time_s - 1).call() == 0
    assert world.reward_token.functions.nonces(seller).call() == 0


def test_payment_tokens_have_six_decimals(world: World) -> None:
    assert world.money.functions.decimals().call() == 6
