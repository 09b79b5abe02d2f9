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
if given is not None:
    _run(given)
else:
    with create_engine(os.environ["DESKBELL_DATABASE_URL"]).connect() as connection:
        _run(connection)
