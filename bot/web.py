"""HTTP: health, metrics and webhooks, and what every answer has in common.

A webhook's sender is proved before its body is looked at, and answered only when the desk has everything on disk. Many
senders drop an alert for ever on a 4xx, so what is authentic but not understood is accepted with its problem named.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import SecretStr

from bot.bodies import CannotUnpack, Refused, read_body, unpacked
from bot.metrics import Metrics
from core.config.settings import SourceSettings
from core.desk.desk import Desk
from core.errors import DeskError, StoreUnavailable
from core.i18n import Words
from core.integrations.normal import NotUnderstood, read_json
from core.integrations.pagerduty_events import dedup_key
from core.integrations.proof import PROVED_BY_BODY, offered_tokens, proves, proves_by_body, without_routing_key
from core.model import RawDelivery, Receipt

_log = logging.getLogger(__name__)
_ENGLISH = Words()
_KEPT_HEADERS = ("User-Agent", "Idempotency-Key")
_RETRY_SECONDS = 5
_RETRY_AFTER: dict[str, str] = {hdrs.RETRY_AFTER: str(_RETRY_SECONDS)}
_STORED = frozenset({201, 202})  # Answers that are given only for what is on the disk.
_SAID_FACTS = ("field", "version", "expected", "legal", "choices")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json", headers=headers)


def refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """The one error body of all of HTTP."""
    return json({"error": {"code": code, "message": message, **more}}, status, headers)


def desk_refusal(error: DeskError) -> web.Response:
    facts = {name: value for name, value in error.facts.items() if name in _SAID_FACTS}
    headers = _RETRY_AFTER if isinstance(error, StoreUnavailable) else None
    return refusal(error.http_status, error.key.removeprefix("error."), explained(error), headers, **facts)


def explained(error: DeskError) -> str:
    """The English sentence for programs and their authors."""
    why = error.facts.get("why")
    if why is None:
        return _ENGLISH.error(error)
    key, field = f"error.field.{why}", error.facts["field"]
    if not _ENGLISH.has(key):
        return f"{field}: {str(why).replace('_', ' ')}"
    facts = {name: value for name, value in error.facts.items() if name not in ("field", "why")}
    return f"{field}: {_ENGLISH.say(key, facts, str)}"


def _http_refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    """What the router found wrong."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{request.method[:20]} is not possible here; {allowed} is"
        return refusal(405, "method_not_allowed", message, {hdrs.ALLOW: allowed})
    if error.status == 404:
        return refusal(404, "not_found", "there is nothing at this address")
    return refusal(error.status, (error.reason or "error").lower().replace(" ", "_"), error.reason or "")


class Storing:
    """Whether what comes in can be stored, as far as requests have shown.

    A disk that is all but full may take a small write and refuse a large one, so a refusal counts as long as its sender
    is told to wait, unless something was stored since.
    """

    def __init__(self) -> None:
        self._refused_at: float | None = None

    def refused(self) -> None:
        self._refused_at = time.monotonic()

    def stored(self) -> None:
        self._refused_at = None

    @property
    def is_refused(self) -> bool:
        return self._refused_at is not None and time.monotonic() - self._refused_at < _RETRY_SECONDS


_STORING = web.AppKey("storing", Storing)


def guard(metrics: Metrics) -> Any:
    """Counts every request and turns what went wrong into an answer without a trace."""

    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except StoreUnavailable as error:
            request.app[_STORING].refused()
            return desk_refusal(error)
        except DeskError as error:
            return desk_refusal(error)
        except Refused as refused:
            return refusal(refused.status, refused.code, refused.message, refused.headers, **refused.more)
        except web.HTTPException as error:
            return _http_refusal(request, error)
        except (asyncio.CancelledError, ConnectionResetError):
            raise
        except Exception:
            reference = uuid.uuid4().hex[:8]
            _log.exception("%s %s failed (reference %s)", request.method, request.path, reference)
            return refusal(500, "internal", "Something went wrong on Deskbell's side", reference=reference)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await answered(request, handler)
        if response.status in _STORED:
            request.app[_STORING].stored()
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        metrics.observe_request(route, response.status, time.perf_counter() - started)
        return response

    return middleware


