"""What a simulated community writes into its ledger: every trade and every ban."""

from collections.abc import Sequence

from microgrid.domain.blocks import Transaction, TransactionKind
from microgrid.domain.intervals import Interval
from microgrid.domain.units import NANO_PER_MICRO
from microgrid.sim.regulator import Ban
from microgrid.sim.tables import BATTERY_NAME
from microgrid.sim.trading import LOCAL_MARKET, StepTrades


def trade_entries(
    interval: Interval, trades: StepTrades, tiers: Sequence[str], home_ids: Sequence[str]
) -> list[Transaction]:
    """One entry a trade; the amount is what the buyer pays, rounded up."""
    names = (*home_ids, BATTERY_NAME)
    kinds = [TransactionKind.MARKET if tier == LOCAL_MARKET else TransactionKind.PEER for tier in tiers]
    rows = zip(*(column.tolist() for column in trades.columns), strict=True)
    return [
        Transaction(
            interval=interval.index,
            kind=kinds[tier],
            payer=names[buyer],
            payee=names[seller],
            amount_micro=-(-energy_wh * price // NANO_PER_MICRO),
            energy_wh=energy_wh,
            price_micro_per_kwh=price,
        )
        for buyer, seller, energy_wh, price, _, tier in rows
    ]


def ban_entries(interval: Interval, bans: Sequence[Ban], home_ids: Sequence[str]) -> list[Transaction]:
    """One entry a ban, with its reason; no money moves."""
    return [
        Transaction(interval.index, TransactionKind.BAN, home_ids[ban.home], "regulator", 0, note=ban.reason)
        for ban in bans
    ]
