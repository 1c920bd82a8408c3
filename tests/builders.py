"""A plausible small community for tests of the rim: figures by the written money rule, no market code involved."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from microgrid.domain.intervals import Interval, interval_at
from microgrid.domain.records import (
    AuctionResult,
    GasUse,
    HomeStatement,
    IntervalMoney,
    Order,
    PriceBand,
    Settlement,
    Side,
)
from microgrid.domain.run import HomeInfo, IntervalOutcome, Invariant, ReadingCounts, Reproduce, RunResult

HOUR_S = 3_600
FEE = 2_000
BAND = PriceBand(feed_in=80_000, retail=300_000, reference=190_000)
START = datetime(2016, 8, 1, tzinfo=UTC)


def home(number: int, *, has_pv: bool = True) -> HomeInfo:
    """Home `number`, from 1."""
    return HomeInfo(f"home-{number:02d}", f"0x{number:040x}", number, f"meter-{number:02d}", has_pv)


def homes(count: int) -> tuple[HomeInfo, ...]:
    """`count` homes; every third has no PV."""
    return tuple(home(number, has_pv=number % 3 != 0) for number in range(1, count + 1))


def energies(members: Sequence[HomeInfo], hour: int, seed: int) -> tuple[dict[str, int], dict[str, int]]:
    """Load and PV in Wh of one hour, by account."""
    rng = np.random.default_rng([seed, hour])
    sun = max(0.0, float(np.sin((hour - 6) / 12 * np.pi)))
    evening = 1.0 + 1.5 * float(np.exp(-((hour - 19) ** 2) / 8))
    load = {h.account: int(evening * rng.integers(250, 600)) for h in members}
    pv = {h.account: int(sun * rng.integers(1_200, 3_200)) * h.has_pv for h in members}
    return load, pv


def fills(orders: Sequence[Order], side: Side, volume_wh: int) -> dict[str, int]:
    """Serve orders of one side in sequence until the volume is reached."""
    left, result = volume_wh, {}
    for order in (o for o in orders if o.side is side):
        result[order.trader] = min(left, order.energy_wh)
        left -= result[order.trader]
    return result


def auction(interval: Interval, orders: Sequence[Order]) -> AuctionResult:
    """All orders cross; the price falls as offers grow against bids."""
    demand = sum(o.energy_wh for o in orders if o.side is Side.BUY)
    supply = sum(o.energy_wh for o in orders if o.side is Side.SELL)
    volume = min(demand, supply)
    tick = round(127 * demand / (demand + supply)) if demand + supply else 64
    price = BAND.feed_in + tick * (BAND.retail - BAND.feed_in) // 127
    bought, sold = fills(orders, Side.BUY, volume), fills(orders, Side.SELL, volume)
    return AuctionResult(interval.index, tick, price, volume, tick, tick, volume, volume, bought, sold)


def statement(result: AuctionResult, account: str, net_wh: int, *, metered: bool = True) -> HomeStatement:
    """Bill of one home and interval by the money rule."""
    b, s, p = result.bought_wh.get(account, 0), result.sold_wh.get(account, 0), result.price_micro_per_kwh
    m, e = (max(0, net_wh), max(0, -net_wh)) if metered else (0, 0)
    unused = max(0, b - m)
    nano = -(p + FEE) * b + BAND.feed_in * unused - BAND.retail * max(0, m - b)
    nano += p * s - BAND.retail * max(0, s - e) + BAND.feed_in * max(0, e - s)
    return HomeStatement(result.interval, account, b, s, m, e, metered, nano // 1_000)


def money(interval: int, statements: Sequence[HomeStatement]) -> IntervalMoney:
    """What the grid, the treasury and the dust account have against the homes."""
    grid = sum(
        BAND.retail * (max(0, s.import_wh - s.bought_wh) + max(0, s.sold_wh - s.export_wh))
        - BAND.feed_in * (max(0, s.bought_wh - s.import_wh) + max(0, s.export_wh - s.sold_wh))
        for s in statements
    )
    fees = FEE * sum(s.bought_wh for s in statements)
    credit = sum(s.amount_micro for s in statements)
    return IntervalMoney(interval, credit, grid // 1_000, fees // 1_000, -(credit + grid // 1_000 + fees // 1_000))


def bill_without_market(net_wh: int) -> int:
    """What a home pays the grid alone, micro."""
    return -((BAND.feed_in * max(0, -net_wh) - BAND.retail * max(0, net_wh)) // 1_000)


def order(account: str, interval: Interval, net_wh: int) -> Order:
    """Offer or bid the forecast at the limits of the band."""
    side, price = (Side.BUY, BAND.retail) if net_wh > 0 else (Side.SELL, BAND.feed_in)
    return Order(account, interval.index, side, abs(net_wh), price, interval.index, interval.start_s)


def outcome(
    members: Sequence[HomeInfo], interval: Interval, *, seed: int = 1, refused: Mapping[str, int] | None = None
) -> IntervalOutcome:
    """One settled interval; home-01 expects 2 kWh too much sun, so it is out of balance."""
    load, pv = energies(members, interval.start_utc.hour, seed)
    net = {h.account: load[h.account] - pv[h.account] for h in members}
    forecast = {a: n + 40 for a, n in net.items()} | {members[0].account: net[members[0].account] - 2_000}
    orders = tuple(order(a, interval, n) for a, n in forecast.items() if n)
    result = auction(interval, orders)
    statements = tuple(statement(result, a, n) for a, n in net.items())
    return IntervalOutcome(
        interval=interval,
        band=BAND,
        auction=result,
        settlement=Settlement(money(interval.index, statements), statements),
        orders=orders,
        accepted_readings=len(members),
        refused_readings=dict(refused or {}),
        forecast_wh=forecast,
        bill_without_market_micro={a: bill_without_market(n) for a, n in net.items()},
        load_wh=load,
        pv_wh=pv,
    )


def outcomes(members: Sequence[HomeInfo], count: int, *, seed: int = 1) -> tuple[IntervalOutcome, ...]:
    """Consecutive hours from 1 August 2016; one message in seven hours is forged."""
    first = interval_at(START, HOUR_S)
    steps = [Interval(first.index + hour, HOUR_S) for hour in range(count)]
    return tuple(
        outcome(members, step, seed=seed, refused={"bad_signature": 1} if hour % 7 == 3 else None)
        for hour, step in enumerate(steps)
    )


INVARIANTS = (
    Invariant("money_sums_to_zero", 0, "Homes, grid, fees and dust sum to zero in every interval."),
    Invariant("bought_equals_sold", 0, "Energy bought equals energy sold in every interval."),
    Invariant("clearing_matches", 0, "The contract's clearing equals the Python mechanism's."),
)


def run_result(count: int = 6, hours: int = 24, *, seed: int = 1) -> RunResult:
    """A whole run of `count` homes over `hours` hours."""
    members = homes(count)
    done = outcomes(members, hours, seed=seed)
    refused = sum(o.refused_readings.get("bad_signature", 0) for o in done)
    stored = count * (hours + 1)
    return RunResult(
        homes=members,
        intervals=done,
        invariants=INVARIANTS,
        readings=ReadingCounts(stored, stored, stored, {"bad_signature": refused} if refused else {}),
        reproduce=Reproduce(
            f"microgrid demo --homes {count} --hours {hours} --seed {seed}", "0.1.0", seed, {"homes.csv": "ab" * 32}
        ),
        fee_micro_per_kwh=FEE,
        gas=tuple(
            GasUse(operation, gas, items)
            for _ in range(hours)
            for operation, gas, items in (
                ("submitOrders", 610_000, count),
                ("clear", 210_000, 1),
                ("settle", 540_000, count),
            )
        ),
        rewards_wad={h.account: h.member_id * 10**17 for h in members},
        settings={"homes": count, "hours": hours, "fee_per_kwh": "0.002", "market": {"mechanism": "tick_auction"}},
        timings_s={"deploy": 1.5, "intervals": 12.25},
    )
