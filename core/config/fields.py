"""What the keys of the configuration are made of: durations, time zones, secrets, and models that refuse unknown keys.

A scalar of the file arrives as text and takes the type that its key wants, so ``0123`` stays a token and ``on`` a word.
An empty value (``people:`` with nothing below) counts as absent, so that a section can be commented out piece by piece.
No message names the value that it refuses: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")
_SECONDS = re.compile(r"[0-9]{1,12}")
LONGEST = 3650 * 86_400

# The word that the published schema has for a type that JSON does not know.
TYPE_KEYWORD = "x-type"


def seconds(value: object) -> object:
    """``"1h30m"``, ``"90 m"`` or a number of seconds -> seconds, at most ten years. Raises ValueError with the accepted
    forms."""
    if isinstance(value, str):
        text = value.strip().lower()
        if _SECONDS.fullmatch(text):
            value = int(text)
        elif _WHOLE.fullmatch(text):
            value = int(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
        else:
            raise ValueError("not a duration; write 30s, 15m, 4h, 2d or 1h30m")
    if isinstance(value, int) and value > LONGEST:
        raise ValueError("longer than ten years")
    return value


def duration(value: int) -> str:
    """Seconds -> how the configuration writes them: ``5400`` -> ``1h30m``."""
    parts = []
    left = value
    for unit in "dhms":
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    int,
    BeforeValidator(seconds),
    Field(ge=0),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "minimum": 0,
            "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*[smhdwSMHDW]\s*)+$|^[0-9]+$|\$\{",
            "examples": ["30s", "15m", "4h", "2d", "1h30m"],
            TYPE_KEYWORD: "duration",
        }
    ),
]


def _zone(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("not a time zone; write a name of the IANA list, like Asia/Seoul") from error
    return value


TimeZone = Annotated[
    str,
    BeforeValidator(_zone),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Asia/Seoul"], TYPE_KEYWORD: "time zone"}),
]
Language = Literal["en", "ko"]
Secret = Annotated[SecretStr, Field(min_length=1)]

# Patterns of the settings and what they ask for, in words.
COMMAND_PATTERN = r"^[a-z0-9_-]{1,31}$"
PERSON_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
RULE_PATTERN = r"^[a-z0-9_]{1,64}$"
TIME_OF_DAY_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
PATTERNS = {
    COMMAND_PATTERN: "1 to 31 of the characters a-z, 0-9, _ and -",
    PERSON_PATTERN: "1 to 64 of the characters A-Z, a-z, 0-9, ., _ and -",
    TIME_OF_DAY_PATTERN: "a time of day from 00:00 to 23:59, like 09:00",
    RULE_PATTERN: "1 to 64 of the characters a-z, 0-9 and _",
}


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None or key not in cls.model_fields}
        return value


def keeps_defaults(*fields: str) -> Any:
    """A validator of a model: a map that names some entries keeps the others as they are by default."""

    def merge(cls: type[Model], value: Any, info: Any) -> Any:
        if isinstance(value, dict):
            default = cls.model_fields[info.field_name].default
            return {**default, **value}
        return value

    bound: Callable[..., Any] = merge
    return field_validator(*fields, mode="before")(classmethod(bound))
