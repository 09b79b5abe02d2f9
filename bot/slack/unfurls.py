"""Links to tickets that somebody writes: the live card is shown below them.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.response import BoltResponse

import blocks
from bot.slack.answers import nothing
from bot.slack.api import CallFailed, Outcome
from bot.slack.calls import Asked, Place
from bot.slack.payloads import EventCallback, LinkShared, read
from bot.slack.reception import Reception
from bot.slack.workspaces import split
from core.i18n import Words
from core.model import Person
from core.views import TicketCard

_SETTLE_SECONDS = 2.0
_LINKS_AT_MOST = 5
_ATTEMPTS = 3
_log = logging.getLogger(__name__)


class Unfurls:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        callback = read(body, EventCallback)
        shared = read(callback.event, LinkShared)
        tickets = self._tickets(shared)
        if tickets and shared.user:
            work = self._unfurl(shared, tickets, callback.team_id or "")
            await self._reception.inflight.settle(work, _SETTLE_SECONDS)
        return nothing()

    def _tickets(self, shared: LinkShared) -> dict[str, int]:
        """Address -> number, for the links that are pages of our tickets."""
        base = self._reception.settings.base_url
        found = {link.url: ticket_of(link.url, base) for link in shared.links[:_LINKS_AT_MOST]} if base else {}
        return {url: ticket for url, ticket in found.items() if ticket is not None}

    async def _unfurl(self, shared: LinkShared, tickets: dict[str, int], tenant: str) -> None:
        person = await self._reception.people.meet(shared.user, tenant)
        composing = shared.source == "composer" or shared.channel == "COMPOSER"
        shown = {url: await self._card(ticket, person, composing) for url, ticket in tickets.items()}
        unfurls = {url: {"blocks": card} for url, card in shown.items() if card}
        if not unfurls:
            return
        if shared.unfurl_id and shared.source:
            where = {"unfurl_id": shared.unfurl_id, "source": shared.source}
        else:
            where = {"channel": shared.channel, "ts": shared.message_ts}
        await self._send({**where, "unfurls": unfurls})

    async def _card(self, ticket: int, person: Person, composing: bool) -> list[dict[str, Any]]:
        """The card for everybody in the channel; without buttons while the message is not sent. Empty without one."""
        settings = self._reception.settings
        call = self._reception.call(Asked("show", ticket_id=ticket), person, Place(split(person.slack or "")[1]))
        view = await self._reception.dispatch(call)
        if not isinstance(view, TicketCard):
            return []
        shown = blocks.render(view, Words(settings.language, settings.time_zone)).blocks
        return [block for block in shown if block["type"] != "actions"] if composing else shown

    async def _send(self, arguments: dict[str, Any]) -> None:
        """An unfurl may be repeated: it shows the same again."""
        for attempt in range(_ATTEMPTS):
            try:
                await self._reception.api.call("chat.unfurl", arguments)
                return
            except CallFailed as error:
                _log.info("a link was not unfurled: %s", error)
                if error.outcome is Outcome.REFUSED:
                    return
                await asyncio.sleep(error.after or 0.5 * 2**attempt)


def ticket_of(url: str, base: str) -> int | None:
    """The number of the ticket whose page this is; None for any other address."""
    try:
        parts, ours = urlsplit(url), urlsplit(base)
    except ValueError:
        return None
    if (parts.scheme, parts.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
        return None
    page = re.fullmatch(rf"{re.escape(ours.path.rstrip('/'))}/tickets/([0-9]{{1,15}})/?", parts.path, re.ASCII)
    return int(page[1]) if page else None
