"""The oracle's database, for commands that only read it."""

from pathlib import Path

from microgrid.domain.errors import BadInputError
from microgrid.store import SqlStore, open_store

SQLITE = "sqlite:///"


def open_existing(url: str) -> SqlStore:
    """A database that is there already; reading makes none.

    Raises:
        BadInputError: no file there, or no database that this program knows.
    """
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        message = f"{url} names no file; this command makes none"
        raise BadInputError(message)
    return open_store(url)
