"""Every bill of a written run folder, worked out once more from the other files in it.

The rule is the one of `microgrid.settlement.statement`, in exact decimals: none of the code that settles is used, so
that a person with the folder and a pocket calculator would come to the same last digit.
"""

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from microgrid.cli import root

Row = Mapping[str, str]
BATTERY = "central battery"
LOCAL_MARKET = "local_market"
MICRO, NANO = Decimal("0.000001"), Decimal("0.000000001")
CASES = {
    "three markets, a regulator and a fee": (
        "community_100",
        {
            "market.trading_fee": 0.0137,
            "homes.count": 12,
            "regulator.market_limit_kwh": 0.5,
            "regulator.bonus": 0.01771,
            "regulator.penalty": 0.02131,
            "ledger.kind": "none",
        },
    ),
    "one price on forecasts, deviations and a fee": (
        "household_5",
        {
            "market.mechanism": "uniform_price",
            "market.orders": "forecast",
            "homes.count": 8,
            "homes.pv_share": 0.5,
            "market.trading_fee": 0.0071,
            "planning.forecaster": "seasonal_naive",
        },
    ),
    "a central battery and a regulator": (
        "household_5",
        {
            "batteries.model": "central",
            "homes.count": 7,
            "market.mechanism": "three_tier",
            "regulator.enabled": "true",
            "prices.tariff": "dynamic",
        },
    ),
    "a central battery that trades with the grid": (
        "household_5",
        {
            "batteries.model": "central",
            "homes.count": 6,
            "homes.pv_share": 0.5,
            "prices.tariff": "time_of_use",
            "prices.peak": 0.5,
            "planning.optimiser": "linear_program",
            "market.mechanism": "pay_as_bid",
            "market.trading_fee": 0.001,
        },
    ),
    "a rule with a deficit": ("household_5", {"market.mechanism": "vcg", "homes.count": 9, "homes.pv_share": 0.5}),
    "a shared bill": (
        "household_5",
        {"market.mechanism": "bill_sharing", "homes.count": 9, "homes.ev_share": 1.0, "homes.heat_pump_share": 0.5},
    ),
}


def exact(row: Row, *names: str) -> tuple[Decimal, ...]:
    """Columns of a row as they are written."""
    return tuple(Decimal(row[name]) for name in names)


def down(amount: Decimal) -> Decimal:
    """To whole micro, against who receives it."""
    return amount.quantize(MICRO, ROUND_FLOOR)


@dataclass
class Deals:
    """What one home, or the central battery, did in the market of one interval: kWh and currency."""

    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    gain: Decimal = Decimal(0)
    from_local_market: Decimal = Decimal(0)


@dataclass(frozen=True)
class Folder:
    """A written run and what its files say."""

    path: Path
    deals: dict[tuple[str, str], Deals] = field(default_factory=lambda: defaultdict(Deals))

    def __post_init__(self) -> None:
        for row in self.rows("all_trades"):
            energy, buyer_price, seller_price = exact(row, "energy_kwh", "price_per_kwh", "seller_price_per_kwh")
            buyer = self.deals[row["interval_start"], row["buyer"]]
            seller = self.deals[row["interval_start"], row["seller"]]
            buyer.bought += energy
            buyer.gain -= energy * buyer_price
            seller.sold += energy
            seller.gain += energy * seller_price
            if row["kind"] == LOCAL_MARKET:
                buyer.from_local_market += energy

    def rows(self, name: str) -> list[Row]:
        """A table of the folder."""
        with (self.path / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))

    @cached_property
    def regulator(self) -> Mapping[str, Any]:
        """The regulator's rates; none where there is no regulator."""
        rules: Mapping[str, Any] = tomllib.loads((self.path / "scenario.toml").read_text("utf-8"))["regulator"]
        return rules if rules["enabled"] else {"bonus": 0, "penalty": 0}

    @cached_property
    def intervals(self) -> Mapping[str, Row]:
        """The community's row of each interval."""
        return {row["interval_start"]: row for row in self.rows("community_summary")}

    @cached_property
    def homes(self) -> list[str]:
        """Names of the homes."""
        return [row["home_id"] for row in self.rows("bills")]


def grid_income(row: Row, bought: Decimal, sold: Decimal, prices: Row) -> Decimal:
    """What the grid gets from a home: retail for what it supplies, less feed-in for what it takes."""
    drawn, fed = exact(row, "import_kwh", "export_kwh")
    feed_in, retail = exact(prices, "feed_in_per_kwh", "retail_per_kwh")
    supplied = max(Decimal(0), drawn - bought) + max(Decimal(0), sold - fed)
    taken = max(Decimal(0), bought - drawn) + max(Decimal(0), fed - sold)
    return retail * supplied - feed_in * taken


