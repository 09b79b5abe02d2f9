"""``deskbell replay``: recorded deliveries through the real engine, on a scratch database and a simulated clock."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bot.process import FAILED, OK, WRONG_USAGE, load_or_explain, run_async
from bot.replay_groups import TicketGroup, group_tickets
from core.config.settings import Settings
from core.desk.desk import Desk
from core.integrations import BUILT_IN
from core.model import KnownAlert, RawDelivery, Ticket
from core.outbox.plan import Planner
from core.outbox.teller import Teller
from core.store import queries
from core.store.database import Database, connect
from core.store.queries import TicketFilter
from core.store.upgrade import upgrade

_PAGE = 500


class Recorded(msgspec.Struct, frozen=True):
    """One line of a recording. ``body`` is text or JSON."""

    at: datetime
    source: str
    body: Any
    headers: dict[str, str] = {}


class _SimulatedClock:
    def __init__(self) -> None:
        self.moment = datetime(1970, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class BadRecording(ValueError):
    """A line that is no recorded delivery; the text says which and why."""


def read(paths: list[Path]) -> Iterator[Recorded]:
    """The recorded deliveries of several files, in order. Raises ``BadRecording``."""
    decode = msgspec.json.Decoder(Recorded).decode
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    recorded = decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise BadRecording(f"{path}:{number}: {error}") from error
                if recorded.at.tzinfo is None:
                    raise BadRecording(f"{path}:{number}: at has no time zone")
                yield recorded


class Outcome(msgspec.Struct, frozen=True):
    """What a configuration makes of a recording: tickets, the tickets of each delivery by line, notices, and the groups
    of tickets that have one cause."""

    tickets: list[Ticket]
    deliveries: list[tuple[int, ...]]
    notices: int
    groups: list[TicketGroup]


async def replay(recording: list[Recorded], settings: Settings) -> Outcome:
    """Send a recording through a desk of its own. Warnings and breaches happen in between, at their own instants, and
    every notice is planned when its event happens, as they would have been."""
    with tempfile.TemporaryDirectory(prefix="deskbell-replay-") as folder:
        scratch = settings.database.model_copy(update={"url": f"sqlite:///{Path(folder) / 'replay.db'}"})
        engine = connect(scratch.url, durable=False)
        upgrade(engine)
        database, clock = Database(engine), _SimulatedClock()
        database.start()
        try:
            desk = Desk(database, settings.model_copy(update={"database": scratch}), clock)
            await desk.people.start()
            teller = Teller(database, Planner(desk.policy, ("slack", "teams")), clock, lambda lanes: None)
            deliveries = [await _send(desk, teller, clock, recorded) for recorded in recording]
            tickets = await _tickets(desk)
            groups = group_tickets(await _alerts(desk, tickets), settings)
            return Outcome(tickets, deliveries, await database.read(queries.count_notices), groups)
        finally:
            await database.close()


async def _send(desk: Desk, teller: Teller, clock: _SimulatedClock, recorded: Recorded) -> tuple[int, ...]:
    if recorded.source not in desk.policy.sources:
        return ()
    await _let_time_pass(desk, teller, clock, recorded.at.astimezone(UTC))
    headers = {name.lower(): value for name, value in recorded.headers.items()}
    body = recorded.body.encode() if isinstance(recorded.body, str) else orjson.dumps(recorded.body)
    content_type, key = headers.get("content-type", "application/json"), headers.get("idempotency-key")
    delivery = RawDelivery(recorded.source, body, content_type, recorded.headers, clock.moment, key or None)
    receipt = await desk.intake.accept(delivery)
    await teller.round()
    return receipt.tickets


async def _let_time_pass(desk: Desk, teller: Teller, clock: _SimulatedClock, until: datetime) -> None:
    """Move the clock on, from one instant at which a promise wants attention to the next."""
    while (instant := await desk.database.read(queries.next_due)) is not None and instant <= until:
        clock.moment = max(clock.moment, instant)
        if not await desk.work.run_due():
            break
        await teller.round()
    clock.moment = max(clock.moment, until)


async def _tickets(desk: Desk) -> list[Ticket]:
    found: list[Ticket] = []
    cursor: str | None = None
    while True:
        page, cursor = await desk.tickets(TicketFilter(before=int(cursor) if cursor else None, limit=_PAGE))
        found += page
        if cursor is None:
            return found[::-1]


async def _alerts(desk: Desk, tickets: list[Ticket]) -> list[KnownAlert]:
    found: list[KnownAlert] = []
    for start in range(0, len(tickets), _PAGE):
        ids = [ticket.id for ticket in tickets[start : start + _PAGE]]
        by_ticket = await desk.database.read(partial(queries.alerts_by_ticket, ticket_ids=ids))
        found += [known for alerts in by_ticket.values() for known in alerts]
    return found


def run_replay(
    files: list[Path], config: Path | None, against: Path | None, catalog: Path | None, as_json: bool
) -> int:
    """Replay and print; with ``against`` print what a second configuration makes differently."""
    settings = _with_catalog(load_or_explain(config), catalog)
    other = _with_catalog(load_or_explain(against), catalog) if against else None
    if settings is None or (against and other is None):
        return FAILED
    try:
        recording = list(read(files))
    except (OSError, BadRecording) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE

    _name_unknown_sources(recording, settings)

    async def run() -> int:
        first = await replay(recording, settings)
        second = await replay(recording, other) if other else None
        shown = _as_json(first, second) if as_json else _as_text(first, second)
        sys.stdout.write(shown + "\n")
        return OK

    return run_async(run())


def _name_unknown_sources(recording: list[Recorded], settings: Settings) -> None:
    known = {*BUILT_IN, *settings.sources}
    unknown = Counter(recorded.source for recorded in recording if recorded.source not in known)
    for source, count in sorted(unknown.items()):
        sys.stderr.write(f"{count} deliveries are left out: the configuration has no source {source}\n")


def _with_catalog(settings: Settings | None, catalog: Path | None) -> Settings | None:
    if settings is None or catalog is None:
        return settings
    from core.config.catalog import CatalogError, read_catalog

    try:
        systems = read_catalog(catalog.read_text())
    except (OSError, CatalogError) as error:
        sys.stderr.write(f"{catalog}: {error}\n")
        return None
    return settings.model_copy(update={"systems": (*settings.systems, *systems)})


def _plain(outcome: Outcome) -> dict[str, Any]:
    tickets = [
        {"id": t.id, "title": t.title, "priority": t.priority, "status": t.status, "alerts": t.alerts_total}
        for t in outcome.tickets
    ]
    deliveries = [{"line": line, "tickets": list(found)} for line, found in enumerate(outcome.deliveries)]
    groups = [msgspec.structs.asdict(group) for group in outcome.groups]
    return {"tickets": tickets, "deliveries": deliveries, "notices": outcome.notices, "groups": groups}


def _as_json(first: Outcome, second: Outcome | None) -> str:
    plain = _plain(first)
    if second is not None:
        plain["against"] = _plain(second)
    return json.dumps(plain, ensure_ascii=False)


def _as_text(first: Outcome, second: Outcome | None) -> str:
    columns = [first] if second is None else [first, second]
    rows = (
        ("deliveries", [len(outcome.deliveries) for outcome in columns]),
        ("tickets", [len(outcome.tickets) for outcome in columns]),
        ("notices", [outcome.notices for outcome in columns]),
        ("groups", [len(outcome.groups) for outcome in columns]),
    )
    lines = [name.ljust(12) + "".join(str(value).rjust(10) for value in values) for name, values in rows]
    for ticket in first.tickets[:50]:
        lines.append(f"#{ticket.id:<6} {ticket.priority:<9} {ticket.status:<12} {ticket.title[:80]}")
    if len(first.tickets) > 50:
        lines.append(f"... and {len(first.tickets) - 50} more")
    for group in first.groups[:50]:
        named = " ".join(f"#{number}" for number in group.tickets[:12]) + (" ..." if len(group.tickets) > 12 else "")
        doubt = ", with another cause nearly as likely" if group.close else ""
        lines.append(f"one outage: {named} ({len(group.tickets)} tickets), probably {group.cause[:80]}{doubt}")
    return "\n".join(lines)
