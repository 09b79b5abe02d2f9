"""A strict Bot Connector of Teams on one port, as botbuilder's client calls it.

It is served at ``/v3/...`` and, for each tenant, at ``/<tenant>/v3/...``, and remembers every refusal that is the bot's
own fault in ``violations``. API: https://learn.microsoft.com/azure/bot-service/rest-api/
bot-framework-rest-connector-api-reference; codes and limits: https://learn.microsoft.com/microsoftteams/platform/bots/
how-to/rate-limit. Nothing leaves the process.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from bot.demo.faults import Fault, Faults, Windows
from bot.demo.teams_records import Call, Change, Json, TeamsPerson, TeamsRefusal, Violation
from bot.demo.teams_state import TeamsWorld, check_message, thread_id

_BODY_LIMIT = 4 * 1024 * 1024
_CALLS_KEPT = 1000
_SEND_WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
_MEMBER_WINDOWS = ((14, 1.0), (120, 30.0))
_PAGE_LEAST, _PAGE_MOST = 50, 500

Operation = Callable[[web.Request, Json], tuple[int, object]]


class ConnectorStandIn:
    """``token`` is the bearer token that a bot has to show, None for any or none; ``rate_limits`` switches Teams' on.

    ``base_url`` has to be set to where ``app()`` is served before ``service_url`` is asked.
    """

    def __init__(
        self,
        app_id: str,
        *,
        bot_name: str = "Deskbell",
        token: str | None = None,
        rate_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token, self.rate_limits = token, rate_limits
        self.world = TeamsWorld(app_id, bot_name, clock)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.base_url = ""
        self._sends, self._questions = Windows(_SEND_WINDOWS), Windows(_MEMBER_WINDOWS)

    @property
    def violations(self) -> deque[Violation]:
        """What the bot did wrong, oldest first; empty is what a test wants to see."""
        return self.world.violations

    def listen(self) -> AsyncIterator[Change]:
        """What people see happen from now on."""
        return self.world.feed.listen()

    def service_url(self, tenant: str) -> str:
        """Where the bot reaches the conversations of a tenant; stands in every activity."""
        return f"{self.base_url.rstrip('/')}/{tenant}/"

    def app(self) -> web.Application:
        """To be served on a port of its own, or below a path with ``add_subapp``."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        activity = "/v3/conversations/{conversation}/activities/{activity}"
        routes: list[tuple[str, str, str, Operation]] = [
            ("POST", "/v3/conversations", "create", self._create),
            ("POST", "/v3/conversations/{conversation}/activities", "send", self._send),
            ("POST", activity, "reply", self._send),
            ("PUT", activity, "update", self._update),
            ("DELETE", activity, "delete", self._delete),
            ("GET", "/v3/conversations/{conversation}/members", "members", self._members),
            ("GET", "/v3/conversations/{conversation}/pagedmembers", "members", self._page_of_members),
            ("GET", "/v3/conversations/{conversation}/members/{member}", "members", self._member),
        ]
        for method, path, name, operation in routes:
            for prefix in ("", "/{tenant}"):
                app.router.add_route(method, prefix + path, self._handler(name, operation))
        app.on_shutdown.append(self._shut_down)
        return app

    # every request

    def _handler(self, name: str, operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            async def proceed() -> web.StreamResponse:
                return await self._perform(name, operation, request)

            return await self.faults.answer(name, request, proceed, self._refuse_by_fault)

        return handle

    async def _perform(self, name: str, operation: Operation, request: web.Request) -> web.Response:
        body: Json = {}
        headers: dict[str, str] = {}
        conversation = request.match_info.get("conversation", "")
        try:
            self._authorise(request)
            body = await self._body(request)
            self._limit(name, conversation or request.match_info.get("tenant", ""))
            status, answer = operation(request, body)
        except TeamsRefusal as refusal:
            status, answer = refusal.status, _error(refusal.code, refusal.message)
            if refusal.fault:
                self.world.violate(name, refusal.code, refusal.message)
            if refusal.status == 429:
                headers["Retry-After"] = refusal.message
        self.calls.append(Call(name, conversation, body, self.world.clock(), status))
        return web.json_response(answer, status=status, headers=headers)

    def _authorise(self, request: web.Request) -> None:
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise TeamsRefusal(401, "Unauthorized", "Authorization has been denied for this request.", fault=True)

    @staticmethod
    async def _body(request: web.Request) -> Json:
        if request.method not in ("POST", "PUT"):
            return {}
        try:
            body = await request.json()
        except ValueError as error:
            raise TeamsRefusal(400, "BadSyntax", "Invalid JSON", fault=True) from error
        except web.HTTPRequestEntityTooLarge as error:
            raise TeamsRefusal(413, "MessageSizeTooBig", "Message size too large.", fault=True) from error
        if not isinstance(body, dict):
            raise TeamsRefusal(400, "BadSyntax", "Not a JSON object", fault=True)
        return body

    def _limit(self, name: str, key: str) -> None:
        if not self.rate_limits:
            return
        windows = self._questions if name == "members" else self._sends
        wait = windows.admit(key, self.world.clock())
        if wait:
            raise TeamsRefusal(429, "Throttled", str(max(1, math.ceil(wait))))

    @staticmethod
    def _refuse_by_fault(fault: Fault) -> web.Response:
        if fault.code:
            return web.json_response(_error(fault.code, fault.code), status=fault.status)
        headers = {"Retry-After": str(fault.retry_after)}
        return web.json_response(_error("Throttled", "Too many requests"), status=429, headers=headers)

    # conversations

    def _create(self, request: web.Request, body: Json) -> tuple[int, object]:
        data = body.get("channelData") or {}
        tenant = (data.get("tenant") or {}).get("id")
        named = request.match_info.get("tenant")
        bot = (body.get("bot") or {}).get("id")
        if bot not in (None, self.world.bot_id):
            raise TeamsRefusal(400, "BadArgument", f"the bot is {self.world.bot_id}", fault=True)
        if body.get("isGroup"):
            return self._create_thread(body, (data.get("channel") or {}).get("id"), named or tenant)
        if not tenant:
            raise TeamsRefusal(400, "BadSyntax", "Could not parse tenant id", fault=True)
        members = body.get("members") or []
        if len(members) != 1:
            raise TeamsRefusal(400, "BadSyntax", "Incorrect conversation creation parameters", fault=True)
        person = self._reachable(str(members[0].get("id")), tenant, named)
        chat = self.world.personal_chat(person)
        self.world.open_to_bot(chat)
        if not body.get("activity"):
            return 201, {"id": chat.id}
        posted = self._post(chat.id, body["activity"], tenant)
        return 201, {"id": chat.id, "activityId": posted["id"]}

    def _create_thread(self, body: Json, channel: str | None, tenant: str | None) -> tuple[int, object]:
        activity = body.get("activity")
        if not channel or not isinstance(activity, dict):
            raise TeamsRefusal(400, "BadSyntax", "Incorrect conversation creation parameters", fault=True)
        posted = self._post(channel, activity, tenant)
        return 201, {"id": thread_id(channel, posted["id"]), "activityId": posted["id"]}

    def _reachable(self, member: str, tenant: str, named: str | None) -> TeamsPerson:
        person = self.world.people.get(member)
        if person is None or person.tenant != tenant or (named and named != tenant):
            raise TeamsRefusal(400, "BadArgument", "Bad user id: only 29: ids of this tenant are members", fault=True)
        if not person.installed:
            raise TeamsRefusal(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
        return person

    # activities

    def _send(self, request: web.Request, body: Json) -> tuple[int, object]:
        """To the end of a conversation, or as an answer: Teams threads by the conversation id alone."""
        if body.get("type") == "typing":
            conversation, _ = self.world.find(request.match_info["conversation"], request.match_info.get("tenant"))
            self.world.open_to_bot(conversation)
            self.world.typing(conversation)
            return 202, {}
        return 201, self._post(request.match_info["conversation"], body, request.match_info.get("tenant"))

    def _post(self, reference: str, activity: Json, tenant: str | None) -> Json:
        conversation, root = self.world.find(reference, tenant)
        self.world.open_to_bot(conversation)
        _check_type(activity)
        check_message(activity)
        return {"id": self.world.post(conversation, self.world.bot_id, activity, root).id}

    def _update(self, request: web.Request, body: Json) -> tuple[int, object]:
        conversation, _ = self.world.find(request.match_info["conversation"], request.match_info.get("tenant"))
        self.world.open_to_bot(conversation)
        _check_type(body)
        check_message(body)
        posted = self.world.own(conversation, request.match_info["activity"])
        self.world.update(posted, body)
        return 200, {"id": posted.id}

    def _delete(self, request: web.Request, body: Json) -> tuple[int, object]:
        conversation, _ = self.world.find(request.match_info["conversation"], request.match_info.get("tenant"))
        self.world.open_to_bot(conversation)
        self.world.delete(conversation, self.world.own(conversation, request.match_info["activity"]))
        return 200, {}

    # rosters

    def _roster(self, request: web.Request) -> list[Json]:
        conversation, _ = self.world.find(request.match_info["conversation"], request.match_info.get("tenant"))
        self.world.open_to_bot(conversation)
        return [person.payload() for person in self.world.members(conversation)]

    def _members(self, request: web.Request, body: Json) -> tuple[int, object]:
        return 200, self._roster(request)

    def _page_of_members(self, request: web.Request, body: Json) -> tuple[int, object]:
        roster = self._roster(request)
        size, start = request.query.get("pageSize", str(_PAGE_MOST)), request.query.get("continuationToken", "0")
        if not (size.isdecimal() and start.isdecimal()):
            raise TeamsRefusal(400, "BadArgument", "pageSize or continuationToken", fault=True)
        first, count = int(start), min(max(int(size), _PAGE_LEAST), _PAGE_MOST)
        page: Json = {"members": roster[first : first + count]}
        if first + count < len(roster):
            page["continuationToken"] = str(first + count)
        return 200, page

    def _member(self, request: web.Request, body: Json) -> tuple[int, object]:
        conversation, _ = self.world.find(request.match_info["conversation"], request.match_info.get("tenant"))
        self.world.open_to_bot(conversation)
        return 200, self.world.member(conversation, request.match_info["member"]).payload()

    async def _shut_down(self, _: web.Application) -> None:
        self.faults.clear()


def _check_type(activity: Json) -> None:
    if activity.get("type") != "message":
        raise TeamsRefusal(400, "BadSyntax", f"an activity of type {activity.get('type')!r}", fault=True)


def _error(code: str, message: str) -> Json:
    """Teams reports a blocked thread in a shape of its own."""
    if code == "MessageWritesBlocked":
        details = json.dumps({"subCode": code, "details": message}, indent=2)
        return {"errorCode": 209, "message": details}
    return {"error": {"code": code, "message": message}}
