"""What Slack sends to an app, in Slack's own shapes: signatures, commands, clicks, submissions and events. Pure.

Shapes: https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api. Signature:
https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from bot.demo.slack_records import Conversation, Ephemeral, Json, Message, SlackPerson
from bot.demo.slack_state import SlackApp

# Slack's deprecated verification token: still in every payload, and to be trusted by nobody.
_TOKEN = "verification-token"  # noqa: S105
_CHANNEL_TYPES = {"channel": "channel", "group": "group", "im": "im", "mpim": "mpim"}
_PICKED = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_ONE_OPTION = frozenset({"static_select", "external_select", "overflow", "radio_buttons"})
_MANY_OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
_TYPED = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"})


# signing and bodies


def signed_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Headers that prove the sender. ``timestamp`` is in seconds since 1970."""
    base = b"v0:" + str(timestamp).encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": signature}


def form(fields: Mapping[str, str]) -> bytes:
    """Body of a slash command."""
    return urlencode(fields).encode()


def interaction(payload: Json) -> bytes:
    """Body of a click, submission, shortcut or options request."""
    return urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()


# elements


def element_state(element: Json, value: object) -> Json:
    """What an element holds after a person typed or picked ``value``: text, option value(s), ids or a date.

    Raises ValueError for an option that the element does not offer.
    """
    kind = str(element["type"])
    if kind in _TYPED:
        return {"type": kind, "value": value}
    if kind in _PICKED:
        return {"type": kind, _PICKED[kind]: value}
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None if value is None else _option(element, value)}
    if kind in _MANY_OPTIONS:
        chosen = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        return {"type": kind, "selected_options": [_option(element, item) for item in chosen]}
    raise ValueError(f"{kind} holds no value")


def initial_state(element: Json) -> Json:
    """What an element holds before anybody touched it."""
    kind = str(element["type"])
    if kind in _TYPED:
        return {"type": kind, "value": element.get("initial_value")}
    if kind in _PICKED:
        return {"type": kind, _PICKED[kind]: element.get("initial_" + _PICKED[kind].removeprefix("selected_"))}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options") or []}
    return {"type": kind, "selected_option": element.get("initial_option")}


def _option(element: Json, value: object) -> Json:
    groups = element.get("option_groups") or ()
    offered = [*(element.get("options") or ()), *(option for group in groups for option in group["options"])]
    for option in offered:
        if option.get("value") == value:
            return dict(option)
    if str(element["type"]).endswith("external_select") and isinstance(value, str):
        return {"text": {"type": "plain_text", "text": value, "emoji": True}, "value": value}
    raise ValueError(f"{element.get('action_id')} offers no option {value!r}")


def holds_value(element: Json) -> bool:
    """Whether the element stands in ``state.values``; buttons and overflow menus do not."""
    return str(element["type"]) in _TYPED | set(_PICKED) | _MANY_OPTIONS | (_ONE_OPTION - {"overflow"})


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of a block, in order."""
    kind = block.get("type")
    found = [block.get("element")] if kind == "input" else [block.get("accessory")] if kind == "section" else []
    found += block.get("elements", []) if kind == "actions" else []
    return [element for element in found if isinstance(element, dict) and "action_id" in element]


def action_of(element: Json, block_id: str, value: object, action_ts: str) -> Json:
    """The entry in ``actions`` for a click on ``element``; ``value`` is what was picked, nothing for a button."""
    action: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}
    if element["type"] == "button":
        action |= {key: element[key] for key in ("text", "value", "style") if key in element}
    else:
        action |= element_state(element, value)
        if "placeholder" in element:
            action["placeholder"] = element["placeholder"]
    return action | {"action_ts": action_ts}


def view_state(blocks: Sequence[Json], answers: Mapping[str, Mapping[str, object]]) -> Json:
    """``state.values`` of a view or message: ``answers[block_id][action_id]``, or what stood there from the start."""
    values: Json = {}
    for block in blocks:
        given = answers.get(block["block_id"], {})
        held = {
            element["action_id"]: element_state(element, given[element["action_id"]])
            if element["action_id"] in given
            else initial_state(element)
            for element in elements_of(block)
            if holds_value(element)
        }
        if held:
            values[block["block_id"]] = held
    return values


# payloads


def slash_command_payload(
    app: SlackApp, person: SlackPerson, channel: Conversation, command: str, text: str, trigger_id: str, answer_to: str
) -> dict[str, str]:
    """Form fields of a slash command; ``answer_to`` is the response_url."""
    return {
        "token": _TOKEN,
        "team_id": app.team,
        "team_domain": app.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": app.app_id,
        "is_enterprise_install": str(app.is_org_install).lower(),
        "response_url": answer_to,
        "trigger_id": trigger_id,
        **({"enterprise_id": app.enterprise, "enterprise_name": f"{app.enterprise} org"} if app.enterprise else {}),
    }


def block_actions_payload(
    app: SlackApp,
    person: SlackPerson,
    action: Json,
    *,
    trigger_id: str,
    message: Message | Ephemeral | None = None,
    channel: Conversation | None = None,
    view: Json | None = None,
    state: Json | None = None,
    answer_to: str = "",
) -> Json:
    """A click on an element of a message (then with its ``channel``) or of a ``view`` (its payload)."""
    payload = _interaction("block_actions", app, person) | {"trigger_id": trigger_id, "actions": [action]}
    if message is not None and channel is not None:
        hidden = isinstance(message, Ephemeral)
        shown = message.payload(app.bot_user) if isinstance(message, Ephemeral) else message.payload(app.team)
        container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": hidden}
        if isinstance(message, Message) and not message.blocks:
            container |= {"type": "message_attachment", "attachment_id": 1, "is_app_unfurl": True}
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload |= {
            "container": container,
            "channel": {"id": channel.id, "name": _channel_name(channel)},
            "message": shown,
            "state": {"values": state or {}},
            "response_url": answer_to,
        }
    elif view is not None:
        payload |= {"container": {"type": "view", "view_id": view["id"]}, "view": view}
    return payload


def view_submission_payload(app: SlackApp, person: SlackPerson, view: Json, trigger_id: str) -> Json:
    """``view`` is the view's payload with what was entered in ``state.values``."""
    extra = {"trigger_id": trigger_id, "view": view, "response_urls": []}
    return _interaction("view_submission", app, person) | extra


