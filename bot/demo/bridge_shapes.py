"""What the page is shown of the stand-ins, in the shapes that demo.js describes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.demo import world
from bot.demo.slack_records import Change as SlackChange
from bot.demo.slack_records import ChangeKind as SlackKind
from bot.demo.slack_records import Conversation, Json
from bot.demo.slack_state import Workspace
from bot.demo.teams_records import ADAPTIVE, TeamsConversation
from bot.demo.teams_records import Change as TeamsChange
from bot.demo.teams_records import ChangeKind as TeamsKind
from bot.demo.teams_state import TeamsWorld

BOT = "bot"
BOT_NAME = world.APP.bot_name
_SHOWN = 120  # messages of a channel, the newest, with the roots of their threads
_TEAMS_IDS = frozenset(person.id for person in world.TEAMS_PEOPLE)
_SLACK_MESSAGES = (
    SlackKind.MESSAGE_POSTED, SlackKind.MESSAGE_CHANGED, SlackKind.MESSAGE_DELETED,
    SlackKind.EPHEMERAL_POSTED, SlackKind.EPHEMERAL_CHANGED, SlackKind.EPHEMERAL_DELETED,
)  # fmt: skip


def slack_message(payload: Mapping[str, Any], channel: str, *, only: str | None = None, deleted: bool = False) -> Json:
    """``only`` is the one person who sees it."""
    tombstone = payload.get("subtype") == "tombstone"
    return {
        "channel": channel,
        "ts": payload["ts"],
        "thread_ts": payload.get("thread_ts"),
        "user": BOT if payload.get("user") == world.APP.bot_user else payload.get("user"),
        "text": payload.get("text", ""),
        "username": payload.get("username"),
        "blocks": payload.get("blocks", []),
        "edited": "edited" in payload,
        "ephemeral_to": only,
        "deleted": deleted and not tombstone,
    }


def slack_change(change: SlackChange) -> Json | None:
    """A change of a message; None for one that is not about a message."""
    if change.kind not in _SLACK_MESSAGES or change.channel is None:
        return None
    gone = change.kind in (SlackKind.MESSAGE_DELETED, SlackKind.EPHEMERAL_DELETED)
    return slack_message(change.payload, change.channel, only=change.user, deleted=gone)


def slack_view(user: str, view: Mapping[str, Any] | None, view_id: str, errors: object = None) -> Json:
    told: Json = {"user": user, "view_id": view_id, "view": view}
    return told | ({"errors": errors} if errors else {})


def teams_activity(payload: Mapping[str, Any], conversation: str, *, deleted: bool = False) -> Json:
    sender = (payload.get("from") or {}).get("id")
    cards = [part["content"] for part in payload.get("attachments") or () if part.get("contentType") == ADAPTIVE]
    root = payload.get("root") or None
    return {
        "id": payload["id"],
        "conversation": conversation,
        "from": sender if sender in _TEAMS_IDS else BOT,
        "text": payload.get("text") or "",
        "card": cards[0] if cards else None,
        "summary": payload.get("summary") or "",
        "reply_to": root if root != payload["id"] else None,
        "edited": bool(payload.get("edits")),
        "timestamp": datetime.fromtimestamp(int(payload["id"]) / 1000, UTC).isoformat(),
        "deleted": deleted,
    }


def teams_change(change: TeamsChange) -> Json | None:
    """A change of an activity; None while somebody types."""
    if change.kind is TeamsKind.TYPING:
        return None
    gone = change.kind is TeamsKind.ACTIVITY_DELETED
    return teams_activity(change.payload, change.conversation, deleted=gone)


def slack_state(workspace: Workspace, language: str) -> Json:
    """People (whoever reads the page's language first), places, and their newest messages."""
    places = [channel for channel in workspace.channels.values() if channel.kind in ("channel", "im")]
    first = world.SLACK_USER_OF[language]
    return {
        "users": _named(world.SLACK_PEOPLE, first),
        "bot": {"id": world.APP.bot_user, "name": BOT_NAME},
        "channels": [_slack_place(channel) for channel in places],
        "messages": {channel.id: _slack_messages(workspace, channel) for channel in places},
    }


def _named(people: Iterable[Any], first: str) -> list[Json]:
    ordered = sorted(people, key=lambda person: person.id != first)
    return [{"id": person.id, "name": person.name} for person in ordered]


def _slack_place(channel: Conversation) -> Json:
    if channel.kind == "im":
        return {"id": channel.id, "name": BOT_NAME, "kind": "im", "user": channel.peers[0]}
    return {"id": channel.id, "name": channel.name, "kind": "channel"}


def _slack_messages(workspace: Workspace, channel: Conversation) -> list[Json]:
    newest = list(channel.messages.values())[-_SHOWN:]
    known = {message.ts for message in newest}
    roots = {message.thread_ts for message in newest if message.thread_ts} - known
    older = [channel.messages[ts] for ts in sorted(filter(None, roots)) if ts in channel.messages]
    shown = [slack_message(message.payload(world.APP.team), channel.id) for message in (*older, *newest)]
    whispers = [each for each in workspace.ephemerals.values() if each.channel == channel.id][-_SHOWN:]
    return shown + [slack_message(each.payload(world.APP.bot_user), channel.id, only=each.user) for each in whispers]


def teams_state(tenant: TeamsWorld, language: str) -> Json:
    places = [place for place in tenant.conversations.values() if place.kind != "groupChat"]
    return {
        "users": _named(world.TEAMS_PEOPLE, world.TEAMS_USER_OF[language]),
        "conversations": [_teams_place(place) for place in places],
        "activities": {place.id: _teams_activities(place) for place in places},
    }


def _teams_place(place: TeamsConversation) -> Json:
    if place.kind == "personal":
        return {"id": place.id, "name": BOT_NAME, "kind": "personal", "user": place.members[0]}
    return {"id": place.id, "name": place.name, "kind": "channel"}


def _teams_activities(place: TeamsConversation) -> list[Json]:
    newest = list(place.activities.values())[-_SHOWN:]
    roots = {posted.root for posted in newest} - {posted.id for posted in newest}
    older = [place.activities[root] for root in sorted(roots) if root in place.activities]
    return [teams_activity(posted.payload(), place.id) for posted in (*older, *newest)]
