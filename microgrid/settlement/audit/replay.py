"""The market replayed from its journal: every amount recomputed, compared where an event tells it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from microgrid.domain.errors import AuditError
from microgrid.domain.journal import (
    HOME_SETTLED,
    LIABILITIES,
    Journal,
    JournalEvent,
    State,
    balance_name,
    delivered_names,
    interval_name,
)
from microgrid.domain.records import AuctionResult, DirectDeals, Order, PriceBand, Settlement, Trade
from microgrid.settlement.audit.book import CHAIN, IntervalBook
from microgrid.settlement.audit.deals import Offer
from microgrid.settlement.audit.meters import MeterBook

WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class AuditedInterval:
    """A cleared interval as recomputed; `settlement` is None before every home is billed."""

    index: int
    band: PriceBand
    fee_micro_per_kwh: int
    orders: tuple[Order, ...]
    auction: AuctionResult
    settlement: Settlement | None
    deals: Mapping[str, DirectDeals]
    direct_trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What must be, from what happened.

    Attributes:
        state: What the contracts must hold.
        accounts: Accounts of the members, by number from 1.
        readings: Number of signed readings checked.
    """

    state: State
    accounts: tuple[str, ...]
    intervals: tuple[AuditedInterval, ...]
    readings: int


def recompute(journal: Journal) -> Recomputed:
    """Replay a journal.

    Raises:
        AuditError: an event does not follow from those before it.
    """
    return _Replay(journal).run()


