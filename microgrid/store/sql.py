"""The store: each method is one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock

from sqlalchemy import Connection, Engine, Table, func, select

from microgrid.domain.records import Reading, ReadingResult, Rejection
from microgrid.store import chain_rows, intake_rows
from microgrid.store.database import READ_ONLY, open_database, translated
from microgrid.store.tables import chain_batches, chain_outbox, dead_letters, devices, readings


class SqlStore:
    """Implements `microgrid.ports.Store` on SQLite and PostgreSQL; may be shared between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = RLock()

    def record(self, accepted: Sequence[Reading], rejections: Sequence[Rejection]) -> None:
        """Write new readings, their chain outbox rows and marks, and dead letters, all or nothing.

        Raises:
            StoreError: the database refused; nothing was written.
        """
        with self._write("store readings") as connection:
            intake_rows.add(connection, accepted, rejections)

    def stored_payload(self, device: str, epoch: int, sequence: int) -> bytes | None:
        """Payload decided under this key (accepted, or refused for good), None when there is none."""
        with self._read("look up a reading") as connection:
            return intake_rows.decided_payload(connection, device, epoch, sequence)

    def contiguous(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Per known device the epoch and the sequence up to which nothing is missing, -1 when the first is."""
        with self._read("read marks") as connection:
            return intake_rows.marks_of(connection, names)

    def recent(self) -> list[tuple[Reading, bool]]:
        """Decided readings from the newest accepted one at or below each mark on; False beside refused ones."""
        with self._read("read recent readings") as connection:
            return intake_rows.recent_readings(connection)

    def last_readings(self) -> dict[str, Reading]:
        """The newest stored reading of each device."""
        with self._read("read the newest readings") as connection:
            return intake_rows.newest_readings(connection)

    def pending_readings(self) -> list[Reading]:
        """Readings in no chain batch yet, none behind a gap, sorted by device and number."""
        with self._read("read pending readings") as connection:
            return chain_rows.pending(connection)

    def next_batch_number(self) -> int:
        """Number of the next chain batch, from 0."""
        with self._read("number a chain batch") as connection:
            return chain_rows.next_number(connection)

    def begin_batch(self, number: int, batch: Sequence[Reading], raw_transaction: bytes) -> None:
        """Remember a signed transaction before it is sent.

        Raises:
            StoreError: the number is taken, or a reading is not stored or in another batch.
        """
        with self._write("begin a chain batch") as connection:
            chain_rows.begin(connection, number, batch, raw_transaction)

    def unfinished_batches(self) -> list[tuple[int, bytes, list[Reading]]]:
        """Batches begun but not finished, oldest first: number, raw transaction, readings."""
        with self._read("read unfinished chain batches") as connection:
            return chain_rows.unfinished(connection)

    def finish_batch(self, number: int, results: Sequence[ReadingResult]) -> None:
        """Mark a batch as done; refused readings become dead letters.

        Raises:
            StoreError: there are not as many results as readings.
        """
        with self._write("finish a chain batch") as connection:
            chain_rows.finish(connection, number, results)

    def handed_in(self) -> list[tuple[Reading, bool]]:
        """Readings of all batches but the refused ones, in order; False where the contract's answer is not known."""
        with self._read("read the readings handed in") as connection:
            return chain_rows.handed_in(connection)

    def counts(self) -> Mapping[str, int]:
        """Rows per table, `on_chain`, `pending`, and per reason `rejected.<reason>` every time it was seen."""
        with self._read("count") as connection:
            tables = {"devices": devices, "readings": readings, "dead_letters": dead_letters, "batches": chain_batches}
            rows = {name: _count(connection, table) for name, table in tables.items()}
            return rows | _chain_counts(connection) | _reason_counts(connection)

    def dead_letters(self) -> list[Rejection]:
        """All refused messages, oldest first, each once."""
        with self._read("read dead letters") as connection:
            return intake_rows.letter_list(connection)

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    @contextmanager
    def _write(self, what: str) -> Iterator[Connection]:
        with translated(what), self._lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self, what: str) -> Iterator[Connection]:
        with translated(what), self._lock, self._engine.connect() as connection:
            yield connection.execution_options(**READ_ONLY)


def open_store(url: str) -> SqlStore:
    """A store on `sqlite:///FILE`, `sqlite://` (memory) or `postgresql://...`; its schema is brought up to date.

    Raises:
        StoreUrlError: no such URL.
        MissingPartError: the driver for PostgreSQL is not installed.
        UnreachableError: the database does not answer, or the file cannot be opened or is no database.
    """
    return SqlStore(open_database(url))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _chain_counts(connection: Connection) -> dict[str, int]:
    query = select(chain_outbox.c.result, func.count()).group_by(chain_outbox.c.result)
    by_result: dict[int | None, int] = {row[0]: row[1] for row in connection.execute(query)}
    return {"on_chain": by_result.get(ReadingResult.ACCEPTED, 0), "pending": by_result.get(None, 0)}


def _reason_counts(connection: Connection) -> dict[str, int]:
    query = select(dead_letters.c.reason, func.sum(dead_letters.c.count)).group_by(dead_letters.c.reason)
    return {f"rejected.{reason}": int(count) for reason, count in connection.execute(query)}
