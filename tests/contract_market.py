"""A deployed market with the hands that work it: shared by the tests of the contracts."""

from ast import literal_eval
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract
from web3.types import TxReceipt

from microgrid.chain import artifacts
from microgrid.chain.bindings.reading_words import pack_numbers, short_signature
from microgrid.chain.deployment import Deployment, MarketConfig, Parties

HOUR = 3_600
FIRST = 555_556  # an hour in 2033, far from the clock of any machine that runs this
START = FIRST * HOUR
GAS = 16_000_000
FEED_IN, RETAIL = 80_000, 300_000
RATED_W = 10_000
FUNDS = 100_000_000
CONFIG = MarketConfig(
    interval_seconds=HOUR,
    gate_lead_seconds=300,
    settlement_deadline_seconds=2 * HOUR,
    min_order_wh=10,
    max_order_wh=50_000,
    max_duration_intervals=4,
    fee_micro_per_kwh=2_000,
    time_of_day_multipliers_wad=tuple([10**18] * 18 + [14 * 10**17] * 6),
)
READING = (
    ("deviceId", "bytes32"),
    ("sequence", "uint64"),
    ("timestamp", "uint64"),
    ("importWh", "uint64"),
    ("exportWh", "uint64"),
    ("detail", "bytes32"),
)
ORDER = (
    ("trader", "address"),
    ("interval", "uint64"),
    ("duration", "uint32"),
    ("side", "uint8"),
    ("energyWh", "uint64"),
    ("price", "uint64"),
    ("nonce", "uint64"),
    ("deadline", "uint64"),
)
BUY, SELL = 0, 1


@dataclass(frozen=True)
class Home:
    """A member with its revenue meter."""

    account: LocalAccount
    meter: LocalAccount
    device_id: bytes
    member_id: int

    @property
    def address(self) -> str:
        return str(self.account.address)


