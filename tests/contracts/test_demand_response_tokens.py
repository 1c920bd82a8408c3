"""Demand response with money that takes a fee or calls back."""

from pathlib import Path
from typing import Any

import pytest
from contract_market import FIRST, HOUR, World, reverts
from web3.contract import Contract

from microgrid.chain import artifacts

MOCKS = Path(__file__).parent / "artifacts"
EVENT = FIRST + 4
SMALL = 99  # the token's fee is a hundredth, rounded down: none of this


@pytest.fixture
def strange(world: World) -> tuple[World, Contract, Contract]:
    """Demand response paid in such a token; the administrator announces, since the table has no entry for it."""
    token = world.create(artifacts.read_artifact(MOCKS / "FeeToken.json"))
    places = (world.manager.address, token.address, world.registry.address, world.deployment.emergency_control)
    response = world.create(artifacts.load("DemandResponse"), *places)
    world.know_from(FIRST, 1)
    world.meter(FIRST, [(1_000, 0)])
    admin = world.parties.admin
    world.send(token.functions.mint(admin, 1_000_000), admin)
    world.send(token.functions.approve(response.address, 1_000_000), admin)
    return world, token, response


def announce(world: World, response: Contract, budget: int) -> Any:
    terms = (EVENT, 1, FIRST, 1, 2**32 - 1, 1_000, budget)
    return world.send(response.functions.announce(terms), world.parties.admin)


def test_a_budget_that_does_not_arrive_whole_is_refused(strange: tuple[World, Contract, Contract]) -> None:
    world, token, response = strange
    with reverts(response, "BudgetNotReceived", 1_000, 990):
        announce(world, response, 1_000)
    assert token.functions.balanceOf(world.parties.admin).call() == 1_000_000
    assert response.functions.eventCount().call() == 0


@pytest.mark.parametrize("again", ["claim", "refund"])
def test_a_token_that_calls_back_gets_nothing_twice(strange: tuple[World, Contract, Contract], again: str) -> None:
    world, token, response = strange
    home, admin = world.homes[0].address, world.parties.admin
    announce(world, response, SMALL)
    world.send(response.functions.enrol(1), home)
    world.send(response.functions.dispatch(1, 2), admin)
    world.meter(EVENT, [(950, 0)])
    for name, args in (("recover", ()), ("measure", (0, 1)), ("settle", ())):
        world.send(response.functions[name](1, *args), home)
    args = (1, 1) if again == "claim" else (1,)
    world.send(token.functions.attack(response.address, response.encode_abi(again, list(args))), home)
    for name, values in (("claim", (1, 1)), ("refund", (1,))):
        with reverts(response, "ReentrancyGuardReentrantCall"):
            world.send(response.functions[name](*values), home)
    world.send(token.functions.attack("0x" + "00" * 20, b""), home)
    world.send(response.functions.claim(1, 1), home)
    world.send(response.functions.refund(1), home)
    assert token.functions.balanceOf(home).call() == 50
    assert token.functions.balanceOf(response.address).call() == 0


def test_escrow_of_one_event_never_pays_another(strange: tuple[World, Contract, Contract]) -> None:
    """Money given to the contract, or escrowed for a second event, stays out of the first."""
    world, token, response = strange
    home, admin = world.homes[0].address, world.parties.admin
    announce(world, response, SMALL)
    announce(world, response, SMALL)
    world.send(token.functions.transfer(response.address, 50), admin)
    world.send(response.functions.enrol(1), home)
    world.send(response.functions.dispatch(1, 2), admin)
    world.meter(EVENT, [(0, 0)])
    for name, args in (("recover", ()), ("measure", (0, 1)), ("settle", ()), ("claim", (1,))):
        world.send(response.functions[name](1, *args), home)
    assert token.functions.balanceOf(home).call() == SMALL
    world.at((EVENT + 1) * HOUR)
    world.send(response.functions.cancel(2), home)
    world.send(response.functions.refund(2), home)
    assert token.functions.balanceOf(response.address).call() == 50
