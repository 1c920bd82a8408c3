"""Commands of `microgrid trade` beside the auction: deals between two homes, and energy credits."""

from dataclasses import asdict
from typing import Any

import rich_click as click

from microgrid.chain.bindings.direct_trading import Offer, OfferStatus
from microgrid.chain.bindings.energy_credits import PURPOSE_BYTES
from microgrid.cli._chain import Desk, at_market, interval_fields, named_interval, table
from microgrid.cli._order_checks import check_energy, check_gate, check_member
from microgrid.cli._types import Account, Energy, Money
from microgrid.domain.errors import BadInputError
from microgrid.domain.records import Side
from microgrid.domain.units import decimal_kwh, decimal_units


@click.command()
@click.argument("counterparty", type=Account())
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("energy", type=Energy())
@click.argument("price", type=Money())
@click.option("--interval", help="Delivery interval: index or ISO start. [default: the next open one]")
@click.option("--expiry", type=click.IntRange(1), help="Unix time. [default: the second before gate closure]")
@at_market
def offer(
    desk: Desk, *, counterparty: str, side: str, energy: int, price: int, interval: str | None, expiry: int | None
) -> None:
    """Offer one home to buy or sell ENERGY kWh at PRICE per kWh, outside the auction.

    Example: microgrid trade offer 0x7099…79C8 sell 1.5 0.18 --key-file home.key
    """
    market = desk.market
    chosen = named_interval(market, interval)
    parties = [check_member(market, account) for account in (market.transactor.address, counterparty)]
    if parties[0] == parties[1]:
        message = f"COUNTERPARTY {counterparty} is the acting key's own home: a deal needs another one"
        raise BadInputError(message)
    check_energy(market, energy)
    check_gate(market, chosen.index)
    if market.grid.band(chosen.index) is None:
        market.grid.open_interval(chosen.index)
    expiry_s = expiry or market.trading.gate_closure_s(chosen.index) - 1
    number = market.direct.offer(counterparty, chosen.index, energy, price, Side[side.upper()], expiry_s)
    made = market.direct.offer_at(number)
    text = f"offer {number}: {side} {decimal_kwh(energy)} kWh at {decimal_units(price)} per kWh, for {counterparty}"
    desk.show(interval_fields(chosen) | _fields(desk, made), text)


@click.command()
@click.argument("number", type=click.IntRange(1))
@at_market
def accept(desk: Desk, *, number: int) -> None:
    """Accept the offer of that NUMBER, made to the acting key's home.

    Example: microgrid trade accept 3 --key-file home.key
    """
    desk.market.direct.accept(number)
    _show_offers(desk, [desk.market.direct.offer_at(number)])


@click.command("withdraw-offer")
@click.argument("number", type=click.IntRange(1))
@at_market
def withdraw_offer(desk: Desk, *, number: int) -> None:
    """Take back an offer of the acting key's home that nobody accepted.

    Example: microgrid trade withdraw-offer 3 --key-file home.key
    """
    desk.market.direct.withdraw_offer(number)
    _show_offers(desk, [desk.market.direct.offer_at(number)])


@click.command()
@click.option("--all", "with_closed", is_flag=True, help="Also those accepted or withdrawn.")
@at_market
def offers(desk: Desk, *, with_closed: bool) -> None:
    """List the offers that are open.

    Example: microgrid trade offers --all --json
    """
    found = desk.market.direct.offers()
    _show_offers(desk, [made for made in found if with_closed or made.status is OfferStatus.OPEN])


def _show_offers(desk: Desk, found: list[Offer]) -> None:
    documents = [_fields(desk, made) for made in found]
    columns = dict.fromkeys(("offer", "interval", "kWh", "price per kWh"), "right")
    columns |= dict.fromkeys(("side", "maker", "counterparty", "status"), "left")
    rows = [
        [
            *(str(made.number), str(made.interval), decimal_kwh(made.energy_wh)),
            *(decimal_units(made.price_micro_per_kwh), fields["side"]),
            *(fields["maker"], fields["counterparty"], fields["status"]),
        ]
        for made, fields in zip(found, documents, strict=True)
    ]
    desk.show(documents, table("Offers", columns, rows))


def _fields(desk: Desk, made: Offer) -> dict[str, Any]:
    account_of = desk.market.registry.account_of
    parties = {"maker": account_of(made.maker_id), "counterparty": account_of(made.counterparty_id)}
    return asdict(made) | {"side": made.side.name.lower(), "status": made.status.name.lower()} | parties


@click.group()
def credits_group() -> None:
    """Mint, move and spend energy credits: one for each Wh that a meter fed in.

    Example: microgrid trade credits show
    """


@credits_group.command()
@click.argument("accounts", type=Account(), nargs=-1)
@at_market
def show(desk: Desk, *, accounts: tuple[str, ...]) -> None:
    """Show credits: of some accounts, or of all homes and the central supply.

    Example: microgrid trade credits show --json
    """
    _show_credits(desk, *accounts)


@credits_group.command()
@click.argument("interval")
@click.argument("account", type=Account())
@at_market
def mint(desk: Desk, *, interval: str, account: str) -> None:
    """Mint the credits of a home's metered interval, once; anyone may.

    Example: microgrid trade credits mint 2026-01-31T13:00 0x7099…79C8
    """
    chosen, member_id = named_interval(desk.market, interval), check_member(desk.market, account)
    desk.market.credits.mint(chosen.index, member_id)
    _show_credits(desk, account)


@credits_group.command("transfer")
@click.argument("to", type=Account())
@click.argument("energy", type=Energy())
@at_market
def transfer_credits(desk: Desk, *, to: str, energy: int) -> None:
    """Move credits for ENERGY kWh of the acting key to a home or the central supply.

    Example: microgrid trade credits transfer 0x7099…79C8 1.5 --key-file home.key
    """
    desk.market.credits.transfer(to, energy)
    _show_credits(desk, desk.market.transactor.address, to)


@credits_group.command()
@click.argument("energy", type=Energy())
@click.argument("purpose", default="")
@at_market
def spend(desk: Desk, *, energy: int, purpose: str) -> None:
    """Use up credits for ENERGY kWh of the acting key for good; PURPOSE is kept with it.

    Example: microgrid trade credits spend 1.5 "green event" --key-file home.key
    """
    if len(purpose.encode()) > PURPOSE_BYTES:
        message = f"purpose {purpose!r} is too long: at most {PURPOSE_BYTES} bytes"
        raise BadInputError(message)
    desk.market.credits.spend(energy, purpose)
    _show_credits(desk, desk.market.transactor.address)


def _show_credits(desk: Desk, *accounts: str) -> None:
    market = desk.market
    shown = accounts or (*market.homes(), market.credits.central_supply())
    balances = {account: market.credits.balance_wh(account) for account in shown}
    totals = {"minted_wh": market.credits.minted_wh(), "spent_wh": market.credits.spent_wh()}
    title = f"Energy credits: {decimal_kwh(totals['minted_wh'])} kWh minted, {decimal_kwh(totals['spent_wh'])} spent"
    rows = [[account, decimal_kwh(amount)] for account, amount in balances.items()]
    desk.show(totals | {"balances_wh": balances}, table(title, {"account": "left", "kWh": "right"}, rows))
