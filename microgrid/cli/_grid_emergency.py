"""`microgrid grid emergency`: levels, shedding, priorities."""

from typing import Any

import rich_click as click

from microgrid.chain.bindings.emergency_control import Level, PriorityClass
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market
from microgrid.cli._types import Account
from microgrid.domain.errors import BadInputError

PRIORITIES = {kind.name.lower(): kind for kind in PriorityClass}


@click.group("emergency")
def command() -> None:
    """Show and change the emergency level; curtail loads in order.

    Example: microgrid grid emergency show
    """


def fields(market: MarketChain) -> dict[str, Any]:
    """The emergency level as JSON shows it."""
    status = market.emergency.status()
    return {
        "level": status.level.name.lower(),
        "declared": status.declared,
        "curtailed_classes": [name for name, kind in PRIORITIES.items() if kind < status.stage],
        "since_s": status.since_s,
        "until_s": status.until_s or None,
        "severity_permille": market.emergency.last_severity(),
    }


def _show(desk: Desk) -> None:
    shown = fields(desk.market)
    desk.show(shown, "\n".join(f"{name:18} {value}" for name, value in shown.items()))


@command.command()
@at_market
def show(desk: Desk) -> None:
    """Show the level, when it ends by itself, and who is curtailed.

    Example: microgrid grid emergency show --json
    """
    _show(desk)


@command.command()
@at_market
def observe(desk: Desk) -> None:
    """Let the severity that the sensors give raise or lower the level; anyone may.

    Example: microgrid grid emergency observe
    """
    desk.market.emergency.observe()
    _show(desk)


@command.command()
@click.argument("permille", type=click.IntRange(0, 1_000))
@at_market
def severity(desk: Desk, *, permille: int) -> None:
    """Report a severity in permille, as an oracle.

    Example: microgrid grid emergency severity 650
    """
    desk.market.emergency.report_severity(permille)
    _show(desk)


@command.command()
@click.argument("level", type=click.Choice(["alert", "emergency"]))
@click.option("--seconds", type=click.IntRange(1), default=3_600, show_default=True, help="It ends by itself then.")
@click.option("--reason", default="", help="Why; the chain keeps its hash.")
@at_market
def declare(desk: Desk, *, level: str, seconds: int, reason: str) -> None:
    """Declare an alert or emergency for a while, as a guardian.

    Example: microgrid grid emergency declare emergency --seconds 1800 --reason "a line is down"
    """
    desk.market.emergency.declare(Level[level.upper()], seconds, reason)
    _show(desk)


@command.command("stand-down")
@at_market
def stand_down(desk: Desk) -> None:
    """End the level, as an operator: an emergency goes to recovery, the others to normal.

    Example: microgrid grid emergency stand-down
    """
    desk.market.emergency.stand_down()
    _show(desk)


@command.command()
@at_market
def expire(desk: Desk) -> None:
    """Write down and tell what time has changed; anyone may. Levels end by themselves without it, too.

    Example: microgrid grid emergency expire
    """
    desk.market.emergency.expire()
    _show(desk)


@command.command()
@click.argument("stage", type=click.IntRange(0, 3))
@at_market
def shed(desk: Desk, *, stage: int) -> None:
    """Curtail so many classes, as an operator: 1 flexible, 2 also standard, 3 also essential.

    Example: microgrid grid emergency shed 1
    """
    desk.market.emergency.set_shedding(stage)
    _show(desk)


@command.command()
@click.argument("account", type=Account())
@click.argument("priority", type=click.Choice(list(PRIORITIES)), required=False)
@at_market
def priority(desk: Desk, *, account: str, priority: str | None) -> None:
    """Show a home's priority class, or set it, as an operator.

    Example: microgrid grid emergency priority 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 critical
    """
    market = desk.market
    member_id = market.registry.member_of(account)
    if not member_id:
        message = f"{account} is no member of this market"
        raise BadInputError(message)
    if priority is not None:
        market.emergency.set_priority(member_id, PRIORITIES[priority])
    found = market.emergency.priority_of(member_id).name.lower()
    curtailed = market.emergency.is_shed(member_id)
    shown = {"account": account, "member_id": member_id, "priority": found, "curtailed": curtailed}
    desk.show(shown, f"{account} is {found}{', curtailed now' if curtailed else ''}")
