"""Stakes: the unbonding time, and slashing on proof of equivocation alone."""

from typing import Any

import pytest
from contract_market import FIRST, HOUR, Home, World, reading_of, reverts
from eth_account import Account
from eth_utils.crypto import keccak
from web3.contract import Contract
from web3.types import TxReceipt

from microgrid.chain import artifacts
from microgrid.chain.permissions import Role

WAD = 10**18
UNBONDING_S = 7 * 86_400


@pytest.fixture
def staking(world: World) -> Contract:
    """Home 0 owns 10 tokens and lets the contract take them."""
    minter = world.parties.admin
    world.send(world.manager.functions.grantRole(Role.MINTER, minter, 0), minter)
    world.send(world.reward_token.functions.mint(world.homes[0].address, 10 * WAD), minter)
    contract = world.deployment.contract(world.web3, "Staking")
    world.send(world.reward_token.functions.approve(contract.address, 10 * WAD), world.homes[0].address)
    return contract


def balance(world: World, account: str) -> int:
    return int(world.reward_token.functions.balanceOf(account).call())


def move(world: World, staking: Contract, name: str, *args: Any) -> TxReceipt:
    return world.send(staking.functions[name](*args), world.homes[0].address)


def time_of(world: World, receipt: TxReceipt) -> int:
    return int(world.web3.eth.get_block(receipt["blockNumber"])["timestamp"])


def proof(world: World, home: Home, first: tuple[int, ...], second: tuple[int, ...]) -> list[Any]:
    """Two signed readings, each (sequence, timestamp, import, export)."""
    readings = [reading_of(home, *values) for values in (first, second)]
    signatures = [world.sign_reading(home, reading) for reading in readings]
    return [readings[0], signatures[0], readings[1], signatures[1]]


LIE = (7, FIRST * HOUR, 1_000, 0), (7, FIRST * HOUR, 500, 0)


def test_staked_tokens_come_back_after_the_unbonding_time(world: World, staking: Contract) -> None:
    home = world.homes[0].address
    receipt = move(world, staking, "stake", 10 * WAD)
    assert world.events(receipt, staking, "Staked") == [{"account": home, "amount": 10 * WAD}]
    staked_at = time_of(world, receipt)
    assert (balance(world, home), staking.functions.stakeOf(home).call()) == (0, 10 * WAD)
    receipt = move(world, staking, "unstake", 4 * WAD)
    released = time_of(world, receipt) + UNBONDING_S
    expected = {"account": home, "amount": 4 * WAD, "releasedAt": released}
    assert world.events(receipt, staking, "Unstaked") == [expected]
    assert staking.functions.unbonding(home).call() == [4 * WAD, released]
    with reverts(staking, "StillUnbonding", home, released):
        move(world, staking, "withdraw")
    world.at(released)
    receipt = move(world, staking, "withdraw")
    assert world.events(receipt, staking, "Withdrawn") == [{"account": home, "amount": 4 * WAD}]
    assert balance(world, home) == 4 * WAD
    assert staking.functions.stakeAt(home, staked_at - 1).call() == 0
    assert staking.functions.stakeAt(home, staked_at).call() == 10 * WAD
    assert staking.functions.stakeOf(home).call() == 6 * WAD
    with reverts(staking, "NothingToWithdraw", home):
        move(world, staking, "withdraw")


def test_unbonding_more_starts_the_time_anew(world: World, staking: Contract) -> None:
    move(world, staking, "stake", 10 * WAD)
    first = time_of(world, move(world, staking, "unstake", WAD))
    world.at(first + 1_000)
    second = time_of(world, move(world, staking, "unstake", WAD))
    expected = [2 * WAD, second + staking.functions.unbondingSeconds().call()]
    assert staking.functions.unbonding(world.homes[0].address).call() == expected


def test_nothing_and_more_than_is_there_are_refused(world: World, staking: Contract) -> None:
    for name in ("stake", "unstake"):
        with reverts(staking, "ZeroAmount"):
            move(world, staking, name, 0)
    with reverts(staking, "InsufficientStake", world.homes[0].address, 0, 1):
        move(world, staking, "unstake", 1)


