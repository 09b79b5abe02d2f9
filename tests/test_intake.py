"""Webhooks in: one problem is one ticket, and nothing is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from core import commands as c
from core.desk.desk import Desk
from core.model import Priority, RawDelivery, Receipt, Status
from core.store.session import JOURNAL, Session
from tests.conftest import KIM, NOON, MakeDesk, SetClock


def webhook(*alerts: dict[str, Any]) -> bytes:
    return orjson.dumps({"version": "4", "status": "firing", "alerts": list(alerts)})


def alert(fingerprint: str = "a1", status: str = "firing", started: datetime = NOON, **more: Any) -> dict[str, Any]:
    ended = more.pop("ended", None)
    return {
        "status": status,
        "labels": {"alertname": "DiskFull", "instance": "db01:9100", "severity": more.pop("severity", "critical")},
        "annotations": {"summary": "Disk is full"},
        "startsAt": started.isoformat(),
        "endsAt": ended.isoformat() if ended else "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
        **more,
    }


async def send(desk: Desk, *alerts: dict[str, Any], body: bytes | None = None, key: str | None = None) -> Receipt:
    raw = body if body is not None else webhook(*alerts)
    return await desk.intake.accept(RawDelivery("alertmanager", raw, "application/json", {}, desk.clock.now(), key))


async def test_an_alert_becomes_one_ticket_with_a_promise(desk: Desk) -> None:
    receipt = await send(desk, alert())
    ticket = await desk.ticket(receipt.tickets[0])
    assert (ticket.title, ticket.priority, ticket.status) == ("Disk is full", Priority.CRITICAL, Status.NEW)
    assert ticket.sla.resolution_due == NOON + timedelta(hours=4)
    assert [event.kind for event in await desk.timeline(ticket.id)] == ["ticket.created", "alert.fired"]


async def test_repeats_count_and_change_nothing_else(desk: Desk, clock: SetClock) -> None:
    first = await send(desk, alert())
    before = await desk.ticket(first.tickets[0])
    for _ in range(3):
        clock.advance(minutes=5)
        assert (await send(desk, alert())).tickets == first.tickets
    (known,) = await desk.alerts_of(before.id)
    assert known.count == 4
    assert await desk.ticket(before.id) == before


async def test_a_recovery_resolves_when_all_alerts_are_over(desk: Desk, clock: SetClock) -> None:
    receipt = await send(desk, alert())
    clock.advance(minutes=5)
    await send(desk, alert(status="resolved", ended=clock.now()))
    ticket = await desk.ticket(receipt.tickets[0])
    assert (ticket.status, ticket.resolved_at, ticket.alerts_firing) == (Status.RESOLVED, clock.now(), 0)


@pytest.mark.parametrize("command", [c.Start(), c.Wait("vendor")])
async def test_a_recovery_never_closes_what_a_person_works_on(desk: Desk, clock: SetClock, command: c.Command) -> None:
    receipt = await send(desk, alert())
    held = await desk.work.execute(receipt.tickets[0], command, KIM, "slack")
    await send(desk, alert(status="resolved", ended=clock.advance(minutes=5)))
    ticket = await desk.ticket(held.id)
    assert ticket.status is held.status
    assert (await desk.timeline(ticket.id))[-1].kind == "ticket.recovered"


async def test_a_stale_recovery_never_closes_a_newer_occurrence(desk: Desk, clock: SetClock) -> None:
    await send(desk, alert())
    await send(desk, alert(status="resolved", ended=clock.advance(minutes=5)))
    second = clock.advance(minutes=5)
    receipt = await send(desk, alert(started=second))
    await send(desk, alert(status="resolved", ended=NOON + timedelta(minutes=5)))
    assert (await desk.ticket(receipt.tickets[0])).status is Status.NEW


async def test_a_problem_that_comes_back_soon_opens_its_ticket_again(desk: Desk, clock: SetClock) -> None:
    first = await send(desk, alert())
    await send(desk, alert(status="resolved", ended=clock.advance(minutes=5)))
    again = await send(desk, alert(started=clock.advance(minutes=10)))
    assert again.tickets == first.tickets
    assert (await desk.ticket(first.tickets[0])).status is Status.NEW


async def test_a_problem_that_comes_back_late_or_after_closing_is_a_new_ticket(desk: Desk, clock: SetClock) -> None:
    first = await send(desk, alert())
    await send(desk, alert(status="resolved", ended=clock.advance(minutes=5)))
    late = await send(desk, alert(started=clock.advance(hours=2)))
    assert late.tickets != first.tickets
    await desk.work.execute(late.tickets[0], c.Resolve(), KIM, "slack")
    await desk.work.execute(late.tickets[0], c.Close(), KIM, "slack")
    await send(desk, alert(status="resolved", ended=clock.advance(minutes=5), started=clock.now()))
    after_closing = await send(desk, alert(started=clock.advance(minutes=1)))
    assert after_closing.tickets[0] not in (first.tickets[0], late.tickets[0])


async def test_repeats_of_an_alert_do_not_reopen_what_a_person_resolved(desk: Desk) -> None:
    receipt = await send(desk, alert())
    await desk.work.execute(receipt.tickets[0], c.Resolve("cleaned"), KIM, "teams")
    await send(desk, alert())
    assert (await desk.ticket(receipt.tickets[0])).status is Status.RESOLVED


async def test_one_bad_alert_costs_only_itself_and_names_its_path(desk: Desk) -> None:
    broken = alert("b") | {"labels": "severity=critical"}
    receipt = await send(desk, alert("a"), broken, alert("c"))
    assert len(receipt.tickets) == 2
    assert receipt.received == 3
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.path) == ("wrong_type", "alerts[1].labels")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[]", "wrong_type"),
        (b'{"alerts": 1}', "wrong_type"),
        (b"{}", "missing"),
        (b"[" * 100_000, "not_json"),
    ],
)
async def test_what_is_not_understood_is_kept_as_a_dead_letter(desk: Desk, body: bytes, code: str) -> None:
    receipt = await send(desk, body=body)
    assert receipt.problem is not None
    assert receipt.problem.code == code
    rows = await desk.database.read(
        lambda connection: connection.exec_driver_sql("SELECT state, body FROM journal").all()
    )
    assert [tuple(row) for row in rows] == [("dead", body)]


async def test_a_delivery_named_by_a_key_is_taken_once(desk: Desk) -> None:
    first = await send(desk, alert(), key="d-1")
    second = await send(desk, alert(), key="d-1")
    assert second == first
    (known,) = await desk.alerts_of(first.tickets[0])
    assert known.count == 1


async def test_a_large_delivery_is_taken_in_chunks(make_desk: MakeDesk) -> None:
    desk = await make_desk(intake={"chunk": 7})
    receipt = await send(desk, *(alert(f"f{n}") for n in range(50)))
    assert len(receipt.tickets) == 50


async def test_a_large_delivery_begun_before_a_crash_is_finished_at_the_next_start(make_desk: MakeDesk) -> None:
    desk = await make_desk(intake={"chunk": 10})
    await send(desk, *(alert(f"f{n}") for n in range(30)))
    rewind = "UPDATE journal SET state='received', progress=20, receipt=NULL"
    drop = "DELETE FROM alert WHERE id > 20"
    await desk.database.write(lambda s: [s.connection.exec_driver_sql(sql) for sql in (rewind, drop)] and None)
    again = await make_desk(intake={"chunk": 10})
    assert await again.intake.resume() == 1
    found = await again.database.read(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM alert").scalar()
    )
    assert found == 30
    assert await again.intake.resume() == 0


async def test_concurrent_deliveries_of_one_problem_make_one_ticket(desk: Desk) -> None:
    import asyncio

    receipts = await asyncio.gather(*(send(desk, alert()) for _ in range(20)))
    assert {receipt.tickets for receipt in receipts} == {(1,)}
    (known,) = await desk.alerts_of(1)
    assert known.count == 20


async def test_severity_that_rises_raises_the_priority_and_never_lowers_it(desk: Desk) -> None:
    receipt = await send(desk, alert(severity="warning"))
    await send(desk, alert(severity="critical"))
    assert (await desk.ticket(receipt.tickets[0])).priority is Priority.CRITICAL
    await send(desk, alert(severity="warning"))
    assert (await desk.ticket(receipt.tickets[0])).priority is Priority.CRITICAL


async def test_what_is_worked_off_late_does_not_undo_what_came_after_it(desk: Desk, clock: SetClock) -> None:
    first = await send(desk, alert())
    begun = clock.advance(minutes=1)

    def cut_off(session: Session) -> None:
        late: dict[str, Any] = {
            "source": "alertmanager",
            "key": None,
            "received_at": begun,
            "content_type": "",
            "headers": {},
        }
        row = {**late, "id": session.next_journal_id(), "body": webhook(alert()), "state": "received"}
        session.insert(JOURNAL, {**row, "progress": 0, "receipt": None})

    await desk.database.write(cut_off)
    clock.advance(minutes=1)
    await send(desk, alert(status="resolved", ended=NOON + timedelta(minutes=2)))
    clock.advance(seconds=1)
    assert await desk.intake.resume() == 1
    assert (await desk.ticket(first.tickets[0])).status is Status.RESOLVED