class _WithoutRequest(logging.Filter):
    """Leaves out what exactly was not HTTP: the first line of a request may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.exc_info = None
        return True


def server_of(app: web.Application, drain: float) -> web.AppRunner:
    """The server of ``app``, not yet listening. ``drain``: seconds that open requests have when it stops."""
    log = logging.getLogger("deskbell.http")
    if not any(isinstance(known, _WithoutRequest) for known in log.filters):
        log.addFilter(_WithoutRequest())
    return web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=drain, auto_decompress=False, logger=log
    )


class Webhooks:
    """``POST /webhooks/{source}``."""

    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics
        self._intake = desk.settings.intake

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/webhooks/{source}", self.receive)
        for name, source in self._desk.policy.sources.items():
            if source.kind == "cloudevents":
                app.router.add_options(f"/webhooks/{name}", self.allow)

    async def receive(self, request: web.Request) -> web.Response:
        name = request.match_info["source"]
        source = self._desk.policy.sources.get(name)
        if source is None:
            raise self._unknown(request, name)
        headers = {header: _clean(request.headers[header]) for header in _KEPT_HEADERS if header in request.headers}
        body = await self._proved_body(request, source, headers)
        if source.kind == "cloudevents":
            headers |= {
                name.lower(): _clean(value) for name, value in request.headers.items() if name[:3].lower() == "ce-"
            }
        delivery = RawDelivery(
            source=name,
            body=body,
            content_type=_clean(request.headers.get(hdrs.CONTENT_TYPE, "")),
            headers=headers,
            received_at=self._desk.clock.now(),
            key=headers.get("Idempotency-Key") or None,
        )
        receipt = await self._desk.intake.accept(delivery)
        self._count(name, receipt)
        answer = _answer(receipt)
        if source.kind == "pagerduty_events" and receipt.problem is None:
            answer |= {"status": "success", "message": "Event processed", "dedup_key": _dedup_key(body)}
        return json(answer, 202)

    async def allow(self, request: web.Request) -> web.Response:
        """The handshake by which a sender of CloudEvents asks whether it may send.
        https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
        """
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise web.HTTPMethodNotAllowed(hdrs.METH_OPTIONS, [hdrs.METH_POST])
        allowed = {"WebHook-Allowed-Origin": _clean(origin)[:256], "WebHook-Allowed-Rate": "*", hdrs.ALLOW: "POST"}
        return web.Response(headers=allowed)

    async def _proved_body(self, request: web.Request, source: SourceSettings, headers: dict[str, str]) -> bytes:
        """The body of a sender that is proved, before it is read where that is possible. Raises ``Refused``."""
        token = source.token or self._desk.settings.webhook_token
        if _is_proved(request, token):
            return await self._body(request, headers)
        if token is not None and token.get_secret_value() and source.kind in PROVED_BY_BODY:
            body = await self._body(request, headers)
            if proves_by_body(source.kind, request.headers, body, token.get_secret_value(), self._desk.clock.now()):
                return without_routing_key(body) if source.kind == "pagerduty_events" else body
        raise Refused(401, "unauthorized", "no or wrong proof of sender", {hdrs.WWW_AUTHENTICATE: "Bearer"})

    async def _body(self, request: web.Request, headers: dict[str, str]) -> bytes:
        """The body unpacked; one that cannot be stays as it is, with its encoding noted, to become a dead letter."""
        limit = self._intake.max_body
        body = await read_body(request, limit, self._intake.read_timeout)
        encoding = request.headers.get(hdrs.CONTENT_ENCODING)
        if encoding is None:
            return body
        try:
            return await unpacked(body, encoding, limit)
        except CannotUnpack:
            headers["Content-Encoding"] = _clean(encoding)
            return body

    def _unknown(self, request: web.Request, name: str) -> Refused:
        """Names the sources to senders that are proved, and to nobody else."""
        message = f"there is no source {name[:64]!r}"
        if _is_proved(request, self._desk.settings.webhook_token):
            message += f"; known: {', '.join(sorted(self._desk.policy.sources))}"
        return Refused(404, "unknown_source", message)

    def _count(self, source: str, receipt: Receipt) -> None:
        outcome = "problem" if receipt.problem else "ignored" if receipt.ignored else "accepted"
        self._metrics.observe_delivery(source, outcome, receipt.received)


def _is_proved(request: web.Request, token: SecretStr | None) -> bool:
    if token is None or not token.get_secret_value():
        return False
    return proves(offered_tokens(request.headers, request.query), token.get_secret_value())


def _clean(header: str) -> str:
    """A header's text without what is not UTF-8, which no database takes."""
    return header if header.isascii() else header.encode("utf-8", "replace").decode()


def _dedup_key(body: bytes) -> str | None:
    try:
        return dedup_key(read_json(body))
    except NotUnderstood:
        return None


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
    storing = app[_STORING] = Storing()

    async def healthz(_: web.Request) -> web.Response:
        return json({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        """Ready means: the database takes a write now, and no request was just refused for want of one."""
        try:
            async with asyncio.timeout(2):
                await desk.seen.first_time("readyz", 0)
        except (StoreUnavailable, TimeoutError):
            return _not_ready()
        return _not_ready() if storing.is_refused else json({"status": "ok"})

    async def metrics_text(_: web.Request) -> web.Response:
        metrics.database_ready.set(1 if desk.database.healthy and not storing.is_refused else 0)
        return web.Response(
            body=metrics.text(), headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}
        )

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_text)


def _not_ready() -> web.Response:
    reason = "the database cannot take a write"
    return json({"status": "unavailable", "reason": reason}, 503, _RETRY_AFTER)
