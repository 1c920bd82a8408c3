"""`microgrid grid event`: demand response."""

from typing import Any

import rich_click as click

from microgrid.chain.bindings.demand_response import ALL_ZONES, EventStatus, Terms
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, clock_s, named_interval, table
from microgrid.cli._types import Money
from microgrid.domain.errors import BadInputError
from microgrid.domain.units import decimal_kwh, decimal_units

DAY_S = 86_400

event_argument = click.argument("event", type=click.IntRange(1))


@click.group("event")
def command() -> None:
    """Demand response: pay homes for using less when the grid asks.

    Example: microgrid grid event list
    """


def _fields(market: MarketChain, event: int) -> dict[str, Any]:
    state = market.response.state(event)
    if state.status is EventStatus.NONE:
        message = f"there is no event {event}; the latest is {market.response.event_count()}"
        raise BadInputError(message)
    terms = market.response.terms(event)
    return {
        "event": event,
        "status": state.status.name.lower(),
        "first_interval": terms.first_interval,
        "intervals": terms.intervals,
        "baseline_first": terms.baseline_first,
        "baseline_intervals": terms.baseline_intervals,
        "zone": None if terms.zone == ALL_ZONES else terms.zone,
        "rate_micro_per_kwh": terms.rate_micro_per_kwh,
        "budget_micro": terms.budget_micro,
        "stage": state.stage,
        "participants": state.participants,
        "measured": state.measured,
        "net_wh": state.net_wh,
        "saved_wh": state.saved_wh,
        "payout_micro": state.payout_micro,
    }


def _show(desk: Desk, event: int) -> None:
    market = desk.market
    fields = _fields(market, event)
    homes: list[dict[str, Any]] = [
        {
            "account": market.registry.account_of(member),
            "baseline_wh": market.response.baseline_wh(event, member),
            "saved_wh": market.response.saved_wh(event, member),
            "incentive_micro": market.response.incentive_micro(event, member),
            "curtailed": market.response.is_curtailed(event, member),
        }
        for member in market.response.participants(event)
    ]
    lines = [f"{name:20} {value}" for name, value in fields.items()]
    for home in homes:
        saved, incentive = decimal_kwh(home["saved_wh"]), decimal_units(home["incentive_micro"])
        lines.append(f"{home['account']} saved {saved} kWh, may claim {incentive}")
    desk.show(fields | {"homes": homes}, "\n".join(lines))


@command.command()
@click.argument("interval")
@click.option("--intervals", type=click.IntRange(1, 8), default=1, show_default=True, help="Length of the event.")
@click.option("--rate", type=Money(), required=True, help="Incentive per kWh saved.")
@click.option("--budget", type=Money(), required=True, help="Most that is paid; it is taken from the acting account.")
@click.option("--baseline", help="First interval of the baseline. [default: the same time a day before]")
@click.option("--baseline-intervals", type=click.IntRange(1, 24), help="Its length. [default: that of the event]")
@click.option("--zone", type=click.IntRange(0), help="Feeder zone that is asked. [default: all]")
@at_market
def announce(
    desk: Desk,
    *,
    interval: str,
    intervals: int,
    rate: int,
    budget: int,
    baseline: str | None,
    baseline_intervals: int | None,
    zone: int | None,
) -> None:
    """Announce an event that begins with INTERVAL, as an operator, and escrow its budget.

    Example: microgrid grid event announce 2026-01-31T18:00 --rate 0.20 --budget 50
    """
    market = desk.market
    first = named_interval(market, interval)
    day_before = first.index - DAY_S // market.registry.interval_seconds()
    base = day_before if baseline is None else named_interval(market, baseline).index
    place = ALL_ZONES if zone is None else zone
    terms = Terms(first.index, intervals, base, baseline_intervals or intervals, place, rate, budget)
    _check_announced(market, terms)
    spender = market.response.contract.address
    if market.token.allowance_micro(market.transactor.address, spender) < budget:
        market.token.approve(spender)
    _show(desk, market.response.announce(terms))


