"""Tenants of Teams in memory: people, chats, channels and activities, by Teams' own rules, with nothing kept for ever.

Every operation either happens whole or raises TeamsRefusal as the Bot Connector answers it. What people would see of it
is told to ``feed``.
"""

from __future__ import annotations

import copy
import json
import time
from collections import deque
from collections.abc import Callable

from bot.demo.adaptive_card_lint import lint_card
from bot.demo.feed import Feed
from bot.demo.teams_records import (
    ADAPTIVE,
    Change,
    ChangeKind,
    Json,
    Posted,
    TeamsConversation,
    TeamsPerson,
    TeamsRefusal,
    Violation,
)

ACTIVITIES_KEPT = 500
VIOLATIONS_KEPT = 500
SIZE_LIMIT = 100 * 1024  # bytes of UTF-16 with the card, learn.microsoft.com/microsoftteams/platform/bots
_THREAD = ";messageid="


def utf16_size(activity: Json) -> int:
    """Bytes as Teams counts them: the activity's JSON in UTF-16, without escapes."""
    text = json.dumps(activity, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-16-le", "surrogatepass"))


def thread_id(channel: str, root: str) -> str:
    """The conversation id of a thread in a channel."""
    return f"{channel}{_THREAD}{root}"


class TeamsWorld:
    """``clock`` gives seconds since 1970; ids of activities are milliseconds that follow it and never repeat.

    ``reads_along``: the bot was allowed to hear what does not mention it (ChannelMessage.Read.Group).
    """

    def __init__(self, app_id: str, bot_name: str, clock: Callable[[], float] = time.time) -> None:
        self.bot_id, self.bot_name = f"28:{app_id}", bot_name
        self.clock = clock
        self.reads_along = False
        self.people: dict[str, TeamsPerson] = {}
        self.conversations: dict[str, TeamsConversation] = {}
        self.violations: deque[Violation] = deque(maxlen=VIOLATIONS_KEPT)
        self.feed: Feed[Change] = Feed()
        self._last_id = 0

    def next_id(self) -> str:
        self._last_id = max(int(self.clock() * 1000), self._last_id + 1)
        return str(self._last_id)

    # people and places

    def add_person(self, person: TeamsPerson) -> TeamsPerson:
        self.people[person.id] = person
        return person

    def add_channel(
        self, id: str, name: str, *, tenant: str, team: str, team_name: str, members: list[str]
    ) -> TeamsConversation:
        channel = TeamsConversation(id, tenant, "channel", name, team, team_name, members)
        self.conversations[id] = channel
        return channel

    def add_group_chat(self, id: str, *, tenant: str, members: list[str]) -> TeamsConversation:
        chat = TeamsConversation(id, tenant, "groupChat", members=members)
        self.conversations[id] = chat
        return chat

    def personal_chat(self, person: TeamsPerson) -> TeamsConversation:
        """The chat of the bot with one person, made at the first call and the same ever after."""
        id = f"a:1{person.tenant[:8]}{person.aad.replace('-', '')}"
        chat = self.conversations.get(id)
        if chat is None:
            chat = self.conversations[id] = TeamsConversation(id, person.tenant, "personal", members=[person.id])
        return chat

    def find(self, reference: str, tenant: str | None = None) -> tuple[TeamsConversation, str]:
        """A conversation and, for a thread of a channel, the id of its first message.

        The id of a team stands for its first channel. ``tenant`` is the one named in the service URL: another tenant's
        conversations do not exist there.
        """
        base, _, root = reference.partition(_THREAD)
        found = self.conversations.get(base)
        if found is None:
            found = next((place for place in self.conversations.values() if place.team and place.team == base), None)
        if found is None or (tenant and found.tenant != tenant):
            raise TeamsRefusal(404, "ConversationNotFound", "Conversation not found.")
        if root and root not in found.activities and root > found.trimmed_before:
            raise TeamsRefusal(404, "ConversationNotFound", "Conversation not found.")
        return found, root

    def open_to_bot(self, conversation: TeamsConversation) -> None:
        """Raises 403 where the bot may not write."""
        if not conversation.bot_present:
            raise TeamsRefusal(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
        if conversation.blocked:
            raise TeamsRefusal(403, "MessageWritesBlocked", "Thread is blocked from message writes.")

    def members(self, conversation: TeamsConversation) -> list[TeamsPerson]:
        return [self.people[id] for id in conversation.members]

    def member(self, conversation: TeamsConversation, reference: str) -> TeamsPerson:
        """By 29: id, Entra object id or user principal name."""
        for person in self.members(conversation):
            if reference in (person.id, person.aad) or reference.casefold() == person.email.casefold() != "":
                return person
        raise TeamsRefusal(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    # activities

    def post(self, conversation: TeamsConversation, sender: str, activity: Json, root: str = "") -> Posted:
        """Keep an activity and show it. In a channel it answers ``root``, or begins a thread."""
        id = self.next_id()
        thread = (root or id) if conversation.kind == "channel" else ""
        posted = Posted(id, conversation.id, sender, copy.deepcopy(activity), thread)
        conversation.activities[id] = posted
        while len(conversation.activities) > ACTIVITIES_KEPT:
            conversation.trimmed_before, _ = conversation.activities.popitem(last=False)
        self._show(ChangeKind.ACTIVITY_POSTED, posted)
        return posted

    def own(self, conversation: TeamsConversation, activity_id: str) -> Posted:
        """An activity that the bot sent itself. Raises 404 when it is not there, 403 when it is somebody else's."""
        posted = conversation.activities.get(activity_id)
        if posted is None:
            raise TeamsRefusal(404, "ActivityNotFoundInConversation", "Message does not exist in the thread.")
        if posted.sender != self.bot_id:
            raise TeamsRefusal(403, "Forbidden", "Only messages that the bot sent can be changed.", fault=True)
        return posted

    def update(self, posted: Posted, activity: Json) -> None:
        posted.activity = copy.deepcopy(activity)
        posted.edits += 1
        self._show(ChangeKind.ACTIVITY_CHANGED, posted)

    def delete(self, conversation: TeamsConversation, posted: Posted) -> None:
        del conversation.activities[posted.id]
        self._show(ChangeKind.ACTIVITY_DELETED, posted)

    def typing(self, conversation: TeamsConversation) -> None:
        payload = {"type": "typing", "from": {"id": self.bot_id, "name": self.bot_name}}
        self.feed.tell(Change(ChangeKind.TYPING, conversation.id, payload))

    def violate(self, where: str, code: str, *messages: str) -> None:
        self.violations.append(Violation(where, code, messages))

    def _show(self, kind: ChangeKind, posted: Posted) -> None:
        self.feed.tell(Change(kind, posted.conversation, posted.payload()))


def check_message(activity: Json) -> None:
    """Raises what Teams does not take in a message, and what it would take and then not show as meant."""
    if utf16_size(activity) > SIZE_LIMIT:
        raise TeamsRefusal(413, "MessageSizeTooBig", "Message size too large.", fault=True)
    text, attachments = activity.get("text") or "", activity.get("attachments") or []
    problems: list[str] = []
    if not text and not attachments:
        problems.append("a message with neither text nor attachments")
    if text and attachments:
        problems.append("text and attachments together: Teams splits them and no id comes back")
    for attachment in attachments:
        problems += attachment_problems(attachment)
    for entity in activity.get("entities") or []:
        if entity.get("type") == "mention" and entity.get("text", "") not in text:
            problems.append(f"the mention {entity.get('text')!r} is not in the text")
    if problems:
        raise TeamsRefusal(400, "BadSyntax", "; ".join(problems), fault=True)


def attachment_problems(attachment: object) -> list[str]:
    """What is wrong with one attachment; only adaptive cards are known here."""
    if not isinstance(attachment, dict) or attachment.get("contentType") != ADAPTIVE:
        return [f"an attachment that is no adaptive card: {attachment!r}"[:200]]
    return lint_card(attachment.get("content"))
