"""What people write below tickets' cards becomes notes; what they change or delete there is followed.

In a channel every message of a thread says which message heads it; in a chat an answer names the one that it answers.
Where the team has not let the bot read along, Teams hands over only what mentions it. So a mention below a card is a
command if it reads like one, and a note otherwise.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from bot.commands import request
from bot.commands.registry import find
from bot.teams.calls import permalink
from bot.teams.incoming import Account, Attached, Incoming
from bot.teams.once import Busy
from bot.teams.people import People
from bot.teams.spoken import command, neutral, words_of
from core.config.settings import Settings
from core.errors import NotFound, StoreUnavailable
from core.i18n import Words
from core.model import PersonRef
from core.threads import CardUnderway, Thread, Threads, Written

_WRITTEN, _CHANGED, _DELETED = "message", "messageUpdate", "messageDelete"
_PAUSES = (0.1, 0.3, 1.0)  # Teams may not send again what is refused, so a card that is being posted is waited for.
_FILES_AT_MOST = 20
_log = logging.getLogger(__name__)


class ThreadNotes:
    """``now`` gives timezone-aware UTC."""

    def __init__(self, settings: Settings, threads: Threads, people: People, now: Callable[[], datetime]) -> None:
        self._settings, self._root = settings, settings.slack.commands.root
        self._threads, self._people, self._now = threads, people, now

    async def follow(self, incoming: Incoming) -> bool:
        """Whether this was about the talk below a ticket's card, which is noted then.

        Raises Busy while it is not known whose thread it is, and ``StoreUnavailable`` for a note that could not be
        written down.
        """
        root = _root(incoming)
        if root is None:
            return False
        said = await self._said(incoming)
        if incoming.type != _DELETED and (not said or self._is_command(incoming, said)):
            return False
        ticket_id = await self._ticket_of(Thread("teams", incoming.place_id, root, self._at(root)))
        person = await self._people.sender(incoming) if ticket_id is not None else None
        if ticket_id is None or person is None:
            return False
        try:
            await self._note(ticket_id, incoming, root, said, person.ref)
        except NotFound:
            _log.warning("a card of the ticket %d is shown, which does not exist", ticket_id)
        return True

    async def _ticket_of(self, thread: Thread) -> int | None:
        for pause in (*_PAUSES, 0.0):
            try:
                return await self._threads.ticket_of(thread)
            except CardUnderway:
                await asyncio.sleep(pause)
            except StoreUnavailable:
                break
        raise Busy(f"{thread.channel} {thread.message}")

    async def _note(self, ticket_id: int, incoming: Incoming, root: str, said: str, by: PersonRef) -> None:
        source_id = f"teams:{incoming.place_id}:{incoming.id}"
        if incoming.type == _DELETED:
            await self._threads.deleted(ticket_id, source_id, by)
            return
        place = {"platform": "teams", "channel": incoming.place_id, "message": root}
        revision = self._changed_at(incoming) if incoming.type == _CHANGED else ""
        await self._threads.wrote(ticket_id, Written(source_id, by, said, place, revision))

    async def _said(self, incoming: Incoming) -> str:
        """The text and the files, each with its address."""
        picture = Words(self._settings.language).text("teams.note.picture")
        files = [_file(incoming, attached, picture) for attached in (incoming.attachments or ())[:_FILES_AT_MOST]]
        return "\n".join(part for part in (await words_of(incoming, _name), *files) if part)

    def _is_command(self, incoming: Incoming, said: str) -> bool:
        if not incoming.mentions_bot and incoming.kind != "personal":
            return False
        return find(command(said, self._root)[0]) is not None or request.is_near_command(said)

    def _at(self, root: str) -> datetime:
        """Messages of Teams are numbered by the milliseconds since 1970."""
        return datetime.fromtimestamp(int(root) / 1000, UTC) if root.isdecimal() and len(root) < 15 else self._now()

    def _changed_at(self, incoming: Incoming) -> str:
        """When Teams says that the message was changed; texts of equal length, which sort as the times do."""
        try:
            at = datetime.fromisoformat(incoming.timestamp or "")
        except ValueError:
            at = self._now()
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")


def _root(incoming: Incoming) -> str | None:
    """The message that heads what somebody wrote; None for what stands below nothing, for clicks and for bots."""
    if incoming.type not in (_WRITTEN, _CHANGED, _DELETED) or incoming.value is not None or not incoming.id:
        return None
    if incoming.sender.id.startswith("28:"):
        return None
    root = incoming.thread_id if incoming.kind == "channel" else incoming.reply_to_id
    return root if root != incoming.id else None


async def _name(account: Account) -> str:
    return neutral(f"@{account.name or '?'}")


def _file(incoming: Incoming, attached: Attached, picture: str) -> str:
    """The name and the address in SharePoint, where whoever may see the file sees it; of a picture in the text the
    address of the message, as its own is for the bot alone."""
    name, address = attached.name or "", attached.content_url or ""
    if attached.content_type.startswith("image/"):
        name = name or picture
        address = permalink(incoming, incoming.id) if incoming.id and incoming.kind == "channel" else ""
    elif not address.startswith("https://"):
        return ""
    return f"{name}: {address}" if name and address else name or address
