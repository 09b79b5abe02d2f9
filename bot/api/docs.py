"""A page that shows the OpenAPI document to people, made on the server and without scripts."""

from __future__ import annotations

from aiohttp import web
from jinja2 import Environment, select_autoescape

from bot.api.openapi import document

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Deskbell API</title>
<link rel="stylesheet" href="/static/console.css">
</head>
<body><main class="page">
<h1>Deskbell API, version {{ api.info.version }}</h1>
<p>{{ api.info.description }} Every call carries <code>Authorization: Bearer …</code>.
The document for programs: <a href="/api/openapi.json">/api/openapi.json</a>.</p>
{% for path, methods in api.paths.items() %}{% for method, call in methods.items() %}
<section class="panel">
<h2><code>{{ method | upper }} {{ path }}</code></h2>
<p>{{ call.summary }}</p>
{% if call.parameters %}<dl>{% for parameter in call.parameters %}
<dt><code>{{ parameter.name }}</code> <small>{{ parameter.in }}</small></dt><dd>{{ parameter.description or "" }}</dd>
{% endfor %}</dl>{% endif %}
{% if call.requestBody %}{% set name = call.requestBody.content["application/json"].schema["$ref"].split("/") | last %}
<p>Takes <code>{{ name }}</code>:</p>
<dl>{% for field, shape in api.components.schemas[name].properties.items() %}
<dt><code>{{ field }}</code>{% if field in (api.components.schemas[name].required or []) %} <small>required</small>{% endif %}</dt>
<dd>{{ shape.type or "" }}</dd>
{% endfor %}</dl>{% endif %}
</section>
{% endfor %}{% endfor %}
</main></body></html>
"""
_template = Environment(autoescape=select_autoescape(default=True, default_for_string=True)).from_string(_PAGE)


async def docs_page(_: web.Request) -> web.Response:
    policy = "default-src 'none'; style-src 'self'; img-src 'self'"
    return web.Response(
        text=_template.render(api=document()),
        content_type="text/html",
        headers={"Content-Security-Policy": policy},
    )
