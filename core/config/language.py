"""The one language of conditions and texts: Jinja2 in its immutable sandbox, cut down to what cannot run away.

There is no assignment, no macro and no function but a few, so that no value grows beyond what its source text spells
out; repetition (``*`` of texts, ``%`` formatting) is refused, a loop takes at most ``LOOP_LIMIT`` rounds. Attributes
are the parts of ``core.config.facts`` and a few methods of texts: nothing of Python is in reach.
https://jinja.palletsprojects.com/en/stable/sandbox/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from types import BuiltinMethodType
from typing import Any

from jinja2 import filters, tests
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.config.facts import MISSING, Missing, Record, shown

TEXT_LIMIT = 20_000
LOOP_LIMIT = 100

TEXT_METHODS = ("lower", "upper", "strip", "startswith", "endswith")
LOOP_PARTS = ("index", "index0", "first", "last", "length", "revindex", "revindex0")


def minutes(n: float) -> float:
    """Seconds of ``n`` minutes."""
    return n * 60


def hours(n: float) -> float:
    """Seconds of ``n`` hours."""
    return n * 3600


def days(n: float) -> float:
    """Seconds of ``n`` days."""
    return n * 86_400


FUNCTIONS: Mapping[str, Callable[..., Any]] = {"minutes": minutes, "hours": hours, "days": days}


def text(value: object) -> str:
    """A value as a text shows it: nothing for what is missing, lists with commas, times in UTC."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple, Iterator)):
        return joined(value)
    if isinstance(value, dict):
        return joined([f"{key}: {text(item)}" for key, item in value.items()])
    return str(value)


def joined(values: Iterable[object], separator: str = ", ") -> str:
    """The filter ``join``; longer than ``TEXT_LIMIT`` is cut."""
    return clipped(text(separator).join(text(value) for value in islice(values, LOOP_LIMIT)))


def clipped(long: str) -> str:
    """At most ``TEXT_LIMIT`` characters; what is longer is cut and ends in an ellipsis."""
    return long if len(long) <= TEXT_LIMIT else long[: TEXT_LIMIT - 1] + "…"


def _rounded(value: float | Undefined, digits: int = 0) -> float | Undefined:
    """The filter ``round``: to 0..6 digits; without digits to a whole number."""
    if isinstance(value, Undefined):
        return value
    digits = max(0, min(6, int(digits)))
    return round(value, digits) if digits else round(value)


def _rounds(values: Iterable[object]) -> list[object]:
    return [shown(value) for value in islice(values, LOOP_LIMIT)]


# Not a name that a source could spell: every loop is led through it.
LOOP_FILTER = "rounds of a loop"
_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length",
    "list", "lower", "max", "min", "sort", "string", "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
FILTERS: Mapping[str, Callable[..., Any]] = {
    **{name: filters.FILTERS[name] for name in _FILTERS},
    "join": joined,
    "round": _rounded,
}
TESTS: Mapping[str, Callable[..., Any]] = {
    "defined": tests.test_defined,
    "divisibleby": tests.test_divisibleby,
    "even": tests.test_even,
    "in": tests.test_in,
    "number": tests.test_number,
    "odd": tests.test_odd,
    "string": tests.test_string,
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None or isinstance(value, Undefined),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
}


class Language(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "%", "-"))

    def __init__(self) -> None:
        super().__init__(undefined=Missing, finalize=text, trim_blocks=True, lstrip_blocks=True, cache_size=0)
        self.filters = {**FILTERS, LOOP_FILTER: _rounds}
        self.tests = dict(TESTS)
        self.globals = dict(FUNCTIONS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Record):
            return obj.part(attribute)
        if isinstance(obj, dict):
            return shown(obj.get(attribute))
        if (isinstance(obj, str) and attribute in TEXT_METHODS) or (
            isinstance(obj, LoopContext) and attribute in LOOP_PARTS
        ):
            return getattr(obj, attribute)
        return MISSING

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str):
            return MISSING if isinstance(obj, str) else self.getattr(obj, argument)
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int):
            return shown(obj[argument]) if -len(obj) <= argument < len(obj) else MISSING
        return MISSING

    def is_safe_callable(self, obj: Any) -> bool:
        if isinstance(obj, BuiltinMethodType):
            return isinstance(obj.__self__, str) and obj.__name__ in TEXT_METHODS
        return obj in FUNCTIONS.values() or isinstance(obj, Missing)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, datetime) and isinstance(right, datetime) and operator == "-":
            return (left - right).total_seconds()
        if operator != "-" and not (_is_number(left) and _is_number(right)):
            raise TypeError(f"{operator} works on numbers alone")
        return super().call_binop(context, operator, left, right)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Undefined))


LANGUAGE = Language()
_EVALUATION = EvalContext(LANGUAGE)


class Names(Context):
    """The names of one evaluation. As Jinja2's own context but cheap to make, for conditions stand on a busy path."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self.parent = {**FUNCTIONS, **facts}
        self.vars = {}
        self.environment = LANGUAGE
        self.eval_ctx = _EVALUATION
        self.exported_vars = set()
        self.name = None
        self.globals_keys = set()
        self.blocks = {}