class _Replay:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._meters = MeterBook(journal.interval_seconds, journal.reading_deadline_seconds, journal.reading_domain)
        self._accounts: list[str] = []
        self._balances: Counter[str] = Counter({journal.backstop: 0, journal.treasury: 0, journal.trading: 0})
        self._sold_wh: Counter[str] = Counter()
        self._bought_wh: Counter[str] = Counter()
        self._liabilities = 0
        self._share_bps = 0
        self._intervals: dict[int, IntervalBook] = {}
        self._offers: dict[int, Offer] = {}
        self._rules = {
            "MemberRegistered": self._member,
            "DeviceRegistered": self._meters.register,
            "DeviceKeyRotated": self._meters.rotate,
            "DeviceReplaced": self._meters.replace,
            "IntervalOpened": self._open,
            "Deposited": self._deposit,
            "Withdrawn": self._withdraw,
            "CreditTransferred": self._transfer,
            "OrderCreated": self._order,
            "OrderCancelled": self._cancel,
            "OfferMade": self._offer,
            "OfferAccepted": self._accept,
            "OfferWithdrawn": self._take_back,
            "IntervalCleared": self._clear,
            HOME_SETTLED: self._settle,
            "InsuranceShareSet": self._set_share,
            "InsuranceDrawn": self._draw,
            "IntervalSettled": self._close,
        }

    def run(self) -> Recomputed:
        for event in self._journal.events:
            self._apply(event)
        audited = tuple(
            AuditedInterval(
                index=book.index,
                band=book.band,
                fee_micro_per_kwh=book.band.fee,
                orders=tuple(book.orders),
                auction=book.auction,
                settlement=book.settlement(),
                deals=book.deals.all(),
                direct_trades=tuple(book.deals.trades),
            )
            for _, book in sorted(self._intervals.items())
            if book.auction is not None
        )
        return Recomputed(self._state(), tuple(self._accounts), audited, self._meters.readings)

    def _apply(self, event: JournalEvent) -> None:
        try:
            if event.name == "ReadingAccepted":
                self._meters.accept(event)
            elif event.name in self._rules:
                self._rules[event.name](event.args)
        except (KeyError, IndexError) as error:
            where = f"{event.name} in block {event.block}"
            raise AuditError(where, "told", f"impossible: {error} is not known before it", CHAIN) from error

    def _state(self) -> State:
        state = {balance_name(account): amount for account, amount in self._balances.items()}
        for account in self._accounts:
            sold, bought = delivered_names(account)
            state |= {sold: self._sold_wh[account], bought: self._bought_wh[account]}
        state[LIABILITIES] = self._liabilities
        for book in self._intervals.values():
            state |= dict(book.state())
        return state | dict(self._meters.state())

    def _member(self, args: Mapping[str, Any]) -> None:
        self._accounts.append(args["account"])
        self._balances[args["account"]] += 0

    def _open(self, args: Mapping[str, Any]) -> None:
        band = PriceBand(args["feedIn"], args["retail"], args["referencePrice"], args["fee"])
        self._intervals[args["interval"]] = IntervalBook(args["interval"], band)

    def _deposit(self, args: Mapping[str, Any]) -> None:
        self._balances[args["account"]] += args["amount"]
        self._liabilities += args["amount"]

    def _withdraw(self, args: Mapping[str, Any]) -> None:
        self._balances[args["account"]] -= args["amount"]
        self._liabilities -= args["amount"]

    def _transfer(self, args: Mapping[str, Any]) -> None:
        self._balances[args["from"]] -= args["amount"]
        self._balances[args["to"]] += args["amount"]

    def _order(self, args: Mapping[str, Any]) -> None:
        trader = self._accounts[args["memberId"] - 1]
        book = self._intervals[args["interval"]]
        self._balances[trader] -= book.add(trader, args, self._journal.order_domain)

    def _cancel(self, args: Mapping[str, Any]) -> None:
        trader = self._accounts[args["memberId"] - 1]
        self._balances[trader] += self._intervals[args["interval"]].cancel(trader, args)

    def _offer(self, args: Mapping[str, Any]) -> None:
        maker, counterparty = (self._accounts[args[name] - 1] for name in ("makerId", "counterpartyId"))
        offer = Offer.of(args, maker, counterparty)
        self._offers[args["offerId"]] = offer
        self._balances[maker] -= self._intervals[offer.interval].lock(offer)

    def _accept(self, args: Mapping[str, Any]) -> None:
        offer = self._offers.pop(args["offerId"])
        book = self._intervals[args["interval"]]
        self._balances[offer.counterparty] -= book.lock(offer.mirrored())
        book.deal(offer)

    def _take_back(self, args: Mapping[str, Any]) -> None:
        offer = self._offers.pop(args["offerId"])
        released = self._intervals[offer.interval].lock(offer)
        if args["released"] != released:
            what = interval_name(offer.interval, "released by an offer taken back")
            raise AuditError(what, args["released"], released, CHAIN)
        self._balances[offer.maker] += released

    def _clear(self, args: Mapping[str, Any]) -> None:
        self._intervals[args["interval"]].clear(args, len(self._accounts))

    def _settle(self, args: Mapping[str, Any]) -> None:
        account, interval = self._accounts[args["memberId"] - 1], args["interval"]
        book = self._intervals[interval]
        if any(statement.account == account for statement in book.statements):
            raise AuditError(interval_name(interval, f"bills of {account}"), 2, 1, CHAIN)
        statement = book.settle_home(account, self._meters.energy(args["memberId"], interval), args)
        self._balances[account] += book.released(account) + statement.amount_micro
        self._sold_wh[account] += min(statement.sold_wh, statement.export_wh)
        self._bought_wh[account] += min(statement.bought_wh, statement.import_wh)

    def _close(self, args: Mapping[str, Any]) -> None:
        money = self._intervals[args["interval"]].close(args)
        insured = money.fees_micro * self._share_bps // WHOLE_BPS
        self._balances[self._journal.backstop] += money.grid_micro
        self._balances[self._journal.treasury] += money.fees_micro - insured
        self._balances[self._journal.trading] += money.dust_micro + insured

    def _set_share(self, args: Mapping[str, Any]) -> None:
        self._share_bps = args["bps"]

    def _draw(self, args: Mapping[str, Any]) -> None:
        """The insurance pool gives the backstop exactly what it lacks."""
        missing = -self._backstop_cover()
        if args["amount"] != missing:
            what = "amount drawn from the insurance pool"
            raise AuditError(what, args["amount"], missing, CHAIN)
        self._balances[self._journal.trading] -= missing
        self._balances[self._journal.backstop] += missing

    def _backstop_cover(self) -> int:
        """What the backstop has, with what intervals in settlement will bring it, less the arrears of others."""
        backstop = self._journal.backstop
        arrears = sum(min(0, amount) for account, amount in self._balances.items() if account != backstop)
        coming = sum(book.money().grid_micro for book in self._intervals.values() if book.is_settling)
        return self._balances[backstop] + coming + arrears
