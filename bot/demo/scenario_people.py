"""What the people of the scenario do when nobody else does: ask for something, take a ticket, solve it.

They use what everybody has: the bot in their chat, the buttons of a card, a slash command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from bot.demo import world
from bot.demo.installation import Installation
from bot.demo.slack_records import Json
from bot.demo.teams_person import TeamsUser, card_of
from core.i18n import LANGUAGES, Words


class People:
    """Whoever is not acted as at first on the page does things, so that nobody's hand is led."""

    def __init__(self, place: Installation) -> None:
        self._place = place

    async def ticket(self, ticket_id: int) -> Json:
        """As the HTTP API shows it. Raises LookupError."""
        return await self._get(f"tickets/{ticket_id}")

    async def ticket_of(self, fingerprint: str) -> int:
        """The number of the ticket that an alert belongs to. Raises LookupError."""
        found = await self._get("alerts", fingerprint=fingerprint)
        return int(found["items"][0]["ticket"])

    async def open_tickets(self) -> list[Json]:
        """The oldest of them last."""
        page = await self._get("tickets", status="open", limit="200")
        return list(page["items"])

    async def ask(self, fields: Mapping[str, str]) -> int:
        """Somebody fills in the form for a new ticket in their chat with the bot; its number. Raises LookupError."""
        user = self._place.teams_users[world.TEAMS_USER_OF[self._other]]
        await user.say("create")
        form, submit = _newest_form(user, "create")
        await user.press(user.chat.id, form, submit, fields)
        newest = await self._get("tickets", limit="10")
        return int(next(ticket["id"] for ticket in newest["items"] if ticket["title"] == fields["title"]))

    async def take(self, ticket_id: int) -> bool:
        """Somebody in Teams presses "assign to me", unless the ticket has somebody. Whether they did."""
        ticket = await self.ticket(ticket_id)
        if ticket["assignee"] is not None or ticket["status"] != "new":
            return False
        user = self._place.teams_users[world.TEAMS_USER_OF[self._place.language]]
        activities = self._place.teams.world.conversations[world.OPERATIONS].activities
        for posted in reversed(activities.values()):
            for action in _actions(posted.activity):
                data = action.get("data") or {}
                if data.get("action") == "assign_to_me" and data.get("ticket_id") == ticket_id:
                    return (await user.press(world.OPERATIONS, posted.id, action)).ok
        raise LookupError(f"no card of ticket {ticket_id} in Teams")

    async def resolve(self, ticket_id: int, key: str) -> bool:
        """Somebody in Slack solves the ticket, unless it is solved; ``key`` is what they say. Whether they did."""
        ticket = await self.ticket(ticket_id)
        if ticket["status"] in ("resolved", "closed"):
            return False
        user = self._place.slack_users[world.SLACK_USER_OF[self._other]]
        said = Words(self._place.language).text(key)
        return (await user.command("/ticket", f"resolve {ticket_id} {said}", world.SUPPORT)).ok

    async def tidy_away(self, ticket_id: int) -> None:
        """A ticket that nobody wants any more is solved by the house itself."""
        address = f"{self._place.url}/api/v1/tickets/{ticket_id}/resolve"
        async with self._place.session.post(address, json={}, headers=self._headers) as answer:
            await answer.read()

    @property
    def _other(self) -> str:
        return next(language for language in LANGUAGES if language != self._place.language)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._place.keys.api}"}

    async def _get(self, path: str, **query: str) -> Json:
        address = f"{self._place.url}/api/v1/{path}"
        try:
            async with self._place.session.get(address, params=query, headers=self._headers) as answer:
                if answer.status != 200:
                    raise LookupError(f"{path}: {answer.status}")
                return dict(await answer.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LookupError(f"{path}: {error}") from error


def _newest_form(user: TeamsUser, name: str) -> tuple[str, Json]:
    """The activity with the bot's latest form of that name, and the button that sends it off."""
    for posted in reversed(user.chat.activities.values()):
        for action in _actions(posted.activity):
            if (action.get("data") or {}).get("form") == name:
                return posted.id, action
    raise LookupError(f"the bot showed no form {name}")


def _actions(activity: Json) -> Iterator[Json]:
    """Every button of an activity's card."""
    try:
        card = card_of(activity)
    except LookupError:
        return
    yield from _within(card)


def _within(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if str(value.get("type", "")).startswith("Action."):
            yield value
        for part in value.values():
            yield from _within(part)
    elif isinstance(value, list):
        for part in value:
            yield from _within(part)
