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
from bot.slack.homes import HomeSource, HomeTabs
from bot.slack.http_transport import HttpTransport
from bot.slack.inflight import Inflight
from bot.slack.payloads import Malformed
from bot.slack.people import SlackPeople
from bot.slack.permalinks import Permalinks
from bot.slack.reception import Reception
from bot.slack.seen import Once
from bot.slack.socket_transport import SocketTransport
from bot.slack.sources import Sources
from bot.slack.threads import ThreadNotes
from core.config.settings import Settings
from core.people import Directory
from core.ports import Memory
from core.threads import Threads


class SlackDoor:
    """``session`` is shared and stays the caller's to close. Making a door calls nobody; Slack may be down.

    Without ``homes`` nothing is shown on Home tabs, without ``threads`` nothing is noted of what is said below cards.
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
    ) -> None:
        slack = settings.slack
        self._drain_seconds = settings.server.drain
        self._inflight = Inflight()
        api = SlackApi(slack, session)
        known = SlackPeople(settings, people, api, self._inflight, now)
        self._homes = HomeTabs(homes, api, known, now) if homes is not None else None
        reception = Reception(
            settings=settings,
            dispatch=dispatch,
            people=known,
            answers=Answers(api, self._inflight),
            seen=seen,
            once=Once(seen, self._inflight),
            now=now,
            api=api,
            inflight=self._inflight,
            sources=Sources(known, Permalinks(api)),
            homes=self._homes,
            threads=ThreadNotes(threads, known) if threads is not None else None,
        )
        self._bolt = bolt_app.build(reception, bolt_app.Itself(slack, api, self._inflight, now), session)
        self._http = HttpTransport(settings, self._dispatch, seen, self._inflight, now)
        self._socket = (
            SocketTransport(slack, slack.app_token, self._bolt, session, self._inflight, seen)
            if slack.app_token
            else None
        )

    def add_routes(self, app: web.Application) -> None:
        """``POST /slack/events``; it answers 404 where only Socket Mode is configured."""
        self._http.add_routes(app)

    async def start(self) -> None:
        """Open the socket, where Socket Mode is configured, without waiting for it; keep Home tabs up to date."""
        if self._homes is not None:
            self._homes.start()
        if self._socket is not None:
            await self._socket.start()

    async def close(self) -> None:
        """Take nothing more, finish what is under way (at most ``server.drain`` seconds), close the socket."""
        self._http.closing = True
        if self._socket is not None:
            self._socket.stop_taking()
        await self._inflight.drain(self._drain_seconds)
        if self._homes is not None:
            await self._homes.close()
        if self._socket is not None:
            await self._socket.close()

    async def _dispatch(self, payload: dict[str, Any]) -> BoltResponse:
        # A payload whose proof is checked, as Socket Mode hands it over: Bolt does not parse the body a second time.
        # What escapes from Bolt is its own stumbling over a shape; errors of the handlers are answered inside.
        try:
            return await self._bolt.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise Malformed("malformed_payload", str(error)) from None
