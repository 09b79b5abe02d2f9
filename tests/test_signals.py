"""What sources say besides begin and end, through the real normalisers: each has its own effect on the ticket, once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from sqlalchemy import update

from core import commands as c
from core.desk.desk import Desk
from core.desk.news import notice
from core.i18n import Words
from core.model import Event, Priority, RawDelivery, Receipt, SignalKind, Status, Ticket
from core.store.session import JOURNAL
from tests.conftest import KIM, MakeDesk, SetClock

FORM = "application/x-www-form-urlencoded"


async def nagios(desk: Desk, kind: str, state: str = "CRITICAL", **more: str) -> Receipt:
    at = str(int(desk.clock.now().timestamp()))
    fields = {"NOTIFICATIONTYPE": kind, "HOSTNAME": "web01", "SERVICEDESC": "Load", "SERVICESTATE": state, "TIMET": at}
    body = urlencode({**fields, **more}).encode()
    return await desk.intake.accept(RawDelivery("nagios", body, FORM, {}, desk.clock.now()))


async def zabbix(desk: Desk, **more: str) -> Receipt:
    fields = {"event_id": "24", "event_value": "1", "event_name": "High load", "event_nseverity": "4"}
    body = orjson.dumps({**fields, **more})
    return await desk.intake.accept(RawDelivery("zabbix", body, "application/json", {}, desk.clock.now()))


async def only(desk: Desk, receipt: Receipt) -> Ticket:
    assert len(receipt.tickets) == 1, receipt
    return await desk.ticket(receipt.tickets[0])


async def story(desk: Desk, ticket: Ticket) -> list[str]:
    return [event.kind for event in await desk.timeline(ticket.id)][2:]


async def last(desk: Desk, ticket: Ticket) -> Event:
    return (await desk.timeline(ticket.id))[-1]


async def test_acknowledged_in_the_source_is_work_begun_by_somebody_there(desk: Desk, clock: SetClock) -> None:
    await nagios(desk, "PROBLEM")
    clock.advance(minutes=3)
    said = {"NOTIFICATIONAUTHOR": "kim", "NOTIFICATIONCOMMENT": "looking"}
    ticket = await only(desk, await nagios(desk, "ACKNOWLEDGEMENT", **said))
    assert (ticket.status, ticket.assignee, ticket.sla.first_response_at) == (Status.IN_PROGRESS, None, clock.now())
    line = await last(desk, ticket)
    assert (line.kind, line.actor.name, line.data["text"]) == ("alert.acknowledged", "kim", "looking")
    assert [known.count for known in await desk.alerts_of(ticket.id)] == [1]
    clock.advance(minutes=3)
    assert (await only(desk, await nagios(desk, "RECOVERY", "OK"))).status is Status.RESOLVED


async def test_a_person_who_took_it_keeps_it_after_an_acknowledgement(desk: Desk, clock: SetClock) -> None:
    ticket = await only(desk, await nagios(desk, "PROBLEM"))
    await nagios(desk, "ACKNOWLEDGEMENT")
    await desk.work.execute(ticket.id, c.Assign(KIM.ref), KIM, "slack")
    clock.advance(minutes=3)
    held = await only(desk, await nagios(desk, "RECOVERY", "OK"))
    assert (held.status, held.alerts_firing) == (Status.IN_PROGRESS, 0)


async def test_an_acknowledgement_of_a_problem_that_was_never_heard_opens_its_ticket(desk: Desk) -> None:
    ticket = await only(desk, await nagios(desk, "ACKNOWLEDGEMENT", NOTIFICATIONAUTHOR="kim"))
    assert ticket.status is Status.IN_PROGRESS
    assert await story(desk, ticket) == ["alert.acknowledged"]


async def test_an_acknowledgement_taken_back_makes_the_ticket_new_again(desk: Desk) -> None:
    await zabbix(desk)
    await zabbix(desk, event_update_status="1", event_update_action="acknowledged")
    update = {"event_update_status": "1", "event_update_action": "unacknowledged", "event_update_user": "Kim"}
    assert (await only(desk, await zabbix(desk, **update))).status is Status.NEW


async def test_a_comment_in_the_source_is_a_note_by_its_author(desk: Desk) -> None:
    await nagios(desk, "PROBLEM")
    said = {"NOTIFICATIONAUTHOR": "lee", "NOTIFICATIONCOMMENT": "please look"}
    ticket = await only(desk, await nagios(desk, "CUSTOM", **said))
    line = await last(desk, ticket)
    assert (line.kind, line.actor.name, line.data["text"]) == ("ticket.noted", "lee", "please look")
    assert ticket.status is Status.NEW


@pytest.mark.parametrize(("state", "after"), [("CRITICAL", Status.NEW), ("OK", Status.RESOLVED)])
async def test_in_a_downtime_the_ticket_waits_and_then_is_what_the_state_says(
    desk: Desk, clock: SetClock, state: str, after: Status
) -> None:
    await nagios(desk, "PROBLEM")
    waiting = await only(desk, await nagios(desk, "DOWNTIMESTART", NOTIFICATIONAUTHOR="kim"))
    assert waiting.status is Status.WAITING
    await nagios(desk, "PROBLEM")
    clock.advance(minutes=30)
    ended = await only(desk, await nagios(desk, "DOWNTIMEEND", state))
    assert ended.status is after
    assert (await story(desk, ended))[:2] == ["alert.downtime_started", "alert.repeated"]
    assert "alert.downtime_ended" in await story(desk, ended)


async def test_a_downtime_never_takes_a_ticket_from_whoever_works_on_it(desk: Desk) -> None:
    ticket = await only(desk, await nagios(desk, "PROBLEM"))
    await desk.work.execute(ticket.id, c.Start(), KIM, "slack")
    held = await only(desk, await nagios(desk, "DOWNTIMESTART"))
    assert held.status is Status.IN_PROGRESS
    assert (await last(desk, held)).kind == "alert.downtime_started"


async def test_a_downtime_without_a_problem_opens_nothing(desk: Desk) -> None:
    assert (await nagios(desk, "DOWNTIMESTART", "OK")).tickets == ()


async def test_the_end_of_a_downtime_tells_of_a_problem_that_began_in_it(desk: Desk) -> None:
    assert (await only(desk, await nagios(desk, "DOWNTIMEEND", "CRITICAL"))).status is Status.NEW


async def test_flapping_is_one_calm_ticket(desk: Desk, clock: SetClock) -> None:
    first = await only(desk, await nagios(desk, "PROBLEM"))
    await nagios(desk, "FLAPPINGSTART")
    for _ in range(6):
        clock.advance(minutes=1)
        await nagios(desk, "RECOVERY", "OK")
        clock.advance(minutes=1)
        await nagios(desk, "PROBLEM")
        await nagios(desk, "FLAPPINGSTART")
    calm = await only(desk, await nagios(desk, "PROBLEM"))
    assert (calm.id, calm.status) == (first.id, Status.NEW)
    assert [kind for kind in await story(desk, calm) if kind != "alert.repeated"] == ["alert.flapping_started"]
    clock.advance(minutes=30)
    stable = await only(desk, await nagios(desk, "FLAPPINGSTOP", "OK"))
    assert stable.status is Status.RESOLVED
    assert (await story(desk, stable))[-3:] == ["alert.flapping_stopped", "alert.resolved", "ticket.resolved"]


async def test_a_flapping_whose_end_was_lost_is_forgotten_after_a_day(desk: Desk, clock: SetClock) -> None:
    await nagios(desk, "PROBLEM")
    await nagios(desk, "FLAPPINGSTART")
    clock.advance(hours=25)
    assert (await only(desk, await nagios(desk, "RECOVERY", "OK"))).status is Status.RESOLVED


async def test_closed_by_hand_in_the_source_is_resolved_with_the_reason(desk: Desk, clock: SetClock) -> None:
    ticket = await only(desk, await zabbix(desk))
    await desk.work.execute(ticket.id, c.Start(), KIM, "slack")
    clock.advance(minutes=5)
    update = {
        "event_value": "0",
        "event_update_status": "1",
        "event_update_action": "commented and closed",
        "event_update_message": "replaced the disk",
        "event_update_user": "Lee",
    }
    closed = await only(desk, await zabbix(desk, **update))
    assert (closed.status, closed.resolution, closed.alerts_firing) == (Status.RESOLVED, "replaced the disk", 0)
    line = await last(desk, closed)
    assert (line.kind, line.actor.name) == ("ticket.resolved", "Lee")
    assert await only(desk, await zabbix(desk, event_value="0")) == closed


async def test_a_changed_severity_changes_the_priority(desk: Desk) -> None:
    await zabbix(desk)
    update = {
        "event_update_status": "1",
        "event_update_action": "acknowledged and changed severity from High to Disaster",
    }
    ticket = await only(desk, await zabbix(desk, **update, event_nseverity="5"))
    assert (ticket.priority, ticket.status) == (Priority.CRITICAL, Status.IN_PROGRESS)


async def test_said_again_it_changes_nothing(desk: Desk) -> None:
    await nagios(desk, "PROBLEM")
    for kind in ("ACKNOWLEDGEMENT", "FLAPPINGSTART"):
        ticket = await only(desk, await nagios(desk, kind))
        assert await only(desk, await nagios(desk, kind)) == ticket


async def test_signals_of_a_large_delivery_are_heard_after_its_alerts(make_desk: MakeDesk) -> None:
    desk: Desk = await make_desk(intake={"chunk": 1})
    body = orjson.dumps([_event("firing", "a"), _event("firing", "b"), _event("acknowledged", "a")])
    receipt = await desk.intake.accept(RawDelivery("cloudevents", body, "application/json", {}, desk.clock.now()))
    statuses = [(await desk.ticket(number)).status for number in receipt.tickets]
    assert sorted(statuses) == [Status.IN_PROGRESS, Status.NEW]


def _event(word: str, subject: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": subject, "source": "/s", "subject": subject, "type": f"disk.{word}"}


async def test_each_signal_is_told_in_the_readers_language(desk: Desk) -> None:
    await nagios(desk, "PROBLEM")
    ticket = await only(desk, await nagios(desk, "ACKNOWLEDGEMENT", NOTIFICATIONAUTHOR="kim"))
    (event,) = [event for event in await desk.timeline(ticket.id) if event.kind == "alert.acknowledged"]
    news = notice(event, ticket, desk.policy)
    assert news.key == "notice.alert.acknowledged"
    for language in ("en", "ko"):
        words = Words(language)
        for kind in SignalKind:
            if kind is not SignalKind.COMMENTED:
                assert words.has(f"notice.alert.{kind.value}")
                assert words.has(f"change.alert.{kind.value}")


async def test_flapping_that_ends_badly_opens_again_what_somebody_resolved_in_between(
    desk: Desk, clock: SetClock
) -> None:
    ticket = await only(desk, await nagios(desk, "FLAPPINGSTART"))
    await desk.work.execute(ticket.id, c.Resolve("restarted"), KIM, "slack")
    clock.advance(minutes=5)
    at = str(int(clock.now().timestamp()))
    assert (await only(desk, await nagios(desk, "PROBLEM", LASTSERVICESTATECHANGE=at))).status is Status.RESOLVED
    clock.advance(minutes=5)
    again = await only(desk, await nagios(desk, "FLAPPINGSTOP", LASTSERVICESTATECHANGE=at))
    assert (again.id, again.status.is_open) == (ticket.id, True)


async def test_an_acknowledgement_that_comes_after_the_end_begins_nothing(desk: Desk, clock: SetClock) -> None:
    await nagios(desk, "PROBLEM")
    clock.advance(minutes=5)
    began = str(int(clock.now().timestamp()))
    clock.advance(minutes=5)
    await nagios(desk, "RECOVERY", "OK")
    late = await only(desk, await nagios(desk, "ACKNOWLEDGEMENT", LASTSERVICESTATECHANGE=began))
    assert late.status is Status.RESOLVED


async def test_two_deeds_in_one_message_are_both_heard_when_it_is_replayed(desk: Desk, clock: SetClock) -> None:
    ticket = await only(desk, await zabbix(desk))
    wrong = {"event_update_status": "1", "event_update_action": "acknowledged and closed", "event_value": "5"}
    receipt = await zabbix(desk, **wrong)
    assert receipt.problem is not None
    await desk.database.write(
        lambda session: session.execute(
            update(JOURNAL)
            .where(JOURNAL.c.id == int(receipt.delivery))
            .values(body=orjson.dumps({"event_id": "24", "event_name": "x", **wrong, "event_value": "0"}))
        )
    )
    clock.advance(minutes=5)
    await desk.intake.replay(int(receipt.delivery))
    assert (await desk.ticket(ticket.id)).status is Status.RESOLVED
    assert await story(desk, ticket) == ["alert.closed", "ticket.resolved", "alert.acknowledged"]
