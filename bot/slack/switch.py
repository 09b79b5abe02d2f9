"""Between the transports and the receptions: each workspace has a reception of its own, with its own token, people and
homes, so that nothing of one workspace is ever answered with another's.

Removed installations are forgotten here too. https://docs.slack.dev/reference/events/app_uninstalled and
https://docs.slack.dev/reference/events/tokens_revoked
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.answers import ephemeral, nothing, trouble
from bot.slack.homes import HomeTabs
from bot.slack.workspaces import Origin, Workspace, Workspaces, origin_of
from core.errors import StoreUnavailable
from core.i18n import Words
from core.installations import Installation, InstallationStore
from core.views import Message

_OF_NO_WORKSPACE = frozenset({"url_verification", "app_rate_limited"})
_DEPARTURES = frozenset({"app_uninstalled", "tokens_revoked"})
_log = logging.getLogger(__name__)


class Bolt(Protocol):
    """What a transport hands payloads to."""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse: ...


class Room:
    """The reception of one workspace."""

    def __init__(self, bolt: AsyncApp, homes: HomeTabs | None) -> None:
        self.bolt, self.homes = bolt, homes


class Switch:
    def __init__(
        self,
        workspaces: Workspaces,
        store: InstallationStore,
        furnish: Callable[[Workspace], Room],
        is_refused: Callable[[Installation], Awaitable[bool]],
        words: Words,
    ) -> None:
        self._workspaces, self._store, self._furnish, self._words = workspaces, store, furnish, words
        self._is_refused = is_refused
        self._rooms: dict[str, tuple[Workspace, Room]] = {}
        self._closed: list[HomeTabs] = []

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """As Bolt's; the payload goes to the workspace that it comes from."""
        payload: dict[str, Any] = req.body
        if payload.get("type") in _OF_NO_WORKSPACE:
            return nothing() if payload["type"] != "url_verification" else _challenge(payload)
        origin = origin_of(payload)
        try:
            if payload.get("type") == "event_callback" and payload["event"].get("type") in _DEPARTURES:
                await self._depart(payload, origin)
                return nothing()
            workspace = await self._workspaces.of(origin)
        except StoreUnavailable:
            return trouble(503, "store_unavailable")
        if workspace is None:
            return self._not_installed(payload, origin)
        return await self._room(workspace).bolt.async_dispatch(req)

    async def close(self) -> None:
        open_homes = [room.homes for _, room in self._rooms.values() if room.homes is not None]
        await asyncio.gather(*(homes.close() for homes in [*open_homes, *self._closed]))

    def _room(self, workspace: Workspace) -> Room:
        known, room = self._rooms.get(workspace.id, (None, None))
        if room is None or known != workspace:
            self._leave(workspace.id)
            room = self._furnish(workspace)
            self._rooms[workspace.id] = (workspace, room)
            if room.homes is not None:
                room.homes.start()
        return room

    def _leave(self, id: str) -> None:
        _, room = self._rooms.pop(id, (None, None))
        if room is not None and room.homes is not None:
            room.homes.stop()
            self._closed.append(room.homes)

    def _not_installed(self, payload: dict[str, Any], origin: Origin) -> BoltResponse:
        _log.warning("a request of %s, where the app is not installed", origin.team or origin.enterprise or "nowhere")
        if "command" not in payload:
            return nothing()
        view = Message("slack.not_installed", is_error=True)
        return BoltResponse(status=200, body=ephemeral(view, self._words))

    async def _depart(self, payload: dict[str, Any], origin: Origin) -> None:
        """Forget the installation that was removed, unless the app was installed again since."""
        found = await self._departed(origin)
        if found is None or not _concerns(payload, found):
            return
        await self._store.remove(found.id)
        self._workspaces.keep(found.id, None)
        self._leave(found.id)
        _log.info("the app was removed from %s; its tokens are forgotten", found.id)

    async def _departed(self, origin: Origin) -> Installation | None:
        """The workspace's installation, else the organisation's: where the event names a workspace and does not say
        that it is about the organisation, only if Slack takes its token no more."""
        found = await self._store.installation(origin.team) if origin.team and not origin.is_org else None
        if found is not None or not origin.enterprise:
            return found
        org_wide = await self._store.installation(origin.enterprise)
        is_clear = origin.is_org or not origin.team
        return org_wide if org_wide and (is_clear or await self._is_refused(org_wide)) else None


def _concerns(payload: dict[str, Any], found: Installation) -> bool:
    at = payload.get("event_time")
    if isinstance(at, int) and at < int(found.installed_at.timestamp()):
        return False
    if payload["event"]["type"] == "app_uninstalled":
        return True
    tokens = payload["event"].get("tokens")
    revoked = tokens.get("bot") if isinstance(tokens, dict) else None
    return isinstance(revoked, list) and found.bot_user in revoked


def _challenge(payload: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body={"challenge": payload.get("challenge")})
