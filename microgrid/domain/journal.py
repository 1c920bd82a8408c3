"""What the contracts told of a market, as plain records: enough to recompute every balance without the chain.

State is a flat mapping from what a number is to the number, so that two of them are compared entry by entry and a
difference has a name. Money is micro, energy Wh.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from microgrid.domain.records import EPOCH_SHIFT
from microgrid.domain.wire import SigningDomain

Value = int | str | bool
State = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """An event of a contract, with what its transaction says more.

    Attributes:
        block: Number of its block.
        log: Its place among the block's events.
        name: Name in the contract's interface, or `ReadingAccepted` or `HomeSettled`.
        args: Arguments by name; bytes as 0x and hexadecimal digits. `ReadingAccepted` is one of a batch or a proven
            one: device, interval, sequence, timestamp, import and export, and as `taken` the time of its block;
            `detail` and `signature` besides.
            `HomeSettled` is one home of `HomesSettled`: interval, memberId, boughtWh, soldWh, importWh, exportWh,
            metered, amount. `OrderCreated` has `limit` and, where it was relayed, `first`, `duration`, `nonce`,
            `deadline` and `signature`. What is besides stands there only where the call data tell it.
    """

    block: int
    log: int
    name: str
    args: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Journal:
    """All events of a market since its deployment, oldest first, and the contracts' state after them.

    Attributes:
        registry: Address of the device registry.
        reading_deadline_seconds: How long after an interval's end its reading is booked on it.
        trading: Address of the market; its own account is the insurance pool, into which dust goes.
        state: What the contracts hold, named as in `balance_name` and the other names of this module.
    """

    chain_id: int
    registry: str
    trading: str
    backstop: str
    treasury: str
    interval_seconds: int
    reading_deadline_seconds: int
    events: tuple[JournalEvent, ...]
    state: State = field(default_factory=dict)

    @property
    def reading_domain(self) -> SigningDomain:
        """EIP-712 domain in which devices signed."""
        return SigningDomain("DeviceRegistry", self.chain_id, self.registry)

    @property
    def order_domain(self) -> SigningDomain:
        """EIP-712 domain in which homes signed orders."""
        return SigningDomain("EnergyTrading", self.chain_id, self.trading)


HOME_SETTLED = "HomeSettled"
LIABILITIES = "liabilities_micro"


def balance_name(account: str) -> str:
    """Name of an account's balance."""
    return f"balance_micro of {account}"


def delivered_names(account: str) -> tuple[str, str]:
    """Names of what a home sold and delivered, and of what it bought and used."""
    return f"sold_wh of {account}", f"bought_wh of {account}"


def interval_name(interval: int, what: str) -> str:
    """Name of a number of an interval."""
    return f"{what} of interval {interval}"


def device_name(identity: str, what: str) -> str:
    """Name of a number of a device; `identity` is its id as 0x and hexadecimal digits."""
    return f"{what} of device {identity}"


def reading_name(number: int) -> str:
    """A reading by the number that the contract keeps: sequence and epoch."""
    epoch = number >> EPOCH_SHIFT
    return f"reading {number - (epoch << EPOCH_SHIFT)} of epoch {epoch}"


CLEARING_FIELDS = (
    "tick",
    "price_micro_per_kwh",
    "volume_wh",
    "buy_margin_tick",
    "sell_margin_tick",
    "buy_fill_wh",
    "sell_fill_wh",
)
MONEY_FIELDS = ("homes_micro", "grid_micro", "fees_micro", "dust_micro")
REGISTER_FIELDS = ("sequence", "timestamp_s", "import_wh", "export_wh")


def named_fields(record: object, names: tuple[str, ...], interval: int) -> Iterator[tuple[str, int]]:
    """Some fields of a record, named as an interval's numbers."""
    return ((interval_name(interval, name), getattr(record, name)) for name in names)
