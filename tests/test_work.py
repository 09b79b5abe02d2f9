"""What people do to tickets, on a real database: one winner, nothing half done, every promise's warning once."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from core import commands as c
from core.desk.desk import Desk
from core.desk.work import API
from core.errors import AlreadyDone, BadField, DeskError, IllegalMove, NotAllowed, NotFound, TicketChanged
from core.lifecycle import MOVES
from core.model import Person, Priority, Severity, Status, Ticket
from core.rules.access import may
from core.store.queries import TicketFilter
from tests.conftest import KIM, LEE, NOON, MakeDesk, SetClock
from tests.test_intake import alert, send

EVERY_COMMAND: list[c.Command] = [
    c.Assign(KIM.ref), c.Start(), c.Wait(), c.Escalate(), c.Prioritize(Priority.LOW), c.Note("n"), c.CallExpert(),
    c.Resolve(), c.Reopen(), c.Close(), c.Merge(99), c.Split(("nothing",)), c.Rate(5),
]  # fmt: skip
WAY_TO: dict[Status, tuple[c.Command, ...]] = {
    Status.NEW: (),
    Status.ASSIGNED: (c.Assign(KIM.ref),),
    Status.IN_PROGRESS: (c.Start(),),
    Status.WAITING: (c.Wait(),),
    Status.RESOLVED: (c.Resolve(),),
    Status.CLOSED: (c.Resolve(), c.Close()),
}


async def opened(desk: Desk, title: str = "Printer", by: Person = LEE, **more: Any) -> Ticket:
    return await desk.work.open(c.Open(title, **more), by, "slack")


async def do(desk: Desk, ticket_id: int, command: c.Command, by: Person = KIM, **more: Any) -> Ticket:
    return await desk.work.execute(ticket_id, command, by, "slack", **more)


async def story(desk: Desk, ticket_id: int) -> list[str]:
    return [event.kind for event in await desk.timeline(ticket_id)]


async def everything(desk: Desk) -> list[Any]:
    """All that is recorded of tickets, alerts and events."""
    tables = ("ticket", "ticket_system", "alert", "event")
    return await desk.database.read(
        lambda connection: [connection.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables]  # noqa: S608
    )


# -- moves


@pytest.mark.parametrize("status", Status)
async def test_a_refused_move_changes_nothing_at_all(desk: Desk, status: Status) -> None:
    ticket = await opened(desk)
    for command in WAY_TO[status]:
        await do(desk, ticket.id, command)
    before = await everything(desk)
    for command in EVERY_COMMAND:
        if command.verb not in MOVES[status]:
            with pytest.raises(IllegalMove):
                await do(desk, ticket.id, command)
    assert await everything(desk) == before


async def test_every_recorded_change_raises_the_version_by_one_and_tells_one_event(desk: Desk) -> None:
    ticket = await opened(desk)
    moves = (c.Assign(KIM.ref), c.Start(), c.Note("n"), c.Wait("w"), c.Start(), c.Resolve("r"), c.Close(), c.Reopen())
    for number, command in enumerate(moves, 2):
        assert (await do(desk, ticket.id, command)).version == number
    assert len(await story(desk, ticket.id)) == len(moves) + 1
    same = await do(desk, ticket.id, c.Assign(KIM.ref))
    assert (same.version, same.status) == (len(moves) + 1, Status.ASSIGNED)


async def test_of_two_who_take_a_ticket_at_once_one_wins_and_the_other_is_told_who(desk: Desk) -> None:
    ticket = await opened(desk)
    takes = (do(desk, ticket.id, c.Assign(who.ref, only_if_unassigned=True), who) for who in (KIM, LEE) * 5)
    outcomes = await asyncio.gather(*takes, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(refusals) == 5
    assert {str(type(refusal).__name__) for refusal in refusals} == {"TicketChanged"}
    winner = (await desk.ticket(ticket.id)).assignee
    assert winner is not None
    assert all(isinstance(refusal, DeskError) and refusal.facts["by"] == winner.name for refusal in refusals)
    assert await story(desk, ticket.id) == ["ticket.created", "ticket.assigned"]


async def test_a_change_of_what_one_did_not_see_is_refused_by_its_version(desk: Desk) -> None:
    ticket = await opened(desk)
    await do(desk, ticket.id, c.Start(), LEE)
    with pytest.raises(TicketChanged) as refusal:
        await do(desk, ticket.id, c.Resolve(), version=1)
    assert refusal.value.facts == {"ticket_id": 1, "by": "Lee Jiwon", "expected": 1, "version": 2}
    assert (await do(desk, ticket.id, c.Resolve(), version=2)).version == 3


async def test_a_request_that_comes_again_is_carried_out_once_and_one_that_was_refused_may_come_again(
    desk: Desk,
) -> None:
    asked = (desk.work.open(c.Open("Printer"), KIM, "slack", once="click-1") for _ in range(5))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [*["AlreadyDone"] * 4, "Ticket"]
    with pytest.raises(IllegalMove):
        await do(desk, 1, c.Close(), once="click-2")
    await do(desk, 1, c.Resolve(), once="click-3")
    assert (await do(desk, 1, c.Close(), once="click-2")).status is Status.CLOSED
    with pytest.raises(AlreadyDone):
        await do(desk, 1, c.Reopen(), once="click-3")


async def test_what_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(NotFound) as refusal:
        await do(desk, 42, c.Start())
    assert refusal.value.facts == {"what": "ticket", "id": 42}
    with pytest.raises(NotFound):
        await desk.card(42)


# -- merge and split


async def alerts(desk: Desk, *names: str, firing: bool = True) -> int:
    """One ticket with these alerts."""
    first, *others = [(await send(desk, alert(name))).tickets[0] for name in names]
    for other in others:
        await do(desk, other, c.Merge(first))
    if not firing:
        await send(desk, *(alert(name, "resolved", ended=desk.clock.now()) for name in names))
    return first


async def counters(desk: Desk, ticket_id: int) -> tuple[int, int, int]:
    """Firing and all, as counted, and as they are."""
    ticket, of_it = await desk.ticket(ticket_id), await desk.alerts_of(ticket_id)
    firing = sum(known.alert.status.value == "firing" for known in of_it)
    assert ticket.alerts_firing == firing
    return ticket.alerts_firing, ticket.alerts_total, len(of_it)


async def test_merged_tickets_are_one_with_all_their_alerts(desk: Desk, clock: SetClock) -> None:
    into = await alerts(desk, "a", "b")
    other = (await send(desk, alert("c", labels={"alertname": "x", "service": "db"}))).tickets[0]
    merged = await do(desk, other, c.Merge(into))
    assert (merged.status, merged.parent) == (Status.CLOSED, into)
    assert await counters(desk, into) == (3, 3, 3)
    assert await counters(desk, other) == (0, 0, 0)
    assert (await desk.timeline(into))[-1].data == {"merged_id": other, "title": "Disk is full"}
    assert [found.id for found in (await desk.tickets(TicketFilter(system="db")))[0]] == [other, into]
    await send(desk, *(alert(name, "resolved", ended=clock.advance(minutes=1)) for name in "abc"))
    assert (await desk.ticket(into)).status is Status.RESOLVED


async def test_a_merge_can_be_undone_by_a_split(desk: Desk, clock: SetClock) -> None:
    into, other = await alerts(desk, "a"), await alerts(desk, "b")
    await do(desk, other, c.Merge(into))
    await do(desk, into, c.Split(("b",)))
    new = other + 1
    assert await counters(desk, into) == await counters(desk, new) == (1, 1, 1)
    split = await desk.ticket(new)
    assert (split.status, split.priority, split.why[0].rule) == (Status.NEW, Priority.CRITICAL, "severity")
    assert split.sla.resolution_due == NOON + timedelta(hours=4)
    await send(desk, alert("b", "resolved", ended=clock.advance(minutes=1)))
    assert (await desk.ticket(new)).status is Status.RESOLVED
    assert (await desk.ticket(into)).status is Status.NEW
    reopened = await do(desk, other, c.Reopen())
    assert (reopened.parent, reopened.status) == (None, Status.NEW)


async def test_alerts_merged_into_a_persons_ticket_can_all_be_split_off_again(desk: Desk) -> None:
    mine = (await opened(desk)).id
    await do(desk, await alerts(desk, "a"), c.Merge(mine))
    await do(desk, mine, c.Split(("a",)))
    assert await counters(desk, mine) == (0, 0, 0)


async def test_a_ticket_of_alerts_keeps_at_least_one(desk: Desk) -> None:
    ticket = await alerts(desk, "a", "b")
    before = await everything(desk)
    for command, refusal in ((c.Split(("a", "b")), BadField), (c.Split(("z",)), NotFound), (c.Split(()), BadField)):
        with pytest.raises(refusal):
            await do(desk, ticket, command)
    assert await everything(desk) == before


async def test_a_ticket_is_merged_only_into_another_one_that_is_open(desk: Desk) -> None:
    one, two = await opened(desk), await opened(desk)
    await do(desk, two.id, c.Resolve())
    before = await everything(desk)
    for into, why in ((one.id, "same_ticket"), (two.id, "not_open")):
        with pytest.raises(BadField) as refusal:
            await do(desk, one.id, c.Merge(into))
        assert refusal.value.facts["why"] == why
    with pytest.raises(NotFound):
        await do(desk, one.id, c.Merge(99))
    assert await everything(desk) == before


async def test_a_problem_that_comes_back_after_a_merge_belongs_to_the_ticket_that_stayed(
    desk: Desk, clock: SetClock
) -> None:
    into = await alerts(desk, "a", "b", firing=False)
    assert (await desk.ticket(into)).status is Status.RESOLVED
    receipt = await send(desk, alert("b", started=clock.advance(minutes=1)))
    assert receipt.tickets == (into,)
    assert await counters(desk, into) == (1, 2, 2)


# -- monitoring that says less than the whole truth


@pytest.mark.parametrize("commands", [(c.Resolve(),), (c.Resolve(), c.Close())])
async def test_a_new_occurrence_is_never_swallowed_by_a_ticket_that_is_over(
    desk: Desk, clock: SetClock, commands: tuple[c.Command, ...]
) -> None:
    """The recovery was lost: silenced, or the source tells none."""
    first = (await send(desk, alert())).tickets[0]
    for command in commands:
        await do(desk, first, command)
    (second,) = (await send(desk, alert(started=clock.advance(minutes=5)))).tickets
    ticket = await desk.ticket(second)
    assert ticket.status.is_open
    assert (second == first) == (len(commands) == 1)
    assert ticket.alerts_firing == 1
    if second != first:
        assert await counters(desk, first) == (0, 1, 0)
    (known,) = await desk.alerts_of(second)
    assert (known.count, known.alert.started_at) == (2, clock.now())


async def test_a_later_start_of_what_is_open_is_the_same_problem(desk: Desk, clock: SetClock) -> None:
    first = await send(desk, alert())
    assert (await send(desk, alert(started=clock.advance(minutes=5)))).tickets == first.tickets
    assert await story(desk, first.tickets[0]) == ["ticket.created", "alert.fired", "alert.repeated"]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_at_once_what_is_counted_is_what_there_is(desk: Desk, clock: SetClock, seed: int) -> None:
    """Alerts and people together in one commit, many times, with units among them that fail."""
    dice = random.Random(seed)
    for _ in range(12):
        clock.advance(minutes=dice.choice([1, 10, 70]))
        at_once: list[Any] = []
        for _ in range(10):
            names, firing = dice.sample("abcdefgh", 2), dice.random() < 0.6
            started = NOON if dice.random() < 0.5 else clock.now()
            told = [
                alert(name, "firing" if firing else "resolved", started, ended=None if firing else clock.now())
                for name in names
            ]
            at_once.append(send(desk, *told))
            number = dice.randrange(1, 12)
            commands = [
                c.Merge(dice.randrange(1, 12)), c.Split((dice.choice("abcdefgh"),)), c.Resolve("r"), c.Close(),
                c.Reopen(), c.Start(), c.Assign(LEE.ref),
            ]  # fmt: skip
            at_once.append(do(desk, number, dice.choice(commands)))
        outcomes = await asyncio.gather(*at_once, return_exceptions=True)
        assert all(isinstance(one, DeskError) for one in outcomes if isinstance(one, BaseException)), outcomes
    found, _ = await desk.tickets(TicketFilter(limit=500))
    for ticket in found:
        burning, total, attached = await counters(desk, ticket.id)
        assert 0 <= burning <= attached <= total
    columns = "SELECT id, status, version, (SELECT count(*) FROM event WHERE ticket_id = t.id) FROM ticket t"
    kept = await desk.database.read(lambda connection: list(connection.exec_driver_sql(columns)))
    assert [(ticket.id, ticket.status, ticket.version) for ticket in reversed(found)] == [
        tuple(row[:3]) for row in kept
    ]
    assert all(events >= version for _, _, version, events in kept), "no change without its event"


# -- who may


AGENT = Person("agent", "A", team="ops", roles=("agent",))
ASKER = Person("asker", "B")
OTHER = Person("other", "C")


@pytest.mark.parametrize("agents", [("agent",), ("role:agent",), ("team:ops",)])
async def test_agents_work_and_requesters_have_a_say_in_their_own_tickets(
    make_desk: MakeDesk, agents: tuple[str, ...]
) -> None:
    desk = await make_desk(access={"agents": agents})
    ticket = await opened(desk, by=ASKER)
    for by in (ASKER, OTHER):
        with pytest.raises(NotAllowed) as refusal:
            await do(desk, ticket.id, c.Assign(by.ref), by)
        assert refusal.value.facts == {"verb": "assign"}
    await do(desk, ticket.id, c.Note("a word"), OTHER)
    await do(desk, ticket.id, c.Start(), AGENT)
    await do(desk, ticket.id, c.Resolve(), ASKER)
    await do(desk, ticket.id, c.Rate(4), ASKER)
    with pytest.raises(NotAllowed):
        await do(desk, ticket.id, c.Reopen(), OTHER)
    await do(desk, ticket.id, c.Reopen(), API)
    assert (await desk.ticket(ticket.id)).version == 6


def test_by_default_everyone_works_on_tickets() -> None:
    ticket = Ticket(id=1, title="t", created_at=NOON, updated_at=NOON, requester=ASKER.ref)
    assert all(may(OTHER, verb, ticket, ("everyone",)) for verb in c.COMMANDS)
    assert [verb for verb in c.COMMANDS if may(OTHER, verb, ticket, ("agent",))] == ["note"]
    assert may(OTHER, "rate", replace(ticket, requester=None), ("agent",))


async def test_the_expert_is_the_first_that_the_catalogue_names(make_desk: MakeDesk) -> None:
    people = [{"id": "kim", "name": "Kim"}, {"id": "lee", "name": "Lee"}]
    systems = [
        {"name": "db", "hosts": ["db01"], "experts": ["gone", "lee", "kim"], "team": "dba"},
        {"name": "web", "team": "web"},
    ]
    desk = await make_desk(people=people, systems=systems)
    by_host = (await send(desk, alert())).tickets[0]  # instance db01:9100
    assert (await desk.ticket(by_host)).systems == ("db",)
    by_name = (await opened(desk, systems=("web", "db"))).id
    for number in (by_host, by_name):
        await do(desk, number, c.CallExpert(skill="sql"))
        data = (await desk.timeline(number))[-1].data
        assert (data["expert"], data["skill"]) == ({"id": "lee", "name": "Lee"}, "sql")
    await do(desk, by_name, c.CallExpert(KIM.ref), LEE)
    assert (await desk.timeline(by_name))[-1].data["expert"]["id"] == "kim"
    nobody = (await opened(desk, systems=("web",))).id
    await do(desk, nobody, c.CallExpert())
    assert "expert" not in (await desk.timeline(nobody))[-1].data
    assert (await desk.ticket(nobody)).team == "web"


# -- promises


async def warnings(desk: Desk) -> list[tuple[str, Any]]:
    found = await desk.database.read(
        lambda connection: connection.exec_driver_sql(
            "SELECT kind, json_extract(data, '$.promise') FROM event WHERE origin = 'clock' ORDER BY seq"
        ).all()
    )
    return [tuple(row) for row in found]


async def test_each_warning_is_given_once_however_often_and_by_how_many_it_is_asked_for(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    one, two = await make_desk(), await make_desk()
    for number in range(20):
        await opened(one, f"t{number}", priority=Priority.CRITICAL)
    for _ in range(20):
        clock.advance(minutes=13)
        await asyncio.gather(*(desk.work.run_due() for desk in (one, two, one, two)))
    told = await warnings(one)
    again = await make_desk()
    assert await again.work.run_due() == 0
    expected = {
        ("ticket.sla_warning", "first_response"), ("ticket.sla_breached", "first_response"),
        ("ticket.sla_warning", "resolution"), ("ticket.sla_breached", "resolution"),
    }  # fmt: skip
    assert set(told) == expected
    per_ticket = {kind: told.count(kind) / 20 for kind in expected}
    assert all(count == (1 if kind == "ticket.sla_breached" else int(count)) for (kind, _), count in per_ticket.items())


async def test_after_a_long_stop_only_what_is_true_now_is_told(make_desk: MakeDesk, clock: SetClock) -> None:
    desk = await make_desk()
    late, waiting, resolved = [await opened(desk, name, priority=Priority.CRITICAL) for name in ("a", "b", "c")]
    await do(desk, waiting.id, c.Wait())
    await do(desk, resolved.id, c.Resolve())
    clock.advance(days=3)
    assert await desk.work.run_due() == 1
    assert await warnings(desk) == [("ticket.sla_breached", "first_response"), ("ticket.sla_breached", "resolution")]
    assert (await desk.timeline(late.id))[-1].kind == "ticket.sla_breached"
    assert await desk.work.run_due() == 0


async def test_promises_are_kept_in_portions(make_desk: MakeDesk, clock: SetClock) -> None:
    desk = await make_desk()
    for number in range(5):
        await opened(desk, f"t{number}", priority=Priority.CRITICAL)
    clock.advance(minutes=16)
    assert [await desk.work.run_due(2) for _ in range(4)] == [2, 2, 1, 0]


async def test_the_severity_of_an_alert_raises_the_promise_with_the_priority(desk: Desk, clock: SetClock) -> None:
    number = (await send(desk, alert(severity=Severity.WARNING.value))).tickets[0]
    slow = (await desk.ticket(number)).sla.resolution_target
    clock.advance(minutes=1)
    await send(desk, alert(severity=Severity.CRITICAL.value))
    ticket = await desk.ticket(number)
    assert (slow, ticket.sla.resolution_target) == (24 * 3600, 4 * 3600)
    assert ticket.sla.resolution_due == NOON + timedelta(hours=4)