def test_equivocation_burns_half_of_what_is_staked_and_of_what_unbonds(world: World, staking: Contract) -> None:
    home, reporter = world.homes[0], world.homes[1].address
    move(world, staking, "stake", 10 * WAD)
    move(world, staking, "unstake", 4 * WAD + 1)
    supply = world.reward_token.functions.totalSupply().call()
    receipt = world.send(staking.functions.slash(*proof(world, home, *LIE)), reporter)
    (event,) = world.events(receipt, staking, "Slashed")
    # Each half that is burned is rounded up.
    burned = 3 * WAD + 2 * WAD + 1
    assert event == {"account": home.address, "deviceId": home.device_id, "sequence": 7, "amount": burned}
    assert staking.functions.stakeOf(home.address).call() == 3 * WAD - 1
    assert staking.functions.unbonding(home.address).call()[0] == 2 * WAD
    assert world.reward_token.functions.totalSupply().call() == supply - burned
    assert balance(world, staking.address) == 5 * WAD - 1
    assert balance(world, reporter) == 0


def test_a_proof_counts_once(world: World, staking: Contract) -> None:
    home = world.homes[0]
    move(world, staking, "stake", WAD)
    move(world, staking, "slash", *proof(world, home, *LIE))
    other = (7, FIRST * HOUR, 1, 1)
    with reverts(staking, "AlreadySlashed", home.device_id, 7):
        move(world, staking, "slash", *proof(world, home, LIE[0], other))


@pytest.mark.parametrize("second", [LIE[0], (8, FIRST * HOUR, 500, 0)], ids=["the same", "another sequence"])
def test_no_contradiction_is_no_proof(world: World, staking: Contract, second: tuple[int, ...]) -> None:
    home = world.homes[0]
    with reverts(staking, "NoEquivocation", home.device_id, 7):
        move(world, staking, "slash", *proof(world, home, LIE[0], second))


def test_readings_of_two_devices_are_no_proof(world: World, staking: Contract) -> None:
    mine, other = proof(world, world.homes[0], *LIE), proof(world, world.homes[1], *LIE)
    with reverts(staking, "NoEquivocation", world.homes[0].device_id, 7):
        move(world, staking, "slash", *mine[:2], *other[2:])


@pytest.mark.parametrize("forged", [0, 1])
def test_a_reading_of_another_hand_is_no_proof(world: World, staking: Contract, forged: int) -> None:
    home, stranger = world.homes[0], Account.from_key(keccak(text="stranger"))
    parts = proof(world, home, *LIE)
    parts[2 * forged + 1] = world.sign_reading(home, parts[2 * forged], stranger)
    with reverts(staking, "NotSignedByDevice", home.device_id, stranger.address):
        move(world, staking, "slash", *parts)


def test_a_broken_signature_for_an_unknown_device_is_no_proof(world: World, staking: Contract) -> None:
    """The key of an unknown device is zero, and so is the signer of a broken signature."""
    unknown = keccak(text="unknown")
    first, second = ((unknown, *reading_of(world.homes[0], *values)[1:]) for values in LIE)
    with reverts(staking, "NotSignedByDevice", unknown, "0x" + "00" * 20):
        move(world, staking, "slash", first, bytes(65), second, bytes(65))


def test_signatures_of_another_domain_are_no_proof(world: World, staking: Contract) -> None:
    home = world.homes[0]
    parts = proof(world, home, *LIE)
    parts[1] = world.sign_reading(home, parts[0], chainId=1)
    digest_signer = staking.functions.slash(*parts)
    with pytest.raises(Exception, match="execution reverted"):
        digest_signer.call({"from": home.address})


def test_nobody_has_a_role_over_stakes() -> None:
    writing = {
        item["name"]
        for item in artifacts.load("Staking").abi
        if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    }
    assert writing == {"stake", "unstake", "withdraw", "slash"}
