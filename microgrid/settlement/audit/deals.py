"""Direct deals between homes, rebuilt beside the auction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from microgrid.domain.records import NO_DEALS, DirectDeals, PriceBand, Side, Trade
from microgrid.domain.units import ceil_micro, nano


def locked_micro(side: Side, energy_wh: int, limit: int, band: PriceBand, fee: int) -> int:
    """A buyer locks energy at its limit and the fee, a seller the most that failing to deliver can cost."""
    price = limit + fee if side is Side.BUY else band.retail - limit
    return ceil_micro(nano(energy_wh, price))


@dataclass(frozen=True, slots=True)
class Offer:
    """A deal that one home offered another; `side` is what the maker does."""

    maker: str
    counterparty: str
    interval: int
    side: Side
    energy_wh: int
    price: int

    @classmethod
    def of(cls, args: Mapping[str, Any], maker: str, counterparty: str) -> "Offer":
        """An offer as its event tells it."""
        return cls(maker, counterparty, args["interval"], Side(args["side"]), args["energyWh"], args["price"])

    def mirrored(self) -> "Offer":
        """The same deal as its other party sees it."""
        side = Side.SELL if self.side is Side.BUY else Side.BUY
        return replace(self, maker=self.counterparty, counterparty=self.maker, side=side)

    def locked(self, band: PriceBand, fee: int) -> int:
        """What its maker locks, micro."""
        return locked_micro(self.side, self.energy_wh, self.price, band, fee)


@dataclass
class DealBook:
    """Accepted deals of one interval one by one and by account, and what they locked, micro."""

    trades: list[Trade] = field(default_factory=list)
    _deals: dict[str, DirectDeals] = field(default_factory=dict)
    _locked: dict[str, int] = field(default_factory=dict)

    def enter(self, offer: Offer, band: PriceBand, fee: int) -> None:
        """Enter an accepted offer for both its parties."""
        bid = offer if offer.side is Side.BUY else offer.mirrored()
        self.trades.append(Trade(bid.maker, bid.counterparty, bid.energy_wh, bid.price))
        for deal in (offer, offer.mirrored()):
            buys = deal.side is Side.BUY
            before, payment = self.of(deal.maker), nano(deal.energy_wh, deal.price)
            self._deals[deal.maker] = DirectDeals(
                before.bought_wh + deal.energy_wh * buys,
                before.sold_wh + deal.energy_wh * (not buys),
                before.payment_nano + (-payment if buys else payment),
            )
            self._locked[deal.maker] = self.locked(deal.maker) + deal.locked(band, fee)

    def of(self, account: str) -> DirectDeals:
        """Deals of a home."""
        return self._deals.get(account, NO_DEALS)

    def all(self) -> dict[str, DirectDeals]:
        """Deals of all homes that have any."""
        return dict(self._deals)

    def locked(self, account: str) -> int:
        """What a home's deals locked, micro."""
        return self._locked.get(account, 0)
