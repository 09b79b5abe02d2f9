"""Where a chat platform has installed the app: one installation for a workspace, or for a whole organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class Installation(msgspec.Struct, frozen=True):
    """``team`` is empty for an organisation's (org-wide) installation, ``enterprise`` for a workspace of none.

    ``token`` and ``refresh_token`` are secret: no log, no text and no error may hold them. ``generation`` grows with
    every token that the installation gets.
    """

    team: str
    enterprise: str
    name: str
    token: str
    bot_user: str
    installed_at: datetime
    bot_id: str = ""
    installed_by: str = ""
    refresh_token: str | None = None
    expires_at: datetime | None = None
    generation: int = 1

    @property
    def id(self) -> str:
        """The workspace, or the organisation."""
        return self.team or self.enterprise

    def __repr__(self) -> str:
        return f"Installation({self.id})"

    __str__ = __repr__


class InstallationStore(Protocol):
    """Every method raises ``StoreUnavailable`` where the database cannot be asked."""

    async def installation(self, id: str) -> Installation | None:
        """None, too, where no key opens its tokens."""

    async def of_enterprise(self, enterprise: str) -> Installation | None:
        """The organisation's own installation, else the newest of its workspaces."""

    async def only(self) -> Installation | None:
        """The installation, where there is exactly one."""

    async def save(self, installation: Installation) -> None:
        """A new installation; it takes the place of an earlier one of the same id."""

    async def renew(self, installation: Installation) -> bool:
        """Keep new tokens durably; False, and nothing changes, unless they are those of the next generation."""

    async def remove(self, id: str) -> bool:
        """Forget an installation and its tokens; whether there was one."""

    async def reseal(self) -> int:
        """Seal with the newest key what an older one has sealed; returns how many."""
