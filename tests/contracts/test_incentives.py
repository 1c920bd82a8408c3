"""Incentives: saving against a rolling baseline, self-consumption, stability, boosts, and one budget for each epoch."""

from random import Random
from typing import Any

import pytest
from contract_market import BUY, FEED_IN, FIRST, HOUR, RETAIL, SELL, Home, World, packed_reading, reading_of, reverts
from eth_account import Account
from eth_utils.crypto import keccak
from web3.types import TxReceipt

from microgrid.chain import artifacts
from microgrid.chain.permissions import Role

WAD = 10**18
SAVED, PEAK, STABILITY, BONUS, PENALTY = WAD // 2, WAD // 2, 2 * WAD, WAD // 50, WAD // 50
EPOCH, DAY = 24, 24
BUDGET = 100 * WAD
RING = 32


def day(world: World, number: int, energies: list[tuple[int, int]], hour: int = 0) -> TxReceipt:
    """One interval of a day from FIRST, cleared without orders, metered and counted."""
    interval = FIRST + number * DAY + hour
    if number or hour > 3:
        world.open(interval)
    world.clear(interval)
    world.know_from(interval, len(energies))
    world.meter(interval, energies)
    return record(world, interval)


def record(world: World, interval: int) -> TxReceipt:
    return world.send(world.rewards.functions.recordConduct(interval, 1, len(world.homes)), world.homes[0].address)


def incentive(world: World, epoch: int, member_id: int) -> int:
    return int(world.rewards.functions.incentiveOf(epoch, member_id).call())


def now(world: World) -> int:
    return int(world.web3.eth.get_block("latest")["timestamp"])


def epoch_now(world: World) -> int:
    return now(world) // HOUR // EPOCH


def credit(world: World, member_id: int, energy_wh: int, event: str = "event") -> TxReceipt:
    call = world.rewards.functions.creditStability(keccak(text=event), member_id, energy_wh)
    return world.send(call, world.parties.oracle)


def set_budget(world: World, budget: int) -> TxReceipt:
    return world.send(world.rewards.functions.setEpochBudget(budget), world.parties.governance)


def give_tokens(world: World, home: Home, amount: int) -> None:
    minter = world.parties.admin
    world.send(world.manager.functions.grantRole(Role.MINTER, minter, 0), minter)
    world.send(world.reward_token.functions.mint(home.address, amount), minter)


def stake(world: World, home: Home, amount: int) -> None:
    give_tokens(world, home, amount)
    staking = world.deployment.contract(world.web3, "Staking")
    world.send(world.reward_token.functions.approve(staking.address, amount), home.address)
    world.send(staking.functions.stake(amount), home.address)


def start_epoch(world: World) -> int:
    """Go to the start of the next epoch."""
    epoch = epoch_now(world) + 1
    world.at(epoch * EPOCH * HOUR + 1)
    world.tester.mine_block()
    return epoch


def end_epoch(world: World, epoch: int) -> None:
    world.at(((epoch + 1) * EPOCH + RING) * HOUR)
    world.tester.mine_block()


def test_the_first_interval_of_an_hour_sets_the_baseline_and_pays_nothing(world: World) -> None:
    receipt = day(world, 0, [(1_000, 0)])
    (event,) = world.events(receipt, world.rewards, "ConductRecorded")
    penalty = 1_000 * PENALTY // 1_000
    expected = {"interval": FIRST, "memberId": 1, "savedWh": 0, "gridWh": 1_000, "earned": 0, "penalty": penalty}
    assert event == expected
    assert world.rewards.functions.baseline(1, FIRST % 24).call() == [1_000, True]
    assert world.rewards.functions.baseline(1, FIRST % 24 + 1).call() == [0, False]


