"""Routes of the API: proof, parameters and body are checked here, once for every call."""

from __future__ import annotations

import hmac
import re
from typing import Any

import msgspec
from aiohttp import hdrs, web

from bot.api import records, tickets  # noqa: F401 -- enter their operations
from bot.api.docs import docs_page
from bot.api.openapi import document
from bot.api.operations import OPERATIONS, Asked, Operation, Parameter
from bot.api.wrong import not_fitting
from bot.bodies import CannotUnpack, Refused, read_body, unpacked
from bot.web import json
from core.desk.desk import Desk

_LARGEST_ID = 2**63 - 1
_LARGEST_BODY = 1024 * 1024
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # The escape, unless its backslash is escaped itself.
_NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}


def add_api_routes(app: web.Application, desk: Desk) -> None:
    for entry in OPERATIONS:
        answer = _Route(desk, entry).answer
        app.router.add_route(entry.method, entry.path, answer)
        if entry.method == "GET":
            app.router.add_route("HEAD", entry.path, answer)

    async def openapi(_: web.Request) -> web.Response:
        return json(document())

    app.router.add_get("/api/openapi.json", openapi)
    app.router.add_get("/api/docs", docs_page)


class _Route:
    def __init__(self, desk: Desk, entry: Operation) -> None:
        self._desk = desk
        self._entry = entry
        self._known = {parameter.name: parameter for parameter in entry.parameters}
        self._decoder = msgspec.json.Decoder(entry.takes) if entry.takes is not None else None

    async def answer(self, request: web.Request) -> web.Response:
        self._prove(request)
        path = {name: _number(value) for name, value in request.match_info.items()}
        asked = Asked(request, path, self._query(request), await self._body(request))
        given = await self._entry.handler(self._desk, asked)
        headers = {**_NO_STORE, hdrs.ETAG: f'"{given.version}"'} if hasattr(given, "version") else _NO_STORE
        body = msgspec.json.encode(given)
        return web.Response(body=body, status=self._entry.status, content_type="application/json", headers=headers)

    def _prove(self, request: web.Request) -> None:
        token = self._desk.settings.api_token
        if token is None or not token.get_secret_value():
            raise _unauthorized("the API is off: DESKBELL_API_TOKEN is not set")
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        right = token.get_secret_value().encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), right):
            raise _unauthorized("no or a wrong bearer token")

    def _query(self, request: web.Request) -> dict[str, Any]:
        query: dict[str, Any] = {}
        for name in dict.fromkeys(request.query):
            parameter = self._known.get(name)
            if parameter is None:
                known = ", ".join(self._known) or "none"
                message = f"{name[:64]!r} is no parameter of this call; known: {known}"
                raise Refused(400, "unknown_parameter", message, field=name[:64])
            texts = request.query.getall(name)
            if len(texts) > 1 and not parameter.several:
                raise Refused(400, "bad_parameter", f"{name} is given more than once", field=name)
            text = ",".join(texts)
            if "\0" in text:
                raise Refused(400, "bad_parameter", f"{name} holds a NUL character", field=name)
            if text.strip(","):
                query[name] = _value(parameter, text)
        return query

    async def _body(self, request: web.Request) -> Any:
        if self._decoder is None:
            return None
        raw = await read_body(request, _LARGEST_BODY, self._desk.settings.intake.read_timeout)
        try:
            raw = await unpacked(raw, request.headers.get(hdrs.CONTENT_ENCODING, ""), _LARGEST_BODY)
        except CannotUnpack as error:
            raise Refused(400, "bad_body", str(error)) from error
        if not raw.strip() and self._entry.body_optional:
            raw = b"{}"
        if _NUL.search(raw):
            raise Refused(422, "bad_field", "a text holds a NUL character (\\u0000)")
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise not_fitting(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(400, "not_json", f"the body is not JSON: {error}") from error
        except RecursionError as error:
            raise Refused(400, "not_json", "the body is nested too deeply") from error


def _unauthorized(message: str) -> Refused:
    return Refused(401, "unauthorized", message, {hdrs.WWW_AUTHENTICATE: "Bearer"})


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not 0 < int(text) <= _LARGEST_ID:
        raise Refused(404, "not_found", f"there is no number {text[:40]!r}")
    return int(text)


def _value(parameter: Parameter, text: str) -> Any:
    """What the text of a parameter means. Raises ``Refused`` 422."""
    if parameter.kind == "integer":
        return _integer(parameter, text)
    if not parameter.choices:
        return text
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    wrong = [word for word in words if word not in parameter.choices]
    if wrong or (len(words) != 1 and not parameter.several):
        message = f"{parameter.name}: {text[:64]!r} is not one of {', '.join(parameter.choices)}"
        raise Refused(422, "bad_parameter", message, field=parameter.name, choices=parameter.choices)
    return words if parameter.several else words[0]


def _integer(parameter: Parameter, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(422, "bad_parameter", f"{parameter.name}: a whole number is expected", field=parameter.name)
    number = int(text)
    if parameter.minimum is not None and number < parameter.minimum:
        raise Refused(422, "bad_parameter", f"{parameter.name}: at least {parameter.minimum}", field=parameter.name)
    if parameter.maximum is not None and number > parameter.maximum:
        raise Refused(422, "bad_parameter", f"{parameter.name}: at most {parameter.maximum}", field=parameter.name)
    return number
