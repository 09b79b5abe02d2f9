"""Every word a person reads, by key, in their language, with their dates, numbers and time zone.

Catalogues are gettext files ``core/locale/<language>/*.po``; the key is the msgid, ``{name}`` stands for a fact.
English is the reference: a key missing elsewhere is an error of the tests, and at run time falls back to English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from core.errors import DeskError
from core.model import Category, PersonRef, Priority, Severity, SlaClock, Status, Tier

LANGUAGES = ("en", "ko")
_LOCALE = Path(__file__).parent / "locale"
_NAMED: dict[type[Enum], str] = {
    Priority: "priority",
    Status: "status",
    Category: "category",
    Severity: "severity",
    Tier: "tier",
    SlaClock: "sla_clock",
}

# Facts of a refusal that are names of the program, and where the catalogue has their words.
_PROGRAM_NAMES = {"verb": "verb", "legal": "verb", "field": "field", "what": "what"}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Key -> text of one language, all its files together. A key that stands twice raises ValueError."""
    texts: dict[str, str] = {}
    for path in sorted((_LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if not message.id:
                    continue
                key = str(message.id)
                if key in texts:
                    raise ValueError(f"{path.name}: the key {key!r} stands twice")
                if message.string:
                    texts[key] = str(message.string)
    return texts


class Words(msgspec.Struct, frozen=True):
    """One reader's language and time zone."""

    language: str = "en"
    time_zone: str = "UTC"

    def has(self, key: str) -> bool:
        return key in catalogue(self.language) or key in catalogue("en")

    def text(self, key: str, **facts: object) -> str:
        """The text of ``key`` with its facts filled in as they are. Raises KeyError for an unknown key."""
        template = catalogue(self.language).get(key) or catalogue("en")[key]
        return template.format(**facts) if facts else template

    def say(self, key: str, facts: Mapping[str, Any], escape: Callable[[str], str]) -> str:
        """As ``text``, with each fact made readable (``fact``) and user text escaped for the platform."""
        return self.text(key, **{name: self.fact(name, value, escape) for name, value in facts.items()})

    def fact(self, name: str, value: object, escape: Callable[[str], str]) -> str:
        """People by name, times and durations in the reader's form, enumerations by their word, text escaped."""
        if isinstance(value, PersonRef):
            return escape(value.name)
        if isinstance(value, Enum):
            return self.name(value)
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, bool) or value is None:
            return "" if value is None else str(value).lower()
        if isinstance(value, (int, float)):
            return self._quantity(name, value)
        if isinstance(value, (list, tuple)):
            return ", ".join(self.fact(name, item, escape) for item in value)
        return escape(str(value))

    def _quantity(self, name: str, value: float) -> str:
        if name.endswith("_seconds"):
            return self.duration(int(value))
        if name == "id" or name.endswith("_id"):
            return str(value)
        return self.percent(value) if name == "breach_risk" else self.number(value)

    def name(self, member: Enum) -> str:
        """The word for a priority, status, category, severity, customer tier or clock state."""
        return self.text(f"{_NAMED[type(member)]}.{member.value}")

    def error(self, error: DeskError, escape: Callable[[str], str] = str) -> str:
        return self.say(error.key, self.refusal(error.facts), escape)

    def refusal(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts of a ``DeskError`` with verbs, fields, things and reasons as words instead of names of the
        program."""
        said = dict(facts)
        for name, prefix in _PROGRAM_NAMES.items():
            if name in said:
                given = said[name]
                names = given if isinstance(given, (list, tuple)) else [given]
                said[name] = ", ".join(self._word(f"{prefix}.{item}", str(item)) for item in names)
        if "why" in said and self.has(f"error.field.{said['why']}"):
            said["why"] = self.say(f"error.field.{said['why']}", facts, str)
        return said

    def _word(self, key: str, otherwise: str) -> str:
        return self.text(key) if self.has(key) else otherwise

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.time_zone))

    def moment(self, moment: datetime) -> str:
        """``Nov 23, 2026, 9:00 AM KST``: date, time to the minute, and zone."""
        local = self.local(moment)
        day, time = format_date(local, "medium", locale=self.locale), self.clock_time(moment)
        return f"{day} {time} {self.zone(moment)}"

    def clock_time(self, moment: datetime) -> str:
        """The time of day alone, short."""
        return format_time(self.local(moment), self.text("format.time"), locale=self.locale)

    def zone(self, moment: datetime) -> str:
        return self.local(moment).tzname() or "UTC"

    def duration(self, seconds: int) -> str:
        """The two largest units: ``2 h 5 min``, ``3 d 4 h``; less than a minute in seconds. The sign is kept."""
        sign = "-" if seconds < 0 else ""
        left = abs(seconds)
        parts: list[str] = []
        for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
            count, left = divmod(left, size)
            if count:
                parts.append(self.text(f"duration.{unit}", n=count))
            elif parts:
                break
            if len(parts) == 2:
                break
        if not parts:
            parts.append(self.text("duration.s", n=left))
        return sign + " ".join(parts)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self.locale)

    def percent(self, value: float) -> str:
        return format_percent(value, locale=self.locale)

    @property
    def locale(self) -> Locale:
        return _babel_locale(self.language)


@cache
def _babel_locale(language: str) -> Locale:
    return Locale.parse(language)


def closest_language(wanted: str | None, fallback: str) -> str:
    """The language to use for a platform's locale tag (``ko-KR``, ``en_US``), or ``fallback``."""
    if wanted:
        language = wanted.replace("_", "-").split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return fallback
