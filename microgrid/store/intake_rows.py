"""What one batch of the oracle changes: readings, their chain outbox, dead letters and each device's gap-free mark."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Subquery, func, select, union_all

from microgrid.domain.records import Reading, Rejection, RejectionReason
from microgrid.domain.wire import decode_reading
from microgrid.oracle import FINAL_REASONS, advance
from microgrid.store.rows import (
    READING_COLUMNS,
    chain_number,
    device_ids,
    ignoring_known,
    insert_into,
    key_of,
    key_row,
    reading_of,
    reading_row,
    split_number,
)
from microgrid.store.tables import chain_outbox, dead_letters, devices, high_water, readings

UNUSED_KEY = {"device_id": None, "epoch": None, "sequence": None}


def add(connection: Connection, accepted: Sequence[Reading], rejections: Sequence[Rejection]) -> None:
    """Write a batch and raise the marks of the devices in it."""
    refused = {letter: decode_reading(letter.data) for letter in rejections if letter.reason in FINAL_REASONS}
    ids = device_ids(connection, [reading.device for reading in (*accepted, *refused.values())])
    if accepted:
        connection.execute(ignoring_known(connection, readings), [reading_row(reading, ids) for reading in accepted])
        connection.execute(ignoring_known(connection, chain_outbox), [key_row(reading, ids) for reading in accepted])
    keys = {letter: key_row(reading, ids) for letter, reading in refused.items()}
    add_letters(connection, rejections, keys)
    if ids:
        _raise_marks(connection, sorted(ids.values()))


def add_letters(
    connection: Connection, letters: Sequence[Rejection], keys: Mapping[Rejection, dict[str, Any]] | None = None
) -> None:
    """Write dead letters; one seen before is counted."""
    if not letters:
        return
    statement = insert_into(connection, dead_letters)
    counted = statement.on_conflict_do_update(index_elements=["digest"], set_={"count": dead_letters.c.count + 1})
    rows = [_letter_row(letter) | ((keys or {}).get(letter) or UNUSED_KEY) for letter in letters]
    connection.execute(counted, rows)


def _letter_row(letter: Rejection) -> dict[str, Any]:
    return {
        "digest": sha256(b"\0".join((letter.reason.encode(), letter.topic.encode(), letter.data))).digest(),
        "topic": _text(letter.topic),
        "reason": letter.reason.value,
        "explanation": _text(letter.explanation),
        "data": letter.data,
        "count": 1,
    }


def _text(value: str) -> str:
    # PostgreSQL keeps no NUL in text, and an attacker chooses what stands in a letter.
    return value.replace("\0", "\ufffd")


def _raise_marks(connection: Connection, ids: Sequence[int]) -> None:
    unseen = [{"device_id": device, "epoch": 0, "sequence": -1} for device in ids]
    connection.execute(ignoring_known(connection, high_water), unseen)
    marks = _marks(connection, ids)
    decided: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(union_all(_above_mark(readings, ids), _above_mark(dead_letters, ids))):
        decided[row.device_id].add(chain_number(row.epoch, row.sequence))
    raised = [_mark_row(device, advance(marks[device], numbers)) for device, numbers in decided.items()]
    if raised:
        statement = insert_into(connection, high_water)
        values = {"epoch": statement.excluded.epoch, "sequence": statement.excluded.sequence}
        connection.execute(statement.on_conflict_do_update(index_elements=["device_id"], set_=values), raised)


def _marks(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    rows = connection.execute(select(high_water).where(high_water.c.device_id.in_(ids)))
    return {row.device_id: chain_number(row.epoch, row.sequence) for row in rows}


def _above_mark(table: FromClause, ids: Sequence[int]) -> Select[Any]:
    return (
        select(table.c.device_id, table.c.epoch, table.c.sequence)
        .join(high_water, high_water.c.device_id == table.c.device_id)
        .where(table.c.device_id.in_(ids), key_of(table) > key_of(high_water))
    )


def _mark_row(device: int, number: int) -> dict[str, int]:
    epoch, sequence = split_number(number)
    return {"device_id": device, "epoch": epoch, "sequence": sequence}


def decided_payload(connection: Connection, device: str, epoch: int, sequence: int) -> bytes | None:
    """Payload of the reading that used up this key, accepted or refused for good."""
    key = (devices.c.name == device, readings.c.epoch == epoch, readings.c.sequence == sequence)
    payload = connection.execute(select(readings.c.payload).join(devices).where(*key)).scalar()
    if payload is not None:
        return bytes(payload)
    key = (devices.c.name == device, dead_letters.c.epoch == epoch, dead_letters.c.sequence == sequence)
    data = connection.execute(select(dead_letters.c.data).join(devices).where(*key)).scalar()
    return None if data is None else decode_reading(data).payload


def marks_of(connection: Connection, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Epoch and gap-free sequence by device name."""
    query = select(devices.c.name, high_water.c.epoch, high_water.c.sequence).join(high_water)
    return {row.name: (row.epoch, row.sequence) for row in connection.execute(query.where(devices.c.name.in_(names)))}


def newest_readings(connection: Connection) -> dict[str, Reading]:
    """The newest accepted reading of each device."""
    newest = _newest()
    query = (
        select(*READING_COLUMNS)
        .select_from(readings)
        .join(devices)
        .join(newest, newest.c.device_id == readings.c.device_id)
    )
    rows = connection.execute(query.where(key_of(readings) == key_of(newest)))
    return {row.name: reading_of(row) for row in rows}


def recent_readings(connection: Connection) -> list[tuple[Reading, bool]]:
    """Decided readings from the newest accepted one at or below each mark on."""
    anchor = _newest(key_of(readings) <= key_of(high_water))
    accepted = (
        select(*READING_COLUMNS)
        .select_from(readings)
        .join(devices)
        .join(anchor, anchor.c.device_id == readings.c.device_id)
    )
    refused = select(dead_letters.c.data).join(anchor, anchor.c.device_id == dead_letters.c.device_id)
    rows = connection.execute(accepted.where(key_of(readings) >= key_of(anchor)))
    letters = connection.scalars(refused.where(key_of(dead_letters) > key_of(anchor)))
    found = [(reading_of(row), True) for row in rows] + [(decode_reading(data), False) for data in letters]
    return sorted(found, key=lambda item: (item[0].device, item[0].chain_sequence))


def _newest(*conditions: ColumnElement[bool]) -> Subquery:
    """Per device the key of its newest reading that meets the conditions; (-1, -1) where there is none."""

    def part(column: ColumnElement[int]) -> ColumnElement[int]:
        inner = select(column).where(readings.c.device_id == high_water.c.device_id, *conditions)
        inner = inner.order_by(readings.c.epoch.desc(), readings.c.sequence.desc()).limit(1)
        return func.coalesce(inner.correlate(high_water).scalar_subquery(), -1)

    epoch, sequence = part(readings.c.epoch).label("epoch"), part(readings.c.sequence).label("sequence")
    return select(high_water.c.device_id, epoch, sequence).subquery()


def letter_list(connection: Connection) -> list[Rejection]:
    """All dead letters, oldest first."""
    columns = (dead_letters.c.topic, dead_letters.c.reason, dead_letters.c.explanation, dead_letters.c.data)
    rows = connection.execute(select(*columns).order_by(dead_letters.c.id))
    return [Rejection(row.topic, RejectionReason(row.reason), row.explanation, bytes(row.data)) for row in rows]
