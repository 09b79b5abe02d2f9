"""Routes of the API: proof, parameters and body are checked here, once for every call."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
from aiohttp import hdrs, web

from bot.api import records, tickets  # noqa: F401 -- enter their operations
from bot.api.docs import docs_page
from bot.api.openapi import document
from bot.api.operations import OPERATIONS, Asked, Operation, Parameter
from bot.web import json, refusal
from core.desk.desk import Desk

_LARGEST_ID = 2**63 - 1


def add_api_routes(app: web.Application, desk: Desk) -> None:
    for entry in OPERATIONS:
        app.router.add_route(entry.method, entry.path, _Route(desk, entry).answer)

    async def openapi(_: web.Request) -> web.Response:
        return json(document())

    app.router.add_get("/api/openapi.json", openapi)
    app.router.add_get("/api/docs", docs_page)


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


class _Route:
    def __init__(self, desk: Desk, entry: Operation) -> None:
        self._desk = desk
        self._entry = entry
        self._decoder = msgspec.json.Decoder(entry.takes) if entry.takes is not None else None

    async def answer(self, request: web.Request) -> web.Response:
        try:
            self._prove(request)
            path = {name: _id(value) for name, value in request.match_info.items()}
            asked = Asked(request, path, self._query(request), await self._body(request))
        except _Refused as refused:
            headers = {hdrs.WWW_AUTHENTICATE: "Bearer"} if refused.status == 401 else None
            return refusal(refused.status, refused.code, refused.message, headers, **refused.more)
        given = await self._entry.handler(self._desk, asked)
        headers = {hdrs.ETAG: f'"{given.version}"'} if hasattr(given, "version") else None
        body = msgspec.json.encode(given)
        return web.Response(body=body, status=self._entry.status, content_type="application/json", headers=headers)

    def _prove(self, request: web.Request) -> None:
        token = self._desk.settings.api_token
        if token is None:
            raise _Refused(401, "unauthorized", "the API is off: DESKBELL_API_TOKEN is not set")
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        right = token.get_secret_value().encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), right):
            raise _Refused(401, "unauthorized", "no or a wrong bearer token")

    def _query(self, request: web.Request) -> dict[str, Any]:
        known = {parameter.name: parameter for parameter in self._entry.parameters}
        query: dict[str, Any] = {}
        for name, text in request.query.items():
            if name not in known:
                raise _Refused(400, "unknown_parameter", f"{name[:64]!r} is no parameter of this call", field=name[:64])
            if text != "":
                query[name] = _parameter(known[name], text)
        return query

    async def _body(self, request: web.Request) -> Any:
        if self._decoder is None:
            return None
        raw = await request.read()
        if not raw.strip() and self._entry.body_optional:
            raw = b"{}"
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$.")
            field = path.rstrip("`") or None
            raise _Refused(422, "bad_field", f"{field}: {text}" if field else text, field=field) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _Refused(400, "not_json", f"the body is not JSON: {error}") from error


def _id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _LARGEST_ID:
        raise _Refused(404, "not_found", f"{text[:40]!r} is no number of a ticket")
    return int(text)


def _parameter(parameter: Parameter, text: str) -> Any:
    if parameter.kind == "string":
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise _Refused(400, "bad_parameter", f"{parameter.name} is a whole number", field=parameter.name)
    number = int(text)
    if parameter.minimum is not None and number < parameter.minimum:
        raise _Refused(400, "bad_parameter", f"{parameter.name} is at least {parameter.minimum}", field=parameter.name)
    if parameter.maximum is not None and number > parameter.maximum:
        raise _Refused(400, "bad_parameter", f"{parameter.name} is at most {parameter.maximum}", field=parameter.name)
    return number
