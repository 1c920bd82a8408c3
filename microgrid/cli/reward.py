"""`microgrid reward`: what conduct earns, claims, stakes, bans."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.bindings.regulator import BanReason
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, clock_s, interval_fields, named_interval, table
from microgrid.cli._types import Account, Energy, Tokens
from microgrid.domain.errors import BadInputError
from microgrid.domain.units import decimal_kwh, decimal_wad
from microgrid.domain.wire import decode_reading, device_id, keccak256

SHOWN_EPOCHS = 3
REASONS = {"grid-use": BanReason.GRID_USE, "conduct": BanReason.CONDUCT, "arrears": BanReason.ARREARS}


@click.group()
def command() -> None:
    """Rewards for energy shared, saved, shifted and used at home; stakes that raise them.

    Amounts are in tokens. An EPOCH is a number of intervals with one budget.

    Example: microgrid reward show
    """


@command.command()
@click.argument("account", type=Account(), required=False)
@at_market
def show(desk: Desk, *, account: str | None) -> None:
    """Show what an account (the acting key's by default) earned, holds and staked, and how it behaved.

    Example: microgrid reward show 0x7099…79C8
    """
    _show(desk, account or desk.market.transactor.address)


@command.command()
@click.option("--epoch", type=click.IntRange(0), help="Claim the incentives of this epoch instead.")
@at_market
def claim(desk: Desk, *, epoch: int | None) -> None:
    """Claim the acting key's reward: for energy shared, or the incentives of an epoch.

    Example: microgrid reward claim --epoch 19675 --key-file home.key
    """
    if epoch is None:
        desk.market.reward_system.claim()
    else:
        desk.market.reward_system.claim_incentives(epoch)
    _show(desk, desk.market.transactor.address)


@command.command()
@click.argument("interval")
@at_market
def record(desk: Desk, *, interval: str) -> None:
    """Count an interval for all members' incentives; anyone may, while the registry keeps its readings.

    Example: microgrid reward record 2026-01-31T13:00
    """
    market, chosen = desk.market, named_interval(desk.market, interval)
    members = market.registry.member_count()
    market.reward_system.record_conduct(chosen.index, 1, members)
    desk.show(interval_fields(chosen) | {"members": members}, f"Interval {chosen.index} counted for {members} members")


@command.command()
@click.argument("accounts", type=Account(), nargs=-1)
@at_market
def checkpoint(desk: Desk, *, accounts: tuple[str, ...]) -> None:
    """Let ACCOUNTS (all homes by default) earn at the rates now in force; anyone may.

    What they earned so far keeps its own rates: a home earns at those of its last claim or checkpoint until the next.

    Example: microgrid reward checkpoint
    """
    system, named = desk.market.reward_system, accounts or tuple(desk.market.homes())
    system.checkpoint(named)
    accrued = {account: system.accrued(account) for account in named}
    rows = [[account, decimal_wad(amount)] for account, amount in accrued.items()]
    desk.show({"accrued_wad": accrued}, table("Accrued rewards", {"account": "left", "tokens": "right"}, rows))


@command.command("count-inverter")
@click.argument("device")
@at_market
def count_inverter(desk: Desk, *, device: str) -> None:
    """Count what the inverter DEVICE generated and its home used itself; anyone may, when its meter was read with it.

    Example: microgrid reward count-inverter inverter-01
    """
    identity = device_id(device)
    desk.market.reward_system.record_self_consumption(identity)
    _show(desk, desk.market.registry.device(identity, device).owner)


@command.command()
@click.argument("account", type=Account())
@click.argument("energy", type=Energy())
@click.option("--event", required=True, help="Name of the demand-response event; a home is credited once for each.")
@at_market
def credit(desk: Desk, *, account: str, energy: int, event: str) -> None:
    """Credit a home with ENERGY kWh that it shifted in a demand-response event; an oracle may.

    Example: microgrid reward credit 0x7099…79C8 0.8 --event evening-peak-17
    """
    market = desk.market
    market.reward_system.credit_stability(keccak256(event.encode()), market.registry.member_of(account), energy)
    _show(desk, account)


@command.command()
@click.argument("account", type=Account())
@click.argument("reason", type=click.Choice(list(REASONS)))
@click.option("--intervals", type=click.IntRange(1), default=2, show_default=True, help="Length of the ban.")
@at_market
def ban(desk: Desk, *, account: str, reason: str, intervals: int) -> None:
    """Ban a home from new orders: a maintainer for grid use or conduct, anyone for arrears (three intervals).

    Example: microgrid reward ban 0x7099…79C8 grid-use --intervals 3
    """
    regulator, member_id = desk.market.regulator, desk.market.registry.member_of(account)
    if REASONS[reason] is BanReason.ARREARS:
        regulator.ban_for_arrears(member_id)
    else:
        regulator.ban(member_id, intervals, REASONS[reason])
    _show(desk, account)


@command.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("second", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@at_market
def slash(desk: Desk, *, first: Path, second: Path) -> None:
    """Prove that a device signed two readings with one number: files FIRST and SECOND hold its frames.

    Example: microgrid reward slash one.frame other.frame
    """
    readings = [decode_reading(file.read_bytes()) for file in (first, second)]
    desk.market.staking.slash(*readings)
    _show(desk, desk.market.registry.device(readings[0].device_id, readings[0].device).owner)


@command.command()
@click.argument("amount", type=Tokens())
@at_market
def stake(desk: Desk, *, amount: int) -> None:
    """Stake AMOUNT of the acting key's tokens, which raises the incentives of epochs that it stays for.

    A tenth of the stake comes on top of what is earned in an epoch, at most half of that.

    Example: microgrid reward stake 2.5 --key-file home.key
    """
    market = desk.market
    if amount > (held := market.reward_token.balance_wad(market.transactor.address)):
        message = f"AMOUNT {decimal_wad(amount)} is more than the acting key's {decimal_wad(held)} tokens"
        raise BadInputError(message)
    market.reward_token.approve(market.staking.contract.address, amount)
    market.staking.stake(amount)
    _show(desk, market.transactor.address)


@command.command()
@click.argument("amount", type=Tokens())
@at_market
def unstake(desk: Desk, *, amount: int) -> None:
    """Begin to unbond AMOUNT; `microgrid reward withdraw` takes it back after the unbonding time.

    Example: microgrid reward unstake 2.5 --key-file home.key
    """
    desk.market.staking.unstake(amount)
    _show(desk, desk.market.transactor.address)


@command.command()
@at_market
def withdraw(desk: Desk) -> None:
    """Take back what is unbonded.

    Example: microgrid reward withdraw --key-file home.key
    """
    desk.market.staking.withdraw()
    _show(desk, desk.market.transactor.address)


@command.command()
@at_market
def rates(desk: Desk) -> None:
    """Show what is paid for each kWh, and what this epoch can pay.

    Example: microgrid reward rates --json
    """
    market, system = desk.market, desk.market.reward_system
    now = _epoch_now(market)
    names = ("sold", "bought", "saved", "saved_at_peak", "shifted", "self_consumed", "grid_penalty")
    values = (*system.rates_wad(), *system.incentive_rates_wad(), *market.regulator.terms_wad())
    per_kwh = {f"{name}_wad_per_kwh": value for name, value in zip(names, values, strict=True)}
    document = per_kwh | {"epoch": now, **asdict(system.epoch(now))}
    desk.show(document, table("Rates, tokens per kWh", {"": "left", "value": "right"}, _rows(document)))


def _epoch_now(market: MarketChain) -> int:
    return clock_s(market) // market.registry.interval_seconds() // market.reward_system.epoch_intervals()


def _show(desk: Desk, account: str) -> None:
    document = _document(desk.market, account)
    text = table(f"Rewards of {account}", {"": "left", "value": "right"}, _rows(document))
    desk.show({"account": account} | document, text)


def _document(market: MarketChain, account: str) -> dict[str, Any]:
    system, member_id, now = market.reward_system, market.registry.member_of(account), _epoch_now(market)
    unbonding, released_s = market.staking.unbonding(account)
    ban = market.regulator.latest_ban(member_id)
    return {
        "accrued_wad": system.accrued(account),
        "balance_wad": market.reward_token.balance_wad(account),
        "votes_wad": market.reward_token.votes_wad(account),
        "staked_wad": market.staking.stake_wad(account),
        "unbonding_wad": unbonding,
        "released_s": released_s,
        **{f"epoch_{n}_wad": system.incentive(n, member_id) for n in range(now - SHOWN_EPOCHS + 1, now + 1)},
        **asdict(system.conduct(member_id)),
        "score_permille": system.score_permille(member_id),
        "banned_until_s": ban.until_s if ban.in_force else 0,
        "ban_reason": ban.reason.name.lower() if ban.in_force else "none",
    }


def _rows(document: dict[str, Any]) -> list[list[str]]:
    return [
        [name.removesuffix("_s").replace("_wad", "").replace("_", " "), _text(name, value)]
        for name, value in document.items()
    ]


def _text(name: str, value: Any) -> str:
    """A field for people; its name holds its unit."""
    if value is None:
        return "unknown"
    if "_wad" in name:
        return decimal_wad(value)
    if name.endswith("_wh"):
        return f"{decimal_kwh(value)} kWh"
    if name.endswith("_s"):
        return datetime.fromtimestamp(value, UTC).isoformat() if value else "-"
    return str(value)
