"""A call for an expert through Slack's signed door: the message, its two buttons, the thread, and late clicks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo.slack_records import Message
from core.model import PersonRef, Ticket
from tests.conftest import SetClock
from tests.slack_desk import SlackDesk, slack_desk
from tests.slack_office import until

TIMEOUT = 300
PEOPLE: list[dict[str, Any]] = [
    {"id": "kim", "name": "김담당", "slack": "U0KIM", "team": "net", "language": "ko", "time_zone": "Asia/Seoul",
     "skills": ["vpn"]},
    {"id": "lee", "name": "Lee", "slack": "U0LEE", "language": "en", "time_zone": "UTC"},
    {"id": "ada", "name": "Ada", "slack": "U0ADA", "language": "en", "time_zone": "UTC", "skills": ["vpn"]},
]  # fmt: skip
SYSTEMS = [{"name": "vpn-gateway", "team": "net", "experts": ["ada"]}]
TURN = {"rotation": {"people": ["ada", "kim"], "every": "day", "hand_over": "00:00", "start": "2026-03-02"}}


@pytest.fixture
async def place(clock: SetClock, database_url: str) -> AsyncIterator[SlackDesk]:
    given = {"people": PEOPLE, "systems": SYSTEMS, "schedules": {"network": TURN}}
    async with slack_desk(clock, database_url, **given) as made:
        made.slack.workspace.add_person(_ada(made))
        yield made
        assert not made.wrongs()


def _ada(place: SlackDesk) -> Any:
    kim = place.slack.workspace.people["U0LEE"]
    return type(kim)("U0ADA", "ada", "Ada", "ada@example.com", "en-US", "UTC")


async def ticket_with_card(place: SlackDesk) -> tuple[Ticket, str]:
    ticket = await place.opened("VPN is <down>", systems=("vpn-gateway",))
    await until(lambda: place.slack.desk.messages)
    return ticket, place.slack.last().ts


def private(place: SlackDesk, user: str) -> list[Message]:
    """What the bot wrote to somebody alone."""
    chats = [channel for channel in place.slack.workspace.channels.values() if channel.peers == (user,)]
    return [message for chat in chats for message in chat.messages.values()]


async def called(place: SlackDesk, user: str) -> Message:
    """The message of whoever is called, once it is there."""
    place.advance(seconds=2)
    await until(lambda: private(place, user))
    return private(place, user)[-1]


def buttons(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row]


async def test_who_is_called_sees_why_and_accepts_with_one_click(place: SlackDesk) -> None:
    ticket, card = await ticket_with_card(place)
    answer = await place.person("U0LEE").command("/ticket", f"expert {ticket.id} vpn tunnels", "C0DESK")
    assert "Ada" in str(answer.body)
    message = await called(place, "U0ADA")
    assert buttons(message) == ["expert_accept", "expert_decline", "open_ticket"]
    told = str(message.blocks)
    assert all(word in told for word in ("Lee", "vpn tunnels", "vpn-gateway", "VPN is <down>", "12:05", "medium"))
    await place.person("U0ADA").click(message.channel, message.ts, "expert_accept")
    await until(lambda: message.edits)
    assert "is yours now" in str(message.blocks)
    assert "expert_accept" not in str(message.blocks)
    assert (await place.desk.ticket(ticket.id)).assignee == PersonRef("ada", "Ada")
    called_line, accepted_line = (await place.answers(card, 4))[1:3]  # The card itself stands first.
    assert "Lee called Ada for: vpn tunnels" in called_line.text
    assert "Ada accepted the call of Lee" in accepted_line.text
    await until(lambda: private(place, "U0LEE"))
    assert "accepted" in private(place, "U0LEE")[-1].text


async def test_who_declines_or_says_nothing_is_followed_by_the_next_and_the_caller_hears_the_end(
    place: SlackDesk,
) -> None:
    ticket, card = await ticket_with_card(place)
    await place.person("U0LEE").command("/ticket", f"expert {ticket.id} vpn", "C0DESK")
    first = await called(place, "U0ADA")
    await place.person("U0ADA").click(first.channel, first.ts, "expert_decline")
    await until(lambda: first.edits)
    assert "김담당" in str(first.blocks)
    second = await called(place, "U0KIM")
    assert "수락" in str(second.blocks)
    place.advance(seconds=TIMEOUT)
    await place.desk.work.run_due()
    lines = [line.text for line in (await place.answers(card, 6))[1:]]
    steps = ("Lee called Ada", "Ada declined", "김담당 is called for Lee", "김담당 did not answer", "Nobody is left")
    assert [step in line for step, line in zip(steps, lines, strict=True)] == [True] * 5
    place.advance(seconds=2)
    await until(lambda: private(place, "U0LEE"))
    assert "Nobody is left" in private(place, "U0LEE")[-1].text
    # A late click is answered and changes nothing.
    version = (await place.desk.ticket(ticket.id)).version
    await place.person("U0KIM").click(second.channel, second.ts, "expert_accept")
    whispered = list(place.slack.workspace.ephemerals.values())[-1]
    assert "호출은 끝났습니다" in whispered.text
    assert (await place.desk.ticket(ticket.id)).version == version
    assert not second.edits


async def test_a_named_person_is_asked_too_and_nobody_else_may_answer_for_them(place: SlackDesk) -> None:
    ticket, _ = await ticket_with_card(place)
    await place.person("U0LEE").command("/ticket", f"expert {ticket.id} <@U0KIM>", "C0DESK")
    await called(place, "U0KIM")
    answer = await place.person("U0ADA").command("/ticket", f"expert_accept {ticket.id}", "C0DESK")
    assert "not called" in str(answer.body)
    assert (await place.desk.ticket(ticket.id)).assignee is None
    again = await place.person("U0ADA").command("/ticket", f"expert {ticket.id} <@U0KIM>", "C0DESK")
    assert "already" in str(again.body)
    own = await place.person("U0LEE").command("/ticket", f"expert {ticket.id} me", "C0DESK")
    assert "Lee" not in str(own.body)


async def test_who_is_on_call_stands_on_the_home_and_is_told_on_request(place: SlackDesk) -> None:
    await place.person().open_home()
    assert "network: Ada" in str(place.home().content["blocks"])
    answer = await place.person("U0LEE").command("/ticket", "oncall", "C0DESK")
    told = str(answer.body)
    assert all(word in told for word in ("network", "Ada", "Mar 3", "김담당"))
