"""Whose view of a ticket's card is worth one of the sixty that Teams allows for a message."""

from __future__ import annotations

from collections.abc import Iterator

from adaptive_cards import for_readers, render
from adaptive_cards.card import Card, Rendered
from core.config.settings import Settings
from core.i18n import Words
from core.people import Directory
from core.views import TicketCard, View


class Readers:
    """The card itself is right for everybody; a reader's own view only leaves out what they may not do."""

    def __init__(self, settings: Settings, people: Directory) -> None:
        self._settings, self._people = settings, people

    async def rendered(self, view: View, words: Words, *, alone: bool = False, below: bool = False) -> Rendered:
        """``alone`` says that one person reads it: Teams then needs no list. ``below`` is for the thread of a card."""
        shown = render(view, words, below=below)
        if alone or not isinstance(view, TicketCard):
            return shown
        return Rendered(await self._for_readers(shown.card, view), shown.summary)

    async def _for_readers(self, card: Card, view: TicketCard) -> Card:
        known = [await self._people.person(person_id) for person_id in dict.fromkeys(self._concerned(view))]
        return for_readers(card, [person.teams_mri for person in known if person and person.teams_mri])

    def _concerned(self, view: TicketCard) -> Iterator[str]:
        """The nearest to the ticket first."""
        if view.assignee is not None:
            yield view.assignee.id
        if view.requester is not None:
            yield view.requester.id
        ours = [person for person in self._settings.people if view.team and person.team == view.team]
        yield from (person.id for person in ours)
        yield from (person.id for person in self._settings.people)
