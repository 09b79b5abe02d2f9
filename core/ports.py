"""The few protocols that the outside implements for the core."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from core.i18n import Words
from core.model import Person
from core.views import View


class MessageRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a message stands, enough to edit it or to answer below it.

    Slack: ``channel`` is the channel id, ``message`` the ts. Teams: ``channel`` is the conversation id, ``message`` the
    activity id, ``service_url`` and ``tenant`` as last heard. ``named`` says that it carries its author's name.
    """

    platform: str
    channel: str
    message: str
    service_url: str | None = None
    tenant: str | None = None
    named: bool = False


class Author(msgspec.Struct, frozen=True):
    """Who wrote a note, on which platform (or through which other door), and the address of their picture."""

    name: str
    origin: str
    picture: str | None = None


class Outbound(msgspec.Struct, frozen=True):
    """One message to be told to one place.

    ``key`` is the idempotency key: unique for this message, the same at every attempt. ``address`` is the platform's
    own name of a channel or conversation; when it is None, ``person`` is told in private. ``thread`` is the message to
    answer below. ``author`` is given with a note that somebody wrote elsewhere.
    """

    key: str
    platform: str
    view: View
    words: Words
    address: str | None = None
    person: Person | None = None
    thread: MessageRef | None = None
    urgent: bool = False
    author: Author | None = None


class DeliveryRetry(Exception):
    """Certainly not delivered; try again, after ``after`` seconds where the platform said so.

    ``scope`` says what has to wait: this ``message``, its ``channel``, or the whole ``platform``.
    """

    def __init__(self, reason: str, *, after: float | None = None, scope: str = "message") -> None:
        super().__init__(reason)
        self.reason, self.after, self.scope = reason, after, scope


class DeliveryUnknown(Exception):
    """The message may have arrived: the answer was lost. It must not be sent again unread."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeliveryFailed(Exception):
    """Refused for good. ``code`` is the platform's word (``channel_not_found``), ``reason`` explains it to the
    operator.

    ``gone`` is true when the message to edit or to answer below is no longer there, or its place: the card is then
    forgotten, nothing more is sent below it, and the place gets no other. ``unreachable`` is true when no message at
    all reaches the place or person, so that somebody else should be told.
    """

    def __init__(self, reason: str, *, code: str, gone: bool = False, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.code, self.gone, self.unreachable = reason, code, gone, unreachable


class Notifier(Protocol):
    """A chat platform as the outbox sees it. Every method raises the three errors above and nothing else."""

    platform: str

    async def post(self, message: Outbound) -> MessageRef:
        """Send a new message and return where it stands."""

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        """Replace a message in place."""

    async def find(self, message: Outbound, since: datetime) -> MessageRef | None:
        """Look for a message with this key that was posted after ``since``; None when it is certainly not there.

        Raises DeliveryUnknown where the platform cannot be asked.
        """


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, timezone-aware UTC."""


class Memory(Protocol):
    """What was done once and must not be again: durable, and shared by all replicas."""

    async def first_time(self, key: str, ttl_seconds: int) -> bool:
        """True for exactly one caller of ``key`` until ``ttl_seconds`` have passed, False for all others."""

    async def has(self, key: str) -> bool:
        """Whether ``first_time`` was called with ``key`` and its time has not passed."""

    async def forget(self, key: str) -> None:
        """Make the next ``first_time`` of ``key`` a first time again."""
