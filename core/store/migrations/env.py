"""Runs migrations on the connection that ``core.store.upgrade`` hands over, or on DESKBELL_DATABASE_URL by hand."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine

from core.store import rows


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=rows.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if context.is_offline_mode():
    # Prints the statements for a database that is not at hand; the attribute names its dialect.
    dialect = context.config.attributes.get("dialect", "postgresql")
    context.configure(dialect_name=dialect, target_metadata=rows.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif given is not None:
    _run(given)
else:
    with create_engine(os.environ["DESKBELL_DATABASE_URL"]).connect() as connection:
        _run(connection)
