"""What pydantic found -> where, in plain words, and what would be right. Values are never repeated."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from core.config.fields import PATTERNS
from core.config.problems import Path, suggestion

_MAP = "must be a map (key: value)"
_LIST = "must be a list"
_WHOLE_NUMBER = "must be a whole number"
_YES_NO = "must be true or false"
_DATE = "must be a date, like 2026-12-24"
_MOMENT = "must be a date and a time of day, like 2026-12-24T18:00"

_PLAIN: Mapping[str, str] = {
    "missing": "this key is required",
    "string_type": "must be text",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "dict_type": _MAP,
    "model_type": _MAP,
    "tuple_type": _LIST,
    "too_short": "must not be empty",
}

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}


def sentence(error: ErrorDetails, root: type[BaseModel]) -> tuple[Path, str, str | None]:
    """Path, message and hint of one error of validating ``root``."""
    path, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        return path, "unknown key", suggestion(str(path[-1]), _keys(root, path[:-1]))
    if kind in ("enum", "literal_error"):
        return _word(path, error, root)
    if kind == "value_error":
        return path, str(error["ctx"]["error"]), None
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return path, f"{words} {error['ctx'][name]:.12g}", None
    if kind == "string_pattern_mismatch":
        pattern = str(error["ctx"]["pattern"])
        return path, f"must be {PATTERNS.get(pattern, f'text that fits {pattern}')}", None
    if kind == "tuple_type" and isinstance(error["input"], str):
        return path, _LIST, "put it in brackets: [...]"
    return path, _PLAIN.get(kind, "the value is not acceptable"), None


def _word(path: Path, error: ErrorDetails, root: type[BaseModel]) -> tuple[Path, str, str | None]:
    expected = str(error["ctx"]["expected"]).replace("'", "")
    words = expected.replace(" or ", ", ").split(", ")
    given = error["input"]
    hint = suggestion(given, words) if isinstance(given, str) else None
    if path[-1] == "[key]":
        return path[:-1], "unknown key", hint
    return path, f"must be {expected}", hint if hint and hint.startswith("did") else None


def _keys(root: type[BaseModel], path: Path) -> list[str]:
    """The keys that the model at ``path`` has."""
    inside: Any = root
    for step in path:
        inside = _step(inside, step)
    inside = _bare(inside)
    return [field.alias or name for name, field in inside.model_fields.items()]


def _step(annotation: Any, step: str | int) -> Any:
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_fields[str(step)].annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    return arguments[1] if origin is dict else arguments[0]


def _bare(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        return _bare(next(part for part in get_args(annotation) if part is not types.NoneType))
    return annotation
