"""Direct deals: offered, accepted, withdrawn, expired, also between the accounts of one owner."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model.agreement import Agreement
from model.direct import Offer
from model.world import FEED_IN, HOMES, RETAIL, energies, homes, prices, sides

from microgrid.domain.records import Side

numbers = st.integers(0, 3)


class DealRules(Agreement):
    """Deals beside the auction."""

    @rule(
        who=st.integers(0, 8),
        to=st.integers(0, 8),
        offset=st.integers(0, 3),
        side=sides,
        energy_wh=energies,
        price=prices,
        lasts_s=st.sampled_from([-1, 0, 600, 1_800, 10_000]),
    )
    def offer(self, who: int, to: int, offset: int, side: Side, energy_wh: int, price: int, lasts_s: int) -> None:
        self._offer(self._deal(who, to, offset, side, energy_wh, price, lasts_s))

    @rule(
        who=homes,
        other=st.integers(1, len(HOMES) - 1),
        side=sides,
        energy_wh=st.integers(10, 5_000),
        price=st.sampled_from([FEED_IN, RETAIL]) | st.integers(FEED_IN, RETAIL),
        ending=st.sampled_from(["accept", "accept", "withdraw", "expire"]),
    )
    def deal(self, who: int, other: int, side: Side, energy_wh: int, price: int, ending: str) -> None:
        """Two homes about the interval after next, from offer to end; each tries what only the other may."""
        to = (who + other) % len(HOMES)
        self._offer(self._deal(who, to, 2, side, energy_wh, price, 0))
        number = len(self.direct.offers)
        self._withdraw(to, number)
        self._accept(who, number)
        if ending == "withdraw":
            self._withdraw(who, number)
        if ending == "expire":
            self._to(self.model.now_s + 1)
        self._accept(to, number)
        self._withdraw(who, number)

    @rule(who=st.integers(0, 8), back=numbers)
    def accept(self, who: int, back: int) -> None:
        """One of the latest offers, or none; whoever it was made to."""
        self._accept(who, len(self.direct.offers) - back)

    @rule(who=st.integers(0, 8), back=numbers)
    def withdraw_offer(self, who: int, back: int) -> None:
        self._withdraw(who, len(self.direct.offers) - back)

    def _deal(self, who: int, to: int, offset: int, side: Side, energy_wh: int, price: int, lasts_s: int) -> Offer:
        expiry_s = self.model.now_s + lasts_s
        return Offer(self.account(who), self.account(to), self.current + offset, energy_wh, price, side, expiry_s)

    def _offer(self, made: Offer) -> None:
        values = (made.counterparty, made.interval, made.energy_wh, made.price, int(made.side), made.expiry_s)
        self.both(
            "offer",
            lambda: self.direct.offer(made),
            lambda: self.chain.direct.send(made.maker, "offer", *values),
        )
        self._all_agrees()

    def _accept(self, who: int, number: int) -> None:
        self._end("accept", self.account(who), max(0, number))

    def _withdraw(self, who: int, number: int) -> None:
        self._end("withdrawOffer", self.account(who), max(0, number))

    def _end(self, door: str, who: str, number: int) -> None:
        act = self.direct.accept if door == "accept" else self.direct.withdraw
        self.both(door, lambda: act(who, number), lambda: self.chain.direct.send(who, door, number) or None)
        self._all_agrees()
