"""Governance: a proposal's way, and that nothing but a vote changes the rules of a governed market."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, SELL, START, World, reverts
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.abi import filter_abi_by_name, function_abi_to_4byte_selector
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3
from web3.contract import Contract
from web3.types import TxReceipt

from microgrid.chain import artifacts
from microgrid.chain.deployment import PERMISSIONS, Parties, Role, deploy

DELAY, PERIOD, TIMELOCK = 600, 3_600, 1_200
GOVERNED = replace(
    CONFIG,
    with_governance=True,
    voting_delay_seconds=DELAY,
    voting_period_seconds=PERIOD,
    timelock_delay_seconds=TIMELOCK,
    proposal_threshold_wad=10**17,
    quorum_percent=10,
    min_quorum_wad=10**18,
)
PENDING, ACTIVE, _, DEFEATED, SUCCEEDED, QUEUED, _, EXECUTED = range(8)
FEE = 5_000
WHY = "A fee of 0.005 per kWh"


@pytest.fixture(scope="module")
def _governed() -> World:
    """Two homes that earned 1 (seller) and 0.5 (buyer) tokens and delegated them to themselves."""
    backend = PyEVMBackend(
        PyEVMBackend.generate_genesis_params({"timestamp": START - 4 * HOUR, "gas_limit": 30_000_000})
    )
    tester = EthereumTester(backend)
    web3 = Web3(EthereumTesterProvider(tester))
    parties = Parties(*web3.eth.accounts[1:10])
    world = World(tester, web3, deploy(web3, bytes(backend.account_keys[0].to_bytes()), GOVERNED, parties), parties)
    for number in range(2):
        world.homes.append(world.add_home(number))
        world.deposit(world.homes[-1].address, FUNDS)
    world.deposit(parties.backstop, FUNDS)
    world.open(FIRST)
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.order(world.homes[1], SELL, 1_000, FEED_IN)
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 1_000)])
    world.settle()
    for home in world.homes:
        world.send(world.rewards.functions.claim(), home.address)
        world.send(world.reward_token.functions.delegate(home.address), home.address)
    return world


@pytest.fixture
def world(_governed: World) -> Iterator[World]:
    snapshot = _governed.tester.take_snapshot()
    yield _governed
    _governed.tester.revert_to_snapshot(snapshot)


@pytest.fixture
def governor(world: World) -> Contract:
    return world.deployment.contract(world.web3, "CommunityGovernor")


@pytest.fixture
def timelock(world: World) -> Contract:
    return world.deployment.contract(world.web3, "TimelockController")


def now(world: World) -> int:
    return int(world.web3.eth.get_block("latest")["timestamp"])


def pass_time(world: World, seconds: int) -> None:
    world.at(now(world) + seconds)
    world.tester.mine_block()


def calls(world: World, fee: int = FEE) -> tuple[list[str], list[int], list[str]]:
    return [world.grid.address], [0], [world.grid.encode_abi("setTradingFee", [fee])]


def propose(world: World, governor: Contract, fee: int = FEE) -> int:
    seller = world.homes[1].address
    receipt = world.send(governor.functions.propose(*calls(world, fee), WHY), seller)
    (created,) = world.events(receipt, governor, "ProposalCreated")
    return int(created["proposalId"])


def accept(world: World, governor: Contract, fee: int = FEE) -> int:
    proposal = propose(world, governor, fee)
    pass_time(world, DELAY + 1)
    world.send(governor.functions.castVote(proposal, 1), world.homes[1].address)
    pass_time(world, PERIOD + 1)
    return proposal


def finish(world: World, governor: Contract, step: str, fee: int = FEE) -> TxReceipt:
    """Queue or execute, by somebody without any role."""
    call = governor.functions[step](*calls(world, fee), keccak(text=WHY))
    return world.send(call, world.homes[0].address)


def test_a_proposal_goes_from_creation_to_execution(world: World, governor: Contract) -> None:
    state = governor.functions.state
    proposal = propose(world, governor)
    assert state(proposal).call() == PENDING
    pass_time(world, DELAY + 1)
    assert state(proposal).call() == ACTIVE
    world.send(governor.functions.castVote(proposal, 1), world.homes[1].address)
    world.send(governor.functions.castVote(proposal, 0), world.homes[0].address)
    assert governor.functions.proposalVotes(proposal).call() == [10**18 // 2, 10**18, 0]
    pass_time(world, PERIOD + 1)
    assert state(proposal).call() == SUCCEEDED
    finish(world, governor, "queue")
    assert state(proposal).call() == QUEUED
    pass_time(world, TIMELOCK)
    receipt = finish(world, governor, "execute")
    assert state(proposal).call() == EXECUTED
    assert world.events(receipt, world.grid, "TradingFeeSet") == [{"feeMicroPerKwh": FEE}]
    assert world.grid.functions.tradingFee().call() == FEE


def test_nothing_is_executed_before_the_timelocks_delay(world: World, governor: Contract, timelock: Contract) -> None:
    accept(world, governor)
    finish(world, governor, "queue")
    salt = bytes(a ^ b for a, b in zip(keccak(text=WHY), bytes.fromhex(governor.address[2:]) + bytes(12), strict=True))
    operation = timelock.functions.hashOperationBatch(*calls(world), bytes(32), salt).call()
    with reverts(timelock, "TimelockUnexpectedOperationState", operation, (1 << 2).to_bytes(32, "big")):
        finish(world, governor, "execute")


def test_a_proposal_against_which_most_votes_are_is_defeated(world: World, governor: Contract) -> None:
    proposal = propose(world, governor)
    pass_time(world, DELAY + 1)
    world.send(governor.functions.castVote(proposal, 0), world.homes[1].address)
    world.send(governor.functions.castVote(proposal, 1), world.homes[0].address)
    pass_time(world, PERIOD + 1)
    assert governor.functions.state(proposal).call() == DEFEATED


def test_fewer_votes_than_the_least_quorum_decide_nothing(world: World, governor: Contract) -> None:
    """Half a token is a third of the supply, but below the least quorum of one."""
    proposal = propose(world, governor)
    pass_time(world, DELAY + 1)
    world.send(governor.functions.castVote(proposal, 1), world.homes[0].address)
    assert governor.functions.quorum(now(world) - 1).call() == governor.functions.minQuorum().call() == 10**18
    pass_time(world, PERIOD + 1)
    assert governor.functions.state(proposal).call() == DEFEATED


def test_a_proposer_needs_votes(world: World, governor: Contract) -> None:
    stranger = world.parties.operator
    with reverts(governor, "GovernorInsufficientProposerVotes", stranger, 0, 10**17):
        world.send(governor.functions.propose(*calls(world), WHY), stranger)


def test_tokens_moved_after_the_start_of_a_vote_do_not_vote_again(world: World, governor: Contract) -> None:
    proposal = propose(world, governor)
    pass_time(world, DELAY + 1)
    seller, friend = world.homes[1].address, world.parties.oracle
    world.send(governor.functions.castVote(proposal, 1), seller)
    world.send(world.reward_token.functions.delegate(friend), friend)
    world.send(world.reward_token.functions.transfer(friend, 10**18), seller)
    world.send(governor.functions.castVote(proposal, 1), friend)
    assert governor.functions.proposalVotes(proposal).call() == [0, 10**18, 0]


def test_the_settings_are_the_configurations(governor: Contract, timelock: Contract) -> None:
    functions = governor.functions
    assert functions.votingDelay().call() == DELAY
    assert functions.votingPeriod().call() == PERIOD
    assert functions.proposalThreshold().call() == 10**17
    assert functions.quorumNumerator().call() == 10
    assert functions.timelock().call() == timelock.address
    assert functions.CLOCK_MODE().call() == "mode=timestamp"
    assert functions.proposalNeedsQueuing(0).call() is True
    assert timelock.functions.getMinDelay().call() == TIMELOCK


@pytest.mark.parametrize("setting", ["setVotingDelay", "setVotingPeriod", "setProposalThreshold", "relay"])
def test_the_governors_own_settings_change_by_a_vote_only(world: World, governor: Contract, setting: str) -> None:
    arguments = (governor.address, 0, b"") if setting == "relay" else (1,)
    for caller in (world.parties.admin, world.parties.governance, world.homes[1].address):
        with reverts(governor, "GovernorOnlyExecutor", caller):
            world.send(governor.functions[setting](*arguments), caller)


@pytest.mark.parametrize("key", PERMISSIONS, ids=".".join)
def test_each_restricted_function_obeys_the_holder_of_its_role_alone(
    world: World, timelock: Contract, key: tuple[str, str]
) -> None:
    """Every role and every function: what each of them asks is `canCall` of the access manager."""
    parties = world.parties
    holders = {
        Role.OPERATOR: parties.operator,
        Role.ORACLE: parties.oracle,
        Role.MAINTAINER: parties.maintainer,
        Role.METERING: world.registry.address,
        Role.SENSING: world.deployment.grid_monitor,
        Role.MINTER: world.rewards.address,
        Role.GUARDIAN: parties.guardian,
        Role.GOVERNANCE: timelock.address,
        Role.ISSUER: parties.issuer,
    }
    target = world.deployment.addresses[key[0]]
    selector = function_abi_to_4byte_selector(filter_abi_by_name(key[1], artifacts.load(key[0]).abi)[0])
    allowed = {
        account
        for account in [*world.web3.eth.accounts, *world.deployment.addresses.values()]
        if world.manager.functions.canCall(account, target, selector).call()[0]
    }
    assert allowed == {holders[PERMISSIONS[key]]}


def test_the_timelock_alone_administers_the_access_manager(world: World, timelock: Contract) -> None:
    for account in [*world.web3.eth.accounts, *world.deployment.addresses.values()]:
        held = world.manager.functions.hasRole(Role.ADMIN, account).call()[0]
        assert held is (account == timelock.address)


def test_the_governor_alone_feeds_the_timelock(world: World, governor: Contract, timelock: Contract) -> None:
    functions = timelock.functions
    roles = [functions[name]().call() for name in ("PROPOSER_ROLE", "CANCELLER_ROLE", "DEFAULT_ADMIN_ROLE")]
    for account in [*world.web3.eth.accounts, *world.deployment.addresses.values()]:
        held = [functions.hasRole(role, account).call() for role in roles]
        assert held == [account == governor.address, account == governor.address, account == timelock.address]


def test_the_deployer_holds_nothing_anywhere(world: World, timelock: Contract) -> None:
    deployer = world.web3.eth.accounts[0]
    for role in Role:
        assert world.manager.functions.hasRole(role, deployer).call() == [False, 0]
    for name in ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE", "DEFAULT_ADMIN_ROLE"):
        assert timelock.functions.hasRole(timelock.functions[name]().call(), deployer).call() is False
    for name, function in PERMISSIONS:
        selector = function_abi_to_4byte_selector(filter_abi_by_name(function, artifacts.load(name).abi)[0])
        target = world.deployment.addresses[name]
        assert world.manager.functions.canCall(deployer, target, selector).call() == [False, 0]
    for token in (world.money, world.reward_token):
        assert token.functions.balanceOf(deployer).call() == 0


def test_the_guardian_pauses_but_neither_unpauses_nor_moves_funds(world: World) -> None:
    guardian = world.parties.guardian
    world.send(world.trading.functions.pause(), guardian)
    assert world.trading.functions.paused().call() is True
    with reverts(world.trading, "AccessManagedUnauthorized", guardian):
        world.send(world.trading.functions.unpause(), guardian)
    with reverts(world.trading, "UnknownMember", guardian):
        world.send(world.trading.functions.withdraw(1), guardian)
    held = [key for key, role in PERMISSIONS.items() if role is Role.GUARDIAN]
    assert set(held) <= {("EnergyTrading", "pause"), ("EmergencyControl", "declare")}  # both end by themselves


def test_a_vote_ends_a_pause_and_gives_roles(world: World, governor: Contract) -> None:
    world.send(world.trading.functions.pause(), world.parties.guardian)
    newcomer = world.homes[0].address
    grant = world.manager.encode_abi("grantRole", [Role.GUARDIAN, newcomer, 0])
    batch = (
        [world.trading.address, world.manager.address],
        [0, 0],
        [world.trading.encode_abi("unpause"), grant],
    )
    receipt = world.send(governor.functions.propose(*batch, WHY), world.homes[1].address)
    (created,) = world.events(receipt, governor, "ProposalCreated")
    pass_time(world, DELAY + 1)
    world.send(governor.functions.castVote(created["proposalId"], 1), world.homes[1].address)
    pass_time(world, PERIOD + 1)
    world.send(governor.functions.queue(*batch, keccak(text=WHY)), newcomer)
    pass_time(world, TIMELOCK)
    world.send(governor.functions.execute(*batch, keccak(text=WHY)), newcomer)
    assert world.trading.functions.paused().call() is False
    assert world.manager.functions.hasRole(Role.GUARDIAN, newcomer).call() == [True, 0]


def test_every_contract_of_a_governed_market_is_below_the_size_limit(world: World) -> None:
    assert sorted(world.deployment.addresses) == artifacts.names()
    assert all(len(world.web3.eth.get_code(address)) < 24_576 for address in world.deployment.addresses.values())
