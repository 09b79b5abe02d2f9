"""The tables. A ticket's and an alert's whole value stands in ``doc`` (JSON); the columns beside it are what is
searched.

Instants are stored as microseconds since 1970 in UTC: ordered, indexable and the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the columns hold them."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """A timezone-aware moment, stored as an integer."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else moment(value)


_Json = JSON().with_variant(JSONB(), "postgresql")


def _key() -> Any:
    """A number given by the database's own counter; SQLite needs exactly INTEGER for that."""
    return Field(default=None, sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True))


def _at(**options: Any) -> Any:
    return Field(sa_column=Column(Instant(), nullable=options.pop("nullable", False), **options))


def _long_text(nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Text(), nullable=nullable))


def _json(nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(_Json, nullable=nullable))


class TicketRow(SQLModel, table=True):
    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_status_id", "status", "id"),
        Index("ix_ticket_priority_id", "priority", "id"),
        Index("ix_ticket_category_id", "category", "id"),
        Index("ix_ticket_source_id", "source", "id"),
        Index(
            "ix_ticket_team_id",
            "team",
            "id",
            sqlite_where=text("team IS NOT NULL"),
            postgresql_where=text("team IS NOT NULL"),
        ),
        Index(
            "ix_ticket_assignee_id_id",
            "assignee_id",
            "id",
            sqlite_where=text("assignee_id IS NOT NULL"),
            postgresql_where=text("assignee_id IS NOT NULL"),
        ),
        Index(
            "ix_ticket_wake_at",
            "wake_at",
            sqlite_where=text("wake_at IS NOT NULL"),
            postgresql_where=text("wake_at IS NOT NULL"),
        ),
    )

    id: int | None = _key()
    status: str
    priority: str
    category: str
    source: str
    assignee_id: str | None = None
    team: str | None = None
    created_at: datetime = _at()
    updated_at: datetime = _at()
    resolved_at: datetime | None = _at(nullable=True)
    wake_at: datetime | None = _at(nullable=True)
    version: int
    doc: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class TicketSystemRow(SQLModel, table=True):
    """Which systems a ticket speaks of."""

    __tablename__ = "ticket_system"

    system: str = Field(primary_key=True)
    ticket_id: int = Field(sa_column=Column(BigInteger(), primary_key=True))


class AlertRow(SQLModel, table=True):
    __tablename__ = "alert"
    __table_args__ = (
        Index("uq_alert_source_fingerprint", "source", "fingerprint", unique=True),
        Index("ix_alert_ticket_id", "ticket_id"),
        Index("ix_alert_status_id", "status", "id"),
    )

    id: int | None = _key()
    source: str
    fingerprint: str
    status: str
    ticket_id: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    count: int
    first_at: datetime = _at()
    last_at: datetime = _at()
    doc: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class EventRow(SQLModel, table=True):
    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_ticket_id_seq", "ticket_id", "seq"),
        Index("ix_event_stream_seq", "stream", "seq"),
    )

    seq: int | None = _key()
    stream: str
    kind: str
    ticket_id: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    at: datetime = _at()
    actor_id: str
    actor_name: str
    origin: str
    data: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class JournalRow(SQLModel, table=True):
    """Raw deliveries as they came. ``state``: received, done, ignored or dead (a dead letter)."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("uq_journal_source_key", "source", "key", unique=True),
        Index(
            "ix_journal_state_id",
            "state",
            "id",
            sqlite_where=text("state IN ('received', 'dead')"),
            postgresql_where=text("state IN ('received', 'dead')"),
        ),
        Index("ix_journal_received_at", "received_at"),
    )

    id: int | None = _key()
    source: str
    key: str | None = None
    received_at: datetime = _at()
    content_type: str = ""
    headers: dict[str, str] = _json()
    body: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    state: str
    progress: int = 0
    receipt: dict[str, Any] | None = _json()


class CardRow(SQLModel, table=True):
    """Where a ticket is shown. ``ref`` is None until the card is posted; ``version`` is the ticket's as shown, -1 for a
    card that was refused or deleted, -2 for a ticket that a digest lists in place of a card.

    With ``story`` the ticket's news stand below the card; a card that somebody asked to see is only kept up to date.
    """

    __tablename__ = "card"
    __table_args__ = (
        Index("uq_card_ticket_id_platform_address", "ticket_id", "platform", "address", unique=True),
        Index("ix_card_message", "platform", "channel", "message"),
        Index(
            "ix_card_digest",
            "digest",
            sqlite_where=text("digest IS NOT NULL"),
            postgresql_where=text("digest IS NOT NULL"),
        ),
    )

    id: int | None = _key()
    ticket_id: int = Field(sa_column=Column(BigInteger(), nullable=False))
    platform: str
    address: str
    channel: str | None = None
    message: str | None = None
    ref: dict[str, Any] | None = _json()
    version: int = 0
    story: bool = True
    digest: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))


class StormRow(SQLModel, table=True):
    """How many new cards a place was to get lately (``recent``: microseconds), and the digest that takes more of
    them."""

    __tablename__ = "storm"

    place: str = Field(primary_key=True)
    recent: list[int] = _json(nullable=False)
    digest: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))


class RatingRow(SQLModel, table=True):
    """How the service for a ticket was rated last, 1 to 5, and whose service that was then."""

    __tablename__ = "rating"

    ticket_id: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    score: int
    team: str | None = None
    rated_at: datetime = _at(index=True)


class NoteRow(SQLModel, table=True):
    """A note that was written elsewhere, by the name of its message there. ``text`` is None once it was deleted,
    ``seq`` the event that noted it (None for one that was deleted before it was heard of), ``version`` the ticket's
    after the last change."""

    __tablename__ = "note"

    source_id: str = Field(primary_key=True)
    ticket_id: int = Field(sa_column=Column(BigInteger(), nullable=False))
    seq: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    version: int
    revision: str
    text: str | None = _long_text()


class NoticeRow(SQLModel, table=True):
    """What one place is to be told. ``state``: waiting, sending, sent, failed, unknown, superseded or skipped.

    ``redirect`` is of one that came here because another place cannot be reached: ``place``, ``why`` (the platform's
    word) and ``tried``, the places that cannot.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("uq_notice_key", "key", unique=True),
        Index("ix_notice_ticket_id", "ticket_id", "id"),
        Index(
            "ix_notice_lane_state",
            "lane",
            "state",
            sqlite_where=text("state IN ('waiting', 'sending')"),
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
    )

    id: int | None = _key()
    key: str
    rule: str
    event_seq: int = Field(sa_column=Column(BigInteger(), nullable=False))
    ticket_id: int = Field(sa_column=Column(BigInteger(), nullable=False))
    show: str
    platform: str
    address: str | None = None
    person_id: str | None = None
    lane: str
    urgent: bool = False
    state: str
    reason: str | None = _long_text()
    template: str | None = None
    attempts: int = 0
    not_before: datetime = _at()
    created_at: datetime = _at()
    claimed_at: datetime | None = _at(nullable=True)
    sent_at: datetime | None = _at(nullable=True)
    version: int | None = None
    ref: dict[str, Any] | None = _json()
    redirect: dict[str, Any] | None = _json()


