"""The frozen records that stages hand to each other. A stage never alters a record, it makes the next one.

Accounts are EIP-55 checksummed hexadecimal addresses, device ids are 32 bytes: keccak256 of the device's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from microgrid.domain.intervals import Interval
from microgrid.domain.units import nano

EPOCH_SHIFT = 32


class Side(IntEnum):
    """Side of an order, as in the contract."""

    BUY = 0
    SELL = 1


class DeviceClass(IntEnum):
    """Class of a device, as in the contract."""

    SMART_METER = 0
    INVERTER = 1
    BATTERY = 2
    APPLIANCE = 3
    GRID_SENSOR = 4


class DeviceStatus(IntEnum):
    """Status of a device, as in the contract."""

    NONE = 0
    ACTIVE = 1
    SUSPENDED = 2
    RETIRED = 3


class ReadingResult(IntEnum):
    """What the contract said of one reading, as in the contract."""

    ACCEPTED = 0
    UNKNOWN_DEVICE = 1
    INACTIVE_DEVICE = 2
    BAD_SIGNATURE = 3
    STALE_SEQUENCE = 4
    STALE_TIMESTAMP = 5
    FUTURE_TIMESTAMP = 6
    TOO_OLD = 7
    REGISTER_DECREASED = 8
    POWER_EXCEEDED = 9


class OrderResult(IntEnum):
    """What the contract said of one relayed order, as in the contract."""

    ACCEPTED = 0
    BAD_SIGNATURE = 1
    EXPIRED = 2
    NONCE_USED = 3
    UNKNOWN_MEMBER = 4
    GATE_CLOSED = 5
    INTERVAL_NOT_OPEN = 6
    ORDER_EXISTS = 7
    ENERGY_OUT_OF_RANGE = 8
    PRICE_OUTSIDE_BAND = 9
    INSUFFICIENT_BALANCE = 10
    INVALID_DURATION = 11
    BANNED = 12


class RejectionReason(StrEnum):
    """Why the oracle put a message into the dead-letter table."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    TOPIC_MISMATCH = "topic_mismatch"
    UNKNOWN_DEVICE = "unknown_device"
    INACTIVE_DEVICE = "inactive_device"
    BAD_SIGNATURE = "bad_signature"
    STALE_EPOCH = "stale_epoch"
    REPLAYED = "replayed"
    EQUIVOCATION = "equivocation"
    CLOCK = "clock"
    REGISTER_DECREASED = "register_decreased"
    POWER_EXCEEDED = "power_exceeded"
    REFUSED_ON_CHAIN = "refused_on_chain"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it travels: where it was published and its exact bytes (signature, then payload)."""

    topic: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """A signed reading of cumulative registers at the end of an interval.

    Attributes:
        device: Name of the device.
        device_id: keccak256 of the name.
        epoch: Rises when a device lost its counter and was enrolled anew.
        sequence: Counter within the epoch.
        timestamp_s: End of the interval read, Unix seconds.
        import_wh: Cumulative energy drawn from the grid.
        export_wh: Cumulative energy fed into the grid.
        power_w: Mean net power over the interval, import positive.
        voltage_mv: Phase voltage.
        quality: Bit field, see `microgrid.domain.wire.Quality`.
        payload: The exact payload bytes that were sent.
        signature: 65 bytes r, s, v over the EIP-712 digest of the reading.
    """

    device: str
    device_id: bytes
    epoch: int
    sequence: int
    timestamp_s: int
    import_wh: int
    export_wh: int
    power_w: int
    voltage_mv: int
    quality: int
    payload: bytes
    signature: bytes

    @property
    def chain_sequence(self) -> int:
        """Epoch and sequence as the one strictly rising number that the contract keeps."""
        return self.epoch << EPOCH_SHIFT | self.sequence


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message that was refused: a value, never dropped, never fatal."""

    topic: str
    reason: RejectionReason
    explanation: str
    data: bytes


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the registry knows of a device.

    Attributes:
        key: Address of the device's signing key.
        owner: Account of the home it belongs to.
        member_id: The home's number in the contracts, from 1.
        rated_power_w: Largest power it can measure.
    """

    device: str
    device_id: bytes
    key: str
    owner: str
    member_id: int
    device_class: DeviceClass
    status: DeviceStatus
    rated_power_w: int
    zone: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order as a home signs it; fields as in the contract's EIP-712 struct, energy in Wh, price in micro per kWh."""

    trader: str
    interval: int
    side: Side
    energy_wh: int
    price_micro_per_kwh: int
    nonce: int
    deadline_s: int
    duration: int = 1


