"""One interval of the market, rebuilt order by order and bill by bill."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgrid.domain.errors import AuditError, WireError
from microgrid.domain.journal import CLEARING_FIELDS, MONEY_FIELDS, interval_name, named_fields
from microgrid.domain.records import (
    AuctionResult,
    HomeStatement,
    IntervalMoney,
    Order,
    PriceBand,
    Settlement,
    Side,
    SignedOrder,
)
from microgrid.domain.units import floor_micro, nano
from microgrid.domain.wire import SigningDomain, order_struct_hash, recover
from microgrid.market.mechanisms.tick_auction import ask_ticks, auction, bid_ticks, tick_prices
from microgrid.settlement.audit.deals import DealBook, Offer, locked_micro
from microgrid.settlement.statement import MeteredEnergy, Position, Prices, direct_nano, grid_nano, home_nano

CHAIN = "the chain"
RELAYED = ("first", "duration", "nonce", "deadline", "signature")


@dataclass
class IntervalBook:
    """Orders, clearing and bills of one interval so far."""

    index: int
    band: PriceBand
    members: int = 0
    auction: AuctionResult | None = None
    orders: list[Order] = field(default_factory=list)
    statements: list[HomeStatement] = field(default_factory=list)
    _ticks: dict[tuple[str, Side], int] = field(default_factory=dict)
    _levels: dict[tuple[Side, int], int] = field(default_factory=dict)
    _places: dict[tuple[str, Side], int] = field(default_factory=dict)
    _deals: DealBook = field(default_factory=DealBook)
    _grid_nano: int = 0
    _closed: bool = False

    def add(self, trader: str, args: Mapping[str, Any], domain: SigningDomain) -> int:
        """Enter an order; returns the money it locks, micro.

        Raises:
            AuditError: the place in the queue, the tick or the signature is not what it must be.
        """
        side, tick = Side(args["side"]), args["tick"]
        self._same("ahead_wh of an order", args["aheadWh"], self._levels.get((side, tick), 0))
        self._levels[side, tick] = args["aheadWh"] + args["energyWh"]
        limit = args.get("limit", self._price(tick))
        self._same("tick of an order", tick, self._tick_of(side, limit))
        order = Order(trader, self.index, side, args["energyWh"], limit, args.get("nonce", 0), args.get("deadline", 0))
        if "signature" in args:
            self._check_signer(order, args, domain)
        self.orders.append(order)
        self._ticks[trader, side], self._places[trader, side] = tick, args["aheadWh"]
        return self._lock(order)

    def cancel(self, trader: str, args: Mapping[str, Any]) -> int:
        """Take an order out; returns the money that is the home's again, micro.

        Those behind it keep their place: it leaves a gap in the queue, unless it was the last.

        Raises:
            AuditError: the contract took out other energy, or gave back other money.
        """
        side = Side(args["side"])
        ahead_wh, tick = self._places.pop((trader, side)), self._ticks[trader, side]
        order = next(order for order in self.orders if (order.trader, order.side) == (trader, side))
        released = self._lock(order)
        self._same("tick of a cancelled order", args["tick"], tick)
        self._same("energy_wh of a cancelled order", args["energyWh"], order.energy_wh)
        self._same("released by a cancelled order", args["released"], released)
        self.orders.remove(order)
        if ahead_wh + order.energy_wh == self._levels[side, tick]:
            self._levels[side, tick] = ahead_wh
        return released

    def lock(self, offer: Offer) -> int:
        """Money that the maker of a direct deal locks, micro."""
        return offer.locked(self.band, self.band.fee)

    def deal(self, offer: Offer) -> None:
        """Enter a direct deal that both homes locked money for."""
        self._deals.enter(offer, self.band, self.band.fee)

    def _check_signer(self, order: Order, args: Mapping[str, Any], domain: SigningDomain) -> None:
        """One signature stands for all intervals of an order."""
        signed = SignedOrder(
            Order(
                order.trader,
                args["first"],
                order.side,
                order.energy_wh,
                order.price_micro_per_kwh,
                order.nonce,
                order.deadline_s,
                args["duration"],
            ),
            bytes.fromhex(args["signature"][2:]),
        )
        try:
            signer = recover(domain.digest(order_struct_hash(signed.order)), signed.signature)
        except WireError:
            signer = "nobody"
        self._same("signer of an order", signer, order.trader)

    def _price(self, tick: int) -> int:
        return int(tick_prices(self.band)[tick])

    def _tick_of(self, side: Side, limit: int) -> int:
        place = bid_ticks if side is Side.BUY else ask_ticks
        return int(place(np.array([limit], dtype=np.int64), tick_prices(self.band))[0])

    def _lock(self, order: Order) -> int:
        limit = self._price(self._ticks[order.trader, order.side])
        return locked_micro(order.side, order.energy_wh, limit, self.band, self.band.fee)

    def clear(self, args: Mapping[str, Any], members: int) -> None:
        """Clear with Python's own mechanism.

        Raises:
            AuditError: the contract found another tick, price or volume.
        """
        self.members = members
        self.auction = auction(self.index, self.orders, self.band)
        self._same("tick", args["tick"], self.auction.tick)
        self._same("price_micro_per_kwh", args["price"], self.auction.price_micro_per_kwh)
        self._same("volume_wh", args["volumeWh"], self.auction.volume_wh)

    def settle_home(self, account: str, energy: MeteredEnergy | None, args: Mapping[str, Any]) -> HomeStatement:
        """Bill one home.

        Raises:
            AuditError: the contract billed other energy or another amount.
        """
        if self.auction is None:
            raise AuditError(interval_name(self.index, "bill"), account, "none before clearing", CHAIN)
        metered, deals = energy or MeteredEnergy(0, 0), self._deals.of(account)
        position = Position(
            self.auction.bought_wh.get(account, 0) + deals.bought_wh,
            self.auction.sold_wh.get(account, 0) + deals.sold_wh,
            metered.import_wh,
            metered.export_wh,
        )
        prices = Prices.of(self.auction, self.band, self.band.fee)
        amount = floor_micro(home_nano(position, prices) + direct_nano(deals, prices))
        for name, recomputed in (
            ("boughtWh", position.bought_wh),
            ("soldWh", position.sold_wh),
            ("metered", energy is not None),
            ("importWh", position.import_wh),
            ("exportWh", position.export_wh),
            ("amount", amount),
        ):
            self._same(f"{name} of {account}", args[name], recomputed)
        statement = HomeStatement(
            self.index,
            account,
            position.bought_wh,
            position.sold_wh,
            position.import_wh,
            position.export_wh,
            energy is not None,
            amount,
        )
        self.statements.append(statement)
        self._grid_nano += grid_nano(position, prices)
        return statement

    def released(self, account: str) -> int:
        """What a home's orders and deals locked, micro."""
        orders = sum(self._lock(order) for order in self.orders if order.trader == account)
        return orders + self._deals.locked(account)

    @property
    def is_settled(self) -> bool:
        """Whether every member is billed."""
        return self.auction is not None and len(self.statements) == self.members

    @property
    def is_settling(self) -> bool:
        """Whether homes are billed and the grid's part is not booked yet."""
        return bool(self.statements) and not self._closed

    def money(self) -> IntervalMoney:
        """Money so far; fees and dust once every member is billed."""
        homes = sum(statement.amount_micro for statement in self.statements)
        grid = floor_micro(self._grid_nano)
        if not self.is_settled or self.auction is None:
            return IntervalMoney(self.index, homes, grid, 0, 0)
        bought_wh = sum(statement.bought_wh for statement in self.statements)
        fees = floor_micro(nano(bought_wh, self.band.fee))
        return IntervalMoney(self.index, homes, grid, fees, -(homes + grid + fees))

    def close(self, args: Mapping[str, Any]) -> IntervalMoney:
        """Book the interval.

        Raises:
            AuditError: not every home is billed, or the contract booked other sums.
        """
        self._same("homes settled", len(self.statements), self.members)
        money = self.money()
        for name in MONEY_FIELDS:
            self._same(name, args[name.removesuffix("_micro")], getattr(money, name))
        self._closed = True
        return money

    def settlement(self) -> Settlement | None:
        """The whole settlement, None before the last bill."""
        return Settlement(self.money(), tuple(self.statements)) if self.is_settled else None

    def state(self) -> Iterator[tuple[str, int]]:
        """What the contract must hold of a cleared interval."""
        if self.auction is not None:
            yield from named_fields(self.auction, CLEARING_FIELDS, self.index)
            yield from named_fields(self.money(), MONEY_FIELDS, self.index)

    def _same(self, what: str, recorded: int | str, recomputed: int | str) -> None:
        if recorded != recomputed:
            raise AuditError(interval_name(self.index, what), recorded, recomputed, CHAIN)