def _check_announced(market: MarketChain, terms: Terms) -> None:
    """Refuse an event without money, or whose budget the acting account does not hold, before tokens are approved."""
    if not terms.rate_micro_per_kwh or not terms.budget_micro:
        message = "--rate and --budget must be above 0: an event pays for what is saved"
        raise BadInputError(message)
    held = market.token.balance_micro(market.transactor.address)
    if terms.budget_micro > held:
        message = (
            f"--budget {decimal_units(terms.budget_micro)} is more than the acting account's {decimal_units(held)}"
        )
        raise BadInputError(message)


@command.command("list")
@at_market
def list_events(desk: Desk) -> None:
    """List all events.

    Example: microgrid grid event list --json
    """
    found = [_fields(desk.market, event) for event in range(1, desk.market.response.event_count() + 1)]
    names = ("event", "status", "first_interval", "intervals", "participants", "net_wh", "payout_micro", "budget_micro")
    rows = [[str(fields[name]) for name in names] for fields in found]
    desk.show(found, table(f"{len(found)} events", dict.fromkeys(names, "right"), rows))


@command.command()
@event_argument
@at_market
def show(desk: Desk, *, event: int) -> None:
    """Show an event and the homes in it.

    Example: microgrid grid event show 1
    """
    _show(desk, event)


@command.command()
@event_argument
@at_market
def enrol(desk: Desk, *, event: int) -> None:
    """Take part with the acting account's home; its baseline is fixed by readings from before the announcement.

    Example: microgrid grid event enrol 1 --key-file home.key
    """
    desk.market.response.enrol(event)
    _show(desk, event)


@command.command("opt-out")
@event_argument
@at_market
def opt_out(desk: Desk, *, event: int) -> None:
    """Leave an event with the acting account's home.

    Example: microgrid grid event opt-out 1 --key-file home.key
    """
    desk.market.response.opt_out(event)
    _show(desk, event)


@command.command()
@event_argument
@click.option("--stage", type=click.IntRange(1, 3), default=2, show_default=True, help="Number of classes to call.")
@at_market
def dispatch(desk: Desk, *, event: int, stage: int) -> None:
    """Call the enrolled homes, as an operator: stage 1 flexible, 2 also standard, 3 also essential ones.

    Example: microgrid grid event dispatch 1 --stage 2
    """
    desk.market.response.dispatch(event, stage)
    _show(desk, event)


@command.command()
@event_argument
@at_market
def cancel(desk: Desk, *, event: int) -> None:
    """Cancel an event before it begins, as an operator, and give its budget back.

    Example: microgrid grid event cancel 1
    """
    desk.market.response.cancel(event)
    desk.market.response.refund(event)
    _show(desk, event)


@command.command()
@event_argument
@at_market
def settle(desk: Desk, *, event: int) -> None:
    """Measure an event that is over, fix and pay the incentives, give the rest back; anyone may, in steps.

    Example: microgrid grid event settle 1
    """
    response = desk.market.response
    if _fields(desk.market, event)["status"] == "dispatched":
        response.recover(event)
    if response.state(event).status is EventStatus.RECOVERING:
        response.measure(event)
    if response.state(event).status is EventStatus.RECOVERING:
        state, now_s = response.state(event), clock_s(desk.market)
        missing = state.participants - state.measured
        message = f"event {event} waits for the readings of {missing} homes (it is {now_s} now): hand them in first"
        raise BadInputError(message)
    if response.state(event).status is EventStatus.MEASURED:
        response.settle(event)
        _pay(desk.market, event)
    _show(desk, event)


def _pay(market: MarketChain, event: int) -> None:
    for member in market.response.participants(event):
        if market.response.incentive_micro(event, member):
            market.response.claim(event, member)
    if market.response.state(event).payout_micro < market.response.terms(event).budget_micro:
        market.response.refund(event)