def test_energy_below_the_baseline_is_saved_and_the_baseline_follows(world: World) -> None:
    """1000, then 600: 400 saved, baseline falls a quarter of it to 900; then 1700: rises an eighth of 800 to 1000."""
    day(world, 0, [(1_000, 0)])
    receipt = day(world, 1, [(600, 0)])
    (event,) = world.events(receipt, world.rewards, "ConductRecorded")
    assert (event["savedWh"], event["earned"]) == (400, 400 * SAVED // 1_000)
    assert world.rewards.functions.baseline(1, FIRST % 24).call() == [900, True]
    epoch = (FIRST + DAY) // EPOCH
    assert incentive(world, epoch, 1) == (400 * SAVED - 600 * PENALTY) // 1_000
    day(world, 2, [(1_700, 0)])
    assert world.rewards.functions.baseline(1, FIRST % 24).call() == [1_000, True]
    assert world.rewards.functions.conductOf(1).call() == (FIRST + 2 * DAY, 0, 3_300, 400, 0)


def test_saving_in_a_dear_hour_earns_the_peak_rate_in_addition(world: World) -> None:
    hour = 18 - FIRST % 24
    day(world, 0, [(1_000, 0)], hour)
    receipt = day(world, 1, [(600, 0)], hour)
    (event,) = world.events(receipt, world.rewards, "ConductRecorded")
    assert event["earned"] == 400 * (SAVED + PEAK) // 1_000


def test_energy_bought_from_peers_costs_no_penalty(world: World) -> None:
    world.order(world.homes[0], BUY, 700, RETAIL)
    world.order(world.homes[1], SELL, 700, FEED_IN)
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 700)])
    receipt = record(world, FIRST)
    first = world.events(receipt, world.rewards, "ConductRecorded")[0]
    assert (first["gridWh"], first["penalty"]) == (300, 300 * PENALTY // 1_000)
    assert world.rewards.functions.conductOf(1).call() == (FIRST, 700, 300, 0, 0)
    assert world.rewards.functions.behaviourScore(1).call() == [700, True]
    assert world.rewards.functions.behaviourScore(3).call() == [0, False]


def test_a_penalty_lessens_a_reward_no_further_than_to_zero(world: World) -> None:
    regulator = world.deployment.contract(world.web3, "Regulator")
    world.send(regulator.functions.setTerms((0, WAD)), world.parties.governance)
    day(world, 0, [(1_000, 0), (1_000, 0)])
    day(world, 1, [(600, 0), (100, 0)])
    epoch = (FIRST + DAY) // EPOCH
    assert [incentive(world, epoch, n) for n in (1, 2)] == [0, (900 * SAVED - 100 * WAD) // 1_000]
    end_epoch(world, epoch)
    with reverts(world.rewards, "NothingEarned", epoch, 1):
        world.send(world.rewards.functions.claimIncentives(epoch), world.homes[0].address)


def test_an_interval_counts_once_and_without_a_reading_not_at_all(world: World) -> None:
    receipt = day(world, 0, [(1_000, 0)])
    assert len(world.events(receipt, world.rewards, "ConductRecorded")) == 1
    assert world.events(record(world, FIRST), world.rewards, "ConductRecorded") == []
    assert world.rewards.functions.recordConduct(FIRST, 1, 4).call() == 0


def test_nobody_can_pass_over_a_known_interval(world: World) -> None:
    """0 is recorded, then 2 is tried before 1."""
    day(world, 0, [(1_000, 0)])
    for interval in (FIRST + 1, FIRST + 2):
        world.clear(interval)
        world.meter(interval, [(500, 0)])
    assert world.rewards.functions.recordConduct(FIRST + 2, 1, 1).call() == 0
    record(world, FIRST + 1)
    assert world.rewards.functions.recordConduct(FIRST + 2, 1, 1).call() == 1


def test_an_interval_that_is_not_cleared_is_not_counted(world: World) -> None:
    with reverts(world.rewards, "IntervalNotCleared", FIRST):
        record(world, FIRST)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 5)])
def test_a_range_lies_within_the_members(world: World, first: int, last: int) -> None:
    with reverts(world.rewards, "InvalidRange", first, last):
        world.send(world.rewards.functions.recordConduct(FIRST, first, last), world.homes[0].address)


def test_an_epoch_is_closed_before_its_rewards_are_claimed(world: World) -> None:
    day(world, 0, [(1_000, 0)])
    epoch, seller = FIRST // EPOCH, world.homes[0].address
    opens = ((epoch + 1) * EPOCH + RING) * HOUR
    assert world.rewards.functions.epochOf(epoch).call() == (BUDGET, 0, opens)
    with reverts(world.rewards, "EpochNotOver", epoch, opens):
        world.send(world.rewards.functions.claimIncentives(epoch), seller)
    end_epoch(world, epoch)
    with reverts(world.rewards, "EpochClosed", epoch):
        record(world, FIRST)
    with reverts(world.rewards, "NothingEarned", epoch, 1):
        world.send(world.rewards.functions.claimIncentives(epoch), seller)


