"""A node in another thread and the command line in front of it, for the tests of commands that talk to a chain."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from village import START_S, key

from microgrid.chain.backend import dev_key
from microgrid.chain.client import MarketChain
from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.cli._chain import NameBook
from microgrid.cli._chain import open_market as open_deployed
from microgrid.domain.records import Reading
from microgrid.domain.wire import Payload, decode_reading, encode_reading

HOUR_S = 3_600
FIRST = START_S // HOUR_S + 1
ONE, TWO = dev_key(1), dev_key(2)
KEY_FILES = {"home.key": ONE, "other.key": TWO, "buyer.key": ONE, "seller.key": TWO}

Run = Callable[..., Any]


@contextmanager
def serving(start_s: int = START_S) -> Iterator[NodeServer]:
    """A node whose clock starts at the start of an hour."""
    started = NodeServer(start_s=start_s)
    thread = threading.Thread(target=started.serve)
    thread.start()
    yield started
    started.stop()
    thread.join()
    started.close()


class Commands:
    """Runs commands in the present folder against a node; gives the JSON that they print, or raises their error."""

    def __init__(self, server: NodeServer) -> None:
        self._url = server.url
        for name, owner in KEY_FILES.items():
            Path(name).write_text("0x" + owner.secret.hex() + "\n")

    def __call__(self, *words: str, as_json: bool = True) -> Any:
        end = words.index("--") if "--" in words else len(words)
        options = ["--rpc", self._url, *(["--json"] if as_json else [])]
        result = CliRunner().invoke(root, [*words[:end], *options, *words[end:]], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.stdout


@contextmanager
def commands_in(folder: Path, server: NodeServer) -> Iterator[Commands]:
    """Commands to prepare a market with, run in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MICROGRID_OPERATOR_KEY", raising=False)
        yield Commands(server)


@contextmanager
def open_market(server: NodeServer, key_file: Path | None = None) -> Iterator[MarketChain]:
    """The contracts that the present folder's deployment file names."""
    place = Path("deployment.json")
    with open_deployed(server.url, key_file, place, NameBook(place)) as market:
        yield market


def put_back(prepared: Path) -> None:
    """What a prepared market wrote, into the present folder."""
    shutil.copytree(prepared, Path(), dirs_exist_ok=True)


def reading(market: MarketChain, meter: str, number: int, time_s: int, import_wh: int, export_wh: int) -> Reading:
    """What a meter, whose key goes by its name, signs at a time."""
    payload = Payload(1, meter, 0, number, time_s, import_wh, export_wh, 0, 230_000, 0)
    return decode_reading(encode_reading(payload, key(meter), market.reading_domain))


def admit_two(run: Run) -> None:
    """Two homes with a meter each, and their money."""
    for name, home in (("meter-01", ONE), ("meter-02", TWO)):
        run("device", "register", name, "--owner", home.address, "--key", key(name).address)
        run("trade", "deposit", "50", "--account", home.address)


def share(run: Run, server: NodeServer, drawn_wh: int) -> None:
    """The second home sells 1 kWh to the first, which draws so much; both are settled."""
    run("trade", "deposit", "100", "--account", dev_key(8).address)
    run("trade", "order", "buy", "1", "0.20", "--key-file", "buyer.key")
    run("trade", "order", "sell", "1", "0.10", "--key-file", "seller.key")
    with open_market(server) as market:
        for number, (drawn, fed) in enumerate(((0, 0), (drawn_wh, 1_000))):
            time_s = (FIRST + number) * HOUR_S
            market.advance_to(time_s)
            readings = [
                reading(market, "meter-01", number, time_s, drawn, 0),
                reading(market, "meter-02", number, time_s, 0, fed),
            ]
            market.send_readings(market.prepare_readings(number, readings))
    run("trade", "clear", str(FIRST))
    run("trade", "settle", str(FIRST))
