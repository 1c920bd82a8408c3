"""Alembic migrations, run whenever a database is opened."""
