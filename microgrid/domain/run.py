"""A run, finished or under way, as frozen records: the one thing that the report and the live page read.

Every mapping "by account" has the EIP-55 address of a home as its key, as `AuctionResult` and `HomeStatement` have.
Bills are what a home pays (below zero: it receives), micro; amounts on statements are credits, so `bill = -amount`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from microgrid.domain.intervals import Interval
from microgrid.domain.journal import Journal
from microgrid.domain.records import (
    NO_DEALS,
    AuctionResult,
    DirectDeals,
    GasUse,
    HomeStatement,
    Order,
    PriceBand,
    Settlement,
    Trade,
)
from microgrid.domain.units import floor_micro, nano


@dataclass(frozen=True, slots=True)
class HomeInfo:
    """A home that takes part.

    Attributes:
        home_id: Name that people know it by, from the profiles.
        account: Address that trades for it.
        member_id: Its number in the contracts, from 1.
        device: Name of its smart meter.
        has_pv: Whether it can feed in.
    """

    home_id: str
    account: str
    member_id: int
    device: str
    has_pv: bool


@dataclass(frozen=True, slots=True)
class IntervalOutcome:
    """All that is known of one interval once it is settled.

    Attributes:
        orders: Signed orders that the contract took, in the order of submission.
        deals: Accepted direct deals, by account; part of the statements beside the auction's fills.
        direct_trades: The same deals one by one, in any order.
        order_refusals: Orders it refused.
        accepted_readings: Readings that went on chain during the interval's step, baseline excluded.
        refused_readings: Messages put into the dead letters meanwhile, by reason (a `RejectionReason` value).
        forecast_wh: Net energy that each home expected (load minus PV), by account.
        bill_without_market_micro: What each home would pay with the grid alone, by account.
        load_wh: Load by account; None where a net meter hides it.
        pv_wh: PV by account; None where a net meter hides it.
    """

    interval: Interval
    band: PriceBand
    auction: AuctionResult
    settlement: Settlement
    orders: tuple[Order, ...] = ()
    deals: Mapping[str, DirectDeals] = field(default_factory=dict)
    direct_trades: tuple[Trade, ...] = ()
    order_refusals: int = 0
    accepted_readings: int = 0
    refused_readings: Mapping[str, int] = field(default_factory=dict)
    forecast_wh: Mapping[str, int] = field(default_factory=dict)
    bill_without_market_micro: Mapping[str, int] = field(default_factory=dict)
    load_wh: Mapping[str, int] | None = None
    pv_wh: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sum that must come out exact, and by how much it did not.

    Attributes:
        name: Short name in snake case.
        error: Zero where exact; otherwise the difference, in the unit of the sum (micro, Wh or a count).
        description: What was compared, one sentence.
    """

    name: str
    error: int
    description: str


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """Where the readings of a run went; `refused` counts dead letters by reason."""

    sent: int
    stored: int
    on_chain: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reproduce:
    """What it takes to run it again: `inputs` maps each input file's name to its SHA-256."""

    command: str
    version: str
    seed: int | None
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HomeShare:
    """One home's part in one interval, valued exactly in nano (1e-9 of the currency).

    With p clearing price, f feed-in, r retail, b bought, s sold, m import, e export, and `fee` a bought kWh:

        trading_gain = (r - p - fee) * min(b, m) + (p - f) * min(s, e)
        imbalance    = (p + fee - f) * max(0, b - m) + (r - p) * max(0, s - e)

    The statement's amount less the amount without a market is `trading_gain - imbalance`, both before rounding.
    What direct deals gain over the clearing price is part of the trading gain; in the account it makes what was bought
    cheaper, or, for a home that bought nothing directly, what was sold dearer.

    Without a reading m = e = 0: all that was promised is imbalance, and what the home did is in its next reading.
    """

    bought_nano: int
    fee_nano: int
    sold_nano: int
    grid_import_nano: int
    feed_in_nano: int
    unused_nano: int
    shortage_nano: int
    trading_gain_nano: int
    imbalance_nano: int
    imbalance_wh: int

    @property
    def amount_nano(self) -> int:
        """Credit of the home before rounding."""
        paid = self.bought_nano + self.fee_nano + self.grid_import_nano + self.shortage_nano
        return self.sold_nano + self.feed_in_nano + self.unused_nano - paid


