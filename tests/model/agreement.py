"""What must hold after every step: every account, every fill, every sum, and that cheating does not pay."""

from dataclasses import replace
from itertools import combinations

from hypothesis.stateful import invariant
from model.books import Book
from model.play import Play
from model.world import SYBILS

from microgrid.domain.records import NO_DEALS, Order, Side
from microgrid.domain.units import floor_micro
from microgrid.market.mechanisms.tick_auction import auction
from microgrid.settlement.statement import Position, home_nano


class Agreement(Play):
    """Compares the contracts with the reference."""

    def _all_agrees(self) -> None:
        self.accounts_agree()
        self.intervals_agree()

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
            Play.steps += 1
            self.acted = False

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        """Balances, locked money and what is booked on one side only are the money received."""
        model = self.model
        locked, half_booked = self.direct.locked, 0
        for book in model.books.values():
            locked += sum(book.locked(account) for account in self.it.accounts if account not in book.statements)
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
            dealt = sum(book.deals.get(each.account, NO_DEALS).gain_nano(prices.clearing) for each in (one, other))
            assert apart <= floor_micro(home_nano(together, prices) + dealt)
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
