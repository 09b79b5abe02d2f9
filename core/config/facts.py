"""What a condition or a text may name, and the values it then gets.

One tree of kinds says it all: which parts ``ticket``, ``event`` and ``alert`` have, what each is, and which words it
can be. The language checks against it, the documentation is made from it, and a ``Record`` gives out nothing else.

What is not there (no customer, no alert, no number) is ``MISSING``: it equals only itself and ``none``, is neither less
nor more than anything, has itself for every part, and shows as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from jinja2.runtime import ChainableUndefined, Undefined

from core.config.vocabulary import EVENT_KINDS
from core.model import (
    Alert,
    AlertStatus,
    Category,
    Condition,
    Customer,
    Event,
    PersonRef,
    Priority,
    Severity,
    Sla,
    SlaClock,
    Status,
    Ticket,
    Tier,
)
from core.views import SlaFacts

# What the names of one evaluation stand for.
Facts = Mapping[str, object]


class Missing(ChainableUndefined):
    """The value of what is not there."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)

    def _zero(self) -> int:
        return 0

    def _zero_point(self) -> float:
        return 0.0

    def _no(self, other: object) -> bool:
        return False

    def _itself(self, *args: object) -> Missing:
        return self

    __lt__ = __le__ = __gt__ = __ge__ = _no  # type: ignore[assignment]
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _itself  # type: ignore[assignment]
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _itself  # type: ignore[assignment]
    __int__, __float__ = _zero, _zero_point  # type: ignore[assignment]
    __neg__ = __pos__ = __abs__ = __call__ = _itself  # type: ignore[assignment]


MISSING: Final = Missing()


class Ranked(str):
    """A word of a scale: equal as text, less or more by its place. A word that is not of the scale is neither."""

    ranks: Mapping[str, int]

    def __new__(cls, word: str, ranks: Mapping[str, int]) -> Ranked:
        ranked = super().__new__(cls, word)
        ranked.ranks = ranks
        return ranked

    def __lt__(self, other: str) -> bool:
        return self.ranks[self] < self.ranks.get(other, -1)

    def __le__(self, other: str) -> bool:
        return self.ranks[self] <= self.ranks.get(other, -1)

    def __gt__(self, other: str) -> bool:
        return self.ranks[self] > self.ranks.get(other, len(self.ranks))

    def __ge__(self, other: str) -> bool:
        return self.ranks[self] >= self.ranks.get(other, len(self.ranks))


def _scale(words: type[StrEnum]) -> dict[StrEnum, Ranked]:
    ranks = {word.value: rank for rank, word in enumerate(words)}
    return {word: Ranked(word.value, ranks) for word in words}


class Kind(msgspec.Struct, frozen=True):
    """What a value can be. ``parts`` None: anything may stand below it. ``words``: the only texts it can be; with
    ``ordered`` they have an order. ``shows`` is the part by which a record is shown."""

    name: str
    parts: Mapping[str, Kind] | None = {}
    words: tuple[str, ...] = ()
    ordered: bool = False
    shows: str | None = None


ANYTHING = Kind("anything", parts=None)
TEXT = Kind("text")
NUMBER = Kind("number")
FLAG = Kind("true or false")
TIME = Kind("time")
TEXTS = Kind("list of texts")
MAP = Kind("map", parts=None)


def _words(name: str, words: type[StrEnum], ordered: bool = False) -> Kind:
    return Kind(name, words=tuple(word.value for word in words), ordered=ordered)


