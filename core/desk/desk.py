"""The desk as its doors see it: everything that can be asked, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from core.config.settings import Settings
from core.desk import show
from core.desk.installations import Installations
from core.desk.intake import Intake
from core.desk.notes import Notes
from core.desk.people import Conversations, People, SeenOnce
from core.desk.policy import DeskPolicy
from core.desk.work import Work
from core.errors import NotFound
from core.model import Event, KnownAlert, Ticket
from core.outbox.plan import edit_row
from core.ports import Clock, MessageRef
from core.sealing import Keyring, keys_of
from core.store import outgoing, queries
from core.store.database import Database
from core.store.queries import AlertFilter, TicketFilter
from core.store.session import NOTICE, Session
from core.views import TicketCard, TicketList


class Desk:
    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.policy = DeskPolicy(settings)
        self.intake = Intake(database, self.policy, clock)
        self.work = Work(database, self.policy, clock)
        self.notes = Notes(database, self.work, clock)
        self.people = People(database, settings.people, clock)
        self.conversations = Conversations(database, clock)
        self.seen = SeenOnce(database, clock)
        self.wake_lanes: Callable[[set[str]], None] = lambda lanes: None

    @property
    def settings(self) -> Settings:
        return self.policy.settings

    def installations(self, platform: str) -> Installations | None:
        """Where the app is installed; None without a key to seal their tokens with."""
        key = self.settings.secret_key
        if key is None:
            return None
        return Installations(self.database, Keyring(keys_of(key.get_secret_value())), platform)

    async def ticket(self, ticket_id: int) -> Ticket:
        """Raises ``NotFound``."""
        ticket = await self.database.read(lambda connection: queries.ticket(connection, ticket_id))
        if ticket is None:
            raise NotFound(what="ticket", id=ticket_id)
        return ticket

    async def card(self, ticket_id: int) -> TicketCard:
        """The ticket's live card as it is now. Raises ``NotFound``."""
        now = self.clock.now()
        return await self.database.read(lambda connection: show.read_card(connection, ticket_id, now, self.policy))

    async def tickets(self, wanted: TicketFilter) -> tuple[list[Ticket], str | None]:
        """One page, the newest first, and the cursor of the next one."""
        more = replace(wanted, limit=wanted.limit + 1)
        found = await self.database.read(lambda connection: queries.tickets(connection, more))
        page = found[: wanted.limit]
        return page, str(page[-1].id) if len(found) > wanted.limit else None

    async def keep_shown(self, shown: TicketCard, ref: MessageRef) -> None:
        """A door has answered with this card, which the platform can edit: keep it up to date. What has changed in the
        meantime was planned without it, so that it gets its edit now."""
        now = self.clock.now()

        def write(session: Session) -> str | None:
            if not outgoing.keep_shown(session, shown.id, ref, shown.version):
                return None
            address = outgoing.kept_at(ref)
            row = edit_row(shown.id, ref.platform, address, 0, now) | {"key": f"edit-kept:{ref.platform}:{address}"}
            session.insert_new(NOTICE, [row])
            return str(row["lane"])

        lane = await self.database.write(write)
        if lane is not None:
            self.wake_lanes({lane})

    async def listing(self, wanted: TicketFilter, query: str) -> TicketList:
        page, cursor = await self.tickets(wanted)
        return show.listing(page, query, cursor, self.clock.now(), self.policy)

    async def alerts_of(self, ticket_id: int) -> list[KnownAlert]:
        return await self.database.read(lambda connection: queries.alerts_of(connection, ticket_id))

    async def alerts(self, wanted: AlertFilter) -> tuple[list[KnownAlert], str | None]:
        more = replace(wanted, limit=wanted.limit + 1)
        found = await self.database.read(lambda connection: queries.alerts(connection, more))
        page = found[: wanted.limit]
        return page, str(page[-1].id) if len(found) > wanted.limit else None

    async def timeline(self, ticket_id: int, after: int = 0, limit: int = 200) -> list[Event]:
        """The story of a ticket, oldest first. Raises ``NotFound``."""
        await self.ticket(ticket_id)
        return await self.database.read(lambda connection: queries.timeline(connection, ticket_id, after, limit))

    async def deliveries(self, ticket_id: int) -> list[tuple[Any, list[Any]]]:
        """Every notice of a ticket with its attempts. Raises ``NotFound``."""
        await self.ticket(ticket_id)
        return await self.database.read(lambda connection: queries.deliveries(connection, ticket_id))
