"""A Slack workspace in memory: people, channels and messages, by Slack's own rules and with nothing kept for ever.

Every operation either happens whole or raises SlackRefusal with the code that Slack has for it. What a person would see
of it is told to ``feed``.
"""

from __future__ import annotations

import copy
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.feed import Feed
from bot.demo.slack_records import (
    Change,
    ChangeKind,
    Conversation,
    Ephemeral,
    Json,
    Kind,
    Message,
    SlackGroup,
    SlackPerson,
    SlackRefusal,
    Violation,
)

MESSAGES_KEPT = 500
EPHEMERALS_KEPT = 300
VIOLATIONS_KEPT = 500
TS = re.compile(r"\d{1,10}\.\d{6}")


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The workspace and the app in it, as payloads name them."""

    team: str = "T0DESKBELL"
    team_name: str = "Deskbell demo"
    domain: str = "deskbell-demo"
    app_id: str = "A0DESKBELL"
    bot_id: str = "B0DESKBELL"
    bot_user: str = "U0DESKBELL"
    bot_name: str = "deskbell"
    unfurl_domains: tuple[str, ...] = ()
    enterprise: str = ""
    is_org_install: bool = False


class Workspace:
    """``clock`` gives seconds since 1970; ts of messages follow it and never repeat."""

    def __init__(self, app: SlackApp | None = None, clock: Callable[[], float] = time.time) -> None:
        self.app = app or SlackApp()
        self.clock = clock
        self.people: dict[str, SlackPerson] = {}
        self.channels: dict[str, Conversation] = {}
        self.groups: dict[str, SlackGroup] = {}
        self.ephemerals: OrderedDict[str, Ephemeral] = OrderedDict()
        self.violations: deque[Violation] = deque(maxlen=VIOLATIONS_KEPT)
        self.feed: Feed[Change] = Feed()
        self._last_microsecond = 0
        self._serial = 0
        self.add_person(SlackPerson(self.app.bot_user, self.app.bot_name, self.app.bot_name.title(), is_bot=True))

    # identifiers

    def next_ts(self) -> str:
        self._last_microsecond = max(int(self.clock() * 1_000_000), self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}0{self._serial:08X}"

    # people and channels

    def add_person(self, person: SlackPerson) -> SlackPerson:
        self.people[person.id] = person
        return person

    def add_channel(
        self, name: str, *, members: tuple[str, ...] = (), private: bool = False, bot: bool = True, id: str = ""
    ) -> Conversation:
        """A channel with ``members`` (user ids) and, unless ``bot`` is False, the app's bot."""
        kind: Kind = "group" if private else "channel"
        everyone = {*members, *((self.app.bot_user,) if bot else ())}
        channel = Conversation(id or self.next_id("C"), name, kind, int(self.clock()), everyone)
        self.channels[channel.id] = channel
        return channel

    def add_group(self, handle: str, name: str, users: list[str], id: str = "") -> SlackGroup:
        group = SlackGroup(id or self.next_id("S"), handle, name, users)
        self.groups[group.id] = group
        return group

    def person(self, user: str) -> SlackPerson:
        person = self.people.get(user)
        if person is None:
            raise SlackRefusal("user_not_found")
        return person

    def find(self, reference: str) -> Conversation | None:
        """A channel by id or by name, with or without ``#``; a private one only if the bot is in it."""
        found = self.channels.get(reference)
        if found is None:
            name = reference.removeprefix("#")
            named = (c for c in self.channels.values() if c.name == name and c.kind in ("channel", "group"))
            found = next(named, None)
        if found is not None and found.kind != "channel" and self.app.bot_user not in found.members:
            return None
        return found

    def by_id(self, channel: str) -> Conversation:
        found = self.find(channel) if channel in self.channels else None
        if found is None:
            raise SlackRefusal("channel_not_found")
        return found

    def open_direct(self, users: tuple[str, ...]) -> Conversation:
        """The direct message of the bot with these people, made at the first call."""
        peers = tuple(sorted(users))
        for channel in self.channels.values():
            if channel.kind in ("im", "mpim") and channel.peers == peers:
                return channel
        kind: Kind = "im" if len(peers) == 1 else "mpim"
        everyone = {*peers, self.app.bot_user}
        prefix, name = ("D", "") if kind == "im" else ("C", "mpdm-" + "--".join(peers))
        channel = Conversation(self.next_id(prefix), name, kind, int(self.clock()), everyone, peers)
        self.channels[channel.id] = channel
        return channel

    # messages

    def root_of(self, channel: Conversation, thread_ts: object) -> str | None:
        """The thread to answer in; None for none. A thread that was trimmed away from memory is taken on trust."""
        if thread_ts is None:
            return None
        if not isinstance(thread_ts, str) or not TS.fullmatch(thread_ts):
            raise SlackRefusal("invalid_thread_ts", f"{thread_ts} is not a valid thread_ts")
        root = channel.messages.get(thread_ts)
        if root is None and thread_ts > channel.trimmed_before:
            raise SlackRefusal("thread_not_found")
        if root is not None and root.is_reply:
            raise SlackRefusal("cannot_reply_to_message", "thread_ts names a reply, not the message that it answers")
        return thread_ts

    def post(self, channel: Conversation, message: Message) -> Message:
        """Keep a message and show it; a first reply makes its root a thread."""
        root = channel.messages.get(message.thread_ts or "")
        if root is not None:
            root.thread_ts = root.ts
        self.name_blocks(message.blocks)
        channel.messages[message.ts] = message
        while len(channel.messages) > MESSAGES_KEPT:
            channel.trimmed_before, _ = channel.messages.popitem(last=False)
        self._show(ChangeKind.MESSAGE_POSTED, message)
        return message

    def edit(self, message: Message, **fields: object) -> None:
        for name, value in fields.items():
            setattr(message, name, copy.deepcopy(value))
        self.name_blocks(message.blocks)
        message.edits += 1
        message.edited_ts = self.next_ts()
        self._show(ChangeKind.MESSAGE_CHANGED, message)

    def delete(self, channel: Conversation, message: Message) -> None:
        """Gone; a message with replies leaves a tombstone, so that the thread stays readable."""
        if any(m.is_reply and m.thread_ts == message.ts for m in channel.messages.values()):
            message.subtype, message.text = "tombstone", "This message was deleted."
            message.blocks, message.attachments, message.metadata = [], [], None
            message.user, message.bot_id = "USLACKBOT", None
        else:
            del channel.messages[message.ts]
        self._show(ChangeKind.MESSAGE_DELETED, message)

    def react(self, message: Message, user: str, name: str) -> None:
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise SlackRefusal("already_reacted")
        users.append(user)
        self._show(ChangeKind.MESSAGE_CHANGED, message)

    def whisper(self, ephemeral: Ephemeral) -> Ephemeral:
        self.name_blocks(ephemeral.blocks)
        known = ephemeral.ts in self.ephemerals
        self.ephemerals[ephemeral.ts] = ephemeral
        while len(self.ephemerals) > EPHEMERALS_KEPT:
            self.ephemerals.popitem(last=False)
        self.show_ephemeral(ChangeKind.EPHEMERAL_CHANGED if known else ChangeKind.EPHEMERAL_POSTED, ephemeral)
        return ephemeral

    def forget_ephemeral(self, ts: str) -> None:
        ephemeral = self.ephemerals.pop(ts, None)
        if ephemeral is not None:
            self.show_ephemeral(ChangeKind.EPHEMERAL_DELETED, ephemeral)

    def thread(self, channel: Conversation, root: str) -> list[Message]:
        """The message and its replies, oldest first."""
        return [m for m in channel.messages.values() if m.ts == root or (m.is_reply and m.thread_ts == root)]

    # what others see

    def violate(self, where: str, code: str, *messages: str) -> None:
        self.violations.append(Violation(where, code, messages))

    def show_ephemeral(self, kind: ChangeKind, ephemeral: Ephemeral) -> None:
        payload = ephemeral.payload(self.app.bot_user)
        self.feed.tell(Change(kind, payload, ephemeral.channel, ephemeral.user))

    def _show(self, kind: ChangeKind, message: Message) -> None:
        self.feed.tell(Change(kind, message.payload(self.app.team), message.channel))

    def name_blocks(self, blocks: list[Json]) -> None:
        """Slack gives every block and every interactive element the identifiers that the app left out."""
        for block in blocks:
            block.setdefault("block_id", self.next_id("b"))
            if block.get("type") not in ("actions", "section", "input"):
                continue
            for element in (block.get("accessory"), block.get("element"), *(block.get("elements") or ())):
                if isinstance(element, dict) and element.get("type") != "image":
                    element.setdefault("action_id", self.next_id("a"))
