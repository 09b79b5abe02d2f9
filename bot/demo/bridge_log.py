"""Reads on in what Deskbell wrote down (its events, its delivery log) and tells the page: the story and the numbers.

Nothing is told from intentions: an event is told when it is in the store, a notice when its platform has taken it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from bot.app import Service
from bot.demo import world
from bot.demo.bridge_counts import Counts
from bot.demo.bridge_story import Kind, Story
from bot.demo.bridge_stream import Hub
from bot.demo.slack_records import Json
from core.desk.news import notice as news_of
from core.errors import StoreUnavailable
from core.i18n import Words
from core.model import Event, Priority, Severity, Ticket
from core.store import queries
from core.store.session import NOTICE

_LIMIT = 500
_PAUSE = 0.3  # seconds between two looks while somebody watches
_QUIET_PAUSE = 2.0
_OPEN = ("waiting", "sending")
_log = logging.getLogger(__name__)


class Log:
    """``stats`` are the numbers of the strip as last read."""

    def __init__(self, service: Service, hub: Hub, story: Story, counts: Counts) -> None:
        self._service, self._hub, self._story, self._counts = service, hub, story, counts
        self._seq = 0  # the last event told
        self._low = 0  # up to this number every notice has its final state
        self._settled: set[int] = set()  # of those above it
        self._edited: dict[int, dict[str, None]] = {}  # places by ticket, not told yet
        self.stats: Json = {"alerts_received": 0, "tickets_open": 0, "notices_delivered": 0, "sent_twice": 0}

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                _log.warning("the story waits for the database: %s", error)
            await asyncio.sleep(_PAUSE if self._hub.watched else _QUIET_PAUSE)

    async def look(self) -> None:
        """Tell what is new."""
        arrived = self._counts.teams
        events, tickets, notices, open_now = await self._service.database.read(self._read)
        for event in events:
            self._seq = event.seq
            ticket = tickets.get(event.ticket_id or 0)
            if ticket is not None:
                self._tell_event(event, ticket)
        fresh = self._settle(notices)
        self._tell_notices(fresh)
        self._tell_edits(fresh, notices)
        self._counts.compare(arrived, fresh, notices)
        self._tell_stats(open_now)

    def _read(self, connection: Connection) -> tuple[list[Event], dict[int, Ticket], list[Any], int]:
        events = queries.events(connection, self._seq, _LIMIT)
        tickets = queries.tickets_by_id(connection, {event.ticket_id for event in events if event.ticket_id})
        newer = select(NOTICE).where(NOTICE.c.id > self._low).order_by(NOTICE.c.id).limit(_LIMIT)
        notices = list(connection.execute(newer))
        now = self._service.desk.clock.now()
        by_status = queries.stats(connection, now - timedelta(hours=1))["tickets"]["by_status"]
        return events, tickets, notices, sum(by_status.get(status, 0) for status in queries.OPEN_STATUSES)

    def _settle(self, notices: list[Any]) -> list[Any]:
        """The notices that have got their final state since the last look."""
        fresh = [row for row in notices if row.state not in _OPEN and row.id not in self._settled]
        self._settled.update(row.id for row in fresh)
        for row in notices:
            if row.id not in self._settled:
                break
            self._low = row.id
        self._settled = {number for number in self._settled if number > self._low}
        return fresh

    def _tell_stats(self, open_now: int) -> None:
        families = self._service.metrics.alerts.collect()
        alerts = sum(sample.value for one in families for sample in one.samples if sample.name.endswith("_total"))
        stats = {
            "alerts_received": int(alerts),
            "tickets_open": open_now,
            "notices_delivered": self._counts.delivered,
            "sent_twice": self._counts.twice,
        }
        if stats != self.stats:
            self.stats = stats
            self._hub.publish("stats", lambda language: stats)

    def _tell_event(self, event: Event, ticket: Ticket) -> None:
        told = _TOLD.get(event.kind, _tell_news)
        for kind, text in told(self._service, event, ticket):
            self._story.say(kind, text, event.at)

    def _tell_notices(self, rows: list[Any]) -> None:
        for row in rows:
            if row.state == "failed":
                self._story.tell("notice", "demo.story.failed", **_facts(row), reason=row.reason or "")
            elif row.state == "sent" and row.show in _NOTICES:
                self._story.tell("notice", _NOTICES[row.show], **_facts(row), rule=row.rule)

    def _tell_edits(self, fresh: list[Any], notices: list[Any]) -> None:
        """One line for a ticket when all of its cards are up to date."""
        for row in fresh:
            if row.show == "edit" and row.state == "sent":
                self._edited.setdefault(row.ticket_id, {})[_place(row)] = None
        under_way = {row.ticket_id for row in notices if row.show == "edit" and row.state in _OPEN}
        for ticket_id in self._edited.keys() - under_way:
            places = list(self._edited.pop(ticket_id))
            self._story.tell("sync", "demo.story.edited", ticket_id=ticket_id, places=places)


_NOTICES = {"card": "demo.story.card", "message": "demo.story.message", "rating": "demo.story.rating"}
_NAMES = {person["id"]: person["name"] for person in world.DIRECTORY["people"]}


def _facts(row: Any) -> dict[str, object]:
    return {"ticket_id": row.ticket_id, "place": _place(row)}


def _place(row: Any) -> str:
    """``Slack #it-support``, ``Teams Operations``, or a person and where they were reached."""
    platform = str(row.platform).title()
    if row.person_id:
        return f"{_NAMES.get(row.person_id, row.person_id)} ({platform})"
    return f"{platform} {'Operations' if row.address == world.OPERATIONS else row.address}"


Told = list[tuple[Kind, Callable[[Words], str]]]


def _tell_news(service: Service, event: Event, ticket: Ticket) -> Told:
    """In the words that people get."""
    news = news_of(event, ticket, service.desk.policy)

    def text(words: Words) -> str:
        said = words.say(news.key, news.facts, str)
        return words.text("demo.story.news", ticket_id=ticket.id, news=f"{said} {news.body}" if news.body else said)

    return [("alert" if event.kind.startswith("alert.") else "ticket", text)]


def _tell_opened(service: Service, event: Event, ticket: Ticket) -> Told:
    facts = {"ticket_id": ticket.id, "title": ticket.title}
    told: Told = [("ticket", lambda words: words.say("demo.story.opened", facts, str))]
    for reason in ticket.why[:1]:
        if reason.rule == "severity":
            told.append(("rule", _because(ticket, reason.facts)))
    return told


def _because(ticket: Ticket, given: dict[str, Any]) -> Callable[[Words], str]:
    facts = {
        "ticket_id": ticket.id,
        "severity": Severity(given["severity"]),
        "priority": Priority(given["priority"]),
    }
    return lambda words: words.say("demo.story.priority", facts, str)


def _tell_repeated(service: Service, event: Event, ticket: Ticket) -> Told:
    facts = {"ticket_id": ticket.id, "count": event.data["count"], "alert": event.data["alert"]}
    return [("rule", lambda words: words.say("demo.story.repeated", facts, str))]


_TOLD: dict[str, Callable[[Service, Event, Ticket], Told]] = {
    "ticket.created": _tell_opened,
    "alert.repeated": _tell_repeated,
}
