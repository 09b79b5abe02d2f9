"""What a Slack workspace is made of, as plain records, each with the JSON that Slack shows of it."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Kind = Literal["channel", "group", "im", "mpim"]


class SlackRefusal(Exception):
    """The answer is ``{"ok": false, "error": code}``, with what the ``messages`` explain."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code, *messages)
        self.code, self.messages = code, messages


class ChangeKind(StrEnum):
    MESSAGE_POSTED = "message_posted"
    MESSAGE_CHANGED = "message_changed"
    MESSAGE_DELETED = "message_deleted"
    EPHEMERAL_POSTED = "ephemeral_posted"
    EPHEMERAL_CHANGED = "ephemeral_changed"
    EPHEMERAL_DELETED = "ephemeral_deleted"
    VIEW_OPENED = "view_opened"
    VIEW_UPDATED = "view_updated"
    VIEW_CLOSED = "view_closed"
    VIEW_ERRORS = "view_errors"
    HOME_PUBLISHED = "home_published"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a person would see happen. ``user`` is the only one who sees it, None for the whole channel."""

    kind: ChangeKind
    payload: Json
    channel: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that the real Slack would refuse or never show, with why."""

    where: str
    code: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the Web API and its outcome: ``error`` is empty when it was fulfilled."""

    method: str
    arguments: Json
    at: float
    error: str = ""


@dataclass(slots=True)
class SlackPerson:
    id: str
    name: str
    real_name: str
    email: str | None = None
    locale: str = "en-US"
    tz: str = "UTC"
    is_bot: bool = False
    deleted: bool = False
    image: str = ""

    def payload(self, team: str, now: float, *, with_locale: bool = False) -> Json:
        zone = datetime.fromtimestamp(now, ZoneInfo(self.tz))
        offset = zone.utcoffset()
        profile: Json = {
            "real_name": self.real_name,
            "display_name": self.name,
            "real_name_normalized": self.real_name,
            "display_name_normalized": self.name,
            "team": team,
        }
        if self.email:
            profile["email"] = self.email
        if self.image:
            profile |= {"image_72": self.image, "image_192": self.image}
        user: Json = {
            "id": self.id,
            "team_id": team,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": zone.tzname() or self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
        }
        if with_locale:
            user["locale"] = self.locale
        return user


@dataclass(slots=True)
class SlackGroup:
    """A user group, mentioned as ``<!subteam^ID>``."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)

    def payload(self, team: str, *, with_users: bool, with_count: bool) -> Json:
        group: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_delete": 0,
        }
        if with_users:
            group["users"] = list(self.users)
        if with_count:
            group["user_count"] = str(len(self.users))
        return group


@dataclass(slots=True)
class Message:
    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: Json | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    edited_ts: str | None = None
    edits: int = 0
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    username: str = ""
    icons: Json = field(default_factory=dict)

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    def payload(self, team: str, *, with_metadata: bool = True) -> Json:
        message: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": team}
        if self.subtype:
            message["subtype"] = self.subtype
        if self.bot_id:
            message |= {"bot_id": self.bot_id, "app_id": self.app_id}
        if self.username:
            message |= {"username": self.username, "icons": copy.deepcopy(self.icons)}
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        if self.blocks:
            message["blocks"] = copy.deepcopy(self.blocks)
        if self.files:
            message["files"] = copy.deepcopy(self.files)
        if self.attachments:
            message["attachments"] = copy.deepcopy(self.attachments)
        if self.edited_ts:
            message["edited"] = {"user": self.user, "ts": self.edited_ts}
        if self.reactions:
            message["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.metadata and with_metadata:
            message["metadata"] = copy.deepcopy(self.metadata)
        return message


@dataclass(frozen=True, slots=True)
class Shared:
    """Links of one message, or of a draft when there is no message yet."""

    source: str
    message: Message | None
    urls: tuple[str, ...]


@dataclass(slots=True)
class Ephemeral:
    """Shown to one person until the client is reloaded; no API reads it or edits it, only its response_url does."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None

    def payload(self, bot_user: str) -> Json:
        message: Json = {
            "type": "message",
            "is_ephemeral": True,
            "user": bot_user,
            "ts": self.ts,
            "text": self.text,
            "blocks": copy.deepcopy(self.blocks),
        }
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        return message


@dataclass(slots=True)
class Conversation:
    """A channel, a private group or a direct message. ``peers`` are the people of an im or mpim without the bot."""

    id: str
    name: str
    kind: Kind
    created: int
    members: set[str] = field(default_factory=set)
    peers: tuple[str, ...] = ()
    archived: bool = False
    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    trimmed_before: str = ""

    def payload(self, team: str) -> Json:
        if self.kind == "im":
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_org_shared": False,
                "user": self.peers[0],
                "is_archived": self.archived,
                "is_open": True,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": False,
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_archived": self.archived,
            "is_general": self.name == "general",
            "created": self.created,
            "context_team_id": team,
            "num_members": len(self.members),
        }


@dataclass(slots=True)
class OpenView:
    """A modal on somebody's screen, or somebody's Home tab; ``content`` is what the app sent, completed."""

    id: str
    user: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None

    @property
    def type(self) -> str:
        return str(self.content["type"])

    def payload(self, team: str, app_id: str, bot_id: str, state: Json | None = None) -> Json:
        return copy.deepcopy(self.content) | {
            "id": self.id,
            "team_id": team,
            "hash": self.hash,
            "state": {"values": copy.deepcopy(state or {})},
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "app_id": app_id,
            "app_installed_team_id": team,
            "bot_id": bot_id,
        }


@dataclass(slots=True)
class Trigger:
    id: str
    user: str
    expires: float
    view: str | None = None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """``message`` is the ts of the message whose button was pressed, None after a command."""

    token: str
    channel: str
    user: str
    expires: float
    left: int
    message: str | None = None
    thread_ts: str | None = None
