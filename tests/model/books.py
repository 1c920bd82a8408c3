"""An interval of the reference market: its orders and deals, what they lock, its clearing and its bills."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from microgrid.domain.records import (
    AuctionResult,
    DirectDeals,
    HomeStatement,
    Order,
    PriceBand,
    Side,
)
from microgrid.domain.units import ceil_micro, nano
from microgrid.market.mechanisms.tick_auction import ask_ticks, bid_ticks, tick_prices
from microgrid.settlement.statement import Position, Prices


@dataclass
class Book:
    """An interval."""

    band: PriceBand
    orders: list[Order] = field(default_factory=list)
    cancelled: set[tuple[str, Side]] = field(default_factory=set)
    deals: dict[str, DirectDeals] = field(default_factory=dict)
    deal_locks: Counter[str] = field(default_factory=Counter)
    fee: int = 0
    auction: AuctionResult | None = None
    members: int = 0
    statements: dict[str, HomeStatement] = field(default_factory=dict)
    homes: int = 0
    grid_nano: int = 0
    closed: bool = False

    def tick(self, order: Order) -> int:
        """Tick of an order's limit."""
        limit = np.array([order.price_micro_per_kwh], dtype=np.int64)
        place = bid_ticks if order.side is Side.BUY else ask_ticks
        return int(place(limit, tick_prices(self.band))[0])

    def lock(self, order: Order, fee: int) -> int:
        """Money that an order locks."""
        limit = int(tick_prices(self.band)[self.tick(order)])
        price = limit + fee if order.side is Side.BUY else self.band.retail - limit
        return ceil_micro(nano(order.energy_wh, price))

    def locked(self, account: str) -> int:
        """Money that all orders and deals of an account lock."""
        return sum(self.lock(o, self.fee) for o in self.orders if o.trader == account) + self.deal_locks[account]

    def prices(self) -> Prices:
        """Prices that settle it."""
        assert self.auction is not None
        return Prices.of(self.auction, self.band, self.fee)

    def position(self, statement: HomeStatement) -> Position:
        """Energies of a statement."""
        return Position(statement.bought_wh, statement.sold_wh, statement.import_wh, statement.export_wh)
