"""The door that people in Slack come in by: commands, buttons, forms, mentions and direct messages.

Both transports end in the same dispatch, so whatever holds for one holds for the other. A request is answered when its
work is durable; what Slack or a person sends twice is done once; closing waits for what is under way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.commands.call import Dispatcher
from bot.slack import bolt_app
from bot.slack.answers import Answers
from bot.slack.api import SlackApi
from bot.slack.connections import Connections
from bot.slack.homes import HomeSource, HomeTabs
from bot.slack.http_transport import HttpTransport
from bot.slack.inflight import Inflight
from bot.slack.notifier import SlackNotifier
from bot.slack.payloads import Malformed
from bot.slack.people import SlackPeople
from bot.slack.permalinks import Permalinks
from bot.slack.reception import Reception
from bot.slack.seen import Once
from bot.slack.socket_transport import SocketTransport
from bot.slack.sources import Sources
from bot.slack.switch import Bolt, Room, Switch
from bot.slack.threads import ThreadNotes
from bot.slack.workspaces import Workspace
from core.config.settings import Settings
from core.i18n import Words
from core.installations import InstallationStore
from core.people import Directory
from core.ports import Memory, Notifier
from core.threads import Threads


class SlackDoor:
    """``session`` is shared and stays the caller's to close. Making a door calls nobody; Slack may be down.

    Without ``homes`` nothing is shown on Home tabs, without ``threads`` nothing is noted of what is said below cards.
    Many workspaces need ``installations``.
    """

    def __init__(
        self,
        settings: Settings,
        dispatch: Dispatcher,
        people: Directory,
        session: aiohttp.ClientSession,
        seen: Memory,
        now: Callable[[], datetime],
        homes: HomeSource | None = None,
        threads: Threads | None = None,
        installations: InstallationStore | None = None,
    ) -> None:
        slack = settings.slack
        self._settings, self._dispatch_call, self._people, self._session = settings, dispatch, people, session
        self._seen, self._now, self._home_source, self._threads = seen, now, homes, threads
        self._inflight = Inflight()
        self._connections: Connections | None = None
        self._switch: Switch | None = None
        self._room: Room | None = None
        if installations is not None and slack.has_workspaces:
            self._connections = Connections(settings, installations, session, seen, self._inflight, now)
            words = Words(settings.language, settings.time_zone)
            self._switch = Switch(
                self._connections.workspaces, installations, self._furnish, self._connections.is_refused, words
            )
            self._bolt: Bolt = self._switch
        else:
            self._room = self._furnish(None)
            self._bolt = self._room.bolt
        self._http = HttpTransport(settings, self._dispatch, seen, self._inflight, now)
        self._socket = (
            SocketTransport(slack, slack.app_token, self._bolt, session, self._inflight, seen)
            if slack.app_token
            else None
        )

    def add_routes(self, app: web.Application) -> None:
        """``POST /slack/events``, which answers 404 where only Socket Mode is configured; and for many workspaces the
        two routes of an installation."""
        self._http.add_routes(app)
        if self._connections is not None:
            self._connections.installer.add_routes(app)

    def notifier(self) -> Notifier:
        """The outbox's way to the same workspaces."""
        return self._connections.notifier() if self._connections else SlackNotifier(self._settings, self._session)

    async def start(self) -> None:
        """Open the socket, where Socket Mode is configured, without waiting for it; keep Home tabs up to date."""
        if self._connections is not None:
            await self._connections.start()
        if self._room is not None and self._room.homes is not None:
            self._room.homes.start()
        if self._socket is not None:
            await self._socket.start()

    async def close(self) -> None:
        """Take nothing more, finish what is under way (at most ``server.drain`` seconds), close the socket."""
        self._http.closing = True
        if self._socket is not None:
            self._socket.stop_taking()
        await self._inflight.drain(self._settings.server.drain)
        if self._switch is not None:
            await self._switch.close()
        if self._room is not None and self._room.homes is not None:
            await self._room.homes.close()
        if self._socket is not None:
            await self._socket.close()

    def _furnish(self, workspace: Workspace | None) -> Room:
        """A reception for one workspace of many, or for the only one."""
        settings, seen, now, inflight = self._settings, self._seen, self._now, self._inflight
        api = SlackApi(settings.slack, self._session)
        itself: bolt_app.Itself | bolt_app.Known = bolt_app.Itself(settings.slack, api, inflight, now)
        if workspace is not None and self._connections is not None:
            api, itself = self._connections.api(workspace.id), bolt_app.Known(workspace)
        known = SlackPeople(settings, self._people, api, inflight, now, workspace)
        homes = HomeTabs(self._home_source, api, known, now) if self._home_source is not None else None
        reception = Reception(
            settings=settings,
            dispatch=self._dispatch_call,
            people=known,
            answers=Answers(api, inflight),
            seen=seen,
            once=Once(seen, inflight),
            now=now,
            api=api,
            inflight=inflight,
            sources=Sources(known, Permalinks(api)),
            homes=homes,
            threads=ThreadNotes(self._threads, known) if self._threads is not None else None,
            workspace=workspace,
        )
        return Room(bolt_app.build(reception, itself, self._session), homes)

    async def _dispatch(self, payload: dict[str, Any]) -> BoltResponse:
        # A payload whose proof is checked, as Socket Mode hands it over: Bolt does not parse the body a second time.
        # What escapes from Bolt is its own stumbling over a shape; errors of the handlers are answered inside.
        try:
            return await self._bolt.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise Malformed("malformed_payload", str(error)) from None
