"""What is said to the bot: a command, or what is wrong in plain words, of which a ticket is made at once.

The same rules as for a mention in Slack (``bot.commands.request``).
"""

from __future__ import annotations

from bot.commands import request
from bot.commands.call import Call, Dispatcher
from bot.teams.calls import Asker
from bot.teams.incoming import Account
from bot.teams.people import People
from bot.teams.spoken import command, neutral, without_root, words_of
from core.views import Message, TicketCard, View


class Requests:
    """``root`` is the word that may stand before a command."""

    def __init__(self, root: str, dispatch: Dispatcher, people: People) -> None:
        self._root, self._dispatch, self._people = root, dispatch, people

    async def answer(self, asker: Asker) -> View:
        """What the writer is shown: of a new ticket its live card, else what the command says."""
        incoming = asker.incoming
        text = await words_of(incoming, lambda account: self._people.mentioned(incoming, account))
        said = without_root(text, self._root)
        if request.asks_for_overview(said):
            return await self._dispatch(asker.call("overview"))
        if request.is_request(said):
            return await self._new_ticket(asker)
        if len(said.split()) > 1 and not request.names_command(said) and request.is_near_command(said):
            return await self._dispatch(asker.call("", text=said))
        name, rest = command(text, self._root)
        return await self._dispatch(asker.call(name, text=rest))

    async def _new_ticket(self, asker: Asker) -> View:
        prose = without_root(await words_of(asker.incoming, _plain_name), self._root)
        view = await self._dispatch(self._create(asker, prose))
        if not isinstance(view, Message) or view.is_error or view.ticket_id is None:
            return view
        card = await self._dispatch(asker.call("show", ticket_id=view.ticket_id))
        return card if isinstance(card, TicketCard) else view

    def _create(self, asker: Asker, prose: str) -> Call:
        return asker.call("create", fields=request.draft(prose), submitted=True)


async def _plain_name(account: Account) -> str:
    """Nobody is called by a ticket's text."""
    return neutral(f"@{account.name or '?'}")
