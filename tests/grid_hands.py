"""Hands that work the contracts of the grid: devices, their signatures and the contracts by name."""

from collections.abc import Sequence
from typing import Any

from contract_market import RATED_W, Home, World
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3.contract import Contract

INVERTER, BATTERY, APPLIANCE, SENSOR = 1, 2, 3, 4
(
    ACCEPTED,
    UNKNOWN_DEVICE,
    WRONG_CLASS,
    INACTIVE_DEVICE,
    BAD_SIGNATURE,
    STALE_SEQUENCE,
    STALE_TIMESTAMP,
    FUTURE_TIMESTAMP,
    TOO_OLD,
    IMPLAUSIBLE,
    NO_ROOM,
) = range(11)

GRID_REPORT = (
    ("deviceId", "bytes32"),
    ("sequence", "uint64"),
    ("timestamp", "uint64"),
    ("frequencyMilliHz", "uint32"),
    ("voltageMv", "uint32"),
    ("thdPermille", "uint16"),
)
BATTERY_REPORT = (
    ("deviceId", "bytes32"),
    ("sequence", "uint64"),
    ("timestamp", "uint64"),
    ("storedWh", "uint64"),
    ("chargedWh", "uint64"),
    ("dischargedWh", "uint64"),
    ("healthPermille", "uint16"),
)


def contract_of(world: World, name: str) -> Contract:
    """A contract of the market."""
    return world.deployment.contract(world.web3, name)


def now(world: World) -> int:
    """Time that the next transaction happens at, or a call now."""
    return int(world.web3.eth.get_block("latest")["timestamp"])


def wait(world: World, until_s: int) -> None:
    """Let a block be mined at this time, so that views see it."""
    world.at(until_s)
    world.tester.mine_block()


def add_device(world: World, name: str, kind: int, home: Home, zone: int = 7) -> LocalAccount:
    """Register a device of a home; gives its key."""
    key: LocalAccount = Account.from_key(keccak(text=name))
    call = world.registry.functions.registerDevice(keccak(text=name), home.address, key.address, kind, RATED_W, zone)
    world.send(call, world.parties.operator)
    return key


def sign(
    world: World, contract: Contract, kind: str, fields: Sequence[tuple[str, str]], values: Any, key: LocalAccount
) -> bytes:
    """A device's EIP-712 signature by eth-account, in the domain of the contract named like it."""
    name = {"GridReport": "GridMonitor", "BatteryReport": "StorageRegistry"}[kind]
    domain = {"name": name, "version": "1", "chainId": world.web3.eth.chain_id, "verifyingContract": contract.address}
    types = {kind: [{"name": field, "type": solidity} for field, solidity in fields]}
    message = dict(zip((field for field, _ in fields), values, strict=True))
    return bytes(key.sign_message(encode_typed_data(domain, types, message)).signature)
