"""`microgrid market`: clear a book off chain, under one rule or all side by side."""

import inspect
import json
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from microgrid.domain import plugins
from microgrid.domain.errors import BookError, DataFileError
from microgrid.market import Book, Clearing, clear

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
        table.add_row(rule["name"], ", ".join(rule["parameters"]), rule["summary"])
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
@AS_JSON
def compare_rules(orders: Path, *, as_json: bool) -> None:
    """Clear ORDERS under every rule and set the results side by side.

    Example: microgrid market compare orders.json
    """
    book = _read_book(orders)
    results = [clear(book, name) for name in plugins.names("mechanism")]
    if as_json:
        click.echo(json.dumps([result.to_document() for result in results]))
        return
    table = Table("mechanism", "price", "volume kWh", "welfare", "trades", box=None)
    for result in results:
        trades = str(len(result.trades.quantity))
        table.add_row(result.mechanism, _shown(result.price), f"{result.volume:.6g}", f"{result.welfare:.6g}", trades)
    _console().print(table)


def _describe(name: str) -> dict[str, Any]:
    module = plugins.load("mechanism", name)
    parameters = [key for key in inspect.signature(module.clear_book).parameters if key != "book"]
    return {"name": name, "parameters": parameters, "summary": (module.__doc__ or "").splitlines()[0]}


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


def _console() -> Console:
    """Names of orders are shown as they are, brackets included."""
    return Console(markup=False, highlight=False)


def _shown(price: float | None) -> str:
    return "-" if price is None else f"{price:.6g}"
