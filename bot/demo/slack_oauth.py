"""Slack's side of an OAuth installation: codes that count once, tokens by workspace, rotation. In memory, and strict.

Rules: https://docs.slack.dev/authentication/installing-with-oauth, https://docs.slack.dev/reference/methods/oauth.v2.access
and https://docs.slack.dev/authentication/using-token-rotation.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.demo.slack_records import Json, SlackRefusal
from bot.demo.slack_state import SlackApp

CODE_SECONDS = 600
TOKEN_SECONDS = 43_200
ACTIVE_TOKENS = 2
ACCESS_ERRORS = frozenset({
    "bad_client_secret", "bad_redirect_uri", "invalid_client_id", "invalid_code", "invalid_grant_type",
    "invalid_refresh_token",
})  # fmt: skip


@dataclass(slots=True)
class _Code:
    installed: SlackApp
    is_org: bool
    user: str
    redirect_uri: str
    expires: float
    used: bool = False


@dataclass(slots=True)
class Installed:
    """One installation. ``tokens`` are those that work, with the moment when they expire (None: never)."""

    app: SlackApp
    is_org: bool
    user: str
    refresh_token: str = ""
    tokens: dict[str, float | None] = field(default_factory=dict)


class SlackOAuth:
    """``scopes`` are those that the app may ask for; with ``rotation`` its tokens expire after twelve hours."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        redirect_urls: tuple[str, ...],
        clock: Callable[[], float],
        *,
        rotation: bool = False,
    ) -> None:
        self._client_id, self._secret, self._redirect_urls = client_id, client_secret, redirect_urls
        self._clock, self.rotation = clock, rotation
        self._codes: dict[str, _Code] = {}
        self.installed: dict[str, Installed] = {}
        self._ended: set[str] = set()

    def allow(self, query: Mapping[str, str], app: SlackApp, user: str, *, is_org: bool = False) -> str:
        """Somebody presses Allow on the page with ``query``; the address that their browser is sent to.

        Raises ValueError where Slack would show an error of its own instead.
        """
        redirect = query["redirect_uri"]
        if query["client_id"] != self._client_id or redirect not in self._redirect_urls or not query["scope"]:
            raise ValueError("Slack shows an error page")
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(app, is_org, user, redirect, self._clock() + CODE_SECONDS)
        return f"{redirect}?{urlencode({'code': code, 'state': query['state']})}"

    def access(self, form: Mapping[str, str], authorization: str) -> Json:
        """``oauth.v2.access``. Raises SlackRefusal."""
        self._prove(authorization)
        grant = form.get("grant_type", "authorization_code")
        if grant == "refresh_token":
            return self._answer(self._refreshed(form.get("refresh_token", "")))
        if grant != "authorization_code":
            raise SlackRefusal("invalid_grant_type")
        code = self._codes.get(form.get("code", ""))
        if code is None or code.used or self._clock() > code.expires:
            raise SlackRefusal("invalid_code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise SlackRefusal("bad_redirect_uri")
        code.used = True
        id = code.installed.enterprise if code.is_org else code.installed.team
        made = self.installed.setdefault(id, Installed(code.installed, code.is_org, code.user))
        if self.rotation or not made.tokens:
            self._issue(made)
        return self._answer(made)

    def remove(self, id: str) -> None:
        """The app is uninstalled; none of its tokens works any more."""
        self._ended |= self.installed.pop(id).tokens.keys()

    def revoke(self, token: str) -> None:
        """``auth.revoke`` of one token."""
        for installed in self.installed.values():
            if installed.tokens.pop(token, 0) != 0:
                self._ended.add(token)

    def owner(self, token: str) -> Installed:
        """Whose token it is. Raises SlackRefusal for one that does not work."""
        for installed in self.installed.values():
            if token in installed.tokens:
                expires = installed.tokens[token]
                if expires is not None and self._clock() >= expires:
                    raise SlackRefusal("token_expired")
                return installed
        raise SlackRefusal("token_revoked" if token in self._ended else "invalid_auth")

    def _prove(self, authorization: str) -> None:
        scheme, _, proof = authorization.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(proof, validate=True).decode().partition(":")
        except ValueError:
            raise SlackRefusal("invalid_client_id") from None
        if scheme.lower() != "basic" or client_id != self._client_id:
            raise SlackRefusal("invalid_client_id")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            raise SlackRefusal("bad_client_secret")

    def _refreshed(self, token: str) -> Installed:
        for installed in self.installed.values():
            if token and installed.refresh_token == token:
                self._issue(installed)
                return installed
        raise SlackRefusal("invalid_refresh_token")

    def _issue(self, installed: Installed) -> None:
        """A new token; with rotation beside one earlier at most, and with a refresh token that replaces the earlier."""
        name = secrets.token_urlsafe(24)
        if not self.rotation:
            installed.tokens[f"xoxb-{name}"] = None
            return
        installed.tokens[f"xoxe.xoxb-1-{name}"] = self._clock() + TOKEN_SECONDS
        installed.refresh_token = f"xoxe-1-{secrets.token_urlsafe(24)}"
        while len(installed.tokens) > ACTIVE_TOKENS:
            oldest = next(iter(installed.tokens))
            del installed.tokens[oldest]
            self._ended.add(oldest)

    def _answer(self, installed: Installed) -> Json:
        app, token = installed.app, list(installed.tokens)[-1]
        answer: Json = {
            "access_token": token,
            "token_type": "bot",
            "scope": "commands,chat:write",
            "bot_user_id": app.bot_user,
            "app_id": app.app_id,
            "team": None if installed.is_org else {"id": app.team, "name": app.team_name},
            "enterprise": {"id": app.enterprise, "name": f"{app.enterprise} org"} if app.enterprise else None,
            "is_enterprise_install": installed.is_org,
            "authed_user": {"id": installed.user},
        }
        if self.rotation:
            answer |= {"refresh_token": installed.refresh_token, "expires_in": TOKEN_SECONDS}
        return answer
