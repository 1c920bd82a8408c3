"""`microgrid market`: clear a book off chain, under one rule or all side by side."""

import json
from pathlib import Path
from typing import Any, Literal

import rich_click as click
from rich.console import Console
from rich.table import Table

from microgrid.domain import plugins
from microgrid.domain.errors import BookError, DataFileError
from microgrid.market import Book, Clearing, clear
from microgrid.market.comparison import Outcome, parameters_of, under_every_rule

ORDERS = click.argument("orders", type=click.Path(path_type=Path, dir_okay=True))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
SETTINGS = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the rule, such as floor=0.08 (`market list` names them).",
)


@click.group()
def command() -> None:
    """Clear an order book off chain.

    Example: microgrid market clear orders.json --mechanism uniform_price
    """


@command.command("list")
@AS_JSON
def list_rules(*, as_json: bool) -> None:
    """List the market rules and their parameters.

    Example: microgrid market list
    """
    rules = [_describe(name) for name in plugins.names("mechanism")]
    if as_json:
        click.echo(json.dumps(rules))
        return
    table = Table("mechanism", "parameters", "what it does", box=None)
    for rule in rules:
        shown = (name if value is None else f"{name}={value:g}" for name, value in rule["defaults"].items())
        table.add_row(rule["name"], ", ".join(shown), rule["summary"])
    _console().print(table)


@command.command("clear")
@ORDERS
@click.option("--mechanism", default="uniform_price", show_default=True, help="The market rule, by name.")
@SETTINGS
@AS_JSON
def clear_orders(orders: Path, mechanism: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Clear ORDERS, a JSON file {"bids": [{"id", "price", "qty"}], "asks": […]}, under one rule.

    Example: microgrid market clear orders.json --mechanism tick_auction --set floor=0.08 --set cap=0.30
    """
    result = clear(_read_book(orders), mechanism, **_parameters(settings))
    if as_json:
        click.echo(json.dumps(result.to_document()))
        return
    _print_clearing(result)


@command.command("compare")
@ORDERS
@click.option("--retail", type=float, help="What the grid takes per kWh (default: the highest bid).")
@click.option("--feed-in", type=float, help="What the grid pays per kWh (default: the lowest ask).")
@SETTINGS
@AS_JSON
def compare_rules(
    orders: Path, retail: float | None, feed_in: float | None, settings: tuple[str, ...], *, as_json: bool
) -> None:
    """Clear ORDERS under every rule and set the results side by side: prices, welfare, who gains and who loses.

    Gains are measured by the orders' own limits against no trade; the surplus is what the operator keeps. Where buyers
    pay another price than sellers get, both are shown. A setting goes to every rule that has it.

    Example: microgrid market compare orders.json --retail 0.30 --feed-in 0.08
    """
    grid = {name: price for name, price in (("retail", retail), ("feed_in", feed_in)) if price is not None}
    outcomes = under_every_rule(_read_book(orders), **(grid | _parameters(settings)))
    if as_json:
        click.echo(json.dumps([outcome.to_document() for outcome in outcomes]))
        return
    _print_comparison(outcomes)


def _describe(name: str) -> dict[str, Any]:
    defaults = parameters_of(name)
    summary = (plugins.load("mechanism", name).__doc__ or "").splitlines()[0]
    return {"name": name, "parameters": list(defaults), "defaults": defaults, "summary": summary}


def _read_book(path: Path) -> Book:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataFileError(str(path), "there is no such file") from error
    except OSError as error:
        raise DataFileError(str(path), f"cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise DataFileError(str(path), f"is no JSON: {error.msg}", line=error.lineno) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise DataFileError(str(path), "is no JSON in UTF-8") from error
    try:
        return Book.from_document(document)
    except BookError as error:
        raise DataFileError(str(path), str(error)) from error


def _parameters(settings: tuple[str, ...]) -> dict[str, float]:
    parameters = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            parameters[name.strip()] = float(value)
        except ValueError as error:
            raise BookError(what=f"--set {setting}", found="no setting", right="NAME=NUMBER") from error
    return parameters


def _print_clearing(result: Clearing) -> None:
    console, document = _console(), result.to_document()
    volume, welfare = f"{result.volume:.6g} kWh", f"{result.welfare:.6g}"
    console.print(f"{result.mechanism}: price {_shown(result.price)}, volume {volume}, welfare {welfare}")
    table = Table("buyer", "seller", "kWh", "buyer pays", "seller gets", box=None)
    for trade in document["trades"]:
        prices = _shown(trade["buyer_price"]), _shown(trade["seller_price"])
        table.add_row(trade["buyer"], trade["seller"], f"{trade['qty']:.6g}", *prices)
    console.print(table)


def _print_comparison(outcomes: list[Outcome]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("mechanism", "price", "kWh", "welfare", "of best", "surplus", "gain", "lose", "loses most"):
        words = heading in {"mechanism", "loses most"}
        justify: Literal["left", "right"] = "left" if words else "right"
        table.add_column(heading.replace(" ", "\n"), justify=justify, no_wrap=not words, overflow="fold")
    table.columns[0].no_wrap = True
    for outcome in outcomes:
        clearing, loser = outcome.clearing, outcome.biggest_loser
        table.add_row(
            clearing.mechanism,
            _prices(outcome),
            f"{clearing.volume:.6g}",
            f"{clearing.welfare:.4g}",
            "-" if outcome.welfare_share is None else f"{outcome.welfare_share:.1%}",
            f"{outcome.operator_surplus:.4g}",
            str(outcome.gainers),
            str(outcome.losers),
            "" if loser is None else f"{loser.name} {loser.gain:.4g}",
        )
    _console().print(table)


def _prices(outcome: Outcome) -> str:
    """Mean price of buyers and, where it is another one, of sellers."""
    if outcome.buyer_price is None or outcome.seller_price is None:
        return "-"
    buyers, sellers = f"{outcome.buyer_price:.4g}", f"{outcome.seller_price:.4g}"
    return buyers if buyers == sellers else f"{outcome.buyer_price:.3g}/{outcome.seller_price:.3g}"


def _console() -> Console:
    """Names of orders are shown as they are, brackets included."""
    return Console(markup=False, highlight=False)


def _shown(price: float | None) -> str:
    return "-" if price is None else f"{price:.6g}"
