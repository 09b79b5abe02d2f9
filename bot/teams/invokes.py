"""Asks that Teams waits for: dialogs, searches, message actions, ``Action.Execute``. By name, from a table.

Everything is answered, unknown and malformed ones too: what Teams gets no proper answer to, it shows as a broken app.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.commands.call import Dispatcher
from bot.teams import answers
from bot.teams.answers import Body
from bot.teams.calls import Asker, Click, click, quote_place
from bot.teams.incoming import Malformed
from bot.teams.people import People
from bot.teams.quoted import quoted
from bot.teams.requesters import Requesters
from core.config.settings import Settings
from core.views import Form, Message, Notice, TicketCard, TicketList, View

CARD_ACTION = "adaptiveCard/action"
# Asking them again does no harm, so each is answered anew.
READS = frozenset(
    {
        "task/fetch",
        "composeExtension/query",
        "composeExtension/queryLink",
        "composeExtension/selectItem",
        "composeExtension/fetchTask",
        "application/search",
    }
)
Answer = tuple[int, Body]
_log = logging.getLogger(__name__)


class Invokes:
    def __init__(self, settings: Settings, dispatch: Dispatcher, people: People) -> None:
        self._settings, self._dispatch, self._people = settings, dispatch, people
        self._requesters = Requesters()
        self._table: dict[str, Callable[[Asker, Mapping[str, Any]], Awaitable[Body]]] = {
            CARD_ACTION: self._execute,
            "task/fetch": self._open_dialog,
            "task/submit": self._submit_dialog,
            "composeExtension/query": self._search,
            "composeExtension/queryLink": self._unfurl,
            "composeExtension/selectItem": self._select,
            "composeExtension/fetchTask": self._open_create,
            "composeExtension/submitAction": self._submit_create,
            "application/search": self._suggest,
        }

    async def answer(self, asker: Asker) -> Answer:
        """HTTP status and body."""
        name = asker.incoming.name or ""
        handle = self._table.get(name)
        if handle is None:
            _log.info("an unknown invoke: %r", name[:100])
            return 501, answers.error("NotImplemented", "this invoke is not known here")
        try:
            if not isinstance(asker.incoming.value, Mapping):
                raise Malformed("no value")
            return 200, await handle(asker, asker.incoming.value)
        except Malformed as error:
            _log.info("a malformed %s: %s", name, error)
            message = asker.words.text("error.bad_request")
            if name == CARD_ACTION:
                return 200, answers.card_error(400, "BadRequest", message)
            return 400, answers.error("BadRequest", message)

    async def _execute(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        """A refresh, which Teams starts by itself, only ever shows."""
        action = _mapping(value.get("action"), "action")
        if action.get("type") != "Action.Execute":
            raise Malformed("not an Action.Execute")
        verb, data = action.get("verb"), _mapping(action.get("data") or {}, "data")
        if is_refresh(value):
            asked = _show(data.get("ticket_id"), "show_mine")
        else:
            asked = click(data if "form" in data or "action" in data else {**data, "action": verb})
        view = await self._dispatch(asked.call(asker))
        if isinstance(view, Message | Notice):
            return await self._after(asker, asked, view)
        return answers.in_place(view, asker.words)

    async def _after(self, asker: Asker, asked: Click, view: Message | Notice) -> Body:
        """What the clicker sees after something was done: the ticket as it is now."""
        refused = isinstance(view, Message) and view.is_error
        if not refused and asked.ticket_id is not None:
            fresh = await self._dispatch(asker.call("show_mine", ticket_id=asked.ticket_id))
            if isinstance(fresh, TicketCard):
                return answers.in_place(fresh, asker.words)
        return answers.told(view, asker.words)

    async def _open_dialog(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        view = await self._dispatch(click(value.get("data")).call(asker))
        return answers.task(view, asker.words)

    async def _submit_dialog(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        return answers.task(await self._submit(asker, _submitted(value.get("data"), None)), asker.words)

    async def _submit(self, asker: Asker, asked: Click) -> View:
        call = self._requesters.taken(asker, asked.call(asker))
        return self._requesters.kept(call, await self._dispatch(call))

    async def _open_create(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        """From a message when Teams hands one over, else an empty form."""
        payload = value.get("messagePayload")
        if payload is None:
            return answers.task(await self._dispatch(asker.call("create")), asker.words)
        message = quoted(payload)
        author = await self._people.author(asker.incoming, message.user, message.author) if message.user else None
        view = await self._dispatch(asker.call("create", place=quote_place(asker.incoming, message)))
        return answers.task(self._requesters.offer(asker, author, view), asker.words)

    async def _submit_create(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        """While somebody writes a message, the new ticket's card is put into it."""
        view = await self._submit(asker, _submitted(value.get("data"), "create"))
        ticket = view.ticket_id if isinstance(view, Message) and not view.is_error else None
        if value.get("commandContext") == "compose" and not isinstance(view, Form):
            fresh = await self._dispatch(asker.call("show", ticket_id=ticket)) if ticket is not None else view
            if isinstance(fresh, TicketCard):
                return answers.composed(fresh, asker.words)
        return answers.task(view, asker.words)

    async def _search(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        options = value.get("queryOptions")
        if isinstance(options, Mapping) and options.get("skip"):
            return answers.found((), asker.words)  # all there is stands on the first page
        text = _query(value.get("parameters"))
        number = text.removeprefix("#")
        if number.isascii() and number.isdigit():
            view = await self._dispatch(_show(number).call(asker))
            if isinstance(view, TicketCard):
                return answers.composed(view, asker.words)
        view = await self._dispatch(asker.call("list", text=text))
        if isinstance(view, TicketList) and view.tickets:
            return answers.found(view.tickets, asker.words)
        return answers.nothing_found(answers.summary(view, asker.words))

    async def _select(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        return await self._shown(asker, value.get("ticket_id"))

    async def _unfurl(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        """The card of a ticket whose page somebody links to."""
        head, _, number = str(value.get("url") or "").rpartition("/")
        if not self._settings.base_url or head != f"{self._settings.base_url}/tickets":
            raise Malformed("not a link to a ticket")
        return await self._shown(asker, number)

    async def _shown(self, asker: Asker, ticket_id: Any) -> Body:
        view = await self._dispatch(_show(ticket_id).call(asker))
        if isinstance(view, TicketCard):
            return answers.composed(view, asker.words)
        return answers.nothing_found(answers.summary(view, asker.words))

    async def _suggest(self, asker: Asker, value: Mapping[str, Any]) -> Body:
        return answers.no_suggestions()


def is_refresh(value: Any) -> bool:
    """Whether this ``adaptiveCard/action`` only asks for the reader's own view."""
    if not isinstance(value, Mapping):
        return False
    action = value.get("action")
    return value.get("trigger") == "automatic" or (isinstance(action, Mapping) and action.get("verb") == "refresh")


def _show(ticket_id: Any, name: str = "show") -> Click:
    if ticket_id is None:
        raise Malformed("no ticket")
    return click({"action": name, "ticket_id": ticket_id})


def _submitted(data: Any, default: str | None) -> Click:
    """A form's data; the SDK's samples leave the form's name out where there is one form alone. Raises Malformed."""
    if isinstance(data, Mapping) and "form" not in data:
        data = {**data, "form": default or data.get("action")}
    return click(data)


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"no {name}")
    return value


def _query(parameters: Any) -> str:
    """What was typed into the search; nothing at its first run."""
    for parameter in parameters if isinstance(parameters, list) else ():
        if isinstance(parameter, Mapping) and parameter.get("name") != "initialRun":
            return str(parameter.get("value") or "").strip()
    return ""