def home_share(
    statement: HomeStatement,
    price_micro_per_kwh: int,
    band: PriceBand,
    fee_micro_per_kwh: int,
    deals: DirectDeals = NO_DEALS,
) -> HomeShare:
    """Value each part of a statement; the equations stand at `HomeShare`."""
    bought, sold = statement.bought_wh, statement.sold_wh
    unused = max(0, bought - statement.import_wh)
    short = max(0, sold - statement.export_wh)
    cost = price_micro_per_kwh + fee_micro_per_kwh
    direct = deals.gain_nano(price_micro_per_kwh)
    return HomeShare(
        bought_nano=nano(bought, price_micro_per_kwh) - (direct if deals.bought_wh else 0),
        fee_nano=nano(bought, fee_micro_per_kwh),
        sold_nano=nano(sold, price_micro_per_kwh) + (0 if deals.bought_wh else direct),
        grid_import_nano=nano(max(0, statement.import_wh - bought), band.retail),
        feed_in_nano=nano(max(0, statement.export_wh - sold), band.feed_in),
        unused_nano=nano(unused, band.feed_in),
        shortage_nano=nano(short, band.retail),
        trading_gain_nano=direct
        + nano(bought - unused, band.retail - cost)
        + nano(sold - short, price_micro_per_kwh - band.feed_in),
        imbalance_nano=nano(unused, cost - band.feed_in) + nano(short, band.retail - price_micro_per_kwh),
        imbalance_wh=unused + short,
    )


@dataclass(frozen=True)
class HomeTotal:
    """One home over all intervals so far; energy in Wh, money in micro, `shares` as valued per interval."""

    home: HomeInfo
    statements: tuple[HomeStatement, ...]
    shares: tuple[HomeShare, ...]
    without_market_micro: int

    @cached_property
    def bill_micro(self) -> int:
        """What the home pays with the market."""
        return -sum(statement.amount_micro for statement in self.statements)

    @property
    def saving_micro(self) -> int:
        """How much less it pays than without the market; below zero it is worse off."""
        return self.without_market_micro - self.bill_micro

    def energy_wh(self, name: str) -> int:
        """Sum of a field of the statements: `bought_wh`, `sold_wh`, `import_wh` or `export_wh`."""
        return sum(getattr(statement, name) for statement in self.statements)

    def value_micro(self, name: str) -> int:
        """Sum of a nano field of the shares, rounded down once to micro."""
        return floor_micro(sum(getattr(share, name) for share in self.shares))

    @property
    def imbalance_wh(self) -> int:
        """Energy promised and not delivered, or bought and not used."""
        return sum(share.imbalance_wh for share in self.shares)

    @property
    def unmetered(self) -> int:
        """Intervals that no reading ended."""
        return sum(not statement.metered for statement in self.statements)


def home_totals(
    homes: Iterable[HomeInfo], intervals: Iterable[IntervalOutcome], fee_micro_per_kwh: int
) -> list[HomeTotal]:
    """Totals per home, in the order of `homes`."""
    outcomes = list(intervals)
    by_account = [{s.account: s for s in outcome.settlement.statements} for outcome in outcomes]
    totals = []
    for home in homes:
        present = [
            (o, found[home.account]) for o, found in zip(outcomes, by_account, strict=True) if home.account in found
        ]
        totals.append(
            HomeTotal(
                home,
                tuple(statement for _, statement in present),
                tuple(
                    home_share(
                        statement,
                        outcome.auction.price_micro_per_kwh,
                        outcome.band,
                        fee_micro_per_kwh,
                        outcome.deals.get(home.account, NO_DEALS),
                    )
                    for outcome, statement in present
                ),
                sum(outcome.bill_without_market_micro.get(home.account, 0) for outcome in outcomes),
            )
        )
    return totals


@dataclass(frozen=True)
class RunResult:
    """A whole run.

    Attributes:
        gas: One entry a transaction, in order.
        rewards_wad: Reward accrued by account, 18 decimals.
        settings: Settings of the run as TOML would hold them: strings, numbers, lists, one level of tables.
        filled: Values of the input that were missing or wrong and were filled.
        currency: Symbol or code to print behind amounts.
        journal: What the contracts told, for the audit; None where no contract took part.
        timings_s: Seconds by stage; the one part that differs between two runs of one seed.
    """

    homes: tuple[HomeInfo, ...]
    intervals: tuple[IntervalOutcome, ...]
    invariants: tuple[Invariant, ...]
    readings: ReadingCounts
    reproduce: Reproduce
    fee_micro_per_kwh: int
    currency: str = "EUR"
    gas: tuple[GasUse, ...] = ()
    rewards_wad: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    filled: int = 0
    journal: Journal | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def totals(self) -> list[HomeTotal]:
        """Totals per home, in the order of `homes`."""
        return home_totals(self.homes, self.intervals, self.fee_micro_per_kwh)

    @property
    def worse_off(self) -> list[HomeTotal]:
        """Homes that pay more than without the market, worst first."""
        return sorted((t for t in self.totals if t.saving_micro < 0), key=lambda total: total.saving_micro)
