"""`microgrid grid`: state of the grid, sensors, emergencies, demand response, batteries."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.bindings.grid_monitor import GridReport, ReportResult
from microgrid.chain.client import MarketChain
from microgrid.cli import _grid_battery, _grid_emergency, _grid_event
from microgrid.cli._chain import Desk, at_market, clock_s, interval_fields, named_interval, read_key, table
from microgrid.cli._order_checks import check_tariff
from microgrid.cli._types import Money
from microgrid.domain.errors import ReportRefusedError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.domain.units import WAD, decimal_kwh, decimal_units
from microgrid.domain.wire import device_id


@click.group()
def command() -> None:
    """Watch the grid, keep it in balance, act in emergencies.

    Example: microgrid grid status
    """


for part in (_grid_battery, _grid_emergency, _grid_event):
    command.add_command(part.command)


@command.command()
@at_market
def status(desk: Desk) -> None:
    """Show price factors, energy of the last interval, severity, emergency level and sensors.

    Example: microgrid grid status --json
    """
    fields = _grid(desk.market) | {"emergency": _grid_emergency.fields(desk.market), "sensors": _sensors(desk)}
    lines = [f"{name:26} {value}" for name, value in fields.items() if name != "sensors"]
    for sensor in fields["sensors"]:
        faults = ", ".join(sensor["faults"]) or "no fault"
        reading = f"{sensor['frequency_millihertz']} mHz, {sensor['voltage_mv']} mV, {sensor['thd_permille']} permille"
        lines.append(f"{sensor['device']:26} {reading}, {faults}{'' if sensor['fresh'] else ' (stale)'}")
    desk.show(fields, "\n".join(lines))


def _grid(market: MarketChain) -> dict[str, Any]:
    seconds = market.registry.interval_seconds()
    current = clock_s(market) // seconds
    demand, stress, time_of_day = market.grid.factors_wad(current)
    import_wh, export_wh, readings = market.grid.totals(current - 1)
    return {
        "interval": current,
        "price_micro_per_kwh": market.grid.energy_price(current),
        "demand_factor": demand / WAD,
        "grid_stress_factor": stress / WAD,
        "time_of_day_multiplier": time_of_day / WAD,
        "last_import_wh": import_wh if readings else None,
        "last_export_wh": export_wh if readings else None,
        "last_readings": readings,
        "severity_permille": market.monitor.severity(),
    }


def _sensors(desk: Desk) -> list[dict[str, Any]]:
    names = {device_id(name): name for name in desk.names.names()}
    shown = []
    for identity in desk.market.monitor.sensors():
        state = desk.market.monitor.sensor(identity)
        if state is not None:
            shown.append(
                {
                    "device": names.get(identity, "0x" + identity.hex()),
                    "timestamp_s": state.timestamp_s,
                    "frequency_millihertz": state.frequency_millihertz,
                    "voltage_mv": state.voltage_mv,
                    "thd_permille": state.thd_permille,
                    "severity_permille": state.severity_permille,
                    "faults": [fault.name for fault in state.faults],
                    "fresh": state.fresh,
                }
            )
    return shown


@command.command()
@click.argument("sensor")
@click.argument("frequency-millihertz", type=click.IntRange(0))
@click.argument("voltage-mv", type=click.IntRange(0))
@click.argument("thd-permille", type=click.IntRange(0, 65_535))
@click.option(
    "--device-key-file",
    type=click.Path(path_type=Path),
    required=True,
    help="File with the sensor's private key: it signs, the acting key hands the report in.",
)
@at_market
def report(
    desk: Desk, *, sensor: str, frequency_millihertz: int, voltage_mv: int, thd_permille: int, device_key_file: Path
) -> None:
    """Hand in a grid sensor's report: frequency in mHz, voltage in mV, harmonic distortion in permille.

    Example: microgrid grid report sensor-1 49980 229500 21 --device-key-file sensor.key
    """
    monitor, identity = desk.market.monitor, device_id(sensor)
    last = monitor.sensor(identity)
    values = (frequency_millihertz, voltage_mv, thd_permille)
    made = GridReport(identity, last.sequence + 1 if last else 1, clock_s(desk.market), *values)
    result = monitor.submit([made], [monitor.sign(made, read_key(device_key_file))])[0]
    if result is not ReportResult.ACCEPTED:
        raise ReportRefusedError(sensor, result.name.lower())
    severity = monitor.severity()
    fields = {"device": sensor, "sequence": made.sequence, "timestamp_s": made.timestamp_s}
    desk.show(
        fields | {"severity_permille": severity}, f"{sensor} reported; the grid's severity is {severity} permille"
    )


@command.command()
@click.argument("factor", type=click.FloatRange(0, 10))
@at_market
def stress(desk: Desk, *, factor: float) -> None:
    """Report the grid's stress FACTOR, as an oracle; it adds to the demand factor of the price for a day.

    Example: microgrid grid stress 0.25
    """
    desk.market.grid.report_stress(round(factor * 1_000_000) * (WAD // 1_000_000))
    shown = _grid(desk.market)
    price = decimal_units(shown["price_micro_per_kwh"])
    desk.show(shown, f"stress factor {shown['grid_stress_factor']}, price {price} per kWh")


@command.command()
@click.argument("interval")
@click.argument("feed-in", type=Money(), required=False)
@click.argument("retail", type=Money(), required=False)
@click.option("--intervals", type=click.IntRange(1, 1_000), default=1, show_default=True, help="Number of intervals.")
@at_market
def tariff(desk: Desk, *, interval: str, feed_in: int | None, retail: int | None, intervals: int) -> None:
    """Publish the tariff from INTERVAL on: what the grid pays and asks per kWh, as an operator.

    Without prices the interval is opened at the price formula, which anyone may up to two intervals ahead. A tariff
    stands for good; the trading fee in force becomes part of it.

    Example: microgrid grid tariff 2026-01-31T13:00 0.08 0.30 --intervals 24
    """
    market, first = desk.market, named_interval(desk.market, interval)
    wanted = [Interval(first.index + ahead, first.seconds) for ahead in range(intervals)]
    check_tariff(market, wanted, feed_in, retail)
    if feed_in is None or retail is None:
        for each in wanted:
            market.grid.open_interval(each.index)
    else:
        market.open_intervals(first, [PriceBand(feed_in, retail, feed_in)] * intervals)
    bands = [interval_fields(each) | asdict(market.band(each.index)) for each in wanted]
    names = ("feed_in", "retail", "reference", "fee")
    rows = [[str(band["interval"]), band["start"], *(decimal_units(band[name]) for name in names)] for band in bands]
    columns = {"interval": "right", "start": "left", **dict.fromkeys(names, "right")}
    desk.show(bands, table("Tariffs per kWh", columns, rows))


@command.command()
@click.argument("interval")
@click.option(
    "--zone", type=click.IntRange(0), multiple=True, help="Feeder zones to show. [default: those of all meters]"
)
@at_market
def zones(desk: Desk, *, interval: str, zone: tuple[int, ...]) -> None:
    """Add up the meter readings of an INTERVAL by feeder zone and show the sums.

    Example: microgrid grid zones 2026-01-31T13:00
    """
    market = desk.market
    chosen = named_interval(market, interval)
    if members := market.registry.member_count():
        market.monitor.tally_zones(chosen.index, 1, members)
    numbers = zone or sorted({device.zone for device in market.devices(unnamed=True)})
    rows = []
    for number in numbers:
        import_wh, export_wh, readings = market.monitor.zone_totals(number, chosen.index) or (None, None, 0)
        rows.append({"zone": number, "import_wh": import_wh, "export_wh": export_wh, "readings": readings})
    cells = [[str(row["zone"]), _kwh(row["import_wh"]), _kwh(row["export_wh"]), str(row["readings"])] for row in rows]
    columns = dict.fromkeys(("zone", "import kWh", "export kWh", "meters"), "right")
    shown = table(f"Interval {chosen.index} from {chosen.start_utc.isoformat()}", columns, cells)
    desk.show(interval_fields(chosen) | {"zones": rows}, shown)


def _kwh(energy_wh: int | None) -> str:
    return "unknown" if energy_wh is None else decimal_kwh(energy_wh)
