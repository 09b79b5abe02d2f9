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
    409: "The ticket cannot make this move now, or somebody else was faster; nothing has changed.",
    422: "A value makes no sense; the message says which and why.",
    503: "The database cannot take a write now.",
}


class ErrorDetail(msgspec.Struct):
    code: str
    message: str


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
        "responses": {
            str(entry.status): {"description": "Done.", "content": _json(entry.gives.__name__)},
            **{str(status): {"description": text, "content": _json("ErrorBody")} for status, text in _ERRORS.items()},
        },
    }
    path_names = re.findall(r"\{(\w+)\}", entry.path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in path_names
    ]
    parameters += [_parameter(parameter) for parameter in entry.parameters]
    if entry.method == "POST" and "{id}" in entry.path and entry.path.startswith("/api/v1/tickets"):
        about = "The version that the change is meant for; another one is answered 409."
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": about})
    if parameters:
        described["parameters"] = parameters
    if entry.takes is not None:
        described["requestBody"] = {"required": not entry.body_optional, "content": _json(entry.takes.__name__)}
    return described


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind}
    if parameter.minimum is not None:
        schema["minimum"] = parameter.minimum
    if parameter.maximum is not None:
        schema["maximum"] = parameter.maximum
    return {"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema}
