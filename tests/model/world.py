"""Six homes on revm and in the reference: where every history of the model starts, and who and what takes part."""

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st
from model.chain import CONFIG, FIRST, HOUR, Chain, key
from model.meter import Meter
from model.reference import Reference, Rules

from microgrid.domain.records import Side
from microgrid.domain.wire import keccak256

HOMES = [key(f"model-home-{n}") for n in range(6)]
METERS = [key(f"model-meter-{n}") for n in range(6)]
DEVICES = [keccak256(f"model-device-{n}".encode()) for n in range(6)]
SYBILS = [home.address for home in HOMES[3:]]
STRANGER = key("model-stranger")
RATED_W = 10_000
PURSE = 40_000_000
FEED_IN, RETAIL = 80_000, 300_000
EMPTY_PURSE = "ERC20InsufficientBalance"
DETAIL = keccak256(b"payload")
OPENED = 12
MANY = 50
SLOW_STEPS, QUICK_STEPS = 5_000, 300

amounts = st.sampled_from([0, 1, 999, 1_000_000, 30_000_000, 10**12]) | st.integers(0, 20_000_000)
homes = st.integers(0, len(HOMES) - 1)
energies = st.sampled_from([9, 10, 1_000, 50_000, 50_001]) | st.integers(10, 5_000)
prices = st.sampled_from([0, FEED_IN - 1, FEED_IN, 190_000, RETAIL, RETAIL + 1]) | st.integers(FEED_IN, RETAIL)
sides = st.sampled_from(Side)
offsets = st.integers(-1, 3)


class World:
    """Contracts with six homes, deployed once; every history starts from here."""

    def __init__(self) -> None:
        self.chain = Chain()
        chain = self.chain
        self.accounts = [home.address for home in HOMES]
        self.actors = [*self.accounts, chain.backstop, chain.treasury, STRANGER.address]
        for home, meter, device in zip(HOMES, METERS, DEVICES, strict=True):
            chain.registry.send(chain.admin, "registerMember", home.address)
            chain.registry.send(chain.admin, "registerDevice", device, home.address, meter.address, 0, RATED_W, 1)
        for actor in self.actors:
            chain.money.send(chain.admin, "mint", actor, 2 * PURSE)
            chain.money.send(actor, "approve", chain.trading.address, 2**255)
        for account in [*self.accounts, chain.backstop]:
            chain.trading.send(account, "deposit", account, PURSE)
        count = OPENED
        chain.grid.send(chain.admin, "openIntervals", FIRST, [FEED_IN] * count, [RETAIL] * count)
        self.token, self.twin = chain.twin("FeeToken")
        for account in self.accounts:
            self.token.send(account, "mint", account, PURSE)
            self.token.send(account, "approve", self.twin.address, 2**255)
        self.time_s = chain.time_s

    def reference(self) -> Reference:
        """The same state in Python."""
        rules = Rules(HOUR, 300, 2 * HOUR, 10, 50_000, 4)
        chain = self.chain
        made = Reference(
            rules,
            self.accounts,
            chain.backstop,
            chain.treasury,
            chain.trading.address,
            CONFIG.fee_micro_per_kwh,
            self.time_s,
        )
        made.wallets = Counter(dict.fromkeys(self.actors, 2 * PURSE))
        for account in [*self.accounts, chain.backstop]:
            made.deposit(account, account, PURSE)
        for interval in range(FIRST, FIRST + OPENED):
            made.open(interval, FEED_IN, RETAIL)
            self.refer(made, interval)
        made.meters = {device: Meter(number, RATED_W) for number, device in enumerate(DEVICES, 1)}
        return made

    def refer(self, model: Reference, interval: int) -> None:
        """The price formula is tested elsewhere; here its value only has to lie in the band."""
        feed_in, retail, reference, is_open, fee = self.chain.grid.read("band", interval)
        assert (is_open, fee) == (True, model.books[interval].fee)
        assert feed_in <= reference <= retail
        model.books[interval].band = replace(model.books[interval].band, reference=reference)
