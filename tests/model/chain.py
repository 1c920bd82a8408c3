"""The contracts on revm, fast enough for thousands of checked steps; deployed by the platform's own deployment."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import function_abi_to_4byte_selector
from pyrevm import EVM, BlockEnv, CfgEnv, Env

from microgrid.chain import artifacts
from microgrid.chain.backends import eth_tester
from microgrid.chain.deployment import MarketConfig, Parties, deploy
from microgrid.domain.wire import SigningDomain, SigningKey, checksum, keccak256

MOCKS = Path(__file__).parents[1] / "contracts" / "artifacts"
OUTPUT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")
HOUR = 3_600
FIRST = 555_556  # an hour in 2033
GENESIS_S = (FIRST - 1) * HOUR
CONFIG = MarketConfig(
    interval_seconds=HOUR,
    gate_lead_seconds=300,
    settlement_deadline_seconds=2 * HOUR,
    min_order_wh=10,
    max_order_wh=50_000,
    max_duration_intervals=4,
    fee_micro_per_kwh=2_000,
)


def key(name: str) -> SigningKey:
    """A key by name."""
    return SigningKey(keccak256(name.encode()))


class RevertedError(Exception):
    """A call that reverted; its text is the error's name."""


class Contract:
    """A contract on revm: views and transactions by name."""

    def __init__(self, chain: "Chain", address: str, abi: Sequence[dict[str, Any]]) -> None:
        self.chain, self.address = chain, address
        self._functions = {item["name"]: item for item in abi if item["type"] == "function"}

    def data(self, name: str, *args: Any) -> bytes:
        """Call data."""
        function = self._functions[name]
        return function_abi_to_4byte_selector(function) + encode([_kind(i) for i in function["inputs"]], args)

    def read(self, name: str, *args: Any) -> Any:
        """What a view returns."""
        return self._output(name, self.chain.call(self.chain.admin, self.address, self.data(name, *args), static=True))

    def send(self, sender: str, name: str, *args: Any) -> Any:
        """Call it in a transaction; RevertedError with the name of its error."""
        return self._output(name, self.chain.call(sender, self.address, self.data(name, *args)))

    def _output(self, name: str, output: bytes) -> Any:
        values = decode([_kind(item) for item in self._functions[name]["outputs"]], output)
        return values[0] if len(values) == 1 else values


class Chain:
    """The market's contracts; `reset` puts back the state after deployment."""

    def __init__(self) -> None:
        backend = eth_tester.connect(None, GENESIS_S)
        operator = backend.funded_key()
        self.admin, self.backstop, self.treasury = operator.address, key("backstop").address, key("treasury").address
        parties = Parties.one(operator.address, backstop=self.backstop, treasury=self.treasury)
        self.deployment = deploy(backend.web3, operator.secret, CONFIG, parties)
        eth = backend.web3.eth
        hashes = [sent for n in range(1, eth.block_number + 1) for sent in eth.get_block(n)["transactions"]]
        sent = [eth.get_transaction(bytes(each)) for each in hashes]  # type: ignore[arg-type]
        self.chain_id = backend.chain_id
        backend.close()
        self.evm = EVM(gas_limit=2**62, env=Env(cfg=CfgEnv(chain_id=self.chain_id)))
        self.time_s = GENESIS_S
        self.at(GENESIS_S + 60)
        self.errors = _error_names()
        creations = []
        for transaction in sent:
            data = bytes(transaction["input"])
            if transaction.get("to"):
                self.call(self.admin, transaction["to"], data)
            else:
                creations.append((self.evm.deploy(self.admin, data), data))
        addresses = {checksum(bytes.fromhex(address[2:])): data for address, data in creations}
        self._trading_creation = addresses[self.deployment.energy_trading]
        of = {
            name: Contract(self, where, artifacts.load(name).abi) for name, where in self.deployment.addresses.items()
        }
        self.money, self.grid, self.registry = of["PaymentToken"], of["GridBalance"], of["DeviceRegistry"]
        self.trading, self.direct = of["EnergyTrading"], of["DirectTrading"]

    def at(self, time_s: int) -> None:
        """Set the clock."""
        self.time_s = time_s
        self.evm.set_block_env(BlockEnv(number=1, timestamp=time_s))

    def call(self, sender: str, to: str, data: bytes, *, static: bool = False) -> bytes:
        """Call a contract; RevertedError where it reverts."""
        try:
            return bytes(self.evm.message_call(sender, to, calldata=data, is_static=static))
        except RuntimeError as error:
            found = OUTPUT.search(str(error))
            if found is None:
                raise
            raise RevertedError(self.errors.get(found[1][:8], found[1])) from None

    def twin(self, mock: str) -> tuple[Contract, Contract]:
        """A mock token, and a second market whose money it is."""
        document = json.loads((MOCKS / f"{mock}.json").read_text())
        made = self.evm.deploy(self.admin, bytes.fromhex(document["bytecode"].removeprefix("0x")))
        token = Contract(self, checksum(bytes.fromhex(made[2:])), document["abi"])
        ours, theirs = (bytes.fromhex(c.address[2:]).rjust(32, b"\0") for c in (self.money, token))
        market = self.evm.deploy(self.admin, self._trading_creation.replace(ours, theirs))
        return token, Contract(self, checksum(bytes.fromhex(market[2:])), artifacts.load("EnergyTrading").abi)

    @property
    def reading_domain(self) -> SigningDomain:
        """Where devices sign."""
        return SigningDomain("DeviceRegistry", self.chain_id, self.registry.address)

    @property
    def order_domain(self) -> SigningDomain:
        """Where homes sign."""
        return SigningDomain("EnergyTrading", self.chain_id, self.trading.address)


def _error_names() -> dict[str, str]:
    """Names of all contracts' errors by selector, as hexadecimal digits."""
    abis = [artifacts.load(name).abi for name in artifacts.names()]
    abis += [json.loads((MOCKS / "FeeToken.json").read_text())["abi"]]
    found = [item for abi in abis for item in abi if item["type"] == "error"]
    return {function_abi_to_4byte_selector(item).hex(): item["name"] for item in found}


def _kind(item: dict[str, Any]) -> str:
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    parts = ",".join(_kind(part) for part in item["components"])
    return f"({parts}){item['type'].removeprefix('tuple')}"
