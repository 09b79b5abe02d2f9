"""The values that everything else speaks of.

All are frozen: a change is a new value. They know nothing of the database (its rows live in ``core.store``), of
the network or of a chat platform. Times are timezone-aware UTC; durations are seconds.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Category(StrEnum):
    INCIDENT = "incident"
    OUTAGE = "outage"
    SERVICE_REQUEST = "service_request"
    QUESTION = "question"
    BUG = "bug"
    ENHANCEMENT = "enhancement"
    FEATURE_REQUEST = "feature_request"
    CHANGE = "change"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return PRIORITY_RANK[self]


PRIORITY_RANK = {priority: rank for rank, priority in enumerate(Priority)}


class Status(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_open(self) -> bool:
        return self not in (Status.RESOLVED, Status.CLOSED)


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 3 for critical."""
        return SEVERITY_RANK[self]


SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class AlertStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class Condition(StrEnum):
    """What a source said of a firing alert: somebody has it there, it changes too often to be told of, or its ticket
    waits for the end of planned work."""

    ACKNOWLEDGED = "acknowledged"
    FLAPPING = "flapping"
    DOWNTIME = "downtime"


class SignalKind(StrEnum):
    """What a source says that is neither the begin nor the end of a problem."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    COMMENTED = "commented"
    DOWNTIME_STARTED = "downtime_started"
    DOWNTIME_ENDED = "downtime_ended"
    FLAPPING_STARTED = "flapping_started"
    FLAPPING_STOPPED = "flapping_stopped"
    CLOSED = "closed"


class Tier(StrEnum):
    STANDARD = "standard"
    GOLD = "gold"
    VIP = "vip"


class SlaClock(StrEnum):
    """What the promise of a ticket is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"


class PersonRef(msgspec.Struct, frozen=True):
    """Who is meant, with the name to show. ``id`` is Deskbell's own, the same on every platform."""

    id: str
    name: str


DESKBELL = PersonRef("deskbell", "Deskbell")


class Person(msgspec.Struct, frozen=True):
    """Somebody who acts or is told.

    ``slack`` is a Slack user id, ``teams`` the Entra object id (``aadObjectId``), ``teams_mri`` the ``29:`` id of the
    same person for this bot, ``picture`` the address of their picture. ``roles`` are names that the configuration
    gives: ``agent``, ``lead``, ``manager``.
    """

    id: str
    name: str
    email: str | None = None
    language: str | None = None
    time_zone: str | None = None
    team: str | None = None
    roles: tuple[str, ...] = ()
    slack: str | None = None
    teams: str | None = None
    teams_mri: str | None = None
    picture: str | None = None

    @property
    def ref(self) -> PersonRef:
        return PersonRef(self.id, self.name)


class Customer(msgspec.Struct, frozen=True):
    name: str
    tier: Tier = Tier.STANDARD


class Sla(msgspec.Struct, frozen=True, omit_defaults=True):
    """The promise of one ticket and how its clock stands.

    Targets are working seconds of ``calendar``. While paused, ``*_left`` hold the working seconds that were left at
    ``paused_at`` and the due times are None. ``warned`` names the warning points already told, so that none is twice.
    """

    calendar: str = "always"
    first_response_target: int | None = None
    resolution_target: int | None = None
    started_at: datetime | None = None
    first_response_due: datetime | None = None
    resolution_due: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    paused_at: datetime | None = None
    first_response_left: int | None = None
    resolution_left: int | None = None
    first_response_breached: bool = False
    resolution_breached: bool = False
    warned: tuple[str, ...] = ()


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was decided: the name of the rule and the facts it used, rendered in the reader's language."""

    rule: str
    facts: dict[str, Any] = {}


