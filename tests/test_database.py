"""The store: what was answered is on the disk, what failed left nothing, and one unit's fault is its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from sqlite3 import IntegrityError
from typing import Any

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import insert, text
from typer.testing import CliRunner

from bot.__main__ import app
from core.desk.desk import Desk
from core.errors import StoreUnavailable
from core.model import Alert, AlertStatus, Event, KnownAlert, Severity, Ticket
from core.store import housekeeping, queries, rows
from core.store.database import Database, connect
from core.store.queries import TicketFilter
from core.store.session import JOURNAL, NOTICE, Session
from core.store.upgrade import HEAD, current, upgrade
from tests.conftest import KIM, NOON, MakeDesk, SetClock
from tests.test_intake import alert, send, webhook

ALERT = Alert("f", "am", AlertStatus.FIRING, Severity.HIGH, "Disk", NOON)
TICKET = Ticket(id=0, title="t", created_at=NOON, updated_at=NOON)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(connect(database_url))
    opened.start()
    yield opened
    await opened.close()


@asynccontextmanager
async def one_commit(database: Database, units: int) -> AsyncIterator[None]:
    """What is handed in below shares one commit: the writer is kept busy until so many ``units`` wait."""
    begun, end = threading.Event(), threading.Event()

    def slow(_: Session) -> None:
        begun.set()
        end.wait(5)

    busy = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(begun.wait, 5)
    yield
    while database._queue.qsize() < units:  # noqa: ASYNC110 -- the queue has no event
        await asyncio.sleep(0)
    end.set()
    await busy


async def together(database: Database, *runs: Callable[[Session], Any]) -> list[Any]:
    """The outcomes of units that share one commit, errors among them."""
    async with one_commit(database, len(runs)):
        units = [asyncio.ensure_future(database.write(run)) for run in runs]
    return await asyncio.gather(*units, return_exceptions=True)


def new_ticket(title: str = "t") -> Callable[[Session], int]:
    def run(session: Session) -> int:
        number = session.next_ticket_id()
        session.add_ticket(replace(TICKET, id=number, title=title))
        session.add_event(Event("ticket.created", number, NOON, KIM.ref, "test"))
        return number

    return run


async def scalar(database: Database, sql: str) -> Any:
    return await database.read(lambda connection: connection.exec_driver_sql(sql).scalar())


async def titles(database: Database) -> dict[int, str]:
    return {
        ticket.id: ticket.title
        for ticket in await database.read(lambda connection: queries.tickets(connection, TicketFilter(limit=500)))
    }


# -- group commit


async def test_what_waits_while_the_writer_is_busy_shares_one_commit(database: Database) -> None:
    before = database.commits
    numbers = await together(database, *(new_ticket(f"t{n}") for n in range(100)))
    assert numbers == list(range(1, 101))
    assert database.commits - before == 2, "one for the slow unit, and one for all who waited"
    assert await titles(database) == {number: f"t{number - 1}" for number in numbers}


async def test_a_result_is_given_only_when_it_is_durable(database: Database, database_url: str) -> None:
    number = await database.write(new_ticket())
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    assert other.execute("SELECT count(*) FROM ticket WHERE id = ?", (number,)).fetchone() == (1,)
    other.close()


async def test_writers_are_told_of_events_only_after_the_commit(database: Database) -> None:
    seen: list[int] = []
    loop = asyncio.get_running_loop()
    told = loop.create_future()

    def wake() -> None:
        seen.append(database.commits)
        told.set_result(None)

    database.on_events(wake)
    await database.write(lambda session: session.insert(NOTICE, _notice()))
    await database.write(new_ticket())
    await asyncio.wait_for(told, 5)
    assert seen == [2]


def _notice(**more: Any) -> dict[str, Any]:
    return {
        "key": "k", "rule": "r", "event_seq": 1, "ticket_id": 1, "show": "message", "platform": "slack", "lane": "l",
        "urgent": False, "state": "waiting", "attempts": 0, "not_before": NOON, "created_at": NOON, **more,
    }  # fmt: skip


# -- one unit's fault is its own


class Oops(Exception):
    pass


def fails_after(*steps: Callable[[Session], Any]) -> Callable[[Session], Any]:
    def run(session: Session) -> None:
        for step in steps:
            step(session)
        raise Oops

    return run


def direct(session: Session) -> None:
    session.execute(insert(NOTICE), _notice(key="direct"))


@pytest.mark.parametrize("steps", [(new_ticket(),), (direct,), (new_ticket(), direct), (direct, new_ticket())])
async def test_a_unit_that_raises_leaves_nothing_and_costs_nobody_else(
    database: Database, steps: tuple[Callable[[Session], Any], ...]
) -> None:
    one, failed, two = await together(database, new_ticket("one"), fails_after(*steps), new_ticket("two"))
    assert isinstance(failed, Oops)
    assert await titles(database) == {one: "one", two: "two"}
    assert await scalar(database, "SELECT count(*) FROM notice") == 0
    assert await scalar(database, "SELECT count(*) FROM event") == 2
    assert await database.write(new_ticket()) == two + 1


async def test_a_unit_that_fails_after_a_statement_of_its_own_takes_its_changes_along(database: Database) -> None:
    """Also those that were staged when the last statement of the unit could not be written."""
    number = await database.write(new_ticket("before"))

    def changes_and_then_clashes(session: Session) -> None:
        direct(session)
        session.change_ticket(replace(TICKET, id=number, title="after"))
        session.add_ticket(replace(TICKET, id=number))

    failed, other = await together(database, changes_and_then_clashes, new_ticket("other"))
    assert isinstance(failed, IntegrityError)
    assert await titles(database) == {number: "before", other: "other"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda session: session.add_ticket(replace(TICKET, id=1)),
        lambda session: session.add_ticket(replace(TICKET, id=session.next_ticket_id(), title="\ud800")),
        lambda session: session.insert(NOTICE, {"key": "half a row"}),
        lambda session: session.insert(NOTICE, _notice(ticket_id=2**70)),
    ],
    ids=["clash", "no text", "half a row", "too large"],
)
async def test_a_row_that_cannot_be_written_fails_only_the_unit_that_staged_it(
    database: Database, spoil: Callable[[Session], Any]
) -> None:
    await database.write(new_ticket("first"))
    one, failed, two = await together(database, new_ticket("one"), spoil, new_ticket("two"))
    assert isinstance(failed, Exception)
    assert not isinstance(failed, StoreUnavailable)
    assert await titles(database) == {1: "first", one: "one", two: "two"}
    assert database.healthy


async def test_a_unit_that_is_run_again_names_no_ticket_of_its_first_run(make_desk: MakeDesk) -> None:
    """A large delivery shares its commit with a unit that cannot be written."""
    desk = await make_desk(intake={"chunk": 2})
    body = webhook(*(alert(name) for name in "abc"))
    received = {
        "id": 1, "source": "alertmanager", "key": None, "received_at": NOON, "content_type": "application/json",
        "headers": {}, "body": body, "state": "received", "progress": 0, "receipt": None,
    }  # fmt: skip
    await desk.database.write(lambda session: session.insert(JOURNAL, received))

    def guilty(session: Session) -> None:
        for _ in range(3):
            session.add_ticket(replace(TICKET, id=session.next_ticket_id(), title="\ud800"))

    async with one_commit(desk.database, 2):
        spoilt = asyncio.ensure_future(desk.database.write(guilty))
        resumed = asyncio.ensure_future(desk.intake.resume())
    with pytest.raises(UnicodeEncodeError):
        await spoilt
    assert await resumed == 1
    receipt = orjson.loads(await scalar(desk.database, "SELECT receipt FROM journal"))
    assert receipt["tickets"] == sorted(await titles(desk.database)) == [1, 2, 3]


async def test_a_large_delivery_that_cannot_be_worked_on_becomes_a_dead_letter_and_holds_up_no_start(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_desk(intake={"chunk": 2})
    real = desk.policy.of_alert

    def broken(told: Alert) -> Any:
        if told.fingerprint == "c":
            raise Oops
        return real(told)

    monkeypatch.setattr(desk.policy, "of_alert", broken)
    receipt = await send(desk, *(alert(name) for name in "abcd"))
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.tickets) == ("internal", (1, 2))
    assert await desk.intake.resume() == 0
    monkeypatch.undo()
    again = await desk.intake.replay(int(receipt.delivery))
    assert (again.problem, again.tickets) == (None, (1, 2, 3, 4))
    assert [known.count for known in await desk.alerts_of(1)] == [2]


# -- what a unit sees


def known_alert(session: Session) -> KnownAlert:
    known = session.alert("am", "f")
    assert known is not None
    return known


async def test_a_unit_sees_what_earlier_units_of_its_commit_have_staged(database: Database) -> None:
    def opens(session: Session) -> int:
        session.put_alert(KnownAlert(ALERT, new_ticket("new")(session), 1, NOON, NOON))
        return session.next_ticket_id()

    def counts(session: Session) -> int:
        known = known_alert(session)
        session.recount_alert(replace(known, count=known.count + 1))
        return known.count

    def changes(session: Session) -> str:
        known = known_alert(session)
        over = replace(known.alert, status=AlertStatus.RESOLVED)
        session.put_alert(replace(known, alert=over, count=known.count + 1))
        ticket = session.ticket(1)
        assert ticket is not None
        session.change_ticket(replace(ticket, title="changed", version=2))
        return ticket.title

    def looks(session: Session) -> tuple[int, str, int]:
        (known,) = session.alerts_of(1)
        found = session.ticket(1)
        return known.count, found.title if found else "", session.next_ticket_id()

    outcomes = await together(database, opens, counts, changes, counts, looks)
    assert outcomes == [2, 1, "new", 3, (4, "changed", 3)]
    row = await database.read(lambda connection: connection.exec_driver_sql("SELECT count, status FROM alert").one())
    assert tuple(row) == (4, "resolved")
    assert await titles(database) == {1: "changed"}


async def test_a_count_is_never_set_back_by_an_earlier_one_of_the_same_commit(database: Database) -> None:
    await database.write(lambda session: session.put_alert(KnownAlert(ALERT, None, 1, NOON, NOON)))

    def heard(changed: bool) -> Callable[[Session], None]:
        def run(session: Session) -> None:
            known = known_alert(session)
            later = replace(known, count=known.count + 1, last_at=known.last_at + timedelta(minutes=1))
            session.put_alert(later) if changed else session.recount_alert(later)

        return run

    await together(database, heard(False), heard(True), heard(False), heard(True))
    found = await database.write(known_alert)
    assert (found.count, found.last_at) == (5, NOON + timedelta(minutes=4))


async def test_one_alert_many_times_in_one_commit_is_one_ticket(desk: Desk) -> None:
    async with one_commit(desk.database, 30):
        sent = [asyncio.ensure_future(send(desk, alert(), alert("b"))) for _ in range(30)]
    assert {receipt.tickets for receipt in await asyncio.gather(*sent)} == {(1, 2)}
    (known,) = await desk.alerts_of(1)
    assert known.count == 30
    assert await scalar(desk.database, "SELECT count(*) FROM ticket") == 2


async def test_numbers_are_never_given_twice_after_pruning(desk: Desk, clock: SetClock) -> None:
    deliveries = [int((await send(desk, alert(f"f{n}"))).delivery) for n in range(5)]
    assert await housekeeping.prune_journal(desk.database, clock.advance(days=8)) == 4
    later = int((await send(desk, alert("g"))).delivery)
    assert later == deliveries[-1] + 1
    assert await scalar(desk.database, "SELECT count(*) FROM journal") == 2


async def test_dead_letters_outlive_pruning(desk: Desk, clock: SetClock) -> None:
    await send(desk, body=b"?")
    await send(desk, alert())
    await send(desk, alert())
    assert await housekeeping.prune_journal(desk.database, clock.advance(days=400)) == 1
    assert await scalar(desk.database, "SELECT group_concat(state) FROM journal") == "dead,done"


# -- the end


async def test_closing_finishes_what_was_handed_in_and_takes_nothing_more(database_url: str) -> None:
    database = Database(connect(database_url))
    database.start()
    handed_in = [asyncio.ensure_future(database.write(new_ticket(f"t{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*handed_in) == list(range(1, 51))
    with pytest.raises(StoreUnavailable):
        await database.write(new_ticket())


async def test_whoever_stops_waiting_stops_nobody_else(database: Database) -> None:
    async with one_commit(database, 2):
        gone, stays = (asyncio.ensure_future(database.write(new_ticket(name))) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
    assert await stays == 2
    assert await titles(database) == {1: "gone", 2: "stays"}, "a unit that was handed in is done"


# -- migrations


def test_the_migrations_make_what_the_models_say(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'm.db'}")
    assert current(engine) is None
    assert upgrade(engine)
    assert current(engine) == HEAD
    assert not upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [found for found in compare_metadata(context, rows.metadata) if not _is_search(found)]
        assert differences == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


def _is_search(difference: Any) -> bool:
    """The full-text index is made by hand: SQLAlchemy knows no virtual tables."""
    kind, table = difference[0], difference[1]
    return kind == "remove_table" and str(table.name).startswith("ticket_search")


def test_a_database_of_a_newer_program_is_refused_untouched(database_url: str) -> None:
    engine = connect(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ValueError, match="9999"):
        upgrade(engine)
    assert current(engine) == "9999"
    engine.dispose()


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="sqlite"):
        connect("mysql://localhost/desk")


def test_the_command_line_upgrades_and_says_where_the_database_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESKBELL_DATABASE_URL", f"sqlite:///{tmp_path / 'cli.db'}")
    run = CliRunner().invoke
    said = [run(app, ["db", command]) for command in ("current", "upgrade", "upgrade", "current")]
    assert [result.exit_code for result in said] == [0, 0, 0, 0]
    assert [result.stdout.strip() for result in said] == ["empty", f"upgraded to {HEAD}", f"already at {HEAD}", HEAD]
