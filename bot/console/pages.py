"""Pages of HTML: templates with everything escaped, in the reader's words, under a policy that runs no script."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.desk.work import API
from core.errors import NotFound
from core.i18n import LANGUAGES, Words
from core.model import Event, Person, PersonRef, Priority, Reason, Severity, SlaClock, Status, Tier
from core.views import Notice, SlaFacts

_HERE = Path(__file__).parent
STYLE = _HERE / "static" / "console.css"
_STYLE_VERSION = hashlib.sha256(STYLE.read_bytes()).hexdigest()[:12]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    hdrs.CACHE_CONTROL: "no-store",
}
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Page:
    """One answer in the making: what every template may use.

    ``form_token`` goes into every form; ``note`` is a line that the page before has left; ``path`` is where the page
    can be read again.
    """

    def __init__(self, request: web.Request, words: Words, now: datetime, person: Person | None = None) -> None:
        self._request = request
        self.words = words
        self.now = now
        self.person = person
        self.path = request.path
        self.form_token = ""
        self.note: str | None = None

    def respond(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **facts: Any
    ) -> web.Response:
        html = _templates.get_template(template).render(
            page=self,
            t=self.words.text,
            words=self.words,
            languages=LANGUAGES,
            style=f"/static/console.css?v={_STYLE_VERSION}",
            path=self.path,
            **facts,
        )
        return web.Response(text=html, status=status, content_type="text/html", headers={**HEADERS, **(headers or {})})

    def address(self, **changes: object) -> str:
        """The address of this page with some of its parameters changed; None takes one away."""
        query = {name: value for name, value in self._request.query.items() if name not in changes}
        query |= {name: str(value) for name, value in changes.items() if value is not None}
        return self.path + (f"?{urlencode(query, errors='replace')}" if query else "")

    def when(self, moment: datetime) -> Markup:
        """How long ago, or how soon, with the exact time on asking."""
        seconds = int((self.now - moment).total_seconds())
        size = next((size for size in (86_400, 3600, 60) if abs(seconds) >= size), None)
        if size is None:
            return self._time(moment, self.words.text("console.now"), self.words.moment(moment))
        time = self.words.duration(abs(seconds) // size * size)
        text = self.words.text("console.ago" if seconds > 0 else "console.ahead", time=time)
        return self._time(moment, text, self.words.moment(moment))

    @property
    def is_operator(self) -> bool:
        """Whether the reader did not say who they are."""
        return self.person is not None and self.person.id == API.id

    def at(self, moment: datetime) -> Markup:
        return self._time(moment, self.words.moment(moment), moment.isoformat())

    def _time(self, moment: datetime, shown: str, title: str) -> Markup:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), title, shown)

    def who(self, ref: PersonRef | None) -> str:
        return (ref.name.strip() or ref.id) if ref else self.words.text("card.unassigned")

    def promise(self, sla: SlaFacts) -> str:
        """How the clock of the promise stands: ``2 h 5 min left``, ``overdue by 10 min``, ``met``."""
        text, left = self.words.text, sla.remaining
        if sla.state is SlaClock.MET:
            return text("card.sla_met")
        if sla.state is SlaClock.PAUSED:
            if left is None or left < 0:
                return text("card.sla_paused")
            return text("card.sla_paused_left", time=self.words.duration(left))
        if left is None:
            return text("card.sla_breached" if sla.state is SlaClock.BREACHED else "card.sla_none")
        key = "card.sla_overdue" if left < 0 else "card.sla_left"
        return text(key, time=self.words.duration(abs(left)))

    def said(self, key: str, facts: Mapping[str, Any]) -> str:
        """A sentence of the catalogue with its facts readable; escaped where it is shown."""
        return self.words.say(key, facts, str)

    def reason(self, reason: Reason) -> str:
        """Why something was decided, in a sentence where the catalogue has one for the rule."""
        facts = {name: _value(name, value) for name, value in reason.facts.items()}
        key = f"console.why.{reason.rule}"
        if self.words.has(key):
            return self.words.say(key, facts, str)
        shown = ", ".join(f"{name}: {self.words.fact(name, value, str)}" for name, value in facts.items())
        return f"{reason.rule} ({shown})" if shown else reason.rule

    def origin(self, origin: str) -> str | None:
        """Through which door something came; None where its story says so itself."""
        key = f"console.origin.{origin}"
        return self.words.text(key) if self.words.has(key) else None

    def told(self, event: Event, news: Notice) -> str:
        """An event as a sentence; one that this version has no words for by its name."""
        try:
            return self.said(news.key, news.facts)
        except KeyError:
            return self.word("change", event.kind)

    def word(self, prefix: str, name: str) -> str:
        """The word for a name of the program, or the name where the catalogue has none."""
        key = f"{prefix}.{name}"
        return self.words.text(key) if self.words.has(key) else name


def whole(text: str) -> int | None:
    """A whole number from 1 on that a database can hold; None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return int(text) or None


def asked_number(request: web.Request, what: str) -> int:
    """The number in the address. Raises ``NotFound``."""
    text = request.match_info["id"]
    number = whole(text)
    if number is None:
        raise NotFound(what=what, id=text[:40])
    return number


_ENUMS: dict[str, type[Enum]] = {"priority": Priority, "severity": Severity, "status": Status, "tier": Tier}


def _value(name: str, value: Any) -> Any:
    """A fact of a reason as a value that has a word."""
    try:
        return _ENUMS[name](value)
    except (KeyError, ValueError):
        return value


def web_address(url: str | None) -> str | None:
    """``url`` when it is one that a browser may be sent to: http or https, with a host."""
    if not url or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def promise_mood(sla: SlaFacts) -> str:
    """The colour of the clock: late, soon or calm."""
    if sla.state is SlaClock.BREACHED or (sla.remaining is not None and sla.remaining < 0):
        return "late"
    if sla.state is SlaClock.RUNNING and sla.breach_risk >= 0.5:
        return "soon"
    return "calm"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_templates.filters |= {"weblink": web_address, "mood": promise_mood, "capital": capital}
