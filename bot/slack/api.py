"""Slack's Web API over the shared HTTP session, with one answer to the question that matters: was it taken?

The SDK's client says neither whether a request left this machine nor keeps a time limit on a shared session, and both
decide whether a message may be sent again. So the door and the notifier call here; the SDK's client serves Bolt alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

import aiohttp
import orjson
from pydantic import SecretStr

from core.config.settings import SlackSettings

CALL_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
# These take no JSON body: https://docs.slack.dev/apis/web-api/#content-types and the methods' own pages.
_FORM_METHODS = frozenset(
    {
        "chat.getPermalink",
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.replies",
        "users.conversations",
        "users.info",
    }
)

# Errors that Slack's pages call passing, with nothing done.
_LIMITED = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "external_channel_migrating",
    }
)
# "It's possible some aspect of the operation succeeded before the error was raised."
_UNKNOWN = frozenset({"internal_error", "fatal_error", "update_failed"})
_JSON = {"Content-Type": "application/json; charset=utf-8"}

Answer = dict[str, Any]


class Outcome(StrEnum):
    """What became of a call that did not succeed."""

    NOT_SENT = "not_sent"  # it never reached Slack
    LIMITED = "limited"  # Slack asks to wait, and took nothing
    REFUSED = "refused"  # Slack said no
    UNKNOWN = "unknown"  # Slack may have done it


class CallFailed(Exception):
    """``code`` is Slack's word, or ``http_502``, ``timeout`` and the like; ``after`` the seconds to wait if told."""

    def __init__(self, method: str, outcome: Outcome, code: str, after: float | None = None) -> None:
        super().__init__(f"{method}: {code}")
        self.method, self.outcome, self.code, self.after = method, outcome, code, after


class Tokens(Protocol):
    """The tokens of one workspace. Both methods raise CallFailed where there is none to be had."""

    async def token(self) -> SecretStr: ...

    async def instead_of(self, token: SecretStr) -> SecretStr:
        """Another token than ``token``, which Slack has refused because its time is over."""


class SlackApi:
    """``seconds`` is the limit of a call that names none of its own.

    ``tokens`` are those of the workspace that is called; without them it is the configured one.
    """

    def __init__(
        self,
        settings: SlackSettings,
        session: aiohttp.ClientSession,
        seconds: float = CALL_SECONDS,
        tokens: Tokens | None = None,
    ) -> None:
        self._root = settings.api_url.rstrip("/")
        self._token = settings.bot_token
        self._tokens = tokens
        self._session = session
        self._seconds = seconds

    async def call(self, method: str, arguments: Mapping[str, Any], *, seconds: float | None = None) -> Answer:
        """Slack's answer to ``method``, in at most ``seconds``. Raises CallFailed; its text never holds the token."""
        limit = _time_limit(seconds or self._seconds)
        if self._tokens is None:
            return await answered(method, self._request(method, arguments, self._token, limit))
        token = await self._tokens.token()
        try:
            return await answered(method, self._request(method, arguments, token, limit))
        except CallFailed as error:
            if error.code != "token_expired":
                raise
        token = await self._tokens.instead_of(token)
        return await answered(method, self._request(method, arguments, token, limit))

    def _request(
        self, method: str, arguments: Mapping[str, Any], token: SecretStr | None, timeout: aiohttp.ClientTimeout
    ) -> Any:
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        given = {name: value for name, value in arguments.items() if value is not None}
        body: bytes | dict[str, str]
        if method in _FORM_METHODS:
            body = {name: _as_form(value) for name, value in given.items()}
        else:
            body = orjson.dumps(given)
            headers |= _JSON
        # No redirects: they would turn the call into a GET, and carry it to another host.
        return self._session.post(
            f"{self._root}/{method}", data=body, headers=headers, timeout=timeout, allow_redirects=False
        )

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer to a response_url: five times within half an hour. Raises CallFailed."""
        request = self._session.post(
            response_url,
            data=orjson.dumps(message),
            headers=_JSON,
            timeout=_time_limit(self._seconds),
            allow_redirects=False,
        )
        try:
            async with request as answer:
                if answer.status != 200:
                    raise CallFailed("response_url", Outcome.REFUSED, f"http_{answer.status}")
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed("response_url", Outcome.UNKNOWN, _name(error)) from None


async def answered(method: str, request: Any) -> Answer:
    """Slack's answer to a request that is not yet sent. Raises CallFailed."""
    try:
        async with request as response:
            return _answer(method, response.status, response.headers, await response.read())
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise CallFailed(method, Outcome.NOT_SENT, _name(error)) from None
    except (aiohttp.ClientError, OSError) as error:
        raise CallFailed(method, Outcome.UNKNOWN, _name(error)) from None


def _time_limit(seconds: float) -> aiohttp.ClientTimeout:
    # A connection of its own limit tells "never sent" from "never answered".
    return aiohttp.ClientTimeout(total=seconds, connect=min(_CONNECT_SECONDS, seconds / 2))


def _as_form(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _name(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


def _answer(method: str, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Slack's JSON if it says ok. Raises CallFailed for everything else."""
    if status == 429:
        raise CallFailed(method, Outcome.LIMITED, "ratelimited", _seconds(headers.get("Retry-After")))
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or "ok" not in answer:
        raise CallFailed(method, _outcome_of_status(status), f"http_{status}")
    if answer["ok"] is True and status == 200:
        return answer
    code = str(answer.get("error") or f"http_{status}")
    raise CallFailed(method, _outcome_of_error(status, code), code, _seconds(headers.get("Retry-After")))


def _outcome_of_status(status: int) -> Outcome:
    """For an answer that is not Slack's: a page of a proxy, or a server that is going down."""
    return Outcome.REFUSED if 300 <= status < 500 and status not in (408, 425) else Outcome.UNKNOWN


def _outcome_of_error(status: int, code: str) -> Outcome:
    if code in _LIMITED:
        return Outcome.LIMITED
    return Outcome.UNKNOWN if status >= 500 or code in _UNKNOWN else Outcome.REFUSED


def _seconds(value: str | None) -> float | None:
    try:
        return max(float(value), 0.0) if value else None
    except ValueError:
        return None
