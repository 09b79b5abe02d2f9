"""A strict Slack on one port: the Web API, response_urls and Socket Mode, as slack_sdk calls them.

It refuses what Slack refuses, with Slack's words, and remembers every refusal that is the app's own fault in
``violations``. Nothing leaves the process.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from aiohttp import web

from bot.demo.faults import Bucket, Fault, Faults, Windows
from bot.demo.slack_facts import CALLS_A_MINUTE, CHANNEL_BURST, CHANNEL_RATE, METHODS
from bot.demo.slack_methods import Methods
from bot.demo.slack_modals import Modals
from bot.demo.slack_records import Call, Change, Json, OpenView, SlackRefusal, Violation
from bot.demo.slack_response_urls import ResponseUrls
from bot.demo.slack_socket import Sockets
from bot.demo.slack_state import SlackApp, Workspace
from bot.demo.slack_unfurls import Unfurls

_BODY_LIMIT = 4 * 1024 * 1024
_CALLS_KEPT = 1000
# Refusals that tell the app about the world; all others are mistakes of the app and stand in `violations`.
_NEWS = frozenset({
    "ratelimited", "channel_not_found", "not_in_channel", "is_archived", "is_inactive", "message_not_found",
    "thread_not_found", "not_found", "user_not_found", "users_not_found", "user_disabled", "user_not_in_channel",
    "already_reacted", "hash_conflict", "invalid_auth", "no_such_subteam", "cant_update_message",
    "cant_delete_message",
})  # fmt: skip


class SlackStandIn:
    """A workspace with one app. ``scopes`` None grants all; ``rate_limits`` switches Slack's own limits on.

    ``base_url`` has to be set to where ``app()`` is served before a response_url is issued.
    """

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-demo",  # noqa: S107 - made up, and good for nothing else
        app_token: str = "xapp-demo",  # noqa: S107
        app: SlackApp | None = None,
        scopes: Iterable[str] | None = None,
        rate_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token, self.app_token = bot_token, app_token
        self.scopes = None if scopes is None else frozenset(scopes)
        self.is_bot_token: Callable[[str], bool] = lambda token: token == self.bot_token
        self.rate_limits = rate_limits
        self.workspace = Workspace(app, clock)
        self.modals = Modals(self.workspace)
        self.response_urls = ResponseUrls(self.workspace)
        self.sockets = Sockets(self.workspace)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.unfurls = Unfurls(self.workspace)
        self._methods = Methods(self.workspace, self.scopes).table | {
            "chat.unfurl": self.unfurls.unfurl,
            "views.open": self._view_method(lambda a: self.modals.open(a["trigger_id"], a["view"])),
            "views.push": self._view_method(lambda a: self.modals.push(a["trigger_id"], a["view"])),
            "views.update": self._view_method(
                lambda a: self.modals.update(a.get("view_id"), a.get("external_id"), a.get("hash"), a["view"])
            ),
            "views.publish": self._view_method(lambda a: self.modals.publish(a["user_id"], a.get("hash"), a["view"])),
        }
        self._tiers = {tier: Windows([(count, 60.0)]) for tier, count in CALLS_A_MINUTE.items()}
        self._channels = Bucket(CHANNEL_RATE, CHANNEL_BURST)

    @property
    def base_url(self) -> str:
        return self.response_urls.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.response_urls.base_url = url.rstrip("/")

    @property
    def violations(self) -> deque[Violation]:
        """What the app did wrong, oldest first; empty is what a test wants to see."""
        return self.workspace.violations

    def listen(self) -> AsyncIterator[Change]:
        """What people see happen from now on."""
        return self.workspace.feed.listen()

    def app(self) -> web.Application:
        """To be served on a port of its own, or below a path with ``add_subapp``."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/api/{method}", self.serve)
        app.router.add_post("/response/{token}", self._serve_response_url)
        for path in ("/link", "/link/"):
            app.router.add_get(path, self.sockets.serve)
        app.on_shutdown.append(self._shut_down)
        return app

    # the Web API

    async def serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]

        async def proceed() -> web.StreamResponse:
            return await self._call(method, request)

        return await self.faults.answer(method, request, proceed, self._refuse_by_fault)

    async def _call(self, method: str, request: web.Request) -> web.Response:
        arguments: Json = {}
        try:
            if method not in METHODS:
                raise SlackRefusal("unknown_method")
            arguments, token = await self._arguments(method, request)
            self._authorise(method, token)
            self._require(method, arguments)
            self._limit(method, arguments)
            if method == "apps.connections.open":
                answer: Json = {"url": self._link(request)}
            else:
                answer = self._methods[method](arguments)
        except SlackRefusal as refusal:
            return self._refuse(method, arguments, refusal)
        self.calls.append(Call(method, arguments, self.workspace.clock()))
        return self._json({"ok": True} | answer)

    async def _arguments(self, method: str, request: web.Request) -> tuple[Json, str | None]:
        """Query, form or JSON body together, and the token from the header or from among them."""
        arguments: Json = dict(request.query)
        if request.content_type == "application/json":
            arguments |= await self._json_arguments(METHODS[method].json, request)
        elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            arguments |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        elif await request.read():
            raise SlackRefusal("invalid_post_type")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        inline = arguments.pop("token", None)
        return arguments, token if scheme.lower() == "bearer" and token else inline

    @staticmethod
    async def _json_arguments(taken: bool, request: web.Request) -> Json:
        """A method that takes no JSON does not see it, and misses its arguments then."""
        try:
            body = await request.json()
        except ValueError as error:
            raise SlackRefusal("invalid_json") from error
        if not isinstance(body, dict):
            raise SlackRefusal("json_not_object")
        return body if taken else {}

    def _authorise(self, method: str, token: str | None) -> None:
        if not token:
            raise SlackRefusal("not_authed")
        if token != self.app_token and not self.is_bot_token(token):
            raise SlackRefusal("invalid_auth")
        if (token == self.app_token) != (method == "apps.connections.open"):
            raise SlackRefusal("not_allowed_token_type")
        needed = METHODS[method].scopes
        if token != self.app_token and needed and self.scopes is not None and not self.scopes & set(needed):
            raise SlackRefusal("missing_scope", f"needed: {','.join(needed)}")

    @staticmethod
    def _require(method: str, arguments: Json) -> None:
        missing = [name for name in METHODS[method].required if arguments.get(name) in (None, "")]
        problems = [f"[ERROR] missing required field: {name}" for name in missing]
        for name in ("channel", *METHODS[method].required):
            if name not in ("view", "unfurls") and not isinstance(arguments.get(name, ""), str):
                problems.append(f"[ERROR] must be a string [json-pointer:/{name}]")
        if problems:
            raise SlackRefusal("invalid_arguments", *problems)

    def _limit(self, method: str, arguments: Json) -> None:
        if not self.rate_limits:
            return
        now = self.workspace.clock()
        wait = self._tiers[METHODS[method].tier].admit(method, now)
        if not wait and method == "chat.postMessage":
            channel = self.workspace.find(arguments["channel"])
            wait = self._channels.admit(channel.id if channel else arguments["channel"], now)
        if wait:
            raise SlackRefusal("ratelimited", str(max(1, math.ceil(wait))))

    def _link(self, request: web.Request) -> str:
        """The socket's address on the very port and path that this request came to."""
        path = request.path.removesuffix("/api/apps.connections.open")
        ticket, app_id = self.sockets.issue_ticket(), self.workspace.app.app_id
        return f"ws://{request.host}{path}/link/?ticket={ticket}&app_id={app_id}"

    def _view_method(self, change: Callable[[Json], OpenView]) -> Callable[[Json], Json]:
        return lambda arguments: {"view": self.modals.payload(change(arguments))}

    def knows(self, names: set[str]) -> bool:
        """Whether one of these channels, people, views or triggers is of this workspace."""
        ours = self.workspace.channels.keys() | self.workspace.people.keys()
        return bool(names & ours) or any(self.modals.view(name) or self.modals.issued(name) for name in names)

    # refusals

    def _refuse(self, method: str, arguments: Json, refusal: SlackRefusal) -> web.Response:
        known = METHODS[method].errors if method in METHODS else {"unknown_method"}
        if refusal.code not in known:
            raise LookupError(f"{method} has no error {refusal.code}")
        self.calls.append(Call(method, arguments, self.workspace.clock(), refusal.code))
        if refusal.code == "ratelimited":
            return self._rate_limited(int(refusal.messages[0]))
        if refusal.code not in _NEWS:
            self.workspace.violate(method, refusal.code, *refusal.messages)
        answer: Json = {"ok": False, "error": refusal.code}
        if refusal.messages:
            answer["errors"] = [message.removeprefix("[ERROR] ") for message in refusal.messages]
            answer["response_metadata"] = {"messages": list(refusal.messages)}
        return self._json(answer)

    def _refuse_by_fault(self, fault: Fault) -> web.Response:
        if fault.code:
            return self._json({"ok": False, "error": fault.code})
        return self._rate_limited(fault.retry_after)

    @staticmethod
    def _rate_limited(seconds: int) -> web.Response:
        headers = {"Retry-After": str(seconds)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def _json(self, answer: Json) -> web.Response:
        response = web.json_response(answer, dumps=lambda value: json.dumps(value, ensure_ascii=False))
        if self.scopes is not None:
            response.headers["x-oauth-scopes"] = ",".join(sorted(self.scopes))
        return response

    # response_urls

    async def _serve_response_url(self, request: web.Request) -> web.StreamResponse:
        async def proceed() -> web.StreamResponse:
            return await self._answer_response_url(request)

        return await self.faults.answer("response_url", request, proceed, self._refuse_by_fault)

    async def _answer_response_url(self, request: web.Request) -> web.Response:
        try:
            body = await self._json_arguments(True, request)
            url = self.response_urls.spend(request.match_info["token"])
        except SlackRefusal as refusal:
            self.workspace.violate("response_url", refusal.code)
            return web.json_response({"ok": False, "error": refusal.code}, status=404)
        try:
            self.response_urls.answer(url, body)
        except SlackRefusal as refusal:
            self.workspace.violate("response_url", refusal.code, *refusal.messages)
            return web.Response(status=400, text=refusal.code)
        return web.Response(text="ok")

    async def _shut_down(self, app: web.Application) -> None:
        self.faults.clear()
        await self.sockets.close(app)
