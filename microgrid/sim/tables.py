"""The tables of a run folder as columns: whole numbers with a fixed number of decimals, or indices into labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.intervals import interval_range
from microgrid.domain.units import WH_PER_KWH
from microgrid.sim.central import TIER
from microgrid.sim.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

KWH_DECIMALS, MONEY_DECIMALS = 3, 6
BATTERY_NAME = "central battery"
SIDES = ("", "buy", "sell")
YES_NO = ("no", "yes")


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One column.

    Attributes:
        name: As in the header.
        values: Whole numbers, in units of the last decimal, or indices into `labels`; shape (rows,).
        decimals: Decimals of the number.
        labels: Texts that the values stand for; empty where they are numbers.
    """

    name: str
    values: IntArray
    decimals: int = 0
    labels: Sequence[str] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Columns of equal length."""

    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0].values)

    def to_frame(self) -> "pd.DataFrame":
        """As a DataFrame: numbers as floats (whole ones as integers), labels as categories."""
        import pandas as pd  # noqa: PLC0415 - a third of a second that only users of DataFrames pay

        return pd.DataFrame({column.name: _series(column) for column in self.columns})


def all_tables(result: Outcome) -> dict[str, Table]:
    """Every table of a run by the name of its file."""
    return {
        "prosumer_energy": Table(tuple(_energy(result))),
        "prosumer_trading": Table(tuple(_trading(result))),
        "all_trades": Table(tuple(_all_trades(result))),
        "regulator_actions": Table(tuple(_actions(result))),
        "community_summary": Table(tuple(_summary(result))),
        "bills": Table(tuple(_bills(result))),
        "credit_transfers": Table(tuple(_transfers(result))),
    }


def stamps(result: Outcome) -> tuple[str, ...]:
    """Start of each interval, ISO 8601 in UTC."""
    return tuple(i.start_utc.isoformat() for i in interval_range(result.first, result.steps))


def kwh_column(name: str, energy_wh: IntArray) -> Column:
    """Energy in kWh with three decimals."""
    return Column(name, energy_wh.ravel(), KWH_DECIMALS)


def money_column(name: str, amount_micro: IntArray) -> Column:
    """Money in currency units with six decimals."""
    return Column(name, amount_micro.ravel(), MONEY_DECIMALS)


def _series(column: Column) -> "pd.Series":
    import pandas as pd  # noqa: PLC0415 - as above

    if column.labels:
        return pd.Series(pd.Categorical(np.array(column.labels, dtype=object)[column.values]))
    return pd.Series(column.values / 10**column.decimals if column.decimals else column.values)


def _keys(result: Outcome) -> Iterator[Column]:
    steps, homes = np.indices((result.steps, result.homes))
    yield Column("interval_start", steps.ravel(), labels=stamps(result))
    yield Column("home_id", homes.ravel(), labels=result.home_ids)


def _wh(energy_kwh: FloatArray) -> IntArray:
    return np.rint(energy_kwh * WH_PER_KWH).astype(np.int64)


def _energy(result: Outcome) -> Iterator[Column]:
    energy = result.energy
    yield from _keys(result)
    for name in ("load", "flexible", "pv", "charge", "discharge"):
        yield kwh_column(f"{name}_kwh", getattr(energy, f"{name}_wh"))
    yield kwh_column("soc_kwh", _wh(energy.soc_kwh[1:]))
    yield kwh_column("own_use_kwh", result.own_use_wh)
    yield kwh_column("import_kwh", energy.import_wh)
    yield kwh_column("export_kwh", energy.export_wh)
    yield kwh_column("forecast_net_kwh", energy.forecast_net_wh)


def _trading(result: Outcome) -> Iterator[Column]:
    trading = result.trading
    yield from _keys(result)
    order = trading.order_wh
    yield Column("side", (np.sign(order) % 3).ravel(), labels=SIDES)
    yield kwh_column("order_kwh", np.abs(order))
    yield money_column("limit_price_per_kwh", trading.limit_micro)
    yield from _tier_columns(result)
    alone, bill = -trading.without_market_micro, _bill(result)
    yield money_column("market_income", trading.market_micro)
    yield money_column("bonus", trading.bonus_micro)
    yield money_column("penalty", trading.penalty_micro)
    yield money_column("bill", bill)
    yield money_column("bill_without_market", alone)
    yield money_column("bill_baseline", -trading.baseline_micro)
    yield money_column("saving", alone - bill)
    yield money_column("balance", trading.balance_micro)
    yield Column("banned", trading.banned.ravel(), labels=YES_NO)


def _bill(result: Outcome) -> IntArray:
    """What each home pays in each step, micro, shape (T, N)."""
    trading = result.trading
    return trading.penalty_micro - trading.amount_micro - trading.bonus_micro


def _tier_columns(result: Outcome) -> Iterator[Column]:
    for name in ("bought", "sold"):
        by_tier: IntArray = getattr(result.trading, f"{name}_wh")
        yield kwh_column(f"{name}_kwh", by_tier.sum(axis=0))
        if len(result.tiers) > 1:
            for tier, energy in zip(result.tiers, by_tier, strict=True):
                yield kwh_column(f"{name}_{tier}_kwh", energy)


def _all_trades(result: Outcome) -> Iterator[Column]:
    trades, names = result.trades, (*result.home_ids, BATTERY_NAME)
    yield Column("interval_start", trades.step, labels=stamps(result))
    yield Column("buyer", trades.buyer, labels=names)
    yield Column("seller", trades.seller, labels=names)
    yield kwh_column("energy_kwh", trades.energy_wh)
    yield money_column("price_per_kwh", trades.buyer_micro)
    yield money_column("seller_price_per_kwh", trades.seller_micro)
    yield Column("kind", trades.tier, labels=result.tiers)


ACTIONS = ("bonus", "penalty", "bill", "ban")
REASONS = ("own renewable energy used", "energy from the local market", "end of the billing period")


def _actions(result: Outcome) -> Iterator[Column]:
    """Bonuses, penalties, bills and bans, home by home.

    A bill's value is what the home paid in at the beginning of the interval, a ban's its length in steps.
    """
    trading = result.trading
    rows: list[tuple[IntArray, IntArray, IntArray]] = []
    for amount in (trading.bonus_micro, trading.penalty_micro, trading.paid_in_micro):
        step, home = np.nonzero(amount)
        rows.append((step, home, amount[step, home]))
    bans = np.array([(ban.decided, ban.home, ban.steps * 10**MONEY_DECIMALS) for ban in result.bans], dtype=np.int64)
    rows.append((*bans.reshape(-1, 3).T,))
    step, home, value = (np.concatenate(column) for column in zip(*rows, strict=True))
    kind = np.repeat(np.arange(len(ACTIONS)), [len(row[0]) for row in rows])
    of_ban = len(REASONS) + np.arange(len(kind)) - (len(kind) - len(result.bans))
    reason = np.where(kind < len(REASONS), kind, of_ban)
    order = np.lexsort((home, kind, step))
    yield Column("interval_start", step[order], labels=stamps(result))
    yield Column("action", kind[order], labels=ACTIONS)
    yield Column("target", home[order], labels=result.home_ids)
    yield money_column("value", value[order])
    yield Column("reason", reason[order], labels=(*REASONS, *(ban.reason for ban in result.bans)))


def _summary(result: Outcome) -> Iterator[Column]:
    energy, trading, money = result.energy, result.trading, result.money
    yield Column("interval_start", np.arange(result.steps), labels=stamps(result))
    yield money_column("feed_in_per_kwh", result.grid.feed_in_micro)
    yield money_column("retail_per_kwh", result.grid.retail_micro)
    yield money_column("price_per_kwh", mean_price_micro(result))
    yield kwh_column("traded_kwh", traded_wh(result))
    for tier, name in enumerate(result.tiers if len(result.tiers) > 1 else ()):
        yield kwh_column(f"traded_{name}_kwh", traded_wh(result, tier))
    yield kwh_column("bid_kwh", np.maximum(trading.order_wh, 0).sum(axis=1))
    yield kwh_column("offered_kwh", np.maximum(-trading.order_wh, 0).sum(axis=1))
    for name in ("load", "flexible", "pv", "charge", "discharge"):
        yield kwh_column(f"{name}_kwh", getattr(energy, f"{name}_wh").sum(axis=1))
    yield kwh_column("own_use_kwh", result.own_use_wh.sum(axis=1))
    yield kwh_column("soc_kwh", _wh(energy.soc_kwh[1:].sum(axis=1) + energy.central_soc_kwh[1:]))
    if TIER in result.tiers:
        yield kwh_column("central_charge_kwh", energy.central_charge_wh)
        yield kwh_column("central_discharge_kwh", energy.central_discharge_wh)
    yield kwh_column("import_kwh", energy.import_wh.sum(axis=1))
    yield kwh_column("export_kwh", energy.export_wh.sum(axis=1))
    yield Column("orders", np.count_nonzero(trading.order_wh, axis=1))
    yield Column("trades", np.bincount(result.trades.step, minlength=result.steps))
    yield Column("banned", trading.banned.sum(axis=1))
    yield money_column("bills", -money.homes_micro)
    yield money_column("bills_without_market", -trading.without_market_micro.sum(axis=1))
    yield money_column("bills_baseline", -trading.baseline_micro.sum(axis=1))
    for name in ("grid", "operator", "regulator", "dust"):
        yield money_column(name, getattr(money, f"{name}_micro"))


def traded_wh(result: Outcome, tier: int | None = None) -> IntArray:
    """Energy traded in each step, of one market or of all, shape (T,)."""
    trades = result.trades
    chosen = slice(None) if tier is None else trades.tier == tier
    return np.bincount(trades.step[chosen], weights=trades.energy_wh[chosen], minlength=result.steps).astype(np.int64)


def mean_price_micro(result: Outcome) -> IntArray:
    """Mean of what buyers paid, weighted by energy, micro per kWh, shape (T,); 0 without trades."""
    trades, traded = result.trades, traded_wh(result)
    paid = np.bincount(trades.step, weights=trades.energy_wh * trades.buyer_micro, minlength=result.steps)
    return np.divide(paid, traded, out=np.zeros(result.steps), where=traded > 0).astype(np.int64)


def _bills(result: Outcome) -> Iterator[Column]:
    energy, trading = result.energy, result.trading
    yield Column("home_id", np.arange(result.homes), labels=result.home_ids)
    if result.home_types:
        kinds = tuple(dict.fromkeys(result.home_types))
        yield Column("home_type", np.array([kinds.index(kind) for kind in result.home_types]), labels=kinds)
    yield money_column("bill", result.bill_micro)
    yield money_column("bill_without_market", result.without_market_micro)
    yield money_column("bill_baseline", result.baseline_micro)
    yield money_column("saving", result.without_market_micro - result.bill_micro)
    yield money_column("saving_to_baseline", result.baseline_micro - result.bill_micro)
    for name in ("bought", "sold"):
        yield kwh_column(f"{name}_kwh", getattr(trading, f"{name}_wh").sum(axis=(0, 1)))
    for name in ("load", "pv", "import", "export"):
        yield kwh_column(f"{name}_kwh", getattr(energy, f"{name}_wh").sum(axis=0))
    yield kwh_column("own_use_kwh", result.own_use_wh.sum(axis=0))
    yield money_column("market_income", trading.market_micro.sum(axis=0))
    yield money_column("bonus", trading.bonus_micro.sum(axis=0))
    yield money_column("penalty", trading.penalty_micro.sum(axis=0))
    yield money_column("balance", trading.balance_micro[-1])
    yield Column("banned_steps", trading.banned.sum(axis=0))


def _transfers(result: Outcome) -> Iterator[Column]:
    log = result.transfers
    names = tuple(dict.fromkeys(name for entry in log for name in (entry.sender, entry.receiver))) or ("",)
    reasons = tuple(dict.fromkeys(entry.refused for entry in log)) or ("",)
    place = {name: index for index, name in enumerate(names)}
    yield Column("interval_start", _ints(entry.step for entry in log), labels=stamps(result))
    yield Column("sender", _ints(place[entry.sender] for entry in log), labels=names)
    yield Column("receiver", _ints(place[entry.receiver] for entry in log), labels=names)
    yield kwh_column("amount_kwh", _ints(entry.amount_wh for entry in log))
    yield Column("refused", _ints(reasons.index(entry.refused) for entry in log), labels=reasons)
    yield kwh_column("sender_balance_kwh", _ints(entry.sender_balance_wh or 0 for entry in log))


def _ints(values: Iterator[int]) -> IntArray:
    return np.fromiter(values, dtype=np.int64)
