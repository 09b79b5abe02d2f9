"""A whole service with Teams: the real desk, outbox and door, and the stand-in of Teams with people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.app import Service, build
from bot.demo.issuer import METADATA_PATH
from bot.demo.teams_person import TeamsDoor as WayIntoTeams
from bot.demo.teams_person import TeamsUser
from bot.demo.teams_records import Posted
from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials
from bot.teams.door import TeamsDoor
from bot.teams.notifier import TeamsNotifier
from core.config.settings import Settings, TeamsSettings
from core.desk.desk import Desk
from tests.conftest import SetClock
from tests.running_service import API_TOKEN, Running, serving
from tests.stand_in_teams import APP_ID, CHANNEL, KIM, LEE, TENANT, TOKEN, Teams

PEOPLE: list[dict[str, Any]] = [
    {"id": "kim", "name": "김담당", "teams": "0020", "language": "ko", "time_zone": "Asia/Seoul"},
    {"id": "lee", "name": "Lee", "teams": "0021", "language": "en", "time_zone": "UTC"},
]


class TeamsDesk:
    """``KIM`` reads Korean, ``LEE`` English; the cards stand in the channel ``CHANNEL``."""

    def __init__(self, teams: Teams, running: Running) -> None:
        self.teams, self.running = teams, running

    @property
    def desk(self) -> Desk:
        return self.running.service.desk

    def person(self, user: str) -> TeamsUser:
        door = WayIntoTeams(self.teams.session, f"{self.running.url}/api/messages", self.teams.issuer)
        return TeamsUser(self.teams.stand_in, user, door)

    def posted(self, conversation: str) -> list[Posted]:
        """What the bot wrote there, oldest first."""
        world = self.teams.world
        entries = world.conversations[conversation].activities.values()
        return [entry for entry in entries if entry.sender == world.bot_id]

    def private(self, user: str) -> list[Posted]:
        return self.posted(self.person(user).chat.id)


@asynccontextmanager
async def teams_desk(clock: SetClock, database_url: str, **more: Any) -> AsyncIterator[TeamsDesk]:
    teams = Teams()
    await teams.start()
    given = {
        "database": {"url": database_url},
        "api_token": API_TOKEN,
        "people": PEOPLE,
        "audiences": {"desk": [f"teams:{CHANNEL}"]},
        "server": {"drain": 1},
        **more,
    }
    service = build(Settings.model_validate(given), clock)
    _open_door(service, teams)
    try:
        async with serving(service) as running:
            made = TeamsDesk(teams, running)
            for user in (KIM, LEE):
                await made.person(user).install()
            await made.person(KIM).add_bot(CHANNEL)
            yield made
    finally:
        await teams.stop()


def _open_door(service: Service, teams: Teams) -> None:
    """As the service opens it, but with a token of the bot's own that does not come from Microsoft."""
    msteams = TeamsSettings(
        app_id=APP_ID,
        tenant_id=TENANT,
        service_hosts=("127.0.0.1",),
        open_id_metadata=f"{teams.url}/login{METADATA_PATH}",
    )
    settings, desk = service.settings.model_copy(update={"msteams": msteams}), service.desk
    connector = Connector(msteams, teams.session, BotCredentials(msteams, static_token=TOKEN))
    people, book = desk.people, desk.conversations
    door = TeamsDoor(
        settings, service.dispatch, people, book, teams.session, desk.seen, desk.clock.now,
        connector=connector, placed=desk.keep_shown,
    )  # fmt: skip
    door.add_routes(service.web)
    service.doors.append(door)
    service.notifiers["teams"] = TeamsNotifier(settings, people, book, teams.session, connector=connector)
