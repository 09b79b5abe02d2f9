"""Holds every answer of the API against the OpenAPI document that the service itself publishes.

Strictly: an answer must have a documented status and shape and no undocumented field, and a body that was taken must be
one that the document allows.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from bot.api.openapi import document
from tests.running_service import Answer


def check_answer(method: str, path: str, sent: Any, answer: Answer) -> None:
    """``path`` is below the root, with its query; ``sent`` the JSON body or None."""
    call = _call(method, path.split("?", 1)[0])
    if method == "HEAD":
        assert answer.body == b""
        return
    assert answer.headers["Content-Type"].startswith("application/json")
    if call is None or answer.status == 405:
        _fits("ErrorBody", answer.json)
        return
    assert str(answer.status) in call["responses"], f"{method} {path} answered {answer.status}: {answer.text[:500]}"
    shape = call["responses"][str(answer.status)]["content"]["application/json"]["schema"]["$ref"]
    _fits(shape.rsplit("/", 1)[1], answer.json)
    if answer.status < 300 and sent is not None and "requestBody" in call:
        takes = call["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        _fits(takes.rsplit("/", 1)[1], json.loads(sent) if isinstance(sent, bytes) else sent)


def _call(method: str, path: str) -> Any:
    for template, methods in document()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return methods.get("get" if method == "HEAD" else method.lower())
    return None


def _fits(shape: str, value: Any) -> None:
    errors = [f"{error.json_path}: {error.message}" for error in _validator(shape).iter_errors(value)]
    assert not errors, f"not a {shape}: {errors[:5]}"


@cache
def _validator(shape: str) -> Draft202012Validator:
    schemas = copy.deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return Draft202012Validator({"$ref": f"#/components/schemas/{shape}", "components": {"schemas": schemas}})