def test_a_claim_is_minted_once(world: World) -> None:
    receipt = credit(world, 2, 1_500)
    epoch, home = epoch_now(world), world.homes[1]
    (event,) = world.events(receipt, world.rewards, "StabilityCredited")
    earned = 3 * WAD
    expected = {"epoch": epoch, "memberId": 2, "eventId": keccak(text="event"), "energyWh": 1_500, "earned": earned}
    assert event == expected
    end_epoch(world, epoch)
    receipt = world.send(world.rewards.functions.claimIncentives(epoch), home.address)
    (event,) = world.events(receipt, world.rewards, "IncentiveClaimed")
    assert event == {"epoch": epoch, "memberId": 2, "amount": earned}
    assert world.reward_token.functions.balanceOf(home.address).call() == earned
    with reverts(world.rewards, "NothingEarned", epoch, 2):
        world.send(world.rewards.functions.claimIncentives(epoch), home.address)


def test_a_part_in_an_event_is_credited_once_and_to_members(world: World) -> None:
    credit(world, 1, 1)
    with reverts(world.rewards, "AlreadyCredited", keccak(text="event"), 1):
        credit(world, 1, 1)
    with reverts(world.rewards, "UnknownMemberId", 5):
        credit(world, 5, 1)


def test_more_than_the_budget_is_shared_pro_rata(world: World) -> None:
    """10 tokens for 20 and 40 earned; a third is set aside for boosts."""
    set_budget(world, 9 * WAD)
    credit(world, 1, 10_000)
    credit(world, 2, 20_000)
    epoch = epoch_now(world)
    assert [incentive(world, epoch, n) for n in (1, 2)] == [2 * WAD, 4 * WAD]


def test_a_new_budget_leaves_epochs_alone_in_which_something_was_earned(world: World) -> None:
    credit(world, 1, 1_000)
    receipt = set_budget(world, 1)
    assert world.events(receipt, world.rewards, "EpochBudgetSet") == [{"budget": 1}]
    epoch = epoch_now(world)
    assert world.rewards.functions.epochOf(epoch).call()[:2] == (BUDGET, 2 * WAD)
    assert world.rewards.functions.epochOf(epoch + 1).call()[0] == world.rewards.functions.epochBudget().call() == 1


def test_a_stake_held_through_the_epoch_boosts_by_a_tenth_of_it_up_to_half(world: World) -> None:
    stake(world, world.homes[0], 10 * WAD)
    stake(world, world.homes[1], 1_000 * WAD)
    epoch = start_epoch(world)
    stake(world, world.homes[2], 10 * WAD)  # too late for this epoch
    for member_id in (1, 2, 3):
        credit(world, member_id, 2_000)
    end_epoch(world, epoch)
    assert [incentive(world, epoch, n) for n in (1, 2, 3)] == [5 * WAD, 6 * WAD, 4 * WAD]


