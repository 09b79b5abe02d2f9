"""Installations in the database, their tokens sealed. (``core.installations.InstallationStore``)"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Table, delete, insert, select, update

from core.installations import Installation
from core.sealing import CannotOpen, Keyring
from core.store.database import Database
from core.store.rows import InstallationRow
from core.store.session import Row, Session

INSTALLATION: Table = InstallationRow.__table__  # type: ignore[attr-defined]
_PLAIN = (
    "team",
    "enterprise",
    "name",
    "bot_user",
    "bot_id",
    "installed_by",
    "installed_at",
    "expires_at",
    "generation",
)
_log = logging.getLogger(__name__)


class _Secrets(msgspec.Struct, frozen=True, omit_defaults=True):
    token: str
    refresh_token: str | None = None


class Installations:
    """Of one chat platform."""

    def __init__(self, database: Database, keys: Keyring, platform: str) -> None:
        self._database, self._keys, self._platform = database, keys, platform

    async def installation(self, id: str) -> Installation | None:
        return self._first(await self._rows(INSTALLATION.c.id == id))

    async def of_enterprise(self, enterprise: str) -> Installation | None:
        rows = await self._rows(INSTALLATION.c.enterprise == enterprise) if enterprise else []
        return self._first(sorted(rows, key=lambda row: (row["team"] == "", row["installed_at"]), reverse=True))

    async def only(self) -> Installation | None:
        rows = await self._rows(limit=2)
        return self._first(rows) if len(rows) == 1 else None

    async def save(self, installation: Installation) -> None:
        row, where = self._row(installation), self._where(installation.id)

        def run(session: Session) -> None:
            # A refresh of the earlier tokens that is still under way finds another generation, and keeps nothing.
            earlier = session.execute(select(INSTALLATION.c.generation).where(where)).scalar() or 0
            session.execute(delete(INSTALLATION).where(where))
            session.execute(insert(INSTALLATION).values(row | {"generation": max(row["generation"], earlier + 2)}))

        await self._database.write(run)

    async def renew(self, installation: Installation) -> bool:
        where = self._where(installation.id) & (INSTALLATION.c.generation == installation.generation - 1)
        statement = update(INSTALLATION).where(where).values(self._row(installation))
        return bool(await self._database.write(lambda session: session.execute(statement).rowcount))

    async def remove(self, id: str) -> bool:
        statement = delete(INSTALLATION).where(self._where(id))
        return bool(await self._database.write(lambda session: session.execute(statement).rowcount))

    async def reseal(self) -> int:
        old = [row for row in await self._rows() if not self._keys.is_newest(row["sealed"])]
        return sum([await self._resealed(row) for row in old])

    async def _resealed(self, row: Mapping[str, Any]) -> bool:
        try:
            secrets = self._keys.open(row["sealed"], self._about(row["id"]))
        except CannotOpen:
            _log.error("no key opens the tokens of %s: give the old key too, or install the app again", row["id"])
            return False
        where = self._where(row["id"]) & (INSTALLATION.c.sealed == row["sealed"])
        statement = update(INSTALLATION).where(where).values(sealed=self._keys.seal(secrets, self._about(row["id"])))
        return bool(await self._database.write(lambda session: session.execute(statement).rowcount))

    async def _rows(self, *where: Any, limit: int | None = None) -> list[Mapping[str, Any]]:
        statement = select(INSTALLATION).where(INSTALLATION.c.platform == self._platform, *where).limit(limit)
        return await self._database.read(
            lambda connection: [dict(row) for row in connection.execute(statement).mappings()]
        )

    def _first(self, rows: list[Mapping[str, Any]]) -> Installation | None:
        for row in rows:
            try:
                opened = self._keys.open(row["sealed"], self._about(row["id"]))
            except CannotOpen:
                _log.error("no key opens the tokens of %s: give the old key too, or install the app again", row["id"])
                continue
            secrets = msgspec.json.decode(opened, type=_Secrets)
            plain = {name: row[name] for name in _PLAIN}
            return Installation(**plain, token=secrets.token, refresh_token=secrets.refresh_token)
        return None

    def _row(self, installation: Installation) -> Row:
        secrets = _Secrets(installation.token, installation.refresh_token)
        sealed = self._keys.seal(msgspec.json.encode(secrets), self._about(installation.id))
        plain = {name: getattr(installation, name) for name in _PLAIN}
        return {"platform": self._platform, "id": installation.id, "sealed": sealed, **plain}

    def _where(self, id: str) -> Any:
        return (INSTALLATION.c.platform == self._platform) & (INSTALLATION.c.id == id)

    def _about(self, id: str) -> str:
        return f"installation:{self._platform}:{id}"
