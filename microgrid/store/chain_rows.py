"""The way from stored readings to the chain: outbox, numbered batches with their signed transactions, results."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select, update
from sqlalchemy.sql.expression import bindparam

from microgrid.domain.errors import StoreError
from microgrid.domain.records import Reading, ReadingResult, Rejection, RejectionReason
from microgrid.store.intake_rows import add_letters
from microgrid.store.rows import READING_COLUMNS, device_ids, key_of, key_row, reading_of
from microgrid.store.tables import chain_batches, chain_outbox, devices, high_water, readings


def pending(connection: Connection) -> list[Reading]:
    """Readings in no batch yet, none behind a gap, sorted by device and number."""
    query = _outbox_readings().join(high_water, high_water.c.device_id == readings.c.device_id)
    query = query.where(chain_outbox.c.batch.is_(None), key_of(readings) <= key_of(high_water))
    rows = connection.execute(query.order_by(devices.c.name, readings.c.epoch, readings.c.sequence))
    return [reading_of(row) for row in rows]


def handed_in(connection: Connection) -> list[tuple[Reading, bool]]:
    """Readings of all batches but the refused ones, by batch and place; False where no answer came yet."""
    found: list[tuple[Reading, bool]] = []
    for told, condition in (
        (True, chain_outbox.c.result == ReadingResult.ACCEPTED),
        (False, and_(chain_outbox.c.result.is_(None), chain_outbox.c.batch.is_not(None))),
    ):
        rows = connection.execute(
            _outbox_readings().where(condition).order_by(chain_outbox.c.batch, chain_outbox.c.position)
        )
        found += [(reading_of(row), told) for row in rows]
    return found


def next_number(connection: Connection) -> int:
    """Number of the next batch, from 0."""
    last: int | None = connection.scalar(select(func.max(chain_batches.c.number)))
    return 0 if last is None else last + 1


def begin(connection: Connection, number: int, batch: Sequence[Reading], raw_transaction: bytes) -> None:
    """Write a batch before it is sent."""
    connection.execute(insert(chain_batches), {"number": number, "raw_transaction": raw_transaction, "finished": False})
    ids = device_ids(connection, [reading.device for reading in batch])
    rows = [
        {f"of_{name}": value for name, value in key_row(reading, ids).items()} | {"batch": number, "position": place}
        for place, reading in enumerate(batch)
    ]
    columns = [chain_outbox.c.device_id, chain_outbox.c.epoch, chain_outbox.c.sequence]
    where = and_(*(column == bindparam(f"of_{column.name}") for column in columns), chain_outbox.c.batch.is_(None))
    values: dict[str, Any] = {"batch": bindparam("batch"), "position": bindparam("position")}
    connection.execute(update(chain_outbox).where(where).values(values), rows)
    _check_count(connection, number, len(batch))


def unfinished(connection: Connection) -> list[tuple[int, bytes, list[Reading]]]:
    """Batches begun and not finished, oldest first."""
    query = select(chain_batches).where(chain_batches.c.finished.is_(False)).order_by(chain_batches.c.number)
    rows = connection.execute(query).all()
    members: dict[int, list[Reading]] = defaultdict(list)
    for row in rows:
        members[row.number] = _members(connection, row.number)
    return [(row.number, bytes(row.raw_transaction), members[row.number]) for row in rows]


def finish(connection: Connection, number: int, results: Sequence[ReadingResult]) -> None:
    """Write the results of a batch; refused readings become dead letters."""
    members = _members(connection, number)
    if len(members) != len(results):
        message = f"chain batch {number} has {len(members)} readings, but {len(results)} results came back"
        raise StoreError(message)
    where = and_(chain_outbox.c.batch == bindparam("of_batch"), chain_outbox.c.position == bindparam("of_position"))
    rows = [{"of_batch": number, "of_position": place, "result": int(code)} for place, code in enumerate(results)]
    if rows:
        connection.execute(update(chain_outbox).where(where).values(result=bindparam("result")), rows)
    connection.execute(update(chain_batches).where(chain_batches.c.number == number).values(finished=True))
    refused = [
        _letter(number, reading, result)
        for reading, result in zip(members, results, strict=True)
        if result is not ReadingResult.ACCEPTED
    ]
    add_letters(connection, refused)


def _outbox_readings() -> Select[Any]:
    same_key = [chain_outbox.c[name] == readings.c[name] for name in ("device_id", "epoch", "sequence")]
    return (
        select(*READING_COLUMNS)
        .select_from(chain_outbox)
        .join(readings, and_(*same_key))
        .join(devices, devices.c.id == readings.c.device_id)
    )


def _members(connection: Connection, number: int) -> list[Reading]:
    query = _outbox_readings().where(chain_outbox.c.batch == number).order_by(chain_outbox.c.position)
    return [reading_of(row) for row in connection.execute(query)]


def _check_count(connection: Connection, number: int, expected: int) -> None:
    query = select(func.count()).select_from(chain_outbox).where(chain_outbox.c.batch == number)
    if connection.scalar(query) != expected:
        message = f"chain batch {number} holds readings that are not stored or are in another batch"
        raise StoreError(message)


def _letter(number: int, reading: Reading, result: ReadingResult) -> Rejection:
    text = f"the contract refused sequence {reading.sequence} of {reading.device!r}: {result.name.lower()}"
    data = reading.signature + reading.payload
    return Rejection(f"chain/batch/{number}", RejectionReason.REFUSED_ON_CHAIN, text, data)
