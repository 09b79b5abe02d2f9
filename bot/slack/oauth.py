"""Slack's OAuth methods: codes and refresh tokens for tokens. https://docs.slack.dev/authentication/installing-with-oauth

The app proves itself by HTTP basic; tokens travel in bodies and headers, never in an address.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
from msgspec.structs import replace

from bot.slack.api import CALL_SECONDS, Answer, CallFailed, Outcome, answered
from core.config.settings import SlackSettings
from core.installations import Installation

_ACCESS = "oauth.v2.access"


class OAuth:
    def __init__(self, settings: SlackSettings, session: aiohttp.ClientSession) -> None:
        self._root, self._session = settings.api_url.rstrip("/"), session
        self._client_id = settings.client_id or ""
        self._secret = settings.client_secret.get_secret_value() if settings.client_secret else ""

    def authorize_url(self, scopes: str, state: str, redirect_uri: str) -> str:
        """Where a browser is sent to be asked whether the app may be installed."""
        asked = {"client_id": self._client_id, "scope": scopes, "state": state, "redirect_uri": redirect_uri}
        return f"{self._root.removesuffix('/api')}/oauth/v2/authorize?{urlencode(asked)}"

    async def exchange(self, code: str, redirect_uri: str, now: datetime) -> Installation:
        """The installation that ``code`` stands for, which is used up by it. Raises CallFailed."""
        answer = await self._call({"code": code, "redirect_uri": redirect_uri})
        team, enterprise, user = (_object(answer, name) for name in ("team", "enterprise", "authed_user"))
        org_wide = answer.get("is_enterprise_install") is True
        made = Installation(
            team="" if org_wide else _text(team, "id"),
            enterprise=_text(enterprise, "id"),
            name=_text(enterprise if org_wide else team, "name"),
            token=_text(answer, "access_token"),
            bot_user=_text(answer, "bot_user_id"),
            installed_at=now,
            installed_by=_text(user, "id"),
            generation=int(now.timestamp()),
        )
        if not made.id or not made.token:
            raise CallFailed(_ACCESS, Outcome.UNKNOWN, "incomplete_answer")
        return _with_rotation(made, answer, now)

    async def refresh(self, installation: Installation, now: datetime) -> Installation:
        """The next generation of tokens; the refresh token is used up by it. Raises CallFailed."""
        asked = {"grant_type": "refresh_token", "refresh_token": installation.refresh_token or ""}
        answer = await self._call(asked)
        token = _text(answer, "access_token")
        if not token:
            raise CallFailed(_ACCESS, Outcome.UNKNOWN, "incomplete_answer")
        fresh = replace(installation, token=token, generation=installation.generation + 1)
        return _with_rotation(fresh, answer, now)

    async def bot_id(self, token: str) -> str:
        """Raises CallFailed."""
        return _text(await self._with_token("auth.test", token), "bot_id")

    async def revoke(self, token: str) -> None:
        """Give a token back that is not to be used. Raises CallFailed."""
        await self._with_token("auth.revoke", token)

    async def _call(self, form: dict[str, str]) -> Answer:
        proof = base64.b64encode(f"{self._client_id}:{self._secret}".encode()).decode()
        return await answered(_ACCESS, self._post(_ACCESS, form, f"Basic {proof}"))

    async def _with_token(self, method: str, token: str) -> Answer:
        return await answered(method, self._post(method, {}, f"Bearer {token}"))

    def _post(self, method: str, form: dict[str, str], authorization: str) -> Any:
        return self._session.post(
            f"{self._root}/{method}",
            data=form,
            headers={"Authorization": authorization},
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS, connect=CALL_SECONDS / 2),
            allow_redirects=False,
        )


def _with_rotation(made: Installation, answer: Answer, now: datetime) -> Installation:
    """https://docs.slack.dev/authentication/using-token-rotation: ``expires_in`` is in seconds."""
    refresh, seconds = _text(answer, "refresh_token"), answer.get("expires_in")
    if not refresh or not isinstance(seconds, int):
        return made
    return replace(made, refresh_token=refresh, expires_at=now + timedelta(seconds=seconds))


def _object(answer: Answer, name: str) -> Answer:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def _text(answer: Answer, name: str) -> str:
    found = answer.get(name)
    return found if isinstance(found, str) else ""
