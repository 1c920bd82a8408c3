"""The seam: what the pipeline needs from the outside world, on one page. Adapters implement these, tests may too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from microgrid.domain.intervals import Interval
from microgrid.domain.records import (
    AuctionResult,
    DeviceClass,
    DeviceRecord,
    DirectDeals,
    Frame,
    GasUse,
    OrderResult,
    PriceBand,
    Reading,
    ReadingResult,
    Rejection,
    Settlement,
    SignedOrder,
    Trade,
)
from microgrid.domain.wire import SigningDomain


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received frame and the token that acknowledges it."""

    frame: Frame
    token: object


class Broker(Protocol):
    """A client of an MQTT broker, for the oracle: manual acknowledgement, bounded buffer."""

    def subscribe(self, topic_filter: str) -> None:
        """Ask for all frames whose topic matches, quality of service 1; survives reconnects."""

    def receive(self, most: int, timeout_s: float) -> list[Delivery]:
        """Up to `most` deliveries; waits up to `timeout_s` for the first, empty when none came."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are stored, in order of arrival; stale tokens of an old connection are ignored."""

    def publish(self, frame: Frame) -> None:
        """Send with quality of service 1; does not wait."""

    def close(self) -> None:
        """Disconnect."""


class Store(Protocol):
    """Append-only tables. Each method is one transaction."""

    def record(self, readings: Sequence[Reading], rejections: Sequence[Rejection]) -> None:
        """Write new readings (pending for the chain) and dead letters, all or nothing; known readings are ignored."""

    def stored_payload(self, device: str, epoch: int, sequence: int) -> bytes | None:
        """Payload stored under this key, None when there is none."""

    def contiguous(self, devices: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Per device the epoch and the highest sequence up to which nothing is missing (sequences count from 0)."""

    def recent(self) -> list[tuple[Reading, bool]]:
        """Decided readings from the newest accepted one up to each gap-free mark on; False beside refused ones."""

    def last_readings(self) -> dict[str, Reading]:
        """The newest stored reading of each device."""

    def pending_readings(self) -> list[Reading]:
        """Readings not yet on chain, each device's in order of sequence, none behind a gap, sorted by device."""

    def next_batch_number(self) -> int:
        """Number of the next chain batch."""

    def begin_batch(self, number: int, readings: Sequence[Reading], raw_transaction: bytes) -> None:
        """Remember a signed transaction before it is sent."""

    def unfinished_batches(self) -> list[tuple[int, bytes, list[Reading]]]:
        """Batches begun but not finished, oldest first: number, raw transaction, readings."""

    def finish_batch(self, number: int, results: Sequence[ReadingResult]) -> None:
        """Mark a batch as done; refused readings go to the dead letters."""

    def counts(self) -> Mapping[str, int]:
        """Rows per table and dead letters per reason (`rejected.<reason>`), `readings`, `on_chain`, `pending`."""

    def dead_letters(self) -> list[Rejection]:
        """All refused messages, oldest first."""

    def close(self) -> None:
        """Release the database."""


class Chain(Protocol):
    """The four contracts on some EVM."""

    @property
    def reading_domain(self) -> SigningDomain:
        """EIP-712 domain in which devices sign."""

    @property
    def order_domain(self) -> SigningDomain:
        """EIP-712 domain in which homes sign orders."""

    @property
    def gas_used(self) -> Sequence[GasUse]:
        """One entry a transaction, in order."""

    def advance_to(self, time_s: int) -> None:
        """Let chain time reach `time_s` (Unix); waits where the chain's clock cannot be set."""

    def register_home(self, account: str) -> int:
        """Admit a home; returns its member number."""

    def register_device(
        self, name: str, owner: str, key: str, device_class: DeviceClass, rated_power_w: int, zone: int
    ) -> None:
        """Register a device of a home."""

    def devices(self) -> list[DeviceRecord]:
        """All registered devices whose names are known here."""

    def deposit(self, account: str, amount_micro: int) -> None:
        """Pay money into an account's balance."""

    def open_intervals(self, first: Interval, bands: Sequence[PriceBand]) -> None:
        """Publish the tariff of consecutive intervals."""

    def band(self, interval: int) -> PriceBand:
        """Prices of an open interval as the contract has them, reference included."""

    def submit_orders(self, orders: Sequence[SignedOrder]) -> list[OrderResult]:
        """Relay signed orders in one transaction (or a few, by gas)."""

    def clear(self, interval: int) -> AuctionResult:
        """Clear and read back price, volume and every home's fill."""

    def prepare_readings(self, batch_number: int, readings: Sequence[Reading]) -> bytes:
        """Signed raw transaction that submits a batch."""

    def send_readings(self, raw_transaction: bytes) -> list[ReadingResult]:
        """Send it (again, if need be) and read the result of each item."""

    def settle(self, interval: int) -> Settlement:
        """Settle all homes in chunks and read statements and sums back from the contract's events and state."""

    def deals(self, interval: int) -> Mapping[str, DirectDeals]:
        """Direct deals that homes accepted among themselves, by account; none of those that made none."""

    def direct_trades(self, interval: int) -> Sequence[Trade]:
        """The same deals one by one."""

    def offered(self) -> Mapping[str, int]:
        """Micro that open offers of direct deals lock, by account; none of homes without one."""

    def balances(self) -> Mapping[str, int]:
        """Micro in every account: homes by address, and `grid`, `fees`, `dust`."""

    def rewards(self) -> Mapping[str, int]:
        """Accrued reward per home, 18 decimals."""


class Clock(Protocol):
    """Where time comes from."""

    def now_s(self) -> int:
        """Unix time in seconds."""


class Fleet(Protocol):
    """Devices that read themselves and publish until a receipt covers it."""

    def tick(self, end_s: int) -> None:
        """Every meter reads its registers at this time and publishes."""

    def outstanding(self) -> int:
        """Readings without a receipt."""

    def registers(self) -> Mapping[str, tuple[int, int]]:
        """Cumulative import and export in Wh by device name, as the devices have them."""

    def sent(self) -> int:
        """Readings made so far."""

    def close(self) -> None:
        """Disconnect all."""
