"""Events as news: which words of the catalogue tell an event, and what they need to know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from itertools import combinations
from string import Formatter
from typing import Any

from core.desk.policy import DeskPolicy
from core.desk.show import link_of
from core.i18n import catalogue
from core.model import DESKBELL, Event, PersonRef, Priority, Severity, Status, Ticket
from core.views import Notice

_ENUMS: dict[str, type[Enum]] = {"priority": Priority, "severity": Severity, "status": Status}
_BODIES = ("text", "resolution", "comment")


def notice(event: Event, ticket: Ticket, policy: DeskPolicy, rule: str | None = None, urgent: bool = False) -> Notice:
    """One event as news. ``rule`` names the notification rule whose own headline is used where there is one."""
    facts = _facts(event, ticket)
    body = next((str(facts.pop(name)) for name in _BODIES if name in facts), None)
    return Notice(
        key=_key(event, rule, facts),
        ticket_id=ticket.id,
        title=ticket.title,
        facts=facts,
        body=body,
        urgent=urgent,
        link=link_of(ticket.id, policy),
        priority=ticket.priority,
        version=ticket.version,
    )


def _facts(event: Event, ticket: Ticket) -> dict[str, Any]:
    """The event's data, with people, words of ours and times as values that a renderer knows, and the ticket's own."""
    facts: dict[str, Any] = {"actor": event.actor, "priority": ticket.priority, "source": ticket.source}
    if ticket.customer is not None:
        facts["customer"] = ticket.customer.name
    if ticket.affected_users is not None:
        facts["affected_users"] = ticket.affected_users
    if ticket.systems:
        facts["systems"] = list(ticket.systems)
    for name, value in event.data.items():
        facts[name] = _value(event.kind, name, value)
    return facts


def _value(kind: str, name: str, value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"id", "name"}:
        return PersonRef(**value)
    if name in _ENUMS and isinstance(value, str):
        return _ENUMS[name](value)
    if name == "before" and kind == "ticket.prioritized":
        return Priority(value)
    if name == "before" and kind == "alert.severity_changed":
        return Severity(value)
    if name == "due" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def _key(event: Event, rule: str | None, facts: dict[str, Any]) -> str:
    """The most exact text that the catalogue has for what is known. A rule's headline may want more than that."""
    known = catalogue("en")
    headline = f"notice.{rule}"
    bases = [headline] if headline in known and _wanted(known[headline]) <= facts.keys() else []
    if event.kind == "ticket.expert_called" and "expert" not in facts and not bases:
        bases.append("notice.ticket.expert_wanted")
    bases.append(f"notice.{event.kind}")
    suffixes = list(_suffixes(event, facts))
    for base in bases:
        for suffix in suffixes:
            if base + suffix in known:
                return base + suffix
    return f"notice.{event.kind}"


def _of_note(event: Event) -> list[str]:
    """Where it was written, and what became of it since."""
    if event.data.get("deleted"):
        return ["_deleted"]
    platform = event.data.get("place", {}).get("platform")
    return ([f"_{platform}"] if platform else []) + (["_edited"] if event.data.get("edited") else [])


@cache
def _wanted(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def _suffixes(event: Event, facts: dict[str, Any]) -> Iterator[str]:
    """The variants to look for, the most exact first."""
    words: list[str] = []
    if event.kind == "ticket.noted":
        words += _of_note(event)
    if event.actor.id == DESKBELL.id:
        words.append("_alert" if event.kind == "ticket.created" and event.origin.startswith("webhook:") else "_auto")
    assignee = facts.get("assignee")
    if isinstance(assignee, PersonRef) and assignee.id == event.actor.id:
        words.append("_self")
    if facts.get("promise") == "first_response":
        words.append("_first_response")
    if event.kind == "ticket.split" and "into_id" not in facts:
        words.append("_only")
    words += [suffix for suffix, name in (("_host", "host"), ("_why", "reason"), ("_skill", "skill")) if name in facts]
    if "systems" in facts:
        words.append("_systems")
    for size in range(len(words), 0, -1):
        yield from ("".join(chosen) for chosen in combinations(words, size))
    yield ""