def battery_grid_income(folder: Folder, start: str) -> Decimal:
    """What the grid gets from the central battery: what it charges beyond the homes' surplus, and so on."""
    prices, deals = folder.intervals[start], folder.deals[start, BATTERY]
    if "central_charge_kwh" not in prices:
        return Decimal(0)
    charge, discharge = exact(prices, "central_charge_kwh", "central_discharge_kwh")
    feed_in, retail = exact(prices, "feed_in_per_kwh", "retail_per_kwh")
    return retail * (charge - deals.bought) - feed_in * (discharge - deals.sold)


def dividend(folder: Folder, start: str) -> Decimal:
    """Each home's even part of what the central battery earned, rounded down to the ninth decimal."""
    earned = folder.deals[start, BATTERY].gain - battery_grid_income(folder, start)
    return (earned / len(folder.homes)).quantize(NANO, ROUND_FLOOR)


def bonus_and_penalty(folder: Folder, row: Row, deals: Deals) -> tuple[Decimal, Decimal]:
    """What the regulator gives, rounded down, and takes, rounded up."""
    (own_use,) = exact(row, "own_use_kwh")
    rate, fine = (Decimal(str(folder.regulator[name])) for name in ("bonus", "penalty"))
    return down(rate * own_use), (fine * deals.from_local_market).quantize(MICRO, ROUND_CEILING)


def recomputed(folder: Folder) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """Interval, home, its bill in it, and what the regulator's bonus is part of it."""
    shares = {start: dividend(folder, start) for start in folder.intervals}
    for row in folder.rows("prosumer_energy"):
        start, home = row["interval_start"], row["home_id"]
        deals = folder.deals[start, home]
        grid = grid_income(row, deals.bought, deals.sold, folder.intervals[start])
        bonus, penalty = bonus_and_penalty(folder, row, deals)
        yield start, home, penalty - bonus - down(deals.gain + shares[start] - grid), bonus - penalty


def grid_and_operator(folder: Folder, start: str, rows: list[Row]) -> tuple[Decimal, Decimal]:
    """What the grid and who runs the market got in an interval, each rounded down once."""
    members = [folder.deals[start, row["home_id"]] for row in rows]
    prices = folder.intervals[start]
    grid = sum(grid_income(row, d.bought, d.sold, prices) for row, d in zip(rows, members, strict=True))
    battery = folder.deals[start, BATTERY].gain
    kept = -sum((d.gain for d in members), Decimal(0)) - battery
    return down(grid + battery_grid_income(folder, start)), down(kept)


@pytest.fixture(scope="module", params=CASES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    name, settings = CASES[request.param]
    path = tmp_path_factory.mktemp("bills") / "run"
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    result = CliRunner().invoke(root, ["simulate", name, *words, "--seed", "4", "--no-plots", "--out", str(path)])
    assert result.exit_code == 0, result.output
    return Folder(path)


def test_the_case_trades(folder: Folder) -> None:
    """Without trades the other tests would compare little."""
    assert len(folder.rows("all_trades")) > len(folder.homes)


def test_every_bill_of_every_interval_is_the_same_to_the_last_digit(folder: Folder) -> None:
    written = [(row["interval_start"], row["home_id"], Decimal(row["bill"])) for row in folder.rows("prosumer_trading")]
    assert [(start, home, bill) for start, home, bill, _ in recomputed(folder)] == written


def test_every_home_s_bill_is_the_sum_of_its_intervals(folder: Folder) -> None:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for _, home, bill, _ in recomputed(folder):
        total[home] += bill
    assert dict(total) == {row["home_id"]: Decimal(row["bill"]) for row in folder.rows("bills")}


def test_grid_operator_and_regulator_got_what_the_homes_paid_but_for_dust(folder: Folder) -> None:
    homes = len(folder.homes)
    energy, bills = folder.rows("prosumer_energy"), list(recomputed(folder))
    for number, (start, row) in enumerate(folder.intervals.items()):
        mine = slice(number * homes, (number + 1) * homes)
        grid, operator = grid_and_operator(folder, start, energy[mine])
        paid, regulator = sum(bill for *_, bill, _ in bills[mine]), -sum(given for *_, given in bills[mine])
        assert (paid, grid, operator, regulator) == exact(row, "bills", "grid", "operator", "regulator")
        assert 0 <= exact(row, "dust")[0] == paid - grid - operator - regulator <= (homes + 2) * MICRO * 2


def test_energy_of_every_home_and_interval_is_whole(folder: Folder) -> None:
    for row in folder.rows("prosumer_energy"):
        load, charge, export = exact(row, "load_kwh", "charge_kwh", "export_kwh")
        generated, discharge, drawn = exact(row, "pv_kwh", "discharge_kwh", "import_kwh")
        assert load + charge + export == generated + discharge + drawn
        assert min(drawn, export) == 0
