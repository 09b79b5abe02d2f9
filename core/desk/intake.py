"""Webhooks in: journal the raw delivery, decide, and answer when all of it is durable.

A delivery and what it changes are one unit of work in one transaction. A large one is journalled first and worked off
in chunks, each of which records how far it came in the same transaction: after a crash the next start goes on from
there. What cannot be understood is kept whole as a dead letter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace
from sqlalchemy import select, update

from core.desk.policy import DeskPolicy
from core.engine import MILESTONES, Ownership, Taken, take
from core.errors import NotFound, StoreUnavailable
from core.integrations import SOURCES
from core.integrations.normal import Normalised, NotUnderstood
from core.model import Alert, AlertStatus, KnownAlert, Problem, RawDelivery, Receipt, Signal, SignalKind, Ticket
from core.ports import Clock
from core.rules.dedupe import begins_anew, unheard_end
from core.signals import ENDINGS, hear, shows_news
from core.store import queries
from core.store.database import Database
from core.store.session import JOURNAL, Session

_log = logging.getLogger(__name__)
_NOBODY = Ownership()
_LARGE_BODY = 256 * 1024
_DEFECT = Problem("internal", "Deskbell could not work on this delivery; it is kept and can be replayed")


class Intake:
    def __init__(self, database: Database, policy: DeskPolicy, clock: Clock) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._chunk = policy.settings.intake.chunk

    async def accept(self, delivery: RawDelivery) -> Receipt:
        """Take one authentic delivery; the receipt is given only when everything is durable.

        Raises ``StoreUnavailable`` when nothing could be stored: the sender must come again.
        """
        normalised = await self._normalise(delivery)
        if len(normalised.alerts) > self._chunk:
            return await self._accept_large(delivery, normalised)
        alerts = normalised.alerts
        try:
            return await self._database.write(
                lambda session: self._take_whole(session, delivery, normalised),
                _keys(alerts, normalised.signals),
            )
        except StoreUnavailable:
            raise
        except Exception:
            _log.exception("a delivery of %s could not be worked on", delivery.source)
            failed = Normalised((), normalised.received, _DEFECT)
            return await self._database.write(lambda session: self._take_whole(session, delivery, failed))

    async def resume(self) -> int:
        """Work off what was journalled and not finished when the program ended; returns how many deliveries."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                select(JOURNAL).where(JOURNAL.c.state == "received").order_by(JOURNAL.c.id)
            ).all()
        )
        for row in rows:
            delivery = RawDelivery(row.source, row.body, row.content_type, row.headers, row.received_at, row.key)
            if row.source in self._policy.sources:
                normalised = await self._normalise(delivery)
            else:
                problem = Problem("unknown_source", f"sources.{row.source} is not in the configuration any more")
                normalised = Normalised((), 0, problem)
            await self._work_off(row.id, normalised, row.progress, row.received_at)
        return len(rows)

    async def replay(self, journal_id: int) -> Receipt:
        """Work on a dead letter again, now that its mapping is mended. Raises ``NotFound`` for a number that is
        none."""
        row = await self._database.read(lambda connection: queries.dead_letter(connection, journal_id))
        if row is None or row.source not in self._policy.sources:
            raise NotFound(what="dead_letter", id=journal_id)
        delivery = RawDelivery(row.source, row.body, row.content_type, row.headers, row.received_at, row.key)
        return await self._work_off(row.id, await self._normalise(delivery), 0, row.received_at)

    async def _normalise(self, delivery: RawDelivery) -> Normalised:
        if len(delivery.body) > _LARGE_BODY:
            return await asyncio.to_thread(self._read, delivery)
        return self._read(delivery)

    def _read(self, delivery: RawDelivery) -> Normalised:
        source = self._policy.sources[delivery.source]
        try:
            return SOURCES[source.kind](delivery, source, self._policy.settings.alerts)
        except NotUnderstood as error:
            return Normalised((), 0, error.problem)
        except Exception:
            _log.exception("the normaliser of %s failed", delivery.source)
            return Normalised((), 0, _DEFECT)

    def _take_whole(self, session: Session, delivery: RawDelivery, normalised: Normalised) -> Receipt:
        earlier = _earlier(session, delivery)
        if earlier is not None:
            return earlier
        tickets = self._take_alerts(session, normalised.alerts, None)
        if normalised.signals:
            tickets += self._take_signals(session, normalised.signals, None)
        journal_id = session.next_journal_id()
        receipt = _receipt(journal_id, normalised, tickets)
        session.insert(JOURNAL, _journal_row(journal_id, delivery, _state(normalised), receipt))
        return receipt

    async def _accept_large(self, delivery: RawDelivery, normalised: Normalised) -> Receipt:
        def journal(session: Session) -> int | Receipt:
            earlier = _earlier(session, delivery)
            if earlier is not None:
                return earlier
            journal_id = session.next_journal_id()
            session.insert(JOURNAL, _journal_row(journal_id, delivery, "received", None))
            return journal_id

        journalled = await self._database.write(journal)
        if isinstance(journalled, Receipt):
            return journalled
        return await self._work_off(journalled, normalised, 0, delivery.received_at)

    async def _work_off(self, journal_id: int, normalised: Normalised, start: int, heard_at: datetime) -> Receipt:
        """Take what is left of a journalled delivery; alerts of which newer word came since ``heard_at`` stay as they
        are. What cannot be worked on makes a dead letter of it."""
        tickets: list[int] = []
        for begin in range(start, max(len(normalised.alerts), 1), self._chunk):
            try:
                tickets += await self._work_off_part(journal_id, normalised, begin, tickets, heard_at)
            except StoreUnavailable:
                raise
            except Exception:
                _log.exception("the delivery %d could not be worked on from its alert %d on", journal_id, begin)
                return await self._bury(journal_id, Normalised((), normalised.received, _DEFECT), tickets, begin)
        return _receipt(journal_id, normalised, tickets)

    async def _work_off_part(
        self, journal_id: int, normalised: Normalised, begin: int, before: Sequence[int], heard_at: datetime
    ) -> list[int]:
        """Take one chunk and record in the same transaction how far that is; returns its tickets."""
        part = normalised.alerts[begin : begin + self._chunk]
        end = begin + len(part)

        def work(session: Session) -> list[int]:
            tickets = self._take_alerts(session, part, heard_at)
            if end >= len(normalised.alerts):
                tickets += self._take_signals(session, normalised.signals, heard_at)
                _finish(session, journal_id, normalised, [*before, *tickets], end)
            else:
                session.execute(update(JOURNAL).where(JOURNAL.c.id == journal_id).values(progress=end))
            return tickets

        return await self._database.write(work, _keys(part, normalised.signals))

    async def _bury(self, journal_id: int, failed: Normalised, tickets: Sequence[int], progress: int) -> Receipt:
        await self._database.write(lambda session: _finish(session, journal_id, failed, tickets, progress))
        return _receipt(journal_id, failed, tickets)

    def _take_alerts(self, session: Session, alerts: Iterable[Alert], heard_at: datetime | None) -> list[int]:
        """``heard_at`` is given for what is worked off late; an alert's own ``last_at`` is when it was last
        received."""
        now = self._clock.now()
        tickets: dict[int, None] = {}
        for alert in alerts:
            if heard_at is not None and _is_outdated(session.alert(alert.source, alert.fingerprint), heard_at):
                continue
            ticket_id = self._take(session, alert, now, heard_at or now)
            if ticket_id is not None:
                tickets[ticket_id] = None
        return list(tickets)

    def _take(self, session: Session, alert: Alert, now: datetime, heard_at: datetime) -> int | None:
        known = session.alert(alert.source, alert.fingerprint)
        if known is not None and begins_anew(alert, known) and _is_over(session, known):
            self._take(session, unheard_end(alert, known), now, heard_at)
            known = session.alert(alert.source, alert.fingerprint)
        owned = self._policy.of_alert(alert) if _may_open(alert, known) else _NOBODY
        before = session.ticket(known.ticket_id) if known and known.ticket_id and _moves(alert, known) else None
        taken = take(alert, known, before, now, self._policy.alerts, session.next_ticket_id, owned)
        if heard_at != now:
            taken = replace(taken, known=replace(taken.known, last_at=heard_at))
        self._remember(session, taken, known)
        if taken.ticket is not None and taken.ticket is not before:
            self._save(session, before, taken.ticket, now)
        for event in taken.events:
            session.add_event(event)
        return taken.known.ticket_id

    def _take_signals(self, session: Session, signals: Iterable[Signal], heard_at: datetime | None) -> list[int]:
        now = self._clock.now()
        at = heard_at or now
        tickets: list[int] = []
        for signal in signals:
            source, fingerprint = signal.alert.source, signal.alert.fingerprint
            if heard_at is not None and _is_outdated(session.alert(source, fingerprint), heard_at):
                continue
            if signal.kind in ENDINGS:
                self._hear(session, signal, now, at)
            known = session.alert(source, fingerprint)
            if known is not None and _resolved_too_early(session, signal, known):
                self._take(session, unheard_end(signal.alert, known), now, at)
                known = session.alert(source, fingerprint)
            if shows_news(signal, known):
                self._take(session, signal.alert, now, at)
            if signal.kind not in ENDINGS:
                self._hear(session, signal, now, at)
            known = session.alert(source, fingerprint)
            if known is not None and known.ticket_id is not None:
                tickets.append(known.ticket_id)
        return tickets

    def _hear(self, session: Session, signal: Signal, now: datetime, heard_at: datetime) -> None:
        known = session.alert(signal.alert.source, signal.alert.fingerprint)
        if known is None:
            return
        before = session.ticket(known.ticket_id) if known.ticket_id is not None else None
        taken = hear(signal, known, before, now)
        self._remember(session, replace(taken, known=replace(taken.known, last_at=heard_at)), known)
        if taken.ticket is not None and taken.ticket is not before:
            self._save(session, before, taken.ticket, now, responded=signal.kind is SignalKind.ACKNOWLEDGED)
        for event in taken.events:
            session.add_event(event)

    def _remember(self, session: Session, taken: Taken, known: KnownAlert | None) -> None:
        unchanged = known is not None and taken.known.alert == known.alert and taken.known.ticket_id == known.ticket_id
        if unchanged:
            session.recount_alert(taken.known)
        else:
            session.put_alert(taken.known)

    def _save(
        self, session: Session, before: Ticket | None, after: Ticket, now: datetime, responded: bool = False
    ) -> None:
        if before is None or after.id != before.id:
            session.add_ticket(self._policy.sla.start(after, now))
        else:
            followed = self._policy.sla.follow(before, after, now, responded=responded)
            session.change_ticket(replace(followed, version=before.version + 1))


