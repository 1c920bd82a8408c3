"""Energy credits: minted once from metered export alone, moved inside the community, spent once."""

import pytest
from contract_market import FIRST, World, reverts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PURPOSE = b"event".ljust(32, b"\0")


@pytest.fixture
def metered(world: World) -> World:
    """The first interval is metered: exports of 1.5 kWh, 0, 0.2 kWh; nothing of the fourth home."""
    world.meter(FIRST, [(0, 1_500), (700, 0), (100, 200)])
    return world


def mint(world: World, member_id: int, interval: int = FIRST) -> None:
    world.send(world.credits.functions.mint(interval, member_id), world.parties.issuer)


def credits_of(world: World) -> list[int]:
    accounts = [home.address for home in world.homes] + [world.parties.backstop]
    return [world.credits.functions.balanceOf(account).call() for account in accounts]


def test_anybody_mints_for_a_home_what_its_meter_fed_in(metered: World) -> None:
    receipt = metered.send(metered.credits.functions.mint(FIRST, 1), metered.parties.issuer)
    account = metered.homes[0].address
    expected = [{"interval": FIRST, "account": account, "amountWh": 1_500}]
    assert metered.events(receipt, metered.credits, "CreditsMinted") == expected
    mint(metered, 3)
    assert credits_of(metered) == [1_500, 0, 200, 0, 0]
    assert metered.credits.functions.totalMinted().call() == 1_700
    assert [metered.credits.functions.minted(FIRST, n).call() for n in range(1, 5)] == [True, False, True, False]


def test_an_interval_brings_credits_once(metered: World) -> None:
    mint(metered, 1)
    with reverts(metered.credits, "AlreadyMinted", FIRST, 1):
        mint(metered, 1)


def test_without_a_reading_or_export_there_are_none(metered: World) -> None:
    for member_id, interval in ((4, FIRST), (1, FIRST + 1), (99, FIRST), (0, FIRST)):
        with reverts(metered.credits, "NotMetered", interval, member_id):
            mint(metered, member_id, interval)
    with reverts(metered.credits, "NoCredits"):
        mint(metered, 2)


def test_credits_move_between_homes_and_the_central_supply(metered: World) -> None:
    mint(metered, 1)
    supply = metered.parties.backstop
    assert metered.credits.functions.centralSupply().call() == supply
    receipt = metered.send(metered.credits.functions.transfer(supply, 600), metered.homes[0].address)
    expected = [{"from": metered.homes[0].address, "to": supply, "amountWh": 600}]
    assert metered.events(receipt, metered.credits, "CreditsTransferred") == expected
    metered.send(metered.credits.functions.transfer(metered.homes[3].address, 100), supply)
    metered.send(metered.credits.functions.transfer(metered.homes[0].address, 1), metered.homes[0].address)
    assert credits_of(metered) == [900, 0, 0, 100, 500]


def test_they_go_to_nobody_else_and_not_beyond_the_balance(metered: World) -> None:
    mint(metered, 1)
    home, stranger = metered.homes[0].address, metered.parties.treasury
    with reverts(metered.credits, "UnknownAccount", stranger):
        metered.send(metered.credits.functions.transfer(stranger, 1), home)
    with reverts(metered.credits, "InsufficientCredits", home, 1_500, 1_501):
        metered.send(metered.credits.functions.transfer(metered.homes[1].address, 1_501), home)
    with reverts(metered.credits, "NoCredits"):
        metered.send(metered.credits.functions.transfer(metered.homes[1].address, 0), home)
    with reverts(metered.credits, "InsufficientCredits", stranger, 0, 1):
        metered.send(metered.credits.functions.spend(1, PURPOSE), stranger)


def test_what_is_spent_is_gone(metered: World) -> None:
    mint(metered, 1)
    home = metered.homes[0].address
    receipt = metered.send(metered.credits.functions.spend(1_000, PURPOSE), home)
    expected = [{"account": home, "amountWh": 1_000, "purpose": PURPOSE}]
    assert metered.events(receipt, metered.credits, "CreditsSpent") == expected
    with reverts(metered.credits, "InsufficientCredits", home, 500, 501):
        metered.send(metered.credits.functions.spend(501, PURPOSE), home)
    assert metered.credits.functions.totalSpent().call() == 1_000


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["mint", "transfer", "spend"]), st.integers(0, 3), st.integers(0, 4), st.integers(1, 2_000)
    ),
    max_size=8,
)


@given(actions=ACTIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_minted_is_never_more_than_metered_and_no_credit_is_lost(
    metered: World, actions: list[tuple[object, ...]]
) -> None:
    """Any calls, most of them impossible, against a ledger in three lines of Python."""
    snapshot = metered.tester.take_snapshot()
    accounts = [*(home.address for home in metered.homes), metered.parties.backstop]
    model, due, spent = [0] * 5, {0: 1_500, 2: 200}, 0
    for kind, home, other, amount in actions:
        assert isinstance(home, int)
        assert isinstance(other, int)
        assert isinstance(amount, int)
        calls = {
            "mint": metered.credits.functions.mint(FIRST, home + 1),
            "transfer": metered.credits.functions.transfer(accounts[other], amount),
            "spend": metered.credits.functions.spend(amount, PURPOSE),
        }
        possible = home in due if kind == "mint" else model[home] >= amount
        if not possible:
            with pytest.raises(Exception, match=r"execution reverted|b'"):
                calls[str(kind)].call({"from": accounts[home]})
            continue
        metered.send(calls[str(kind)], accounts[home])
        if kind == "mint":
            model[home] += due.pop(home)
        else:
            model[home] -= amount
            if kind == "spend":
                spent += amount
            else:
                model[other] += amount
    assert credits_of(metered) == model
    minted = metered.credits.functions.totalMinted().call()
    assert minted == sum(model) + spent == 1_700 - sum(due.values())
    metered.tester.revert_to_snapshot(snapshot)
