"""The public keys with which Microsoft signs what it sends to bots.

The SDK fetches them with a blocking call without a time limit, inside the event loop, and again for every request when
that fails. Here they are fetched once for all who wait, kept for a day, renewed shortly before, and an unknown key id
asks again at most every five minutes.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from yarl import URL

from bot.teams.hosts import is_loopback

_KEEP = timedelta(hours=24)
_RENEW_BEFORE = timedelta(hours=1)
_BETWEEN_RENEWALS = timedelta(minutes=5)
_BETWEEN_FAILURES = timedelta(seconds=5)
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LARGEST = 1024 * 1024
_log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The keys could not be fetched; nobody can be let in until they are."""


class SigningKey(msgspec.Struct, frozen=True):
    """``endorsements`` are the channels for which the key may sign."""

    key: Any
    endorsements: frozenset[str]


class SigningKeys:
    """``metadata`` is the address of the OpenID document. ``now`` gives timezone-aware UTC."""

    def __init__(self, session: aiohttp.ClientSession, metadata: str, now: Callable[[], datetime]) -> None:
        self._session, self._metadata, self._now = session, metadata, now
        self._keys: dict[str, SigningKey] = {}
        self._fetched: datetime | None = None
        self._failed: datetime | None = None
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> SigningKey | None:
        """The key of this id, or None for one that Microsoft does not know. Raises KeysUnavailable."""
        if self._age() >= _KEEP - _RENEW_BEFORE:
            await self._renew(lambda: self._age() >= _KEEP - _RENEW_BEFORE)
        if key_id not in self._keys and self._age() >= _BETWEEN_RENEWALS:
            await self._renew(lambda: key_id not in self._keys and self._age() >= _BETWEEN_RENEWALS)
        return self._keys.get(key_id)

    def _age(self) -> timedelta:
        return self._now() - self._fetched if self._fetched else timedelta.max

    async def _renew(self, needed: Callable[[], bool]) -> None:
        """Fetch, unless somebody did while this waited. What is known stays in use for its day if that fails."""
        async with self._lock:
            if not needed():
                return
            try:
                if self._failed and self._now() - self._failed < _BETWEEN_FAILURES:
                    raise KeysUnavailable("the last attempt has just failed")
                await self._fetch()
            except KeysUnavailable as error:
                if self._age() >= _KEEP:
                    raise
                _log.warning("the keys of the Bot Framework were not renewed: %s", error)

    async def _fetch(self) -> None:
        try:
            document = await self._read(self._metadata)
            keys = await self._read(_safe(document["jwks_uri"], self._metadata))
            self._keys = dict(_known(keys["keys"]))
        except (
            aiohttp.ClientError,
            TimeoutError,
            OSError,
            LookupError,
            TypeError,
            AttributeError,
            ValueError,
        ) as error:
            self._failed = self._now()
            raise KeysUnavailable(f"{type(error).__name__}: {error}") from error
        self._fetched, self._failed = self._now(), None

    async def _read(self, address: str) -> Any:
        async with self._session.get(address, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"{address} answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError(f"{address} answered more than {_LARGEST} bytes")
        return msgspec.json.decode(body)


def _safe(address: str, metadata: str) -> str:
    """``address`` if it is https, or on the same loopback as the document that names it. Raises ValueError."""
    url, source = URL(address), URL(metadata)
    if url.scheme == "https" or (is_loopback(url.host) and is_loopback(source.host)):
        return address
    raise ValueError(f"keys at an address that is not https: {address}")


def _known(keys: list[dict[str, Any]]) -> list[tuple[str, SigningKey]]:
    """The RSA keys; others are no use here, and one broken key must not hide the rest."""
    found = []
    for entry in keys:
        if entry.get("kty") != "RSA" or not isinstance(entry.get("kid"), str):
            continue
        try:
            key = PyJWK.from_dict(entry, algorithm="RS256").key
        except PyJWTError:
            _log.warning("a key that is not understood: %r", entry["kid"])
            continue
        found.append((entry["kid"], SigningKey(key, frozenset(entry.get("endorsements") or ()))))
    if not found:
        raise ValueError("no usable key")
    return found
