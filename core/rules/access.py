"""Who may do what. The platform says who somebody is; this says what they may ask of a ticket."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import NotAllowed
from core.model import Person, Ticket

# What everybody may do, and what requesters may do with tickets of their own, agent or not.
_OF_EVERYBODY = frozenset({"note"})
_OF_REQUESTERS = frozenset({"reopen", "rate", "close", "resolve"})


def is_agent(person: Person, agents: Collection[str]) -> bool:
    """Whether ``access.agents`` of the configuration names this person."""
    return (
        "everyone" in agents
        or person.id in agents
        or any(f"role:{role}" in agents for role in person.roles)
        or (person.team is not None and f"team:{person.team}" in agents)
    )


def may(person: Person, verb: str, ticket: Ticket, agents: Collection[str]) -> bool:
    """Whether ``person`` may do ``verb`` to ``ticket``. Anybody rates a ticket that names no requester."""
    if verb in _OF_EVERYBODY or (verb == "rate" and ticket.requester is None):
        return True
    own = ticket.requester is not None and ticket.requester.id == person.id
    return (own and verb in _OF_REQUESTERS) or is_agent(person, agents)


def require(person: Person, verb: str, ticket: Ticket, agents: Collection[str]) -> None:
    """Raises ``NotAllowed`` unless ``may``."""
    if not may(person, verb, ticket, agents):
        raise NotAllowed(verb=verb)
