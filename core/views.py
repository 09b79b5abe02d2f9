"""What a person should see, before any platform: pure values made from tickets.

``blocks`` and ``adaptive_cards`` each turn every view into their platform's JSON, given the reader's ``Words``
(language and time zone). A view holds facts and catalogue keys, never sentences; user text stays raw here and is
escaped by the renderer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from core.model import Alert, AlertStatus, Category, Customer, PersonRef, Priority, Severity, SlaClock, Status


class SlaFacts(msgspec.Struct, frozen=True):
    """``remaining`` working seconds to the resolution due time (negative when late); ``breach_risk`` in [0, 1]."""

    state: SlaClock
    first_response_due: datetime | None = None
    resolution_due: datetime | None = None
    remaining: int | None = None
    breach_risk: float = 0.0


class AlertLine(msgspec.Struct, frozen=True):
    fingerprint: str
    title: str
    status: AlertStatus
    severity: Severity
    count: int
    url: str | None = None
    source: str = ""
    host: str | None = None
    service: str | None = None


class TicketCard(msgspec.Struct, frozen=True):
    """The live card of a ticket.

    ``actions`` are the verbs that are legal now, most useful first, as of ``CARD_ACTIONS``; renderers show the first
    ones as buttons and the rest as an overflow. ``last_by``/``last_kind``/``last_at`` say what happened last and who
    did it. ``link`` is the ticket's page, when the installation has a public address.
    """

    id: int
    version: int
    title: str
    description: str
    category: Category
    priority: Priority
    status: Status
    created_at: datetime
    updated_at: datetime
    sla: SlaFacts
    requester: PersonRef | None = None
    assignee: PersonRef | None = None
    team: str | None = None
    customer: Customer | None = None
    business_impact: str | None = None
    affected_users: int | None = None
    systems: tuple[str, ...] = ()
    source: str = ""
    alerts: tuple[AlertLine, ...] = ()
    alerts_total: int = 0
    alerts_firing: int = 0
    resolution: str | None = None
    satisfaction: int | None = None
    resolved_at: datetime | None = None
    actions: tuple[str, ...] = ()
    link: str | None = None
    last_kind: str | None = None
    last_by: PersonRef | None = None
    last_at: datetime | None = None


# The card's verbs in the order in which they are offered; "assign_to_me" is "assign" with oneself.
CARD_ACTIONS = (
    "assign_to_me", "change_priority", "call_expert", "resolve", "start", "wait", "note", "assign", "escalate",
    "reopen", "close",
)  # fmt: skip


class TicketLine(msgspec.Struct, frozen=True):
    id: int
    title: str
    priority: Priority
    status: Status
    assignee: PersonRef | None
    sla: SlaFacts
    link: str | None = None


class TicketList(msgspec.Struct, frozen=True):
    """One page of tickets. ``query`` is the text that was asked (to show and to repeat), cursors turn the page."""

    tickets: tuple[TicketLine, ...]
    query: str = ""
    next_cursor: str | None = None


class HomePart(msgspec.Struct, frozen=True):
    """One queue of a person's home: ``mine``, ``team`` or ``breaching``, and the page of it that is shown.

    ``first`` is the place of the first ticket shown, from 0; ``total`` is counted up to ``HOME_COUNTED``.
    """

    name: str
    tickets: tuple[TicketLine, ...]
    first: int = 0
    total: int = 0


HOME_PAGE = 5
HOME_COUNTED = 1000


class Home(msgspec.Struct, frozen=True):
    """What waits for one person, as of ``at``. ``on_call`` is who is on call now, by what for; empty where nobody plans
    that."""

    parts: tuple[HomePart, ...]
    at: datetime
    on_call: tuple[tuple[str, PersonRef], ...] = ()


class Option(msgspec.Struct, frozen=True):
    """``label_key`` is a catalogue key; ``label`` a raw text where there is none (a person's name)."""

    value: str
    label_key: str | None = None
    label: str | None = None


class Field(msgspec.Struct, frozen=True):
    """One input of a form. ``kind``: text, multiline, number, select, person (a person of the platform), rating,
    systems (any number of ``options``, which are the catalogue's; the value is their names with commas between).

    ``label_key`` and ``hint_key`` are catalogue keys. ``max_length`` in characters; ``minimum``/``maximum`` for number.
    """

    name: str
    kind: str
    label_key: str
    required: bool = False
    initial: str | None = None
    options: tuple[Option, ...] = ()
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    hint_key: str | None = None


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: a catalogue key and what its text names."""

    field: str
    key: str
    facts: dict[str, Any] = {}


class Form(msgspec.Struct, frozen=True):
    """A modal in Slack, a dialog in Teams. ``name`` is the command it submits to (``create``, ``priority``, ``note``,
    ``resolve``, ``assign``, ``status``, ``wait``, ``escalate``, ``expert``, ``rate``); ``context`` comes back with it.
    """

    name: str
    title_key: str
    submit_key: str
    fields: tuple[Field, ...]
    context: dict[str, str] = {}
    errors: tuple[FieldError, ...] = ()
    ticket_id: int | None = None
    ticket_title: str | None = None


class Notice(msgspec.Struct, frozen=True):
    """One piece of news about a ticket: a line of the thread, or a message of its own.

    ``key`` names the text in the catalogue (``notice.ticket.assigned``), ``facts`` what it says; values that are people
    are ``PersonRef``, times ``datetime``, seconds are under names that end in ``_seconds``; every other string is user
    text. ``body`` is free user text shown below (a note, a resolution). ``urgent`` shows as an alarm. ``text`` is a
    finished text of the operator's own template, used instead of ``key`` when set. ``mention`` is whom to call by name.
    ``answers`` says that it stands below a message other than the ticket's card, so that it names the ticket; ``card``
    is then the channel and the message of that card on the same platform, to link to. ``redirected`` is the place that
    was meant and the platform's word why it cannot be reached.
    """

    key: str
    ticket_id: int
    title: str
    facts: dict[str, Any] = {}
    body: str | None = None
    urgent: bool = False
    link: str | None = None
    actions: tuple[str, ...] = ()
    text: str | None = None
    mention: tuple[str, ...] = ()
    priority: Priority | None = None
    version: int | None = None
    answers: bool = False
    card: tuple[str, str] | None = None
    redirected: tuple[str, str] | None = None


class RatingRequest(msgspec.Struct, frozen=True):
    """Asks how it went, 1 to 5; when ``score`` is set it says thanks instead, and asks for a ``comment`` until there is
    one. ``redirected`` as in ``Notice``."""

    ticket_id: int
    title: str
    score: int | None = None
    comment: str | None = None
    redirected: tuple[str, str] | None = None


class HelpEntry(msgspec.Struct, frozen=True):
    """``usage`` is literal (``assign 42 @Kim``); ``help_key`` explains it."""

    usage: str
    help_key: str


class Help(msgspec.Struct, frozen=True):
    """``wrong`` is a word that was not understood, ``nearest`` what was probably meant."""

    command: str
    entries: tuple[HelpEntry, ...]
    wrong: str | None = None
    nearest: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A short answer to one person: done, or refused (``is_error``). ``facts`` as in ``Notice``."""

    key: str
    facts: dict[str, Any] = {}
    is_error: bool = False
    ticket_id: int | None = None


class Timeline(msgspec.Struct, frozen=True):
    """The story of a ticket, oldest first: each entry a ``Notice`` and when it happened."""

    ticket_id: int
    title: str
    entries: tuple[tuple[datetime, Notice], ...]


class Digest(msgspec.Struct, frozen=True):
    """Many new tickets of one place in one message: how many since when and how many of them are open, by priority and
    by system (the most frequent), and the newest. ``link`` is the list of tickets, when there is a public address."""

    since: datetime
    total: int
    open: int
    priorities: tuple[tuple[Priority, int], ...]
    systems: tuple[tuple[str, int], ...]
    newest: tuple[TicketLine, ...]
    link: str | None = None


class OnCallLine(msgspec.Struct, frozen=True):
    """One schedule: who is on call now, until when, and who then; None where nobody is or nothing changes."""

    schedule: str
    person: PersonRef | None
    until: datetime | None = None
    following: PersonRef | None = None

    @property
    def key(self) -> str:
        """Of the text that tells it, with ``facts``."""
        return ("oncall.line" if self.person else "oncall.nobody") + ("_then" if self.following else "")

    @property
    def facts(self) -> dict[str, Any]:
        known = {"person": self.person, "until": self.until, "following": self.following}
        return {"schedule": self.schedule, **{name: value for name, value in known.items() if value is not None}}


class OnCallList(msgspec.Struct, frozen=True):
    """Who is on call, schedule by schedule."""

    lines: tuple[OnCallLine, ...]


View = Digest | TicketCard | TicketList | Form | Notice | RatingRequest | Help | Message | Timeline | OnCallList | Home


def alert_line(alert: Alert, count: int) -> AlertLine:
    return AlertLine(
        fingerprint=alert.fingerprint,
        title=alert.title,
        status=alert.status,
        severity=alert.severity,
        count=count,
        url=alert.url,
        source=alert.source,
        host=alert.host,
        service=alert.service,
    )
