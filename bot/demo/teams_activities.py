"""What Teams sends to a bot, in its own shapes: messages, card submits, invokes, and news of members. Pure.

Shapes: https://learn.microsoft.com/microsoftteams/platform/bots and the Bot Framework activity schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from bot.demo.teams_records import Json, TeamsConversation, TeamsPerson

_FILE = "application/vnd.microsoft.teams.file.download.info"


@dataclass(frozen=True, slots=True)
class Situation:
    """Who does something, where and when. ``at`` is in seconds since 1970; ``root`` is the thread of a channel."""

    person: TeamsPerson
    conversation: TeamsConversation
    bot_id: str
    bot_name: str
    service_url: str
    id: str
    at: float
    root: str = ""


def activity(situation: Situation, type_: str, **fields: object) -> Json:
    """What every activity says, and ``fields``."""
    person, at = situation.person, datetime.fromtimestamp(situation.at, UTC)
    local = at.astimezone(ZoneInfo(person.time_zone))
    client = {
        "type": "clientInfo",
        "locale": person.locale,
        "country": person.country,
        "platform": "Web",
        "timezone": person.time_zone,
    }
    return {
        "type": type_,
        "id": situation.id,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "localTimestamp": local.isoformat(timespec="milliseconds"),
        "localTimezone": person.time_zone,
        "serviceUrl": situation.service_url,
        "channelId": "msteams",
        "from": {"id": person.id, "name": person.name, "aadObjectId": person.aad},
        "recipient": {"id": situation.bot_id, "name": situation.bot_name},
        "conversation": _conversation(situation),
        "locale": person.locale,
        "entities": [client],
        "channelData": _channel_data(situation.conversation),
        **fields,
    }


def activity_message(
    situation: Situation, text: str, *, mention: bool = False, files: Mapping[str, str] = MappingProxyType({})
) -> Json:
    """A message, with the bot mentioned in front of it if asked for, and ``files`` by name, with their addresses."""
    name = f"<at>{escape(situation.bot_name, quote=False)}</at>"
    body = f"{name} {text}" if mention else text
    html = {"contentType": "text/html", "content": f"<p>{escape(text, quote=False)}</p>"}
    sent = [{"contentType": _FILE, "name": name, "contentUrl": address} for name, address in files.items()]
    made = activity(situation, "message", textFormat="plain", text=body, attachments=[html, *sent])
    if mention:
        bot = {"id": situation.bot_id, "name": situation.bot_name}
        made["entities"].insert(0, {"type": "mention", "mentioned": bot, "text": name})
    return made


def activity_edited(situation: Situation, text: str) -> Json:
    """A message, which has the id of ``situation``, was changed by its writer."""
    made = activity_message(situation, text) | {"type": "messageUpdate"}
    made["channelData"]["eventType"] = "editMessage"
    return made


def activity_deleted(situation: Situation) -> Json:
    """A message, which has the id of ``situation``, was deleted."""
    made = activity(situation, "messageDelete")
    made["channelData"]["eventType"] = "softDeleteMessage"
    return made


def activity_submit(situation: Situation, value: Json, reply_to_id: str) -> Json:
    """An Action.Submit of the card in the activity ``reply_to_id``; ``value`` is its data and the inputs."""
    made = activity(situation, "message", replyToId=reply_to_id, value=value)
    made["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": "1:legacy"}}
    return made


def activity_invoke(situation: Situation, name: str, value: Json, reply_to_id: str | None = None) -> Json:
    """An invoke, which is answered in the HTTP response: ``task/fetch``, ``adaptiveCard/action`` and their kin."""
    made = activity(situation, "invoke", name=name, value=value)
    return made | ({"replyToId": reply_to_id} if reply_to_id else {})


def activity_members(
    situation: Situation, *, added: tuple[str, ...] = (), removed: tuple[str, ...] = (), event: str = ""
) -> Json:
    """A conversationUpdate about members (29: or 28: ids); ``event`` is Teams' word for it in a team."""
    made = activity(situation, "conversationUpdate")
    if added:
        made["membersAdded"] = [{"id": id} for id in added]
    if removed:
        made["membersRemoved"] = [{"id": id} for id in removed]
    if event:
        made["channelData"]["eventType"] = event
    return made


def activity_installation(situation: Situation, action: Literal["add", "remove"]) -> Json:
    """The app was installed or taken away."""
    return activity(situation, "installationUpdate", action=action)


def activity_reaction(situation: Situation, reaction: str, reply_to_id: str) -> Json:
    return activity(situation, "messageReaction", reactionsAdded=[{"type": reaction}], replyToId=reply_to_id)


# values of invokes


def task_fetch_value(data: Json) -> Json:
    """Of task/fetch; ``data`` is that of the card's action."""
    return {"data": {"data": None, "type": "task/fetch"} | data, "context": {"theme": "default"}, "tabContext": None}


def task_submit_value(data: Json) -> Json:
    """Of task/submit; ``data`` is that of the dialog's button with its inputs."""
    return {"data": data, "context": {"theme": "default"}}


def execute_value(action: Json, data: Json, *, automatic: bool = False) -> Json:
    """Of adaptiveCard/action, for an Action.Execute of a card."""
    said = {"type": "Action.Execute", "id": action.get("id", ""), "verb": action.get("verb", ""), "data": data}
    if not automatic and "title" in action:
        said["title"] = action["title"]
    return {"action": said, "trigger": "automatic" if automatic else "manual"}


def command_value(command: str, context: str, *, data: Json | None = None, message: Json | None = None) -> Json:
    """Of composeExtension/fetchTask and submitAction; ``message`` is the one whose menu was used."""
    value: Json = {"commandId": command, "commandContext": context, "context": {"theme": "default"}}
    if data is not None:
        value["data"] = data
    return value | ({"messagePayload": message} if message else {})


def message_payload(person: TeamsPerson, message_id: str, text: str, at: float) -> Json:
    """The message of ``person`` that a message extension is asked to work on."""
    user = {"userIdentityType": "aadUser", "id": person.aad, "displayName": person.name}
    return {
        "id": message_id,
        "replyToId": None,
        "createdDateTime": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "lastModifiedDateTime": None,
        "deleted": False,
        "summary": None,
        "importance": "normal",
        "locale": person.locale.lower(),
        "body": {"contentType": "html", "content": f"<p>{escape(text, quote=False)}</p>"},
        "from": {"device": None, "conversation": None, "user": user, "application": None},
        "reactions": [],
        "mentions": [],
        "attachments": [],
    }


def query_value(command: str, parameter: str, typed: str | None) -> Json:
    """Of composeExtension/query; ``typed`` None is the first run, before anything was typed."""
    given = {"name": parameter, "value": typed} if typed is not None else {"name": "initialRun", "value": "true"}
    return {"commandId": command, "parameters": [given], "queryOptions": {"skip": 0, "count": 25}}


def _conversation(situation: Situation) -> Json:
    place = situation.conversation
    said: Json = {"conversationType": place.kind, "tenantId": place.tenant, "id": place.id}
    if place.kind != "personal":
        said["isGroup"] = True
    if place.kind == "channel":
        said["name"] = place.name
        said["id"] += f";messageid={situation.root}" if situation.root else ""
    return said


def _channel_data(place: TeamsConversation) -> Json:
    said: Json = {"tenant": {"id": place.tenant}}
    if place.kind == "channel":
        team = {"id": place.team, "name": place.team_name}
        said |= {"teamsChannelId": place.id, "teamsTeamId": place.team, "channel": {"id": place.id}, "team": team}
    return said
