"""The server of the page: the page itself, what it shows, what happens, and what the person on it does.

The protocol stands at the top of static/demo.js. Whoever opens the page is answered in the page's language, and the
channels speak it from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from bot.demo import bridge_shapes as shapes
from bot.demo.bridge_counts import Counts
from bot.demo.bridge_guard import BODY_LIMIT, harden, own_page_only
from bot.demo.bridge_log import Log
from bot.demo.bridge_people import (
    Hands,
    NotPossible,
    SlackAction,
    SlackClose,
    SlackCommand,
    SlackOptions,
    SlackSubmit,
    TeamsDialog,
    TeamsMessage,
    TeamsSubmit,
)
from bot.demo.bridge_story import Story
from bot.demo.bridge_stream import Hub
from bot.demo.installation import Installation
from bot.demo.scenario import Director
from bot.demo.slack_records import Change as SlackChange
from bot.demo.slack_records import ChangeKind, Json, SlackRefusal
from bot.demo.teams_records import Change as TeamsChange
from bot.demo.teams_records import TeamsRefusal
from core.i18n import Words, closest_language

STATIC = Path(__file__).parent / "static"
_VIEWS = (ChangeKind.VIEW_OPENED, ChangeKind.VIEW_UPDATED)
_log = logging.getLogger(__name__)
A = TypeVar("A", bound=msgspec.Struct)


class ScenarioOrder(msgspec.Struct, frozen=True):
    do: str


class Bridge:
    """To be made after ``place.prepare`` and before ``place.start``."""

    def __init__(self, place: Installation) -> None:
        self._place = place
        self.hub = Hub()
        self.story = Story(self.hub)
        self.counts = Counts(place.slack, place.teams)
        self.log = Log(place.service, self.hub, self.story, self.counts)
        self.director = Director(place, self.story, self.hub)
        self._hands = Hands(place)
        place.slack.workspace.feed.callbacks.append(self._show_slack)
        place.teams.world.feed.callbacks.append(self._show_teams)

    def add_routes(self, app: web.Application) -> None:
        """``/demo`` and everything below it."""
        demo = web.Application(middlewares=[own_page_only], client_max_size=BODY_LIMIT)
        demo.on_response_prepare.append(harden)
        demo.on_shutdown.append(self._close)
        demo.router.add_get("", self._page)
        demo.router.add_get("/state", self._state)
        demo.router.add_get("/stream", self._stream)
        demo.router.add_static("/static", STATIC)
        hands = self._hands
        demo.router.add_post("/slack/command", self._taking(SlackCommand, hands.slack_command))
        demo.router.add_post("/slack/action", self._taking(SlackAction, hands.slack_action))
        demo.router.add_post("/slack/submit", self._taking(SlackSubmit, hands.slack_submit))
        demo.router.add_post("/slack/options", self._taking(SlackOptions, hands.slack_options))
        demo.router.add_post("/slack/close", self._taking(SlackClose, hands.slack_close))
        demo.router.add_post("/teams/message", self._taking(TeamsMessage, hands.teams_message))
        demo.router.add_post("/teams/submit", self._taking(TeamsSubmit, hands.teams_submit))
        demo.router.add_post("/teams/dialog", self._taking(TeamsDialog, hands.teams_dialog))
        demo.router.add_post("/scenario", self._taking(ScenarioOrder, self._order))
        app.add_subapp("/demo", demo)

    # what the page is told

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "demo.html")

    async def _state(self, request: web.Request) -> web.Response:
        language = self._language(request)
        self._place.speak(language)
        self.director.begin()
        state: Json = {
            "cursor": self.hub.cursor,
            "slack": shapes.slack_state(self._place.slack.workspace, language),
            "teams": shapes.teams_state(self._place.teams.world, language),
            "stats": self.log.stats,
            "scenario": self.director.status(language),
            "story": self.story.lines(language),
        }
        return web.Response(body=msgspec.json.encode(state), content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self.hub.serve(request, self._language(request))

    @staticmethod
    def _language(request: web.Request) -> str:
        return closest_language(request.query.get("lang"), "en")

    def _show_slack(self, change: SlackChange) -> None:
        message = shapes.slack_change(change)
        if message is not None:
            self.hub.publish("slack.message", lambda language: message)
        elif change.kind in _VIEWS and change.user:
            self._show_view(change.user, change.payload)
        elif change.kind is ChangeKind.VIEW_CLOSED and change.user:
            below = self._place.slack.modals.stacks.get(change.user)
            shown = self._place.slack.modals.payload(below[-1]) if below else None
            self._show_view(change.user, shown, change.payload["id"])

    def _show_view(self, user: str, view: Json | None, view_id: str = "") -> None:
        told = shapes.slack_view(user, view, view["id"] if view else view_id)
        self.hub.publish("slack.view", lambda language: told)

    def _show_teams(self, change: TeamsChange) -> None:
        activity = shapes.teams_change(change)
        if activity is not None:
            self.hub.publish("teams.activity", lambda language: activity)

    # what the page asks for

    def _taking(
        self, kind: type[A], act: Callable[[A], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        decoder = msgspec.json.Decoder(kind)

        async def handle(request: web.Request) -> web.Response:
            try:
                asked = decoder.decode(await request.read())
            except msgspec.MsgspecError as error:
                return web.json_response({"error": str(error)}, status=400)
            return _json(await self._answer(act, asked))

        return handle

    async def _answer(self, act: Callable[[Any], Awaitable[Json]], asked: msgspec.Struct) -> Json:
        language = self._place.language
        try:
            return await act(asked)
        except NotPossible as problem:
            return {"error": problem.text(language)}
        except (LookupError, SlackRefusal, TeamsRefusal) as problem:
            _log.info("the page asked for what is not there: %r", problem)
            return {"error": Words(language).text("demo.problem.gone")}

    async def _order(self, asked: ScenarioOrder) -> Json:
        if not self.director.order(asked.do):
            raise NotPossible("demo.problem.unknown_step")
        return {}

    async def _close(self, _: web.Application) -> None:
        self.hub.close()


def _json(answer: Json) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
