"""Orders: a home's own and relayed ones, split, against itself, forged, handed in again, and taken back."""

from dataclasses import replace

from eth_abi.abi import encode
from hypothesis import strategies as st
from hypothesis.stateful import rule
from model.agreement import Agreement
from model.chain import HOUR
from model.play import Play
from model.reference import need
from model.world import FEED_IN, HOMES, RETAIL, STRANGER, SYBILS, energies, homes, prices, sides

from microgrid.domain.records import Order, OrderResult, Side
from microgrid.domain.wire import SigningDomain, keccak256, order_struct_hash

CANCELLATION = keccak256(b"Cancellation(address trader,uint64 interval,uint8 side,uint64 deadline)")
CANCELLATION_KINDS = ["address", "uint64", "uint8", "uint64"]


class OrderRules(Agreement):
    """What is put into the book and taken out of it before the gate closes."""

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
        Play.outcomes["split order"] += 1
        for account in SYBILS:
            self._place(self._order(account, offset, side, energy_wh, price))

    @rule(offset=st.integers(1, 2), energy_wh=st.integers(10, 3_000), price=st.integers(FEED_IN, RETAIL), who=homes)
    def wash_trade(self, offset: int, energy_wh: int, price: int, who: int) -> None:
        """A home buys from itself."""
        Play.outcomes["wash trade"] += 1
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

    @rule(
        who=st.integers(0, 8),
        offset=st.integers(0, 3),
        side=sides,
    )
    def cancel(self, who: int, offset: int, side: Side) -> None:
        self._cancel(self.account(who), self.current + offset, side)

    @rule(
        who=homes, side=sides, energy_wh=st.integers(10, 3_000), price=st.integers(FEED_IN, RETAIL), again=st.booleans()
    )
    def change_mind(self, who: int, side: Side, energy_wh: int, price: int, *, again: bool) -> None:
        """An order, taken back, placed anew; a second change is refused."""
        trader = HOMES[who].address
        for _ in range(1 + again):
            self._place(self._order(trader, 2, side, energy_wh, price))
            self._all_agrees()
            self._cancel(trader, self.current + 2, side)
            self._all_agrees()

    def _cancel(self, trader: str, interval: int, side: Side) -> None:
        self.both(
            "cancel",
            lambda: self.model.cancel(trader, interval, side),
            lambda: self.chain.trading.send(trader, "cancelOrder", interval, int(side)) or None,
        )

    @rule(
        home=homes,
        offset=st.integers(1, 3),
        side=sides,
        forgery=st.sampled_from(["", "", "", "key", "contract", "side", "late"]),
        again=st.booleans(),
    )
    def relay_cancellation(self, home: int, offset: int, side: Side, forgery: str, *, again: bool) -> None:
        """A signed cancellation, forged, too late or, of an order that was placed anew, handed in again."""
        self._place(self._order(HOMES[home].address, offset, side, 1_000, (FEED_IN + RETAIL) // 2))
        self._relay_cancellation(*self._signed_cancellation(home, offset, side, forgery))
        if again and self.cancellations:
            self._place(self._order(HOMES[home].address, offset, side, 2_000, (FEED_IN + RETAIL) // 2))
            self._relay_cancellation(*self.cancellations[-1])

    def _signed_cancellation(
        self, home: int, offset: int, side: Side, forgery: str
    ) -> tuple[tuple[str, int, int, int], bytes, str]:
        """A cancellation, its signature, and the error that is in it."""
        deadline_s = self.model.now_s + (-1 if forgery == "late" else HOUR)
        words = (HOMES[home].address, self.current + offset, int(side), deadline_s)
        signed = (*words[:2], 1 - words[2], words[3]) if forgery == "side" else words
        signer = HOMES[(home + 1) % len(HOMES)] if forgery == "key" else HOMES[home]
        domain = self.chain.order_domain
        if forgery == "contract":
            domain = SigningDomain(domain.name, domain.chain_id, self.it.twin.address)
        signature = signer.sign(domain.digest(keccak256(CANCELLATION + encode(CANCELLATION_KINDS, signed))))
        made = (words, signature, "" if forgery in ("", "late") else "BadSignature")
        if not forgery:
            self.cancellations.append(made)
        return made

    def _relay_cancellation(self, words: tuple[str, int, int, int], signature: bytes, error: str) -> None:
        trader, interval, side, deadline_s = words

        def expected() -> None:
            need(not error, error)
            need(self.model.now_s <= deadline_s, "CancellationExpired")
            self.model.cancel(trader, interval, Side(side))

        self.both(
            "relayed cancellation",
            expected,
            lambda: self.chain.trading.send(STRANGER.address, "cancelOrderFor", words, signature) or None,
        )

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
        Play.outcomes.update(f"relayed {OrderResult(code).name}" for code in results or ())
