"""People, conversations and things seen once, kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace
from sqlalchemy import delete, select, update

from core.config.directory import PersonSettings
from core.conversations import Conversation
from core.model import Person
from core.people import Seen
from core.ports import Clock
from core.store import outgoing
from core.store.database import Database
from core.store.queries import CONVERSATION, IDENTITY, PERSON
from core.store.rows import SeenRow
from core.store.session import Row, Session

# What a platform tells of somebody where the configuration says nothing; it outlives a restart.
_HEARD = ("email", "language", "time_zone", "teams_mri", "picture")
SEEN = SeenRow.__table__  # type: ignore[attr-defined]
_CACHE = 10_000


class People:
    """The directory (``core.people.Directory``). Configured people keep what the configuration says of them."""

    def __init__(self, database: Database, configured: tuple[PersonSettings, ...], clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._configured = {person.id: _from_settings(person) for person in configured}
        self._ids: dict[tuple[str, str], str] = {}
        self._owners: dict[str, str] = {}
        self._people: dict[str, Person] = dict(self._configured)
        for person in self._configured.values():
            for platform, user in (("slack", person.slack), ("teams", person.teams)):
                if user:
                    self._ids[platform, user] = person.id

    async def start(self) -> None:
        """Write the configured people down, so that notices find them."""

        def run(session: Session) -> None:
            stored = outgoing.people(session.connection, self._configured)
            for person in self._configured.values():
                earlier = stored.get(person.id, person)
                merged = replace(person, **{name: getattr(person, name) or getattr(earlier, name) for name in _HEARD})
                self._people[person.id] = merged
                _save(session, merged, self._clock.now(), address=address_of(person.email))

        if self._configured:
            await self._database.write(run)

    async def meet(self, seen: Seen) -> Person:
        person = await self.known(seen.platform, seen.user)
        fresh = _met(person, seen, self._configured)
        address = address_of(seen.email) if seen.email_vouched else None
        if person is not None and fresh == person and (address is None or self._owners.get(address) == person.id):
            return person
        kept = await self._database.write(lambda session: self._kept(session, fresh, seen, address))
        self._remember(seen.platform, seen.user, kept)
        if address is not None:
            self._owners[address] = kept.id
        return kept

    def _kept(self, session: Session, fresh: Person, seen: Seen, address: str | None) -> Person:
        """``fresh`` as it is written down: as whoever has the vouched address already, on whatever platform.

        A configured person stays who they are; the configuration says which accounts are theirs.
        """
        owner = _owner(session, address) if address and fresh.id not in self._configured else None
        if owner is not None and owner.id != fresh.id:
            fresh = _met(self._people.get(owner.id, owner), seen, self._configured)
        _save(session, fresh, self._clock.now(), seen, address)
        return fresh

    async def person(self, person_id: str) -> Person | None:
        if person_id not in self._people:
            found = await self._database.read(lambda connection: outgoing.people(connection, [person_id]))
            if person_id not in found:
                return None
            self._people[person_id] = found[person_id]
        return self._people[person_id]

    async def known(self, platform: str, user: str) -> Person | None:
        person_id = self._ids.get((platform, user))
        if person_id is None:
            where = (IDENTITY.c.platform == platform) & (IDENTITY.c.user == user)
            person_id = await self._database.read(
                lambda connection: connection.execute(select(IDENTITY.c.person_id).where(where)).scalar()
            )
        person = await self.person(person_id) if person_id else None
        if person is not None:
            self._remember(platform, user, person)
        return person

    def _remember(self, platform: str, user: str, person: Person) -> None:
        if len(self._ids) > _CACHE:
            self._ids.clear()
            self._owners.clear()
            self._people = {person_id: self._people[person_id] for person_id in self._configured}
        self._ids[platform, user] = person.id
        self._people[person.id] = person


def _from_settings(settings: PersonSettings) -> Person:
    return Person(**settings.model_dump(exclude={"skills"}))


def _met(person: Person | None, seen: Seen, configured: Mapping[str, Person]) -> Person:
    """What is known of somebody after meeting them. What the configuration says of them stays."""
    if person is None:
        scope = f"{seen.tenant}." if seen.tenant else ""
        user = seen.user.rpartition("/")[2]  # of a workspace of many; the scope tells it apart
        person = Person(id=f"{seen.platform}.{scope}{user}", name=seen.name or user)
    fixed = configured.get(person.id)
    changes: dict[str, str] = {}
    heard = {
        "name": seen.name,
        "email": seen.email,
        "language": seen.language,
        "time_zone": seen.time_zone,
        "teams_mri": seen.mri,
        "picture": seen.picture,
        seen.platform: seen.user,
    }
    for field, value in heard.items():
        told = getattr(fixed, field) if fixed else None
        if value and not told and value != getattr(person, field):
            changes[field] = value
    return replace(person, **changes) if changes else person


def address_of(email: str | None) -> str | None:
    """A mail address as it is compared. Capitals make no difference to any mail system in use."""
    return email.strip().casefold() or None if email else None


def _owner(session: Session, address: str) -> Person | None:
    """Whoever has a vouched address."""
    person_id = session.execute(select(PERSON.c.id).where(PERSON.c.email == address)).scalar()
    return outgoing.people(session.connection, [person_id]).get(person_id) if person_id else None


def _save(
    session: Session, person: Person, now: datetime, seen: Seen | None = None, address: str | None = None
) -> None:
    """``address`` is the vouched one; nobody else has it from now on."""
    row: Row = {"id": person.id, "team": person.team, "updated_at": now, "doc": msgspec.json.encode(person)}
    if address is not None:
        row["email"] = address
        others = (PERSON.c.email == address) & (PERSON.c.id != person.id)
        session.execute(update(PERSON).where(others).values(email=None))
    session.insert_new(PERSON, [row])
    session.execute(update(PERSON).where(PERSON.c.id == person.id).values(row))
    users = [("slack", person.slack), ("teams", person.teams)]
    if seen is not None:
        users.append((seen.platform, seen.user))
    for platform, user in dict.fromkeys(users):
        if user:
            session.insert_new(IDENTITY, [{"platform": platform, "user": user, "person_id": person.id}])
            where = (IDENTITY.c.platform == platform) & (IDENTITY.c.user == user)
            session.execute(update(IDENTITY).where(where).values(person_id=person.id))


class Conversations:
    """Where the bot can be reached in Teams (``core.conversations.ConversationBook``)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def remember(self, conversation: Conversation) -> None:
        row: Row = {**msgspec.to_builtins(conversation), "dead": None, "heard_at": self._clock.now()}

        def run(session: Session) -> None:
            session.insert_new(CONVERSATION, [row])
            known = {name: value for name, value in row.items() if value or name == "dead"}
            session.execute(update(CONVERSATION).where(CONVERSATION.c.id == conversation.id).values(known))

        await self._database.write(run)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        return await self._one(CONVERSATION.c.id == conversation_id)

    async def personal(self, person_id: str) -> Conversation | None:
        return await self._one((CONVERSATION.c.person == person_id) & (CONVERSATION.c.kind == "personal"))

    async def newest(self, tenant: str) -> Conversation | None:
        living = CONVERSATION.c.dead.is_(None)
        return await self._one((CONVERSATION.c.tenant == tenant) & living if tenant else living)

    async def mark_dead(self, conversation_id: str, why: str) -> None:
        statement = update(CONVERSATION).where(CONVERSATION.c.id == conversation_id).values(dead=why)
        await self._database.write(lambda session: session.execute(statement))

    async def _one(self, where: object) -> Conversation | None:
        statement = select(CONVERSATION).where(where).order_by(CONVERSATION.c.heard_at.desc()).limit(1)  # type: ignore[arg-type]
        row = await self._database.read(lambda connection: connection.execute(statement).mappings().first())
        return Conversation(**{name: row[name] for name in Conversation.__struct_fields__}) if row else None


