"""A disk that fails: nothing is answered that is not kept, reads go on, and the desk recovers without a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from core.config.settings import Settings
from core.desk.desk import Desk
from core.errors import StoreUnavailable
from core.store.database import Database, connect
from tests.conftest import SetClock
from tests.test_database import new_ticket, scalar, titles
from tests.test_intake import alert, send


class Fault:
    """A fault of the disk: a pragma of every connection that is opened while it lasts, and as long as that is open."""

    def __init__(self, pragma: str) -> None:
        self.pragma = pragma
        self.lasts = True

    def prepare(self, connection: sqlite3.Connection, _: object) -> None:
        if self.lasts:
            connection.execute(self.pragma)


FAULTS = {"full": "PRAGMA max_page_count = 1", "read-only": "PRAGMA query_only = ON"}


@pytest.fixture(params=FAULTS)
async def failing(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[tuple[Database, Fault]]:
    engine, fault = connect(database_url), Fault(FAULTS[request.param])
    event.listen(engine, "connect", fault.prepare)
    database = Database(engine)
    database.start()
    yield database, fault
    await database.close()


async def test_a_disk_that_takes_nothing_refuses_all_and_goes_on_without_a_restart(
    failing: tuple[Database, Fault], caplog: pytest.LogCaptureFixture
) -> None:
    database, fault = failing
    outcomes = await together_large(database)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert not _healthy(database)
    assert await titles(database) == {}
    assert "cannot take a write" in caplog.text
    assert "medium" not in caplog.text, "what stands in the rows is not for the log"
    fault.lasts = False
    await database.write(new_ticket("later"))
    assert _healthy(database)
    assert await titles(database) == {1: "later"}


def _healthy(database: Database) -> bool:
    return database.healthy


async def together_large(database: Database) -> list[Any]:
    """Several units, each larger than what is free in the pages of an empty database."""
    large = [new_ticket("x" * 200_000) for _ in range(3)]
    return await asyncio.gather(*(database.write(run) for run in large), return_exceptions=True)


async def test_a_database_that_another_program_holds_refuses_and_recovers(database_url: str) -> None:
    engine = connect(database_url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
    database, other = Database(engine), sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    database.start()
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await database.write(new_ticket())
        assert not _healthy(database)
        assert await titles(database) == {}, "reads go on"
        other.execute("ROLLBACK")
        assert await database.write(new_ticket()) == 1
    finally:
        other.close()
        await database.close()


async def test_a_delivery_that_could_not_be_stored_is_not_half_there(
    failing: tuple[Database, Fault], clock: SetClock
) -> None:
    database, fault = failing
    desk = Desk(database, Settings(), clock)
    many = [alert(f"f{n}", annotations={"summary": "x" * 400}) for n in range(200)]
    with pytest.raises(StoreUnavailable):
        await send(desk, *many)
    counted = "SELECT (SELECT count(*) FROM ticket) + (SELECT count(*) FROM journal) + (SELECT count(*) FROM event)"
    assert await scalar(database, counted) == 0
    fault.lasts = False
    assert len((await send(desk, *many)).tickets) == 200
