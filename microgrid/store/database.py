"""Opens a database: engine, pragmas, migrations, and the one place where the driver's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection as SqliteConnection
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from microgrid.domain.addresses import without_password
from microgrid.domain.errors import MissingPartError, StoreError, StoreUrlError, UnreachableError

CONNECT_TIMEOUT_S = 5
BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 65_536
DATABASE = "database"
READ_ONLY = {"microgrid_read_only": True}


def open_database(url: str) -> Engine:
    """An engine whose database has the newest schema.

    Raises:
        StoreUrlError: no URL of SQLite or PostgreSQL.
        MissingPartError: the driver for PostgreSQL is not installed.
        UnreachableError: it does not answer, or the file cannot be opened or is no database.
    """
    parsed = _parse(url)
    engine = _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _postgres_engine(parsed)
    try:
        with engine.begin() as connection:
            _migrate(connection)
    except DBAPIError as error:
        engine.dispose()
        raise UnreachableError(DATABASE, _shown(parsed), _reason(error)) from error
    return engine


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the driver's errors into `StoreError`."""
    try:
        yield
    except (DBAPIError, OverflowError) as error:
        message = f"the database refused to {what}: {_reason(error)}"
        raise StoreError(message) from error
    except SQLAlchemyError as error:
        message = f"the database could not {what}: {error}"
        raise StoreError(message) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise StoreUrlError(without_password(url)) from error
    if backend not in {"sqlite", "postgresql"}:
        raise StoreUrlError(_shown(parsed))
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _sqlite_engine(url: URL) -> Engine:
    memory = url.database in {None, "", ":memory:"}
    options: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
    engine = create_engine(url, connect_args={"check_same_thread": False}, **options)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: SqliteConnection, _record: object) -> None:
    # The driver would begin transactions late, on the first write; `_begin` does it at once instead.
    connection.isolation_level = None
    # A receipt lets a device forget its reading, so a commit must reach the disk: synchronous is FULL.
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    read_only = "microgrid_read_only" in connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _postgres_engine(url: URL) -> Engine:
    try:
        return create_engine(url, connect_args={"connect_timeout": CONNECT_TIMEOUT_S}, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        part, remedy = f"the package {error.name}", "pip install 'microgrid[postgres]'"
        raise MissingPartError(part, remedy) from error
    except NoSuchModuleError as error:
        raise StoreUrlError(_shown(url)) from error


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "microgrid.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _reason(error: DBAPIError | OverflowError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
