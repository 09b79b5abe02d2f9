"""Slack with many workspaces on one port: each call goes to the workspace whose token it carries.

An org-wide token works in every workspace of its organisation; there the call goes where its channel, user or view is.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_oauth import Installed, SlackOAuth
from bot.demo.slack_payloads import event_payload
from bot.demo.slack_person import SlackDoor
from bot.demo.slack_records import Json, SlackRefusal
from bot.demo.slack_state import SlackApp

_NAMES = ("channel", "user", "users", "user_id", "view_id", "trigger_id")


class SlackSite:
    """``add`` the workspaces before ``app`` is served, and ``serve_at`` after that. The next ``failing`` calls for a
    token are answered by a proxy's error page."""

    def __init__(self, oauth: SlackOAuth, clock: Callable[[], float], app_token: str = "xapp-demo") -> None:  # noqa: S107
        self.oauth = oauth
        self._clock, self._app_token = clock, app_token
        self.workspaces: dict[str, SlackStandIn] = {}
        self.access_calls: list[Json] = []
        self.failing = 0

    def add(self, app: SlackApp) -> SlackStandIn:
        made = SlackStandIn(bot_token="", app_token=self._app_token, app=app, clock=self._clock)
        made.is_bot_token = lambda _: True  # which tokens are good is known here
        if self.workspaces:
            made.sockets = self._first.sockets  # one app, one connection for all workspaces
        self.workspaces[app.team] = made
        return made

    @property
    def _first(self) -> SlackStandIn:
        return next(iter(self.workspaces.values()))

    def serve_at(self, url: str) -> None:
        """``url`` is where ``app`` is reached."""
        for team, stand_in in self.workspaces.items():
            stand_in.base_url = f"{url.rstrip('/')}/{team}"

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/api/oauth.v2.access", self._access)
        app.router.add_post("/api/auth.revoke", self._revoke)
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_get("/link/", self._socket)
        for team, stand_in in self.workspaces.items():
            app.add_subapp(f"/{team}", stand_in.app())
        return app

    async def uninstall(self, id: str, door: SlackDoor) -> None:
        """Somebody removes the app; the product hears of it twice, as from Slack."""
        gone = self.oauth.installed[id]
        self.oauth.remove(id)
        await self.tell(gone, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [gone.app.bot_user]}}, door)
        await self.tell(gone, {"type": "app_uninstalled"}, door)

    async def tell(self, installed: Installed, event: Json, door: SlackDoor, *, at: int | None = None) -> None:
        """An event about an installation, which no workspace is authorised for any more."""
        stand_in = self.workspaces[installed.app.team]
        payload = event_payload(installed.app, event, stand_in.workspace.next_id("Ev"), at or int(self._clock()))
        del payload["authorizations"]
        if installed.is_org:
            del payload["team_id"]
        await door.deliver("events_api", payload)

    # the Web API

    async def _access(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        if self.failing > 0:
            self.failing -= 1
            return web.Response(status=502, text="bad gateway")
        self.access_calls.append(dict(form))
        try:
            answer = self.oauth.access(form, request.headers.get("Authorization", ""))
        except SlackRefusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code})
        return web.json_response({"ok": True} | answer)

    async def _revoke(self, request: web.Request) -> web.Response:
        token = _token(request)
        try:
            self.oauth.owner(token)
        except SlackRefusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code})
        self.oauth.revoke(token)
        return web.json_response({"ok": True, "revoked": True})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        token = _token(request)
        if token == self._app_token:
            return await self._first.serve(request)
        try:
            owner = self.oauth.owner(token)
        except SlackRefusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code})
        stand_in = await self._place(owner, request)
        return await stand_in.serve(request)

    async def _place(self, owner: Installed, request: web.Request) -> SlackStandIn:
        if not owner.is_org:
            return self.workspaces[owner.app.team]
        given = dict(request.query) | (await _arguments(request))
        named = {str(given[name]) for name in _NAMES if name in given}
        ours = [one for one in self.workspaces.values() if one.workspace.app.enterprise == owner.app.enterprise]
        return next((one for one in ours if one.knows(named)), ours[0])

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        return await self._first.sockets.serve(request)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        found = await request.json()
        return found if isinstance(found, dict) else {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
