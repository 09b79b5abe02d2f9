"""The JSON Schema of the configuration, for editors and for ``deskbell schema``."""

from __future__ import annotations

from typing import Any

from core.config.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What a number, a switch or a word may be instead: a variable of the environment.
_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
_NOT_TEXT = ("integer", "number", "boolean")


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a configuration file, with a description for every key."""
    return {"$schema": DIALECT, "title": "Deskbell", **_tidied(Settings.model_json_schema())}


def _tidied(node: Any) -> Any:
    """Without the titles that only repeat the keys, and with ``${NAME}`` wherever a scalar is no free text."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            tidied[key] = {name: _tidied(item) for name, item in value.items()}
        elif key in ("default", "examples", "enum"):
            tidied[key] = value
        elif key != "title":
            tidied[key] = _tidied(value)
    return _or_variable(tidied) if tidied.get("type") in _NOT_TEXT or "enum" in tidied else tidied


def _or_variable(node: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {key: node.pop(key) for key in ("description", "default") if key in node}
    return {**about, "anyOf": [node, _VARIABLE]}
