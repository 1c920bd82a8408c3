"""A small market on a chain for tests of the chain adapter: some homes, each with a meter, all with their own keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from microgrid.chain.backend import Backend, dev_key
from microgrid.chain.client import MarketChain
from microgrid.chain.deployment import MarketConfig, Parties, deploy
from microgrid.domain.intervals import Interval
from microgrid.domain.records import DeviceClass, Order, OrderResult, PriceBand, Reading, ReadingResult, Side
from microgrid.domain.wire import Payload, SigningKey, decode_reading, encode_reading, keccak256, sign_order

HOUR_S = 3_600
START_S = 1_470_009_600  # 2016-08-01T00:00Z
FIRST = START_S // HOUR_S
FEED_IN, RETAIL, FEE = 60_000, 250_000, 1_000
BAND = PriceBand(FEED_IN, RETAIL, 0)
DEPOSIT = 50_000_000
BACKSTOP, TREASURY = dev_key(8).address, dev_key(9).address


def key(name: str) -> SigningKey:
    return SigningKey(keccak256(name.encode()))


def open_market(backend: Backend) -> MarketChain:
    """Contracts on a fresh chain, run by the backend's funded account."""
    operator = backend.funded_key()
    parties = Parties.one(operator.address, backstop=BACKSTOP, treasury=TREASURY)
    deployed = deploy(backend.web3, operator.secret, MarketConfig(fee_micro_per_kwh=FEE), parties)
    return MarketChain(backend, deployed, operator)


@dataclass
class Village:
    """Homes 0, 1, … with meters `meter-0`, …; `import_wh` and `export_wh` are the meters' registers."""

    market: MarketChain
    count: int = 2
    batches: int = 0
    homes: list[SigningKey] = field(default_factory=list)
    import_wh: list[int] = field(default_factory=list)
    export_wh: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.homes = [key(f"home-{number}") for number in range(self.count)]
        self.import_wh, self.export_wh = [0] * self.count, [0] * self.count
        for number, home in enumerate(self.homes):
            self.market.register_home(home.address)
            meter = key(f"meter-{number}").address
            self.market.register_device(
                f"meter-{number}", home.address, meter, DeviceClass.SMART_METER, rated_power_w=10_000, zone=0
            )
            self.market.deposit(home.address, DEPOSIT)
        self.market.deposit(BACKSTOP, DEPOSIT)

    def open(self, intervals: int = 2) -> None:
        """Publish the tariff of the first intervals."""
        self.market.advance_to(START_S - 900)
        self.market.open_intervals(Interval(FIRST, HOUR_S), [BAND] * intervals)

    def order(self, home: int, side: Side, energy_wh: int, price: int, nonce: int = 0) -> OrderResult:
        """One home's signed order for the first interval, handed in by the operator."""
        order = Order(self.homes[home].address, FIRST, side, energy_wh, price, nonce, START_S)
        return self.market.submit_orders([sign_order(order, self.homes[home], self.market.order_domain)])[0]

    def readings(self, time_s: int, homes: Sequence[int] | None = None) -> list[Reading]:
        """What the meters sign at a time; the time is their sequence number too."""
        payloads = [
            Payload(1, f"meter-{n}", 0, time_s // 60, time_s, self.import_wh[n], self.export_wh[n], 0, 230_000, 0)
            for n in (range(self.count) if homes is None else homes)
        ]
        domain = self.market.reading_domain
        keys = [key(payload.dev) for payload in payloads]
        return [decode_reading(encode_reading(p, k, domain)) for p, k in zip(payloads, keys, strict=True)]

    def prepare(self, readings: Sequence[Reading]) -> bytes:
        """A signed batch under the next number."""
        self.batches += 1
        return self.market.prepare_readings(self.batches - 1, readings)

    def read(self, time_s: int, homes: Sequence[int] | None = None) -> list[ReadingResult]:
        """Hand in what the meters show at a time."""
        return self.market.send_readings(self.prepare(self.readings(time_s, homes)))
