"""Puts the contracts on a chain and wires them: one access manager, one table of who may call what."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.abi import filter_abi_by_name, function_abi_to_4byte_selector
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from microgrid.chain import artifacts
from microgrid.chain.permissions import PERMISSIONS, Role
from microgrid.domain.errors import BadInputError, ChainError
from microgrid.domain.units import WAD

MAX_TRANSACTION_GAS = 16_777_216
RECEIPT_TIMEOUT_S = 120
PRIORITY_FEE_WEI = 1_000_000_000

_EVENING_PEAK = {6: 0.9, 7: 1.1, 8: 1.1, 17: 1.3, 18: 1.4, 19: 1.4, 20: 1.3, 21: 1.1, **dict.fromkeys(range(6), 0.8)}


# Nominal frequency and its limit (millihertz), nominal voltage and its limit (mV), limit of distortion (permille).
# EN 50160 allows 230 V +-10 % and 8 % of distortion; at 1 Hz below nominal large grids begin to shed load.
GRID_LIMITS = (50_000, 1_000, 230_000, 23_000, 80)

# Severity in permille at which an alert begins and ends, and an emergency; then seconds: a level's least length, and
# how long alert, emergency and recovery last when nothing confirms them.
EMERGENCY_RULES = (500, 300, 900, 600, 300, 6 * 3_600, 2 * 3_600, 3_600)


@dataclass(frozen=True, slots=True)
class MarketConfig:
    """Rules of a market.

    Attributes:
        interval_seconds: Length of an interval.
        gate_lead_seconds: Orders close this long before an interval starts.
        settlement_deadline_seconds: A missing reading counts as no delivery this long after an interval's end.
        min_order_wh: Least energy of an order.
        max_order_wh: Largest energy of an order.
        max_duration_intervals: Largest number of intervals an order may stand in.
        fee_micro_per_kwh: Trading fee on each kWh bought.
        base_rate_micro_per_kwh: Price of the formula with every factor at one.
        feed_in_rate_micro_per_kwh: What the grid pays in intervals opened at the formula's price.
        min_price_micro_per_kwh: Least price that the formula gives.
        max_price_micro_per_kwh: Largest price that the formula gives.
        reference_load_wh: Mean energy drawn per meter and interval at which the demand factor is one.
        min_factor_wad: Least demand factor and time-of-day multiplier.
        max_factor_wad: Largest demand factor, stress factor and time-of-day multiplier.
        time_of_day_multipliers_wad: Multiplier of each hour of the day, UTC.
        reward_per_sold_kwh_wad: Reward tokens (1e-18) for a kWh sold and delivered in the community.
        reward_per_bought_kwh_wad: Reward tokens (1e-18) for a kWh bought and consumed in the community.
        reward_cap_wad: Most reward tokens (1e-18) that can ever exist.
        epoch_intervals: Number of intervals of an epoch, for which incentives have one budget.
        epoch_budget_wad: Most reward tokens (1e-18) that incentives of an epoch pay.
        incentive_per_saved_kwh_wad: Reward tokens (1e-18) for a kWh drawn less than the baseline.
        incentive_per_peak_kwh_wad: In addition in hours whose price multiplier is above one.
        incentive_per_stability_kwh_wad: Reward tokens (1e-18) for a kWh shifted in demand-response events.
        bonus_per_kwh_wad: Reward tokens (1e-18) for a kWh of own generation used at home.
        penalty_per_kwh_wad: Reward tokens (1e-18) taken off incentives for a kWh drawn from the grid, not from peers.
        unbonding_seconds: Time from unstaking to withdrawal; longer than an epoch, so that no token counts twice.
        with_governance: Put a governor and a timelock over the market; the timelock takes the place of the parties'
            `governance` and `admin`.
        voting_delay_seconds: From a proposal to the start of its vote.
        voting_period_seconds: From the start of a vote to its end.
        timelock_delay_seconds: From a vote's acceptance, once queued, to its execution.
        proposal_threshold_wad: Votes (1e-18 tokens) that a proposer needs.
        quorum_percent: Share of the reward tokens that must vote for a proposal or abstain.
        min_quorum_wad: Least number of votes (1e-18 tokens) of a quorum, so that the first tokens do not rule.
    """

    interval_seconds: int = 3_600
    gate_lead_seconds: int = 300
    settlement_deadline_seconds: int = 4 * 3_600
    min_order_wh: int = 1
    max_order_wh: int = 1_000_000
    max_duration_intervals: int = 96
    fee_micro_per_kwh: int = 1_000
    base_rate_micro_per_kwh: int = 250_000
    feed_in_rate_micro_per_kwh: int = 60_000
    min_price_micro_per_kwh: int = 100_000
    max_price_micro_per_kwh: int = 1_000_000
    reference_load_wh: int = 500
    min_factor_wad: int = WAD // 2
    max_factor_wad: int = 3 * WAD
    time_of_day_multipliers_wad: tuple[int, ...] = tuple(
        int(_EVENING_PEAK.get(hour, 1.0) * 100) * (WAD // 100) for hour in range(24)
    )
    reward_per_sold_kwh_wad: int = WAD
    reward_per_bought_kwh_wad: int = WAD // 2
    reward_cap_wad: int = 1_000_000_000 * WAD
    epoch_intervals: int = 24
    epoch_budget_wad: int = 100 * WAD
    incentive_per_saved_kwh_wad: int = WAD // 2
    incentive_per_peak_kwh_wad: int = WAD // 2
    incentive_per_stability_kwh_wad: int = 2 * WAD
    bonus_per_kwh_wad: int = WAD // 50
    penalty_per_kwh_wad: int = WAD // 50
    unbonding_seconds: int = 7 * 86_400
    with_governance: bool = False
    voting_delay_seconds: int = 86_400
    voting_period_seconds: int = 3 * 86_400
    timelock_delay_seconds: int = 86_400
    proposal_threshold_wad: int = WAD
    quorum_percent: int = 10
    min_quorum_wad: int = 100 * WAD


@dataclass(frozen=True, slots=True)
class Parties:
    """Accounts of those who run a market; each holds one role, and none need be a home.

    Backstop (the grid supplier) and treasury are two different accounts of the ledger and must not be homes.
    """

    backstop: str
    treasury: str
    operator: str
    oracle: str
    maintainer: str
    guardian: str
    governance: str
    issuer: str
    admin: str

    @classmethod
    def one(cls, account: str, *, backstop: str, treasury: str) -> Self:
        """Everything but backstop and treasury in one hand, as on a local chain."""
        roles = {name.name: account for name in fields(cls) if name.name not in ("backstop", "treasury")}
        return cls(backstop=backstop, treasury=treasury, **roles)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts of a market are.

    Attributes:
        chain_id: Chain they are on.
        block: Number of a block before the first of them; events need not be looked for in earlier ones.
        timelock_controller: Holds the roles of governance; empty for a market without governance.
        community_governor: Where proposals are voted on; empty likewise.
        gas_used: Gas of all transactions that deployed and wired them.
    """

    chain_id: int
    block: int
    access_manager: str
    payment_token: str
    reward_token: str
    grid_balance: str
    device_registry: str
    direct_trading: str
    energy_credits: str
    energy_trading: str
    gapped_queues: str
    reward_system: str
    grid_monitor: str
    emergency_control: str
    demand_response: str
    storage_registry: str
    regulator: str
    staking: str
    timelock_controller: str = ""
    community_governor: str = ""
    gas_used: int = field(default=0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """A deployment from its JSON document.

        Raises:
            BadInputError: a field is missing or unknown.
        """
        try:
            return cls(**document)
        except TypeError as error:
            message = f"this is no deployment: expected the fields {', '.join(item.name for item in fields(cls))}"
            raise BadInputError(message) from error

    def contract(self, web3: Web3, name: str) -> Contract:
        """A contract of this deployment, by the name of its artifact."""
        return web3.eth.contract(address=Web3.to_checksum_address(self.addresses[name]), abi=artifacts.load(name).abi)

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses by the names of the contracts; those that this market does without are left out."""
        found = {name: getattr(self, _snake(name)) for name in artifacts.names()}
        return {name: address for name, address in found.items() if address}


def deploy(web3: Web3, key: bytes | str, config: MarketConfig, parties: Parties) -> Deployment:
    """Deploy all contracts and wire them; afterwards the deploying account holds no role but those `parties` gives it.

    Args:
        web3: Client of the chain.
        key: Private key of an account with gas money.
        config: Rules of the market.
        parties: Who runs it.

    Raises:
        ChainError: a transaction failed.
    """
    return _Deployer(web3, Account.from_key(key)).deploy(config, parties)


class _Deployer:
    """One deployment under way: signs and sends transactions and remembers the contracts."""

    def __init__(self, web3: Web3, account: LocalAccount) -> None:
        self._web3, self._account = web3, account
        self._nonce = int(web3.eth.get_transaction_count(account.address))
        self._contracts: dict[str, Contract] = {}
        self._gas_used = 0

    def deploy(self, config: MarketConfig, parties: Parties) -> Deployment:
        block = self._web3.eth.block_number
        manager = self._create("AccessManager", self._account.address)
        money = self._create("PaymentToken", manager.address)
        reward = self._create("RewardToken", manager.address, config.reward_cap_wad)
        grid = self._create("GridBalance", manager.address, config.interval_seconds, _price_parameters(config))
        registry = self._create("DeviceRegistry", manager.address, grid.address, config.settlement_deadline_seconds)
        self._create("GappedQueues")
        places = (manager.address, money.address, registry.address, grid.address, parties.backstop, parties.treasury)
        trading = self._create("EnergyTrading", *places, _trading_config(config))
        terms = (config.bonus_per_kwh_wad, config.penalty_per_kwh_wad)
        regulator = self._create("Regulator", manager.address, registry.address, trading.address, terms)
        staking = self._create("Staking", reward.address, registry.address, config.unbonding_seconds)
        rates = (config.reward_per_sold_kwh_wad, config.reward_per_bought_kwh_wad)
        self._contracts["DirectTrading"] = self._at("DirectTrading", trading.functions.directTrading().call())
        self._create("EnergyCredits", registry.address, parties.backstop)
        monitor = self._create("GridMonitor", manager.address, registry.address, grid.address, GRID_LIMITS)
        emergency = self._create(
            "EmergencyControl", manager.address, registry.address, monitor.address, EMERGENCY_RULES
        )
        self._create("DemandResponse", manager.address, money.address, registry.address, emergency.address)
        self._create("StorageRegistry", registry.address)
        program = (grid.address, regulator.address, staking.address, *_incentives(config))
        sources = (reward.address, registry.address, trading.address)
        self._create("RewardSystem", manager.address, *sources, *rates, program)
        if config.with_governance:
            timelock = self._govern(config, reward)
            parties = replace(parties, governance=timelock, admin=timelock)
        self._wire(config, parties)
        addresses = {_snake(name): str(contract.address) for name, contract in self._contracts.items()}
        return Deployment(self._web3.eth.chain_id, block, **addresses, gas_used=self._gas_used)

    def _govern(self, config: MarketConfig, reward: Contract) -> str:
        """A timelock that obeys the governor alone and lets anyone execute; returns its address."""
        me, anyone = self._account.address, "0x" + "00" * 20
        timelock = self._create("TimelockController", config.timelock_delay_seconds, [], [anyone], me)
        governor = self._create("CommunityGovernor", reward.address, timelock.address, _voting_rules(config))
        functions = timelock.functions
        for role in (functions.PROPOSER_ROLE().call(), functions.CANCELLER_ROLE().call()):
            self._call(functions.grantRole(role, governor.address))
        self._call(functions.renounceRole(functions.DEFAULT_ADMIN_ROLE().call(), me))
        return str(timelock.address)

    def _wire(self, config: MarketConfig, parties: Parties) -> None:
        """In one transaction: assign every function its role, make the settings, give the roles away, step down."""
        manager, me = self._contracts["AccessManager"], self._account.address
        calls = [manager.encode_abi("setTargetFunctionRole", args) for args in self._permissions()]
        calls.append(manager.encode_abi("grantRole", [Role.GOVERNANCE, me, 0]))
        calls += [manager.encode_abi("execute", args) for args in self._settings(config)]
        calls.append(manager.encode_abi("renounceRole", [Role.GOVERNANCE, me]))
        calls += [manager.encode_abi("grantRole", [role, holder, 0]) for role, holder in self._holders(parties)]
        if parties.admin != me:
            calls.append(manager.encode_abi("renounceRole", [Role.ADMIN, me]))
        self._call(manager.functions.multicall(calls))

    def _permissions(self) -> list[list[Any]]:
        by_target: dict[tuple[str, Role], list[bytes]] = {}
        for (name, function), role in PERMISSIONS.items():
            by_target.setdefault((name, role), []).append(_selector(name, function))
        return [[self._contracts[name].address, found, role] for (name, role), found in by_target.items()]

    def _settings(self, config: MarketConfig) -> list[list[Any]]:
        """Calls of governance: fee, regulator, multipliers."""
        grid, trading = self._contracts["GridBalance"], self._contracts["EnergyTrading"]
        changed = [(hour, wad) for hour, wad in enumerate(config.time_of_day_multipliers_wad) if wad != WAD]
        return [
            [grid.address, grid.encode_abi("setTradingFee", [config.fee_micro_per_kwh])],
            [trading.address, trading.encode_abi("setRegulator", [self._contracts["Regulator"].address])],
            *([grid.address, grid.encode_abi("setTimeOfDayMultiplier", list(change))] for change in changed),
        ]

    def _holders(self, parties: Parties) -> Sequence[tuple[Role, str]]:
        return (
            (Role.METERING, self._contracts["DeviceRegistry"].address),
            (Role.MINTER, self._contracts["RewardSystem"].address),
            (Role.SENSING, self._contracts["GridMonitor"].address),
            (Role.OPERATOR, parties.operator),
            (Role.ORACLE, parties.oracle),
            (Role.MAINTAINER, parties.maintainer),
            (Role.GUARDIAN, parties.guardian),
            (Role.GOVERNANCE, parties.governance),
            (Role.ISSUER, parties.issuer),
            (Role.ADMIN, parties.admin),
        )

    def _create(self, name: str, *arguments: Any) -> Contract:
        artifact = artifacts.load(name)
        bytecode = artifacts.linked(artifact, {name: made.address for name, made in self._contracts.items()})
        factory = self._web3.eth.contract(abi=artifact.abi, bytecode=bytecode)
        call = factory.constructor(*arguments)
        receipt = self._send(call.build_transaction({"from": self._account.address, "gas": MAX_TRANSACTION_GAS}))
        self._contracts[name] = contract = self._at(name, str(receipt["contractAddress"]))
        return contract

    def _call(self, call: ContractFunction) -> None:
        self._send(call.build_transaction({"from": self._account.address, "gas": MAX_TRANSACTION_GAS}))

    def _at(self, name: str, address: str) -> Contract:
        return self._web3.eth.contract(address=Web3.to_checksum_address(address), abi=artifacts.load(name).abi)

    def _send(self, transaction: Mapping[str, Any]) -> TxReceipt:
        base_fee = self._web3.eth.get_block("latest")["baseFeePerGas"]
        fees = {"maxFeePerGas": 2 * base_fee + PRIORITY_FEE_WEI, "maxPriorityFeePerGas": PRIORITY_FEE_WEI}
        head = {"type": 2, "chainId": self._web3.eth.chain_id, "nonce": self._nonce}
        body = {name: value for name, value in transaction.items() if name != "gasPrice"}
        raw = self._account.sign_transaction({**body, **fees, **head}).raw_transaction
        sent = self._web3.eth.send_raw_transaction(raw)
        receipt = self._web3.eth.wait_for_transaction_receipt(sent, timeout=RECEIPT_TIMEOUT_S)
        if receipt["status"] != 1:
            message = f"deployment transaction {sent.to_0x_hex()} failed"
            raise ChainError(message)
        self._nonce += 1
        self._gas_used += receipt["gasUsed"]
        return receipt


def _selector(name: str, function: str) -> bytes:
    abi: Any = artifacts.load(name).abi
    return function_abi_to_4byte_selector(filter_abi_by_name(function, abi)[0])


def _price_parameters(config: MarketConfig) -> tuple[int, ...]:
    return (
        config.base_rate_micro_per_kwh,
        config.feed_in_rate_micro_per_kwh,
        config.min_price_micro_per_kwh,
        config.max_price_micro_per_kwh,
        config.reference_load_wh,
        config.min_factor_wad,
        config.max_factor_wad,
    )


def _trading_config(config: MarketConfig) -> tuple[int, ...]:
    return (
        config.gate_lead_seconds,
        config.settlement_deadline_seconds,
        config.min_order_wh,
        config.max_order_wh,
        config.max_duration_intervals,
    )


def _incentives(config: MarketConfig) -> tuple[Any, ...]:
    rates = (
        config.incentive_per_saved_kwh_wad,
        config.incentive_per_peak_kwh_wad,
        config.incentive_per_stability_kwh_wad,
    )
    return config.epoch_intervals, config.epoch_budget_wad, rates


def _voting_rules(config: MarketConfig) -> tuple[int, ...]:
    return (
        config.voting_delay_seconds,
        config.voting_period_seconds,
        config.proposal_threshold_wad,
        config.quorum_percent,
        config.min_quorum_wad,
    )


def _snake(name: str) -> str:
    """A contract's name as a field name: EnergyTrading is energy_trading."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
