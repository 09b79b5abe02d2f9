"""Who wrote the message that a ticket is made from: the requester, if the form comes back from whom it was given to.

The form carries the name, and whoever sends a form can write what they like. So a name counts only where this door has
offered it to the sender before; after a restart the sender is the requester.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec.structs import replace

from bot.commands.call import Call
from bot.teams.calls import Asker
from core.model import Person
from core.views import Form, View

REQUESTER = "requester"
_REMEMBERED = 2000


class Requesters:
    def __init__(self) -> None:
        self._offered: OrderedDict[tuple[str, str], None] = OrderedDict()

    def offer(self, asker: Asker, author: Person | None, view: View) -> View:
        """The form with the author in it."""
        if author is None or not isinstance(view, Form):
            return view
        self._offered[asker.person.id, author.id] = None
        while len(self._offered) > _REMEMBERED:
            self._offered.popitem(last=False)
        return replace(view, context={**view.context, REQUESTER: author.id})

    def taken(self, asker: Asker, call: Call) -> Call:
        """The call that a form makes, with its requester in its place if that was offered."""
        fields = dict(call.fields)
        requester = fields.pop(REQUESTER, "")
        place = dict(call.place)
        if (asker.person.id, requester) in self._offered:
            place[REQUESTER] = requester
        return replace(call, fields=fields, place=place)

    def kept(self, call: Call, view: View) -> View:
        """A form that is shown once more, with what it came with."""
        if not isinstance(view, Form) or REQUESTER not in call.place:
            return view
        return replace(view, context={**view.context, REQUESTER: call.place[REQUESTER]})
