"""Commands of `microgrid trade` about its rules: those in force, and making signed orders void."""

from dataclasses import asdict

import rich_click as click

from microgrid.chain.bindings.energy_trading import NO_ACCOUNT, WHOLE_BPS, MarketRules
from microgrid.cli._chain import Desk, at_market, table
from microgrid.domain.units import decimal_kwh, decimal_units

LARGEST_NONCE = 2**32 - 2


@click.command()
@at_market
def rules(desk: Desk) -> None:
    """Show the rules now in force: fee, limits, insurance, regulator, times, and whether orders are paused.

    The fee counts for intervals whose tariff is published from now on. `microgrid govern` changes rules.

    Example: microgrid trade rules --json
    """
    market = desk.market
    found, pool_micro = market.trading.rules(), market.trading.insurance_micro()
    fee, interval_s = market.grid.trading_fee(), market.registry.interval_seconds()
    fields = {
        "fee_micro_per_kwh": fee,
        "interval_seconds": interval_s,
        **asdict(found),
        "insurance_micro": pool_micro,
    }
    rows = [
        ["interval", f"{interval_s} s"],
        ["fee per bought kWh", decimal_units(fee)],
        *_rows(found),
        ["insurance pool", decimal_units(pool_micro)],
    ]
    desk.show(fields, table("Rules in force", {"rule": "left", "value": "left"}, rows))


def _rows(found: MarketRules) -> list[list[str]]:
    limits = f"{decimal_kwh(found.min_order_wh)} to {decimal_kwh(found.max_order_wh)} kWh"
    return [
        ["energy of an order", f"{limits}, in at most {found.max_duration_intervals} intervals"],
        ["orders close", f"{found.gate_lead_seconds} s before an interval"],
        ["readings are waited for", f"{found.settlement_deadline_seconds} s after an interval"],
        ["orders and clearing", "paused" if found.paused else "running"],
        ["regulator", "none" if found.regulator == NO_ACCOUNT else found.regulator],
        ["insurance share of fees", f"{found.insurance_share_bps / WHOLE_BPS:.2%}"],
    ]


@click.command()
@at_market
def pause(desk: Desk) -> None:
    """Stop new orders, deals and clearing, as a guardian; it ends by itself after 24 intervals, three days at most.

    Withdrawals, readings and settlement go on.

    Example: microgrid trade pause --key-file guardian.key
    """
    desk.market.trading.pause()
    desk.show({"paused": True}, "orders and clearing are paused")


@click.command()
@at_market
def unpause(desk: Desk) -> None:
    """End a pause, as governance; where a timelock governs, `microgrid govern propose` does it.

    Example: microgrid trade unpause
    """
    desk.market.trading.unpause()
    desk.show({"paused": False}, "orders and clearing are running")


@click.command("revoke-nonces")
@click.argument("below", type=click.IntRange(1, LARGEST_NONCE))
@at_market
def revoke_nonces(desk: Desk, *, below: int) -> None:
    """Make void what the acting key's home signed with nonces below BELOW and nobody handed in yet.

    Orders that stand in a book stay; `microgrid trade cancel` takes one back. It cannot be undone.

    Example: microgrid trade revoke-nonces 981848 --key-file home.key
    """
    trading, home = desk.market.trading, desk.market.transactor.address
    trading.revoke_nonces(below)
    following = trading.next_nonce(home)
    desk.show({"account": home, "next_nonce": following}, f"{home}: the next order's nonce is at least {following}")
