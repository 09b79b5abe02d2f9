"""One set of migrations for SQLite and PostgreSQL."""

from __future__ import annotations

import io

from alembic import command
from alembic.config import Config

from core.store import rows, upgrade


def test_the_migrations_render_for_postgresql() -> None:
    printed = io.StringIO()
    config = Config(output_buffer=printed)
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))
    config.attributes["dialect"] = "postgresql"
    command.upgrade(config, "head", sql=True)
    sql = printed.getvalue()
    for table in rows.metadata.tables:
        assert f"CREATE TABLE {table} (" in sql
    assert "TSVECTOR" in sql
    assert "CREATE VIRTUAL TABLE" not in sql
