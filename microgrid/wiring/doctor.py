"""Looks at every part that a command may need, the way that command would."""

import importlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from microgrid.broker import EmbeddedBroker, MqttBroker
from microgrid.chain import artifacts
from microgrid.chain.backends import anvil, rpc
from microgrid.chain.compiler import find_compiler
from microgrid.config import Settings
from microgrid.domain.errors import MicrogridError
from microgrid.store import open_store

OLDEST_PYTHON = (3, 11)
LIBRARIES = ("web3", "eth-tester", "py-evm", "coincurve", "paho-mqtt", "amqtt", "SQLAlchemy", "pvlib", "demandlib")
PROBE_TIMEOUT_S = 3.0


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    OPTIONAL = "not there"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: what was found, and what to do where it is not well."""

    part: str
    state: State
    found: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        return {name: str(value) for name, value in asdict(self).items()}


def examine(settings: Settings) -> list[Finding]:
    """All parts, needed ones first."""
    return [
        _python(),
        _needed("libraries", _libraries, "pip install --force-reinstall microgrid"),
        _needed("contract artifacts", _artifacts, "pip install --force-reinstall microgrid"),
        _needed("embedded broker", _embedded_broker, "allow listening on 127.0.0.1"),
        _needed("database", lambda: _database(settings), "check MICROGRID_STORE_URL"),
        _run_folder(settings),
        _optional("node at MICROGRID_RPC_URL", lambda: _node(settings), "start one with `microgrid node`"),
        _mqtt(settings),
        _optional("anvil", lambda: _anvil(settings), "npm install @foundry-rs/anvil, for --backend anvil"),
        _optional("solidity compiler", _compiler, "npm ci --prefix contracts, to compile and verify contracts"),
    ]


def _needed(part: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(part, State.OK, look())
    except (MicrogridError, ImportError, OSError) as error:
        return Finding(part, State.BROKEN, str(error), remedy)


def _optional(part: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(part, State.OK, look())
    except MicrogridError as error:
        return Finding(part, State.OPTIONAL, str(error), remedy)


def _python() -> Finding:
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", State.OK, platform.python_version())
    return Finding("Python", State.BROKEN, platform.python_version(), "install Python 3.11 or newer")


def _libraries() -> str:
    # A compiled library that is installed but does not load would fail far from here otherwise.
    importlib.import_module("coincurve").PrivateKey(b"\1" * 32)
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def _artifacts() -> str:
    return ", ".join(artifacts.load(name).name for name in artifacts.names())


def _embedded_broker() -> str:
    with EmbeddedBroker() as broker:
        MqttBroker(broker.url, client_id="doctor", timeout_s=PROBE_TIMEOUT_S).close()
        return f"answered at {broker.url}"


def _database(settings: Settings) -> str:
    with tempfile.TemporaryDirectory(prefix="microgrid-") as folder:
        url = settings.store_url or f"sqlite:///{Path(folder) / 'doctor.sqlite'}"
        store = open_store(url)
        readings = store.counts()["readings"]
        store.close()
    return f"{readings} readings in {url.split('@')[-1]}" if settings.store_url else "SQLite works"


def _run_folder(settings: Settings) -> Finding:
    place = settings.out.absolute()
    while not place.exists():
        place = place.parent
    free_gib = shutil.disk_usage(place).free / 2**30
    return Finding("run folder", State.OK, f"{settings.out}, {free_gib:.0f} GiB free")


def _node(settings: Settings) -> str:
    backend = rpc.connect(settings.rpc_url, None)
    try:
        return f"chain {backend.chain_id} at {settings.rpc_url}"
    finally:
        backend.close()


def _mqtt(settings: Settings) -> Finding:
    if not settings.broker_url:
        return Finding("MQTT broker", State.OK, "the embedded one; MICROGRID_BROKER_URL names another")
    return _needed("MQTT broker", lambda: _answer(settings.broker_url), "start it, or correct MICROGRID_BROKER_URL")


def _answer(url: str) -> str:
    MqttBroker(url, client_id="doctor", timeout_s=PROBE_TIMEOUT_S).close()
    return "answers"


def _anvil(settings: Settings) -> str:
    return str(anvil.find_program(str(settings.anvil) if settings.anvil else None))


def _compiler() -> str:
    return str(find_compiler(Path("contracts")))
