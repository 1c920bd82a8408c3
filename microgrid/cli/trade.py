"""`microgrid trade`: orders, auctions, settlement and money, from any process against a node."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.client import MarketChain
from microgrid.cli._chain import (
    Desk,
    at_market,
    clock_s,
    interval_fields,
    named_interval,
    read_key,
    table,
)
from microgrid.cli._direct import accept, credits_group, offer, offers, withdraw_offer
from microgrid.cli._order_checks import check_deposit, check_order
from microgrid.cli._rules import pause, revoke_nonces, rules, unpause
from microgrid.cli._types import Account, Energy, Money
from microgrid.domain.errors import OrderRefusedError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import AuctionResult, Cancellation, HomeStatement, Order, OrderResult, Side
from microgrid.domain.units import decimal_kwh, decimal_units
from microgrid.domain.wire import SigningKey, sign_cancellation, sign_order

ENERGIES = ("bought_wh", "sold_wh", "import_wh", "export_wh")


@click.group()
def command() -> None:
    """Place orders, clear and settle intervals, move money.

    An INTERVAL is its index or the ISO time it starts at. Amounts are in currency units, energy in kWh.

    Example: microgrid trade book
    """


for beside_the_auction in (offer, accept, withdraw_offer, offers, rules, revoke_nonces, pause, unpause):
    command.add_command(beside_the_auction)
command.add_command(credits_group, "credits")


@command.command()
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("energy", type=Energy())
@click.argument("price", type=Money())
@click.option("--interval", help="First delivery interval: index or ISO start. [default: the next open one]")
@click.option("--duration", type=click.IntRange(1), default=1, show_default=True, help="Number of intervals.")
@click.option(
    "--signed-by",
    type=click.Path(path_type=Path),
    help="Key file of a home that has no gas money: it signs, the acting key hands the order in and pays.",
)
@at_market
def order(
    desk: Desk, *, side: str, energy: int, price: int, interval: str | None, duration: int, signed_by: Path | None
) -> None:
    """Place an order of ENERGY kWh in each interval at a limit PRICE per kWh.

    An interval without a tariff is opened at the price formula first.

    Example: microgrid trade order buy 1.5 0.20 --key-file home.key
    """
    market, home = desk.market, read_key(signed_by) if signed_by else None
    first = named_interval(market, interval)
    trader = home.address if home else market.transactor.address
    nonce = market.trading.next_nonce(trader)
    wanted = Order(trader, first.index, Side[side.upper()], energy, price, nonce, first.start_s, duration)
    check_order(market, wanted)
    _open_intervals(market, wanted)
    _place(market, wanted, home)
    fields = {"trader": trader, "side": side, "energy_wh": energy, "price_micro_per_kwh": price, "duration": duration}
    text = f"{trader} {side}s {decimal_kwh(energy)} kWh at {decimal_units(price)} per kWh"
    desk.show(interval_fields(first) | fields, f"{text} in interval {first.index} from {first.start_utc.isoformat()}")


def _open_intervals(market: MarketChain, wanted: Order) -> None:
    for interval in range(wanted.interval, wanted.interval + wanted.duration):
        if market.grid.band(interval) is None:
            market.grid.open_interval(interval)


def _place(market: MarketChain, wanted: Order, home: SigningKey | None) -> None:
    """As the acting key's own order, or as one that a home signed."""
    if home is None:
        terms = (wanted.side, wanted.energy_wh, wanted.price_micro_per_kwh, wanted.duration)
        market.trading.create_order(wanted.interval, *terms)
        return
    result = market.submit_orders([sign_order(wanted, home, market.order_domain)])[0]
    if result is not OrderResult.ACCEPTED:
        raise OrderRefusedError(wanted.trader, wanted.interval, result.name.lower())


