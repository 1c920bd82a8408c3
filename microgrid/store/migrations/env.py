"""Run by Alembic: migrates over the connection that the store hands in."""

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]
# Batch mode rebuilds a table where SQLite cannot alter it.
context.configure(connection=connection, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