def order_for(trader: str, interval: Interval, net_wh: int, price_micro_per_kwh: int) -> Order:
    """A home's order for an interval, good until the interval begins.

    Args:
        trader: The home's account.
        interval: When the energy flows.
        net_wh: What the home lacks (above zero: a bid) or has left over (below zero: an offer), Wh.
        price_micro_per_kwh: Its limit.
    """
    side = Side.BUY if net_wh > 0 else Side.SELL
    return Order(
        trader,
        interval.index,
        side,
        abs(net_wh),
        price_micro_per_kwh,
        order_nonce(interval.index, side),
        interval.start_s,
    )


def order_nonce(interval: int, side: Side) -> int:
    """A nonce that rises with a home's orders: interval by interval, in each the bid before the offer.

    The contract takes no order with a lower nonce than one it took before.
    """
    return 2 * interval + int(side)


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order with its 65-byte signature."""

    order: Order
    signature: bytes


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A home's wish to take its order of an interval and side back; a relay may hand it in up to `deadline_s`."""

    trader: str
    interval: int
    side: Side
    deadline_s: int


@dataclass(frozen=True, slots=True)
class SignedCancellation:
    """A cancellation with its 65-byte signature."""

    cancellation: Cancellation
    signature: bytes


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Published tariff of an interval, micro per kWh.

    Attributes:
        feed_in: What the grid pays.
        retail: What the grid asks.
        reference: The auction's tie-break.
        fee: Trading fee on each kWh bought.
    """

    feed_in: int
    retail: int
    reference: int
    fee: int = 0


@dataclass(frozen=True, slots=True)
class AuctionResult:
    """Outcome of one tick auction, equal on chain and in Python.

    Attributes:
        interval: Interval index.
        tick: Clearing tick.
        price_micro_per_kwh: Price of the clearing tick.
        volume_wh: Energy bought, equal to energy sold.
        bought_wh: Fill by account, buyers with an order only (zero fills included).
        sold_wh: Fill by account, sellers with an order only (zero fills included).
    """

    interval: int
    tick: int
    price_micro_per_kwh: int
    volume_wh: int
    buy_margin_tick: int
    sell_margin_tick: int
    buy_fill_wh: int
    sell_fill_wh: int
    bought_wh: Mapping[str, int] = field(default_factory=dict)
    sold_wh: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DirectDeals:
    """Accepted deals of one home in one interval, beside the auction.

    Attributes:
        bought_wh: Energy bought.
        sold_wh: Energy sold.
        payment_nano: What the deals' prices bring the home, nano, fee apart; over all homes they sum to zero.
    """

    bought_wh: int
    sold_wh: int
    payment_nano: int

    def gain_nano(self, price_micro_per_kwh: int) -> int:
        """What a home gets more, nano, than if its deals had the price p: payment + p (bought - sold)."""
        return self.payment_nano + nano(self.bought_wh - self.sold_wh, price_micro_per_kwh)


NO_DEALS = DirectDeals(0, 0, 0)


@dataclass(frozen=True, slots=True, order=True)
class Trade:
    """Energy that one account bought from another."""

    buyer: str
    seller: str
    energy_wh: int
    price_micro_per_kwh: int


@dataclass(frozen=True, slots=True)
class HomeStatement:
    """One home's bill of one interval.

    Attributes:
        amount_micro: Credit to the home; below zero it pays.
        metered: Whether a reading ended the interval; if not, import and export are zero and unknown.
    """

    interval: int
    account: str
    bought_wh: int
    sold_wh: int
    import_wh: int
    export_wh: int
    metered: bool
    amount_micro: int


@dataclass(frozen=True, slots=True)
class IntervalMoney:
    """Money of one interval, micro, as each account saw it; the four sum to zero once settled."""

    interval: int
    homes_micro: int
    grid_micro: int
    fees_micro: int
    dust_micro: int

    @property
    def error_micro(self) -> int:
        """Zero when nothing was made or lost."""
        return self.homes_micro + self.grid_micro + self.fees_micro + self.dust_micro


@dataclass(frozen=True, slots=True)
class Settlement:
    """All statements of one interval and their sums."""

    money: IntervalMoney
    statements: tuple[HomeStatement, ...]


@dataclass(frozen=True, slots=True)
class GasUse:
    """Gas that one transaction took, by operation."""

    operation: str
    gas: int
    items: int = 1
