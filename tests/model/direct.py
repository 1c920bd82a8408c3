"""What direct trading between two homes must do, written anew from the contract's interface."""

from dataclasses import dataclass, field, replace

from model.books import Book
from model.reference import Reference, need

from microgrid.domain.records import NO_DEALS, DirectDeals, Side
from microgrid.domain.units import ceil_micro, nano


@dataclass
class Offer:
    """A deal on offer; `side` is what its maker does."""

    maker: str
    counterparty: str
    interval: int
    energy_wh: int
    price: int
    side: Side
    expiry_s: int
    locked: int = 0
    open: bool = True


@dataclass
class Direct:
    """Offers by number, from 1; accepted ones are entered into the market's intervals."""

    market: Reference
    offers: list[Offer] = field(default_factory=list)

    @property
    def locked(self) -> int:
        """Money that open offers lock, micro."""
        return sum(offer.locked for offer in self.offers if offer.open)

    def offer(self, made: Offer) -> int:
        """A home offers a deal; returns its number."""
        market = self.market
        need(made.maker in market.members, "UnknownMember")
        need(made.counterparty in market.members and made.counterparty != made.maker, "InvalidCounterparty")
        closure = made.interval * market.rules.seconds - market.rules.lead_s
        need(market.now_s <= made.expiry_s < closure, "InvalidExpiry")
        need(market.rules.min_wh <= made.energy_wh <= market.rules.max_wh, "EnergyOutOfRange")
        book = market.books.get(made.interval)
        need(book is not None, "IntervalNotOpen")
        assert book is not None
        need(book.band.feed_in <= made.price <= book.band.retail, "PriceOutsideBand")
        locked = self._lock(book, made.maker, made, buys=made.side is Side.BUY)
        self.offers.append(replace(made, locked=locked))
        return len(self.offers)

    def accept(self, who: str, number: int) -> None:
        """The other home agrees."""
        made = self._find(number)
        need(who == made.counterparty, "NotYourOffer")
        need(self.market.now_s <= made.expiry_s, "OfferExpired")
        book, maker_buys = self.market.books[made.interval], made.side is Side.BUY
        locked = self._lock(book, who, made, buys=not maker_buys)
        made.open = False
        for account, buys, behind in ((made.maker, maker_buys, made.locked), (who, not maker_buys, locked)):
            before, payment = book.deals.get(account, NO_DEALS), nano(made.energy_wh, made.price)
            book.deals[account] = DirectDeals(
                before.bought_wh + made.energy_wh * buys,
                before.sold_wh + made.energy_wh * (not buys),
                before.payment_nano + (-payment if buys else payment),
            )
            book.deal_locks[account] += behind

    def withdraw(self, who: str, number: int) -> None:
        """Its maker takes an offer back, at any time."""
        made = self._find(number)
        need(who == made.maker, "NotYourOffer")
        made.open = False
        self.market.unlock(who, made.locked)

    def _find(self, number: int) -> Offer:
        need(1 <= number <= len(self.offers) and self.offers[number - 1].open, "OfferNotOpen")
        return self.offers[number - 1]

    def _lock(self, book: Book, account: str, made: Offer, *, buys: bool) -> int:
        """Price and fee of what a home buys, or the most that not delivering can cost it."""
        market = self.market
        need(not market.paused, "EnforcedPause")
        locked = ceil_micro(nano(made.energy_wh, made.price + book.fee if buys else book.band.retail - made.price))
        need(market.balances[account] >= locked, "InsufficientBalance")
        market.balances[account] -= locked
        return locked
