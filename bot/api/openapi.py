"""The OpenAPI 3.1 document, made from the table of operations and the shapes' types."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from bot.api.operations import OPERATIONS, Operation, Parameter

_REF = "#/components/schemas/{name}"
_ERRORS = {
    400: "The request is not well-formed.",
    401: "No or a wrong token.",
    403: "Not allowed.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "The ticket cannot make this move now, or somebody else was faster; nothing has changed.",
    413: "The body is too large.",
    422: "A value makes no sense; the message says which and why.",
    503: "The database cannot take a write now; come again after the time of Retry-After.",
}
_OF_BODIES = frozenset({408, 409, 413})
_IF_MATCH = "The version that the change is meant for, as the ETag of the ticket gave it; another one is answered 409."


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """``code`` is for programs, ``message`` for people; the rest as far as it applies.

    ``field`` is what is wrong, ``choices`` what it can be; ``legal`` are the verbs that the ticket understands now;
    ``version`` is the ticket's, ``expected`` the one that was asked for; ``reference`` finds the error in the log.
    """

    code: str
    message: str
    field: str | None = None
    choices: list[str] | str | None = None
    legal: list[str] | None = None
    version: int | None = None
    expected: int | None = None
    limit: int | None = None
    reference: str | None = None


class ErrorBody(msgspec.Struct):
    error: ErrorDetail


@cache
def document() -> dict[str, Any]:
    types = [kind for entry in OPERATIONS for kind in (entry.takes, entry.gives) if kind is not None]
    _, components = msgspec.json.schema_components([*dict.fromkeys(types), ErrorBody], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for entry in OPERATIONS:
        paths.setdefault(entry.path, {})[entry.method.lower()] = _operation(entry)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deskbell",
            "version": "1",
            "description": "Tickets, alerts and their story. Times are RFC 3339 in UTC, durations are seconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "DESKBELL_API_TOKEN"}},
        },
    }


def _operation(entry: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": entry.name,
        "summary": entry.about,
        "tags": [entry.path.split("/")[3]],
        "responses": {str(entry.status): _success(entry), **_failures(entry)},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in re.findall(r"\{(\w+)\}", entry.path)
    ]
    parameters += [_parameter(parameter) for parameter in entry.parameters]
    if entry.heeds_version:
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": _IF_MATCH})
    if parameters:
        described["parameters"] = parameters
    if entry.takes is not None:
        described["requestBody"] = {"required": not entry.body_optional, "content": _json(entry.takes.__name__)}
    return described


def _success(entry: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done.", "content": _json(entry.gives.__name__)}
    if "version" in entry.gives.__struct_fields__:
        answer["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The version of the ticket."}}
    return answer


def _failures(entry: Operation) -> dict[str, Any]:
    return {
        str(status): {"description": text, "content": _json("ErrorBody")}
        for status, text in _ERRORS.items()
        if entry.method == "POST" or status not in _OF_BODIES
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.minimum is not None:
        schema["minimum"] = parameter.minimum
    if parameter.maximum is not None:
        schema["maximum"] = parameter.maximum
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "schema": schema,
    }
    if parameter.several:
        described |= {"schema": {"type": "array", "items": schema}, "style": "form", "explode": False}
    return described
