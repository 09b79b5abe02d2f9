"""Everything anyone can ask of a ticket. Imperative; what comes of it are past-tense events.

``verb`` is the word of the lifecycle table and of the HTTP API. Values are checked here, once, whatever the door.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from core.model import Category, Customer, PersonRef, Priority

TITLE_LIMIT = 250
TEXT_LIMIT = 20_000


class Open(msgspec.Struct, frozen=True):
    """A new ticket. ``origin`` tells where it was asked for (platform, channel, permalink), as plain strings."""

    title: str
    description: str = ""
    category: Category = Category.INCIDENT
    priority: Priority | None = None
    customer: Customer | None = None
    business_impact: str | None = None
    affected_users: int | None = None
    systems: tuple[str, ...] = ()
    requester: PersonRef | None = None
    assignee: PersonRef | None = None
    team: str | None = None
    requires_code_fix: bool = False
    affected_repository: str | None = None
    customer_satisfaction_required: bool = False
    external_references: dict[str, str] = {}
    origin: dict[str, str] = {}


class Command(msgspec.Struct, frozen=True):
    verb: ClassVar[str]


class Assign(Command, frozen=True):
    verb = "assign"
    assignee: PersonRef
    only_if_unassigned: bool = False


class Start(Command, frozen=True):
    verb = "start"


class Wait(Command, frozen=True):
    verb = "wait"
    reason: str = ""


class Escalate(Command, frozen=True):
    verb = "escalate"
    reason: str = ""


class Prioritize(Command, frozen=True):
    verb = "prioritize"
    priority: Priority


class Note(Command, frozen=True):
    """``source_id`` names the message it came from; ``place`` says where that stands, so that it is not told there:
    ``platform``, ``channel`` and the ``message`` that heads the thread."""

    verb = "note"
    text: str
    source_id: str | None = None
    place: dict[str, str] = {}


class CallExpert(Command, frozen=True):
    verb = "expert"
    expert: PersonRef | None = None
    skill: str = ""


class Resolve(Command, frozen=True):
    verb = "resolve"
    resolution: str = ""


class Reopen(Command, frozen=True):
    verb = "reopen"
    reason: str = ""


class Close(Command, frozen=True):
    verb = "close"


class Merge(Command, frozen=True):
    verb = "merge"
    into: int


class Split(Command, frozen=True):
    """``alerts`` are fingerprints that get a ticket of their own."""

    verb = "split"
    alerts: tuple[str, ...]


class Rate(Command, frozen=True):
    """``score`` 1 (bad) to 5 (good). ``comment`` None leaves what was said with the same score as it is."""

    verb = "rate"
    score: int
    comment: str | None = None


COMMANDS: dict[str, type[Command]] = {
    command.verb: command
    for command in (
        Assign, Start, Wait, Escalate, Prioritize, Note, CallExpert, Resolve, Reopen, Close, Merge, Split, Rate,
    )
}  # fmt: skip


def fields(command: Command) -> dict[str, Any]:
    """The command's own fields as plain JSON values, for the history."""
    plain: dict[str, Any] = msgspec.to_builtins(command)
    return {name: value for name, value in plain.items() if value not in (None, "", [], ())}
