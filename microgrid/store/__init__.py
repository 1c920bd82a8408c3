"""Append-only tables in SQLite (a file, or memory) or PostgreSQL, chosen by URL."""

from microgrid.store.sql import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
