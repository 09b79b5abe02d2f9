"""Brings a database to the newest migration, in process.

Alembic is imported only when there is something to do: a service that starts on a current database does not pay for it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

HEAD = "0001"
MIGRATIONS = Path(__file__).parent / "migrations"


def current(engine: Engine) -> str | None:
    """The migration that the database is at; None for an empty one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(version) if version else None


def upgrade(engine: Engine) -> bool:
    """Run what is missing; whether anything was. Raises ValueError when the database is newer than this program."""
    version = current(engine)
    if version == HEAD:
        return False
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise ValueError(f"the database is at migration {version}, which this version of Deskbell does not know")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "SELECT 1")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.in_transaction():
            connection.commit()
    return True