class AttemptRow(SQLModel, table=True):
    """One try to hand a notice over and how it ended: sent, retry, unknown, failed, found."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_notice_id", "notice_id"),)

    id: int | None = _key()
    notice_id: int = Field(sa_column=Column(BigInteger(), nullable=False))
    at: datetime = _at()
    outcome: str
    reason: str | None = _long_text()
    took_ms: int = 0


class PersonRow(SQLModel, table=True):
    """``email`` is an address that the organisation vouches for, in small letters; two people never share one."""

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    team: str | None = None
    email: str | None = Field(default=None, index=True)
    updated_at: datetime = _at()
    doc: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class IdentityRow(SQLModel, table=True):
    """Which person a platform's user is."""

    __tablename__ = "identity"

    platform: str = Field(primary_key=True)
    user: str = Field(primary_key=True)
    person_id: str = Field(sa_column=Column(String(), nullable=False, index=True))


class InstallationRow(SQLModel, table=True):
    """An installation of the app. ``sealed`` holds its tokens, encrypted; nothing else here is secret."""

    __tablename__ = "installation"

    platform: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    team: str
    enterprise: str = Field(index=True)
    name: str
    bot_user: str
    bot_id: str
    installed_by: str
    installed_at: datetime = _at()
    expires_at: datetime | None = _at(nullable=True)
    generation: int
    sealed: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class ConversationRow(SQLModel, table=True):
    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_tenant_heard_at", "tenant", "heard_at"),)

    id: str = Field(primary_key=True)
    tenant: str
    service_url: str
    kind: str
    bot_id: str = ""
    name: str | None = None
    person: str | None = Field(default=None, index=True)
    dead: str | None = None
    heard_at: datetime = _at()


class ExpertCallRow(SQLModel, table=True):
    """Calls for an expert. ``expert_id`` is who is asked now, ``due_at`` until when; both are None once it is over."""

    __tablename__ = "expert_call"
    __table_args__ = (
        Index("ix_expert_call_ticket_id", "ticket_id"),
        Index(
            "ix_expert_call_due_at",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )

    id: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    ticket_id: int = Field(sa_column=Column(BigInteger(), nullable=False))
    expert_id: str | None = None
    due_at: datetime | None = _at(nullable=True)
    doc: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class SeenRow(SQLModel, table=True):
    """What was handled once and must not be again, until it expires."""

    __tablename__ = "seen"

    key: str = Field(primary_key=True)
    expires_at: datetime = _at(index=True)


class ConsumerRow(SQLModel, table=True):
    """How far a named consumer of the events has come."""

    __tablename__ = "consumer"

    name: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger(), nullable=False))
