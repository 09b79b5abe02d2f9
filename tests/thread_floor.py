"""A ticket that is shown in Slack and in Teams, and people who talk about it below both cards, through real doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.demo.installation import Installation, listen
from bot.demo.slack_person import SlackUser
from bot.demo.slack_records import Message
from bot.demo.teams_person import TeamsUser
from bot.demo.teams_records import Posted
from bot.demo.world import OPERATIONS
from core.model import Event
from core.store import outgoing
from tests.slack_office import until

CHANNEL = "C0SUPPORT"


class Floor:
    """A ticket that is shown in #it-support and in the channel Operations; Kim and Park are in Slack, Lee in Teams."""

    def __init__(self, installed: Installation) -> None:
        self.installed = installed
        self.slack, self.teams = installed.slack, installed.teams
        self.kim: SlackUser = installed.slack_users["U0KIM"]
        self.park: SlackUser = installed.slack_users["U0PARK"]
        self.lee: TeamsUser = installed.teams_users["29:1Lee"]

    async def open(self) -> None:
        await self.kim.command("/ticket", "create VPN is down", CHANNEL)
        await until(lambda: self.messages() and self.activities())
        await self.settled()
        self.card, self.head = self.messages()[0].ts, self.activities()[0].id

    async def settled(self) -> None:
        """Everything is told that there is to tell."""
        service = self.installed.service
        async with asyncio.timeout(10):
            while await service.teller.round() or await self._lanes():  # noqa: ASYNC110 -- a database has no event for it
                await asyncio.sleep(0.01)

    async def _lanes(self) -> list[str]:
        return await self.installed.service.database.read(outgoing.busy_lanes)

    def messages(self) -> list[Message]:
        """What the bot wrote in #it-support, oldest first."""
        return [found for found in self.slack.workspace.channels[CHANNEL].messages.values() if found.bot_id]

    def below(self) -> list[Message]:
        """What the bot wrote below the card in #it-support."""
        return [message for message in self.messages() if message.is_reply and message.thread_ts == self.card]

    def activities(self) -> list[Posted]:
        found = self.teams.world.conversations[OPERATIONS].activities.values()
        return [posted for posted in found if posted.sender == self.teams.world.bot_id]

    def answers(self) -> list[str]:
        """What stands below the card in Teams."""
        below = [posted for posted in self.activities() if posted.root == self.head and posted.id != self.head]
        return [str(posted.activity["attachments"]) for posted in below]

    async def story(self) -> list[Event]:
        return await self.installed.service.desk.timeline(1)

    async def notes(self) -> list[tuple[str, str]]:
        return [(event.actor.id, event.data["text"]) for event in await self.story() if event.kind == "ticket.noted"]

    def wrongs(self) -> list[Any]:
        return [*self.slack.violations, *self.teams.violations]


@asynccontextmanager
async def talk(folder: Path) -> AsyncIterator[Floor]:
    installed = Installation(folder, listen(0), pace=0.01)
    await installed.prepare()
    await installed.start()
    made = Floor(installed)
    try:
        await made.open()
        yield made
    finally:
        await installed.stop()
