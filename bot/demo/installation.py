"""A whole installation on one machine: Deskbell with its two real doors, and beside it the platforms they lead to.

The stand-ins have a port of their own, as the real platforms are elsewhere. People act through the doors, by signed
requests and activities with tokens; nobody calls Deskbell's code.
"""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.app import Service, build
from bot.demo import world
from bot.demo.connector import ConnectorStandIn
from bot.demo.issuer import Issuer
from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_person import HttpDoor, SlackUser
from bot.demo.teams_person import TeamsDoor as WayIntoTeams
from bot.demo.teams_person import TeamsUser
from bot.teams.connector import Connector
from bot.teams.credentials import BotCredentials
from bot.teams.door import TeamsDoor
from bot.teams.notifier import TeamsNotifier
from bot.web import server_of
from core.config.settings import Settings, TeamsSettings
from core.i18n import LANGUAGES

LOOPBACK = "127.0.0.1"


class Installation:
    """``listener`` is the bound socket that Deskbell is to be reached at, ``folder`` where its database may live.

    Routes may be added to ``service.web`` between ``prepare`` and ``start``.
    """

    service: Service
    session: aiohttp.ClientSession

    def __init__(self, folder: Path, listener: socket.socket, pace: float = 1.0) -> None:
        self.keys = world.Secrets()
        self.pace = pace
        self.language = "en"
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        self.slack = SlackStandIn(bot_token=self.keys.slack_bot, app=world.APP)
        self.teams = ConnectorStandIn(self.keys.teams_app, token=self.keys.connector)
        self.teams.world.reads_along = True
        self.issuer = Issuer(self.keys.teams_app)
        self.slack_users: dict[str, SlackUser] = {}
        self.teams_users: dict[str, TeamsUser] = {}
        self._folder, self._listener = folder, listener
        self._runners: list[web.AppRunner] = []

    async def prepare(self) -> None:
        """The platforms are up, Deskbell is wired and its database migrated."""
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        world.people_slack(self.slack)
        world.people_teams(self.teams)
        platforms = await self._serve_platforms()
        self.slack.base_url, self.teams.base_url = f"{platforms}/slack", f"{platforms}/teams"
        settings = world.settings(self._folder, self.url, platforms, self.keys, self.pace)
        # Teams' door is made here: the bot's own token must come from here as well, and not from Microsoft.
        self.service = build(settings.model_copy(update={"msteams": TeamsSettings()}), open_console=True)
        self._open_teams(settings)
        self._meet_people()

    async def start(self) -> None:
        """Deskbell answers, and the bot is where the people are."""
        await self.service.start()
        await self._run(server_of(self.service.web, drain=2), self._listener)
        for user in self.teams_users.values():
            await user.install()
        await next(iter(self.teams_users.values())).add_bot(world.OPERATIONS)

    async def stop(self) -> None:
        """Deskbell finishes what it began; the platforms go last."""
        while len(self._runners) > 1:
            await self._runners.pop().cleanup()
        await self.service.stop()
        await self.session.close()
        await self._runners.pop().cleanup()

    def speak(self, language: str) -> None:
        """The language of the channels; people keep their own."""
        if language in LANGUAGES and language != self.language:
            self.language = language
            policy = self.service.desk.policy
            policy.settings = policy.settings.model_copy(update={"language": language})

    async def _serve_platforms(self) -> str:
        site = web.Application()
        site.add_subapp("/slack", self.slack.app())
        site.add_subapp("/teams", self.teams.app())
        site.add_subapp("/login", self.issuer.app())
        listener = listen(0)
        await self._run(web.AppRunner(site, access_log=None, handle_signals=False, shutdown_timeout=1), listener)
        return f"http://{LOOPBACK}:{listener.getsockname()[1]}"

    async def _run(self, runner: web.AppRunner, listener: socket.socket) -> None:
        await runner.setup()
        self._runners.append(runner)
        await web.SockSite(runner, listener, backlog=256).start()

    def _open_teams(self, settings: Settings) -> None:
        desk, now = self.service.desk, self.service.desk.clock.now
        credentials = BotCredentials(settings.msteams, static_token=self.keys.connector)
        connector = Connector(settings.msteams, self.session, credentials)
        door = TeamsDoor(
            settings, self.service.dispatch, desk.people, desk.conversations, self.session, desk.seen, now,
            connector=connector, placed=desk.keep_shown, threads=desk.notes,
        )  # fmt: skip
        door.add_routes(self.service.web)
        self.service.doors.append(door)
        self.service.notifiers["teams"] = TeamsNotifier(
            settings, desk.people, desk.conversations, self.session, connector=connector
        )

    def _meet_people(self) -> None:
        into_slack = HttpDoor(self.slack, self.session, f"{self.url}/slack/events", self.keys.slack_signing)
        into_teams = WayIntoTeams(self.session, f"{self.url}/api/messages", self.issuer)
        self.slack_users = {user.id: SlackUser(self.slack, user.id, into_slack) for user in world.SLACK_PEOPLE}
        self.teams_users = {person.id: TeamsUser(self.teams, person.id, into_teams) for person in world.TEAMS_PEOPLE}


def listen(port: int) -> socket.socket:
    """A bound socket on this machine's own address. Raises OSError for a port that is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener
