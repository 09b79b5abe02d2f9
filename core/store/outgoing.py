"""Rows of the outbox: what consumers have read, what waits in which lane, what became of each attempt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select, update

from core.model import Person
from core.ports import MessageRef
from core.store.queries import ATTEMPT, PERSON
from core.store.rows import ConsumerRow
from core.store.session import CARD, NOTICE, TICKET, Row, Session, decode_ticket

CONSUMER: Table = ConsumerRow.__table__  # type: ignore[attr-defined]
_decode_person = msgspec.json.Decoder(Person).decode
_LANE_VIEW = 20
GONE = -1  # The version of a card that was refused or deleted.
LISTED = -2  # The version of a ticket that a digest lists in place of a card.


def position(connection: Connection, consumer: str) -> int:
    return connection.execute(select(CONSUMER.c.seq).where(CONSUMER.c.name == consumer)).scalar() or 0


def advance(session: Session, consumer: str, old: int, new: int) -> bool:
    """Move a consumer on, if it still stands at ``old``; whether it did."""
    if old == 0:
        session.insert_new(CONSUMER, [{"name": consumer, "seq": 0}])
    where = (CONSUMER.c.name == consumer) & (CONSUMER.c.seq == old)
    return bool(session.execute(update(CONSUMER).where(where).values(seq=new)).rowcount)


def people(connection: Connection, ids: Iterable[str]) -> dict[str, Person]:
    rows = connection.execute(select(PERSON.c.id, PERSON.c.doc).where(PERSON.c.id.in_(list(ids))))
    return {row.id: _decode_person(row.doc) for row in rows}


def supersede(session: Session, ticket_id: int, platform: str, address: str) -> None:
    """Edits of a card that wait give way to a newer one."""
    where = (
        (NOTICE.c.ticket_id == ticket_id)
        & (NOTICE.c.show == "edit")
        & (NOTICE.c.platform == platform)
        & (NOTICE.c.address == address)
        & (NOTICE.c.state == "waiting")
    )
    session.execute(update(NOTICE).where(where).values(state="superseded", reason="a newer edit shows the same card"))


def drop(session: Session, notice_id: int, reason: str) -> None:
    """A notice that need not be sent any more."""
    session.execute(update(NOTICE).where(NOTICE.c.id == notice_id).values(state="superseded", reason=reason))


def busy_lanes(connection: Connection) -> list[str]:
    where = NOTICE.c.state.in_(("waiting", "sending"))
    return list(connection.execute(select(NOTICE.c.lane).where(where).distinct()).scalars())


def lane_front(connection: Connection, lane: str, *, edits: bool = True) -> list[Any]:
    """The first notices of a lane in the order of sending: what was begun, what is urgent, then by age. Without
    ``edits`` those are left out that were not begun."""
    where = (NOTICE.c.lane == lane) & NOTICE.c.state.in_(("waiting", "sending"))
    if not edits:
        where = where & (NOTICE.c.show.not_in(("edit", "revise")) | (NOTICE.c.state == "sending"))
    order = (NOTICE.c.state, NOTICE.c.urgent.desc(), NOTICE.c.id)
    return list(connection.execute(select(NOTICE).where(where).order_by(*order).limit(_LANE_VIEW)))


def claim(session: Session, notice_id: int, now: datetime, version: int | None) -> bool:
    """Note durably that a message is about to be sent, so that a crash leaves no doubt that it may have been, and which
    version of the ticket it shows."""
    where = (NOTICE.c.id == notice_id) & (NOTICE.c.state == "waiting")
    values = {"state": "sending", "attempts": NOTICE.c.attempts + 1, "claimed_at": now, "version": version}
    return bool(session.execute(update(NOTICE).where(where).values(values)).rowcount)


def settle(
    session: Session, notice_id: int, now: datetime, outcome: str, took_ms: int, reason: str | None, values: Row
) -> None:
    """Record how one attempt ended and what that makes of its notice."""
    session.insert(
        ATTEMPT, {"notice_id": notice_id, "at": now, "outcome": outcome, "reason": reason, "took_ms": took_ms}
    )
    session.execute(update(NOTICE).where(NOTICE.c.id == notice_id).values(reason=reason, **values))


def card_ref(connection: Connection, ticket_id: int, platform: str, address: str) -> MessageRef | None:
    where = (CARD.c.ticket_id == ticket_id) & (CARD.c.platform == platform) & (CARD.c.address == address)
    ref = connection.execute(select(CARD.c.ref).where(where)).scalar()
    return msgspec.convert(ref, MessageRef) if ref else None


def card_shown(session: Session, ticket_id: int, platform: str, address: str, ref: MessageRef, version: int) -> bool:
    """Record a card as posted or edited; whether the ticket has changed since the version that it shows."""
    where = (CARD.c.ticket_id == ticket_id) & (CARD.c.platform == platform) & (CARD.c.address == address)
    values = {
        "ref": msgspec.to_builtins(ref),
        "channel": ref.channel,
        "message": ref.message,
        "version": version,
    }
    session.execute(update(CARD).where(where).values(values))
    doc = session.execute(select(TICKET.c.doc).where(TICKET.c.id == ticket_id)).scalar()
    return doc is not None and decode_ticket(doc).version > version


def kept_at(ref: MessageRef) -> str:
    """The address of a card that somebody asked to see: the message itself."""
    return f"{ref.channel}|{ref.message}"


def keep_shown(session: Session, ticket_id: int, ref: MessageRef, version: int) -> bool:
    """A card that was shown to somebody who asked is kept up to date from now on, without the ticket's news below
    it; whether the ticket has changed since the version that it shows."""
    row: Row = {
        "ticket_id": ticket_id,
        "platform": ref.platform,
        "address": kept_at(ref),
        "channel": ref.channel,
        "message": ref.message,
        "ref": msgspec.to_builtins(ref),
        "version": version,
        "story": False,
    }
    session.insert_new(CARD, [row])
    ticket = session.ticket(ticket_id)
    return ticket is not None and ticket.version > version


def forget_card(session: Session, ticket_id: int, platform: str, address: str) -> None:
    """The card is no longer there: nothing more is sent below it, and the place gets no other."""
    where = (CARD.c.ticket_id == ticket_id) & (CARD.c.platform == platform) & (CARD.c.address == address)
    gone: Row = {"ref": None, "channel": None, "message": None, "version": GONE}
    session.execute(update(CARD).where(where).values(gone))
