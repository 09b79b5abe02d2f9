"""Calls for an expert: the right one first, one at a time, each with their time; no end of the program loses one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands as c
from core.config.settings import Settings
from core.desk.desk import Desk
from core.errors import (
    AlreadyCalled,
    AlreadyDone,
    BadField,
    CallAccepted,
    CallDeclined,
    CallUnanswered,
    CallWithdrawn,
    DeskError,
    NotCalled,
)
from core.model import Event, Person, Status, Ticket
from core.rules.experts import candidates, same_skill
from core.store import calls
from core.views import Notice
from tests.conftest import NOON, MakeDesk, SetClock
from tests.fakes import Outbox, ScriptedNotifier
from tests.test_work import do, opened

TIMEOUT = 300
PEOPLE: list[dict[str, Any]] = [
    {"id": "kim", "name": "Kim", "slack": "U0KIM", "skills": ["postgres", "vacuum"]},
    {"id": "lee", "name": "Lee", "slack": "U0LEE", "skills": ["postgres"]},
    {"id": "ana", "name": "Ana", "slack": "U0ANA", "skills": ["C++"]},
    {"id": "omar", "name": "Omar", "slack": "U0OMAR"},
    {"id": "boss", "name": "Boss", "slack": "U0BOSS"},
    {"id": "caller", "name": "Caller", "slack": "U0CALLER"},
]
DUTY = {"rotation": {"people": ["omar"], "start": "2026-01-05"}}
OFFICE: dict[str, Any] = {
    "people": PEOPLE,
    "teams": {"dba": {"name": "DBA", "lead": "boss", "on_call": "dba"}, "web": {"name": "Web"}},
    "systems": [
        {"name": "db", "team": "dba", "experts": ["kim", "lee"]},
        {"name": "site", "team": "web", "experts": ["ana"]},
    ],
    "schedules": {"dba": DUTY},
}
CALLER = Person("caller", "Caller")
BY_ID = {row["id"]: Person(row["id"], row["name"]) for row in PEOPLE}
KIM, LEE, OMAR, BOSS = (BY_ID[name] for name in ("kim", "lee", "omar", "boss"))


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    made: Desk = await make_desk(**OFFICE)
    return made


async def called(desk: Desk, skill: str = "", **ticket: Any) -> Ticket:
    """A ticket about the database to which an expert is called."""
    made = await opened(desk, "Replica lags", CALLER, systems=("db",), **ticket)
    return await do(desk, made.id, c.CallExpert(skill=skill), CALLER)


async def story(desk: Desk, ticket_id: int) -> list[str]:
    """What became of the calls, each step with whom it is about."""
    events = [event for event in await desk.timeline(ticket_id) if ".expert_" in event.kind]
    return [" ".join([event.kind.partition(".expert_")[2], *_about(event)]) for event in events]


def _about(event: Event) -> list[str]:
    return [event.data["expert"]["id"]] if "expert" in event.data else []


async def asked(desk: Desk, ticket_id: int) -> list[str]:
    found = await desk.database.read(lambda connection: calls.of_ticket(connection, ticket_id))
    return [call.expert.id for call in found if call.expert is not None]


def ordered(skill: str = "", systems: tuple[str, ...] = ("db",), duty: dict[str, str] | None = None) -> list[str]:
    ticket = Ticket(1, "Down", NOON, NOON, systems=systems)
    return candidates(ticket, skill, Settings.model_validate(OFFICE), {"dba": "omar"} if duty is None else duty)


# -- whom to call


@pytest.mark.parametrize(
    ("skill", "systems", "duty", "expected"),
    [
        ("", ("db",), {"dba": "omar"}, ["kim", "lee", "omar", "boss"]),
        ("", ("db",), {"dba": "lee"}, ["lee", "kim", "boss"]),
        ("Postgres is slow", ("db",), {"other": "lee"}, ["lee", "kim", "boss"]),
        ("vacuum", ("db",), {"dba": "omar"}, ["kim", "omar", "boss"]),
        ("c++", ("db",), {}, ["ana", "boss"]),
        ("nobody knows this", ("db",), {}, ["kim", "lee", "boss"]),
        ("postgresql", ("db",), {}, ["kim", "lee", "boss"]),
        ("", ("site", "db"), {}, ["ana", "kim", "lee", "boss"]),
        ("", ("unknown",), {"dba": "omar"}, []),
    ],
)  # fmt: skip
def test_experts_with_the_skill_come_first_then_who_is_on_call_then_the_lead(
    skill: str, systems: tuple[str, ...], duty: dict[str, str], expected: list[str]
) -> None:
    assert ordered(skill, systems, duty) == expected


@given(st.text(), st.lists(st.sampled_from(("db", "site", "x")), max_size=3), st.sampled_from(("", "omar", "lee", "x")))
def test_whatever_is_wanted_nobody_is_named_twice_and_nobody_unknown(skill: str, systems: list[str], who: str) -> None:
    found = ordered(skill, tuple(systems), {"dba": who})
    assert len(found) == len(set(found))
    assert set(found) <= {row["id"] for row in PEOPLE}
    assert same_skill(skill, f" {skill.casefold()}\n")


# -- one after the other


async def test_whoever_is_called_and_accepts_has_the_ticket_that_nobody_had(desk: Desk) -> None:
    ticket = await called(desk, "postgres")
    answered = await desk.work.calls.answer(ticket.id, KIM, True, "slack")
    assert (answered.assigned, answered.caller, answered.ticket.assignee) == (True, CALLER.ref, KIM.ref)
    assert answered.ticket.status is Status.ASSIGNED
    assert answered.ticket.version == ticket.version + 1
    assert await story(desk, ticket.id) == ["called kim", "accepted kim"]
    assert (await desk.timeline(ticket.id))[-1].kind == "ticket.assigned"


async def test_a_ticket_that_somebody_has_stays_theirs(desk: Desk) -> None:
    ticket = await called(desk, assignee=OMAR.ref)
    answered = await desk.work.calls.answer(ticket.id, KIM, True, "slack")
    assert (answered.assigned, answered.ticket.assignee) == (False, OMAR.ref)
    assert (await desk.timeline(ticket.id))[-1].kind == "ticket.expert_accepted"


async def test_who_declines_makes_room_for_the_next_until_nobody_is_left(desk: Desk) -> None:
    ticket = await called(desk)
    following = []
    for person in (KIM, LEE, OMAR, BOSS):
        answered = await desk.work.calls.answer(ticket.id, person, False, "slack")
        following.append(answered.following.id if answered.following else None)
    assert following == ["lee", "omar", "boss", None]
    assert await asked(desk, ticket.id) == []
    assert await story(desk, ticket.id) == [
        "called kim", "declined kim", "called lee", "declined lee", "called omar", "declined omar", "called boss",
        "declined boss", "unavailable",
    ]  # fmt: skip
    last = (await desk.timeline(ticket.id))[-1]
    assert (last.data["caller"]["id"], last.actor.id) == ("caller", "deskbell")


async def test_who_does_not_answer_in_time_is_followed_by_the_next_at_that_instant(desk: Desk, clock: SetClock) -> None:
    ticket = await called(desk)
    clock.advance(seconds=TIMEOUT - 1)
    assert await desk.work.run_due() == 0
    clock.advance(seconds=1)
    assert await desk.work.run_due() == 1
    assert await desk.work.run_due() == 0
    assert await story(desk, ticket.id) == ["called kim", "unanswered kim", "called lee"]
    for _ in range(3):
        clock.advance(seconds=TIMEOUT)
        await desk.work.run_due()
    assert (await story(desk, ticket.id))[-2:] == ["unanswered boss", "unavailable"]
    clock.advance(days=1)
    assert await asked(desk, ticket.id) == []


async def test_the_configuration_says_how_long_somebody_may_take(make_desk: MakeDesk, clock: SetClock) -> None:
    desk = await make_desk(**OFFICE, desk={"expert_timeout": "90s"})
    ticket = await called(desk)
    assert (await desk.timeline(ticket.id))[-1].data["due"] == (NOON + timedelta(seconds=90)).isoformat()
    clock.advance(seconds=90)
    await desk.work.run_due()
    assert await asked(desk, ticket.id) == ["lee"]


async def test_who_is_next_is_looked_up_when_their_turn_comes(make_desk: MakeDesk, clock: SetClock) -> None:
    """The schedule hands over while the first one is asked."""
    turns = {"rotation": {"people": ["omar", "ana"], "every": "day", "hand_over": "12:03", "start": "2026-03-01"}}
    desk = await make_desk(**{**OFFICE, "schedules": {"dba": turns}})
    ticket = await called(desk, "vacuum")
    clock.advance(seconds=TIMEOUT)
    await desk.work.run_due()
    assert await story(desk, ticket.id) == ["called kim", "unanswered kim", "called ana"]


async def test_whom_no_platform_reaches_is_called_last(make_desk: MakeDesk) -> None:
    people = [{**row, "slack": None} if row["id"] == "kim" else row for row in PEOPLE]
    desk = await make_desk(**{**OFFICE, "people": people})
    ticket = await called(desk)
    for person in (LEE, OMAR, BOSS):
        await desk.work.calls.answer(ticket.id, person, False, "slack")
    assert await asked(desk, ticket.id) == ["kim"]


async def test_neither_the_caller_nor_the_assignee_nor_who_is_called_already_is_called(desk: Desk) -> None:
    made = await opened(desk, systems=("db",), assignee=KIM.ref)
    await do(desk, made.id, c.CallExpert(OMAR.ref), CALLER)
    await do(desk, made.id, c.CallExpert(), LEE)
    assert sorted(await asked(desk, made.id)) == ["boss", "omar"]


async def test_the_same_is_not_asked_for_twice_at_once(desk: Desk) -> None:
    ticket = await called(desk, "postgres")
    for again in (c.CallExpert(skill=" Postgres "), c.CallExpert(KIM.ref)):
        with pytest.raises(AlreadyCalled) as refused:
            await do(desk, ticket.id, again, CALLER)
        assert refused.value.facts == {"expert": "Kim"}
    with pytest.raises(BadField):
        await do(desk, ticket.id, c.CallExpert(CALLER.ref), CALLER)
    await do(desk, ticket.id, c.CallExpert(skill="c++"), CALLER)
    assert sorted(await asked(desk, ticket.id)) == ["ana", "kim"]


async def test_after_a_named_person_nobody_else_is_called(desk: Desk, clock: SetClock) -> None:
    ticket = await opened(desk, systems=("db",))
    await do(desk, ticket.id, c.CallExpert(OMAR.ref), CALLER)
    clock.advance(seconds=TIMEOUT)
    await desk.work.run_due()
    assert await story(desk, ticket.id) == ["called omar", "unanswered omar", "unavailable"]


# -- answers that do not count


async def test_only_who_is_asked_now_can_answer_and_others_are_told_why_not(desk: Desk, clock: SetClock) -> None:
    ticket = await called(desk)

    async def refusal(person: Person, accepted: bool = True) -> type[DeskError]:
        with pytest.raises(DeskError) as refused:
            await desk.work.calls.answer(ticket.id, person, accepted, "slack")
        return type(refused.value)

    assert [await refusal(person) for person in (LEE, CALLER, Person("api", "API"))] == [NotCalled] * 3
    clock.advance(seconds=TIMEOUT)
    await desk.work.run_due()
    assert await refusal(KIM) is CallUnanswered
    await desk.work.calls.answer(ticket.id, LEE, False, "slack")
    assert await refusal(LEE) is CallDeclined
    await desk.work.calls.answer(ticket.id, OMAR, True, "slack")
    assert await refusal(OMAR, accepted=False) is CallAccepted
    assert await refusal(BOSS) is NotCalled
    assert len(await story(desk, ticket.id)) == 6


async def test_a_ticket_that_is_over_needs_nobody(desk: Desk, clock: SetClock) -> None:
    ticket = await called(desk)
    await do(desk, ticket.id, c.Resolve("restarted"), CALLER)
    with pytest.raises(CallWithdrawn):
        await desk.work.calls.answer(ticket.id, KIM, True, "slack")
    clock.advance(seconds=TIMEOUT)
    await desk.work.run_due()
    assert await asked(desk, ticket.id) == []
    await do(desk, ticket.id, c.Reopen(), CALLER)
    with pytest.raises(CallWithdrawn):
        await desk.work.calls.answer(ticket.id, KIM, True, "slack")
    assert await story(desk, ticket.id) == ["called kim"]


async def test_the_same_click_sent_again_counts_once(desk: Desk) -> None:
    ticket = await called(desk)
    await desk.work.calls.answer(ticket.id, KIM, False, "slack", once="click 1")
    with pytest.raises(AlreadyDone):
        await desk.work.calls.answer(ticket.id, KIM, False, "slack", once="click 1")


async def test_of_an_answer_and_the_end_of_the_time_one_wins(desk: Desk, clock: SetClock) -> None:
    ticket = await called(desk)
    clock.advance(seconds=TIMEOUT)
    answer = desk.work.calls.answer(ticket.id, KIM, True, "slack")
    results = await asyncio.gather(answer, desk.work.run_due(), return_exceptions=True)
    steps = await story(desk, ticket.id)
    if isinstance(results[0], CallUnanswered):
        assert steps == ["called kim", "unanswered kim", "called lee"]
    else:
        assert (steps, results[1]) == (["called kim", "accepted kim"], 0)


# -- nothing is lost


async def test_another_process_goes_on_with_the_calls_of_one_that_died(make_desk: MakeDesk, clock: SetClock) -> None:
    first = await make_desk(**OFFICE)
    ticket = await called(first)
    await first.database.close()
    clock.advance(seconds=TIMEOUT)
    second = await make_desk(**OFFICE)
    assert await second.work.run_due() == 1
    assert await story(second, ticket.id) == ["called kim", "unanswered kim", "called lee"]
    assert (await second.work.calls.answer(ticket.id, LEE, True, "slack")).assigned


async def test_a_call_is_there_with_its_event_or_not_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ends between the event and the call: neither is there, and the call can be made again."""
    ticket = await opened(desk, systems=("db",))

    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(calls, "add", dies)
        with pytest.raises(RuntimeError):
            await do(desk, ticket.id, c.CallExpert(), CALLER)
    assert (await story(desk, ticket.id), await asked(desk, ticket.id)) == ([], [])
    assert (await desk.ticket(ticket.id)).version == ticket.version
    await do(desk, ticket.id, c.CallExpert(), CALLER)
    with monkeypatch.context() as broken:
        broken.setattr(calls, "change", dies)
        with pytest.raises(RuntimeError):
            await desk.work.calls.answer(ticket.id, KIM, False, "slack")
    assert (await story(desk, ticket.id), await asked(desk, ticket.id)) == (["called kim"], ["kim"])