PERSON = Kind("person", {"id": TEXT, "name": TEXT}, shows="name")
CUSTOMER = Kind("customer", {"name": TEXT, "tier": _words("tier", Tier, ordered=True)}, shows="name")
SLA = Kind(
    "sla",
    {
        "state": _words("state", SlaClock),
        "remaining": NUMBER,
        "breach_risk": NUMBER,
        "due": TIME,
        "resolution_due": TIME,
        "first_response_due": TIME,
        "calendar": TEXT,
        "resolution_target": NUMBER,
        "first_response_target": NUMBER,
        "resolution_breached": FLAG,
        "first_response_breached": FLAG,
    },
    shows="state",
)
TICKET = Kind(
    "ticket",
    {
        "id": NUMBER,
        "title": TEXT,
        "description": TEXT,
        "category": _words("category", Category),
        "priority": _words("priority", Priority, ordered=True),
        "status": _words("status", Status),
        "requester": PERSON,
        "assignee": PERSON,
        "team": TEXT,
        "customer": CUSTOMER,
        "business_impact": TEXT,
        "affected_users": NUMBER,
        "systems": TEXTS,
        "source": TEXT,
        "sla": SLA,
        "sla_breach_risk": NUMBER,
        "alerts_firing": NUMBER,
        "alerts_total": NUMBER,
        "escalation_level": NUMBER,
        "priority_set_by_person": FLAG,
        "requires_code_fix": FLAG,
        "affected_repository": TEXT,
        "customer_satisfaction_required": FLAG,
        "satisfaction": NUMBER,
        "satisfaction_comment": TEXT,
        "resolution": TEXT,
        "parent": NUMBER,
        "external_references": MAP,
        "origin": MAP,
        "why": TEXTS,
        "version": NUMBER,
        "created_at": TIME,
        "updated_at": TIME,
        "resolved_at": TIME,
        "wake_at": TIME,
    },
    shows="title",
)
EVENT = Kind(
    "event",
    {
        "kind": Kind("kind of event", words=EVENT_KINDS),
        "actor": PERSON,
        "at": TIME,
        "origin": TEXT,
        "data": MAP,
    },
    shows="kind",
)
ALERT = Kind(
    "alert",
    {
        "title": TEXT,
        "description": TEXT,
        "severity": _words("severity", Severity, ordered=True),
        "status": _words("alert status", AlertStatus),
        "condition": _words("alert condition", Condition),
        "source": TEXT,
        "fingerprint": TEXT,
        "host": TEXT,
        "service": TEXT,
        "labels": MAP,
        "symptoms": TEXTS,
        "url": TEXT,
        "started_at": TIME,
        "ended_at": TIME,
    },
    shows="title",
)
NAMES: Mapping[str, Kind] = {"ticket": TICKET, "event": EVENT, "alert": ALERT}


class Record:
    """One value with parts. Parts are looked up when they are asked for."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: Kind, value: Any) -> None:
        self.kind, self.value = kind, value

    def part(self, name: str) -> object:
        """The part of that name, ``MISSING`` where there is none."""
        return shown(getattr(self.value, name)) if name in (self.kind.parts or ()) else MISSING

    def __str__(self) -> str:
        return str(self.part(self.kind.shows or ""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.value == other.value

    def __hash__(self) -> int:
        return id(self.value)


class _TicketRecord(Record):
    __slots__ = ("sla",)

    def __init__(self, ticket: Ticket, sla: SlaFacts) -> None:
        super().__init__(TICKET, ticket)
        self.sla = sla

    def part(self, name: str) -> object:
        if name == "sla":
            return _SlaRecord(self.sla, self.value.sla)
        if name == "sla_breach_risk":
            return self.sla.breach_risk
        if name == "why":
            return tuple(reason.rule for reason in self.value.why)
        return super().part(name)


class _SlaRecord(Record):
    __slots__ = ("promise",)

    def __init__(self, facts: SlaFacts, promise: Sla) -> None:
        super().__init__(SLA, facts)
        self.promise = promise

    def part(self, name: str) -> object:
        if name == "due":
            return shown(self.value.resolution_due)
        if name in SlaFacts.__struct_fields__:
            return super().part(name)
        return shown(getattr(self.promise, name)) if name in (SLA.parts or ()) else MISSING


_SHOWN: Mapping[type, Callable[[Any], object]] = {
    type(None): lambda _: MISSING,
    Priority: _scale(Priority).__getitem__,
    Severity: _scale(Severity).__getitem__,
    Tier: _scale(Tier).__getitem__,
    Status: str,
    Category: str,
    SlaClock: str,
    AlertStatus: str,
    Condition: str,
    PersonRef: lambda person: Record(PERSON, person),
    Customer: lambda customer: Record(CUSTOMER, customer),
}


def shown(value: Any) -> object:
    """A value of the model as the language sees it."""
    show = _SHOWN.get(type(value))
    return value if show is None else show(value)


def ticket_facts(ticket: Ticket, sla: SlaFacts, event: Event | None = None, alert: Alert | None = None) -> Facts:
    """What a condition or a text about ``ticket`` may name; ``sla`` is how its promise stands now."""
    return {
        "ticket": _TicketRecord(ticket, sla),
        "event": MISSING if event is None else Record(EVENT, event),
        "alert": MISSING if alert is None else Record(ALERT, alert),
    }
