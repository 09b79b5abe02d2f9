"""A call for an expert through Teams' door with its tokens: the card, its two buttons, the thread, and late clicks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from bot.demo.teams_records import Posted
from core import commands as c
from core.model import Person, PersonRef, Ticket
from tests.conftest import SetClock
from tests.slack_office import until
from tests.stand_in_teams import CHANNEL, KIM, LEE
from tests.teams_desk import TeamsDesk, teams_desk

SYSTEMS = [{"name": "vpn-gateway", "experts": ["kim"]}]
TURN = {"rotation": {"people": ["lee", "kim"], "every": "day", "hand_over": "00:00", "start": "2026-03-02"}}


@pytest.fixture
async def place(clock: SetClock, database_url: str) -> AsyncIterator[TeamsDesk]:
    async with teams_desk(clock, database_url, systems=SYSTEMS, schedules={"network": TURN}) as made:
        yield made
        assert not made.teams.world.violations


async def opened(place: TeamsDesk) -> Ticket:
    return await place.desk.work.open(c.Open("VPN is **down**", systems=("vpn-gateway",)), Person("lee", "Lee"), "api")


def shown(entry: Posted) -> str:
    return json.dumps(entry.activity, ensure_ascii=False)


async def called(place: TeamsDesk, user: str) -> Posted:
    """The message of whoever is called, once it is there."""
    await until(lambda: any("expert_accept" in shown(entry) for entry in place.private(user)))
    return next(entry for entry in place.private(user) if "expert_accept" in shown(entry))


async def test_who_is_called_accepts_with_one_click_and_the_caller_hears_of_it(place: TeamsDesk) -> None:
    ticket = await opened(place)
    await place.person(LEE).say(f"expert {ticket.id} vpn tunnels")
    message = await called(place, KIM)
    told = shown(message)
    assert all(word in told for word in ("Lee 님이", "vpn tunnels", "vpn-gateway", "수락", "거절"))
    assert message.activity["channelData"]["notification"]["alert"] is True
    chat = place.person(KIM).chat.id
    await place.person(KIM).press(chat, message.id, "수락")
    assert "expert_accept" not in shown(message)
    assert "이제 #1 티켓의 담당자" in shown(message)
    assert (await place.desk.ticket(ticket.id)).assignee == PersonRef("kim", "김담당")
    await until(lambda: any("accepted" in shown(entry) for entry in place.private(LEE)))
    await until(
        lambda: any("수락했습니다" in shown(entry) or "accepted" in shown(entry) for entry in place.posted(CHANNEL))
    )


async def test_a_late_click_is_answered_and_changes_nothing(place: TeamsDesk, clock: SetClock) -> None:
    ticket = await opened(place)
    await place.person(LEE).say(f"expert {ticket.id}")
    message = await called(place, KIM)
    clock.advance(minutes=5)
    await place.desk.work.run_due()
    version = (await place.desk.ticket(ticket.id)).version
    chat = place.person(KIM).chat.id
    await place.person(KIM).press(chat, message.id, "거절")
    assert "호출은 끝났습니다" in shown(place.private(KIM)[-1])
    assert "expert_accept" in shown(message)
    assert (await place.desk.ticket(ticket.id)).version == version
    await until(lambda: any("Nobody is left" in shown(entry) for entry in place.private(LEE)))


async def test_nobody_answers_a_call_of_somebody_else(place: TeamsDesk) -> None:
    ticket = await opened(place)
    await place.person(LEE).say(f"expert {ticket.id}")
    await called(place, KIM)
    await place.person(LEE).say(f"expert_accept {ticket.id}")
    await until(lambda: any("not called" in shown(entry) for entry in place.private(LEE)))
    assert (await place.desk.ticket(ticket.id)).assignee is None


async def test_who_is_on_call_is_told_on_request(place: TeamsDesk) -> None:
    await place.person(KIM).say("oncall")
    await until(lambda: any("network: Lee 님" in shown(entry) for entry in place.private(KIM)))
