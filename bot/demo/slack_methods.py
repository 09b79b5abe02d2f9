"""The Web API's methods for messages, conversations and people: arguments in, Slack's answer out, or a SlackRefusal."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

from bot.demo.slack_content import content, metadata, truth
from bot.demo.slack_facts import TEXT_LIMIT, UPDATE_TEXT_LIMIT
from bot.demo.slack_records import Conversation, Ephemeral, Json, Message, SlackRefusal
from bot.demo.slack_state import TS, Workspace

_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_EMOJI_LIMIT = 23
T = TypeVar("T")


def page(items: list[T], arguments: Json, *, key: Callable[[T], str], most: int) -> tuple[list[T], str]:
    """``limit`` items from ``cursor`` on, and the cursor of the next page, empty after the last.

    A cursor names the item that comes next, so that what is posted meanwhile moves nothing.
    """
    limit = arguments.get("limit") or 100
    if not str(limit).isdecimal() or not 1 <= int(limit) <= most:
        raise SlackRefusal("invalid_limit")
    start, end = 0, int(limit)
    if arguments.get("cursor"):
        try:
            name = base64.b64decode(str(arguments["cursor"]), validate=True).decode().removeprefix("next:")
            start = [key(item) for item in items].index(name)
        except (binascii.Error, ValueError) as error:
            raise SlackRefusal("invalid_cursor") from error
    following = items[start + end : start + end + 1]
    cursor = base64.b64encode(f"next:{key(following[0])}".encode()).decode() if following else ""
    return items[start : start + end], cursor


def bounds(arguments: Json) -> Callable[[str], bool]:
    """Whether a ts lies between ``oldest`` and ``latest``, the ends themselves only if ``inclusive``."""
    ends = {}
    for name, absent in (("oldest", "0"), ("latest", "inf")):
        try:
            ends[name] = float(arguments.get(name) or absent)
        except (TypeError, ValueError) as error:
            raise SlackRefusal(f"invalid_ts_{name}") from error
    low, high = ends["oldest"], ends["latest"]
    if truth(arguments.get("inclusive")):
        return lambda ts: low <= float(ts) <= high
    return lambda ts: low < float(ts) < high


class Methods:
    """One method of this class for one of Slack's; ``table`` finds them by Slack's names."""

    def __init__(self, workspace: Workspace, scopes: frozenset[str] | None = None) -> None:
        self._workspace = workspace
        self._scopes = scopes
        self.table: dict[str, Callable[[Json], Json]] = {
            "auth.test": self.auth_test,
            "team.info": self.team_info,
            "chat.postMessage": self.post_message,
            "chat.update": self.update,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.delete": self.delete,
            "chat.getPermalink": self.permalink,
            "reactions.add": self.react,
            "conversations.open": self.open,
            "conversations.info": self.info,
            "conversations.list": self.channels,
            "conversations.members": self.members,
            "conversations.join": self.join,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "users.info": self.user,
            "users.lookupByEmail": self.lookup,
            "usergroups.list": self.groups,
            "usergroups.users.list": self.group_users,
        }

    # the app itself

    def auth_test(self, arguments: Json) -> Json:
        app = self._workspace.app
        return {
            "url": f"https://{app.domain}.slack.com/",
            "team": app.team_name,
            "user": app.bot_name,
            "team_id": app.team,
            "user_id": app.bot_user,
            "bot_id": app.bot_id,
            "is_enterprise_install": False,
        }

    def team_info(self, arguments: Json) -> Json:
        app = self._workspace.app
        return {"team": {"id": app.team, "name": app.team_name, "domain": app.domain}}

    # messages

    def post_message(self, arguments: Json) -> Json:
        channel = self._writable(self._target(arguments["channel"]))
        text, blocks, attachments = content(arguments, text_limit=TEXT_LIMIT)
        thread = self._workspace.root_of(channel, arguments.get("thread_ts"))
        app, signed = self._workspace.app, self._signed(arguments)
        broadcast = thread is not None and truth(arguments.get("reply_broadcast"))
        message = Message(
            self._workspace.next_ts(), channel.id, app.bot_user, text, blocks, attachments, thread,
            metadata(arguments.get("metadata")) or None, "thread_broadcast" if broadcast else None,
            app.bot_id, app.app_id, username=signed.get("username", ""), icons=signed.get("icons", {}),
        )  # fmt: skip
        self._workspace.post(channel, message)
        return {"channel": channel.id, "ts": message.ts, "message": message.payload(app.team)}

    def update(self, arguments: Json) -> Json:
        """What is not given stays as it is; an empty list of blocks and an empty metadata object take them away."""
        channel = self._workspace.by_id(arguments["channel"])
        message = self._own(channel, arguments["ts"], "cant_update_message")
        if channel.archived:
            raise SlackRefusal("is_inactive")
        kept = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
        given = {name: value for name, value in arguments.items() if value is not None}
        text, blocks, attachments = content(kept | given, text_limit=UPDATE_TEXT_LIMIT)
        meta = metadata(given.get("metadata"))
        self._workspace.edit(
            message, text=text, blocks=blocks, attachments=attachments,
            metadata=message.metadata if meta is None else meta or None,
        )  # fmt: skip
        shown = message.payload(self._workspace.app.team)
        return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}

    def post_ephemeral(self, arguments: Json) -> Json:
        channel = self._writable(self._target(arguments["channel"]))
        if arguments["user"] not in channel.members:
            raise SlackRefusal("user_not_in_channel")
        text, blocks, _ = content(arguments, text_limit=TEXT_LIMIT)
        thread = self._workspace.root_of(channel, arguments.get("thread_ts"))
        ephemeral = Ephemeral(self._workspace.next_ts(), channel.id, arguments["user"], text, blocks, thread)
        self._workspace.whisper(ephemeral)
        return {"message_ts": ephemeral.ts}

    def delete(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        message = self._own(channel, arguments["ts"], "cant_delete_message")
        self._workspace.delete(channel, message)
        return {"channel": channel.id, "ts": message.ts}

    def permalink(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        message = self._message(channel, arguments["message_ts"])
        link = f"https://{self._workspace.app.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.is_reply:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def react(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        if channel.archived:
            raise SlackRefusal("is_archived")
        timestamp, name = arguments["timestamp"], arguments["name"]
        if not isinstance(timestamp, str) or not TS.fullmatch(timestamp):
            raise SlackRefusal("bad_timestamp")
        if not isinstance(name, str) or not name.replace("_", "").replace("-", "").replace("+", "").isalnum():
            raise SlackRefusal("invalid_name")
        message = self._message(channel, timestamp)
        if len(message.reactions) >= _EMOJI_LIMIT and name not in message.reactions:
            raise SlackRefusal("too_many_reactions")
        self._workspace.react(message, self._workspace.app.bot_user, name)
        return {}

    # conversations

    def open(self, arguments: Json) -> Json:
        if arguments.get("channel"):
            channel = self._workspace.by_id(arguments["channel"])
        else:
            channel = self._workspace.open_direct(self._invited(arguments.get("users")))
        full = truth(arguments.get("return_im"))
        return {"channel": channel.payload(self._workspace.app.team) if full else {"id": channel.id}}

    def info(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        member = self._workspace.app.bot_user in channel.members
        return {"channel": channel.payload(self._workspace.app.team) | {"is_member": member}}

    def channels(self, arguments: Json) -> Json:
        types = str(arguments.get("types") or "public_channel").replace(" ", "").split(",")
        if not set(types) <= set(_TYPES):
            raise SlackRefusal("invalid_types")
        kinds, bot = {_TYPES[name] for name in types}, self._workspace.app.bot_user
        shown = [
            channel.payload(self._workspace.app.team) | {"is_member": bot in channel.members}
            for channel in self._workspace.channels.values()
            if channel.kind in kinds
            and (channel.kind == "channel" or bot in channel.members)
            and not (channel.archived and truth(arguments.get("exclude_archived")))
        ]
        found, cursor = page(shown, arguments, key=lambda channel: str(channel["id"]), most=1000)
        return {"channels": found, "response_metadata": {"next_cursor": cursor}}

    def members(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        found, cursor = page(sorted(channel.members), arguments, key=str, most=1000)
        return {"members": found, "response_metadata": {"next_cursor": cursor}}

    def join(self, arguments: Json) -> Json:
        channel = self._workspace.by_id(arguments["channel"])
        if channel.kind != "channel":
            raise SlackRefusal("method_not_supported_for_channel_type")
        if channel.archived:
            raise SlackRefusal("is_archived")
        channel.members.add(self._workspace.app.bot_user)
        return {"channel": channel.payload(self._workspace.app.team)}

    def history(self, arguments: Json) -> Json:
        """Newest first; replies are left out unless they were sent to the channel as well."""
        channel = self._workspace.by_id(arguments["channel"])
        if self._workspace.app.bot_user not in channel.members:
            raise SlackRefusal("not_in_channel")
        shown = [m for m in channel.messages.values() if not m.is_reply or m.subtype == "thread_broadcast"]
        within = bounds(arguments)
        shown = [m for m in reversed(shown) if within(m.ts)]
        return self._messages(channel, shown, arguments)

    def replies(self, arguments: Json) -> Json:
        """The message with its thread, oldest first; the first one comes whatever the bounds say."""
        channel = self._workspace.by_id(arguments["channel"])
        root = channel.messages.get(arguments["ts"])
        if root is None:
            raise SlackRefusal("thread_not_found")
        within = bounds(arguments)
        shown = [m for m in self._workspace.thread(channel, root.ts) if m is root or within(m.ts)]
        return self._messages(channel, shown, arguments)

    # people

    def user(self, arguments: Json) -> Json:
        person = self._workspace.person(arguments["user"])
        locale = truth(arguments.get("include_locale"))
        return {"user": person.payload(self._workspace.app.team, self._workspace.clock(), with_locale=locale)}

    def lookup(self, arguments: Json) -> Json:
        email = str(arguments["email"]).casefold()
        for person in self._workspace.people.values():
            if not person.deleted and (person.email or "").casefold() == email:
                return {"user": person.payload(self._workspace.app.team, self._workspace.clock())}
        raise SlackRefusal("users_not_found")

    def groups(self, arguments: Json) -> Json:
        users, count = truth(arguments.get("include_users")), truth(arguments.get("include_count"))
        team = self._workspace.app.team
        known = self._workspace.groups.values()
        return {"usergroups": [group.payload(team, with_users=users, with_count=count) for group in known]}

    def group_users(self, arguments: Json) -> Json:
        group = self._workspace.groups.get(arguments["usergroup"])
        if group is None:
            raise SlackRefusal("no_such_subteam")
        return {"users": list(group.users)}

    # parts

    def _target(self, reference: object) -> Conversation:
        """Where to post: a channel by id or name, or a person, whose direct message it then is."""
        if isinstance(reference, str) and reference in self._workspace.people:
            return self._workspace.open_direct((reference,))
        channel = self._workspace.find(reference) if isinstance(reference, str) else None
        if channel is None:
            raise SlackRefusal("channel_not_found")
        return channel

    def _writable(self, channel: Conversation) -> Conversation:
        if channel.archived:
            raise SlackRefusal("is_archived")
        public = self._scopes is not None and "chat:write.public" in self._scopes
        if self._workspace.app.bot_user not in channel.members and not public:
            raise SlackRefusal("not_in_channel")
        return channel

    def _signed(self, arguments: Json) -> Json:
        """Another name and picture than the app's own."""
        given = {name: arguments[name] for name in ("username", "icon_url", "icon_emoji") if arguments.get(name)}
        if given and self._scopes is not None and "chat:write.customize" not in self._scopes:
            raise SlackRefusal("missing_scope", "needed: chat:write.customize")
        icons = {"image_48": given["icon_url"]} if "icon_url" in given else {}
        return {"username": given.get("username", ""), "icons": icons}

    @staticmethod
    def _message(channel: Conversation, ts: object) -> Message:
        message = channel.messages.get(ts) if isinstance(ts, str) else None
        if message is None or message.subtype == "tombstone":
            raise SlackRefusal("message_not_found")
        return message

    def _own(self, channel: Conversation, ts: object, code: str) -> Message:
        message = self._message(channel, ts)
        if message.bot_id != self._workspace.app.bot_id:
            raise SlackRefusal(code)
        return message

    def _invited(self, users: object) -> tuple[str, ...]:
        names = tuple(name.strip() for name in users.split(",") if name.strip()) if isinstance(users, str) else ()
        if not names:
            raise SlackRefusal("users_list_not_supplied")
        if len(names) > 8:
            raise SlackRefusal("too_many_users")
        for name in names:
            if self._workspace.person(name).deleted:
                raise SlackRefusal("user_disabled")
        if self._workspace.app.bot_user in names:
            raise SlackRefusal("invalid_user_combination")
        return names

    def _messages(self, channel: Conversation, shown: list[Message], arguments: Json) -> Json:
        found, cursor = page(shown, arguments, key=lambda message: message.ts, most=999)
        full = truth(arguments.get("include_all_metadata"))
        messages = [message.payload(self._workspace.app.team, with_metadata=full) for message in found]
        for message in messages:
            if message.get("thread_ts") == message["ts"]:
                message["reply_count"] = len(self._workspace.thread(channel, message["ts"])) - 1
        return {"messages": messages, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}
