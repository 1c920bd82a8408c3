"""What the market must do, in Python: who may move what, what is refused and why, what every account then holds.

Clearing and bills are the platform's own Python rules; all else is written here anew from the contracts' interfaces.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from model.books import Book
from model.meter import Meter

from microgrid.domain.records import (
    NO_DEALS,
    HomeStatement,
    Order,
    OrderResult,
    PriceBand,
    ReadingResult,
    Side,
)
from microgrid.domain.units import floor_micro, nano
from microgrid.market.mechanisms.tick_auction import auction
from microgrid.settlement.statement import Position, grid_nano, home_nano

PAUSE_S = 24 * 3_600
KEPT, RING_MEMBERS = 32, 6
MAX_FEE = 1_000_000


class RefusedError(Exception):
    """What the contract must revert with; its text is the error's name."""


def need(condition: bool, error: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Refuse where the condition fails."""
    if not condition:
        raise RefusedError(error)


@dataclass
class Rules:
    """The market's rules, as deployed."""

    seconds: int
    lead_s: int
    deadline_s: int
    min_wh: int
    max_wh: int
    max_duration: int


@dataclass
class Reference:
    """The market: accounts by address, `dust` is the contract's own, the insurance pool."""

    rules: Rules
    members: list[str]
    backstop: str
    treasury: str
    dust: str
    fee: int
    now_s: int
    wallets: Counter[str] = field(default_factory=Counter)
    balances: Counter[str] = field(default_factory=Counter)
    donated: int = 0
    liabilities: int = 0
    owed: int = 0
    share_bps: int = 0
    paused_at: int | None = None
    books: dict[int, Book] = field(default_factory=dict)
    next_nonce: Counter[str] = field(default_factory=Counter)
    meters: dict[bytes, Meter] = field(default_factory=dict)
    history: dict[tuple[int, int], dict[int, tuple[int, int, int]]] = field(default_factory=dict)

    # Money

    def _account(self, who: str) -> None:
        need(who in (*self.members, self.backstop, self.treasury, self.dust), "UnknownMember")

    def deposit(self, payer: str, account: str, amount: int) -> None:
        """Money comes in."""
        self._account(account)
        need(self.wallets[payer] >= amount, "ERC20InsufficientBalance")
        need(amount > 0, "ZeroAmount")
        self._credit(account, amount, self.liabilities + amount)
        self.liabilities += amount
        self.wallets[payer] -= amount

    def withdraw(self, who: str, amount: int) -> None:
        """Money goes out."""
        self._debit(who, amount)
        self.liabilities -= amount
        self.wallets[who] += amount

    def transfer(self, who: str, to: str, amount: int) -> None:
        """Credit moves."""
        self._account(to)
        before = (self.balances.copy(), self.owed)
        self._debit(who, amount)
        try:
            self._credit(to, amount, self.liabilities)
        except RefusedError:
            self.balances, self.owed = before
            raise

    def _credit(self, account: str, amount: int, cover: int) -> None:
        was = self.balances[account]
        if account != self.backstop:
            change = max(was + amount, 0) - max(was, 0)
            need(self.owed + change <= cover, "BackstopUnfunded")
            self.owed += change
        self.balances[account] = was + amount

    def _debit(self, who: str, amount: int) -> None:
        need(amount > 0, "ZeroAmount")
        self._account(who)
        spendable = self.balances[who]
        if who == self.backstop:
            spendable = min(spendable, self.liabilities - self.owed)
        need(spendable >= amount, "InsufficientBalance")
        self.balances[who] -= amount
        if who != self.backstop:
            self.owed -= amount

    # Pause

    @property
    def paused(self) -> bool:
        """Whether orders and clearing are stopped."""
        return self.paused_at is not None and self.now_s < self.paused_at + PAUSE_S

    def pause(self) -> None:
        """The guardian stops orders."""
        need(not self.paused, "EnforcedPause")
        self.paused_at = self.now_s

    def unpause(self) -> None:
        """Governance ends it."""
        need(self.paused, "ExpectedPause")
        self.paused_at = None

    def set_fee(self, fee: int) -> None:
        """A new fee for intervals opened from now on."""
        need(fee <= MAX_FEE, "FeeTooHigh")
        self.fee = fee

    def insure(self, bps: int) -> None:
        """A new share of the fees for the insurance pool."""
        need(bps <= 10_000, "InvalidShare")
        self.share_bps = bps

    # Orders

    def gate_closed(self, interval: int) -> bool:
        """Whether the interval takes no more orders."""
        return self.now_s + self.rules.lead_s >= interval * self.rules.seconds

    def judge(self, order: Order) -> OrderResult:
        """What the book says of an order whose signature is good."""
        if order.trader not in self.members:
            return OrderResult.UNKNOWN_MEMBER
        if not 1 <= order.duration <= self.rules.max_duration:
            return OrderResult.INVALID_DURATION
        if not self.rules.min_wh <= order.energy_wh <= self.rules.max_wh:
            return OrderResult.ENERGY_OUT_OF_RANGE
        locked = 0
        for interval in range(order.interval, order.interval + order.duration):
            result = self._judge_in(order, interval)
            if result is not OrderResult.ACCEPTED:
                return result
            book = self.books[interval]
            locked += book.lock(order, book.fee)
        enough = self.balances[order.trader] >= locked
        return OrderResult.ACCEPTED if enough else OrderResult.INSUFFICIENT_BALANCE

    def _judge_in(self, order: Order, interval: int) -> OrderResult:
        if self.gate_closed(interval):
            return OrderResult.GATE_CLOSED
        book = self.books.get(interval)
        if book is None:
            return OrderResult.INTERVAL_NOT_OPEN
        if any((o.trader, o.side) == (order.trader, order.side) for o in book.orders):
            return OrderResult.ORDER_EXISTS
        price, band = order.price_micro_per_kwh, book.band
        inside = price >= band.feed_in if order.side is Side.BUY else price <= band.retail
        return OrderResult.ACCEPTED if inside else OrderResult.PRICE_OUTSIDE_BAND

    def enter(self, order: Order) -> None:
        """Place an order that was judged good; locked money still is the home's, so `owed` stays."""
        for interval in range(order.interval, order.interval + order.duration):
            book = self.books[interval]
            book.orders.append(order)
            self.balances[order.trader] -= book.lock(order, book.fee)

    def place(self, order: Order) -> None:
        """A home's own order."""
        need(not self.paused, "EnforcedPause")
        result = self.judge(order)
        need(result is OrderResult.ACCEPTED, "".join(part.title() for part in result.name.split("_")))
        self.enter(order)

    def relay(self, orders: Sequence[tuple[Order, bool]]) -> list[OrderResult]:
        """Signed orders, True beside those whose signature is good."""
        need(not self.paused, "EnforcedPause")
        results = []
        for order, authentic in orders:
            if not authentic:
                result = OrderResult.BAD_SIGNATURE
            elif self.now_s > order.deadline_s:
                result = OrderResult.EXPIRED
            elif order.nonce < self.next_nonce[order.trader]:
                result = OrderResult.NONCE_USED
            else:
                result = self.judge(order)
            if result is OrderResult.ACCEPTED:
                self.next_nonce[order.trader] = order.nonce + 1
                self.enter(order)
            results.append(result)
        return results

    def cancel(self, trader: str, interval: int, side: Side) -> None:
        """A home takes its order back, once an interval and side."""
        need(not self.gate_closed(interval), "GateClosed")
        book = self.books.get(interval)
        found = [o for o in book.orders if (o.trader, o.side) == (trader, side)] if book else []
        need(bool(found), "NoOrder")
        assert book is not None
        need((trader, side) not in book.cancelled, "AlreadyCancelled")
        book.cancelled.add((trader, side))
        book.orders.remove(found[0])
        self.unlock(trader, book.lock(found[0], book.fee))

    def unlock(self, account: str, amount: int) -> None:
        """Locked money comes back; what fills arrears is owed no more."""
        was = self.balances[account]
        self.balances[account] = was + amount
        self.owed += max(was + amount, 0) - max(was, 0) - amount

    # Intervals

    def open(self, interval: int, feed_in: int, retail: int) -> None:
        """Publish a tariff; the reference is filled in by who knows it."""
        need(interval > self.now_s // self.rules.seconds, "IntervalInThePast")
        need(interval not in self.books, "IntervalAlreadyOpen")
        need(feed_in <= retail, "InvalidBand")
        self.books[interval] = Book(PriceBand(feed_in, retail, feed_in), fee=self.fee)

    def clear(self, interval: int) -> None:
        """Clear by Python's mechanism."""
        need(not self.paused, "EnforcedPause")
        need(self.gate_closed(interval), "GateStillOpen")
        book = self.books.get(interval)
        need(book is None or book.auction is None, "AlreadyCleared")
        need(book is not None, "IntervalNotOpen")
        assert book is not None
        book.members = len(self.members)
        book.auction = auction(interval, book.orders, book.band)

    def settle(self, interval: int, first: int, last: int) -> int:
        """Bill some members; returns how many."""
        book = self.books.get(interval)
        need(book is not None and book.auction is not None, "NotCleared")
        assert book is not None
        need(not book.closed, "AlreadySettled")
        end = (interval + 1) * self.rules.seconds
        need(self.now_s >= end, "IntervalNotOver")
        need(1 <= first <= last <= book.members, "NothingToSettle")
        overdue = self.now_s > end + self.rules.deadline_s
        chosen = [
            member
            for member in range(first, last + 1)
            if self.members[member - 1] not in book.statements and (overdue or self.energy(member, interval))
        ]
        need(bool(chosen), "NothingToSettle")
        self._bill(book, interval, chosen)
        return len(chosen)

    def _bill(self, book: Book, interval: int, chosen: Sequence[int]) -> None:
        """Bill homes, unless that left somebody's credit without money behind it."""
        draft = replace(book, statements=dict(book.statements))
        balances, owed = self.balances.copy(), self.owed
        booked = draft.homes + floor_micro(draft.grid_nano)
        for member in chosen:
            account = self.members[member - 1]
            statement = self._statement(draft, interval, account, self.energy(member, interval))
            released = draft.locked(account)
            after = balances[account] + released + statement.amount_micro
            owed += max(after, 0) - max(balances[account], 0) - released
            balances[account] = after
            draft.statements[account] = statement
            draft.homes += statement.amount_micro
            draft.grid_nano += grid_nano(draft.position(statement), draft.prices())
        owed -= draft.homes + floor_micro(draft.grid_nano) - booked
        missing = max(0, owed - self.liabilities)
        need(balances[self.dust] >= missing, "BackstopUnfunded")
        balances[self.dust] -= missing
        balances[self.backstop] += missing
        owed -= missing
        if len(draft.statements) == draft.members:
            draft.closed = True
            homes, grid, fees, dust = self.money(draft)
            assert homes + grid + fees + dust == 0
            insured = fees * self.share_bps // 10_000
            shares = (self.backstop, grid), (self.treasury, fees - insured), (self.dust, dust + insured)
            for account, amount in shares:
                balances[account] += amount
        self.books[interval], self.balances, self.owed = draft, balances, owed

    def _statement(self, book: Book, interval: int, account: str, energy: tuple[int, int] | None) -> HomeStatement:
        assert book.auction is not None
        deals = book.deals.get(account, NO_DEALS)
        bought = book.auction.bought_wh.get(account, 0) + deals.bought_wh
        sold = book.auction.sold_wh.get(account, 0) + deals.sold_wh
        position = Position(bought, sold, *(energy or (0, 0)))
        amount = floor_micro(home_nano(position, book.prices()) + deals.gain_nano(book.prices().clearing))
        return HomeStatement(interval, account, bought, sold, *(energy or (0, 0)), energy is not None, amount)

    def money(self, book: Book) -> tuple[int, int, int, int]:
        """Homes, grid, fees and dust so far."""
        grid = floor_micro(book.grid_nano)
        if not book.closed or book.auction is None:
            return book.homes, grid, 0, 0
        dealt_wh = sum(deals.bought_wh for deals in book.deals.values())
        fees = floor_micro(nano(book.auction.volume_wh + dealt_wh, book.fee))
        return book.homes, grid, fees, -(book.homes + grid + fees)

    # Readings

    def energy(self, member: int, interval: int) -> tuple[int, int] | None:
        """Metered energy, None where it is unknown."""
        ring = self.history.get((member // RING_MEMBERS, interval % KEPT), {})
        kept, import_wh, export_wh = ring.get(member, (None, 0, 0))
        return (import_wh, export_wh) if kept == interval else None

    def read(self, device: bytes, reading: tuple[int, int, int, int], *, authentic: bool) -> ReadingResult:
        """A reading (sequence, time, import, export) arrives."""
        meter = self.meters.get(device)
        if meter is None:
            return ReadingResult.UNKNOWN_DEVICE
        result = meter.judge(reading, self.now_s) if authentic else ReadingResult.BAD_SIGNATURE
        if result is ReadingResult.ACCEPTED:
            if meter.last is not None:
                self._book_reading(meter, meter.last, reading)
            meter.last = reading
        return result

    def _book_reading(self, meter: Meter, last: tuple[int, int, int, int], reading: tuple[int, int, int, int]) -> None:
        energy = (meter.carried[0] + reading[2] - last[2], meter.carried[1] + reading[3] - last[3])
        interval, within = divmod(reading[1], self.rules.seconds)
        late = self.now_s > reading[1] + self.rules.deadline_s
        meter.carried = energy if within or late else (0, 0)
        if not within and not late:
            self._keep(meter.member, interval - 1, energy)

    def _keep(self, member: int, interval: int, energy: tuple[int, int]) -> None:
        """Six members share a ring: the youngest interval read by any of them is the one kept in its place."""
        ring = self.history.setdefault((member // RING_MEMBERS, interval % KEPT), {})
        youngest = max((kept for kept, *_ in ring.values()), default=interval)
        if interval > youngest:
            ring.clear()
        if interval >= youngest:
            ring[member] = (interval, *energy)
