"""What the commands that talk to a chain share: their options, keys, the deployment file, times and intervals."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click
from rich.console import Console
from rich.table import Table

from microgrid.chain.backend import Backend
from microgrid.chain.backends import rpc
from microgrid.chain.client import MarketChain
from microgrid.chain.deployment import Deployment
from microgrid.chain.reverts import typed_errors
from microgrid.config import load_settings
from microgrid.domain.errors import BadInputError, DeploymentFileError, InvalidKeyError
from microgrid.domain.intervals import Interval, interval_at
from microgrid.domain.wire import SigningKey

Command = TypeVar("Command", bound=Callable[..., Any])


def key_options(function: Command) -> Command:
    """Options of every command that sends something: the node and the key."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option(
            "--key-file",
            type=click.Path(path_type=Path),
            help="File with the private key to act with. [default: MICROGRID_OPERATOR_KEY, else a development account]",
        ),
        click.option("--rpc", "rpc_url", help="JSON-RPC address of the node. [default: http://127.0.0.1:8545]"),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class Desk:
    """What a command works with: the contracts, the names of devices, and how results are printed."""

    market: MarketChain
    names: "NameBook"
    as_json: bool

    def show(self, document: Any, text: str | Table) -> None:
        """Print JSON, or the text for people."""
        show(document, as_json=self.as_json, text=text)


def at_market(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the market, open it, and pass it on as the command's `desk`."""

    @wraps(function)
    def with_desk(
        *, rpc_url: str | None, key_file: Path | None, deployment: Path | None, as_json: bool, **rest: Any
    ) -> None:
        path = load_settings(deployment=deployment).deployment
        names = NameBook(path)
        with open_market(rpc_url, key_file, path, names) as market:
            function(Desk(market, names, as_json), **rest)

    option = click.option(
        "--deployment", type=click.Path(path_type=Path), help="The contracts' addresses. [default: deployment.json]"
    )
    return option(key_options(with_desk))


@contextmanager
def open_node(
    rpc_url: str | None, key_file: Path | None, reader: SigningKey | None = None
) -> Iterator[tuple[Backend, SigningKey]]:
    """The node, and the key to act with; `reader` is a key for those who only read, where none is named.

    Raises:
        BadInputError: unreachable node, unusable key.
    """
    settings = load_settings(rpc_url=rpc_url)
    key = _named_key(key_file)
    backend = rpc.connect(settings.rpc_url)
    try:
        with typed_errors():
            yield backend, key or reader or backend.funded_key()
    finally:
        backend.close()


@contextmanager
def open_market(
    rpc_url: str | None, key_file: Path | None, path: Path, names: "NameBook", reader: SigningKey | None = None
) -> Iterator[MarketChain]:
    """The contracts that the deployment file names.

    Raises:
        BadInputError: unreachable node, unusable key, no contracts there.
    """
    known = read_deployment(path)
    with open_node(rpc_url, key_file, reader) as (backend, key):
        if backend.chain_id != known.chain_id:
            reason = f"is of chain {known.chain_id}, but the node serves chain {backend.chain_id}"
            raise DeploymentFileError(str(path), reason)
        if not backend.web3.eth.get_code(backend.web3.to_checksum_address(known.energy_trading)):
            reason = "names contracts that are not on this chain (a fresh node forgets them)"
            raise DeploymentFileError(str(path), reason)
        yield MarketChain(backend, known, key, names.names(), rehearse=True)


def _named_key(key_file: Path | None) -> SigningKey | None:
    if key_file is not None:
        return read_key(key_file)
    secret = load_settings().operator_key
    return None if secret is None else SigningKey.from_hex(secret.get_secret_value(), "MICROGRID_OPERATOR_KEY")


def read_key(path: Path) -> SigningKey:
    """The private key in a file.

    Raises:
        BadInputError: no such file, or no key in it.
    """
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        message = f"key file {path} cannot be read: {error.strerror}"
        raise BadInputError(message) from error
    except UnicodeDecodeError as error:
        raise InvalidKeyError(str(path)) from error
    return SigningKey.from_hex(text, str(path))


def read_deployment(path: Path) -> Deployment:
    """The deployment in a file.

    Raises:
        DeploymentFileError: no such file, or something else in it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Deployment.from_dict(document)
    except OSError as error:
        raise DeploymentFileError(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, BadInputError) as error:
        reason = "is no deployment file"
        raise DeploymentFileError(str(path), reason) from error


def check_writable(path: Path) -> None:
    """Refuse a place for a file before work is done for it.

    Raises:
        BadInputError: the folder does not exist or cannot be written to.
    """
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        message = f"{path} cannot be written: {'it is a folder' if path.is_dir() else 'no such folder, or not yours'}"
        raise BadInputError(message)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the new one, never half of it.

    Raises:
        BadInputError: it cannot be written there.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise BadInputError(message) from error


class NameBook:
    """Names of devices, kept beside the deployment file: the chain has only their hashes."""

    def __init__(self, deployment: Path) -> None:
        self._path = deployment.with_name(f"{deployment.stem}.devices.txt")

    def names(self) -> list[str]:
        """All names, oldest first."""
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []

    def add(self, name: str) -> None:
        """Remember a name."""
        if name not in (names := self.names()):
            write_whole(self._path, "".join(f"{known}\n" for known in [*names, name]))


def clock_s(market: MarketChain) -> int:
    """Time that a transaction sent now would be mined at, Unix seconds."""
    return int(market.backend.web3.eth.get_block("pending")["timestamp"])


def next_open(market: MarketChain) -> Interval:
    """The first interval that still takes orders."""
    seconds = market.registry.interval_seconds()
    now_s = clock_s(market)
    index = now_s // seconds
    while market.trading.gate_closure_s(index) <= now_s:
        index += 1
    return Interval(index, seconds)


def named_interval(market: MarketChain, text: str | None) -> Interval:
    """An interval by its index or the ISO time it starts at; the next open one by default.

    Raises:
        BadInputError: neither.
    """
    if text is None or text == "next":
        return next_open(market)
    seconds = market.registry.interval_seconds()
    try:
        interval = Interval(int(text), seconds) if text.isdecimal() else _starting_at(text, seconds)
        interval.end_utc.isoformat()  # calendars end with the year 9999
    except (ValueError, OverflowError, OSError) as error:
        following = next_open(market)
        message = (
            f"{text!r} is no interval: write its start as 2026-01-31T13:00 (UTC unless it has a zone) or its index; "
            f"the next open one starts at {following.start_utc.isoformat()} and has index {following.index}"
        )
        raise BadInputError(message) from error
    return interval


def _starting_at(text: str, seconds: int) -> Interval:
    start = datetime.fromisoformat(text)
    return interval_at(start if start.tzinfo else start.replace(tzinfo=UTC), seconds)


def interval_fields(interval: Interval) -> dict[str, Any]:
    """How an interval is shown in JSON."""
    return {"interval": interval.index, "start": interval.start_utc.isoformat(), "end": interval.end_utc.isoformat()}


def show(document: Any, *, as_json: bool, text: str | Table) -> None:
    """Print JSON, or the text for people."""
    if as_json:
        click.echo(json.dumps(document, indent=1))
    else:
        Console(soft_wrap=True, markup=False).print(text, highlight=False)


def table(title: str, columns: dict[str, str], rows: list[list[str]]) -> Table:
    """A table whose columns are justified `left` or `right`."""
    made = Table(title=title)
    for name, side in columns.items():
        made.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made
