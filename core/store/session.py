"""The unit of work of the one writer: decisions of several callers, one transaction.

Hot writes are staged as plain rows and go out together with ``executemany`` when the batch is flushed, so that the cost
of a statement is shared. A unit reads through what earlier units of the same batch have staged. A unit that fails
leaves nothing: its staged rows are dropped, and statements that it ran itself are rolled back to their savepoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.model import Alert, Event, KnownAlert, PersonRef, Ticket
from core.store.prepared import Prepared, PreparedRead
from core.store.rows import (
    AlertRow,
    CardRow,
    EventRow,
    JournalRow,
    NoticeRow,
    TicketRow,
    TicketSystemRow,
    micros,
    moment,
)

Row = dict[str, Any]
AlertKey = tuple[str, str]

TICKET: Table = TicketRow.__table__  # type: ignore[attr-defined]
TICKET_SYSTEM: Table = TicketSystemRow.__table__  # type: ignore[attr-defined]
ALERT: Table = AlertRow.__table__  # type: ignore[attr-defined]
EVENT: Table = EventRow.__table__  # type: ignore[attr-defined]
JOURNAL: Table = JournalRow.__table__  # type: ignore[attr-defined]
NOTICE: Table = NoticeRow.__table__  # type: ignore[attr-defined]
CARD: Table = CardRow.__table__  # type: ignore[attr-defined]

_encode = msgspec.json.Encoder().encode
decode_ticket = msgspec.json.Decoder(Ticket).decode
decode_alert = msgspec.json.Decoder(Alert).decode
decode_data = msgspec.json.Decoder(dict[str, Any]).decode

_ALERT_COLUMNS = (
    ALERT.c.id, ALERT.c.source, ALERT.c.fingerprint, ALERT.c.ticket_id, ALERT.c.count, ALERT.c.first_at,
    ALERT.c.last_at, ALERT.c.doc,
)  # fmt: skip
_KNOWN = PreparedRead(
    "SELECT id, source, fingerprint, ticket_id, count, first_at, last_at, doc FROM alert "
    "WHERE source = ? AND fingerprint IN (SELECT value FROM json_each(?))",
    "SELECT id, source, fingerprint, ticket_id, count, first_at, last_at, doc FROM alert "
    "WHERE source = ? AND fingerprint IN (SELECT jsonb_array_elements_text(CAST(? AS jsonb)))",
)
_DOC = select(TICKET.c.doc).where(TICKET.c.id == bindparam("ticket_id"))
_LAST = PreparedRead(
    "SELECT (SELECT max(id) FROM ticket), (SELECT max(id) FROM alert), (SELECT max(seq) FROM event), "
    "(SELECT max(id) FROM journal)"
)
_COUNTED = (TICKET, ALERT, EVENT, JOURNAL)
_UPDATE_TICKET = Prepared(
    update(TICKET)
    .where(TICKET.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in TICKET.c.keys() if name not in ("id", "created_at", "source")})  # noqa: SIM118
)
_UPDATE_ALERT = Prepared(
    update(ALERT)
    .where(ALERT.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in ("status", "ticket_id", "count", "last_at", "doc")})
)
_COUNT_ALERT = Prepared(
    update(ALERT)
    .where(ALERT.c.id == bindparam("b_id"))
    .values(count=bindparam("b_count"), last_at=bindparam("b_last_at"))
)


@cache
def _insert(table: Table) -> Prepared:
    return Prepared(insert(table))


@cache
def _insert_new(table: Table, dialect: str) -> Prepared:
    own = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return Prepared(own(table).on_conflict_do_nothing())


def read_known(row: Any) -> KnownAlert:
    return KnownAlert(
        alert=decode_alert(row.doc),
        ticket_id=row.ticket_id,
        count=row.count,
        first_at=row.first_at,
        last_at=row.last_at,
        id=row.id,
    )


def _known(row: Any) -> KnownAlert:
    """As ``read_known``, from a row as the driver gives it."""
    number, _, _, ticket_id, count, first_at, last_at, doc = row
    return KnownAlert(decode_alert(doc), ticket_id, count, moment(first_at), moment(last_at), number)


def read_event(row: Any) -> Event:
    return Event(
        kind=row.kind,
        ticket_id=row.ticket_id,
        at=row.at,
        actor=PersonRef(row.actor_id, row.actor_name),
        origin=row.origin,
        data=decode_data(row.data),
        seq=row.seq,
    )


class _Stage:
    """What is known and to be written; one for the batch, one for the unit that runs."""

    def __init__(self) -> None:
        self.tickets: dict[int, Ticket] = {}
        self.new_tickets: dict[int, Ticket] = {}
        self.alerts: dict[AlertKey, KnownAlert | None] = {}
        self.changed_alerts: dict[AlertKey, KnownAlert] = {}
        self.recounted_alerts: dict[AlertKey, KnownAlert] = {}
        self.inserts: dict[Table, list[Row]] = {}
        self.new_rows: dict[Table, list[Row]] = {}

    def clear_writes(self) -> None:
        self.new_tickets.clear()
        self.changed_alerts.clear()
        self.recounted_alerts.clear()
        self.inserts.clear()
        self.new_rows.clear()

    def take_over(self, unit: _Stage) -> None:
        self.tickets |= unit.tickets
        self.new_tickets |= unit.new_tickets
        self.alerts |= unit.alerts
        self.changed_alerts |= unit.changed_alerts
        self.recounted_alerts |= unit.recounted_alerts
        for table, rows in unit.inserts.items():
            self.inserts.setdefault(table, []).extend(rows)
        for table, rows in unit.new_rows.items():
            self.new_rows.setdefault(table, []).extend(rows)


class Session:
    """What a unit of work sees of the database. Used by the writer's thread alone."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._batch = _Stage()
        self._unit = _Stage()
        self._changed_tickets: dict[int, Ticket] = {}
        self._unit_changed: dict[int, Ticket] = {}
        self._counters: dict[Table, int] = {}
        self._savepoint = False
        self.events_written = 0

    # -- tickets

    def ticket(self, ticket_id: int) -> Ticket | None:
        found = self._unit.tickets.get(ticket_id) or self._batch.tickets.get(ticket_id)
        if found is None:
            doc = self.connection.execute(_DOC, {"ticket_id": ticket_id}).scalar()
            if doc is None:
                return None
            found = self._batch.tickets[ticket_id] = decode_ticket(doc)
        return found

    def load_tickets(self, ids: Iterable[int]) -> None:
        """Read several tickets at once, so that ``ticket`` finds them."""
        wanted = [ticket_id for ticket_id in set(ids) if ticket_id not in self._batch.tickets]
        if wanted:
            rows = self.connection.execute(select(TICKET.c.id, TICKET.c.doc).where(TICKET.c.id.in_(wanted)))
            self._batch.tickets |= {row.id: decode_ticket(row.doc) for row in rows}

    def next_ticket_id(self) -> int:
        return self._next(TICKET)

    def add_ticket(self, ticket: Ticket) -> None:
        self._unit.tickets[ticket.id] = self._unit.new_tickets[ticket.id] = ticket
        for system in dict.fromkeys(ticket.systems):
            self.insert(TICKET_SYSTEM, {"system": system, "ticket_id": ticket.id})

    def change_ticket(self, ticket: Ticket) -> None:
        self._unit.tickets[ticket.id] = ticket
        if ticket.id in self._unit.new_tickets or ticket.id in self._batch.new_tickets:
            self._unit.new_tickets[ticket.id] = ticket
        else:
            self._unit_changed[ticket.id] = ticket

    # -- alerts

    def load_alerts(self, keys: Iterable[AlertKey]) -> None:
        """Read what is known of several alerts at once, so that ``alert`` finds it."""
        wanted: dict[str, list[str]] = {}
        for key in keys:
            if key not in self._batch.alerts:
                self._batch.alerts[key] = None
                wanted.setdefault(key[0], []).append(key[1])
        for source, fingerprints in wanted.items():
            for row in _KNOWN.rows(self.connection, source, _encode(fingerprints).decode()):
                self._batch.alerts[row[1], row[2]] = _known(row)

    def alert(self, source: str, fingerprint: str) -> KnownAlert | None:
        key = (source, fingerprint)
        if key in self._unit.alerts:
            return self._unit.alerts[key]
        if key not in self._batch.alerts:
            self.load_alerts([key])
        return self._batch.alerts[key]

    def alerts_of(self, ticket_id: int) -> list[KnownAlert]:
        """Every alert of a ticket, as written: staged rows are flushed first."""
        rows = self.execute(select(*_ALERT_COLUMNS).where(ALERT.c.ticket_id == ticket_id).order_by(ALERT.c.id))
        return [read_known(row) for row in rows]

    def put_alert(self, known: KnownAlert) -> KnownAlert:
        """Write an alert, new or changed; returns it with its number."""
        key = (known.alert.source, known.alert.fingerprint)
        if known.id == 0:
            known = msgspec.structs.replace(known, id=self._next(ALERT))
            self.insert(ALERT, {"id": known.id, "source": key[0], "fingerprint": key[1], **_alert_values(known)})
        else:
            self._unit.changed_alerts[key] = known
        self._unit.alerts[key] = known
        return known

    def recount_alert(self, known: KnownAlert) -> None:
        """Write only that a known alert was heard again."""
        key = (known.alert.source, known.alert.fingerprint)
        self._unit.alerts[key] = known
        changed = key in self._unit.changed_alerts or key in self._batch.changed_alerts
        (self._unit.changed_alerts if changed else self._unit.recounted_alerts)[key] = known

    # -- everything else

    def add_event(self, event: Event) -> int:
        seq = self._next(EVENT)
        row = {
            "seq": seq,
            "stream": event.stream,
            "kind": event.kind,
            "ticket_id": event.ticket_id,
            "at": event.at,
            "actor_id": event.actor.id,
            "actor_name": event.actor.name,
            "origin": event.origin,
            "data": _encode(event.data),
        }
        self.insert(EVENT, row)
        return seq

    def next_journal_id(self) -> int:
        return self._next(JOURNAL)

    def insert(self, table: Table, row: Row) -> None:
        """Stage a row; it is written with all others of its table."""
        self._unit.inserts.setdefault(table, []).append(row)

    def insert_new(self, table: Table, rows: Sequence[Row]) -> None:
        """Stage rows of which those are written whose unique key is not there yet."""
        if rows:
            self._unit.new_rows.setdefault(table, []).extend(rows)

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> Any:
        """Run a statement now, below a savepoint of this unit; it sees everything staged so far."""
        if not self._savepoint:
            self.flush()
            self.connection.exec_driver_sql("SAVEPOINT unit")
            self._savepoint = True
        self._keep_unit()
        self.flush()
        return self.connection.execute(statement, parameters)

    # -- the writer's side

    def begin_unit(self) -> None:
        self._unit, self._unit_changed, self._savepoint = _Stage(), {}, False

    def end_unit(self) -> None:
        self._keep_unit()
        if self._savepoint:
            self.flush()
            self.connection.exec_driver_sql("RELEASE unit")

    def drop_unit(self) -> None:
        """Undo the unit that failed. What it took over from the batch's memory is read again when needed."""
        if self._savepoint:
            self.connection.exec_driver_sql("ROLLBACK TO unit")
            self.connection.exec_driver_sql("RELEASE unit")
            self._batch, self._changed_tickets = _Stage(), {}
            self._counters.clear()
        self._unit, self._unit_changed = _Stage(), {}

    def _keep_unit(self) -> None:
        self._changed_tickets |= self._unit_changed
        self._batch.take_over(self._unit)
        self._unit, self._unit_changed = _Stage(), {}

    def flush(self) -> None:
        """Write what earlier units have staged."""
        batch, connection = self._batch, self.connection
        if batch.new_tickets:
            _insert(TICKET).run(connection, [_new_ticket(ticket) for ticket in batch.new_tickets.values()])
        if self._changed_tickets:
            rows = [_bound({"id": t.id, **_ticket_values(t)}) for t in self._changed_tickets.values()]
            _UPDATE_TICKET.run(connection, rows)
            self._changed_tickets = {}
        for table, rows in batch.inserts.items():
            _insert(table).run(connection, rows)
            if table is EVENT:
                self.events_written += len(rows)
        for table, rows in batch.new_rows.items():
            _insert_new(table, connection.dialect.name).run(connection, rows)
        if batch.changed_alerts:
            _UPDATE_ALERT.run(connection, [_changed_alert(known) for known in batch.changed_alerts.values()])
        # What was changed has the newest count, whichever came first.
        recounted = [known for key, known in batch.recounted_alerts.items() if key not in batch.changed_alerts]
        if recounted:
            rows = [{"b_id": known.id, "b_count": known.count, "b_last_at": known.last_at} for known in recounted]
            _COUNT_ALERT.run(connection, rows)
        batch.clear_writes()

    def _next(self, table: Table) -> int:
        if not self._counters:
            (found,) = _LAST.rows(self.connection)
            self._counters = {counted: last or 0 for counted, last in zip(_COUNTED, found, strict=True)}
        self._counters[table] += 1
        return self._counters[table]


