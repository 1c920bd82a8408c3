"""The store on SQLite, in a file and in memory, and what it says of databases that cannot be used."""

import sqlite3
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from behaviours.store import StoreBehaviour, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from metering import EPOCH
from sqlalchemy import create_engine, inspect

from microgrid.domain.errors import BadInputError, StoreError, StoreUrlError, UnreachableError
from microgrid.domain.records import ReadingResult
from microgrid.store import open_store
from microgrid.store.tables import metadata


class TestSqliteFile(StoreBehaviour):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'store.db'}"


class TestSqliteMemory(StoreBehaviour):
    @pytest.fixture
    def url(self) -> str:
        return "sqlite://"


def test_what_is_stored_survives_closing_and_opening(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    first = open_store(url)
    first.record(numbered(0, 1), [])
    first.begin_batch(0, numbered(0), b"raw")
    first.close()
    second = open_store(url)
    assert second.unfinished_batches() == [(0, b"raw", numbered(0))]
    assert second.pending_readings() == numbered(1)
    second.close()


def test_what_was_handed_in_is_told_with_whether_the_contract_answered() -> None:
    store = open_store("sqlite://")
    store.record(numbered(0, 1, 2, 3), [])
    store.begin_batch(0, numbered(0, 1), b"raw")
    store.finish_batch(0, [ReadingResult.ACCEPTED, ReadingResult.POWER_EXCEEDED])
    store.begin_batch(1, numbered(2), b"raw")
    assert store.handed_in() == [(numbered(0)[0], True), (numbered(2)[0], False)]
    store.close()


def test_a_file_is_durable_at_every_commit(tmp_path: Path) -> None:
    """A receipt lets a device forget: write-ahead log, synced in full."""
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_the_migrations_make_the_tables_that_the_code_describes(tmp_path: Path) -> None:
    migrated, described = tmp_path / "migrated.db", tmp_path / "described.db"
    open_store(f"sqlite:///{migrated}").close()
    engine = create_engine(f"sqlite:///{described}")
    metadata.create_all(engine)
    engine.dispose()
    assert _schema(migrated) == _schema(described)


def _schema(path: Path) -> dict[str, Any]:
    engine = create_engine(f"sqlite:///{path}")
    inspector = inspect(engine)
    schema: dict[str, Any] = {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted((key["constrained_columns"], key["referred_table"]) for key in inspector.get_foreign_keys(table)),
            sorted((index["name"], index["column_names"]) for index in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    return schema


def test_many_threads_may_write_and_read_one_store(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")

    def work(number: int) -> None:
        for sequence in range(10):
            store.record(numbered(sequence, name=f"meter-{number}"), [])
            store.counts()

    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["readings"] == 60
    store.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://user:secret@host/db", "mongodb://user:secret@host/db", ""])
def test_another_kind_of_url_is_refused_in_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(StoreUrlError, match="expected sqlite:///FILE") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, BadInputError)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but a text that is long enough to be taken for one\n" * 40)
    with pytest.raises(UnreachableError, match=r"notes\.txt cannot be reached: file is not a database"):
        open_store(f"sqlite:///{path}")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"nowhere/store\.db cannot be reached: unable to open"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")


def test_a_locked_database_is_a_store_error_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("microgrid.store.database.BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="refused to store readings: database is locked"):
        store.record(numbered(0), [])
    other.execute("ROLLBACK")
    other.close()
    store.record(numbered(0), [])
    assert store.counts()["readings"] == 1
    store.close()


def test_a_database_that_goes_bad_while_open_is_a_store_error(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE chain_outbox")
    with pytest.raises(StoreError, match="no such table: chain_outbox"):
        store.record(numbered(0), [])
    assert store.dead_letters() == []
    store.close()


@settings(max_examples=50)
@given(batches=st.lists(st.lists(st.integers(0, 14), max_size=8), max_size=8))
def test_whatever_the_order_each_reading_is_stored_once_and_the_mark_is_the_first_gap(batches: list[list[int]]) -> None:
    store = open_store("sqlite://")
    for batch in batches:
        store.record(numbered(*batch), [])
    seen = {sequence for batch in batches for sequence in batch}
    first_gap = next(number for number in range(16) if number not in seen)
    assert store.contiguous(["meter-0"]) == ({"meter-0": (EPOCH, first_gap - 1)} if seen else {})
    assert [reading.sequence for reading in store.pending_readings()] == list(range(first_gap))
    assert store.counts()["readings"] == len(seen)
    store.close()
