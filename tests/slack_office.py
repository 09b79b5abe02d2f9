"""An office with Slack in it: the stand-in on one port, the real door on another, and people who type and click."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

import blocks
from bot.demo.answer import Answer
from bot.demo.slack_person import HttpDoor, SlackUser, SocketDoor
from bot.demo.slack_records import Ephemeral, Json, Message, OpenView
from bot.slack.door import SlackDoor
from core.config.settings import Settings
from core.i18n import Words
from core.views import View
from tests.door_fakes import FakeDirectory, FakeDispatcher, FakeSeen
from tests.slack_samples import CARD
from tests.stand_in_slack import SECRET, Slack

PATH = "/slack/events"


def settings_for(slack_url: str, **slack: Any) -> Settings:
    given = {"bot_token": "xoxb-demo", "signing_secret": SECRET, "api_url": f"{slack_url}/api/", **slack}
    return Settings.model_validate({"slack": given, "server": {"drain": 2}})


class Office:
    def __init__(self, slack: Slack, settings: Settings, directory: FakeDirectory) -> None:
        self.slack, self.settings = slack, settings
        self.dispatch, self.directory, self.seen = FakeDispatcher(), directory, FakeSeen(self.now)
        self.door = SlackDoor(settings, self.dispatch, directory, slack.session, self.seen, self.now)
        app = web.Application()
        self.door.add_routes(app)
        self.server = TestServer(app)

    async def start(self) -> None:
        await self.server.start_server()
        await self.door.start()

    async def stop(self) -> None:
        await self.door.close()
        await self.server.close()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.slack.clock.now, UTC)

    @property
    def url(self) -> str:
        return str(self.server.make_url(PATH))

    def person(self, user: str = "U0KIM", *, socket: bool = False) -> SlackUser:
        """``U0KIM`` reads Korean, ``U0LEE`` English."""
        stand_in = self.slack.stand_in
        door = SocketDoor(stand_in) if socket else HttpDoor(stand_in, self.slack.session, self.url, SECRET)
        return SlackUser(stand_in, user, door)

    async def send(self, body: Any, headers: dict[str, str]) -> Answer:
        """Any bytes to the door's address."""
        async with self.slack.session.post(self.url, data=body, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return Answer(response.status, (await response.json()) if is_json else text)

    async def post(self, view: View = CARD) -> Message:
        """A message of the bot in #it-support, as the outbox would have posted it."""
        shown = blocks.render(view, Words("ko"))
        await self.slack.web.chat_postMessage(channel="C0DESK", text=shown.text, blocks=shown.blocks)
        return self.slack.last()

    def whispers(self) -> list[Ephemeral]:
        return list(self.slack.workspace.ephemerals.values())

    def modal(self, user: str = "U0KIM") -> OpenView:
        return self.slack.stand_in.modals.stacks[user][-1]

    def calls(self, method: str) -> list[Json]:
        """The arguments of the calls to one of Slack's methods, oldest first."""
        return [call.arguments for call in self.slack.stand_in.calls if call.method == method]

    def wrongs(self) -> list[Any]:
        """What the door did that Slack would refuse."""
        return list(self.slack.stand_in.violations)


@asynccontextmanager
async def office(*people: Any, stand_in: dict[str, Any] | None = None, **slack: Any) -> AsyncIterator[Office]:
    """A running office; ``slack`` are further settings of the door."""
    place = Slack(**(stand_in or {}))
    await place.start()
    made = Office(place, settings_for(place.url, **slack), FakeDirectory(*people))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        await place.stop()


async def until(true: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait for something that happens by itself."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it waits for has no event of its own
            await asyncio.sleep(0.005)
