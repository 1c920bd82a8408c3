"""Who may call what: the table of permissions against the contracts and the access manager."""

from collections.abc import Sequence
from typing import Any

import pytest
from contract_market import World, reverts
from eth_utils.abi import filter_abi_by_name, function_abi_to_4byte_selector

from microgrid.chain import artifacts
from microgrid.chain.permissions import PERMISSIONS, Role

MARKET = tuple(
    name
    for name in artifacts.names()
    if name not in {"AccessManager", "CommunityGovernor", "Staking", "TimelockController"}
)
OPEN_TO_ALL = {
    "DeviceRegistry": {"approveReplacement", "commitReadings", "rotateKey"},
    "EnergyTrading": {
        "cancelOrder",
        "cancelOrderFor",
        "clear",
        "createOrder",
        "createOrderAt",
        "deposit",
        "lockDirect",  # by DirectTrading alone, which the market itself created
        "revokeNonces",
        "settle",
        "submitOrders",
        "transfer",
        "unlockDirect",  # likewise
        "withdraw",
    },
    "DirectTrading": {"accept", "offer", "withdrawOffer"},
    "EnergyCredits": {"mint", "spend", "transfer"},
    "GappedQueues": set(),
    "GridBalance": {"openInterval"},
    "GridMonitor": {"submitReports", "tallyZones"},
    "EmergencyControl": {"expire", "observe"},
    "DemandResponse": {"claim", "enrol", "measure", "optOut", "recover", "refund", "settle"},
    "StorageRegistry": {"enlist", "schedule", "submitReports"},
    "Regulator": {"banForArrears"},
    "RewardSystem": {"checkpoint", "claim", "claimIncentives", "recordConduct", "recordSelfConsumption"},
    "PaymentToken": {"approve", "permit", "transfer", "transferFrom"},
    "RewardToken": {"approve", "burn", "burnFrom", "delegate", "delegateBySig", "permit", "transfer", "transferFrom"},
}
OPEN_TO_OTHERS = ("rotateKey", "cancel")  # to a device's owner; to anyone once the event is dead
HOLDERS = {
    Role.OPERATOR: "operator",
    Role.ORACLE: "oracle",
    Role.MAINTAINER: "maintainer",
    Role.GUARDIAN: "guardian",
    Role.GOVERNANCE: "governance",
    Role.ISSUER: "issuer",
    Role.ADMIN: "admin",
}


def _zero(kind: str, parts: Sequence[dict[str, Any]] = ()) -> Any:
    """A value of a Solidity type."""
    if kind.endswith("[]"):
        return []
    if kind == "tuple":
        return tuple(_zero(part["type"], part.get("components", ())) for part in parts)
    if kind == "address":
        return "0x" + "00" * 20
    return bytes(32) if kind == "bytes32" else b"" if kind == "bytes" else 0


def _call(world: World, name: str, function: str) -> Any:
    contract = world.deployment.contract(world.web3, name)
    abi = filter_abi_by_name(function, contract.abi)[0]
    return contract.functions[function](*(_zero(p["type"], p.get("components", ())) for p in abi["inputs"]))


@pytest.mark.parametrize("name", MARKET)
def test_every_function_that_changes_state_is_in_the_table_or_open_on_purpose(name: str) -> None:
    writing = {
        item["name"]
        for item in artifacts.load(name).abi
        if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    }
    restricted = {function for contract, function in PERMISSIONS if contract == name}
    assert writing - {"setAuthority"} == restricted | OPEN_TO_ALL[name]


@pytest.mark.parametrize(("name", "function"), PERMISSIONS)
def test_the_access_manager_holds_the_table(world: World, name: str, function: str) -> None:
    target = world.deployment.addresses[name]
    selector = function_abi_to_4byte_selector(filter_abi_by_name(function, artifacts.load(name).abi)[0])
    role = world.manager.functions.getTargetFunctionRole(target, selector).call()
    assert role == PERMISSIONS[name, function]


@pytest.mark.parametrize(("name", "function"), [key for key in PERMISSIONS if key[1] not in OPEN_TO_OTHERS])
def test_only_the_holder_of_the_role_passes(world: World, name: str, function: str) -> None:
    call, role = _call(world, name, function), PERMISSIONS[name, function]
    contract = world.deployment.contract(world.web3, name)
    callers = {role: getattr(world.parties, holder) for role, holder in HOLDERS.items()}
    callers[None] = world.homes[0].address
    for held, caller in callers.items():
        if held is not role:
            with reverts(contract, "AccessManagedUnauthorized", caller):
                call.call({"from": caller})


@pytest.mark.parametrize("role", HOLDERS)
def test_each_party_holds_its_role_and_no_other(world: World, role: Role) -> None:
    for other, holder in HOLDERS.items():
        held = world.manager.functions.hasRole(role, getattr(world.parties, holder)).call()
        assert held == [other is role, 0]


def test_contracts_hold_the_roles_of_contracts(world: World) -> None:
    functions = world.manager.functions
    assert functions.hasRole(Role.METERING, world.registry.address).call() == [True, 0]
    assert functions.hasRole(Role.MINTER, world.rewards.address).call() == [True, 0]
    assert functions.hasRole(Role.SENSING, world.deployment.grid_monitor).call() == [True, 0]


def test_the_deployer_holds_nothing(world: World) -> None:
    deployer = world.web3.eth.accounts[0]
    for role in Role:
        assert world.manager.functions.hasRole(role, deployer).call() == [False, 0]


def test_every_contract_with_restricted_functions_obeys_the_manager(world: World) -> None:
    for name in sorted({contract for contract, _ in PERMISSIONS}):
        contract = world.deployment.contract(world.web3, name)
        assert contract.functions.authority().call() == world.manager.address
