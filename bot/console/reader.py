"""In which language and time zone a page is read: as asked for, as the person is known to, as the browser says."""

from __future__ import annotations

import re

from aiohttp import hdrs, web

from core.config.settings import Settings
from core.i18n import LANGUAGES, Words
from core.model import Person

COOKIE = "deskbell_language"
_LANGUAGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?\s*")


def words_for(request: web.Request, person: Person | None, settings: Settings) -> Words:
    person_language = person.language if person else None
    wished = (chosen(request), request.cookies.get(COOKIE), person_language, *accepted(request))
    language = next((one for one in wished if one in LANGUAGES), settings.language)
    return Words(language, (person.time_zone if person else None) or settings.time_zone)


def chosen(request: web.Request) -> str | None:
    """The language that the address asks for, to be remembered."""
    language = request.query.get("lang")
    return language if language in LANGUAGES else None


def accepted(request: web.Request) -> list[str]:
    """The languages of Accept-Language, the dearest first. https://www.rfc-editor.org/rfc/rfc9110#field.accept-language"""
    ranked: list[tuple[float, str]] = []
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "")[:1000].split(","):
        match = _LANGUAGE.fullmatch(part)
        if match and (quality := float(match[2] or 1)) > 0:
            ranked.append((-quality, match[1].lower()))
    return [language for _, language in sorted(ranked, key=lambda entry: entry[0])]
