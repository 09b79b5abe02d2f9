"""Who is who: the sender of an activity and the people mentioned in it, as Deskbell's own people.

A person is known by tenant and Entra object id, which Teams vouches for in ``from``; the 29: id of a mention is looked
up in the conversation. Names are for display alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from zoneinfo import ZoneInfo

from bot.teams.connector import Connector
from bot.teams.incoming import Account, Incoming
from bot.teams.spoken import neutral
from bot.teams.transport import ConnectorError
from core.config.settings import Settings
from core.i18n import Words, closest_language
from core.model import Person
from core.people import Directory, Seen

_REMEMBERED = 2000
_ADDRESS_SECONDS = 1.0
_log = logging.getLogger(__name__)


class People:
    def __init__(self, settings: Settings, directory: Directory, connector: Connector) -> None:
        self._settings, self._directory, self._connector = settings, directory, connector
        self._users: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._own = frozenset(tenant.lower() for tenant in settings.organisation.teams_tenants)
        self._asked: OrderedDict[str, None] = OrderedDict()

    async def sender(self, incoming: Incoming) -> Person | None:
        """Who wrote or clicked; None for somebody whom Teams does not vouch for."""
        account = incoming.sender
        user = account.aad_object_id
        if not user and self._settings.msteams.insecure and not self._settings.msteams.app_id:
            user = account.id  # the emulator knows no Entra
        if not user:
            return None
        email = await self._own_address(incoming, user)
        seen = Seen(
            platform="teams",
            user=user,
            tenant=incoming.tenant,
            name=account.name,
            email=email,
            email_vouched=email is not None,
            language=closest_language(incoming.language_tag, "") or None,
            time_zone=_zone(incoming.time_zone),
            mri=account.id or None,
        )
        return await self._directory.meet(seen)

    async def _own_address(self, incoming: Incoming, user: str) -> str | None:
        """The mail address that one's own tenant vouches for; it is asked for once, and nobody waits long for it."""
        if incoming.tenant.lower() not in self._own or user in self._asked:
            return None
        self._asked[user] = None
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        try:
            async with asyncio.timeout(_ADDRESS_SECONDS):
                member = await self._connector.member(incoming.service_url, incoming.place_id, incoming.sender.id)
        except (ConnectorError, TimeoutError) as error:
            self._asked.pop(user, None)
            _log.info("no address of a person from Teams: %s", error)
            return None
        return member.email if member is not None and member.user == user and not member.is_guest else None

    def words(self, incoming: Incoming, person: Person | None) -> Words:
        """The language and time zone of the person, else of the client, else of the installation."""
        client = closest_language(incoming.language_tag, self._settings.language)
        language = closest_language(person.language if person else None, client)
        zone = person.time_zone if person else None
        return Words(language, zone or _zone(incoming.time_zone) or self._settings.time_zone)

    async def mentioned(self, incoming: Incoming, account: Account) -> str:
        """``<@person-id>``, or the plain name of somebody who cannot be found."""
        person = await self._of(incoming, account)
        return f"<@{person.id}>" if person else neutral(f"@{account.name or '?'}")

    async def author(self, incoming: Incoming, user: str, name: str | None) -> Person:
        """Who wrote a message that somebody shows us. ``user`` is the Entra object id."""
        known = await self._directory.known("teams", user)
        return known or await self._directory.meet(Seen("teams", user, incoming.tenant, name=name))

    async def _of(self, incoming: Incoming, account: Account) -> Person | None:
        if account.id.startswith("28:"):
            return None
        key = (incoming.tenant, account.id)
        user = account.aad_object_id or self._users.get(key)
        known = await self._directory.known("teams", user) if user else None
        return known or await self._looked_up(incoming, account.id, key)

    async def _looked_up(self, incoming: Incoming, mri: str, key: tuple[str, str]) -> Person | None:
        try:
            member = await self._connector.member(incoming.service_url, incoming.place_id, mri)
        except ConnectorError as error:
            _log.warning("a mentioned person was not found: %s", error)
            return None
        if member is None:
            return None
        self._users[key] = member.user
        if len(self._users) > _REMEMBERED:
            self._users.popitem(last=False)
        own = incoming.tenant.lower() in self._own and not member.is_guest
        seen = Seen(
            "teams", member.user, incoming.tenant, name=member.name, email=member.email, email_vouched=own, mri=mri
        )
        return await self._directory.meet(seen)


def _zone(name: str | None) -> str | None:
    """A time zone's name if there is such a zone; clients send what they like."""
    try:
        return ZoneInfo(name).key if name else None
    except (KeyError, ValueError, OSError):
        return None