def _new_ticket(ticket: Ticket) -> Row:
    own = {"id": ticket.id, "created_at": ticket.created_at, "source": ticket.source}
    return own | _ticket_values(ticket)


def _bound(values: Row) -> Row:
    return {f"b_{name}": value for name, value in values.items()}


def _changed_alert(known: KnownAlert) -> Row:
    values = _alert_values(known)
    del values["first_at"]
    return _bound({"id": known.id, **values})


def _ticket_values(ticket: Ticket) -> Row:
    return {
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "category": ticket.category.value,
        "assignee_id": ticket.assignee.id if ticket.assignee else None,
        "team": ticket.team,
        "updated_at": ticket.updated_at,
        "resolved_at": ticket.resolved_at,
        "wake_at": ticket.wake_at,
        "version": ticket.version,
        "doc": _encode(ticket),
    }


def _alert_values(known: KnownAlert) -> Row:
    return {
        "status": known.alert.status.value,
        "ticket_id": known.ticket_id,
        "count": known.count,
        "first_at": known.first_at,
        "last_at": known.last_at,
        "doc": _encode(known.alert),
    }


__all__ = ["ALERT", "CARD", "EVENT", "JOURNAL", "NOTICE", "TICKET", "TICKET_SYSTEM", "Session", "micros", "moment"]
