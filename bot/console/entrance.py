"""The entrance: who is let in, and who is shown the way to the login or told that the console is off.

A request that comes from another site (a link in chat) shows no strict cookie, although its reader may be signed in.
Such a one gets a page that opens itself again: then it comes from this site, and the cookie with it.
"""

from __future__ import annotations

import ipaddress
import logging
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs, web
from yarl import URL

from bot.bodies import Refused, read_body
from bot.console import reader
from bot.console.pages import Page
from bot.console.sessions import Session, Sessions
from core.desk.desk import Desk
from core.desk.work import API
from core.errors import DeskError
from core.model import Person

_log = logging.getLogger(__name__)
_FORM_LIMIT = 256 * 1024
_FIELDS = 50
_YEAR = 365 * 86_400
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
OPERATOR = Person(API.id, "Operator")  # Whoever holds the token and does not say who they are.


class Visitor(msgspec.Struct, frozen=True):
    """Somebody who was let in. ``form`` is what they posted."""

    person: Person
    page: Page
    form: dict[str, str] = {}


Handler = Callable[[web.Request, Visitor], Awaitable[web.Response]]
Answer = Callable[[web.Request], Awaitable[web.Response]]


class Entrance:
    """``open_access`` lets in everybody who comes from this machine, without a token."""

    def __init__(self, desk: Desk, *, open_access: bool) -> None:
        self._desk = desk
        token = desk.settings.api_token
        self.token = token.get_secret_value() if token else None
        self._open_access = open_access
        self.sessions = Sessions(self.token)

    def admit(self, handler: Handler) -> Answer:
        """Calls ``handler`` for those who may come in; the others are shown the way."""

        async def answer(request: web.Request) -> web.Response:
            if not self.is_on(request):
                return self.page(request).respond("off.html", 403)
            session = self.session(request)
            if session is not None and session.admitted:
                return await self._let_in(request, session, handler)
            if comes_from_elsewhere(request):
                return self.page(request).respond("reopen.html", address=str(request.rel_url))
            if request.method == "POST" or not self.is_open_to(request):
                wanted = "/" if request.method == "POST" else str(request.rel_url)
                return see(str(URL("/login").with_query(next=wanted)))
            session = self.sessions.begin(self._desk.clock.now(), admitted=True)
            response = await self._let_in(request, session, handler)
            self.keep(request, response, session)
            return response

        return answer

    def is_on(self, request: web.Request) -> bool:
        return bool(self.token) or self.is_open_to(request)

    def is_open_to(self, request: web.Request) -> bool:
        """Whether no token is asked of this request: it comes from this machine and names it by a loopback name.

        The name matters: another site's name may be made to lead to this machine, too.
        """
        if not self._open_access:
            return False
        try:
            return ipaddress.ip_address(request.remote or "").is_loopback and request.url.host in _LOOPBACK_NAMES
        except ValueError:
            return False

    def session(self, request: web.Request) -> Session | None:
        return self.sessions.read(request, self._desk.clock.now())

    def keep(self, request: web.Request, response: web.Response, session: Session) -> None:
        self.sessions.write(response, session, secure=self._is_secure(request))

    def page(self, request: web.Request, person: Person | None = None) -> Page:
        words = reader.words_for(request, person, self._desk.settings)
        return Page(request, words, self._desk.clock.now(), person)

    def tell_next(self, request: web.Request, response: web.Response, text: str) -> None:
        """Shows ``text`` on the page to which ``response`` leads."""
        self.sessions.leave_note(response, text, secure=self._is_secure(request))

    async def form(self, request: web.Request) -> dict[str, str]:
        """What a form posted; of a name that stands twice the last. Line ends are those of Unix."""
        body = await read_body(request, _FORM_LIMIT, self._desk.settings.intake.read_timeout)
        try:
            fields = parse_qsl(
                body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS, errors="replace"
            )
        except ValueError as error:
            raise Refused(400, "bad_body", "the form has too many fields") from error
        return {name: value.replace("\r\n", "\n").replace("\0", "") for name, value in fields}

    def is_own(self, session: Session, form: dict[str, str]) -> bool:
        return self.sessions.is_own_form(session, form.get("form_token", ""))

    async def _let_in(self, request: web.Request, session: Session, handler: Handler) -> web.Response:
        person = await self._person(session)
        page = self.page(request, person)
        page.form_token = self.sessions.form_token(session)
        form: dict[str, str] = {}
        if request.method == "POST":
            form = await self.form(request)
            if not self.is_own(session, form):
                return page.respond("stale.html", 403, address="/")
        else:
            page.note = self.sessions.note(request)
        response = await _answered(request, handler, Visitor(person, page, form))
        if page.note is not None:
            self.sessions.take_note_away(response)
        return remember_language(request, response)

    async def _person(self, session: Session) -> Person:
        known = await self._desk.people.person(session.person) if session.person else None
        return known or OPERATOR

    def _is_secure(self, request: web.Request) -> bool:
        base = URL(self._desk.settings.base_url or "")
        return request.secure or (base.scheme == "https" and base.host == request.url.host)


async def _answered(request: web.Request, handler: Handler, visitor: Visitor) -> web.Response:
    """The handler's answer, or a page that says what was wrong."""
    page = visitor.page
    try:
        return await handler(request, visitor)
    except DeskError as error:
        return page.respond("error.html", error.http_status, problem=page.words.error(error))
    except (web.HTTPException, Refused):
        raise
    except Exception:
        reference = uuid.uuid4().hex[:8]
        _log.exception("%s %s failed (reference %s)", request.method, request.path, reference)
        return page.respond("error.html", 500, problem=page.words.text("error.internal", reference=reference))


def see(address: str) -> web.Response:
    """Sends the reader on, so that a reload does not post again."""
    return web.Response(status=303, headers={hdrs.LOCATION: address, hdrs.CACHE_CONTROL: "no-store"})


def comes_from_elsewhere(request: web.Request) -> bool:
    """https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header"""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site"


def remember_language(request: web.Request, response: web.Response) -> web.Response:
    language = reader.chosen(request)
    if language is not None:
        response.set_cookie(reader.COOKIE, language, max_age=_YEAR, path="/", httponly=True, samesite="Lax")
    return response
