"""Whatever anybody does in whatever order, the contracts do what the reference does: same refusals, same accounts.

Among those who act are a home with several accounts that splits its orders and trades with itself, a relay that hands
in orders and readings again or from elsewhere, somebody who gives tokens away, and a token that keeps a fee and calls
back.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from model.chain import CONFIG, FIRST, HOUR, Chain, RevertedError, key
from model.reference import Book, Meter, Reference, RefusedError, Rules

from microgrid.chain.bindings.reading_words import pack_numbers, short_signature
from microgrid.domain.records import Order, OrderResult, ReadingResult, Side
from microgrid.domain.units import floor_micro
from microgrid.domain.wire import SigningDomain, keccak256, order_struct_hash, registers_digest
from microgrid.market.mechanisms.tick_auction import auction
from microgrid.settlement.statement import Position, home_nano

HOMES = [key(f"model-home-{n}") for n in range(6)]
METERS = [key(f"model-meter-{n}") for n in range(6)]
DEVICES = [keccak256(f"model-device-{n}".encode()) for n in range(6)]
SYBILS = [home.address for home in HOMES[3:]]
STRANGER = key("model-stranger")
RATED_W = 10_000
PURSE = 40_000_000
FEED_IN, RETAIL = 80_000, 300_000
EMPTY_PURSE = "ERC20InsufficientBalance"
DETAIL = keccak256(b"payload")
OPENED = 12
MANY = 50
SLOW_STEPS, QUICK_STEPS = 5_000, 300

amounts = st.sampled_from([0, 1, 999, 1_000_000, 30_000_000, 10**12]) | st.integers(0, 20_000_000)
homes = st.integers(0, len(HOMES) - 1)
energies = st.sampled_from([9, 10, 1_000, 50_000, 50_001]) | st.integers(10, 5_000)
prices = st.sampled_from([0, FEED_IN - 1, FEED_IN, 190_000, RETAIL, RETAIL + 1]) | st.integers(FEED_IN, RETAIL)
sides = st.sampled_from(Side)
offsets = st.integers(-1, 3)


class World:
    """Contracts with six homes, deployed once; every history starts from here."""

    def __init__(self) -> None:
        self.chain = Chain()
        chain = self.chain
        self.accounts = [home.address for home in HOMES]
        self.actors = [*self.accounts, chain.backstop, chain.treasury, STRANGER.address]
        for home, meter, device in zip(HOMES, METERS, DEVICES, strict=True):
            chain.registry.send(chain.admin, "registerMember", home.address)
            chain.registry.send(chain.admin, "registerDevice", device, home.address, meter.address, 0, RATED_W, 1)
        for actor in self.actors:
            chain.money.send(chain.admin, "mint", actor, 2 * PURSE)
            chain.money.send(actor, "approve", chain.trading.address, 2**255)
        for account in [*self.accounts, chain.backstop]:
            chain.trading.send(account, "deposit", account, PURSE)
        count = OPENED
        chain.grid.send(chain.admin, "openIntervals", FIRST, [FEED_IN] * count, [RETAIL] * count)
        self.token, self.twin = chain.twin("FeeToken")
        for account in self.accounts:
            self.token.send(account, "mint", account, PURSE)
            self.token.send(account, "approve", self.twin.address, 2**255)
        self.time_s = chain.time_s

    def reference(self) -> Reference:
        """The same state in Python."""
        rules = Rules(HOUR, 300, 2 * HOUR, 10, 50_000, 4)
        chain = self.chain
        made = Reference(
            rules,
            self.accounts,
            chain.backstop,
            chain.treasury,
            chain.trading.address,
            CONFIG.fee_micro_per_kwh,
            self.time_s,
        )
        made.wallets = Counter(dict.fromkeys(self.actors, 2 * PURSE))
        for account in [*self.accounts, chain.backstop]:
            made.deposit(account, account, PURSE)
        for interval in range(FIRST, FIRST + OPENED):
            made.open(interval, FEED_IN, RETAIL)
            self.refer(made, interval)
        made.meters = {device: Meter(number, RATED_W) for number, device in enumerate(DEVICES, 1)}
        return made

    def refer(self, model: Reference, interval: int) -> None:
        """The price formula is tested elsewhere; here its value only has to lie in the band."""
        feed_in, retail, reference, is_open, fee = self.chain.grid.read("band", interval)
        assert (is_open, fee) == (True, model.books[interval].fee)
        assert feed_in <= reference <= retail
        model.books[interval].band = replace(model.books[interval].band, reference=reference)


class Market(RuleBasedStateMachine):
    """Each rule acts on both sides; after each, both must agree on every number."""

    world: ClassVar[World | None] = None
    steps: ClassVar[int] = 0
    outcomes: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        Market.world = Market.world or World()
        self.it = Market.world
        self.chain = self.it.chain
        self.checkpoint = self.chain.evm.snapshot()
        self.chain.at(self.it.time_s)
        self.model = self.it.reference()
        self.sent: list[tuple[Order, bytes, bool]] = []
        self.last_reading: dict[int, tuple[tuple[int, int, int, int], bytes]] = {}
        self.twin_balances: Counter[str] = Counter()
        self.nonce = 0
        self.acted = False

    def teardown(self) -> None:
        self.chain.evm.revert(self.checkpoint)

    # Both sides

    def both(self, name: str, expected: Callable[[], Any], actual: Callable[[], Any]) -> Any:
        """Act on both; both give the same or refuse with the same error. Gives the result, None where refused."""
        try:
            right, refused = expected(), ""
        except RefusedError as error:
            right, refused = None, str(error)
        try:
            found, reverted = actual(), ""
        except RevertedError as error:
            found, reverted = None, str(error)
        assert reverted == refused, f"{name}: the contract says {reverted or 'done'!r}, the model {refused or 'done'!r}"
        if right is not None:
            assert found == right, name
        self.acted = True
        Market.outcomes[f"{name} {refused}".strip()] += 1
        return None if refused else found

    def account(self, number: int) -> str:
        return self.it.actors[number]

    @property
    def current(self) -> int:
        return self.model.now_s // HOUR

    # Time and tariffs

    @rule(target_s=st.sampled_from([-301, -300, -299, 0, 0, 1, HOUR, 2 * HOUR + 1, 72 * HOUR]), more=st.integers(0, 1))
    def advance(self, target_s: int, more: int) -> None:
        """To a moment around the next interval, or beyond."""
        self._to(max(self.model.now_s + 1, (self.current + 1 + more) * HOUR + target_s))
        self.acted = True

    @rule(
        offset=st.integers(-1, 3) | st.integers(11, 14),
        feed_in=st.sampled_from([0, 80_000, 300_000, 300_001]),
        retail=st.sampled_from([300_000]),
    )
    def open(self, offset: int, feed_in: int, retail: int) -> None:
        interval = self.current + offset
        self.both(
            "open",
            lambda: self.model.open(interval, feed_in, retail),
            lambda: self.chain.grid.send(self.chain.admin, "openIntervals", interval, [feed_in], [retail]) or None,
        )
        if interval in self.model.books:
            self.it.refer(self.model, interval)

    @rule(fee=st.sampled_from([0, 2_000, 1_000_000, 1_000_001]))
    def set_fee(self, fee: int) -> None:
        self.both(
            "setTradingFee",
            lambda: self.model.set_fee(fee),
            lambda: self.chain.grid.send(self.chain.admin, "setTradingFee", fee) or None,
        )

    @rule(bps=st.sampled_from([0, 0, 2_500, 10_000, 10_001]))
    def insure(self, bps: int) -> None:
        self.both(
            "setInsuranceShare",
            lambda: self.model.insure(bps),
            lambda: self.chain.trading.send(self.chain.admin, "setInsuranceShare", bps) or None,
        )

    @rule(door=st.sampled_from(["unpause", "unpause", "unpause", "pause"]))
    def pause(self, door: str) -> None:
        self.both(door, getattr(self.model, door), lambda: self.chain.trading.send(self.chain.admin, door) or None)

    # Money

    @rule(payer=st.integers(0, 8), account=st.integers(0, 9), amount=amounts)
    def deposit(self, payer: int, account: int, amount: int) -> None:
        to = [*self.it.actors, self.chain.trading.address][account]
        self._move("deposit", self.account(payer), to, amount)

    @rule(payer=st.integers(0, 8), account=st.integers(0, 9), amount=amounts)
    def transfer(self, payer: int, account: int, amount: int) -> None:
        to = [*self.it.actors, self.chain.trading.address][account]
        self._move("transfer", self.account(payer), to, amount)

    def _move(self, door: str, who: str, to: str, amount: int) -> None:
        self.both(
            door,
            lambda: getattr(self.model, door)(who, to, amount),
            lambda: self.chain.trading.send(who, door, to, amount) or None,
        )

    @rule(who=st.integers(0, 8), amount=amounts, everything=st.booleans())
    def withdraw(self, who: int, amount: int, *, everything: bool) -> None:
        account = self.account(who)
        taken = max(0, self.model.balances[account]) if everything else amount
        self.both(
            "withdraw",
            lambda: self.model.withdraw(account, taken),
            lambda: self.chain.trading.send(account, "withdraw", taken) or None,
        )

    @rule(amount=st.integers(1, 1_000))
    def donate(self, amount: int) -> None:
        """Tokens given to the contract belong to nobody and change no account."""
        self.chain.money.send(self.chain.admin, "mint", self.chain.trading.address, amount)
        self.model.donated += amount
        self.acted = True

    @rule(
        home=homes,
        amount=st.integers(1, 100_000),
        attack=st.sampled_from(["", "deposit", "withdraw", "transfer", "settle"]),
    )
    def fee_token(self, home: int, amount: int, attack: str) -> None:
        """A token that keeps one per cent, and one that calls back while it moves."""
        who, token, twin = HOMES[home].address, self.it.token, self.it.twin
        calls = {"deposit": (who, 1), "withdraw": (1,), "transfer": (who, 1), "settle": (FIRST, 1, 1)}
        if attack:
            token.send(who, "attack", twin.address, twin.data(attack, *calls[attack]))
        doors = "ReentrancyGuardReentrantCall"
        error = {"deposit": doors, "withdraw": doors, "transfer": "UnknownMember", "settle": "NotCleared", "": ""}[
            attack
        ]
        purse = token.read("balanceOf", who)
        received = amount - amount // 100

        def expected() -> None:
            if purse < amount:
                raise RefusedError(EMPTY_PURSE)
            if error:
                raise RefusedError(error)
            self.twin_balances[who] += received

        self.both("fee token", expected, lambda: twin.send(who, "deposit", who, amount) or None)
        if attack:
            token.send(who, "attack", "0x" + "0" * 40, b"")
        total = sum(self.twin_balances.values())
        assert twin.read("balanceOf", who) == self.twin_balances[who]
        assert twin.read("totalLiabilities") == total == token.read("balanceOf", twin.address)

    # Orders

    def _order(self, trader: str, offset: int, side: Side, energy_wh: int, price: int, duration: int = 1) -> Order:
        self.nonce += 1
        return Order(trader, self.current + offset, side, energy_wh, price, self.nonce, self.model.now_s + 60, duration)

    def _place(self, order: Order) -> None:
        values = (order.interval, order.energy_wh, order.price_micro_per_kwh, order.duration, int(order.side))
        self.both(
            "order",
            lambda: self.model.place(order),
            lambda: self.chain.trading.send(order.trader, "createOrderAt", *values) or None,
        )

    @rule(
        who=st.integers(0, 8),
        offset=st.integers(0, 3),
        side=sides,
        energy_wh=energies,
        price=prices,
        duration=st.sampled_from([1, 1, 1, 2, 4, 5, 0]),
    )
    def order(self, who: int, offset: int, side: Side, energy_wh: int, price: int, duration: int) -> None:
        self._place(self._order(self.account(who), offset, side, energy_wh, price, duration))

    @rule(offset=st.integers(1, 2), side=sides, energy_wh=st.integers(10, 3_000), price=st.integers(FEED_IN, RETAIL))
    def split_order(self, offset: int, side: Side, energy_wh: int, price: int) -> None:
        """One owner, three accounts, one order's energy each."""
        for account in SYBILS:
            self._place(self._order(account, offset, side, energy_wh, price))

    @rule(offset=st.integers(1, 2), energy_wh=st.integers(10, 3_000), price=st.integers(FEED_IN, RETAIL), who=homes)
    def wash_trade(self, offset: int, energy_wh: int, price: int, who: int) -> None:
        """A home buys from itself."""
        for side in Side:
            self._place(self._order(HOMES[who].address, offset, side, energy_wh, price))

    @rule(
        data=st.lists(st.tuples(homes, st.integers(1, 3), sides, energies, prices), min_size=1, max_size=4),
        forgery=st.sampled_from(["", "", "", "key", "chain", "contract", "price", "length"]),
        again=st.integers(0, 3),
        late=st.booleans(),
    )
    def relay(self, data: list[tuple[int, int, Side, int, int]], forgery: str, again: int, *, late: bool) -> None:
        """New orders and some handed in before, the first of them forged."""
        batch: list[tuple[Order, bytes, bool]] = []
        for place, (home, offset, side, energy_wh, price) in enumerate(data):
            order = self._order(HOMES[home].address, offset, side, energy_wh, price)
            if late and place == 1:
                order = replace(order, deadline_s=self.model.now_s - 1)
            batch.append(self._signed(order, home, forgery if place == 0 else ""))
        self.sent += batch
        batch += self.sent[:again]
        self._relay(batch)

    def _signed(self, order: Order, home: int, forgery: str) -> tuple[Order, bytes, bool]:
        right = self.chain.order_domain
        domain = {
            "chain": SigningDomain(right.name, 1, right.contract),
            "contract": SigningDomain(right.name, right.chain_id, self.it.twin.address),
        }.get(forgery, right)
        signer = HOMES[(home + 1) % len(HOMES)] if forgery == "key" else HOMES[home]
        signature = signer.sign(domain.digest(order_struct_hash(order)))
        if forgery == "length":
            signature = signature[:-1]
        shown = replace(order, price_micro_per_kwh=order.price_micro_per_kwh + 1) if forgery == "price" else order
        return shown, signature, not forgery

    def _relay(self, batch: list[tuple[Order, bytes, bool]]) -> None:
        rows = [
            (o.trader, o.interval, o.duration, int(o.side), o.energy_wh, o.price_micro_per_kwh, o.nonce, o.deadline_s)
            for o, _, _ in batch
        ]
        signatures = [signature for _, signature, _ in batch]
        results = self.both(
            "relay",
            lambda: tuple(self.model.relay([(order, good) for order, _, good in batch])),
            lambda: self.chain.trading.send(STRANGER.address, "submitOrders", rows, signatures),
        )
        Market.outcomes.update(f"relayed {OrderResult(code).name}" for code in results or ())

    # Clearing and settlement

    @rule(offset=offsets)
    def clear(self, offset: int) -> None:
        interval = self.current + offset
        self.both(
            "clear",
            lambda: self.model.clear(interval),
            lambda: self.chain.trading.send(STRANGER.address, "clear", interval) or None,
        )

    @rule()
    def clear_due(self) -> None:
        """Clear all that can be."""
        for interval, book in list(self.model.books.items()):
            if self.model.gate_closed(interval) and book.auction is None:
                self.clear(interval - self.current)

    @rule(back=st.integers(-1, 4), first=st.integers(0, 6), last=st.integers(0, 7), door=st.booleans())
    def settle(self, back: int, first: int, last: int, *, door: bool) -> None:
        interval = self.current - back
        chunk = (1, len(HOMES)) if door else (first, last)
        closed = interval in self.model.books and self.model.books[interval].closed
        self.both(
            "settle",
            lambda: self.model.settle(interval, *chunk),
            lambda: self.chain.trading.send(STRANGER.address, "settle", interval, *chunk),
        )
        if not closed and interval in self.model.books and self.model.books[interval].closed:
            Market.outcomes["interval closed"] += 1
            Market.outcomes["interval with trade closed"] += self._volume(interval) > 0

    def _volume(self, interval: int) -> int:
        cleared = self.model.books[interval].auction
        return cleared.volume_wh if cleared else 0

    @rule()
    def settle_due(self) -> None:
        """Settle all that can be."""
        for interval, book in list(self.model.books.items()):
            if book.auction is not None and not book.closed:
                self.settle(self.current - interval, 1, len(HOMES), door=True)

    # Readings

    @rule(
        data=st.lists(
            st.tuples(
                homes,
                st.sampled_from([0, 1, 500, 2_000, 9_000, 12_000]),
                st.sampled_from([0, 0, 1, 700, 3_000]),
                st.sampled_from(["", "", "", "", "", "again", "key", "chain", "contract", "back", "future", "device"]),
            ),
            min_size=1,
            max_size=6,
        ),
        between=st.sampled_from([False, False, False, True]),
    )
    def readings(self, data: list[tuple[int, int, int, str]], *, between: bool) -> None:
        """A batch, mostly at the last interval's end, with forgeries among it."""
        time_s = self.model.now_s if between else self.current * HOUR
        self._submit([self._reading(*row[:3], row[3], time_s) for row in data])

    @rule(imports=st.lists(st.integers(0, 4_000), min_size=6, max_size=6), export_wh=st.integers(0, 3_000))
    def read_all(self, imports: list[int], export_wh: int, ahead: int = 1) -> None:
        """Every meter at the next interval's end; the first three feed in too."""
        time_s = (self.current + ahead) * HOUR
        self._to(max(time_s, self.model.now_s))
        self._submit(
            [
                self._reading(home, wh, export_wh if home < len(SYBILS) else 0, "", time_s)
                for home, wh in enumerate(imports)
            ]
        )

    def _reading(self, home: int, import_wh: int, export_wh: int, forgery: str, time_s: int) -> tuple[Any, ...]:
        if forgery == "again" and home in self.last_reading:
            return (home, *self.last_reading[home], True, DEVICES[home])
        sequence, _, imported, exported = self.model.meters[DEVICES[home]].last or (0, 0, 100, 100)
        registers = (sequence + 1, time_s, imported + import_wh, exported + export_wh)
        if forgery == "back":
            registers = (sequence + 1, time_s, imported - 1, exported)
        if forgery == "future":
            registers = (sequence + 1, self.model.now_s + 61, imported, exported)
        device = keccak256(b"nobody's") if forgery == "device" else DEVICES[home]
        right = self.chain.reading_domain
        domain = {
            "chain": SigningDomain(right.name, 1, right.contract),
            "contract": SigningDomain(right.name, right.chain_id, self.chain.trading.address),
        }.get(forgery, right)
        signer = METERS[(home + 1) % len(HOMES)] if forgery == "key" else METERS[home]
        signature = signer.sign(registers_digest(device, registers, DETAIL, domain))
        authentic = forgery not in ("key", "chain", "contract")
        if authentic and device == DEVICES[home]:
            self.last_reading[home] = (registers, signature)
        return home, registers, signature, authentic, device

    def _submit(self, batch: list[tuple[Any, ...]]) -> None:
        rows = [
            (device, pack_numbers(*registers), DETAIL, *short_signature(signature))
            for _, registers, signature, _, device in batch
        ]
        number = self.chain.registry.read("nextBatch", self.chain.admin)
        results = self.both(
            "readings",
            lambda: tuple(self.model.read(device, regs, authentic=good) for _, regs, _, good, device in batch),
            lambda: self.chain.registry.send(self.chain.admin, "submitReadings", number, rows),
        )
        Market.outcomes.update(f"reading {ReadingResult(code).name}" for code in results)

    @rule(
        orders=st.lists(st.tuples(sides, st.integers(10, 4_000), st.integers(FEED_IN, RETAIL)), min_size=6, max_size=6),
        imports=st.just([0] * 6) | st.lists(st.integers(0, 4_000), min_size=6, max_size=6),
        export_wh=st.integers(0, 3_000),
        half=st.integers(1, 5),
        drained=st.booleans(),
    )
    def hour_as_usual(
        self, orders: list[tuple[Side, int, int]], imports: list[int], export_wh: int, half: int, *, drained: bool
    ) -> None:
        """Orders of all, clearing, delivery, readings, settlement in two chunks; every part is checked.

        The grid supplier may take out before what it can, so that it owes what it does not have.
        """
        start = self.current + 2
        for home, (side, energy_wh, price) in zip(HOMES, orders, strict=True):
            self._place(self._order(home.address, 2, side, energy_wh, price))
            self._all_agrees()
        self._to(start * HOUR)
        self.clear(0)
        self.read_all([0] * len(HOMES), 0, ahead=0)
        self.read_all(imports, export_wh)
        self._all_agrees()
        if drained:
            self.withdraw(len(HOMES), 0, everything=True)
        self.settle(1, 1, half, door=False)
        self._all_agrees()
        self.settle(1, 1, len(HOMES), door=True)

    def _to(self, time_s: int) -> None:
        self.model.now_s = time_s
        self.chain.at(time_s)

    def _all_agrees(self) -> None:
        self.accounts_agree()
        self.intervals_agree()

    # What must hold

    @invariant()
    def accounts_agree(self) -> None:
        """Every balance, the sums, and the tokens that are behind them."""
        chain, model = self.chain, self.model
        for account in [*self.it.actors[:-1], chain.trading.address]:
            assert chain.trading.read("balanceOf", account) == model.balances[account]
        held = chain.money.read("balanceOf", chain.trading.address)
        assert chain.trading.read("totalLiabilities") == model.liabilities == held - model.donated
        for actor in self.it.actors:
            assert chain.money.read("balanceOf", actor) == model.wallets[actor]
        assert chain.trading.read("paused") == model.paused
        if self.acted:
            Market.steps += 1
            self.acted = False

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        """Balances, locked money and what is booked on one side only are the money received."""
        model = self.model
        locked, half_booked = 0, 0
        for book in model.books.values():
            locked += sum(book.lock(o, book.fee) for o in book.orders if o.trader not in book.statements)
            half_booked += 0 if book.closed else book.homes
        assert sum(model.balances.values()) + locked - half_booked == model.liabilities

    @invariant()
    def intervals_agree(self) -> None:
        """Clearing, fills and money of the intervals in reach."""
        for interval in range(self.current - 3, self.current + 3):
            book = self.model.books.get(interval)
            if book is not None:
                self._interval_agrees(interval, book)

    def _interval_agrees(self, interval: int, book: Book) -> None:
        trading = self.chain.trading
        found = trading.read("clearing", interval)
        if book.auction is None:
            assert found[0] == 0
            return
        right = book.auction
        assert found == (
            2 if book.closed else 1, right.tick, right.buy_margin_tick, right.sell_margin_tick, book.members,
            right.volume_wh, right.buy_fill_wh, right.sell_fill_wh, right.price_micro_per_kwh,
        )  # fmt: skip
        assert trading.read("intervalMoney", interval) == (*self.model.money(book), len(book.statements))
        for side, fills in ((Side.BUY, right.bought_wh), (Side.SELL, right.sold_wh)):
            for number, account in enumerate(self.it.accounts, 1):
                assert trading.read("fill", interval, number, int(side)) == fills.get(account, 0)
        self._cheating_does_not_pay(book)

    def _cheating_does_not_pay(self, book: Book) -> None:
        """Neither several accounts nor trade with oneself bring money; dust stays below one micro an account."""
        right = book.auction
        assert right is not None
        assert sum(right.bought_wh.values()) == sum(right.sold_wh.values()) == right.volume_wh
        merged = auction(right.interval, _merged(book), book.band)
        assert (merged.price_micro_per_kwh, merged.volume_wh) == (right.price_micro_per_kwh, right.volume_wh)
        prices = book.prices()
        for one, other in combinations(book.statements.values(), 2):
            apart, together = one.amount_micro + other.amount_micro, _sum(book.position(one), book.position(other))
            assert apart <= floor_micro(home_nano(together, prices))
        for statement in book.statements.values():
            position = book.position(statement)
            washed = min(position.bought_wh, position.sold_wh)
            if min(position.import_wh, position.export_wh) == 0:
                honest = replace(position, bought_wh=position.bought_wh - washed, sold_wh=position.sold_wh - washed)
                assert home_nano(position, prices) <= home_nano(honest, prices) - washed * prices.fee
        if book.closed:
            assert 0 <= self.model.money(book)[3] < book.members + 2


