"""``/slack/install`` and ``/slack/oauth_redirect``: a workspace, or a whole organisation, installs the app.

The state that travels through Slack counts once, for ten minutes, and only in the browser that began: it is signed
together with what a cookie of that browser holds, so that beginning writes nothing. Tokens of a workspace that is not
on the list are given back at once.
https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec.structs import replace

from bot.console.pages import HEADERS
from bot.console.reader import words_for
from bot.slack.api import CallFailed
from bot.slack.manifest import REDIRECT_PATH, scopes
from bot.slack.oauth import OAuth
from bot.slack.workspaces import Workspaces
from core.config.settings import Settings
from core.errors import StoreUnavailable
from core.installations import Installation, InstallationStore
from core.ports import Memory

COOKIE = "deskbell_slack_install"
STATE_SECONDS = 600
_STATE = re.compile(r"(?P<at>[0-9]{1,12})\.(?P<nonce>[A-Za-z0-9_-]{22})\.[0-9a-f]{64}")
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[\x21-\x7e]{1,500}")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """``why`` names a text below ``slack.install.refused``."""

    def __init__(self, status: int, why: str, **facts: str) -> None:
        super().__init__(why)
        self.status, self.why, self.facts = status, why, facts


class Installer:
    def __init__(
        self,
        settings: Settings,
        oauth: OAuth,
        store: InstallationStore,
        workspaces: Workspaces,
        seen: Memory,
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._oauth, self._store, self._workspaces = settings, oauth, store, workspaces
        self._seen, self._now = seen, now
        secret = settings.slack.client_secret.get_secret_value() if settings.slack.client_secret else ""
        self._key = hashlib.sha256(b"deskbell slack installation: " + secret.encode()).digest()
        self._root = urlsplit(settings.base_url or "").path
        self._cookie_path = f"{self._root}/slack"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/slack/install", self.begin)
        app.router.add_get(REDIRECT_PATH, self.finish)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to Slack."""
        ours = _cookie(request) or secrets.token_urlsafe(32)
        try:
            address = self._redirect_uri()
        except _Refused as refused:
            return self._refusal(request, refused)
        state = self._state(int(self._now().timestamp()), secrets.token_urlsafe(16), ours)
        url = self._oauth.authorize_url(",".join(scopes(self._settings)), state, address)
        response = web.Response(status=302, headers={hdrs.LOCATION: url, hdrs.CACHE_CONTROL: "no-store"})
        response.set_cookie(
            COOKIE, ours, max_age=STATE_SECONDS, path=self._cookie_path, httponly=True, samesite="Lax",
            secure=address.startswith("https:"),
        )  # fmt: skip
        return response

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Slack sends the browser back, with a code or with what went wrong."""
        try:
            made = await self._installed(request)
        except _Refused as refused:
            response = self._refusal(request, refused)
        except StoreUnavailable:
            response = self._refusal(request, _Refused(503, "store"))
        else:
            response = self._page(request, 200, "slack.install.done", name=made.name or made.id)
        response.del_cookie(COOKIE, path=self._cookie_path)
        return response

    async def _installed(self, request: web.Request) -> Installation:
        await self._check_state(request)
        if "error" in request.query:
            is_no = request.query["error"] == "access_denied"
            raise _Refused(400, "cancelled") if is_no else _Refused(400, "slack", code=_word(request.query["error"]))
        code = request.query.get("code", "")
        if not _CODE.fullmatch(code):
            raise _Refused(400, "code")
        try:
            made = await self._oauth.exchange(code, self._redirect_uri(), self._now())
        except CallFailed as error:
            _log.warning("an installation was not completed: %s", error)
            raise _Refused(502, "slack", code=_word(error.code)) from None
        await self._check_allowed(made)
        made = replace(made, bot_id=await self._bot_id(made))
        await self._store.save(made)
        self._workspaces.keep(made.id, None)
        _log.info("the app was installed in %s by %s", made.id, made.installed_by or "somebody")
        return made

    async def _check_state(self, request: web.Request) -> None:
        """Raises _Refused unless this browser has begun this installation, a while ago, and not finished it."""
        given, ours = request.query.get("state", ""), _cookie(request)
        parts = _STATE.fullmatch(given)
        if ours is None or parts is None:
            raise _Refused(400, "state")
        at = int(parts["at"])
        ours_too = hmac.compare_digest(given, self._state(at, parts["nonce"], ours))
        if not ours_too or not 0 <= self._now().timestamp() - at <= STATE_SECONDS:
            raise _Refused(400, "state")
        if not await self._seen.first_time(f"slack:install:{parts['nonce']}", 2 * STATE_SECONDS):
            raise _Refused(400, "state")

    def _state(self, at: int, nonce: str, ours: str) -> str:
        """``at`` in seconds since 1970; ``ours`` is what the cookie holds."""
        proof = hmac.new(self._key, f"{at}.{nonce}.{ours}".encode(), hashlib.sha256).hexdigest()
        return f"{at}.{nonce}.{proof}"

    async def _check_allowed(self, made: Installation) -> None:
        allowed = self._settings.slack.workspaces
        if "*" in allowed or made.team in allowed or (made.enterprise and made.enterprise in allowed):
            return
        _log.warning("the app was not installed in %s: it is not in slack.workspaces", made.id)
        if await self._workspaces.installation(made.id) is None:
            # Else the token may be the one that is in use: Slack gives the same one again.
            try:
                await self._oauth.revoke(made.token)
            except CallFailed as error:
                _log.warning("a token that is not wanted was not given back: %s", error)
        raise _Refused(403, "not_allowed", id=made.id)

    async def _bot_id(self, made: Installation) -> str:
        try:
            return await self._oauth.bot_id(made.token)
        except CallFailed as error:
            _log.info("Slack does not say the id of the bot in %s: %s", made.id, error)
            return ""

    def _redirect_uri(self) -> str:
        if self._settings.base_url is None:
            raise _Refused(503, "base_url")
        return f"{self._settings.base_url}{REDIRECT_PATH}"

    def _refusal(self, request: web.Request, refused: _Refused) -> web.Response:
        again = refused.why in ("state", "cancelled", "code", "slack", "store")
        return self._page(request, refused.status, f"slack.install.refused.{refused.why}", again=again, **refused.facts)

    def _page(self, request: web.Request, status: int, key: str, again: bool = False, **facts: str) -> web.Response:
        words = words_for(request, None, self._settings)
        title = "slack.install.title_done" if status == 200 else "slack.install.title_refused"
        text = _templates.get_template("install.html").render(
            language=words.language,
            root=self._root,
            title=words.text(title),
            text=words.text(key, **facts),
            again=words.text("slack.install.again") if again else "",
        )
        return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def _cookie(request: web.Request) -> str | None:
    found = request.cookies.get(COOKIE, "")
    return found if _RANDOM.fullmatch(found) else None


def _word(code: str) -> str:
    """What an address or an answer calls an error, fit to be shown."""
    return re.sub(r"[^a-z0-9_]", "", code.lower())[:60] or "error"
