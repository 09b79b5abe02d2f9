"""The tables of docs/configuration.md, made from the settings, the facts and the vocabulary.

``python -m core.config.reference`` writes them into the page again, between ``<!-- table: name -->`` and
``<!-- end -->``; what stands around them is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.config.facts import NAMES, Kind
from core.config.fields import TYPE_KEYWORD, duration
from core.config.language import FILTERS, FUNCTIONS, TESTS, TEXT_METHODS
from core.config.load import VARIABLES
from core.config.problems import key_path
from core.config.schema import schema
from core.config.settings import Settings
from core.config.vocabulary import EVENT_KINDS

PAGE = Path("docs/configuration.md")
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PLAIN, _SEQUENCE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq"
_FORMATS = {"password": "secret", "date": "date", "date-time": "date and time"}
_WORKING_TIME = ("first_response", "resolution")


def renewed(page: str) -> str:
    """The text of the page with every table made anew. Raises KeyError for a table that is not known."""
    return _TABLE.sub(lambda match: f"{match[1]}\n{_TABLES[match[2]]()}\n\n{match[3]}", page)


def keys() -> str:
    """Every key: a table for the top, and one for each section."""
    root = schema()
    top = {name: part for name, part in root["properties"].items() if not _members(part, root)}
    parts = [_key_table(_rows("", top, (), root))]
    for name, part in root["properties"].items():
        if name in top:
            continue
        model, suffix = _members(part, root) or ({}, "")
        about = part["description"] if suffix else model["description"]
        rows = _rows(f"{name}{suffix}.", model["properties"], model.get("required", ()), root)
        parts.append(f"### {name}\n\n{about}\n\n{_key_table(rows)}")
    return "\n\n".join(parts)


def _key_table(rows: Iterable[tuple[str, ...]]) -> str:
    return _table(("key", "value", "default", "meaning"), rows)


def _rows(prefix: str, properties: Mapping[str, Any], required: Iterable[str], root: Any) -> Iterator[tuple[str, ...]]:
    for name, part in properties.items():
        inside = _members(part, root)
        if inside is None:
            default = "required" if name in required else _default(part, root)
            yield f"`{prefix}{name}`", _value(part, root), default, part["description"].replace("<", "&lt;")
        else:
            model, suffix = inside
            yield from _rows(f"{prefix}{name}{suffix}.", model["properties"], model.get("required", ()), root)


def _members(part: Any, root: Any) -> tuple[Any, str] | None:
    """The model that a key holds, or holds many of, and how its path goes on."""
    part = _resolved(part, root)
    if "properties" in part:
        return part, ""
    for key, suffix in (("items", "[]"), ("additionalProperties", ".<name>")):
        inner = part.get(key)
        if isinstance(inner, dict) and "properties" in _resolved(inner, root):
            return _resolved(inner, root), suffix
    return None


def _resolved(part: Any, root: Any) -> Any:
    """Behind references, without ``null`` and without the variable that may stand instead."""
    if "$ref" in part:
        return _resolved(root["$defs"][part["$ref"].rpartition("/")[2]], root)
    if "anyOf" in part:
        return _resolved(part["anyOf"][0], root)
    return part


def _value(part: Any, root: Any) -> str:
    part = _resolved(part, root)
    if TYPE_KEYWORD in part:
        return str(part[TYPE_KEYWORD])
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"])
    if part.get("type") == "array":
        return f"list of {_value(part['items'], root)}".replace("of text", "of texts")
    if part.get("type") == "object":
        return f"map to {_value(part['additionalProperties'], root)}"
    if part.get("format") in _FORMATS:
        return _FORMATS[part["format"]]
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}[part["type"]]


def _default(part: Any, root: Any) -> str:
    default = part.get("default")
    if default in (None, [], {}):
        return ""
    if isinstance(default, str):
        return f"`{default}`"
    if _resolved(part, root).get(TYPE_KEYWORD) == "duration":
        return f"`{duration(default)}`"
    if _resolved(_resolved(part, root).get("items", {"type": ""}), root).get(TYPE_KEYWORD) == "duration":
        default = [duration(value) for value in default]
    return f"`{_flow(default)}`"


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()


def variables() -> str:
    """The variables of the environment and the keys that they stand for."""
    return _table(("variable", "key"), ((f"`{name}`", f"`{key_path(path)}`") for name, path in VARIABLES.items()))


def names() -> str:
    """What conditions and texts may name."""
    return _table(("name", "what it is"), (row for name, kind in NAMES.items() for row in _named(name, kind)))


def _named(path: str, kind: Kind) -> Iterator[tuple[str, str]]:
    for name, part in (kind.parts or {}).items():
        if part.parts:
            yield from _named(f"{path}.{name}", part)
        elif part.words and part.words != EVENT_KINDS:
            order = ", in this order: " if part.ordered else ": "
            yield f"`{path}.{name}`", f"{part.name}{order}{', '.join(f'`{word}`' for word in part.words)}"
        else:
            yield f"`{path}.{name}`", part.name


def language() -> str:
    """Functions, filters, tests and methods of texts."""
    kinds = {"functions": FUNCTIONS, "filters": FILTERS, "tests": TESTS, "methods of texts": TEXT_METHODS}
    return _table(
        ("what", "which"), ((kind, ", ".join(f"`{name}`" for name in sorted(known))) for kind, known in kinds.items())
    )


def events() -> str:
    """The kinds of events."""
    return ", ".join(f"`{kind}`" for kind in EVENT_KINDS)


def targets() -> str:
    """The table of promises that holds when the file has none."""
    return _yaml({"sla": {"targets": [_written(target) for target in Settings().sla.targets]}})


def rules() -> str:
    """The notification rules that hold when the file has none."""
    return _yaml({"notifications": [_written(rule) for rule in Settings().notifications]})


def _written(model: Any) -> dict[str, Any]:
    values = model.model_dump(mode="json", exclude_defaults=True)
    return {key: _hours(value) if key in _WORKING_TIME else value for key, value in values.items()}


def _hours(seconds: int) -> str:
    """Working time reads better in hours: a day of it is not a working day."""
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else duration(seconds)


class _Dumper(yaml.SafeDumper):
    """YAML 1.2: ``on`` is a word."""


_Dumper.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}
_Dumper.add_representer(bool, lambda dumper, data: dumper.represent_scalar(_PLAIN, str(data).lower()))
_Dumper.add_representer(list, lambda dumper, data: dumper.represent_sequence(_SEQUENCE, data, _is_flat(data)))


def _is_flat(data: list[Any]) -> bool:
    return not any(isinstance(item, (dict, list)) for item in data)


def _yaml(data: Any) -> str:
    return f"```yaml\n{yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=110)}```"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_TABLES: Mapping[str, Callable[[], str]] = {
    function.__name__: function for function in (keys, variables, names, language, events, targets, rules)
}

if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(renewed(path.read_text("utf-8")), "utf-8")
