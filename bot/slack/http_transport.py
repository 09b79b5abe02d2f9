"""Slack over HTTP: one address for commands, clicks, submissions and events.

In this order: size, proof, shape, replay; only then does anything read the payload. Whatever is wrong is answered with
a status and a word, never with a trace.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.response import BoltResponse

from bot.slack import payloads, signature
from bot.slack.answers import trouble
from bot.slack.inflight import Inflight
from core.config.settings import Settings
from core.errors import StoreUnavailable
from core.ports import Memory

PATH = "/slack/events"
BODY_LIMIT = 1024 * 1024
_REPLAY_SECONDS = 600
_SSL_CHECK_LIMIT = 2000

_log = logging.getLogger(__name__)
Dispatch = Callable[[dict[str, Any]], Coroutine[Any, Any, BoltResponse]]


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class HttpTransport:
    def __init__(
        self, settings: Settings, dispatch: Dispatch, seen: Memory, inflight: Inflight, now: Callable[[], datetime]
    ) -> None:
        self._secret = settings.slack.signing_secret
        self._read_seconds = settings.intake.read_timeout
        self._dispatch, self._seen, self._inflight, self._now = dispatch, seen, inflight, now
        self.closing = False

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.handle)
        app.router.add_get(PATH, self._certificate_check)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._handle(request)
        except Refused as refusal:
            return await to_aiohttp_response(trouble(refusal.status, refusal.code))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._secret is None:
            raise Refused(404, "slack_over_http_is_off")
        if self.closing:
            raise Refused(503, "closing")
        body = await self._body(request)
        if _is_ssl_check(body):
            return web.Response()
        proof = self._proof(request, body, self._secret.get_secret_value())
        try:
            payload = payloads.decode(body, request.headers.get("Content-Type", ""))
        except payloads.Malformed as error:
            _log.warning("a signed request from Slack was not understood: %s", error)
            raise Refused(400, error.code) from None
        await self._refuse_replay(payload, proof)
        try:
            return await to_aiohttp_response(await self._inflight.run(self._dispatch(payload)))
        except payloads.Malformed as error:
            raise Refused(400, error.code) from None

    async def _body(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > BODY_LIMIT:
            raise Refused(413, "body_too_large")
        body = bytearray()
        try:
            async with asyncio.timeout(self._read_seconds):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        raise Refused(413, "body_too_large")
        except TimeoutError:
            raise Refused(408, "body_too_slow") from None
        return bytes(body)

    def _proof(self, request: web.Request, body: bytes, secret: str) -> str:
        timestamp, given = (request.headers.get(f"X-Slack-{name}") for name in ("Request-Timestamp", "Signature"))
        try:
            return signature.verify(secret, timestamp, given, body, self._now())
        except signature.BadSignature as error:
            _log.warning("a request to %s without a good signature: %s", PATH, error.code)
            raise Refused(401, error.code) from None

    async def _refuse_replay(self, payload: dict[str, Any], proof: str) -> None:
        """The same signed bytes count once. Events come again by design, and are told apart by their own id."""
        if payload.get("type") == "event_callback":
            return
        try:
            first = await self._seen.first_time(f"slack:request:{proof}", _REPLAY_SECONDS)
        except StoreUnavailable:
            raise Refused(503, "store_unavailable") from None
        if not first:
            raise Refused(401, "replayed_request")

    async def _certificate_check(self, request: web.Request) -> web.Response:
        """Slack looks at the certificate now and then: https://docs.slack.dev/interactivity/implementing-slash-commands"""
        if request.query.get("ssl_check") != "1":
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        return web.Response()


def _is_ssl_check(body: bytes) -> bool:
    """Unsigned by design, and without effect; anything else that comes along with it makes it no check."""
    if len(body) > _SSL_CHECK_LIMIT or b"ssl_check" not in body:
        return False
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return form.get("ssl_check") == ["1"] and form.keys() <= {"ssl_check", "token"}
