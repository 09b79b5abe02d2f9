"""Storms: when one place is to get more new cards than people can read, further tickets share one message.

A digest is kept in the outbox like the card of a ticket whose number is the digest's own, below zero; so it is posted
once, found again after a crash and edited in place by the same code. Its number is that of the event that began it. A
ticket that it lists has a place of its own there (``outgoing.LISTED``), without a message: it gets its card when
somebody acts on it or it becomes critical. Pure but for ``read_storms`` and ``view``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, select, update

from core.config.notifications import StormSettings
from core.desk.policy import DeskPolicy
from core.desk.show import line, link_of
from core.model import DESKBELL, Event, Priority, Ticket
from core.store import outgoing, queries
from core.store.rows import StormRow, micros
from core.store.session import CARD, TICKET, TICKET_SYSTEM, Session, decode_ticket
from core.views import Digest

STORM: Table = StormRow.__table__  # type: ignore[attr-defined]
EDIT_SECONDS = 5
_NEWEST, _SYSTEMS = 5, 5
Row = dict[str, Any]


class Storm(msgspec.Struct, frozen=True):
    """How many new cards one place was to get lately: the instants of the newest, in microseconds, oldest first.

    ``digest`` is the one that takes further tickets now.
    """

    recent: tuple[int, ...] = ()
    digest: int | None = None


class Storms:
    """All places as they were before a round, and as the round leaves them."""

    def __init__(self, settings: StormSettings, known: Mapping[str, Storm] | None = None) -> None:
        self._settings = settings
        self._known = dict(known or {})
        self._before = {place: storm.digest for place, storm in self._known.items()}
        self._changed: set[str] = set()

    def take(self, place: str, ticket: Ticket, event: Event) -> int | None:
        """The digest that lists a new ticket of this place; None when it gets a card, as a critical one always does."""
        if not self._settings.cards:
            return None
        before, at = self._known.get(place, Storm()), micros(event.at)
        begin = at - int(self._settings.within * 1e6)
        full = len(before.recent) >= self._settings.cards and before.recent[-self._settings.cards] > begin
        critical = ticket.priority is Priority.CRITICAL
        digest = before.digest if full else None
        if full and not critical and digest is None:
            digest = event.seq
        self._known[place] = Storm((*before.recent, at)[-self._settings.cards :], digest)
        self._changed.add(place)
        return None if critical else digest

    def still_stand(self, session: Session) -> bool:
        """Whether the digests are those that were read: one that was lost meanwhile must take no more tickets."""
        if not self._changed:
            return True
        rows = session.execute(select(STORM.c.place, STORM.c.digest).where(STORM.c.place.in_(self._changed)))
        now = {row.place: row.digest for row in rows}
        return all(now.get(place) == self._before.get(place) for place in self._changed)

    def write(self, session: Session) -> None:
        if self._changed:
            session.execute(delete(STORM).where(STORM.c.place.in_(self._changed)))
        for place in self._changed:
            storm = self._known[place]
            session.insert(STORM, {"place": place, "recent": list(storm.recent), "digest": storm.digest})


def read_storms(connection: Connection, settings: StormSettings) -> Storms:
    rows = connection.execute(select(STORM)) if settings.cards else ()
    return Storms(settings, {row.place: Storm(tuple(row.recent), row.digest) for row in rows})


def listed(digest: int, ticket: Ticket, event: Event, to: Row, card: Row, now: datetime) -> tuple[list[Row], list[Row]]:
    """The places and the notices of a ticket that a digest lists. ``card`` is the notice that it would have got."""
    place = {"platform": to["platform"], "address": to["address"]}
    cards = [
        {"ticket_id": ticket.id, **place, "version": outgoing.LISTED, "story": False, "digest": digest},
        {"ticket_id": -digest, **place, "version": 0, "story": False, "digest": None},
    ]
    name = f"{to['platform']}:{to['address']}"
    first = card | to | {"key": f"digest:{digest}:{name}", "ticket_id": -digest, "event_seq": digest, "urgent": False}
    told = (
        card | to | {"key": f"digest:{digest}:{name}:{ticket.id}", "state": "skipped", "reason": "listed in a digest"}
    )
    return cards, [first, told, edit(digest, to, card, now)]


def edit(digest: int, to: Row, card: Row, now: datetime) -> Row:
    """The edit of a digest: one for all changes of a few seconds, sent when they are over."""
    turn = int(now.timestamp()) // EDIT_SECONDS
    due = now + timedelta(seconds=(turn + 1) * EDIT_SECONDS - now.timestamp())
    own = {"ticket_id": -digest, "show": "edit", "rule": "card_edit", "urgent": False, "template": None}
    key = f"edit:digest:{digest}:{to['platform']}:{to['address']}:{turn}"
    return card | to | own | {"key": key, "not_before": due}


def deserves_card(event: Event, ticket: Ticket) -> bool:
    """Whether a listed ticket is to stand on its own from now on: somebody acted on it, or it became critical."""
    acted = event.actor.id != DESKBELL.id and event.kind.startswith("ticket.")
    return acted or (event.kind == "ticket.prioritized" and ticket.priority is Priority.CRITICAL)


def unlist(session: Session, places: Iterable[tuple[int, str, str]]) -> None:
    """These tickets are about to get their cards."""
    for ticket_id, platform, address in places:
        where = (CARD.c.ticket_id == ticket_id) & (CARD.c.platform == platform) & (CARD.c.address == address)
        listed = where & (CARD.c.version == outgoing.LISTED)
        session.execute(update(CARD).where(listed).values(version=0, story=True))


def move(session: Session, notice: Any, to: Row) -> None:
    """A digest is to stand in another place, with the tickets that it lists; those that the place shows already stay
    as they are."""
    digest = (CARD.c.digest == -notice.ticket_id) | (CARD.c.ticket_id == notice.ticket_id)
    here = (CARD.c.platform == notice.platform) & (CARD.c.address == notice.address)
    there = (CARD.c.platform == to["platform"]) & (CARD.c.address == to["address"])
    shown = select(CARD.c.ticket_id).where(there)
    place = {"platform": to["platform"], "address": to["address"]}
    session.execute(update(CARD).where(digest & here & CARD.c.ticket_id.not_in(shown)).values(place))


def lost(session: Session, notice: Any) -> None:
    """A digest that was deleted or refused takes no more tickets; a storm that goes on begins another."""
    if notice.ticket_id < 0:
        place = (STORM.c.place == f"{notice.platform}:{notice.address}") & (STORM.c.digest == -notice.ticket_id)
        session.execute(update(STORM).where(place).values(digest=None))


def view(connection: Connection, digest: int, platform: str, address: str, now: datetime, policy: DeskPolicy) -> Digest:
    """A digest as its tickets are now."""
    place = (CARD.c.digest == digest) & (CARD.c.platform == platform) & (CARD.c.address == address)
    numbers = select(CARD.c.ticket_id).where(place)
    counted = connection.execute(
        select(TICKET.c.priority, TICKET.c.status, func.count()).where(TICKET.c.id.in_(numbers))
        .group_by(TICKET.c.priority, TICKET.c.status)
    ).all()  # fmt: skip
    of_systems = connection.execute(
        select(TICKET_SYSTEM.c.system, func.count().label("n")).where(TICKET_SYSTEM.c.ticket_id.in_(numbers))
        .group_by(TICKET_SYSTEM.c.system).order_by(func.count().desc(), TICKET_SYSTEM.c.system).limit(_SYSTEMS)
    ).all()  # fmt: skip
    newest = connection.execute(
        select(TICKET.c.doc).where(TICKET.c.id.in_(numbers)).order_by(TICKET.c.id.desc()).limit(_NEWEST)
    ).scalars()
    began = queries.event(connection, digest)
    return Digest(
        since=began.at if began else now,
        total=sum(n for *_, n in counted),
        open=sum(n for _, status, n in counted if status in queries.OPEN_STATUSES),
        priorities=_by_priority(counted),
        systems=tuple((system, n) for system, n in of_systems),
        newest=tuple(line(decode_ticket(doc), now, policy) for doc in newest),
        link=_link(policy),
    )


def _by_priority(counted: Collection[Any]) -> tuple[tuple[Priority, int], ...]:
    """The highest first, those that there are."""
    found = {each: sum(n for priority, _, n in counted if priority == each.value) for each in Priority}
    return tuple((each, n) for each, n in sorted(found.items(), key=lambda pair: -pair[0].rank) if n)


def _link(policy: DeskPolicy) -> str | None:
    """The list of tickets, where there is a public address."""
    page = link_of(0, policy)
    return page.removesuffix("tickets/0") if page else None