def _sum(one: Position, other: Position) -> Position:
    return Position(
        one.bought_wh + other.bought_wh,
        one.sold_wh + other.sold_wh,
        one.import_wh + other.import_wh,
        one.export_wh + other.export_wh,
    )


def _merged(book: Book) -> list[Order]:
    """The book as if the owner of several accounts had placed each run of its orders at one tick as one order."""
    merged: list[Order] = []
    for order in book.orders:
        last = merged[-1] if merged else None
        same = last is not None and last.trader in SYBILS and order.trader in SYBILS and last.side is order.side
        if last is not None and same and book.tick(last) == book.tick(order):
            merged[-1] = replace(last, energy_wh=last.energy_wh + order.energy_wh)
        else:
            merged.append(order)
    return merged


def check(examples: int, least: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    """Run histories and count what was checked."""
    Market.steps = 0
    Market.outcomes.clear()
    profile = settings(
        derandomize=True,  # what must have been reached is asserted below, so chance may not decide it
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Market, settings=profile)
    print(f"{Market.steps} checked steps:", dict(sorted(Market.outcomes.items())))  # noqa: T201 - shown by pytest -s
    assert Market.steps >= least


def test_contracts_and_reference_agree_in_some_histories() -> None:
    check(12, QUICK_STEPS)


def test_one_micro_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.reference.floor_micro", lambda amount_nano: -(-amount_nano // 1_000))
    with pytest.raises(AssertionError):
        check(50, 0, (Phase.generate,))


@pytest.mark.slow
def test_contracts_and_reference_agree_in_five_thousand_steps() -> None:
    check(150, SLOW_STEPS)
    reached = " ".join(Market.outcomes)
    assert Market.outcomes["interval with trade closed"] > MANY
    for word in (
        "GateClosed",
        "EnforcedPause",
        "BAD_SIGNATURE",
        "NONCE_USED",
        "STALE_SEQUENCE",
        "Reentrant",
        "BackstopUnfunded",
    ):
        assert word in reached
