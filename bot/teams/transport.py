"""How a request of the SDK's Connector client leaves: through the shared aiohttp session, once.

The SDK's own way opens a connection for each call in a pool of threads, repeats some requests by itself and reads error
pages as data. Here every request is checked against the trusted hosts, gets the token only where it may, has ten
seconds, and ends in an answer or in one of three errors that say what became of it.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from msrest.pipeline import Response
from msrest.pipeline.async_abc import AsyncHTTPSender, AsyncPipeline
from msrest.pipeline.universal import RawDeserializer
from msrest.universal_http.async_abc import AsyncClientResponse
from yarl import URL

from bot.teams.credentials import BotCredentials, TokenUnavailable
from bot.teams.hosts import ServiceHosts

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
_LARGEST = 1024 * 1024


class ConnectorError(Exception):
    """A request to the Connector came to nothing, or nobody knows."""


class NotSent(ConnectorError):
    """It never left. ``untrusted`` when the address is not one that the bot may speak to."""

    def __init__(self, reason: str, *, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.untrusted = untrusted


class AnswerLost(ConnectorError):
    """It left, and no answer came back."""


class Rejected(ConnectorError):
    """The Connector answered no. ``code`` is its word for it, empty where there is none.

    ``retry_after`` is in seconds.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(" ".join(filter(None, (str(status), code, message))))
        self.status, self.code, self.retry_after = status, code, retry_after


class Sender(AsyncHTTPSender[Any, Any]):
    def __init__(self, session: aiohttp.ClientSession, hosts: ServiceHosts, credentials: BotCredentials) -> None:
        self._session, self._hosts, self._credentials = session, hosts, credentials

    async def __aexit__(self, *_: object) -> None:
        """The session is not this object's to close."""

    async def send(self, request: Any, **_: Any) -> Any:
        """The SDK's answer object. Raises ConnectorError."""
        http = request.http_request
        headers = dict(http.headers)
        if not self._hosts.allows(http.url):
            raise NotSent(f"{URL(http.url).host} is not a host of the Bot Connector", untrusted=True)
        if self._hosts.trusts(http.url) and (token := await self._token()):
            headers["Authorization"] = f"Bearer {token}"
        status, reply_headers, body = await self._exchange(http.method, http.url, headers, http.data)
        if status == 401:
            self._credentials.forget()
        if status >= 300:
            code, message = _why(body)
            raise Rejected(status, code, message, retry_seconds(reply_headers.get("Retry-After")))
        answer = AsyncClientResponse(http, None)
        # The SDK knows only some successes of each call; which one it was says nothing more.
        answer.status_code, answer.headers = 200, reply_headers
        return Response(request, answer, context={RawDeserializer.CONTEXT_NAME: _json(body)})

    async def _token(self) -> str | None:
        try:
            return await self._credentials.token()
        except TokenUnavailable as error:
            raise NotSent(f"no token: {error}") from error

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], data: Any
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=data, timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                body = await response.content.read(_LARGEST)
                return response.status, dict(response.headers), body
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AnswerLost(f"{type(error).__name__}: {error}") from error


class Pipeline(AsyncPipeline[Any, Any]):
    """The SDK's chain of policies, of which only the name of the client is left."""

    def __init__(self, config: Any) -> None:
        super().__init__([config.user_agent_policy], config.sender)


def _json(body: bytes) -> Any:
    """An object, or None: the Connector also answers with nothing, and gateways with pages."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _why(body: bytes) -> tuple[str, str]:
    """Code and message of either of the Connector's two shapes of error; both empty for anything else."""
    answer = _json(body) or {}
    error = answer.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")[:300]
    if "errorCode" in answer:
        inner = _json(str(answer.get("message")).encode()) or {}
        return str(inner.get("subCode") or answer["errorCode"]), str(inner.get("details") or "")[:300]
    return "", ""


def retry_seconds(value: str | None) -> float | None:
    """Retry-After, as a number of seconds or as a date; None where it says nothing usable."""
    if not value:
        return None
    if value.isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - datetime.now(moment.tzinfo)).total_seconds())
    except (ValueError, TypeError):
        return None
