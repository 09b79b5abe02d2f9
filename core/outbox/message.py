"""Makes the message of a notice from what is true when it is sent: the newest card, or the news of its event."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from core.config.conditions import ConditionError, Template, ticket_facts
from core.desk import show
from core.desk.news import notice as news_of
from core.desk.policy import DeskPolicy
from core.i18n import Words
from core.model import Event, Person, Ticket
from core.outbox import digest, fallback, reply, revise
from core.ports import Author, MessageRef, Outbound
from core.store import calls, outgoing, queries
from core.views import Notice, RatingRequest, View

_log = logging.getLogger(__name__)
# News of these kinds calls for a decision: the private message carries the card's most useful buttons.
_ACTIONS = ("assign_to_me", "call_expert", "resolve")
_ANSWERS = ("expert_accept", "expert_decline")


class Undeliverable(Exception):
    """There is nothing to send or nowhere to send it to; the text tells the operator why."""


class MessageMaker:
    def __init__(self, policy: DeskPolicy) -> None:
        self._policy = policy
        self._templates = {name: Template(text) for name, text in policy.settings.templates.items()}

    def make(self, connection: Connection, row: Any, now: datetime) -> tuple[Outbound, MessageRef | None]:
        """The message, and where it stands already when it is an edit. Raises ``Undeliverable``, and ``Outdated`` for
        one that need not be sent any more."""
        if row.ticket_id < 0:
            return self._digest(connection, row, now)
        ticket = queries.ticket(connection, row.ticket_id)
        if ticket is None:
            raise Undeliverable(f"ticket {row.ticket_id} does not exist")
        person = self._person(connection, row.person_id)
        ref = thread = None
        if row.show in ("edit", "thread"):
            ref = outgoing.card_ref(connection, row.ticket_id, row.platform, row.address)
            if ref is None:
                raise Undeliverable("the card of the ticket is not there")
            thread = ref if row.show == "thread" else None
        if row.show == reply.SHOW:
            thread = reply.thread_of(ticket)
        show_as = row.show
        if row.show == revise.SHOW:
            told, ref = revise.told_before(connection, row)
            show_as, thread = told.show, ref if told.show == "thread" else None
        is_news = show_as in ("thread", "message") and row.rule != fallback.RULE
        event = self._event(connection, row) if is_news else None
        message = Outbound(
            key=row.key,
            platform=row.platform,
            view=self._news(connection, row, show_as, event, ticket, now)
            if event
            else self._view(connection, row, ticket, now),
            words=self._words(person),
            address=row.address,
            person=person,
            thread=thread,
            urgent=row.urgent,
            author=self._author(connection, event) if event is not None else None,
        )
        return message, ref if row.show in ("edit", revise.SHOW) else None

    def _digest(self, connection: Connection, row: Any, now: datetime) -> tuple[Outbound, MessageRef | None]:
        ref = outgoing.card_ref(connection, row.ticket_id, row.platform, row.address) if row.show == "edit" else None
        if row.show == "edit" and ref is None:
            raise Undeliverable("the digest is not there")
        view = digest.view(connection, -row.ticket_id, row.platform, row.address, now, self._policy)
        return Outbound(row.key, row.platform, view, self._words(None), address=row.address), ref

    def _view(self, connection: Connection, row: Any, ticket: Ticket, now: datetime) -> View:
        if row.show in ("card", "edit"):
            return show.read_card(connection, ticket.id, now, self._policy)
        if row.show == reply.SHOW:
            return reply.reply(connection, ticket, row.platform, self._policy)
        if row.rule == fallback.RULE:
            return fallback.explanation(row, ticket)
        asked = RatingRequest(ticket.id, ticket.title, ticket.satisfaction, ticket.satisfaction_comment)
        return replace(asked, redirected=fallback.redirected(row))

    def _event(self, connection: Connection, row: Any) -> Event:
        """What the notice is about, as it is now. A note that was deleted before it was told is not told."""
        event = queries.event(connection, row.event_seq)
        if event is None:
            raise Undeliverable(f"event {row.event_seq} does not exist")
        event = revise.as_it_is_now(connection, event)
        if event.data.get("deleted") and row.state == "waiting" and row.show != revise.SHOW:
            raise revise.Outdated("it was deleted before it was told")
        return event

    def _news(
        self, connection: Connection, row: Any, show_as: str, event: Event, ticket: Ticket, now: datetime
    ) -> Notice:
        rule = row.rule if show_as == "message" else None
        notice = news_of(event, ticket, self._policy, rule, row.urgent)
        if show_as == "message":
            actions = self._actions(connection, row, ticket, event)
            notice = replace(notice, actions=actions, redirected=fallback.redirected(row))
        return notice if event.data.get("deleted") else self._with_template(notice, row, ticket, event, now)

    def _author(self, connection: Connection, event: Event) -> Author | None:
        """Who wrote the note that is told; None for other news, and for what is not a person."""
        if event.kind != "ticket.noted":
            return None
        person = outgoing.people(connection, [event.actor.id]).get(event.actor.id)
        return Author(event.actor.name, event.origin, person.picture) if person is not None else None

    def _actions(self, connection: Connection, row: Any, ticket: Ticket, event: Event) -> tuple[str, ...]:
        """Who is called as an expert is asked to answer, as long as the call waits for them."""
        called: dict[str, Any] = event.data.get("expert") or {}
        if event.kind == "ticket.expert_called" and row.person_id is not None and row.person_id == called.get("id"):
            if calls.asking(connection, ticket.id, row.person_id) is None:
                raise revise.Outdated("the call was over before it could be told")
            return _ANSWERS
        offered = show.actions_of(ticket)
        return tuple(action for action in _ACTIONS if action in offered)

    def _with_template(self, notice: Notice, row: Any, ticket: Ticket, event: Event, now: datetime) -> Notice:
        template = self._templates.get(row.template) if row.template else None
        if template is None:
            return notice
        try:
            text = template.render(ticket_facts(ticket, self._policy.sla.facts(ticket, now), event))
        except ConditionError as error:
            _log.error("the template %s cannot be rendered: %s", row.template, error)
            return notice
        return replace(notice, text=text)

    def _person(self, connection: Connection, person_id: str | None) -> Person | None:
        if person_id is None:
            return None
        person = outgoing.people(connection, [person_id]).get(person_id)
        if person is None:
            raise Undeliverable(f"nobody is known as {person_id}")
        return person

    def _words(self, person: Person | None) -> Words:
        settings = self._policy.settings
        language = (person.language if person else None) or settings.language
        return Words(language, (person.time_zone if person else None) or settings.time_zone)
