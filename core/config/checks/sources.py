"""Monitoring sources: a name that can stand in an address, a kind that exists, a mapping that can be applied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions

from core.config.checks import Finding
from core.config.problems import Path, suggestion
from core.config.settings import FieldMapping, Settings
from core.config.vocabulary import DEVELOPMENT_TOOLS
from core.integrations import BUILT_IN, SOURCES

_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MAPPED = ("mapping", "grafana")  # Grafana's payload may be anything.
_FUNCTIONS = tuple(sorted(Functions.FUNCTION_TABLE))


def sources(settings: Settings) -> Iterator[Finding]:
    for name, source in settings.sources.items():
        path: Path = ("sources", name)
        yield from _name(path, name, source.kind)
        if source.kind not in SOURCES:
            hint = suggestion(source.kind, SOURCES)
            yield Finding((*path, "kind"), f"no kind of source is called {source.kind}", hint)
        elif source.kind == "mapping" and source.mapping is None and name not in BUILT_IN:
            yield Finding(path, "no mapping says where the fields are", "add mapping: with title: at least")
        elif source.kind not in _MAPPED and source.mapping is not None:
            yield Finding((*path, "mapping"), f"not used by a source of kind {source.kind}", level="warning")
        if source.team is not None and source.team not in settings.teams:
            hint = suggestion(source.team, settings.teams)
            yield Finding((*path, "team"), f"no team is called {source.team}", hint)
        if source.mapping is not None:
            yield from _mapping((*path, "mapping"), source.mapping)


def _name(path: Path, name: str, kind: str) -> Iterator[Finding]:
    if not _SEGMENT.fullmatch(name):
        hint = "use a-z, 0-9, _ and -, up to 64, beginning with a letter or digit"
        yield Finding(path, "the name cannot stand in an address", hint)
    elif name in DEVELOPMENT_TOOLS:
        yield Finding(path, f"/webhooks/{name} is the door of {name} itself", "choose another name")
    elif name in BUILT_IN and kind != BUILT_IN[name].kind:
        yield Finding(path, f"{name} is built in", f"write kind: {BUILT_IN[name].kind}, or choose another name")


def _mapping(path: Path, mapping: FieldMapping) -> Iterator[Finding]:
    for field in FieldMapping.model_fields:
        expression: str | None = getattr(mapping, field)
        if expression is not None:
            yield from _expression((*path, field), expression)


def _expression(path: Path, expression: str) -> Iterator[Finding]:
    try:
        parsed = jmespath.compile(expression)
    except ParseError as error:
        yield Finding(path, f"not a JMESPath expression (column {error.lex_position + 1})", "see https://jmespath.org")
    except JMESPathError:
        yield Finding(path, "an empty expression")
    except RecursionError:
        yield Finding(path, "nested too deeply")
    else:
        for name in _functions(parsed.parsed):
            if name not in _FUNCTIONS:
                yield Finding(path, f"JMESPath has no function {name}", suggestion(name, _FUNCTIONS))


def _functions(tree: Mapping[str, Any]) -> Iterator[str]:
    if tree["type"] == "function_expression":
        yield str(tree["value"])
    for child in tree["children"]:
        yield from _functions(child)
