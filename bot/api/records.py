"""Alerts, events, figures and dead letters over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from bot.api import shapes
from bot.api.operations import AFTER, CURSOR, LIMIT, Asked, Parameter, operation
from core.desk.desk import Desk
from core.model import STREAMS, AlertStatus
from core.store import queries, ratings
from core.store.queries import AlertFilter


@operation(
    "GET",
    "/api/v1/alerts",
    shapes.AlertPage,
    parameters=(
        Parameter("status", "firing or resolved.", choices=tuple(status.value for status in AlertStatus)),
        Parameter("source", "Name of a source."),
        Parameter("fingerprint", "The source's name of the problem."),
        Parameter("ticket", "Number of a ticket.", "integer", 1),
        LIMIT,
        CURSOR,
    ),
)
async def list_alerts(desk: Desk, asked: Asked) -> shapes.AlertPage:
    """Normalised alerts with their tickets, the newest first."""
    query = asked.query
    wanted = AlertFilter(
        status=query.get("status"),
        source=query.get("source"),
        fingerprint=query.get("fingerprint"),
        ticket=query.get("ticket"),
        before=query.get("cursor"),
        limit=query.get("limit", 50),
    )
    page, cursor = await desk.alerts(wanted)
    return shapes.AlertPage([shapes.alert_shown(known) for known in page], cursor)


@operation(
    "GET",
    "/api/v1/events",
    shapes.EventPage,
    parameters=(
        Parameter("stream", "Name of a stream; without it all.", choices=tuple(STREAMS.values())),
        AFTER,
        LIMIT,
    ),
)
async def list_events(desk: Desk, asked: Asked) -> shapes.EventPage:
    """The streams of events, in order. Keep ``next`` and ask again with it as ``after``."""
    after, limit = asked.query.get("after", 0), asked.query.get("limit", 200)
    stream = asked.query.get("stream")
    found = await desk.database.read(lambda connection: queries.events(connection, after, limit, stream))
    return shapes.EventPage([shapes.event_shown(event) for event in found], found[-1].seq if found else after)


@operation("GET", "/api/v1/stats", shapes.StatsShown)
async def show_stats(desk: Desk, asked: Asked) -> shapes.StatsShown:
    """Counts and times for reports."""
    now = desk.clock.now()
    counts: dict[str, Any] = await desk.database.read(
        lambda connection: (
            queries.stats(connection, now - timedelta(days=1)) | {"satisfaction": ratings.summary(connection, now)}
        )
    )
    return msgspec.convert(counts, shapes.StatsShown)


@operation("GET", "/api/v1/dead-letters", shapes.DeadLetterPage, parameters=(LIMIT, CURSOR))
async def list_dead_letters(desk: Desk, asked: Asked) -> shapes.DeadLetterPage:
    """Deliveries that were not understood, the newest first."""
    limit, before = asked.query.get("limit", 50), asked.query.get("cursor")
    rows = await desk.database.read(lambda connection: queries.dead_letters(connection, limit + 1, before))
    items = [
        shapes.DeadLetterShown(
            row.id, row.source, row.received_at, row.content_type, (row.receipt or {}).get("problem")
        )
        for row in rows[:limit]
    ]
    return shapes.DeadLetterPage(items, str(items[-1].id) if len(rows) > limit else None)


@operation("POST", "/api/v1/dead-letters/{id}/replay", shapes.ReplayShown)
async def replay_dead_letter(desk: Desk, asked: Asked) -> shapes.ReplayShown:
    """Work on a dead letter again, after its mapping was mended."""
    receipt = await desk.intake.replay(asked.path["id"])
    problem = msgspec.to_builtins(receipt.problem) if receipt.problem else None
    return shapes.ReplayShown(receipt.delivery, receipt.received, receipt.tickets, problem)
