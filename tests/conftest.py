"""What tests share: a clock that is set by hand, a desk on a database file of its own, whole services on free ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.config.settings import Settings
from core.desk.desk import Desk
from core.model import Person
from core.store.database import Database, connect
from core.store.upgrade import upgrade

if TYPE_CHECKING:
    from tests.running_service import Running

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KIM = Person("kim", "Kim Minji", roles=("agent",))
LEE = Person("lee", "Lee Jiwon", roles=("agent",))


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **duration: float) -> datetime:
        self._now += timedelta(**duration)
        return self._now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def database_url(empty_database: Path, tmp_path: Path) -> str:
    path = tmp_path / "deskbell.db"
    path.write_bytes(empty_database.read_bytes())
    return f"sqlite:///{path}"


MakeDesk = Callable[..., Any]


@pytest.fixture
async def make_desk(database_url: str, clock: SetClock) -> AsyncIterator[MakeDesk]:
    """Opens desks on the test's database file; each may have settings of its own."""
    opened: list[Database] = []

    async def make(**settings: Any) -> Desk:
        database = Database(connect(database_url))
        database.start()
        opened.append(database)
        desk = Desk(database, Settings.model_validate({"database": {"url": database_url}, **settings}), clock)
        await desk.people.start()
        return desk

    yield make
    await asyncio.gather(*(database.close() for database in opened))


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    made: Desk = await make_desk()
    return made


MakeService = Callable[..., Any]


@pytest.fixture
async def make_service(database_url: str, clock: SetClock) -> AsyncIterator[MakeService]:
    """Starts whole services on the test's database file; each may have settings of its own.

    What their APIs answer is held against the published document.
    """
    from tests.api_document import check_answer
    from tests.running_service import running

    async with AsyncExitStack() as services:

        async def make(**settings: Any) -> Running:
            given = {"database": {"url": database_url}, **settings}
            made = await services.enter_async_context(running(clock, **given))
            made.checks.append(check_answer)
            return made

        yield make


@pytest.fixture
async def service(make_service: MakeService) -> Running:
    """A service with a few people, a team and a customer."""
    from tests.running_service import OFFICE

    made: Running = await make_service(**OFFICE)
    return made