class World:
    """The deployed market and the hands that work it."""

    def __init__(self, tester: EthereumTester, web3: Web3, deployment: Deployment, parties: Parties) -> None:
        self.tester, self.web3, self.deployment, self.parties = tester, web3, deployment, parties
        self.manager = deployment.contract(web3, "AccessManager")
        self.money = deployment.contract(web3, "PaymentToken")
        self.reward_token = deployment.contract(web3, "RewardToken")
        self.grid = deployment.contract(web3, "GridBalance")
        self.registry = deployment.contract(web3, "DeviceRegistry")
        self.trading = deployment.contract(web3, "EnergyTrading")
        self.direct = deployment.contract(web3, "DirectTrading")
        self.credits = deployment.contract(web3, "EnergyCredits")
        self.rewards = deployment.contract(web3, "RewardSystem")
        self.homes: list[Home] = []

    # Chain

    def send(self, call: Any, sender: str) -> TxReceipt:
        """Send a transaction; one that fails raises the contract's error."""
        receipt = self.web3.eth.wait_for_transaction_receipt(call.transact({"from": sender, "gas": GAS}))
        if receipt["status"] != 1:
            call.call({"from": sender, "gas": GAS}, receipt["blockNumber"])
            pytest.fail("the transaction failed but the same call does not")
        return receipt

    def at(self, time_s: int) -> None:
        """The next transaction happens at this time."""
        if time_s > self.web3.eth.get_block("pending")["timestamp"]:
            self.tester.time_travel(time_s)

    def events(self, receipt: TxReceipt, contract: Contract, name: str) -> list[dict[str, Any]]:
        """Arguments of the events of one kind in a receipt."""
        abi = next(item for item in contract.abi if item.get("name") == name and item["type"] == "event")
        topic = event_abi_to_log_topic(abi)
        logs = [log for log in receipt["logs"] if log["address"] == contract.address and log["topics"][0] == topic]
        return [dict(contract.events[name]().process_log(log)["args"]) for log in logs]

    def bills(self, receipt: TxReceipt) -> list[dict[str, Any]]:
        """Homes that a settlement billed, out of the packed words, by the formulas of the interface."""
        return [
            {
                "interval": event["interval"],
                "memberId": word >> 224,
                "boughtWh": (word >> 180) % 2**44,
                "soldWh": (word >> 136) % 2**44,
                "metered": (word >> 128) % 2**8,
                "importWh": (word >> 64) % 2**64,
                "exportWh": word % 2**64,
                "amount": int.from_bytes(amount.to_bytes(32, "big"), "big", signed=True),
            }
            for event in self.events(receipt, self.trading, "HomesSettled")
            for word, amount in zip(event["bills"][::2], event["bills"][1::2], strict=True)
        ]

    def create(self, artifact: artifacts.Artifact, *args: Any) -> Contract:
        """Deploy a contract beside the market."""
        bytecode = artifacts.linked(artifact, self.deployment.addresses)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=bytecode)
        sent = factory.constructor(*args).transact({"from": self.web3.eth.accounts[0], "gas": GAS})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent)
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=artifact.abi)

    # Homes and devices

    def add_home(self, number: int, rated_power_w: int = RATED_W) -> Home:
        """Admit a home with a revenue meter."""
        account, meter = (Account.from_key(keccak(text=f"{kind}-{number}")) for kind in ("home", "meter"))
        if account.address not in self.tester.get_accounts():  # a snapshot put back keeps added accounts
            self.tester.add_account(account.key.to_0x_hex())
        gas_money = {"from": self.web3.eth.accounts[0], "to": account.address, "value": 10**20, "gas": 21_000}
        self.web3.eth.send_transaction(gas_money)
        device_id = keccak(text=f"meter-{number}")
        self.send(self.registry.functions.registerMember(account.address), self.parties.operator)
        register = self.registry.functions.registerDevice(
            device_id, account.address, meter.address, 0, rated_power_w, 7
        )
        self.send(register, self.parties.operator)
        return Home(account, meter, device_id, len(self.homes) + 1)

    def sign_reading(self, home: Home, reading: Sequence[Any], key: LocalAccount | None = None, **domain: Any) -> bytes:
        """The device's EIP-712 signature by eth-account."""
        return self._sign("DeviceRegistry", self.registry, "Reading", READING, reading, key or home.meter, domain)

    def sign_order(self, order: Sequence[Any], key: LocalAccount, **domain: Any) -> bytes:
        """The home's EIP-712 signature by eth-account."""
        return self._sign("EnergyTrading", self.trading, "Order", ORDER, order, key, domain)

    def _sign(
        self,
        name: str,
        contract: Contract,
        kind: str,
        fields: Sequence[tuple[str, str]],
        values: Sequence[Any],
        key: LocalAccount,
        changes: dict[str, Any],
    ) -> bytes:
        domain = {"name": name, "version": "1", "chainId": self.web3.eth.chain_id}
        domain |= {"verifyingContract": contract.address, **changes}
        types = {kind: [{"name": field, "type": solidity} for field, solidity in fields]}
        message = dict(zip((field for field, _ in fields), values, strict=True))
        signed = key.sign_message(encode_typed_data(domain, types, message))
        return bytes(signed.signature)

    def submit(
        self, items: Sequence[tuple[Home, Sequence[Any]]], signatures: Sequence[bytes] | None = None
    ) -> TxReceipt:
        """Submit readings as the oracle; (sequence, timestamp, import, export) each."""
        readings = [reading_of(home, *values) for home, values in items]
        if signatures is None:
            signatures = [self.sign_reading(home, reading) for (home, _), reading in zip(items, readings, strict=True)]
        number = self.registry.functions.nextBatch(self.parties.oracle).call()
        packed = [packed_reading(*item) for item in zip(readings, signatures, strict=True)]
        return self.send(self.registry.functions.submitReadings(number, packed), self.parties.oracle)

    def results(self, receipt: TxReceipt) -> list[int]:
        """Result codes of refused readings."""
        return [event["result"] for event in self.events(receipt, self.registry, "ReadingRefused")]

    def meter(self, interval: int, energies: Sequence[tuple[int, int]]) -> None:
        """Baseline at an interval's start and a reading at its end for the first homes, (import, export) Wh each."""
        homes = self.homes[: len(energies)]
        start, end = interval * HOUR, (interval + 1) * HOUR
        fresh = [home for home in homes if self.registers(home)[1] < start]
        self.at(start)
        if fresh:
            self.submit([(home, (self.registers(home)[0] + 1, start, *self.registers(home)[2:])) for home in fresh])
        self.at(end)
        items = []
        for home, (import_wh, export_wh) in zip(homes, energies, strict=True):
            sequence, _, imported, exported = self.registers(home)
            items.append((home, (sequence + 1, end, imported + import_wh, exported + export_wh)))
        self.submit(items)

    def know_from(self, interval: int, count: int) -> None:
        """First readings of so many homes that had none, such that the interval before this one will be known."""
        new = [home for home in self.homes[:count] if not self.registers(home)[1]]
        if new:
            self.at((interval - 1) * HOUR)
            self.submit([(home, (1, (interval - 1) * HOUR, 0, 0)) for home in new])

    def registers(self, home: Home) -> tuple[int, int, int, int]:
        """Sequence, time, import and export last accepted."""
        return tuple(self.registry.functions.registers(home.device_id).call())

    # Market

    def open(self, interval: int, feed_in: int = FEED_IN, retail: int = RETAIL, count: int = 1) -> None:
        """Publish the tariff of intervals."""
        bands = [feed_in] * count, [retail] * count
        self.send(self.grid.functions.openIntervals(interval, *bands), self.parties.operator)

    def order(self, home: Home, side: int, energy_wh: int, price: int, interval: int = FIRST) -> TxReceipt:
        """Place a home's order for one interval."""
        return self.send(self.trading.functions.createOrderAt(interval, energy_wh, price, 1, side), home.address)

    def clear(self, interval: int = FIRST) -> TxReceipt:
        """Clear after gate closure."""
        self.at(interval * HOUR - CONFIG.gate_lead_seconds)
        return self.send(self.trading.functions.clear(interval), self.homes[0].address)

    def settle(self, interval: int = FIRST, first: int = 1, last: int | None = None) -> TxReceipt:
        """Settle members, all by default."""
        last = len(self.homes) if last is None else last
        return self.send(self.trading.functions.settle(interval, first, last), self.homes[0].address)

    def deposit(self, account: str, amount: int) -> TxReceipt:
        """Issue money and pay it in."""
        payer = self.parties.issuer
        self.send(self.money.functions.mint(payer, amount), payer)
        self.send(self.money.functions.approve(self.trading.address, amount), payer)
        return self.send(self.trading.functions.deposit(account, amount), payer)

    def balance(self, account: str) -> int:
        """Balance in the ledger, micro."""
        return int(self.trading.functions.balanceOf(account).call())

    def balances(self) -> dict[str, int]:
        """Every account of the ledger."""
        accounts = [home.address for home in self.homes]
        accounts += [self.parties.backstop, self.parties.treasury, self.trading.address]
        return {account: self.balance(account) for account in accounts}


