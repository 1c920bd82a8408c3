"""Commands of `microgrid device` for the care of devices: performance, alerts, retirement, replacement."""

from dataclasses import asdict
from typing import Any

import rich_click as click

from microgrid.chain.bindings.device_care import Alert
from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, table
from microgrid.cli._types import Account, check_device_name
from microgrid.domain.errors import BadInputError
from microgrid.domain.records import DeviceStatus
from microgrid.domain.wire import device_id

ALERT_COLUMNS = ("alert", "device", "status", "kind", "raised_at_s", "changed_at_s")


@click.command()
@click.argument("name")
@at_market
def performance(desk: Desk, *, name: str) -> None:
    """Show how well a device reports: accepted, refused and missed readings, gaps, uptime.

    Example: microgrid device performance meter-01
    """
    fields = {"device": name} | asdict(desk.market.care.performance(known_id(desk.market, name)))
    _show(desk, fields)


@click.command()
@click.option("--open", "only_open", is_flag=True, help="Leave out those that are resolved.")
@at_market
def alerts(desk: Desk, *, only_open: bool) -> None:
    """List maintenance alerts.

    Example: microgrid device alerts --open
    """
    found = [_fields(desk.market, alert) for alert in desk.market.care.alerts()]
    found = [alert for alert in found if not (only_open and alert["status"] == "resolved")]
    rows = [[str(alert[name]) for name in ALERT_COLUMNS] for alert in found]
    desk.show(found, table(f"{len(found)} alerts", dict.fromkeys(ALERT_COLUMNS, "left"), rows))


@click.command("raise-alert")
@click.argument("name")
@click.argument("kind", type=click.IntRange(0, 65_535))
@at_market
def raise_alert(desk: Desk, *, name: str, kind: int) -> None:
    """Raise a maintenance alert on a device; KIND is a number of the oracle's own list.

    Example: microgrid device raise-alert meter-01 3
    """
    _show_alert(desk, desk.market.care.raise_alert(known_id(desk.market, name), kind))


@click.command()
@click.argument("alert", type=click.IntRange(0))
@at_market
def acknowledge(desk: Desk, *, alert: int) -> None:
    """Take a maintenance alert on.

    Example: microgrid device acknowledge 0
    """
    desk.market.care.acknowledge_alert(alert)
    _show_alert(desk, alert)


@click.command()
@click.argument("alert", type=click.IntRange(0))
@at_market
def resolve(desk: Desk, *, alert: int) -> None:
    """Settle a maintenance alert.

    Example: microgrid device resolve 0
    """
    desk.market.care.resolve_alert(alert)
    _show_alert(desk, alert)


@click.command()
@click.argument("name")
@at_market
def retire(desk: Desk, *, name: str) -> None:
    """End a device's life; a retired meter makes room for another.

    Example: microgrid device retire meter-01
    """
    desk.market.registry.retire(known_id(desk.market, name))
    _show(desk, {"device": name, "status": "retired"})


@click.command()
@click.argument("name")
@click.argument("new_name")
@click.option("--key", type=Account(), required=True, help="Address of the new device's signing key.")
@click.option("--approve", is_flag=True, help="Agree as the owner; the maintainer replaces without this option.")
@at_market
def replace(desk: Desk, *, name: str, new_name: str, key: str, approve: bool) -> None:
    """Put the device NEW_NAME in the place of NAME; it goes on from its registers.

    The owner agrees by --approve, then a maintainer repeats the command without it.

    Example: microgrid device replace meter-01 meter-09 --key 0x3C44…93BC --approve --key-file home.key
    """
    check_device_name(new_name)
    market, old, new = desk.market, known_id(desk.market, name), device_id(new_name)
    if approve:
        market.care.approve_replacement(old, new, key)
    else:
        market.care.replace(old, new, key)
        desk.names.add(new_name)
    _show(desk, {"device": name, "new_device": new_name, "key": key, "replaced": not approve})


COMMANDS = (performance, alerts, raise_alert, acknowledge, resolve, retire, replace)


def known_id(market: MarketChain, name: str) -> bytes:
    """Id of a registered device.

    Raises:
        BadInputError: there is none of that name.
    """
    record = market.registry.device(device_id(name), name)
    if record.status is DeviceStatus.NONE:
        names = ", ".join(device.device for device in market.devices()) or "none"
        message = f"no device is called {name!r}; known here are: {names}"
        raise BadInputError(message)
    return record.device_id


def _fields(market: MarketChain, alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.alert_id,
        "device": market.name_of(alert.device_id),
        "status": alert.status.name.lower(),
        "kind": alert.kind,
        "raised_at_s": alert.raised_at_s,
        "changed_at_s": alert.changed_at_s,
    }


def _show_alert(desk: Desk, number: int) -> None:
    _show(desk, _fields(desk.market, desk.market.care.alert(number)))


def _show(desk: Desk, fields: dict[str, Any]) -> None:
    desk.show(fields, "\n".join(f"{title:15} {value}" for title, value in fields.items()))
