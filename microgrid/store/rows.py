"""Records to rows and back, and the few statements whose spelling depends on the database."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Insert, Row, Table, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from microgrid.domain.records import EPOCH_SHIFT, Reading
from microgrid.domain.wire import device_id
from microgrid.store.tables import devices, readings

Key = tuple[int, int, int]
READING_COLUMNS = (devices.c.name, *(column for column in readings.c if column.name != "device_id"))


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def ignoring_known(connection: Connection, table: Table) -> Insert:
    """An insert that leaves existing rows alone."""
    return insert_into(connection, table).on_conflict_do_nothing()


def device_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Integer ids of devices; new names get one."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    connection.execute(ignoring_known(connection, devices), [{"name": name} for name in wanted])
    found = connection.execute(select(devices.c.name, devices.c.id).where(devices.c.name.in_(wanted)))
    return {row.name: row.id for row in found}


def reading_row(reading: Reading, ids: Mapping[str, int]) -> dict[str, Any]:
    """A reading as a row of `readings`."""
    return {
        **key_row(reading, ids),
        "timestamp_s": reading.timestamp_s,
        "import_wh": reading.import_wh,
        "export_wh": reading.export_wh,
        "power_w": reading.power_w,
        "voltage_mv": reading.voltage_mv,
        "quality": reading.quality,
        "payload": reading.payload,
        "signature": reading.signature,
    }


def key_row(reading: Reading, ids: Mapping[str, int]) -> dict[str, Any]:
    """Device, epoch and sequence of a reading."""
    return {"device_id": ids[reading.device], "epoch": reading.epoch, "sequence": reading.sequence}


def reading_of(row: Row[Any]) -> Reading:
    """The reading in a row selected with `READING_COLUMNS`."""
    fields = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's row mapping
    name = fields.pop("name")
    return Reading(device=name, device_id=device_id(name), **fields)


def key_of(table: FromClause) -> ColumnElement[Any]:
    """Epoch and sequence as one comparable value."""
    return tuple_(table.c.epoch, table.c.sequence)


def chain_number(epoch: int, sequence: int) -> int:
    """Epoch and sequence as one rising number; a sequence of -1 stands before the epoch's first."""
    return (epoch << EPOCH_SHIFT) + sequence


def split_number(number: int) -> tuple[int, int]:
    """Inverse of `chain_number`."""
    epoch = (number + 1) >> EPOCH_SHIFT
    return epoch, number - (epoch << EPOCH_SHIFT)
