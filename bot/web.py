"""HTTP: health, metrics and webhooks, and what every answer has in common.

A webhook's sender is proved before its body is looked at, and answered only when the desk has everything on disk. Many
senders drop an alert for ever on a 4xx, so what is authentic but not understood is accepted with its problem named.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import hdrs, web
from pydantic import SecretStr

from bot.metrics import Metrics
from core.config.settings import SourceSettings
from core.desk.desk import Desk
from core.errors import DeskError, StoreUnavailable
from core.i18n import Words
from core.integrations.proof import offered_tokens, proves
from core.model import RawDelivery, Receipt

_log = logging.getLogger(__name__)
_ENGLISH = Words()
_KEPT_HEADERS = ("User-Agent", "Idempotency-Key")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json", headers=headers)


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    """The one error body of all of HTTP."""
    return json({"error": {"code": code, "message": message, **more}}, status, headers)


def desk_refusal(error: DeskError) -> web.Response:
    facts = {name: value for name, value in error.facts.items() if name in ("field", "version", "expected", "legal")}
    headers = {"Retry-After": "5"} if isinstance(error, StoreUnavailable) else None
    return refusal(error.http_status, error.key.removeprefix("error."), explained(error), headers, **facts)


def explained(error: DeskError) -> str:
    """The English sentence for programs and their authors."""
    if "why" in error.facts:
        facts = {name: value for name, value in error.facts.items() if name not in ("field", "why")}
        why = _ENGLISH.say(f"error.field.{error.facts['why']}", facts, str)
        return f"{error.facts['field']}: {why}"
    return _ENGLISH.error(error)


def guard(metrics: Metrics) -> Any:
    """Counts every request and turns what went wrong into an answer without a trace."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except DeskError as error:
            response = desk_refusal(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = refusal(error.status, (error.reason or "error").lower().replace(" ", "_"), error.reason or "")
            if hdrs.ALLOW in error.headers:
                response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        except (asyncio.CancelledError, ConnectionResetError):
            raise
        except Exception:
            reference = uuid.uuid4().hex[:8]
            _log.exception("%s %s failed (reference %s)", request.method, request.path, reference)
            response = refusal(500, "internal", "Something went wrong on Deskbell's side", reference=reference)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        metrics.observe_request(route, response.status, time.perf_counter() - started)
        return response

    return middleware


class Webhooks:
    """``POST /webhooks/{source}``."""

    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics
        self._intake = desk.settings.intake

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/webhooks/{source}", self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        name = request.match_info["source"]
        source = self._desk.policy.sources.get(name)
        if source is None:
            return refusal(404, "unknown_source", f"there is no source {name[:64]!r}; known: {self._known()}")
        if not self._is_proved(request, source):
            return refusal(401, "unauthorized", "no or wrong proof of sender", {hdrs.WWW_AUTHENTICATE: "Bearer"})
        try:
            body = await self._body(request)
        except TimeoutError:
            return refusal(408, "timeout", "the body did not arrive in time")
        delivery = RawDelivery(
            source=name,
            body=body,
            content_type=request.headers.get(hdrs.CONTENT_TYPE, ""),
            headers={header: request.headers[header] for header in _KEPT_HEADERS if header in request.headers},
            received_at=self._desk.clock.now(),
            key=request.headers.get("Idempotency-Key"),
        )
        receipt = await self._desk.intake.accept(delivery)
        self._count(name, receipt)
        return json(_answer(receipt), 202)

    async def _body(self, request: web.Request) -> bytes:
        """The whole body; raises TimeoutError for a sender that takes too long."""
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(self._intake.read_timeout):
            return await request.read()

    def _is_proved(self, request: web.Request, source: SourceSettings) -> bool:
        token: SecretStr | None = source.token or self._desk.settings.webhook_token
        if token is None:
            return False
        return proves(offered_tokens(request.headers, request.query), token.get_secret_value())

    def _known(self) -> str:
        return ", ".join(sorted(self._desk.policy.sources))

    def _count(self, source: str, receipt: Receipt) -> None:
        outcome = "problem" if receipt.problem else "ignored" if receipt.ignored else "accepted"
        self._metrics.observe_delivery(source, outcome, receipt.received)


def _answer(receipt: Receipt) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "delivery": receipt.delivery,
        "received": receipt.received,
        "tickets": list(receipt.tickets),
    }
    if receipt.ignored:
        answer["ignored"] = receipt.ignored
    if receipt.problem:
        problem = receipt.problem
        answer["problem"] = {"code": problem.code, "message": problem.message, "path": problem.path}
    return answer


def add_health_routes(app: web.Application, desk: Desk, metrics: Metrics) -> None:
    async def healthz(_: web.Request) -> web.Response:
        return json({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        """Ready means: the database takes a write now."""
        try:
            async with asyncio.timeout(2):
                await desk.database.write(lambda session: None)
        except (StoreUnavailable, TimeoutError):
            return json(
                {"status": "unavailable", "reason": "the database cannot take a write"}, 503, {"Retry-After": "5"}
            )
        return json({"status": "ok"})

    async def metrics_text(_: web.Request) -> web.Response:
        metrics.database_ready.set(1 if desk.database.healthy else 0)
        return web.Response(
            body=metrics.text(), headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}
        )

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_text)