# -- who is told


async def test_who_is_called_gets_an_urgent_message_with_the_reason_and_two_answers(
    desk: Desk, clock: SetClock
) -> None:
    slack = ScriptedNotifier("slack", clock)
    outbox = Outbox(desk, clock, slack)
    ticket = await called(desk, "postgres")
    await outbox.tell()
    (message,) = [sent for sent in slack.posted if sent.person is not None]
    assert message.person is not None
    assert isinstance(message.view, Notice)
    assert (message.person.id, message.urgent) == ("kim", True)
    assert (message.view.key, message.view.actions) == (
        "notice.expert_called_skill_systems", ("expert_accept", "expert_decline"),
    )  # fmt: skip
    assert message.view.facts["caller"] == CALLER.ref
    assert message.view.facts["due"] == NOON + timedelta(seconds=TIMEOUT)
    await desk.work.calls.answer(ticket.id, KIM, True, "slack")
    await outbox.tell()
    assert [sent.person.id for sent in slack.posted if sent.person][1:] == ["caller"]


async def test_nobody_is_called_by_a_message_that_comes_too_late(desk: Desk, clock: SetClock) -> None:
    slack = ScriptedNotifier("slack", clock)
    outbox = Outbox(desk, clock, slack)
    await called(desk)
    await outbox.plan()
    clock.advance(seconds=TIMEOUT)
    await desk.work.run_due()
    await outbox.tell()
    assert [sent.person.id for sent in slack.posted if sent.person] == ["lee"]
