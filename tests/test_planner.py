"""Who is told of what, by the rules that hold when nobody has written any, and by those that somebody has."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core import commands as c
from core.config.settings import Settings
from core.desk.desk import Desk
from core.desk.policy import DeskPolicy
from core.model import DESKBELL, Category, Customer, Event, Person, Priority, Status, Ticket, Tier
from core.outbox.plan import Place, Planner
from core.rules.audience import destinations, names_people, team_lead
from core.store.session import NOTICE
from tests.conftest import KIM, LEE, NOON, MakeDesk, SetClock
from tests.fakes import Outbox, ScriptedNotifier
from tests.test_intake import alert, send
from tests.test_work import do, opened

PEOPLE = [
    {"id": "kim", "name": "Kim Minji", "slack": "U1", "team": "ops"},
    {"id": "lee", "name": "Lee Jiwon", "teams": "00000000-0000-0000-0000-000000000001", "team": "ops"},
    {"id": "boss", "name": "Boss", "slack": "U2"},
    {"id": "far", "name": "Nobody reaches"},
]
OFFICE: dict[str, Any] = {
    "people": PEOPLE,
    "teams": {"ops": {"name": "Operations", "lead": "boss", "channels": ["slack:#ops", "teams:19:ops"]}},
    "audiences": {
        "vip_support": ["slack:#vip"],
        "management": ["person:boss"],
        "incident_response": ["team:ops"],
        "executives": ["person:boss", "teams:19:execs"],
    },
}
Told = tuple[str, str, str, str]


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    made: Desk = await make_desk(**OFFICE)
    return made


@pytest.fixture
def outbox(desk: Desk, clock: SetClock) -> Outbox:
    return Outbox(desk, clock, ScriptedNotifier("slack", clock), ScriptedNotifier("teams", clock))


async def rows(desk: Desk) -> list[Any]:
    ordered = NOTICE.select().order_by(NOTICE.c.id)
    return await desk.database.read(lambda connection: list(connection.execute(ordered)))


async def told(outbox: Outbox, *rules: str) -> list[Told]:
    """What new notices say: rule, how, to whom, state."""
    before = len(await rows(outbox.desk))
    await outbox.plan()
    new = (await rows(outbox.desk))[before:]
    shown = [(row.rule, row.show, f"{row.platform}:{row.address or row.person_id}", row.state) for row in new]
    return [notice for notice in shown if not rules or notice[0] in rules]


# -- the rules that hold by themselves


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("tier", Tier)
async def test_a_new_ticket_is_shown_to_it_support_and_to_general_when_it_matters(
    outbox: Outbox, priority: Priority, tier: Tier
) -> None:
    await opened(outbox.desk, priority=priority, customer=Customer("ACME", tier))
    cards = [to for _, show, to, _ in await told(outbox) if show == "card"]
    matters = priority.rank >= Priority.HIGH.rank or tier is Tier.VIP
    assert cards == (["slack:#it-support", "slack:#general"] if matters else ["slack:#it-support"])


async def test_a_ticket_that_begins_to_matter_is_shown_to_general_once(outbox: Outbox) -> None:
    ticket = await opened(outbox.desk, priority=Priority.LOW)
    await told(outbox)
    await do(outbox.desk, ticket.id, c.Prioritize(Priority.CRITICAL))
    assert ("ticket_created", "card", "slack:#general", "waiting") in await told(outbox)
    await do(outbox.desk, ticket.id, c.Prioritize(Priority.HIGH))
    assert await told(outbox, "ticket_created", "ticket_card") == []


async def test_a_vip_customer_is_announced_to_vip_support_and_management(outbox: Outbox) -> None:
    await opened(outbox.desk, customer=Customer("ACME", Tier.VIP))
    assert await told(outbox, "vip_customer_ticket") == [
        ("vip_customer_ticket", "message", "slack:#vip", "waiting"),
        ("vip_customer_ticket", "message", "slack:boss", "waiting"),
    ]
    assert all(row.urgent for row in await rows(outbox.desk) if row.rule == "vip_customer_ticket")


@pytest.mark.parametrize(
    ("category", "users", "crisis"),
    [
        (Category.OUTAGE, 101, True),
        (Category.OUTAGE, 100, False),
        (Category.OUTAGE, None, False),
        (Category.INCIDENT, 999, False),
    ],
)
async def test_an_outage_of_more_than_a_hundred_users_is_a_crisis(
    outbox: Outbox, category: Category, users: int | None, crisis: bool
) -> None:
    await opened(outbox.desk, category=category, affected_users=users)
    expected = ["slack:#ops", "teams:19:ops", "slack:boss", "teams:19:execs"]
    assert [to for _, _, to, _ in await told(outbox, "system_outage")] == (expected if crisis else [])


async def test_a_promise_in_danger_is_told_to_it_alerts_and_just_before_its_end_to_those_responsible(
    outbox: Outbox, clock: SetClock
) -> None:
    ticket = await opened(outbox.desk, by=LEE, priority=Priority.CRITICAL, team="ops")  # 4 hours
    await do(outbox.desk, ticket.id, c.Start())
    await told(outbox)
    clock.advance(hours=3, minutes=29)
    await outbox.desk.work.run_due()
    assert await told(outbox, "sla_warning", "sla_breach_warning") == []
    clock.advance(minutes=2)
    await outbox.desk.work.run_due()
    assert await told(outbox, "sla_warning", "sla_breach_warning") == [
        ("sla_breach_warning", "message", "slack:kim", "waiting"),
        ("sla_breach_warning", "message", "slack:boss", "waiting"),
    ]
    clock.advance(minutes=20)
    await outbox.desk.work.run_due()
    risky = await told(outbox, "sla_warning", "sla_breach_warning")
    assert risky[0] == ("sla_warning", "message", "slack:#it-alerts", "waiting")
    clock.advance(minutes=20)
    await outbox.desk.work.run_due()
    breached = [to for _, _, to, _ in await told(outbox, "sla_breached")]
    assert breached == ["slack:#it-alerts", "slack:kim", "slack:boss"]


async def test_a_wanted_rating_is_asked_for_where_the_ticket_was_resolved(outbox: Outbox) -> None:
    asked, unasked = await opened(outbox.desk, category=Category.QUESTION), await opened(outbox.desk)
    for ticket in (asked, unasked):
        await do(outbox.desk, ticket.id, c.Resolve())
    assert await told(outbox, "ticket_resolved") == [("ticket_resolved", "rating", "slack:#it-support", "waiting")]


async def test_an_expert_and_an_assignee_are_told_in_private(outbox: Outbox) -> None:
    ticket = await opened(outbox.desk)
    await do(outbox.desk, ticket.id, c.Assign(LEE.ref))
    await do(outbox.desk, ticket.id, c.CallExpert(KIM.ref), LEE)
    private = await told(outbox, "assigned_to_you", "expert_called")
    assert private == [
        ("assigned_to_you", "message", "teams:lee", "waiting"),
        ("expert_called", "message", "slack:kim", "waiting"),
    ]


async def test_the_story_stands_below_every_card_and_the_first_alert_is_no_news(outbox: Outbox) -> None:
    ticket = (await send(outbox.desk, alert())).tickets[0]
    assert [show for _, show, _, _ in await told(outbox)] == ["card", "card"]
    await do(outbox.desk, ticket, c.Note("on it"))
    assert [to for _, show, to, _ in await told(outbox, "story")] == ["slack:#it-support", "slack:#general"]


# -- nobody twice, nobody of what they did


async def test_nobody_is_told_of_what_they_did_themselves(outbox: Outbox) -> None:
    ticket = await opened(outbox.desk)
    await told(outbox)
    await do(outbox.desk, ticket.id, c.Assign(KIM.ref), KIM)
    assert await told(outbox, "assigned_to_you") == []


async def test_whom_several_rules_mean_is_told_of_an_event_once_by_the_urgent_one(make_desk: MakeDesk) -> None:
    rules = [
        {"name": "calm", "on": ["ticket.created"], "to": ["person:boss", "slack:#ops"]},
        {"name": "alarm", "on": ["ticket.created"], "to": ["person:boss"], "urgent": True, "once": True},
        {"name": "other", "on": ["ticket.created"], "to": ["slack:#ops"], "show": "card"},
    ]
    desk = await make_desk(**OFFICE, notifications=rules)
    clock = SetClock()
    outbox = Outbox(desk, clock, ScriptedNotifier("slack", clock))
    await opened(desk)
    assert sorted(await told(outbox)) == [
        ("alarm", "message", "slack:boss", "waiting"),
        ("calm", "message", "slack:#ops", "waiting"),
        ("calm", "message", "slack:boss", "skipped"),
        ("other", "card", "slack:#ops", "waiting"),
    ]
    assert {row.reason for row in await rows(desk) if row.state == "skipped"} == {"told by the rule alarm"}


async def test_a_rule_that_has_told_once_keeps_no_other_rule_from_telling(make_desk: MakeDesk) -> None:
    rules = [
        {"name": "first", "on": ["ticket.created", "ticket.noted"], "to": ["person:boss"], "once": True},
        {"name": "every", "on": ["ticket.noted"], "to": ["person:boss"]},
    ]
    desk = await make_desk(**OFFICE, notifications=rules)
    clock = SetClock()
    outbox = Outbox(desk, clock, ScriptedNotifier("slack", clock))
    ticket = await opened(desk)
    assert await told(outbox) == [("first", "message", "slack:boss", "waiting")]
    await do(desk, ticket.id, c.Note("n"))
    assert await told(outbox) == [("every", "message", "slack:boss", "waiting")]


async def test_of_an_assignment_that_is_over_nobody_is_told(outbox: Outbox) -> None:
    ticket = await opened(outbox.desk)
    await do(outbox.desk, ticket.id, c.Assign(KIM.ref), LEE)
    await do(outbox.desk, ticket.id, c.Assign(Person("boss", "Boss").ref), LEE)
    assert await told(outbox, "assigned_to_you") == [("assigned_to_you", "message", "slack:boss", "waiting")]


async def test_events_of_one_round_need_one_edit_of_a_card(outbox: Outbox) -> None:
    ticket = await opened(outbox.desk)
    await outbox.tell()
    outbox.sending = False
    await do(outbox.desk, ticket.id, c.Assign(KIM.ref))
    await do(outbox.desk, ticket.id, c.Start())
    assert [show for _, show, _, _ in await told(outbox)].count("edit") == 1
    await do(outbox.desk, ticket.id, c.Note("m"))
    await told(outbox)
    states = [row.state for row in await rows(outbox.desk) if row.show == "edit"]
    assert states == ["superseded", "waiting"]


async def test_two_planners_of_one_file_plan_an_event_once(make_desk: MakeDesk, clock: SetClock) -> None:
    desks = [await make_desk(**OFFICE) for _ in range(2)]
    outboxes = [Outbox(desk, clock, ScriptedNotifier("slack", clock)) for desk in desks]
    for number in range(5):
        await opened(desks[0], f"t{number}")
    await asyncio.gather(*(outbox.plan() for outbox in outboxes * 2))
    assert len(await rows(desks[0])) == 5


async def test_after_a_restart_nothing_is_planned_again(make_desk: MakeDesk, clock: SetClock) -> None:
    desk = await make_desk(**OFFICE)
    await opened(desk)
    await Outbox(desk, clock, ScriptedNotifier("slack", clock)).plan()
    again = await make_desk(**OFFICE)
    assert await told(Outbox(again, clock, ScriptedNotifier("slack", clock))) == []


# -- what cannot be


async def test_what_a_platform_that_is_off_would_be_told_is_skipped_with_the_reason(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    desk = await make_desk(**OFFICE)
    outbox = Outbox(desk, clock, ScriptedNotifier("teams", clock))
    ticket = await opened(desk, priority=Priority.HIGH)
    for person in (KIM, Person("far", "Nobody reaches")):
        await do(desk, ticket.id, c.Assign(person.ref), LEE)
        await told(outbox)
    assert {(row.state, row.reason) for row in await rows(desk)} == {
        ("skipped", "slack is not configured"),
        ("skipped", "no platform reaches kim"),
        ("skipped", "no platform reaches far"),
    }


async def test_a_rule_that_cannot_be_judged_costs_only_itself(
    make_desk: MakeDesk, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    rules = [
        {"name": "broken", "on": ["ticket.created"], "when": "ticket.affected_users / 0 > 1", "to": ["slack:#a"]},
        {"name": "sound", "on": ["ticket.created"], "to": ["slack:#b"]},
    ]
    desk = await make_desk(notifications=rules)
    await opened(desk, affected_users=3)
    assert await told(Outbox(desk, clock, ScriptedNotifier("slack", clock))) == [
        ("sound", "message", "slack:#b", "waiting")
    ]
    assert "broken" in caplog.text


# -- the audience


def event(kind: str = "ticket.created", **data: Any) -> Event:
    return Event(kind, 1, NOON, DESKBELL, "test", data, seq=7)


def test_an_audience_within_an_audience_is_found_and_a_circle_ends() -> None:
    circle = Settings.model_validate(
        {
            "audiences": {"a": ["b", "slack:#x"], "b": ["a", "person:kim", "team:loop"]},
            "teams": {"loop": {"name": "Loop", "channels": ["team:loop", "teams:19:y"]}},
        }
    )
    found = destinations(("a", "slack:#x"), _ticket(), event(), circle)
    assert {destination.name for destination in found} == {"slack:#x", "person:kim", "teams:19:y"}
    assert names_people(("a",), circle)
    assert not names_people(("slack:#x", "nobody"), circle)


def _ticket(**more: Any) -> Ticket:
    return Ticket(id=1, title="t", created_at=NOON, updated_at=NOON, **more)


def test_the_team_lead_is_of_the_tickets_team_or_else_of_the_assignees() -> None:
    office = Settings.model_validate(OFFICE)
    assert team_lead(_ticket(team="ops"), office) == "boss"
    assert team_lead(_ticket(assignee=KIM.ref), office) == "boss"
    assert team_lead(_ticket(team="gone", assignee=KIM.ref), office) == "boss"
    assert team_lead(_ticket(), office) is None


KINDS = (
    "ticket.created",
    "ticket.assigned",
    "ticket.prioritized",
    "ticket.noted",
    "ticket.sla_warning",
    "ticket.resolved",
)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from(KINDS),
    ticket_id=st.integers(1, 3),
    at=st.just(NOON),
    actor=st.sampled_from([DESKBELL, KIM.ref, LEE.ref]),
    origin=st.just("test"),
    data=st.just({}),
)
TICKETS = st.builds(
    lambda tier, priority, assignee, category, users, team: _ticket(
        customer=Customer("x", tier), priority=priority, assignee=assignee, category=category, affected_users=users,
        team=team, status=Status.ASSIGNED, customer_satisfaction_required=True,
    ),
    st.sampled_from(Tier), st.sampled_from(Priority), st.sampled_from([None, KIM.ref, LEE.ref]),
    st.sampled_from([Category.OUTAGE, Category.BUG]), st.sampled_from([None, 50, 500]), st.sampled_from([None, "ops"]),
)  # fmt: skip
PLANNER = Planner(DeskPolicy(Settings.model_validate(OFFICE)), ("slack", "teams"))
KNOWN = {given["id"]: msgspec.convert(given, Person) for given in PEOPLE}
PLACES = st.lists(
    st.sampled_from([Place("slack", "#it-support", True), Place("slack", "#general", False)]), unique=True
)


@settings(max_examples=50, deadline=None)
@given(st.lists(EVENTS, max_size=8), st.tuples(TICKETS, TICKETS, TICKETS), PLACES)
def test_whatever_happens_a_plan_tells_nobody_twice(happened: list[Event], about: Any, places: list[Place]) -> None:
    events = [replace(event, seq=seq) for seq, event in enumerate(happened, 1)]
    tickets = {number: replace(ticket, id=number) for number, ticket in enumerate(about, 1)}
    plan = PLANNER.plan(events, tickets, {1: places}, KNOWN, NOON + timedelta(hours=1))
    assert len({row["key"] for row in plan.notices}) == len(plan.notices)
    shown = [(row["ticket_id"], row["platform"], row["address"]) for row in plan.notices if row["show"] == "card"]
    shown += [(1, place.platform, place.address) for place in places]
    assert len(set(shown)) == len(shown), "one card per ticket and place"
    sent = [row for row in plan.notices if row["state"] == "waiting" and row["show"] == "message"]
    places_told = [(row["event_seq"], row["platform"], row["address"], row["person_id"]) for row in sent]
    assert len(set(places_told)) == len(places_told), "one message per event and place"
    actors = {event.seq: event.actor.id for event in events}
    assert all(row["person_id"] != actors[row["event_seq"]] for row in plan.notices)
    edits = [row for row in plan.notices if row["show"] == "edit"]
    assert len(edits) == len({(row["ticket_id"], row["address"]) for row in edits})
    assert all(
        row["state"] in ("waiting", "skipped") and (row["reason"] is None) == (row["state"] == "waiting")
        for row in plan.notices
    )
