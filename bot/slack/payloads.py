"""What Slack sends, as far as the door reads it: one struct for each kind, checked once where it comes in.

Fields that Slack leaves out or sends as null have a default; what is missing beyond that is malformed.
https://docs.slack.dev/interactivity/handling-user-interaction and https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import json
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec


class Malformed(Exception):
    """The payload is not what Slack sends; ``code`` says how, in a word."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class SlashCommand(msgspec.Struct, frozen=True):
    command: str
    user_id: str
    team_id: str = ""
    user_name: str = ""
    channel_id: str = ""
    text: str = ""
    trigger_id: str = ""
    response_url: str = ""


class User(msgspec.Struct, frozen=True):
    id: str
    team_id: str | None = None
    name: str | None = None
    username: str | None = None


class Named(msgspec.Struct, frozen=True):
    """A team or a channel."""

    id: str


class Choice(msgspec.Struct, frozen=True):
    value: str | None = None


class Action(msgspec.Struct, frozen=True):
    """One clicked button, menu entry or choice."""

    action_id: str = ""
    type: str = ""
    value: str | None = None
    selected_option: Choice | None = None
    action_ts: str = ""


class Container(msgspec.Struct, frozen=True):
    """Where the clicked element stands. ``is_ephemeral``: in a message that only the clicker sees; ``is_app_unfurl``:
    in what we show of a link in somebody's message."""

    type: str = ""
    message_ts: str | None = None
    channel_id: str | None = None
    thread_ts: str | None = None
    is_ephemeral: bool = False
    is_app_unfurl: bool = False


class ClickedMessage(msgspec.Struct, frozen=True):
    ts: str | None = None
    thread_ts: str | None = None


class ClickedView(msgspec.Struct, frozen=True):
    """A modal or a Home tab in which something was clicked."""

    id: str
    type: str = ""
    hash: str | None = None


class BlockActions(msgspec.Struct, frozen=True):
    user: User
    actions: list[Action]
    team: Named | None = None
    channel: Named | None = None
    container: Container | None = None
    message: ClickedMessage | None = None
    view: ClickedView | None = None
    trigger_id: str = ""
    response_url: str | None = None


class Input(msgspec.Struct, frozen=True):
    """The state of one input. Which field holds the value depends on the kind of the input."""

    value: str | None = None
    selected_option: Choice | None = None
    selected_options: list[Choice] | None = None
    selected_user: str | None = None
    selected_users: list[str] | None = None
    selected_conversation: str | None = None
    selected_channel: str | None = None
    selected_date: str | None = None


class State(msgspec.Struct, frozen=True):
    """``values``: block id -> action id -> input."""

    values: dict[str, dict[str, Input]] = {}


class View(msgspec.Struct, frozen=True):
    id: str
    callback_id: str = ""
    private_metadata: str | None = ""
    state: State | None = None


class ViewSubmission(msgspec.Struct, frozen=True):
    user: User
    view: View
    team: Named | None = None


class Attachment(msgspec.Struct, frozen=True):
    title: str | None = None
    text: str | None = None
    fallback: str | None = None


class File(msgspec.Struct, frozen=True):
    title: str | None = None
    name: str | None = None
    permalink: str | None = None


class SourceMessage(msgspec.Struct, frozen=True):
    """A message that a ticket is made from."""

    ts: str = ""
    user: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    bot_id: str | None = None
    attachments: list[Attachment] | None = None
    files: list[File] | None = None


class Shortcut(msgspec.Struct, frozen=True):
    """A shortcut of the app (``shortcut``), or of a message (``message_action``), which then comes along."""

    user: User
    callback_id: str
    trigger_id: str = ""
    team: Named | None = None
    channel: Named | None = None
    message: SourceMessage | None = None
    response_url: str | None = None


class Suggestion(msgspec.Struct, frozen=True):
    """What somebody types into an external select."""

    block_id: str = ""
    value: str | None = None


class Authorization(msgspec.Struct, frozen=True):
    user_id: str | None = None
    is_bot: bool | None = None


