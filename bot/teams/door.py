"""The Teams door: ``POST /api/messages``.

Checked, parsed, done once, answered: an invoke with its body, anything else with an empty 200.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from bot.commands.call import Dispatcher
from bot.teams import answers
from bot.teams.adapter import DeskAdapter
from bot.teams.auth import Caller, Claims, Gate, Refused
from bot.teams.bot import DeskBot, Placed
from bot.teams.connector import Connector
from bot.teams.credentials import TokenUnavailable
from bot.teams.doubles import Doubles
from bot.teams.incoming import Incoming, Malformed, parse
from bot.teams.invokes import CARD_ACTION, READS, is_refresh
from bot.teams.keys import KeysUnavailable, SigningKeys
from bot.teams.once import Busy, Once
from bot.teams.people import People
from bot.teams.places import Places
from bot.teams.readers import Readers
from bot.teams.threads import ThreadNotes
from core.config.settings import Settings
from core.conversations import ConversationBook
from core.errors import StoreUnavailable
from core.people import Directory
from core.ports import Memory
from core.threads import Threads

PATH = "/api/messages"
LARGEST_BODY = 256 * 1024
_READ_SECONDS = 15
# Teams shows "Unable to reach app" after five.
_INVOKE_SECONDS = 4.0
_EFFECTS = frozenset({"message", "invoke", "installationUpdate"})
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
_log = logging.getLogger(__name__)


class _Reply(msgspec.Struct, frozen=True):
    status: int = 200
    body: Any = None


class _Failed(Exception):
    """A turn that is to be done again if Teams asks again; ``reply`` is for this time."""

    def __init__(self, reply: _Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class TeamsDoor:
    """``now`` gives timezone-aware UTC. ``connector`` is shared with the notifier where there is one.

    ``placed`` hears of every ticket card that was posted as an answer. Without ``threads`` nothing is noted of what is
    said below cards.
    """

    def __init__(
        self,
        settings: Settings,
        dispatch: Dispatcher,
        people: Directory,
        book: ConversationBook,
        session: aiohttp.ClientSession,
        seen: Memory,
        now: Callable[[], datetime],
        *,
        connector: Connector | None = None,
        placed: Placed | None = None,
        threads: Threads | None = None,
    ) -> None:
        self._settings = settings
        self.connector = connector or Connector(settings.msteams, session)
        self._keys = SigningKeys(session, settings.msteams.open_id_metadata, now)
        self._gate = Gate(settings.msteams, self._keys)
        known = People(settings, people, self.connector)
        bot = DeskBot(settings, dispatch, known, Places(book), Readers(settings, people), placed)
        notes = ThreadNotes(settings, threads, known, now) if threads is not None else None
        self._known, self._doubles = known, Doubles(now)
        self._adapter = DeskAdapter(self.connector, bot, notes)
        self._once: Once[_Reply] = Once(seen)
        self._warming: asyncio.Task[None] | None = None

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.handle)

    async def start(self) -> None:
        """Fetch keys and a token ahead of the first message, without waiting for them."""
        if self._settings.msteams.app_id:
            self._warming = asyncio.get_running_loop().create_task(self._warm())

    async def close(self) -> None:
        """Finish what is under way, within the configured time."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        await self._once.drain(self._settings.server.drain)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            claims, incoming = await self._admitted(request)
            reply = await self._in_time(
                incoming, self._once.run(self._key(incoming), lambda: self._turn(incoming, claims))
            )
        except Refused as refused:
            _log.warning("refused a request of %s: %s", _peer(request), refused.code)
            reply = _Reply(refused.status, answers.error(refused.code, "not accepted"))
        except Malformed as malformed:
            _log.info("not an activity: %s", malformed)
            reply = _Reply(400, answers.error("BadRequest", "not an activity"))
        except (Busy, StoreUnavailable):
            reply = _Reply(503, answers.error("Busy", "try again"))
        except _Failed as failed:
            reply = failed.reply
        return _response(reply or _Reply())

    async def _admitted(self, request: web.Request) -> tuple[Claims | None, Incoming]:
        """The token first, which needs nothing of the body. Raises Refused and Malformed."""
        if request.content_type != "application/json":
            raise Refused(415, "content_type")
        claims = await self._gate.verify(_caller(request))
        incoming = parse(await _body(request))
        self._gate.accept(claims, incoming)
        return claims, incoming

    async def _in_time(self, incoming: Incoming, work: Awaitable[_Reply | None]) -> _Reply | None:
        """The reply, or to an invoke that takes too long a word that it goes on; asked again, it has the reply."""
        if incoming.type != "invoke":
            return await work
        try:
            async with asyncio.timeout(_INVOKE_SECONDS):
                return await work
        except TimeoutError:
            _log.warning("an answer to %r was too slow, and goes on", (incoming.name or "")[:60])
            words = self._known.words(incoming, None)
            return _Reply(200, answers.late(incoming.name or "", words))

    def _key(self, incoming: Incoming) -> str | None:
        """What names the activity, or the one that it doubles; None for those that may be done again."""
        key = _key(incoming)
        return self._doubles.key(incoming, key) if key else None

    async def _turn(self, incoming: Incoming, claims: Claims | None) -> _Reply:
        response = await self._adapter.run(incoming, claims)
        if response is None:
            return _Reply()
        reply = _Reply(int(response.status), response.body)
        if reply.status >= 500:
            raise _Failed(reply)
        return reply

    async def _warm(self) -> None:
        await asyncio.gather(_tried(self._keys.get("")), _tried(self.connector.credentials.token()))


async def _tried(work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except (KeysUnavailable, TokenUnavailable) as error:
        _log.warning("not ready for the first message: %s", error)


def _caller(request: web.Request) -> Caller:
    return Caller(
        authorization=request.headers.get("Authorization"),
        peer=_peer(request),
        host=request.url.host,
        forwarded=any(name in request.headers for name in _PROXY_HEADERS),
    )


def _peer(request: web.Request) -> str | None:
    """The address at the other end of the connection, whatever the request says of itself."""
    name = request.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) and name else None


async def _body(request: web.Request) -> bytes:
    """Raises Refused for one that is too large, too slow or broken."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise Refused(413, "too_large")
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refused(413, "too_large")
    except TimeoutError:
        raise Refused(408, "too_slow") from None
    except (web.RequestPayloadError, aiohttp.ClientPayloadError):
        raise Refused(400, "broken_body") from None
    return bytes(body)


def _key(incoming: Incoming) -> str | None:
    """What names the activity, if it has an effect; None for those that may be done again."""
    if incoming.type not in _EFFECTS or incoming.name in READS or not incoming.id:
        return None
    if incoming.name == CARD_ACTION and is_refresh(incoming.value):
        return None
    name = msgspec.json.encode((incoming.conversation.id, incoming.type, incoming.name, incoming.id))
    return f"teams:{hashlib.sha256(name).hexdigest()}"


def _response(reply: _Reply) -> web.Response:
    headers = {"Retry-After": "5"} if reply.status == 503 else {}
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    body = msgspec.json.encode(reply.body)
    return web.Response(status=reply.status, body=body, content_type="application/json", headers=headers)