def _keys(alerts: Iterable[Alert], signals: Sequence[Signal]) -> list[tuple[str, str]]:
    """The problems that a delivery speaks of, to be read at once."""
    keys = [(alert.source, alert.fingerprint) for alert in alerts]
    return [*keys, *((signal.alert.source, signal.alert.fingerprint) for signal in signals)] if signals else keys


def _moves(alert: Alert, known: KnownAlert) -> bool:
    """Whether the ticket has to be read: everything but a repeat that is no news."""
    same = alert.status is known.alert.status and alert.severity is known.alert.severity
    return not same or known.count + 1 in MILESTONES


def _resolved_too_early(session: Session, signal: Signal, known: KnownAlert) -> bool:
    """Whether a downtime or flapping ends with the problem still there, though somebody has resolved its ticket."""
    fires = signal.alert.status is known.alert.status is AlertStatus.FIRING
    return fires and signal.kind in ENDINGS and _is_over(session, known)


def _is_over(session: Session, known: KnownAlert) -> bool:
    """Whether somebody resolved or closed the alert's ticket."""
    ticket = session.ticket(known.ticket_id) if known.ticket_id is not None else None
    return ticket is not None and not ticket.status.is_open


def _is_outdated(known: KnownAlert | None, heard_at: datetime) -> bool:
    """Whether newer word of this alert came in by another delivery."""
    return known is not None and known.last_at > heard_at