class Edited(msgspec.Struct, frozen=True):
    """When a message was last changed by its writer."""

    ts: str = ""


class WrittenMessage(msgspec.Struct, frozen=True):
    """A message as it is, or was, when an event tells of its change or its end."""

    ts: str = ""
    user: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    parent_user_id: str | None = None
    files: list[File] | None = None
    edited: Edited | None = None


class MessageEvent(msgspec.Struct, frozen=True):
    """An app_mention or a message. With the subtype ``message_changed`` the message is in ``message``, with
    ``message_deleted`` in ``previous_message``."""

    type: str
    user: str | None = None
    text: str | None = None
    ts: str = ""
    channel: str = ""
    channel_type: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    parent_user_id: str | None = None
    attachments: list[Attachment] | None = None
    files: list[File] | None = None
    message: WrittenMessage | None = None
    previous_message: WrittenMessage | None = None


class Item(msgspec.Struct, frozen=True):
    type: str = ""
    channel: str = ""
    ts: str = ""


class ReactionEvent(msgspec.Struct, frozen=True):
    """``item_user`` wrote what was reacted to."""

    user: str = ""
    reaction: str = ""
    item: Item = Item()
    item_user: str | None = None


class HomeView(msgspec.Struct, frozen=True):
    hash: str | None = None


class HomeOpened(msgspec.Struct, frozen=True):
    user: str = ""
    tab: str = ""
    view: HomeView | None = None


class SharedLink(msgspec.Struct, frozen=True):
    url: str


class LinkShared(msgspec.Struct, frozen=True):
    """``source`` is ``composer`` while somebody still writes the message; ``unfurl_id`` names it then."""

    user: str = ""
    channel: str = ""
    message_ts: str = ""
    links: list[SharedLink] = []
    source: str | None = None
    unfurl_id: str | None = None


class EventCallback(msgspec.Struct, frozen=True):
    """``event`` stays as it came: its shape depends on its type, and most types are not for us."""

    event: dict[str, Any]
    event_id: str
    team_id: str | None = None
    authorizations: list[Authorization] | None = None


P = TypeVar("P", bound=msgspec.Struct)


def read(payload: dict[str, Any], kind: type[P]) -> P:
    """``payload`` as ``kind``. Raises Malformed with the path of what does not fit."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise Malformed("malformed_payload", str(error)) from None


def decode(body: bytes, content_type: str) -> dict[str, Any]:
    """The payload of an HTTP body: JSON, a form with ``payload``, or a command's form. Raises Malformed."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not_utf8") from None
    if content_type.partition(";")[0].strip().lower() == "application/json" or text.startswith("{"):
        return check(_json(text))
    form = dict(parse_qsl(text, keep_blank_values=True))
    return check(_json(form["payload"]) if "payload" in form else form)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("invalid_json") from None


def check(payload: Any) -> dict[str, Any]:
    """``payload`` itself, if it can be what Slack sends. Raises Malformed before a library stumbles over it."""
    if not isinstance(payload, dict):
        raise Malformed("not_an_object")
    if not isinstance(payload.get("type", ""), str) or not (payload.get("type") or payload.get("command")):
        raise Malformed("unknown_payload")
    _check_shape(payload)
    return payload


def _check_shape(payload: dict[str, Any]) -> None:
    if not payload.get("type"):
        read(payload, SlashCommand)
        return
    kind = _KINDS.get(payload["type"])
    if kind is not None:
        read(payload, kind)
    if payload["type"] == "event_callback" and not isinstance(payload["event"].get("type"), str):
        raise Malformed("malformed_payload", "$.event.type")
    if payload["type"] == "block_actions" and not payload["actions"]:
        raise Malformed("malformed_payload", "$.actions")
    if not isinstance(payload.get("event", {}), dict):
        raise Malformed("malformed_payload", "$.event")


_KINDS: dict[str, type[msgspec.Struct]] = {
    "block_actions": BlockActions,
    "view_submission": ViewSubmission,
    "shortcut": Shortcut,
    "message_action": Shortcut,
    "block_suggestion": Suggestion,
    "event_callback": EventCallback,
}
