"""The workspaces that have installed the app: whose a request is, and where a message goes.

A request names its workspace and organisation; the workspace's own installation counts before the organisation's
(org-wide) one. User ids are one's own within an organisation or, without one, within a workspace, so people of other
workspaces than ``slack.home`` are called ``T024BE7LD/U0KIM``.
https://docs.slack.dev/enterprise/organization-ready-apps
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from slack_bolt.request import internals

from core.config.settings import SlackSettings
from core.installations import Installation, InstallationStore

# An installation that another process has changed is seen after this time.
_FRESH_SECONDS = 15.0
_REMEMBERED = 1000


class Workspace(msgspec.Struct, frozen=True):
    """``id`` names the installation, ``scope`` what stands before its user ids (nothing at home)."""

    id: str
    scope: str
    tenant: str
    bot_user: str
    bot_id: str

    def scoped(self, user: str) -> str:
        """The user as people of all workspaces are told apart."""
        return f"{self.scope}/{user}" if self.scope else user


class Origin(msgspec.Struct, frozen=True):
    """What a request says of where it comes from; ``is_org`` when it is about an org-wide installation."""

    enterprise: str
    team: str
    is_org: bool


class Unknown(Exception):
    """No installation has this name; without a name, there is not exactly one."""


def origin_of(payload: dict[str, Any]) -> Origin:
    """Of any payload, in all the places where Slack names workspaces. In shared channels it is where the app is
    installed, not whose the writer is."""
    return Origin(
        internals.extract_enterprise_id(payload) or "",
        internals.extract_team_id(payload) or "",
        bool(internals.extract_is_enterprise_install(payload)),
    )


class Workspaces:
    def __init__(self, settings: SlackSettings, store: InstallationStore) -> None:
        self._home, self._store = settings.home, store
        self._known: dict[str, tuple[float, Installation | None]] = {}

    async def of(self, origin: Origin) -> Workspace | None:
        """The workspace that a request comes from; None where the app is not installed. May raise StoreUnavailable."""
        names = [origin.enterprise] if origin.is_org else [origin.team, origin.enterprise]
        for name in filter(None, names):
            found = await self.installation(name)
            if found is not None:
                return self._workspace(found)
        return None

    async def named(self, name: str) -> Workspace:
        """The workspace or organisation ``name``; without a name the home, else the only one. Raises Unknown."""
        wanted = name or self._home
        if wanted:
            found = await self.installation(wanted) or await self._store.of_enterprise(wanted)
        else:
            found = await self._store.only()
        if found is None:
            raise Unknown(wanted or "")
        return self._workspace(found)

    async def installation(self, id: str) -> Installation | None:
        at, found = self._known.get(id, (0.0, None))
        if found is None or time.monotonic() - at > _FRESH_SECONDS:
            found = await self._store.installation(id)
            self.keep(id, found)
        return found

    def keep(self, id: str, installation: Installation | None) -> None:
        """Remember what the store has."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known[id] = (time.monotonic(), installation)

    def _workspace(self, found: Installation) -> Workspace:
        at_home = self._home is not None and self._home in (found.team, found.enterprise)
        scope = found.enterprise or found.team
        return Workspace(found.id, "" if at_home else scope, scope, found.bot_user, found.bot_id)


def split(name: str) -> tuple[str, str]:
    """``T024BE7LD/#general`` or ``T024BE7LD/U0KIM``: the workspace, empty for none, and the name within it."""
    workspace, slash, rest = name.partition("/")
    return (workspace, rest) if slash else ("", name)
