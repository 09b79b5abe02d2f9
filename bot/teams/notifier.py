"""What the outbox sends to Teams: new messages, edits in place, and the first word to people who never wrote.

The Connector is called directly and not through a turn of the adapter, whose error handler swallows what goes wrong. A
ticket's card in a channel is a thread of its own; the story goes below it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, TypeVar

import aiohttp
import msgspec

from adaptive_cards import calling
from bot.teams.connector import Connector, Posted, Route, card_message
from bot.teams.incoming import in_thread, is_channel, thread_of
from bot.teams.outcome import delivery, shuts_conversation
from bot.teams.readers import Readers
from bot.teams.transport import ConnectorError, Rejected
from core.config.settings import Settings
from core.conversations import Conversation, ConversationBook
from core.model import Person
from core.people import Directory
from core.ports import DeliveryFailed, DeliveryUnknown, MessageRef, Outbound
from core.views import Notice

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _Place(msgspec.Struct, frozen=True):
    """Where to send. ``conversation`` may name a thread; ``starts_thread`` makes the message head one of its own."""

    conversation: str
    route: Route
    starts_thread: bool = False


class TeamsNotifier:
    """``people`` gives the Teams identity of those whom a notice calls by name.

    ``connector`` is the door's where there is one, so that both use one token.
    """

    platform = "teams"

    def __init__(
        self,
        settings: Settings,
        people: Directory,
        book: ConversationBook,
        session: aiohttp.ClientSession,
        *,
        connector: Connector | None = None,
    ) -> None:
        self._settings, self._people, self._book = settings.msteams, people, book
        self._readers = Readers(settings, people)
        self._connector = connector or Connector(settings.msteams, session)
        tenants = settings.msteams.allowed_tenants
        self._tenant = settings.msteams.tenant_id or (tenants[0] if len(tenants) == 1 else "")

    async def post(self, message: Outbound) -> MessageRef:
        place = await self._place(message)
        activity = await self._activity(message, place.conversation)
        if place.starts_thread:
            send = self._connector.start_thread(place.route, place.conversation, activity)
        else:
            send = self._connector.post(place.route, place.conversation, activity)
        posted = await self._sent(send, place, repeatable=False)
        return _ref(place, posted)

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        if not ref.message:
            raise DeliveryFailed("Teams did not say which message it is", code="no_message_id", gone=True)
        place = _Place(_below(ref) if is_channel(ref.channel) else ref.channel, await self._route_of(ref))
        activity = await self._activity(message, place.conversation)
        await self._sent(
            self._connector.update(place.route, place.conversation, ref.message, activity), place, repeatable=True
        )

    async def find(self, message: Outbound, since: datetime) -> MessageRef | None:
        raise DeliveryUnknown("a bot cannot read what it wrote in Teams")

    async def _place(self, message: Outbound) -> _Place:
        if message.thread is not None:
            channel = is_channel(message.thread.channel)
            conversation = _below(message.thread) if channel else message.thread.channel
            return _Place(conversation, await self._route_of(message.thread))
        if message.address is not None:
            known = await self._book.conversation(message.address.split(";")[0])
            route = self._alive(known) if known else await self._route_to(None)
            heads = is_channel(message.address) and thread_of(message.address) is None
            return _Place(message.address, route, starts_thread=heads)
        if message.person is not None:
            return await self._personal(message.person)
        raise DeliveryFailed("neither an address nor a person", code="no_address")

    async def _personal(self, person: Person) -> _Place:
        known = await self._book.personal(person.id)
        if known is not None:
            return _Place(known.id, self._alive(known))
        member = person.teams_mri or person.teams
        if not member:
            raise DeliveryFailed(f"{person.id} has no Teams account here", code="unknown_person", unreachable=True)
        route = await self._route_to(None)
        opened = await self._sent(self._connector.open_personal(route, member), None, repeatable=True)
        if not opened:
            raise DeliveryFailed("Teams opened no conversation", code="no_conversation", unreachable=True)
        await self._book.remember(
            Conversation(
                id=opened,
                tenant=route.tenant,
                service_url=route.service_url,
                kind="personal",
                bot_id=route.bot_id,
                person=person.id,
            )
        )
        return _Place(opened, route)

    def _alive(self, conversation: Conversation) -> Route:
        if conversation.dead is not None:
            raise DeliveryFailed(f"not since: {conversation.dead}", code="conversation_dead", unreachable=True)
        return Route(conversation.service_url, conversation.tenant, conversation.bot_id or self._bot_id)

    async def _route_of(self, ref: MessageRef) -> Route:
        """As last heard from the conversation itself, else from its tenant, else as noted with the message."""
        known = await self._book.conversation(ref.channel.split(";")[0])
        if known is not None:
            return self._alive(known)
        return await self._route_to(ref)

    async def _route_to(self, ref: MessageRef | None) -> Route:
        tenant = (ref.tenant if ref else None) or self._tenant
        newest = await self._book.newest(tenant)
        if newest is not None:
            return Route(newest.service_url, newest.tenant, newest.bot_id or self._bot_id)
        address = (ref.service_url if ref else None) or f"https://{self._settings.service_hosts[0]}/teams/"
        return Route(address, tenant, self._bot_id)

    @property
    def _bot_id(self) -> str:
        return f"28:{self._settings.app_id or ''}"

    async def _activity(self, message: Outbound, conversation: str) -> Any:
        below = message.thread is not None and is_channel(conversation)
        known = await self._book.conversation(conversation.split(";")[0])
        alone = known is not None and known.kind == "personal"
        shown = await self._readers.rendered(message.view, message.words, alone=alone, below=below)
        card = shown.card
        if isinstance(message.view, Notice) and message.view.mention and message.address is not None:
            card = calling(card, await self._called(message.view.mention))
        return card_message(card, shown.summary, urgent=message.urgent)

    async def _called(self, ids: tuple[str, ...]) -> dict[str, str]:
        people = [await self._people.person(person_id) for person_id in ids]
        return {user: person.name for person in people if person and (user := person.teams_mri or person.teams)}

    async def _sent(self, send: Awaitable[T], place: _Place | None, *, repeatable: bool) -> T:
        try:
            return await send
        except ConnectorError as error:
            if place is not None and shuts_conversation(error):
                await self._shut(place, error)
            raise delivery(error, repeatable=repeatable) from error

    async def _shut(self, place: _Place, error: ConnectorError) -> None:
        """Nothing more goes there until the bot hears from it. A thread that is gone leaves its channel open."""
        if isinstance(error, Rejected) and error.status == 404 and thread_of(place.conversation):
            return
        _log.warning("nothing more is sent to %s: %s", place.conversation, error)
        await self._book.mark_dead(place.conversation.split(";")[0], str(error))


def _below(ref: MessageRef) -> str:
    """The conversation id of the thread that a message of a channel heads or stands in."""
    return ref.channel if thread_of(ref.channel) else in_thread(ref.channel, ref.message)


def _ref(place: _Place, posted: Posted) -> MessageRef:
    """The head of a thread is named by its channel and its own id, as answers below it name it."""
    conversation, message = place.conversation, posted.activity
    if place.starts_thread:
        message = message or thread_of(posted.conversation) or ""
    return MessageRef("teams", conversation, message, place.route.service_url, place.route.tenant)