def view_closed_payload(app: SlackApp, person: SlackPerson, view: Json, *, is_cleared: bool = False) -> Json:
    return _interaction("view_closed", app, person) | {"view": view, "is_cleared": is_cleared}


def options_payload(app: SlackApp, person: SlackPerson, element: Json, block_id: str, typed: str, view: Json) -> Json:
    """What an external select asks for while a person types."""
    return _interaction("block_suggestion", app, person) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": typed,
    }


def shortcut_payload(app: SlackApp, person: SlackPerson, callback_id: str, trigger_id: str, ts: str) -> Json:
    """A global shortcut, which has no channel and no response_url."""
    extra = {"callback_id": callback_id, "trigger_id": trigger_id, "action_ts": ts}
    return _shortcut("shortcut", app, person) | extra


def message_action_payload(
    app: SlackApp,
    person: SlackPerson,
    callback_id: str,
    message: Message,
    channel: Conversation,
    *,
    trigger_id: str,
    answer_to: str,
    ts: str,
) -> Json:
    """A shortcut in the menu of a message."""
    return _shortcut("message_action", app, person) | {
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "action_ts": ts,
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": message.payload(app.team),
        "response_url": answer_to,
    }


def event_payload(app: SlackApp, event: Json, event_id: str, event_time: int) -> Json:
    """The envelope of the Events API around one event."""
    authorization = {
        "enterprise_id": app.enterprise or None,
        "team_id": None if app.is_org_install else app.team,
        "user_id": app.bot_user,
        "is_bot": True,
        "is_enterprise_install": app.is_org_install,
    }
    return {
        "token": _TOKEN,
        "team_id": app.team,
        **({"enterprise_id": app.enterprise} if app.enterprise else {}),
        "api_app_id": app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def message_event(app: SlackApp, message: Message, channel: Conversation, client_msg_id: str) -> Json:
    """``message`` was posted by a person."""
    shown = message.payload(app.team, with_metadata=False)
    place = {"channel": channel.id, "channel_type": _CHANNEL_TYPES[channel.kind], "event_ts": message.ts}
    return shown | {"client_msg_id": client_msg_id} | place


def message_changed_event(app: SlackApp, before: Json, message: Message, channel: Conversation, ts: str) -> Json:
    """``message`` was edited by its writer; ``before`` is what it was."""
    shown = message.payload(app.team, with_metadata=False)
    changed = {"type": "message", "subtype": "message_changed", "hidden": True, "message": shown}
    place = {"channel": channel.id, "channel_type": _CHANNEL_TYPES[channel.kind], "ts": ts, "event_ts": ts}
    return changed | {"previous_message": before} | place


def message_deleted_event(before: Json, channel: Conversation, ts: str) -> Json:
    """A message was deleted; ``before`` is what it was."""
    gone = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": before["ts"]}
    place = {"channel": channel.id, "channel_type": _CHANNEL_TYPES[channel.kind], "ts": ts, "event_ts": ts}
    return gone | {"previous_message": before} | place


def app_mention_event(app: SlackApp, message: Message, client_msg_id: str) -> Json:
    shown = message.payload(app.team, with_metadata=False) | {"type": "app_mention"}
    return shown | {"client_msg_id": client_msg_id, "channel": message.channel, "event_ts": message.ts}


def reaction_event(message: Message, user: str, name: str, ts: str) -> Json:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    return {
        "type": "reaction_added",
        "user": user,
        "reaction": name,
        "item": item,
        "item_user": message.user,
        "event_ts": ts,
    }


def home_opened_event(user: str, channel: str, ts: str, view: Json | None) -> Json:
    event: Json = {"type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": ts}
    return event | ({"view": view} if view else {})


def url_verification_payload(challenge: str) -> Json:
    return {"token": _TOKEN, "challenge": challenge, "type": "url_verification"}


def _interaction(kind: str, app: SlackApp, person: SlackPerson) -> Json:
    return {
        "type": kind,
        "team": {"id": app.team, "domain": app.domain},
        "enterprise": {"id": app.enterprise, "name": f"{app.enterprise} org"} if app.enterprise else None,
        "is_enterprise_install": app.is_org_install,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": app.team},
        "api_app_id": app.app_id,
        "token": _TOKEN,
    }


def _shortcut(kind: str, app: SlackApp, person: SlackPerson) -> Json:
    """Shortcuts do not name the app that they belong to, and each kind has one of the person's two names."""
    payload = _interaction(kind, app, person)
    del payload["api_app_id"], payload["user"]["username" if kind == "message_action" else "name"]
    return payload


def _channel_name(channel: Conversation) -> str:
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)
