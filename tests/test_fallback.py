"""A notice whose place cannot be reached for good is told elsewhere, once, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from core import commands as c
from core.ports import DeliveryFailed
from core.views import Notice, RatingRequest, TicketCard
from tests.conftest import MakeDesk, SetClock
from tests.fakes import Outbox, ScriptedNotifier
from tests.test_planner import OFFICE
from tests.test_work import do, opened

RULES: list[dict[str, Any]] = [
    {"name": "card", "on": ["ticket.created"], "to": ["slack:#desk"], "show": "card"},
    {"name": "alarm", "on": ["ticket.escalated"], "to": ["slack:#a", "slack:#b"], "urgent": True},
    {"name": "rating", "on": ["ticket.resolved"], "to": ["slack:#a"], "show": "rating"},
    {"name": "quiet", "on": ["ticket.started"], "to": ["slack:#a"], "fallback": []},
    {"name": "own", "on": ["ticket.waiting"], "to": ["slack:#a"], "fallback": ["person:boss"]},
    {"name": "story", "on": ["ticket.noted"], "to": ["cards"], "show": "thread"},
]


class Place:
    def __init__(self, outbox: Outbox, slack: ScriptedNotifier) -> None:
        self.outbox, self.slack = outbox, slack

    async def do(self, command: c.Command) -> None:
        await do(self.outbox.desk, 1, command)
        await self.outbox.tell()

    def at(self, address: str) -> list[Any]:
        return [message.view for message in self.slack.posted if message.address == address]


@pytest.fixture
async def place(make_desk: MakeDesk, clock: SetClock) -> Place:
    desk = await make_desk(**OFFICE, notifications=RULES, notifications_fallback=["slack:#dead", "slack:#ops"])
    slack = ScriptedNotifier("slack", clock)
    return Place(Outbox(desk, clock, slack), slack)


async def test_what_cannot_be_told_is_told_elsewhere_once_as_urgently_and_says_why(place: Place) -> None:
    place.slack.shut |= {"#a": "is_archived", "#b": "channel_not_found", "#dead": "not_in_channel"}
    await opened(place.outbox.desk)
    await place.do(c.Escalate("now"))
    (notice,) = [view for view in place.at("#ops") if isinstance(view, Notice)]
    assert notice.redirected in (("slack:#a", "is_archived"), ("slack:#b", "channel_not_found"))
    (sent,) = [message for message in place.slack.posted if message.address == "#ops"]
    assert sent.urgent
    log = await place.outbox.desk.deliveries(1)
    states = [(row.address, row.state, row.reason) for row, _ in log if row.rule == "alarm"]
    assert states == [
        ("#a", "failed", "is_archived: nothing gets there (told in slack:#dead instead)"),
        ("#b", "failed", "channel_not_found: nothing gets there (told in slack:#dead instead)"),
        ("#dead", "failed", "not_in_channel: nothing gets there (told in slack:#ops instead)"),
        ("#ops", "sent", None),
    ]


async def test_where_nobody_is_left_the_way_ends(place: Place) -> None:
    place.slack.shut |= dict.fromkeys(("#a", "#b", "#dead", "#ops"), "channel_not_found")
    await opened(place.outbox.desk)
    await place.do(c.Escalate())
    log = await place.outbox.desk.deliveries(1)
    assert [row.state for row, _ in log if row.rule == "alarm"] == ["failed"] * 4


async def test_a_rule_names_its_own_fallback_or_none(place: Place) -> None:
    place.slack.shut["#a"] = "missing_scope"
    await opened(place.outbox.desk)
    await place.do(c.Start())
    assert [row.state for row, _ in await place.outbox.desk.deliveries(1) if row.rule == "quiet"] == ["failed"]
    await place.do(c.Wait())
    (to_boss,) = [message for message in place.slack.posted if message.person is not None]
    assert isinstance(to_boss.view, Notice)
    assert to_boss.view.redirected == ("slack:#a", "missing_scope")


async def test_a_rating_that_cannot_be_asked_for_in_its_place_is_asked_for_elsewhere(place: Place) -> None:
    place.slack.shut |= {"#a": "is_archived", "#dead": "is_archived"}
    await opened(place.outbox.desk)
    await place.do(c.Resolve())
    assert place.at("#ops") == [RatingRequest(1, "Printer", redirected=("slack:#a", "is_archived"))]


async def test_a_card_that_is_refused_stands_elsewhere_with_the_reason_and_its_story(place: Place) -> None:
    place.slack.shut |= {"#desk": "channel_not_found", "#dead": "is_archived"}
    await opened(place.outbox.desk)
    await place.outbox.tell()
    await place.do(c.Note("so it goes"))
    card = place.at("#ops")[0]
    below: list[Any] = [message.view for message in place.slack.posted if message.thread is not None]
    why, note = below
    assert isinstance(card, TicketCard)
    assert (why.key, why.facts) == ("notice.redirected", {"place": "slack:#desk", "why": "channel_not_found"})
    assert note.key == "notice.ticket.noted"


async def test_a_ticket_whose_channel_is_lost_later_is_shown_elsewhere_from_then_on(place: Place) -> None:
    await opened(place.outbox.desk)
    await place.outbox.tell()
    place.slack.shut |= {"#desk": "is_archived", "#dead": "is_archived"}
    for note in ("one", "two"):
        await place.do(c.Note(note))
    assert [type(view) for view in place.at("#ops")] == [TicketCard, Notice, Notice]
    assert [view.body for view in place.at("#ops")[1:]] == [None, "two"]


async def test_a_card_that_somebody_deleted_is_no_reason_to_tell_others(place: Place) -> None:
    await opened(place.outbox.desk)
    await place.outbox.tell()
    place.slack.delete("card:1:slack:#desk")
    await place.do(c.Note("gone"))
    assert not place.at("#ops")
    assert not place.at("#dead")


async def test_what_is_refused_for_itself_is_not_told_elsewhere(place: Place) -> None:
    await opened(place.outbox.desk)
    await place.outbox.tell()
    place.slack.script.extend([DeliveryFailed("too long", code="msg_too_long")] * 2)
    await place.do(c.Escalate())
    assert not place.at("#ops")
    assert not place.at("#dead")
