"""`microgrid grid battery`: charge, plans, cycles and health of batteries."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.bindings.grid_monitor import ReportResult
from microgrid.chain.bindings.storage_registry import BatteryReport
from microgrid.cli._chain import Desk, at_market, clock_s, named_interval, read_key, table
from microgrid.cli._types import Energy
from microgrid.domain.errors import BadInputError, ReportRefusedError
from microgrid.domain.wire import device_id

COLUMNS = ("battery", "capacity_wh", "stored_wh", "milli_cycles", "health_permille", "fresh")


@click.group("battery")
def command() -> None:
    """Enlist batteries, report their charge, plan what they do.

    Example: microgrid grid battery list
    """


def _fields(desk: Desk, name: str, identity: bytes) -> dict[str, Any]:
    storage = desk.market.storage
    state = storage.battery(identity)
    if state is None:
        message = f"{name!r} is no enlisted battery; its owner enlists it with: microgrid grid battery enlist"
        raise BadInputError(message)
    available = storage.available_wh(identity)
    given, taken = available or (None, None)
    return {"battery": name} | asdict(state) | {"dischargeable_wh": given, "chargeable_wh": taken}


def _show(desk: Desk, name: str) -> None:
    fields = _fields(desk, name, device_id(name))
    desk.show(fields, "\n".join(f"{title:18} {value}" for title, value in fields.items()))


@command.command()
@click.argument("name")
@click.argument("capacity", type=Energy())
@click.option("--keep", type=Energy(), default=0, help="Least energy kept in it, kWh. [default: 0]")
@click.option("--fill", type=Energy(), help="Most energy charged into it, kWh. [default: its capacity]")
@at_market
def enlist(desk: Desk, *, name: str, capacity: int, keep: int, fill: int | None) -> None:
    """Enlist a registered battery of CAPACITY kWh, or change its bounds, with its owner's key.

    Example: microgrid grid battery enlist battery-1 10 --keep 1 --key-file home.key
    """
    desk.market.storage.enlist(device_id(name), capacity, keep, capacity if fill is None else fill)
    _show(desk, name)


@command.command()
@click.argument("name")
@click.argument("stored", type=Energy())
@click.argument("charged", type=Energy())
@click.argument("discharged", type=Energy())
@click.option("--health", type=click.IntRange(0, 1_000), default=1_000, show_default=True, help="Permille of capacity.")
@click.option(
    "--device-key-file",
    type=click.Path(path_type=Path),
    required=True,
    help="File with the battery's private key: it signs, the acting key hands the report in.",
)
@at_market
def report(
    desk: Desk, *, name: str, stored: int, charged: int, discharged: int, health: int, device_key_file: Path
) -> None:
    """Hand in a battery's report: energy STORED now, ever CHARGED and ever DISCHARGED, in kWh.

    Example: microgrid grid battery report battery-1 6.5 1210 1150 --device-key-file battery.key
    """
    storage, identity = desk.market.storage, device_id(name)
    sequence = _fields(desk, name, identity)["sequence"] + 1
    made = BatteryReport(identity, sequence, clock_s(desk.market), stored, charged, discharged, health)
    result = storage.submit([made], [storage.sign(made, read_key(device_key_file))])[0]
    if result is not ReportResult.ACCEPTED:
        raise ReportRefusedError(name, result.name.lower())
    _show(desk, name)


@command.command()
@click.argument("name")
@click.argument("interval")
@click.argument("powers-w", type=int, nargs=-1, required=True)
@at_market
def schedule(desk: Desk, *, name: str, interval: str, powers_w: tuple[int, ...]) -> None:
    """Plan the mean power (W) from INTERVAL on, with the owner's key; after `--`, negative powers discharge.

    Example: microgrid grid battery schedule --key-file home.key -- battery-1 2026-01-31T18:00 -2000 -2000 1500
    """
    first, identity = named_interval(desk.market, interval).index, device_id(name)
    desk.market.storage.schedule(identity, first, powers_w)
    ahead = range(first, first + len(powers_w))
    plan = {index: desk.market.storage.scheduled_w(identity, index) for index in ahead}
    desk.show({"battery": name, "powers_w": plan}, "\n".join(f"{index}: {power} W" for index, power in plan.items()))


@command.command("list")
@at_market
def list_batteries(desk: Desk) -> None:
    """List all enlisted batteries.

    Example: microgrid grid battery list --json
    """
    names = {device_id(name): name for name in desk.names.names()}
    found = [_fields(desk, names.get(each, "0x" + each.hex()), each) for each in desk.market.storage.batteries()]
    rows = [[str(battery[name]) for name in COLUMNS] for battery in found]
    desk.show(found, table(f"{len(found)} batteries", dict.fromkeys(COLUMNS, "right"), rows))
