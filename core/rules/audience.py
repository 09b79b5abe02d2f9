"""Whom a notification rule means: names of audiences become places and people, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from core.config.settings import PersonSettings, Settings
from core.model import Event, Ticket
from core.rules.oncall import on_call

PLATFORMS = ("slack", "teams")
_ROLES = frozenset({"assignee", "requester", "expert", "caller", "team_lead"})
_OF_PEOPLE = ("person:", "oncall:")
_DEPTH = 8  # Audiences within audiences; a circle of them, which the configuration's check refuses, ends here.


class Destination(msgspec.Struct, frozen=True):
    """A channel or conversation of a platform (``address``), or a person (``person_id``) wherever they can be
    reached."""

    platform: str | None
    address: str | None = None
    person_id: str | None = None

    @property
    def name(self) -> str:
        """As it stands in keys and in the delivery log."""
        return f"person:{self.person_id}" if self.person_id else f"{self.platform}:{self.address}"


def destinations(audiences: Iterable[str], ticket: Ticket, event: Event, settings: Settings) -> list[Destination]:
    """The places and people that ``audiences`` name for this event, in order, none twice.

    Whoever caused the event is left out, unless a channel is meant. ``cards`` means nothing here: it stands for the
    places that already show the ticket.
    """
    found: dict[str, Destination] = {}
    for audience in audiences:
        for destination in _expand(audience, ticket, event, settings, depth=0):
            if destination.person_id is None or destination.person_id != event.actor.id:
                found.setdefault(destination.name, destination)
    return list(found.values())


def names_people(audiences: Iterable[str], settings: Settings, depth: int = 0) -> bool:
    """Whether these audiences can ever mean a person rather than a place."""
    for name in audiences:
        if name in _ROLES or name.startswith(_OF_PEOPLE):
            return True
        members = settings.audiences.get(name, ()) if depth < _DEPTH else ()
        if names_people(members, settings, depth + 1):
            return True
    return False


def _expand(name: str, ticket: Ticket, event: Event, settings: Settings, depth: int) -> Iterable[Destination]:
    platform, colon, rest = name.partition(":")
    if depth > _DEPTH:
        return
    if colon and platform in PLATFORMS:
        yield Destination(platform, address=rest)
    elif colon and platform == "person":
        yield Destination(None, person_id=rest)
    elif colon and platform == "oncall":
        yield from _on_call(rest, event, settings)
    elif colon and platform == "team":
        team = settings.teams.get(rest)
        for channel in team.channels if team else ():
            yield from _expand(channel, ticket, event, settings, depth + 1)
    elif name in settings.audiences:
        if depth < _DEPTH:
            for member in settings.audiences[name]:
                yield from _expand(member, ticket, event, settings, depth + 1)
    else:
        person_id = _person(name, ticket, event, settings)
        if person_id is not None:
            yield Destination(None, person_id=person_id)


def _on_call(name: str, event: Event, settings: Settings) -> Iterable[Destination]:
    """Whoever was on call when it happened, so that planning the same event again finds the same person."""
    schedule = settings.schedules.get(name)
    person_id = on_call(schedule, event.at) if schedule else None
    if person_id is not None:
        yield Destination(None, person_id=person_id)


def _person(role: str, ticket: Ticket, event: Event, settings: Settings) -> str | None:
    """The person who has a role for this ticket now."""
    if role == "assignee":
        return _assignee(ticket, event)
    if role == "requester":
        return ticket.requester.id if ticket.requester else None
    if role in ("expert", "caller"):
        named: Mapping[str, Any] = event.data.get(role) or {}
        return named.get("id")
    if role == "team_lead":
        return team_lead(ticket, settings)
    return None


def _assignee(ticket: Ticket, event: Event) -> str | None:
    """Whoever has the ticket. Of an assignment only the one whom it names: whoever has it since is told of that."""
    assignee = ticket.assignee.id if ticket.assignee else None
    named: Mapping[str, Any] = event.data.get("assignee") or {"id": assignee}
    return assignee if named["id"] == assignee else None


def team_lead(ticket: Ticket, settings: Settings) -> str | None:
    """The lead of the ticket's team, or else of its assignee's team."""
    name = ticket.team
    if (name is None or name not in settings.teams) and ticket.assignee is not None:
        assignee: PersonSettings | None = next((p for p in settings.people if p.id == ticket.assignee.id), None)
        name = assignee.team if assignee else None
    team = settings.teams.get(name) if name else None
    return team.lead if team else None
