"""Who may do what. The platform says who somebody is; this says what they may ask of a ticket."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import NotAllowed
from core.model import Person, Ticket

# What the requester may do with a ticket of their own, agent or not.
_OF_REQUESTERS = frozenset({"note", "reopen", "rate", "close", "resolve"})


def is_agent(person: Person, agents: Collection[str]) -> bool:
    """Whether ``access.agents`` of the configuration names this person."""
    return (
        "everyone" in agents
        or person.id in agents
        or any(f"role:{role}" in agents for role in person.roles)
        or (person.team is not None and f"team:{person.team}" in agents)
    )


def may(person: Person, verb: str, ticket: Ticket, agents: Collection[str]) -> bool:
    """Whether ``person`` may do ``verb`` to ``ticket``. Only who asked for it rates a ticket that names a requester."""
    own = ticket.requester is not None and ticket.requester.id == person.id
    if verb == "rate":
        return own or ticket.requester is None or is_agent(person, agents)
    return is_agent(person, agents) or (own and verb in _OF_REQUESTERS)


def require(person: Person, verb: str, ticket: Ticket, agents: Collection[str]) -> None:
    """Raises ``NotAllowed`` unless ``may``."""
    if not may(person, verb, ticket, agents):
        raise NotAllowed(verb=verb)
