"""What a tenant of Teams is made of, as plain records."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["personal", "groupChat", "channel"]
ADAPTIVE = "application/vnd.microsoft.card.adaptive"


class TeamsRefusal(Exception):
    """The answer is ``{"error": {"code", "message"}}`` with an HTTP status. ``fault`` says it is the bot's own."""

    def __init__(self, status: int, code: str, message: str, *, fault: bool = False) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message, self.fault = status, code, message, fault


class ChangeKind(StrEnum):
    ACTIVITY_POSTED = "activity_posted"
    ACTIVITY_CHANGED = "activity_changed"
    ACTIVITY_DELETED = "activity_deleted"
    TYPING = "typing"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that the people of a conversation would see happen; ``payload`` is the activity."""

    kind: ChangeKind
    conversation: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that the real Teams would refuse or never show, with why."""

    where: str
    code: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the Connector and its HTTP status."""

    operation: str
    conversation: str
    body: Json
    at: float
    status: int


@dataclass(slots=True)
class TeamsPerson:
    """``id`` is the 29: id, ``aad`` the Entra object id; ``installed`` says if the bot may write to the person."""

    id: str
    aad: str
    name: str
    tenant: str
    email: str = ""
    locale: str = "en-US"
    time_zone: str = "UTC"
    country: str = "US"
    installed: bool = True
    role: str = "user"

    def payload(self) -> Json:
        """As a member of a roster."""
        return {
            "id": self.id,
            "name": self.name,
            "objectId": self.aad,
            "aadObjectId": self.aad,
            "email": self.email,
            "userPrincipalName": self.email,
            "tenantId": self.tenant,
            "userRole": self.role,
        }


@dataclass(slots=True)
class Posted:
    """An activity in a conversation. ``root`` is the message of a channel that it answers, its own id for the first;
    ``heard`` says that the bot was told of it."""

    id: str
    conversation: str
    sender: str
    activity: Json
    root: str = ""
    edits: int = 0
    heard: bool = False

    def payload(self) -> Json:
        return self.activity | {"id": self.id, "root": self.root, "edits": self.edits}


@dataclass(slots=True)
class TeamsConversation:
    """A chat or a channel. ``team`` is the id of a channel's team. ``blocked``: nobody may write any more."""

    id: str
    tenant: str
    kind: Kind
    name: str = ""
    team: str = ""
    team_name: str = ""
    members: list[str] = field(default_factory=list)
    bot_present: bool = True
    blocked: bool = False
    activities: OrderedDict[str, Posted] = field(default_factory=OrderedDict)
    trimmed_before: str = ""
