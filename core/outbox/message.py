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
from core.outbox import reply
from core.ports import MessageRef, Outbound
from core.store import outgoing, queries
from core.views import Notice, RatingRequest, View

_log = logging.getLogger(__name__)
# News of these kinds calls for a decision: the private message carries the card's most useful buttons.
_ACTIONS = ("assign_to_me", "call_expert", "resolve")


class Undeliverable(Exception):
    """There is nothing to send or nowhere to send it to; the text tells the operator why."""


class MessageMaker:
    def __init__(self, policy: DeskPolicy) -> None:
        self._policy = policy
        self._templates = {name: Template(text) for name, text in policy.settings.templates.items()}

    def make(self, connection: Connection, row: Any, now: datetime) -> tuple[Outbound, MessageRef | None]:
        """The message, and where it stands already when it is an edit. Raises ``Undeliverable``."""
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
        message = Outbound(
            key=row.key,
            platform=row.platform,
            view=self._view(connection, row, ticket, now),
            words=self._words(person),
            address=row.address,
            person=person,
            thread=thread,
            urgent=row.urgent,
        )
        return message, ref if row.show == "edit" else None

    def _view(self, connection: Connection, row: Any, ticket: Ticket, now: datetime) -> View:
        if row.show in ("card", "edit"):
            return show.read_card(connection, ticket.id, now, self._policy)
        if row.show == reply.SHOW:
            return reply.reply(connection, ticket, row.platform, self._policy)
        if row.show == "rating":
            return RatingRequest(ticket.id, ticket.title, ticket.satisfaction)
        event = queries.event(connection, row.event_seq)
        if event is None:
            raise Undeliverable(f"event {row.event_seq} does not exist")
        rule = row.rule if row.show == "message" else None
        notice = news_of(event, ticket, self._policy, rule, row.urgent)
        if row.show == "message":
            offered = show.actions_of(ticket)
            notice = replace(notice, actions=tuple(action for action in _ACTIONS if action in offered))
        return self._with_template(notice, row, ticket, event, now)

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