def reading_of(home: Home, sequence: int, timestamp: int, import_wh: int, export_wh: int) -> tuple[Any, ...]:
    """A reading as the contract takes it."""
    return (home.device_id, sequence, timestamp, import_wh, export_wh, keccak(text=f"{sequence}"))


def packed_reading(reading: Sequence[Any], signature: bytes) -> tuple[Any, ...]:
    """A signed reading in the five words that the contract takes."""
    device_id, *numbers, detail = reading
    return device_id, pack_numbers(*numbers), detail, *short_signature(signature)


class Reverts:
    """Expects a typed error, by the ABI of the contract that declares it."""

    def __init__(self, contract: Contract, name: str, values: tuple[Any, ...]) -> None:
        self._contract, self._name, self._values = contract, name, values

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            pytest.fail(f"{self._name} was expected, but nothing was raised")
        data = _revert_data(error)
        if data is None:
            return False
        declared = {
            function_abi_to_4byte_selector(item): item for item in self._contract.abi if item["type"] == "error"
        }
        found = declared[data[:4]]
        values = decode([item["type"] for item in found["inputs"]], data[4:])
        plain = tuple(Web3.to_checksum_address(v) if _is_address(v) else v for v in values)
        assert (found["name"], plain) == (self._name, self._values)
        return True


def _revert_data(error: BaseException) -> bytes | None:
    """The bytes whose representation eth-tester puts into its message."""
    message = str(error).removeprefix("execution reverted: ")
    return literal_eval(message) if message.startswith(("b'", 'b"')) else None


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("0x") and len(value) == 42


def reverts(contract: Contract, name: str, *values: Any) -> Reverts:
    """Context in which a call must revert with this error and these values."""
    return Reverts(contract, name, values)
