"""`microgrid device`: the registry of homes and their metering devices."""

from pathlib import Path
from typing import Any, Final

import rich_click as click

from microgrid.chain.bindings.energy_trading import NO_ACCOUNT
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, read_key, table
from microgrid.cli._device_care import COMMANDS
from microgrid.cli._device_oracle import COMMANDS as ORACLE_COMMANDS
from microgrid.cli._types import Account, check_device_name
from microgrid.domain.errors import BadInputError
from microgrid.domain.records import DeviceClass, DeviceRecord, DeviceStatus
from microgrid.domain.wire import device_id

CLASSES: Final = {kind.name.lower().replace("_", "-"): kind for kind in DeviceClass}
MOST_POWER_W, LAST_ZONE = 100_000_000, 2**32 - 2  # the registry's limits; the zone above means all of them
COLUMNS: Final = ("device", "class", "status", "member_id", "owner", "key")

key_option = click.option("--key", type=Account(), help="Address of the device's signing key.")
key_file_option = click.option(
    "--device-key-file", type=click.Path(path_type=Path), help="File with the device's private key, instead of --key."
)


@click.group()
def command() -> None:
    """Register, list, show and suspend devices, change their keys, care for them, commit and prove their readings.

    Example: microgrid device list
    """


for _command in (*COMMANDS, *ORACLE_COMMANDS):
    command.add_command(_command)


@command.command()
@click.argument("name")
@click.option("--owner", type=Account(), required=True, help="Account of the home; it becomes a member if it is none.")
@key_option
@key_file_option
@click.option("--class", "kind", type=click.Choice(list(CLASSES)), default="smart-meter", show_default=True)
@click.option(
    "--rated-power-w",
    type=click.IntRange(1, MOST_POWER_W),
    default=10_000,
    show_default=True,
    help="Most it can measure.",
)
@click.option(
    "--zone", type=click.IntRange(0, LAST_ZONE), default=0, show_default=True, help="Where in the grid it is."
)
@at_market
def register(
    desk: Desk,
    *,
    name: str,
    owner: str,
    key: str | None,
    device_key_file: Path | None,
    kind: str,
    rated_power_w: int,
    zone: int,
) -> None:
    """Register a device of a home.

    Example: microgrid device register meter-01 --owner 0x7099…79C8 --key 0x3C44…93BC
    """
    check_device_name(name)
    address = _key_address(key, device_key_file)
    _check_owner(desk.market, owner)
    desk.market.register_home(owner)
    desk.market.register_device(name, owner, address, CLASSES[kind], rated_power_w, zone)
    desk.names.add(name)
    _show_device(desk, name)


def _check_owner(market: MarketChain, owner: str) -> None:
    """Money that such a home earned would be booked where the other role's account hides it."""
    taken = {market.grid_account: "the grid supplier's", market.fee_account: "the treasury's"}
    taken |= {market.trading.contract.address: "the market's own", NO_ACCOUNT: "nobody's"}
    if owner in taken:
        message = f"--owner {owner} is {taken[owner]} account: a home needs one of its own"
        raise BadInputError(message)


@command.command("list")
@at_market
def list_devices(desk: Desk) -> None:
    """List all devices; those registered from elsewhere appear by their id.

    Example: microgrid device list --json
    """
    devices = [_fields(record) for record in desk.market.devices(unnamed=True)]
    rows = [[str(device[name]) for name in COLUMNS] for device in devices]
    desk.show(devices, table(f"{len(devices)} devices", dict.fromkeys(COLUMNS, "left"), rows))


@command.command("show")
@click.argument("name")
@at_market
def show_device(desk: Desk, *, name: str) -> None:
    """Show a device and its last accepted reading.

    Example: microgrid device show meter-01
    """
    _show_device(desk, name)


@command.command()
@click.argument("name")
@at_market
def suspend(desk: Desk, *, name: str) -> None:
    """Refuse a device's readings until it is activated again.

    Example: microgrid device suspend meter-01
    """
    desk.market.registry.suspend(_known(desk.market, name).device_id)
    _show_device(desk, name)


@command.command()
@click.argument("name")
@at_market
def activate(desk: Desk, *, name: str) -> None:
    """Let a suspended device report again.

    Example: microgrid device activate meter-01
    """
    desk.market.registry.activate(_known(desk.market, name).device_id)
    _show_device(desk, name)


@command.command("rotate-key")
@click.argument("name")
@key_option
@key_file_option
@at_market
def rotate_key(desk: Desk, *, name: str, key: str | None, device_key_file: Path | None) -> None:
    """Give a device another signing key; readings signed by the old one are refused from then on.

    Example: microgrid device rotate-key meter-01 --device-key-file new.key
    """
    address = _key_address(key, device_key_file)
    desk.market.registry.rotate_key(_known(desk.market, name).device_id, address)
    _show_device(desk, name)


def _key_address(address: str | None, file: Path | None) -> str:
    if address is not None and file is None:
        return address
    if file is not None and address is None:
        return read_key(file).address
    message = "name the device's key once: its address by --key, or its private key's file by --device-key-file"
    raise BadInputError(message)


def _known(market: MarketChain, name: str) -> DeviceRecord:
    record = market.registry.device(device_id(name), name)
    if record.status is DeviceStatus.NONE:
        names = ", ".join(device.device for device in market.devices()) or "none"
        message = f"no device is called {name!r}; known here are: {names}"
        raise BadInputError(message)
    return record


def _show_device(desk: Desk, name: str) -> None:
    record = _known(desk.market, name)
    sequence, timestamp_s, import_wh, export_wh = desk.market.registry.registers(record.device_id)
    last = {"sequence": sequence, "timestamp_s": timestamp_s, "import_wh": import_wh, "export_wh": export_wh}
    fields = _fields(record) | {"last_reading": last if timestamp_s else None}
    desk.show(fields, "\n".join(f"{title:15} {value}" for title, value in fields.items()))


def _fields(record: DeviceRecord) -> dict[str, Any]:
    return {
        "device": record.device,
        "device_id": "0x" + record.device_id.hex(),
        "class": _word(record.device_class),
        "status": _word(record.status),
        "member_id": record.member_id,
        "owner": record.owner,
        "key": record.key,
        "rated_power_w": record.rated_power_w,
        "zone": record.zone,
    }


def _word(value: DeviceClass | DeviceStatus) -> str:
    return value.name.lower().replace("_", "-")
