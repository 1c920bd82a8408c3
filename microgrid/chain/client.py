"""The market's contracts as the pipeline sees them: the chain port over a backend and a deployment."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from eth_typing import HexStr
from web3.types import LogReceipt, TxReceipt

from microgrid.chain.backend import Backend
from microgrid.chain.bindings.community_governor import CommunityGovernor
from microgrid.chain.bindings.demand_response import DemandResponse
from microgrid.chain.bindings.device_care import DeviceCare
from microgrid.chain.bindings.device_registry import SUBMIT_READINGS, DeviceRegistry
from microgrid.chain.bindings.direct_trading import DirectTrading, Offer, OfferStatus
from microgrid.chain.bindings.emergency_control import EmergencyControl
from microgrid.chain.bindings.energy_credits import EnergyCredits
from microgrid.chain.bindings.energy_trading import SETTLE, EnergyTrading
from microgrid.chain.bindings.grid_balance import GridBalance
from microgrid.chain.bindings.grid_monitor import GridMonitor
from microgrid.chain.bindings.payment_token import PaymentToken
from microgrid.chain.bindings.regulator import Regulator
from microgrid.chain.bindings.reward_system import RewardSystem
from microgrid.chain.bindings.reward_token import RewardToken
from microgrid.chain.bindings.staking import Staking
from microgrid.chain.bindings.storage_registry import StorageRegistry
from microgrid.chain.calls import parse_call
from microgrid.chain.deployment import Deployment
from microgrid.chain.reverts import named
from microgrid.chain.transactor import GasBudget, Transactor, call_data
from microgrid.domain.errors import BadInputError, ChainError, StaleNonceError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import (
    NO_DEALS,
    AuctionResult,
    DeviceClass,
    DeviceRecord,
    DirectDeals,
    GasUse,
    HomeStatement,
    OrderResult,
    PriceBand,
    Reading,
    ReadingResult,
    Settlement,
    Side,
    SignedOrder,
    Trade,
)
from microgrid.domain.wire import SigningDomain, SigningKey, device_id

MAX_READINGS = SUBMIT_READINGS.most_items


APPLY = GasBudget(3_000_000)


class MarketChain:
    """The contracts on one chain, operated with one key: it registers, relays orders, hands in readings, settles.

    Args:
        backend: Where the chain is.
        deployment: Where on it the contracts are.
        operator: Key that has the roles; it pays all gas.
        names: Names of devices registered earlier; the chain keeps only their hashes.
        rehearse: Simulate each call before it is sent, so that what a contract refuses costs nothing.
    """

    def __init__(
        self,
        backend: Backend,
        deployment: Deployment,
        operator: SigningKey,
        names: Iterable[str] = (),
        *,
        rehearse: bool = False,
    ) -> None:
        self.backend, self.deployment = backend, deployment
        self.transactor = Transactor(backend, operator, rehearse=rehearse)
        at = partial(deployment.contract, backend.web3)
        chain_id, first_block = backend.chain_id, deployment.block
        self.registry = DeviceRegistry(at("DeviceRegistry"), self.transactor, chain_id, first_block)
        self.care = DeviceCare(self.registry.contract, self.transactor)
        self.grid = GridBalance(at("GridBalance"), self.transactor)
        self.trading = EnergyTrading(at("EnergyTrading"), self.transactor, chain_id, first_block)
        self.direct = DirectTrading(at("DirectTrading"), self.transactor, first_block)
        self.credits = EnergyCredits(at("EnergyCredits"), self.transactor)
        self.reward_system = RewardSystem(at("RewardSystem"), self.transactor)
        self.token = PaymentToken(at("PaymentToken"), self.transactor)
        self.monitor = GridMonitor(at("GridMonitor"), self.transactor)
        self.emergency = EmergencyControl(at("EmergencyControl"), self.transactor)
        self.response = DemandResponse(at("DemandResponse"), self.transactor)
        self.storage = StorageRegistry(at("StorageRegistry"), self.transactor)
        self.reward_token = RewardToken(at("RewardToken"), self.transactor)
        self.regulator = Regulator(at("Regulator"), self.transactor)
        self.staking = Staking(at("Staking"), self.transactor)
        self._names = {device_id(name): name for name in names}
        self._accounts: dict[int, str] = {}

    @property
    def reading_domain(self) -> SigningDomain:
        """EIP-712 domain in which devices sign."""
        return self.registry.domain

    @property
    def order_domain(self) -> SigningDomain:
        """EIP-712 domain in which homes sign orders."""
        return self.trading.domain

    @property
    def gas_used(self) -> Sequence[GasUse]:
        """One entry a transaction, in order."""
        return self.transactor.gas_used

    @cached_property
    def grid_account(self) -> str:
        """Account of the grid supplier, the backstop."""
        return self.trading.backstop()

    @cached_property
    def fee_account(self) -> str:
        """Account that the fees go to."""
        return self.trading.treasury()

    @cached_property
    def governor(self) -> CommunityGovernor:
        """Where proposals are made and voted on.

        Raises:
            BadInputError: the market has none.
        """
        if not self.deployment.community_governor:
            message = "this market was deployed without governance; `microgrid deploy --governance` adds it"
            raise BadInputError(message)
        contract = self.deployment.contract(self.backend.web3, "CommunityGovernor")
        return CommunityGovernor(contract, self.transactor, self.deployment.block)

    def apply(self, call: str) -> None:
        """Make a call that this account's roles allow, as people write it: `GridBalance.setTradingFee(2000)`.

        Raises:
            BadInputError: no such contract or function, or values that do not fit it.
            ContractRevertError: `AccessManagedUnauthorized` without the role, or the contract's own refusal.
        """
        action = parse_call(self.backend.web3, self.deployment, call)
        self.transactor.execute_call("apply", action.target, HexStr("0x" + action.data.hex()), APPLY.limit(1))

    def now_s(self) -> int:
        """Time of the latest block, Unix seconds."""
        return self.backend.now_s()

    def advance_to(self, time_s: int) -> None:
        """Let chain time reach `time_s` (Unix); waits where the chain's clock cannot be set."""
        self.backend.advance_to(time_s)

    def register_home(self, account: str) -> int:
        """Admit a home; returns its member number, also where it is one already."""
        return self.registry.member_of(account) or self.registry.register_member(account)

    def register_device(
        self, name: str, owner: str, key: str, device_class: DeviceClass, rated_power_w: int, zone: int
    ) -> None:
        """Register a device of a home; one that is registered just so is left alone.

        Raises:
            ContractRevertError: `DeviceAlreadyRegistered` for a device of another home or key, and others.
        """
        identity = device_id(name)
        known = self.registry.device(identity, name)
        if (known.owner, known.key) != (owner, key):
            self.registry.register_device(identity, owner, key, device_class, rated_power_w, zone)
        self._names[identity] = name

    def devices(self, *, unnamed: bool = False) -> list[DeviceRecord]:
        """Registered devices in order; where `unnamed`, also those whose names are not known here, under their ids."""
        names = {identity: self._names.get(identity) for identity in self.registry.device_ids()}
        shown = {identity: name or "0x" + identity.hex() for identity, name in names.items() if name or unnamed}
        return [self.registry.device(identity, name) for identity, name in shown.items()]

    def name_of(self, identity: bytes) -> str:
        """Name of a device, its id where the name is not known here."""
        return self._names.get(identity, "0x" + identity.hex())

    def deposit(self, account: str, amount_micro: int) -> None:
        """Pay money into an account's balance: the operator issues it and pays it in."""
        market = self.trading.contract.address
        if self.token.allowance_micro(self.transactor.address, market) < amount_micro:
            self.token.approve(market)
        self.token.mint(self.transactor.address, amount_micro)
        self.trading.deposit(account, amount_micro)

    def open_intervals(self, first: Interval, bands: Sequence[PriceBand]) -> None:
        """Publish the tariff of consecutive intervals."""
        self.grid.open_intervals(first.index, bands)

    def band(self, interval: int) -> PriceBand:
        """Prices of an open interval as the contract has them, reference included.

        Raises:
            ContractRevertError: `IntervalNotOpen`.
        """
        band = self.grid.band(interval)
        if band is None:
            raise named("IntervalNotOpen")(interval=interval)
        return band

    def submit_orders(self, orders: Sequence[SignedOrder]) -> list[OrderResult]:
        """Relay signed orders in one transaction (or a few, by gas)."""
        return self.trading.submit_orders(orders)

    def clear(self, interval: int) -> AuctionResult:
        """Clear, where nobody did yet, and read back price, volume and every home's fill."""
        with suppress(named("AlreadyCleared")):
            self.trading.clear(interval)
        return self.auction(interval)

    def auction(self, interval: int) -> AuctionResult:
        """Result of a cleared interval.

        Raises:
            ContractRevertError: `NotCleared`.
        """
        result = self.trading.auction(interval)
        if result is None:
            raise named("NotCleared")(interval=interval)
        fills: dict[Side, dict[str, int]] = {Side.BUY: {}, Side.SELL: {}}
        for member_id, side in self.trading.orders(interval):
            fills[side][self._account(member_id)] = self.trading.fill_wh(interval, member_id, side)
        return replace(result, bought_wh=fills[Side.BUY], sold_wh=fills[Side.SELL])

    def prepare_readings(self, batch_number: int, readings: Sequence[Reading]) -> bytes:
        """Signed raw transaction that submits a batch.

        Raises:
            ChainError: more than `MAX_READINGS`.
        """
        if len(readings) > MAX_READINGS:
            message = f"a batch holds at most {MAX_READINGS} readings, not {len(readings)}"
            raise ChainError(message)
        return self.registry.sign_batch(batch_number, readings)

    def send_readings(self, raw_transaction: bytes) -> list[ReadingResult]:
        """Send it (again, if need be) and read the result of each item.

        However often it is sent the batch is taken once: the same transaction is mined once, and where its nonce went
        to another transaction meanwhile, the batch's number decides.
        """
        number, items = self.registry.batch_of(call_data(raw_transaction))
        try:
            receipt = self.transactor.send("submitReadings", raw_transaction, items)
        except StaleNonceError:
            receipt = self._send_afresh(number, items, raw_transaction)
        return self.registry.batch_results(receipt)

    def _send_afresh(self, number: int, items: int, raw_transaction: bytes) -> TxReceipt:
        earlier = self.registry.batch_transaction(self.transactor.address, number)
        if earlier is not None:
            return self.transactor.receipt(earlier)
        fresh = self.transactor.resign(raw_transaction)
        return self.transactor.send("submitReadings", fresh, items)

    def settle(self, interval: int) -> Settlement:
        """Settle all homes in chunks and read statements and sums back from the contract's events and state.

        Homes without a reading wait for it until the deadline; they are missing from the statements then.
        """
        # An interval that is not cleared has no members yet; asking all the same lets the contract say so.
        members = max(1, self.trading.members_settled_for(interval))
        logs: list[LogReceipt] = []
        for first in range(1, members + 1, SETTLE.most_items):
            last = min(members, first + SETTLE.most_items - 1)
            with suppress(named("NothingToSettle"), named("AlreadySettled")):
                logs.extend(self.trading.settle(interval, first, last))
        return self.settlement(interval, logs)

    def deals(self, interval: int) -> Mapping[str, DirectDeals]:
        """Direct deals that homes accepted among themselves, by account; none of those that made none."""
        if not self.direct.dealt_wh(interval):
            return {}
        members = range(1, self.registry.member_count() + 1)
        found = {self._account(member_id): self.direct.deals(interval, member_id) for member_id in members}
        return {account: deals for account, deals in found.items() if deals != NO_DEALS}

    def direct_trades(self, interval: int) -> Sequence[Trade]:
        """The same deals one by one, in the order in which they were accepted."""
        return [self._direct_trade(deal) for deal in self.direct.accepted(interval)]

    def _direct_trade(self, deal: Offer) -> Trade:
        maker, other = self._account(deal.maker_id), self._account(deal.counterparty_id)
        buyer, seller = (maker, other) if deal.side is Side.BUY else (other, maker)
        return Trade(buyer, seller, deal.energy_wh, deal.price_micro_per_kwh)

    def offered(self) -> Mapping[str, int]:
        """Micro that open offers of direct deals lock, by account; none of homes without one."""
        locked: Counter[str] = Counter()
        for made in self.direct.offers():
            if made.status is OfferStatus.OPEN:
                locked[self._account(made.maker_id)] += made.locked_micro
        return locked

    def settlement(self, interval: int, logs: Sequence[LogReceipt] = ()) -> Settlement:
        """What is settled of an interval; `logs` may hold its events, to save asking for them."""
        money, settled = self.trading.money(interval)
        homes = list(self.trading.settled_homes(logs))
        if len(homes) != settled:
            homes = self.trading.homes_settled_in(interval)
        return Settlement(money, tuple(self._statement(home) for home in homes))

    def _statement(self, home: Mapping[str, Any]) -> HomeStatement:
        return HomeStatement(
            interval=home["interval"],
            account=self._account(home["memberId"]),
            bought_wh=home["boughtWh"],
            sold_wh=home["soldWh"],
            import_wh=home["importWh"],
            export_wh=home["exportWh"],
            metered=home["metered"],
            amount_micro=home["amount"],
        )

    def balances(self) -> Mapping[str, int]:
        """Micro in every account: homes by address, and `grid`, `fees`, `dust`."""
        special = {"grid": self.grid_account, "fees": self.fee_account, "dust": self.trading.contract.address}
        homes = {account: account for account in self.homes()}
        return {name: self.trading.balance_micro(account) for name, account in (homes | special).items()}

    def rewards(self) -> Mapping[str, int]:
        """Accrued reward per home, 18 decimals."""
        return {account: self.reward_system.accrued(account) for account in self.homes()}

    def homes(self) -> list[str]:
        """Accounts of all members, by number."""
        return [self._account(member_id) for member_id in range(1, self.registry.member_count() + 1)]

    def _account(self, member_id: int) -> str:
        if member_id not in self._accounts:
            self._accounts[member_id] = self.registry.account_of(member_id)
        return self._accounts[member_id]

    def close(self) -> None:
        """Let go of the chain."""
        self.backend.close()
