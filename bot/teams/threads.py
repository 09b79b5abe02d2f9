"""What people write below tickets' cards becomes notes; what they change or delete there is followed.

In a channel every message of a thread says which message heads it; in a chat an answer names the one that it answers.
Without the permission to read a whole channel, Teams hands over only what mentions the bot. So a mention below a card
is a command if it reads like one, and a note otherwise.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.commands import request
from bot.commands.registry import find
from bot.teams.auth import Claims
from bot.teams.door import TeamsDoor, _Reply
from bot.teams.incoming import Account, Incoming
from bot.teams.once import Busy
from bot.teams.people import People
from bot.teams.spoken import command, words_of
from core.config.settings import Settings
from core.model import PersonRef
from core.people import Directory
from core.threads import CardUnderway, Thread, Threads, Written

_WRITTEN, _CHANGED, _DELETED = "message", "messageUpdate", "messageDelete"


class ThreadNotes:
    def __init__(self, settings: Settings, threads: Threads, people: People, now: Callable[[], datetime]) -> None:
        self._root = settings.slack.commands.root
        self._threads, self._people, self._now = threads, people, now

    async def follow(self, incoming: Incoming) -> bool:
        """Whether this was about the talk below a ticket's card, which is noted then.

        Raises Busy while it is not known yet whose thread it is, and ``StoreUnavailable``.
        """
        root = _root(incoming)
        if root is None:
            return False
        said = await words_of(incoming, _name)
        if incoming.type != _DELETED and (not said or self._is_command(incoming, said)):
            return False
        try:
            ticket_id = await self._threads.ticket_of(Thread("teams", incoming.place_id, root, self._at(root)))
        except CardUnderway:
            raise Busy(root) from None
        person = await self._people.sender(incoming) if ticket_id is not None else None
        if ticket_id is None or person is None:
            return False
        await self._note(ticket_id, incoming, root, said, person.ref)
        return True

    async def _note(self, ticket_id: int, incoming: Incoming, root: str, said: str, by: PersonRef) -> None:
        source_id = f"teams:{incoming.place_id}:{incoming.id}"
        if incoming.type == _DELETED:
            await self._threads.deleted(ticket_id, source_id, by)
            return
        place = {"platform": "teams", "channel": incoming.place_id, "message": root}
        revision = self._now().isoformat() if incoming.type == _CHANGED else ""
        await self._threads.wrote(ticket_id, Written(source_id, by, said, place, revision))

    def _is_command(self, incoming: Incoming, said: str) -> bool:
        if not incoming.mentions_bot and incoming.kind != "personal":
            return False
        return find(command(said, self._root)[0]) is not None or request.is_near_command(said)

    def _at(self, root: str) -> datetime:
        """Messages of Teams are numbered by the milliseconds since 1970."""
        return datetime.fromtimestamp(int(root) / 1000, UTC) if root.isdecimal() and len(root) < 15 else self._now()


class ConversingDoor(TeamsDoor):
    """The door that hears what is said below cards, too, once it is told whom to tell."""

    _notes: ThreadNotes | None = None

    def tell(self, threads: Threads, people: Directory, now: Callable[[], datetime]) -> None:
        """``people`` and ``now`` as the door has them."""
        known = People(self._settings, people, self.connector)
        self._notes = ThreadNotes(self._settings, threads, known, now)

    async def _turn(self, incoming: Incoming, claims: Claims | None) -> _Reply:
        if self._notes is not None and await self._notes.follow(incoming):
            return _Reply()
        return await super()._turn(incoming, claims)


def _root(incoming: Incoming) -> str | None:
    """The message that heads what was written; None for what stands below nothing, and for clicks."""
    if incoming.type not in (_WRITTEN, _CHANGED, _DELETED) or incoming.value is not None or not incoming.id:
        return None
    root = incoming.thread_id if incoming.kind == "channel" else incoming.reply_to_id
    return root if root != incoming.id else None


async def _name(account: Account) -> str:
    return f"@{account.name or '?'}"
