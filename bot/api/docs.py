"""A page that shows the OpenAPI document to people, made on the server and without scripts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bot.api.openapi import document

_CODE = re.compile("``(.+?)``")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@cache
def _page() -> str:
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    pages = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"kind": _kind, "coded": _coded}
    api = document()
    groups: dict[str, list[dict[str, Any]]] = {"tickets": []}
    for path, methods in api["paths"].items():
        for method, call in methods.items():
            groups.setdefault(call["tags"][0], []).append({"path": path, "method": method.upper(), **call})
    return pages.get_template("docs.html").render(api=api, groups=groups, schemas=api["components"]["schemas"])


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words: ``string``, ``list of string``, ``CustomerGiven or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _coded(text: str) -> Markup:
    """What stands between double backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped in this line


async def docs_page(_: web.Request) -> web.Response:
    return web.Response(text=_page(), content_type="text/html", headers=_HEADERS)