def _may_open(alert: Alert, known: KnownAlert | None) -> bool:
    return known is None or alert.status is not known.alert.status


def _state(normalised: Normalised) -> str:
    if normalised.problem is not None:
        return "dead"
    return "ignored" if normalised.ignored else "done"


def _receipt(journal_id: int, normalised: Normalised, tickets: Sequence[int]) -> Receipt:
    return Receipt(
        delivery=str(journal_id),
        received=normalised.received,
        tickets=tuple(dict.fromkeys(tickets)),
        ignored=normalised.ignored,
        problem=normalised.problem,
    )


def _finish(session: Session, journal_id: int, normalised: Normalised, tickets: Sequence[int], progress: int) -> None:
    """Record that a journalled delivery is over, and how."""
    receipt = msgspec.to_builtins(_receipt(journal_id, normalised, tickets))
    values = {"state": _state(normalised), "receipt": receipt, "progress": progress}
    session.execute(update(JOURNAL).where(JOURNAL.c.id == journal_id).values(values))


def _journal_row(journal_id: int, delivery: RawDelivery, state: str, receipt: Receipt | None) -> dict[str, object]:
    return {
        "id": journal_id,
        "source": delivery.source,
        "key": delivery.key,
        "received_at": delivery.received_at,
        "content_type": delivery.content_type,
        "headers": delivery.headers,
        "body": delivery.body,
        "state": state,
        "progress": 0,
        "receipt": msgspec.to_builtins(receipt) if receipt else None,
    }


def _earlier(session: Session, delivery: RawDelivery) -> Receipt | None:
    """The receipt of a delivery that its sender names by a key and that was taken before."""
    if delivery.key is None:
        return None
    same = (JOURNAL.c.source == delivery.source) & (JOURNAL.c.key == delivery.key)
    row = session.execute(select(JOURNAL.c.id, JOURNAL.c.receipt).where(same)).first()
    if row is None:
        return None
    return msgspec.convert(row.receipt, Receipt) if row.receipt else Receipt(str(row.id), 0)
