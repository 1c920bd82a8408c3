"""EnergyTrading: orders, auctions, settlement, balances."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import EventData, LogReceipt

from microgrid.chain.bindings.bill_words import bills
from microgrid.chain.events import events, events_of
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import (
    AuctionResult,
    IntervalMoney,
    OrderResult,
    Side,
    SignedCancellation,
    SignedOrder,
)
from microgrid.domain.wire import SigningDomain

SUBMIT_ORDERS = GasBudget(150_000, 130_000)
CREATE_ORDER = GasBudget(150_000, 200_000)
CANCEL_ORDER = GasBudget(600_000)
CLEAR = GasBudget(1_500_000)
SETTLE = GasBudget(300_000, 60_000)
MOVE_MONEY = GasBudget(250_000)

WHOLE_BPS = 10_000
NO_ACCOUNT = "0x" + 40 * "0"


@dataclass(frozen=True, slots=True)
class MarketRules:
    """Rules of the market now in force.

    Attributes:
        gate_lead_seconds: Orders close this long before an interval starts.
        settlement_deadline_seconds: A missing reading counts as no delivery this long after an interval's end.
        min_order_wh: Least energy of an order.
        max_order_wh: Largest energy of an order.
        max_duration_intervals: Largest number of intervals an order may stand in.
        insurance_share_bps: Share of the fees that goes to the insurance pool, 1e-4.
        regulator: Contract that says who may place no orders; `NO_ACCOUNT` for none.
        paused: Whether orders and clearing are stopped.
    """

    gate_lead_seconds: int
    settlement_deadline_seconds: int
    min_order_wh: int
    max_order_wh: int
    max_duration_intervals: int
    insurance_share_bps: int
    regulator: str
    paused: bool


class EnergyTrading:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor, chain_id: int, first_block: int) -> None:
        self.contract, self._transactor, self._first_block = contract, transactor, first_block
        self.domain = SigningDomain("EnergyTrading", chain_id, contract.address)

    def submit_orders(self, orders: Sequence[SignedOrder]) -> list[OrderResult]:
        """Relay signed orders, in as many transactions as gas asks for; one result each, in order."""
        return [result for part in _parts(orders) for result in self._submit(part)]

    def _submit(self, orders: Sequence[SignedOrder]) -> list[OrderResult]:
        slots = sum(max(1, signed.order.duration) for signed in orders)
        args = [[_order_tuple(signed) for signed in orders], [signed.signature for signed in orders]]
        receipt = self._transactor.execute("submitOrders", self.contract, "submitOrders", args, SUBMIT_ORDERS, slots)
        told = events_of(self.contract, ("OrderRefused", "OrderCreated"), receipt["logs"])
        return [_result(told, signed.order.duration) for signed in orders]

    def create_order(
        self, interval: int | None, side: Side, energy_wh: int, price_micro_per_kwh: int, duration: int = 1
    ) -> int:
        """Place this account's own order, in the next open interval where none is named; returns the first one."""
        values = [energy_wh, price_micro_per_kwh, duration, int(side)]
        name, args = ("createOrder", values) if interval is None else ("createOrderAt", [interval, *values])
        receipt = self._transactor.execute(name, self.contract, name, args, CREATE_ORDER, duration)
        return int(next(events(self.contract, "OrderCreated", receipt["logs"]))["interval"])

    def cancel_order(self, interval: int, side: Side) -> tuple[int, int]:
        """Take this account's order back before gate closure; returns its energy (Wh) and what it had locked (micro).

        Raises:
            ContractRevertError: `NoOrder`, `AlreadyCancelled` (once for each interval and side), `GateClosed`.
        """
        return self._cancelled("cancelOrder", interval, int(side))

    def cancel_order_for(self, signed: SignedCancellation) -> tuple[int, int]:
        """Relay a home's signed cancellation; returns the order's energy (Wh) and what it had locked (micro).

        Raises:
            ContractRevertError: `BadSignature`, `CancellationExpired`, and those of `cancel_order`.
        """
        wanted = signed.cancellation
        values = (wanted.trader, wanted.interval, int(wanted.side), wanted.deadline_s)
        return self._cancelled("cancelOrderFor", values, signed.signature)

    def _cancelled(self, name: str, *args: Any) -> tuple[int, int]:
        receipt = self._transactor.execute(name, self.contract, name, args, CANCEL_ORDER)
        event = next(events(self.contract, "OrderCancelled", receipt["logs"]))
        return event["energyWh"], event["released"]

    def pause(self) -> None:
        """Stop new orders, deals and clearing, as a guardian; a pause ends by itself."""
        self._transactor.execute("pause", self.contract, "pause", [], MOVE_MONEY)

    def unpause(self) -> None:
        """End a pause, as governance."""
        self._transactor.execute("unpause", self.contract, "unpause", [], MOVE_MONEY)

    def revoke_nonces(self, below: int) -> None:
        """Make all orders of this account void that were signed with lower nonces and not handed in yet."""
        self._transactor.execute("revokeNonces", self.contract, "revokeNonces", [below], CANCEL_ORDER)

    def clear(self, interval: int) -> None:
        """Clear an interval's auction."""
        self._transactor.execute("clear", self.contract, "clear", [interval], CLEAR)

    def auction(self, interval: int) -> AuctionResult | None:
        """Result of an interval's auction without the homes' fills, None before it is cleared."""
        status, tick, buy_tick, sell_tick, _, volume_wh, buy_fill_wh, sell_fill_wh, price = self._read(
            "clearing", interval
        )
        if not status:
            return None
        return AuctionResult(
            interval=interval,
            tick=tick,
            price_micro_per_kwh=price,
            volume_wh=volume_wh,
            buy_margin_tick=buy_tick,
            sell_margin_tick=sell_tick,
            buy_fill_wh=buy_fill_wh,
            sell_fill_wh=sell_fill_wh,
        )

    def fill_wh(self, interval: int, member_id: int, side: Side) -> int:
        """Energy of a member's order that the auction filled."""
        return int(self._read("fill", interval, member_id, int(side)))

    def members_settled_for(self, interval: int) -> int:
        """Number of members that an interval is settled for, fixed when it is cleared."""
        return int(self._read("clearing", interval)[4])

    def orders(self, interval: int) -> list[tuple[int, Side]]:
        """Member and side of every order that stands in an interval, in order of time."""
        created, gone = ("OrderCreated", "OrderCancelled")
        told = [log for name in (created, gone) for log in self._logs(name, {"interval": interval})]
        standing: dict[tuple[int, Side], None] = {}
        for log in sorted(told, key=lambda log: (log["blockNumber"], log["logIndex"])):
            order = log["args"]["memberId"], Side(log["args"]["side"])
            if log["event"] == created:
                standing[order] = None
            else:
                del standing[order]
        return list(standing)

    def settle(self, interval: int, first: int, last: int) -> Sequence[LogReceipt]:
        """Settle some members; returns the logs."""
        receipt = self._transactor.execute(
            "settle", self.contract, "settle", [interval, first, last], SETTLE, last - first + 1
        )
        return receipt["logs"]

    def settled_homes(self, logs: Iterable[LogReceipt]) -> Iterator[Mapping[str, Any]]:
        """The bill of each home that some logs tell of."""
        return (home for args in events(self.contract, "HomesSettled", logs) for home in bills(args))

    def homes_settled_in(self, interval: int) -> list[Mapping[str, Any]]:
        """The bills of an interval so far."""
        return [home for log in self._logs("HomesSettled", {"interval": interval}) for home in bills(log["args"])]

    def money(self, interval: int) -> tuple[IntervalMoney, int]:
        """Money of an interval as the contract keeps it, and the number of members settled."""
        homes, grid, fees, dust, settled = self._read("intervalMoney", interval)
        return IntervalMoney(interval, homes, grid, fees, dust), settled

    def is_settled(self, interval: int, member_id: int) -> bool:
        """Whether a member is settled."""
        return bool(self._read("isSettled", interval, member_id))

    def insurance_micro(self) -> int:
        """What the insurance pool holds; it is drawn when else the backstop could not pay a settlement."""
        return self.balance_micro(self.contract.address)

    def deposit(self, account: str, amount_micro: int) -> None:
        """Move payment tokens of this account into an account's balance."""
        self._transactor.execute("deposit", self.contract, "deposit", [account, amount_micro], MOVE_MONEY)

    def withdraw(self, amount_micro: int) -> None:
        """Pay out this account's credit in payment tokens."""
        self._transactor.execute("withdraw", self.contract, "withdraw", [amount_micro], MOVE_MONEY)

    def transfer(self, to: str, amount_micro: int) -> None:
        """Move this account's credit to another account."""
        self._transactor.execute("transfer", self.contract, "transfer", [to, amount_micro], MOVE_MONEY)

    def balance_micro(self, account: str) -> int:
        """Credit of an account."""
        return int(self._read("balanceOf", account))

    def account(self, account: str) -> tuple[int, int, int]:
        """Credit of an account (micro), and what it sold and delivered, bought and used (Wh)."""
        balance_micro, sold_wh, bought_wh, _ = self._read("account", account)
        return balance_micro, sold_wh, bought_wh

    def next_nonce(self, account: str) -> int:
        """Least nonce that a home's next relayed order can have; each accepted one uses up all below it."""
        return int(self._read("account", account)[3])

    def liabilities_micro(self) -> int:
        """Sum of all accounts, locked money included."""
        return int(self._read("totalLiabilities"))

    def levels_wh(self, interval: int, side: Side) -> list[int]:
        """Ordered energy at each tick."""
        return list(self._read("levels", interval, int(side)))

    def tick_price(self, interval: int, tick: int) -> int:
        """Price of a tick, micro per kWh."""
        return int(self._read("tickPrice", interval, tick))

    def order_limits(self) -> tuple[int, int, int]:
        """Least and most energy of an order, Wh, and the most intervals that it may run."""
        _, _, least_wh, most_wh, most_intervals, *_ = self._read("config")
        return int(least_wh), int(most_wh), int(most_intervals)

    def rules(self) -> MarketRules:
        """All rules that the contract tells of."""
        lead_s, deadline_s, least_wh, most_wh, most_intervals = self._read("config")
        return MarketRules(
            gate_lead_seconds=lead_s,
            settlement_deadline_seconds=deadline_s,
            min_order_wh=least_wh,
            max_order_wh=most_wh,
            max_duration_intervals=most_intervals,
            insurance_share_bps=int(self._read("insuranceShare")),
            regulator=str(self._read("regulator")),
            paused=bool(self._read("paused")),
        )

    def gate_closure_s(self, interval: int) -> int:
        """Time from which an interval takes no more orders, Unix seconds."""
        return int(self._read("gateClosure", interval))

    def backstop(self) -> str:
        """Account of the grid supplier."""
        return str(self._read("backstop"))

    def treasury(self) -> str:
        """Account that fees go to."""
        return str(self._read("treasury"))

    def history(self, account: str, member_id: int) -> list[tuple[str, int, Mapping[str, Any]]]:
        """What happened to an account: name, block number and arguments of each event, oldest first.

        A home's bill is `HomeSettled`, taken out of the event that tells of many homes.
        """
        queries: list[tuple[str, dict[str, Any]]] = [
            ("Deposited", {"account": account}),
            ("Withdrawn", {"account": account}),
            ("CreditTransferred", {"from": account}),
            ("CreditTransferred", {"to": account}),
            ("OrderCreated", {"memberId": member_id}),
            ("OrderCancelled", {"memberId": member_id}),
        ]
        found = [
            (log["blockNumber"], log["logIndex"], name, log["args"])
            for name, filters in queries
            for log in self._logs(name, filters)
        ]
        found += [
            (log["blockNumber"], log["logIndex"], "HomeSettled", home)
            for log in self._logs("HomesSettled", {})
            for home in bills(log["args"])
            if home["memberId"] == member_id
        ]
        return [(name, block, args) for block, _, name, args in sorted(found, key=lambda item: item[:2])]

    def _logs(self, name: str, filters: Mapping[str, Any]) -> list[EventData]:
        return self._transactor.logs(self.contract, name, self._first_block, filters)

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)


def _parts(orders: Sequence[SignedOrder]) -> Iterator[list[SignedOrder]]:
    """Consecutive orders whose intervals fit one transaction."""
    part: list[SignedOrder] = []
    slots = 0
    for signed in orders:
        duration = max(1, signed.order.duration)
        if part and slots + duration > SUBMIT_ORDERS.most_items:
            yield part
            part, slots = [], 0
        part.append(signed)
        slots += duration
    if part:
        yield part


def _result(told: Iterator[tuple[str, Mapping[str, Any]]], duration: int) -> OrderResult:
    """The contract tells of each order in turn: of a refusal once, of an accepted order once for each interval."""
    name, args = next(told)
    if name == "OrderRefused":
        return OrderResult(args["result"])
    for _ in range(duration - 1):
        next(told)
    return OrderResult.ACCEPTED


def _order_tuple(signed: SignedOrder) -> tuple[str, int, int, int, int, int, int, int]:
    order = signed.order
    return (
        order.trader,
        order.interval,
        order.duration,
        int(order.side),
        order.energy_wh,
        order.price_micro_per_kwh,
        order.nonce,
        order.deadline_s,
    )
