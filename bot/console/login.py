"""Signing in with the API token, and out again."""

from __future__ import annotations

import hmac
import logging
import math

from aiohttp import hdrs, web

from bot.console.attempts import Attempts
from bot.console.entrance import Entrance, Visitor, comes_from_elsewhere, remember_language, see
from bot.console.sessions import Session
from core.desk.desk import Desk

_log = logging.getLogger(__name__)


class Login:
    def __init__(self, desk: Desk, entrance: Entrance) -> None:
        self._desk = desk
        self._entrance = entrance
        self._people = {person.id: person.name for person in desk.settings.people}
        self._attempts = Attempts(self._seconds())

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/login", self.show)
        app.router.add_post("/login", self.enter)
        app.router.add_post("/logout", self._entrance.admit(self.leave))

    async def show(self, request: web.Request) -> web.Response:
        entrance = self._entrance
        if not entrance.is_on(request):
            return entrance.page(request).respond("off.html", 403)
        session = entrance.session(request)
        if session is None and comes_from_elsewhere(request):
            return entrance.page(request).respond("reopen.html", address=str(request.rel_url))
        session = session or entrance.sessions.begin(self._desk.clock.now())
        response = self._form(request, session, inside(request.query.get("next", "")))
        entrance.keep(request, response, session)
        return remember_language(request, response)

    async def enter(self, request: web.Request) -> web.Response:
        entrance = self._entrance
        if not entrance.is_on(request):
            return entrance.page(request).respond("off.html", 403)
        session, form = entrance.session(request), await entrance.form(request)
        if session is None or not entrance.is_own(session, form):
            return entrance.page(request).respond("stale.html", 403, address="/login")
        wanted, address = inside(form.get("next", "")), request.remote or ""
        wait = math.ceil(self._attempts.wait(address, self._seconds()))
        if wait > 0:
            return self._form(request, session, wanted, 429, "console.login.too_many", {hdrs.RETRY_AFTER: str(wait)})
        if not self._is_right(request, form.get("token", "")):
            self._attempts.failed(address, self._seconds())
            _log.warning("a wrong token was tried at the console from %s", address)
            return self._form(request, session, wanted, 403, "console.login.wrong")
        person = form.get("person")
        admitted = entrance.sessions.begin(
            self._desk.clock.now(), admitted=True, person=person if person in self._people else None
        )
        response = see(wanted)
        entrance.keep(request, response, admitted)
        return response

    async def leave(self, request: web.Request, visitor: Visitor) -> web.Response:
        response = see("/login")
        self._entrance.sessions.end(response)
        return response

    def _form(
        self,
        request: web.Request,
        session: Session,
        wanted: str,
        status: int = 200,
        problem: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        page = self._entrance.page(request)
        page.form_token = self._entrance.sessions.form_token(session)
        return page.respond(
            "login.html",
            status,
            headers,
            problem=problem,
            wanted=wanted,
            people=self._people,
            asks_token=not self._entrance.is_open_to(request),
        )

    def _is_right(self, request: web.Request, given: str) -> bool:
        token = self._entrance.token
        if self._entrance.is_open_to(request):
            return True
        if not token:
            return False
        return hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), token.encode())

    def _seconds(self) -> float:
        return self._desk.clock.now().timestamp()


def inside(address: str) -> str:
    """``address`` if it is one of this console's own, else the front page: a login never leads to another site."""
    own = address.startswith("/") and not address.startswith(("//", "/\\", "/login")) and address.isprintable()
    return address if own and "\\" not in address else "/"