class Ticket(msgspec.Struct, frozen=True):
    """One problem or request, from first sight to the end. ``version`` grows by one with every recorded change."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    description: str = ""
    category: Category = Category.INCIDENT
    priority: Priority = Priority.MEDIUM
    status: Status = Status.NEW
    requester: PersonRef | None = None
    assignee: PersonRef | None = None
    team: str | None = None
    customer: Customer | None = None
    business_impact: str | None = None
    affected_users: int | None = None
    systems: tuple[str, ...] = ()
    source: str = "api"
    external_references: dict[str, str] = {}
    parent: int | None = None
    requires_code_fix: bool = False
    affected_repository: str | None = None
    customer_satisfaction_required: bool = False
    satisfaction: int | None = None
    satisfaction_comment: str | None = None
    resolution: str | None = None
    escalation_level: int = 0
    priority_set_by_person: bool = False
    alerts_firing: int = 0
    alerts_total: int = 0
    sla: Sla = Sla()
    why: tuple[Reason, ...] = ()
    resolved_at: datetime | None = None
    wake_at: datetime | None = None
    origin: dict[str, str] = {}


class Alert(msgspec.Struct, frozen=True):
    """One normalised message of a monitoring source.

    ``fingerprint`` makes it the same problem within ``source``; ``started_at`` names the occurrence. ``ended_at`` is
    set only on a recovery. ``symptoms`` are the words by which problems are compared. ``condition`` is what is known
    of an alert from earlier signals; no message carries it.
    """

    fingerprint: str
    source: str
    status: AlertStatus
    severity: Severity
    title: str
    started_at: datetime
    description: str = ""
    host: str | None = None
    service: str | None = None
    labels: dict[str, str] = {}
    symptoms: tuple[str, ...] = ()
    ended_at: datetime | None = None
    url: str | None = None
    condition: Condition | None = None


class Signal(msgspec.Struct, frozen=True):
    """Something that a source says of one of its problems: an acknowledgement, a comment, a downtime.

    ``alert`` is the problem as the message shows it: it opens a ticket or ends one where that was not heard before, and
    never counts as a repeat. ``by`` is who did it, by a name of the source; ``text`` what they wrote.
    """

    kind: SignalKind
    alert: Alert
    by: str = ""
    text: str = ""


class KnownAlert(msgspec.Struct, frozen=True):
    """What the desk remembers of an alert: its last state, the ticket it belongs to and how often it was heard."""

    alert: Alert
    ticket_id: int | None
    count: int
    first_at: datetime
    last_at: datetime
    id: int = 0


class Event(msgspec.Struct, frozen=True):
    """Something that happened. ``kind`` is past tense with its stream's prefix (``ticket.assigned``, ``alert.fired``).

    ``origin`` says through which door it came (``slack``, ``teams``, ``api``, ``webhook:alertmanager``, ``clock``), so
    that nobody is told what they just did themselves.
    """

    kind: str
    ticket_id: int | None
    at: datetime
    actor: PersonRef
    origin: str
    data: dict[str, Any] = {}
    seq: int = 0

    @property
    def stream(self) -> str:
        return STREAMS[self.kind.split(".", 1)[0]]


STREAMS = {"ticket": "ticket.lifecycle", "alert": "monitoring.alerts", "deployment": "deployment.lifecycle"}


class Asked(msgspec.Struct, frozen=True):
    """Somebody who was called, and how they answered: accepted, declined, unanswered, withdrawn; None as long as that
    is open."""

    person: PersonRef
    outcome: str | None = None


class ExpertCall(msgspec.Struct, frozen=True):
    """One call for an expert. ``state``: asking, accepted, exhausted (nobody came) or withdrawn (the ticket was over).

    ``id`` is the number of the event that began it. ``asked`` are the people called so far; while it is asking the last
    one has until ``due_at`` to answer. With ``named`` that person was meant and nobody comes after them.
    """

    id: int
    ticket_id: int
    caller: PersonRef
    skill: str = ""
    named: bool = False
    state: str = "asking"
    asked: tuple[Asked, ...] = ()
    due_at: datetime | None = None

    @property
    def expert(self) -> PersonRef | None:
        """Who is asked now."""
        return self.asked[-1].person if self.state == "asking" else None


class RawDelivery(msgspec.Struct, frozen=True):
    """What a sender sent, byte for byte, with the headers that matter. Secrets are removed before it is made."""

    source: str
    body: bytes
    content_type: str
    headers: dict[str, str]
    received_at: datetime
    key: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """Why a delivery was not understood, told to its sender and to the operator. ``path`` is where, as in JSON."""

    code: str
    message: str
    path: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a delivery, given only when everything is durable."""

    delivery: str
    received: int
    tickets: tuple[int, ...] = ()
    ignored: str | None = None
    problem: Problem | None = None
