"""DirectTrading: deals between two named homes, beside the auction."""

from dataclasses import dataclass
from enum import IntEnum

from web3.contract import Contract

from microgrid.chain.events import events
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import DirectDeals, Side

OFFER = GasBudget(500_000)


class OfferStatus(IntEnum):
    """Where an offer is; accepted and withdrawn are final."""

    NONE = 0
    OPEN = 1
    ACCEPTED = 2
    WITHDRAWN = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A deal that one home offered another.

    Attributes:
        number: Its number, from 1.
        maker_id: Member number of the home that made it.
        counterparty_id: Member number of the only home that may accept it.
        interval: Delivery interval.
        energy_wh: Energy.
        price_micro_per_kwh: Price.
        side: What the maker does.
        status: Where the offer is.
        expiry_s: Last second at which it can be accepted, Unix time.
        locked_micro: What the maker locked.
    """

    number: int
    maker_id: int
    counterparty_id: int
    interval: int
    energy_wh: int
    price_micro_per_kwh: int
    side: Side
    status: OfferStatus
    expiry_s: int
    locked_micro: int


class DirectTrading:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor, first_block: int) -> None:
        self.contract, self._transactor, self._first_block = contract, transactor, first_block

    def offer(
        self, counterparty: str, interval: int, energy_wh: int, price_micro_per_kwh: int, side: Side, expiry_s: int
    ) -> int:
        """Offer a deal to a home and lock escrow or bond for it; returns the offer's number.

        Raises:
            ContractRevertError: `InvalidCounterparty`, `InvalidExpiry` (past, or not before gate closure), and those
                of an order.
        """
        args = [counterparty, interval, energy_wh, price_micro_per_kwh, int(side), expiry_s]
        receipt = self._transactor.execute("offer", self.contract, "offer", args, OFFER)
        return int(next(events(self.contract, "OfferMade", receipt["logs"]))["offerId"])

    def accept(self, number: int) -> None:
        """Accept an offer made to this account.

        Raises:
            ContractRevertError: `OfferNotOpen`, `NotYourOffer`, `OfferExpired`, `InsufficientBalance`.
        """
        self._transactor.execute("accept", self.contract, "accept", [number], OFFER)

    def withdraw_offer(self, number: int) -> None:
        """Take back an offer of this account that nobody accepted.

        Raises:
            ContractRevertError: `OfferNotOpen`, `NotYourOffer`.
        """
        self._transactor.execute("withdrawOffer", self.contract, "withdrawOffer", [number], OFFER)

    def offer_at(self, number: int) -> Offer:
        """An offer by its number; status NONE for an unknown one."""
        found = self._transactor.read(self.contract, "offerAt", number)
        maker, other, interval, energy_wh, price, side, status, expiry_s, locked = found
        terms = (energy_wh, price, Side(side), OfferStatus(status))
        return Offer(number, maker, other, interval, *terms, expiry_s, locked)

    def offers(self) -> list[Offer]:
        """All offers ever made, oldest first."""
        count = int(self._transactor.read(self.contract, "offerCount"))
        return [self.offer_at(number) for number in range(1, count + 1)]

    def accepted(self, interval: int) -> list[Offer]:
        """Accepted deals of an interval, in the order of acceptance."""
        logs = self._transactor.logs(self.contract, "OfferAccepted", self._first_block, {"interval": interval})
        return [self.offer_at(log["args"]["offerId"]) for log in logs]

    def dealt_wh(self, interval: int) -> int:
        """Energy of all accepted deals of an interval."""
        return int(self._transactor.read(self.contract, "dealtWh", interval))

    def deals(self, interval: int, member_id: int) -> DirectDeals:
        """Accepted deals of a home in an interval."""
        bought_wh, sold_wh, payment_nano, _ = self._transactor.read(self.contract, "dealsOf", interval, member_id)
        return DirectDeals(bought_wh, sold_wh, payment_nano)
