"""A whole service with Slack: the real desk, outbox and door, and the stand-in of Slack with people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.demo.slack_person import HttpDoor, SlackUser
from bot.demo.slack_records import Json, Message, OpenView
from bot.demo.slack_state import SlackApp
from core import commands as c
from core.desk.desk import Desk
from core.model import Person, Ticket
from core.store.queries import TicketFilter
from tests.conftest import SetClock
from tests.running_service import Running, running
from tests.slack_office import until
from tests.stand_in_slack import SECRET, Slack

BASE = "https://desk.example.com"
SYSTEMS = [{"name": name} for name in ("결제", "배송 결제", "mail-gateway", "Payments")]
PEOPLE = [
    {"id": "kim", "name": "김담당", "slack": "U0KIM", "team": "net", "language": "ko", "time_zone": "Asia/Seoul"},
    {"id": "lee", "name": "Lee", "slack": "U0LEE", "language": "en", "time_zone": "UTC"},
]
KIM, LEE = Person("kim", "김담당", team="net"), Person("lee", "Lee")


class SlackDesk:
    """``U0KIM`` reads Korean and is of the team ``net``; ``U0LEE`` reads English and has no team."""

    def __init__(self, slack: Slack, service: Running, clock: SetClock) -> None:
        self.slack, self.running, self.clock = slack, service, clock

    @property
    def desk(self) -> Desk:
        return self.running.service.desk

    def person(self, user: str = "U0KIM") -> SlackUser:
        stand_in = self.slack.stand_in
        door = HttpDoor(stand_in, self.slack.session, f"{self.running.url}/slack/events", SECRET)
        return SlackUser(stand_in, user, door)

    def advance(self, **duration: float) -> None:
        """Time passes for the desk and for Slack."""
        self.slack.clock.now = self.clock.advance(**duration).timestamp()

    async def tickets(self) -> list[Ticket]:
        """The newest first."""
        return (await self.desk.tickets(TicketFilter()))[0]

    async def opened(self, title: str, assignee: Person | None = None, **more: Any) -> Ticket:
        ticket = await self.desk.work.open(c.Open(title, **more), LEE, "api")
        if assignee is not None:
            ticket = await self.desk.work.execute(ticket.id, c.Assign(assignee.ref), LEE, "api")
        return ticket

    async def answers(self, thread: str, count: int = 1, channel: str = "C0DESK") -> list[Message]:
        """The bot's messages below a message, once there are ``count``."""

        def below() -> list[Message]:
            messages = self.slack.workspace.channels[channel].messages.values()
            return [found for found in messages if found.thread_ts == thread and found.bot_id]

        async def some() -> None:
            self.advance(seconds=2)
            await until(lambda: len(below()) >= count)

        await some()
        return below()

    def modal(self, user: str = "U0KIM") -> OpenView:
        return self.slack.stand_in.modals.stacks[user][-1]

    def home(self, user: str = "U0KIM") -> OpenView:
        return self.slack.stand_in.modals.homes[user]

    def calls(self, method: str) -> list[Json]:
        return [call.arguments for call in self.slack.stand_in.calls if call.method == method]

    def wrongs(self) -> list[Any]:
        return list(self.slack.stand_in.violations)


@asynccontextmanager
async def slack_desk(clock: SetClock, database_url: str, **settings: Any) -> AsyncIterator[SlackDesk]:
    slack = Slack(app=SlackApp(unfurl_domains=("desk.example.com",)))
    slack.clock.now = clock.now().timestamp()
    await slack.start()
    slack_settings = {
        "bot_token": "xoxb-demo",
        "signing_secret": SECRET,
        "api_url": f"{slack.url}/api/",
        "per_channel_rate": 1000,
        "per_channel_burst": 1000,
        **settings.pop("slack", {}),
    }
    given: dict[str, Any] = {
        "database": {"url": database_url},
        "slack": slack_settings,
        "base_url": BASE,
        "people": PEOPLE,
        "teams": {"net": {"name": "Network"}},
        "systems": SYSTEMS,
        "server": {"drain": 1},
        **settings,
    }
    try:
        async with running(clock, **given) as service:
            yield SlackDesk(slack, service, clock)
    finally:
        await slack.stop()