@command.command()
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.option("--interval", help="Delivery interval: index or ISO start. [default: the next open one]")
@click.option(
    "--signed-by",
    type=click.Path(path_type=Path),
    help="Key file of a home that has no gas money: it signs, the acting key hands the cancellation in and pays.",
)
@at_market
def cancel(desk: Desk, *, side: str, interval: str | None, signed_by: Path | None) -> None:
    """Take the acting key's order of an interval back; what it locked is free again.

    It works until gate closure, and once for each interval and side: the order placed instead stands.

    Example: microgrid trade cancel sell --interval 2026-01-31T13:00 --key-file home.key
    """
    chosen, home = named_interval(desk.market, interval), read_key(signed_by) if signed_by else None
    energy_wh, released = _cancel(desk.market, chosen, Side[side.upper()], home)
    text = f"cancelled: {decimal_kwh(energy_wh)} kWh; {decimal_units(released)} is free again"
    desk.show(
        interval_fields(chosen) | {"side": side, "energy_wh": energy_wh, "released_micro": released},
        f"{side} order of interval {chosen.index} {text}",
    )


def _cancel(market: MarketChain, chosen: Interval, side: Side, home: SigningKey | None) -> tuple[int, int]:
    """The acting key's own order, or one that a home signed the cancellation of."""
    if home is None:
        return market.trading.cancel_order(chosen.index, side)
    wanted = Cancellation(home.address, chosen.index, side, chosen.start_s)
    return market.trading.cancel_order_for(sign_cancellation(wanted, home, market.order_domain))


@command.command()
@click.argument("interval", required=False)
@at_market
def book(desk: Desk, *, interval: str | None) -> None:
    """Show the order book of an interval, by default the next open one.

    Example: microgrid trade book 2026-01-31T13:00
    """
    market = desk.market
    chosen = named_interval(market, interval)
    band, gate_s = market.grid.band(chosen.index), market.trading.gate_closure_s(chosen.index)
    levels = _levels(market, chosen.index) if band else []
    fields = {
        "gate_closure_s": gate_s,
        "takes_orders": clock_s(market) < gate_s,
        "band_micro_per_kwh": asdict(band) if band else None,
        "levels": levels,
    }
    state = "open" if fields["takes_orders"] else "closed"
    prices = f", {decimal_units(band.feed_in)} to {decimal_units(band.retail)} per kWh" if band else ", no tariff yet"
    title = f"Interval {chosen.index} from {chosen.start_utc.isoformat()}: {state}{prices}"
    rows = [[decimal_units(at["price"]), decimal_kwh(at["buy_wh"]), decimal_kwh(at["sell_wh"])] for at in levels]
    columns = dict.fromkeys(("price per kWh", "buy kWh", "sell kWh"), "right")
    desk.show(interval_fields(chosen) | fields, table(title, columns, rows))


def _levels(market: MarketChain, interval: int) -> list[dict[str, int]]:
    """Ticks with any order, dearest first; prices in micro per kWh."""
    both = zip(market.trading.levels_wh(interval, Side.BUY), market.trading.levels_wh(interval, Side.SELL), strict=True)
    used = [(tick, buy_wh, sell_wh) for tick, (buy_wh, sell_wh) in enumerate(both) if buy_wh or sell_wh]
    return [
        {"price": market.trading.tick_price(interval, tick), "buy_wh": buy_wh, "sell_wh": sell_wh}
        for tick, buy_wh, sell_wh in reversed(used)
    ]


@command.command()
@click.argument("interval")
@at_market
def clear(desk: Desk, *, interval: str) -> None:
    """Clear an interval's auction after its gate has closed; anyone may.

    Example: microgrid trade clear 2026-01-31T13:00
    """
    chosen = named_interval(desk.market, interval)
    result = desk.market.clear(chosen.index)
    price, volume = decimal_units(result.price_micro_per_kwh), decimal_kwh(result.volume_wh)
    columns = {"account": "left", "bought kWh": "right", "sold kWh": "right"}
    text = table(f"Interval {chosen.index}: {volume} kWh at {price} per kWh", columns, _fills(result))
    desk.show(interval_fields(chosen) | asdict(result), text)


