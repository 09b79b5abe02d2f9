"""People who took the bot away: the operator sees who was not told and why, and coming back is enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.model import PersonRef
from tests.conftest import SetClock
from tests.slack_office import until
from tests.two_doors import TwoDoors, two_doors

RULE = {"name": "told", "on": ["ticket.assigned"], "to": ["assignee"]}


@pytest.fixture
async def doors(clock: SetClock, database_url: str) -> AsyncIterator[TwoDoors]:
    async with two_doors(clock, database_url, notifications=[RULE]) as made:
        yield made


async def assigned_to_park(doors: TwoDoors) -> Any:
    """What became of the notice, once it is settled."""
    hand = doors.hands[0]
    await hand.command("create VPN is down")
    ticket = await hand.newest()
    await hand.command(f"assign {ticket.id} Park")
    assert (await doors.desk.ticket(ticket.id)).assignee == PersonRef("park", "Alex Park")
    for _ in range(300):
        for notice, _ in await doors.desk.deliveries(ticket.id):
            if notice.person_id == "park" and notice.state in ("sent", "failed"):
                return notice
        await asyncio.sleep(0.01)
    raise AssertionError("nothing became of the notice")


async def test_who_took_the_bot_away_is_a_failure_with_its_reason_and_is_told_again_after_coming_back(
    doors: TwoDoors,
) -> None:
    park = doors.teams_user("29:park")
    await park.say("help")
    await park.install("remove")
    notice = await assigned_to_park(doors)
    assert notice.state == "failed"
    assert "the bot was removed" in notice.reason
    before = len(park.chat.activities)
    await park.install("add")
    notice = await assigned_to_park(doors)
    assert notice.state == "sent"
    await until(lambda: len(park.chat.activities) >= before + 2)  # the greeting and the notice
    assert not doors.wrongs()


async def test_who_never_installed_the_app_is_a_failure_with_teams_own_word(doors: TwoDoors) -> None:
    doors.teams.world.people["29:park"].installed = False
    doors.teams.world.conversations.pop(doors.teams_user("29:park").chat.id)
    notice = await assigned_to_park(doors)
    assert notice.state == "failed"
    assert "403" in notice.reason