def first_time(session: Session, key: str, now: datetime, ttl_seconds: int) -> bool:
    """Note ``key`` within a transaction, to be kept or lost with it; whether it was not noted already."""
    if session.execute(select(SEEN.c.expires_at).where((SEEN.c.key == key) & (SEEN.c.expires_at > now))).first():
        return False
    session.execute(delete(SEEN).where(SEEN.c.key == key))
    session.insert(SEEN, {"key": key, "expires_at": now + timedelta(seconds=ttl_seconds)})
    return True


class SeenOnce:
    """Durable answers to "is this the first time?", for events and clicks that a platform may send twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def first_time(self, key: str, ttl_seconds: int) -> bool:
        """True for exactly one caller per key within its time; the answer survives a restart."""
        now = self._clock.now()
        return await self._database.write(lambda session: first_time(session, key, now, ttl_seconds))

    async def has(self, key: str) -> bool:
        """Whether ``first_time`` was called with ``key`` and its time has not passed."""
        where = (SEEN.c.key == key) & (SEEN.c.expires_at > self._clock.now())
        return await self._database.read(
            lambda connection: connection.execute(select(SEEN.c.key).where(where)).first() is not None
        )

    async def forget(self, key: str) -> None:
        """Make the next ``first_time`` of ``key`` a first time again."""
        await self._database.write(lambda session: session.execute(delete(SEEN).where(SEEN.c.key == key)) and None)

    async def forget_expired(self) -> int:
        """Delete what has expired; returns how many rows."""
        now = self._clock.now()
        statement = delete(SEEN).where(SEEN.c.expires_at <= now)
        return int(await self._database.write(lambda session: session.execute(statement).rowcount))