def _fills(result: AuctionResult) -> list[list[str]]:
    accounts = dict.fromkeys([*result.bought_wh, *result.sold_wh])
    return [[a, decimal_kwh(result.bought_wh.get(a, 0)), decimal_kwh(result.sold_wh.get(a, 0))] for a in accounts]


@command.command()
@click.argument("interval")
@at_market
def settle(desk: Desk, *, interval: str) -> None:
    """Bill every home of an interval that is over; anyone may. Homes without a reading wait for it until the deadline.

    Example: microgrid trade settle 2026-01-31T13:00
    """
    chosen = named_interval(desk.market, interval)
    result = desk.market.settle(chosen.index)
    columns = {"account": "left"} | dict.fromkeys((*ENERGIES, "amount"), "right")
    text = table(f"Interval {chosen.index}", columns, [_statement_row(s) for s in result.statements])
    fields = {"money": asdict(result.money), "statements": [asdict(s) for s in result.statements]}
    desk.show(interval_fields(chosen) | fields, text)


def _statement_row(statement: HomeStatement) -> list[str]:
    energies = [decimal_kwh(getattr(statement, name)) for name in ENERGIES]
    return [statement.account, *energies, decimal_units(statement.amount_micro)]


@command.command()
@click.argument("amount", type=Money())
@click.option("--account", type=Account(), help="Whose balance. [default: the acting key's]")
@at_market
def deposit(desk: Desk, *, amount: int, account: str | None) -> None:
    """Pay AMOUNT into a balance; the operator issues the payment tokens for it.

    Example: microgrid trade deposit 50 --account 0x7099…79C8
    """
    to = account or desk.market.transactor.address
    check_deposit(desk.market, to, amount)
    desk.market.deposit(to, amount)
    _show_balances(desk, [to])


@command.command()
@click.argument("amount", type=Money())
@at_market
def withdraw(desk: Desk, *, amount: int) -> None:
    """Pay AMOUNT of the acting key's credit out in payment tokens.

    Example: microgrid trade withdraw 10 --key-file home.key
    """
    desk.market.trading.withdraw(amount)
    _show_balances(desk, [desk.market.transactor.address])


@command.command()
@click.argument("to", type=Account())
@click.argument("amount", type=Money())
@at_market
def transfer(desk: Desk, *, to: str, amount: int) -> None:
    """Move AMOUNT of the acting key's credit to another account.

    Example: microgrid trade transfer 0x3C44…93BC 2.50 --key-file home.key
    """
    desk.market.trading.transfer(to, amount)
    _show_balances(desk, [desk.market.transactor.address, to])


@command.command()
@click.argument("accounts", type=Account(), nargs=-1)
@at_market
def balance(desk: Desk, *, accounts: tuple[str, ...]) -> None:
    """Show balances: of some accounts, or of all homes, the grid, the fees and the insurance pool (`dust`).

    Example: microgrid trade balance --json
    """
    _show_balances(desk, accounts)


def _show_balances(desk: Desk, accounts: Sequence[str]) -> None:
    trading = desk.market.trading
    named: Mapping[str, int] = {account: trading.balance_micro(account) for account in accounts}
    amounts = dict(named or desk.market.balances())
    rows = [[name, decimal_units(amount)] for name, amount in amounts.items()]
    desk.show(amounts, table("Balances", {"account": "left", "amount": "right"}, rows))


@command.command()
@click.argument("account", type=Account(), required=False)
@at_market
def history(desk: Desk, *, account: str | None) -> None:
    """Show what happened to an account (the acting key's by default), oldest first.

    Example: microgrid trade history 0x7099…79C8
    """
    market = desk.market
    who = account or market.transactor.address
    entries = market.trading.history(who, market.registry.member_of(who))
    documents: list[dict[str, Any]] = [{"event": name, "block": block, **args} for name, block, args in entries]
    rows = [[str(block), name, _values(args)] for name, block, args in entries]
    columns = {"block": "right", "event": "left", "values": "left"}
    desk.show(documents, table(f"History of {who}", columns, rows))


def _values(args: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in args.items())
