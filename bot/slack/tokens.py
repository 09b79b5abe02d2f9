"""The token of each workspace, refreshed in time where Slack lets tokens expire.

A refresh token counts once, so for each installation one refresh runs at a time, whoever asks for it, and what it
brings is durable before it is used. A token is refreshed in the background in its last two hours, and waited for in its
last minute. https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import SecretStr

from bot.slack.api import CallFailed, Outcome
from bot.slack.inflight import Inflight
from bot.slack.oauth import OAuth
from bot.slack.workspaces import Workspaces
from core.errors import StoreUnavailable
from core.installations import Installation, InstallationStore
from core.ports import Memory

_SOON, _NOW = timedelta(hours=2), timedelta(minutes=1)
_AGAIN_AFTER = timedelta(minutes=1)
_CLAIM_SECONDS = 30
_POLL_SECONDS, _POLLS = 0.25, 40
_METHOD = "oauth.v2.access"
_log = logging.getLogger(__name__)


class Rotation:
    def __init__(
        self,
        oauth: OAuth,
        store: InstallationStore,
        workspaces: Workspaces,
        seen: Memory,
        inflight: Inflight,
        now: Callable[[], datetime],
    ) -> None:
        self._oauth, self._store, self._workspaces = oauth, store, workspaces
        self._seen, self._inflight, self._now = seen, inflight, now
        self._running: dict[str, asyncio.Task[Installation]] = {}
        self._unsaved: dict[str, Installation] = {}
        self._ask_after: dict[str, datetime] = {}

    async def current(self, id: str) -> Installation:
        """The installation with a token that Slack takes now. Raises CallFailed."""
        found = await self._installation(id)
        left = found.expires_at - self._now() if found.expires_at and found.refresh_token else _SOON
        if left >= _SOON:
            return found
        if left < _NOW:
            return await self.renewed(found)
        if self._now() >= self._ask_after.get(id, self._now()):
            self._refresh(found)
        return found

    async def renewed(self, old: Installation) -> Installation:
        """A later generation than ``old``. Raises CallFailed where there is none to be had."""
        found = await self._installation(old.id)
        if found.generation > old.generation:
            return found
        if not found.refresh_token or self._now() < self._ask_after.get(old.id, self._now()):
            raise CallFailed(_METHOD, Outcome.REFUSED, "token_expired")
        return await asyncio.shield(self._refresh(found))

    async def _installation(self, id: str) -> Installation:
        try:
            found = await self._workspaces.installation(id)
        except StoreUnavailable:
            raise CallFailed(_METHOD, Outcome.NOT_SENT, "store_unavailable") from None
        if found is None:
            raise CallFailed(_METHOD, Outcome.REFUSED, "not_installed")
        return found

    def _refresh(self, old: Installation) -> asyncio.Task[Installation]:
        running = self._running.get(old.id)
        if running is None:
            running = self._running[old.id] = self._inflight.spawn(self._refreshed(old))
            running.add_done_callback(lambda _: self._running.pop(old.id, None))
        return running

    async def _refreshed(self, old: Installation) -> Installation:
        try:
            fresh = self._unsaved.get(old.id) or await self._asked(old)
            return await self._kept(fresh)
        except StoreUnavailable:
            raise CallFailed(_METHOD, Outcome.NOT_SENT, "store_unavailable") from None
        except CallFailed as error:
            if error.outcome is Outcome.REFUSED:
                self._ask_after[old.id] = self._now() + _AGAIN_AFTER
            _log.error("the token of %s was not refreshed: %s", old.id, error)
            if error.outcome is not Outcome.UNKNOWN:
                raise
            # Whatever became of the refresh, the call that it was for has not left.
            raise CallFailed(_METHOD, Outcome.NOT_SENT, error.code) from None

    async def _asked(self, old: Installation) -> Installation:
        """From Slack, unless another process is about to have it."""
        claim = f"slack:refresh:{old.id}:{old.generation}"
        if not await self._seen.first_time(claim, _CLAIM_SECONDS):
            return await self._by_another(old)
        found = await self._store.installation(old.id)
        if found is None or found.generation > old.generation:
            return found or old
        try:
            fresh = await self._oauth.refresh(found, self._now())
        except CallFailed:
            await self._seen.forget(claim)
            raise
        self._unsaved[old.id] = fresh
        return fresh

    async def _by_another(self, old: Installation) -> Installation:
        for _ in range(_POLLS):
            found = await self._store.installation(old.id)
            if found is not None and found.generation > old.generation:
                return found
            await asyncio.sleep(_POLL_SECONDS)
        raise CallFailed(_METHOD, Outcome.NOT_SENT, "refresh_in_progress")

    async def _kept(self, fresh: Installation) -> Installation:
        """``fresh`` once it is durable, and never before; what cannot be written now is kept for the next attempt."""
        if fresh.id in self._unsaved:
            if not await self._store.renew(fresh):
                # Removed or installed anew meanwhile: what the store has counts.
                stored = await self._store.installation(fresh.id)
                self._unsaved.pop(fresh.id)
                self._workspaces.keep(fresh.id, stored)
                if stored is None:
                    raise CallFailed(_METHOD, Outcome.REFUSED, "not_installed")
                return stored
            self._unsaved.pop(fresh.id)
            _log.info("the token of %s was refreshed", fresh.id)
        self._workspaces.keep(fresh.id, fresh)
        return fresh


class WorkspaceTokens:
    """``bot.slack.api.Tokens`` of one installation."""

    def __init__(self, rotation: Rotation, id: str) -> None:
        self._rotation, self._id = rotation, id

    async def token(self) -> SecretStr:
        return SecretStr((await self._rotation.current(self._id)).token)

    async def instead_of(self, token: SecretStr) -> SecretStr:
        found = await self._rotation.current(self._id)
        if found.token == token.get_secret_value():
            found = await self._rotation.renewed(found)
        return SecretStr(found.token)
