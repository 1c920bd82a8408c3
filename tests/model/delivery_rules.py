"""From gate closure to bills: clearing and settlement in any order, and whole hours as they usually go."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model.chain import HOUR
from model.deal_rules import DealRules
from model.meter_rules import MeterRules
from model.money_rules import MoneyRules
from model.order_rules import OrderRules
from model.play import Play
from model.world import FEED_IN, HOMES, RETAIL, STRANGER, homes, offsets, sides

from microgrid.domain.records import Side


class DeliveryRules(MoneyRules, OrderRules, DealRules, MeterRules):
    """Clearing and settlement."""

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
            Play.outcomes["interval closed"] += 1
            Play.outcomes["interval with trade closed"] += self._volume(interval) > 0
            Play.outcomes["interval with deals closed"] += bool(self.model.books[interval].deals)

    def _volume(self, interval: int) -> int:
        cleared = self.model.books[interval].auction
        return cleared.volume_wh if cleared else 0

    @rule()
    def settle_due(self) -> None:
        """Settle all that can be."""
        for interval, book in list(self.model.books.items()):
            if book.auction is not None and not book.closed:
                self.settle(self.current - interval, 1, len(HOMES), door=True)

    @rule(
        orders=st.lists(st.tuples(sides, st.integers(10, 4_000), st.integers(FEED_IN, RETAIL)), min_size=6, max_size=6),
        imports=st.just([0] * 6) | st.lists(st.integers(0, 4_000), min_size=6, max_size=6),
        export_wh=st.integers(0, 3_000),
        deals=st.lists(
            st.tuples(homes, st.integers(1, 5), sides, st.integers(10, 4_000), st.integers(FEED_IN, RETAIL)), max_size=2
        ),
        half=st.integers(1, 5),
        drained=st.booleans(),
    )
    def hour_as_usual(
        self,
        orders: list[tuple[Side, int, int]],
        imports: list[int],
        export_wh: int,
        deals: list[tuple[int, int, Side, int, int]],
        half: int,
        *,
        drained: bool,
    ) -> None:
        """Orders of all, some deals, clearing, delivery, readings, settlement in two chunks; every part is checked.

        The grid supplier may take out before what it can, so that it owes what it does not have.
        """
        start = self.current + 2
        for home, (side, energy_wh, price) in zip(HOMES, orders, strict=True):
            self._place(self._order(home.address, 2, side, energy_wh, price))
            self._all_agrees()
        for who, other, side, energy_wh, price in deals:
            self.deal(who, other, side, energy_wh, price, "accept")
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