@pytest.mark.parametrize("seed", range(6))
def test_rewards_never_exceed_the_budget(world: World, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    budget = random.randrange(1, 20 * WAD)
    set_budget(world, budget)
    for home in world.homes:
        stake(world, home, random.randrange(1, 100 * WAD))
    epoch = start_epoch(world)
    for home in world.homes:
        credit(world, home.member_id, random.randrange(1, 10_000))
    end_epoch(world, epoch)
    assert 0 < sum(incentive(world, epoch, home.member_id) for home in world.homes) <= budget


@pytest.mark.parametrize("seed", range(6))
def test_splitting_a_home_never_pays_more(world: World, seed: int) -> None:
    """Home 1 with energy and stake in one hand, against homes 2 to 4 with any division of the same."""
    random = Random(seed)  # noqa: S311
    energy, tokens = [random.randrange(1, 5_000) for _ in range(3)], [random.randrange(1, 50 * WAD) for _ in range(3)]
    for home, amount in zip(world.homes, [sum(tokens), *tokens], strict=True):
        stake(world, home, amount)
    set_budget(world, random.choice([2 * WAD, BUDGET]))
    epoch = start_epoch(world)
    for home, energy_wh in zip(world.homes, [sum(energy), *energy], strict=True):
        credit(world, home.member_id, energy_wh)
    end_epoch(world, epoch)
    whole, *parts = [incentive(world, epoch, home.member_id) for home in world.homes]
    assert sum(parts) <= whole


def test_rates_are_told_and_bounded(world: World) -> None:
    rates = (1, 2, 100 * WAD)
    receipt = world.send(world.rewards.functions.setIncentiveRates(rates), world.parties.governance)
    (event,) = world.events(receipt, world.rewards, "IncentiveRatesSet")
    assert tuple(event["rates"].values()) == rates
    assert world.rewards.functions.incentiveRates().call() == rates
    assert world.rewards.functions.epochIntervals().call() == EPOCH
    assert world.rewards.functions.MAX_INCENTIVE().call() == 100 * WAD
    for place in range(3):
        high = [0, 0, 0]
        high[place] = 100 * WAD + 1
        with reverts(world.rewards, "IncentiveTooHigh", 100 * WAD + 1, 100 * WAD):
            world.send(world.rewards.functions.setIncentiveRates(tuple(high)), world.parties.governance)


class Panels:
    """An inverter of home 0 beside its meter; both read at the same times."""

    def __init__(self, world: World) -> None:
        self.world, self.home = world, world.homes[0]
        self.key, self.device_id = Account.from_key(keccak(text="inverter")), keccak(text="inverter")
        register = world.registry.functions.registerDevice(
            self.device_id, self.home.address, self.key.address, 1, 10_000, 7
        )
        world.send(register, world.parties.operator)
        self.inverter = Home(self.home.account, self.key, self.device_id, 1)
        self.time = FIRST * HOUR

    def read(self, made_wh: int, fed_wh: int) -> None:
        """Cumulative generation and feed-in, an hour on."""
        self.time += HOUR
        self.world.at(self.time)
        sequence = self.time // HOUR
        self.world.submit(
            [(self.inverter, (sequence, self.time, 0, made_wh)), (self.home, (sequence, self.time, 0, fed_wh))]
        )

    def count(self) -> TxReceipt:
        call = self.world.rewards.functions.recordSelfConsumption(self.device_id)
        return self.world.send(call, self.world.homes[3].address)


@pytest.fixture
def panels(world: World) -> Panels:
    return Panels(world)


def test_generation_that_is_not_fed_in_earns_the_bonus(world: World, panels: Panels) -> None:
    """A battery stores 2 kWh (counted as used) and feeds 1 in later: taken off before anything more counts."""
    counted: list[Any] = []
    for made_wh, fed_wh in ((1_000, 0), (5_000, 1_000), (5_000, 2_000), (6_500, 2_000)):
        panels.read(made_wh, fed_wh)
        (event,) = world.events(panels.count(), world.rewards, "SelfConsumptionRecorded")
        counted.append((event["energyWh"], event["earned"]))
    assert counted == [(wh, wh * BONUS // 1_000) for wh in (0, 3_000, 0, 500)]
    assert world.rewards.functions.conductOf(1).call()[4] == 3_500
    assert world.rewards.functions.behaviourScore(1).call() == [1_000, True]


def test_counting_twice_counts_nothing_more(world: World, panels: Panels) -> None:
    panels.read(1_000, 0)
    panels.count()
    panels.read(3_000, 0)
    panels.count()
    (event,) = world.events(panels.count(), world.rewards, "SelfConsumptionRecorded")
    assert (event["energyWh"], event["inverterId"], event["memberId"]) == (0, panels.device_id, 1)


def test_readings_of_two_times_are_not_compared(world: World, panels: Panels) -> None:
    with reverts(world.rewards, "ReadingsNotAligned", 0, 0):
        panels.count()
    panels.read(1_000, 0)
    time_s = panels.time + HOUR
    world.at(time_s)
    reading = reading_of(panels.inverter, 10**6, time_s, 0, 2_000)
    number = world.registry.functions.nextBatch(world.parties.oracle).call()
    packed = packed_reading(reading, world.sign_reading(panels.inverter, reading))
    world.send(world.registry.functions.submitReadings(number, [packed]), world.parties.oracle)
    with reverts(world.rewards, "ReadingsNotAligned", time_s, panels.time):
        panels.count()


def test_a_meter_or_a_suspended_inverter_generates_nothing(world: World, panels: Panels) -> None:
    home = world.homes[0]
    with reverts(world.rewards, "NotAnInverter", home.device_id):
        world.send(world.rewards.functions.recordSelfConsumption(home.device_id), home.address)
    world.send(world.registry.functions.suspendDevice(panels.device_id), world.parties.maintainer)
    with reverts(world.rewards, "NotAnInverter", panels.device_id):
        panels.count()


def test_an_epoch_has_an_interval(world: World) -> None:
    artifact = artifacts.load("RewardSystem")
    factory = world.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    places = [world.deployment.addresses[name] for name in ("GridBalance", "Regulator", "Staking")]
    contracts = (world.manager.address, world.reward_token.address, world.registry.address, world.trading.address)
    with reverts(world.rewards, "InvalidEpoch"):
        factory.constructor(*contracts, 0, 0, (*places, 0, 0, (0, 0, 0))).estimate_gas()
