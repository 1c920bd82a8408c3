"""The regulator: bans with a reason that end by themselves, and its terms."""

import pytest
from contract_market import FIRST, HOUR, World, reverts
from web3.contract import Contract
from web3.types import TxReceipt

WAD = 10**18
GRID_USE, CONDUCT, ARREARS = 1, 2, 3
WEEK_H = 7 * 24


@pytest.fixture
def regulator(world: World) -> Contract:
    return world.deployment.contract(world.web3, "Regulator")


def ban(world: World, regulator: Contract, intervals: int = 2, reason: int = GRID_USE) -> TxReceipt:
    return world.send(regulator.functions.ban(1, intervals, reason), world.parties.maintainer)


def time_of(world: World, receipt: TxReceipt) -> int:
    return int(world.web3.eth.get_block(receipt["blockNumber"])["timestamp"])


def fall_into_arrears(world: World) -> None:
    """Home 0 takes out all it has and then draws a kWh from the grid."""
    home = world.homes[0].address
    world.send(world.trading.functions.withdraw(world.balance(home)), home)
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 0), (0, 0), (0, 0)])
    world.settle()


def test_a_ban_has_a_reason_and_ends_by_itself(world: World, regulator: Contract) -> None:
    receipt = ban(world, regulator)
    until = time_of(world, receipt) + 2 * HOUR
    assert world.events(receipt, regulator, "MemberBanned") == [{"memberId": 1, "until": until, "reason": GRID_USE}]
    assert regulator.functions.isBanned(1).call() is True
    assert regulator.functions.isBanned(2).call() is False
    assert regulator.functions.banOf(1).call() == (until, GRID_USE)
    world.at(until)
    world.tester.mine_block()
    assert regulator.functions.isBanned(1).call() is False
    assert regulator.functions.banOf(1).call() == (until, GRID_USE)


def test_a_ban_can_be_lifted(world: World, regulator: Contract) -> None:
    ban(world, regulator)
    receipt = world.send(regulator.functions.lift(1), world.parties.governance)
    assert world.events(receipt, regulator, "BanLifted") == [{"memberId": 1}]
    assert regulator.functions.isBanned(1).call() is False
    with reverts(regulator, "NotBanned", 1):
        world.send(regulator.functions.lift(1), world.parties.governance)


@pytest.mark.parametrize("intervals", [0, WEEK_H + 1])
def test_no_ban_is_empty_or_longer_than_a_week(world: World, regulator: Contract, intervals: int) -> None:
    with reverts(regulator, "InvalidBanLength", intervals, WEEK_H):
        ban(world, regulator, intervals)
    ban(world, regulator, WEEK_H)


@pytest.mark.parametrize("reason", [0, ARREARS])
def test_a_maintainer_bans_for_its_own_reasons_only(world: World, regulator: Contract, reason: int) -> None:
    with reverts(regulator, "InvalidReason", reason):
        ban(world, regulator, reason=reason)


def test_only_members_are_banned(world: World, regulator: Contract) -> None:
    with reverts(regulator, "MemberNotFound", 5):
        world.send(regulator.functions.ban(5, 1, CONDUCT), world.parties.maintainer)
    with reverts(regulator, "MemberNotFound", 0):
        world.send(regulator.functions.banForArrears(0), world.homes[1].address)


def test_anybody_bans_who_is_in_arrears_and_paying_ends_it(world: World, regulator: Contract) -> None:
    fall_into_arrears(world)
    home = world.homes[0].address
    assert world.balance(home) < 0
    receipt = world.send(regulator.functions.banForArrears(1), world.homes[1].address)
    until = time_of(world, receipt) + 3 * HOUR
    assert world.events(receipt, regulator, "MemberBanned") == [{"memberId": 1, "until": until, "reason": ARREARS}]
    assert regulator.functions.isBanned(1).call() is True
    world.deposit(home, 10**6)
    assert regulator.functions.isBanned(1).call() is False


def test_who_owes_nothing_is_not_banned_for_arrears(world: World, regulator: Contract) -> None:
    balance = world.balance(world.homes[0].address)
    with reverts(regulator, "NotInArrears", 1, balance):
        world.send(regulator.functions.banForArrears(1), world.homes[1].address)


def test_arrears_do_not_shorten_a_maintainers_ban(world: World, regulator: Contract) -> None:
    fall_into_arrears(world)
    ban(world, regulator, 100, CONDUCT)
    before = regulator.functions.banOf(1).call()
    receipt = world.send(regulator.functions.banForArrears(1), world.homes[1].address)
    assert world.events(receipt, regulator, "MemberBanned") == []
    assert regulator.functions.banOf(1).call() == before


def test_terms_are_told_and_bounded(world: World, regulator: Contract) -> None:
    assert regulator.functions.terms().call() == (WAD // 50, WAD // 50)
    receipt = world.send(regulator.functions.setTerms((1, 100 * WAD)), world.parties.governance)
    assert world.events(receipt, regulator, "TermsSet") == [{"bonusPerKwh": 1, "penaltyPerKwh": 100 * WAD}]
    assert regulator.functions.terms().call() == (1, 100 * WAD)
    for terms in ((100 * WAD + 1, 0), (0, 100 * WAD + 1)):
        with reverts(regulator, "TermTooHigh", 100 * WAD + 1, 100 * WAD):
            world.send(regulator.functions.setTerms(terms), world.parties.governance)
