"""What people write below tickets' cards becomes notes; what they change or delete there is followed.

Slack sends an event again until it is answered with 200, and the desk notes each message once, whatever it hears how
often and in which order. So nothing is remembered here, and nobody is answered: the thread is the conversation.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from bot.commands.request import names_command
from bot.slack.payloads import EventCallback, File, Malformed, MessageEvent, WrittenMessage
from bot.slack.people import SlackPeople
from bot.slack.seen import Busy
from bot.slack.text import first_mentioned
from core.errors import NotFound
from core.threads import CardUnderway, Thread, Threads, Written

# What people write, by subtype. Every other is Slack's own word (who joined, what was pinned or renamed, that a thread
# has answers) or a bot's. https://docs.slack.dev/reference/events/message#subtypes
_WRITTEN = frozenset({None, "file_share", "thread_broadcast", "me_message"})
_log = logging.getLogger(__name__)


class _Word(msgspec.Struct, frozen=True):
    """``message`` as it is now, or as it was before it was ``deleted``."""

    channel: str
    message: WrittenMessage
    deleted: bool = False


class ThreadNotes:
    def __init__(self, threads: Threads, people: SlackPeople) -> None:
        self._threads = threads
        self._people = people

    async def follow(self, event: MessageEvent, callback: EventCallback) -> bool:
        """Whether ``event`` was about the talk below a ticket's card, which is noted then.

        What begins with the bot's name is a command and no note; in a direct message a command needs no name. Raises
        Busy while it is not known yet whose thread it is, and ``StoreUnavailable``.
        """
        word = _word(event)
        if word is None or not _may_be_ours(word.message, callback):
            return False
        if event.channel_type == "im" and names_command(word.message.text or ""):
            return False
        try:
            ticket_id = await self._threads.ticket_of(_thread(word))
        except CardUnderway:
            raise Busy(f"{word.channel} {word.message.thread_ts}") from None
        if ticket_id is None:
            return False
        try:
            await self._note(ticket_id, word, callback)
        except NotFound:
            _log.warning("a card of the ticket %d is shown, which does not exist", ticket_id)
        return True

    async def _note(self, ticket_id: int, word: _Word, callback: EventCallback) -> None:
        message, tenant = word.message, callback.team_id or ""
        source_id = f"slack:{word.channel}:{message.ts}"
        by = (await self._people.meet(message.user or "", tenant)).ref
        if word.deleted:
            await self._threads.deleted(ticket_id, source_id, by)
            return
        text = await self._people.prose(message.text or "", tenant, _ours(callback))
        said = "\n".join([text, *map(_file, message.files or [])]).strip()
        if not said:
            return
        place = {"platform": "slack", "channel": word.channel, "message": message.thread_ts or ""}
        revision = message.edited.ts if message.edited else ""
        await self._threads.wrote(ticket_id, Written(source_id, by, said, place, revision))


def _word(event: MessageEvent) -> _Word | None:
    """What ``event`` says of an answer that a person wrote in a thread; None when it says something else."""
    if event.subtype == "message_deleted":
        message = event.previous_message
    elif event.subtype == "message_changed":
        # Without an edit it is Slack that changed something: it shows a link, or counts the answers.
        message = event.message if event.message and event.message.edited else None
    else:
        message = WrittenMessage(
            event.ts, event.user, event.text, event.thread_ts, event.subtype, event.bot_id, event.parent_user_id,
            event.files,
        )  # fmt: skip
    if message is None or message.subtype not in _WRITTEN or message.bot_id or not (message.user and message.ts):
        return None
    if not event.channel or not message.thread_ts or message.thread_ts == message.ts:
        return None
    return _Word(event.channel, message, deleted=event.subtype == "message_deleted")


def _may_be_ours(message: WrittenMessage, callback: EventCallback) -> bool:
    """Not what is said to the bot, nor what is below the message of somebody else."""
    ours = _ours(callback)
    if ours and message.parent_user_id and message.parent_user_id not in ours:
        return False
    return first_mentioned(message.text or "") not in ours


def _ours(callback: EventCallback) -> set[str]:
    return {known.user_id for known in callback.authorizations or [] if known.is_bot and known.user_id}


def _thread(word: _Word) -> Thread:
    root = word.message.thread_ts or ""
    try:
        at = datetime.fromtimestamp(float(root), UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed("malformed_payload", "$.event.thread_ts") from None
    return Thread("slack", word.channel, root, at)


def _file(file: File) -> str:
    """The name and the address in Slack, where whoever may see the file sees it."""
    name = file.title or file.name or ""
    link = file.permalink if file.permalink and file.permalink.startswith("https://") else ""
    return f"{name}: {link}" if name and link else name or link
