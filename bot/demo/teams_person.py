"""A person in Teams: writes and clicks in the stand-in, and the product hears of it as it would from Teams.

An answer that is late, wrong, malformed or not there stands in the stand-in's ``violations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import aiohttp

from bot.demo import teams_activities as activities
from bot.demo.answer import Answer, read_body
from bot.demo.connector import ConnectorStandIn
from bot.demo.issuer import Issuer
from bot.demo.teams_activities import Situation
from bot.demo.teams_answers import invoke_problems
from bot.demo.teams_records import ADAPTIVE, Json, Posted, TeamsConversation

# Teams shows "Unable to reach app" after this many seconds, and asks again.
ANSWER_SECONDS = 5.0


class TeamsDoor:
    """Authentic requests to the product's /api/messages; without an ``issuer`` they carry no token."""

    def __init__(self, session: aiohttp.ClientSession, url: str, issuer: Issuer | None) -> None:
        self._session, self._url, self._issuer = session, url, issuer

    async def deliver(self, activity: Json) -> Answer:
        headers = {}
        if self._issuer is not None:
            headers["Authorization"] = f"Bearer {self._issuer.token(activity['serviceUrl'])}"
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self._session.post(self._url, json=activity, headers=headers, timeout=timeout) as response:
                return Answer(response.status, read_body(await response.text()))
        except (aiohttp.ClientError, TimeoutError):
            return Answer(0)


class TeamsUser:
    """``id`` is the 29: id of somebody in the stand-in."""

    def __init__(self, stand_in: ConnectorStandIn, id: str, door: TeamsDoor) -> None:
        self._stand_in, self._world, self._door = stand_in, stand_in.world, door
        self._person = stand_in.world.people[id]
        self.id = id

    @property
    def chat(self) -> TeamsConversation:
        """The personal chat with the bot."""
        return self._world.personal_chat(self._person)

    async def say(
        self,
        text: str,
        conversation: str = "",
        *,
        mention: bool = False,
        root: str = "",
        files: Mapping[str, str] | None = None,
    ) -> Posted:
        """Write to the bot in private, or in a channel or group chat, where it hears what mentions it, or everything
        if it may read along. ``files`` are the addresses of what is sent along, by name."""
        place = self._place(conversation)
        posted = self._world.post(place, self.id, self._written(text), root)
        posted.heard = mention or place.kind == "personal" or (place.bot_present and self._world.reads_along)
        if posted.heard:
            situation = self._situation(place, posted.root, posted.id)
            await self._deliver(activities.activity_message(situation, text, mention=mention, files=files or {}))
        return posted

    async def edit(self, conversation: str, activity_id: str, text: str) -> None:
        """Change what one wrote; the bot hears of it if it heard of the message."""
        place, posted = self._own(conversation, activity_id)
        self._world.update(posted, self._written(text))
        if posted.heard:
            situation = self._situation(place, posted.root, posted.id)
            await self._deliver(activities.activity_edited(situation, text))

    async def delete(self, conversation: str, activity_id: str) -> None:
        """Delete what one wrote."""
        place, posted = self._own(conversation, activity_id)
        self._world.delete(place, posted)
        if posted.heard:
            await self._deliver(activities.activity_deleted(self._situation(place, posted.root, posted.id)))

    async def press(
        self,
        conversation: str,
        activity_id: str,
        action: str | Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Press a button of the card in ``activity_id``, named by its title or given as it stands in the card.

        ``inputs`` are the values of the card's inputs by id. Raises LookupError if there is no such button.
        """
        place = self._place(conversation)
        card = card_of(place.activities[activity_id].activity)
        button = find_action(card, action) if isinstance(action, str) else dict(action)
        situation = self._situation(place, place.activities[activity_id].root)
        data = dict(button.get("data") or {}) | dict(inputs or {})
        if button["type"] == "Action.Execute":
            value = activities.execute_value(button, data)
            return await self._invoke(situation, "adaptiveCard/action", value, activity_id)
        if (data.get("msteams") or {}).get("type") == "task/fetch":
            value = activities.task_fetch_value(data)
            return await self._invoke(situation, "task/fetch", value, activity_id)
        return await self._deliver(activities.activity_submit(situation, data, activity_id))

    async def refresh(self, conversation: str, activity_id: str) -> Answer:
        """Look at a card that refreshes itself for each reader."""
        place = self._place(conversation)
        action = card_of(place.activities[activity_id].activity)["refresh"]["action"]
        value = activities.execute_value(action, dict(action.get("data") or {}), automatic=True)
        situation = self._situation(place, place.activities[activity_id].root)
        return await self._invoke(situation, "adaptiveCard/action", value, activity_id)

    async def submit_dialog(self, data: Json, conversation: str = "") -> Answer:
        """Send a dialog off; ``data`` is that of its button with the inputs."""
        situation = self._situation(self._place(conversation))
        return await self._invoke(situation, "task/submit", activities.task_submit_value(data))

    async def open_command(self, command: str, message: Posted | None = None) -> Answer:
        """An action of the message extension, from the compose box or from the menu of somebody's message."""
        place = self._place(message.conversation if message else "")
        value = activities.command_value(command, "compose")
        if message is not None:
            author = self._world.people[message.sender]
            shown = activities.message_payload(author, message.id, message.activity["text"], self._world.clock())
            value = activities.command_value(command, "message", message=shown)
        situation = self._situation(place, message.root if message else "")
        return await self._invoke(situation, "composeExtension/fetchTask", value)

    async def submit_command(self, command: str, data: Json, conversation: str = "") -> Answer:
        situation = self._situation(self._place(conversation))
        value = activities.command_value(command, "compose", data=data)
        return await self._invoke(situation, "composeExtension/submitAction", value)

    async def search(self, command: str, parameter: str, typed: str | None, conversation: str = "") -> Answer:
        """Type into the search of the message extension; None is before anything was typed."""
        situation = self._situation(self._place(conversation))
        value = activities.query_value(command, parameter, typed)
        return await self._invoke(situation, "composeExtension/query", value)

    async def invoke(self, name: str, value: Json, conversation: str = "", reply_to_id: str | None = None) -> Answer:
        return await self._invoke(self._situation(self._place(conversation)), name, value, reply_to_id)

    async def install(self, action: Literal["add", "remove"] = "add") -> Answer:
        """Install the app for oneself, or take it away."""
        self._person.installed = action == "add"
        chat = self.chat
        chat.bot_present = self._person.installed
        if action == "add":
            await self._deliver(activities.activity_members(self._situation(chat), added=(self._world.bot_id, self.id)))
        return await self._deliver(activities.activity_installation(self._situation(chat), action))

    async def add_bot(self, conversation: str) -> Answer:
        """Add the bot to a team or group chat."""
        return await self._change_bot(conversation, "added")

    async def remove_bot(self, conversation: str) -> Answer:
        return await self._change_bot(conversation, "removed")

    async def _change_bot(self, conversation: str, change: Literal["added", "removed"]) -> Answer:
        """In a team the news comes from the team, not from one of its channels."""
        place = self._place(conversation)
        place.bot_present = change == "added"
        bot = (self._world.bot_id,)
        added, removed = (bot, ()) if place.bot_present else ((), bot)
        event = f"teamMember{change.title()}" if place.kind == "channel" else ""
        told = activities.activity_members(self._situation(place), added=added, removed=removed, event=event)
        if place.kind == "channel":
            told["conversation"]["id"] = place.team
        return await self._deliver(told)

    async def react(self, conversation: str, activity_id: str, reaction: str = "like") -> Answer:
        place = self._place(conversation)
        situation = self._situation(place, place.activities[activity_id].root)
        return await self._deliver(activities.activity_reaction(situation, reaction, activity_id))

    # parts

    def _written(self, text: str) -> Json:
        return {"type": "message", "text": text, "from": {"id": self.id, "name": self._person.name}}

    def _own(self, conversation: str, activity_id: str) -> tuple[TeamsConversation, Posted]:
        place = self._place(conversation)
        posted = place.activities.get(activity_id)
        if posted is None or posted.sender != self.id:
            raise LookupError(f"{self._person.name} wrote no message {activity_id}")
        return place, posted

    def _place(self, reference: str) -> TeamsConversation:
        if not reference:
            return self.chat
        place, _ = self._world.find(reference, self._person.tenant)
        if self.id not in place.members:
            raise LookupError(f"{self._person.name} is not in {reference}")
        return place

    def _situation(self, place: TeamsConversation, root: str = "", id: str = "") -> Situation:
        url = self._stand_in.service_url(place.tenant)
        made, at = id or self._world.next_id(), self._world.clock()
        return Situation(self._person, place, self._world.bot_id, self._world.bot_name, url, made, at, root)

    async def _invoke(self, situation: Situation, name: str, value: Json, reply_to_id: str | None = None) -> Answer:
        answer = await self._deliver(activities.activity_invoke(situation, name, value, reply_to_id))
        problems = invoke_problems(name, answer.body) if answer.ok else []
        if problems:
            self._world.violate(name, "malformed_answer", *problems)
        return answer

    async def _deliver(self, activity: Json) -> Answer:
        answer = await self._door.deliver(activity)
        if not answer.ok:
            reason = f"status {answer.status}" if answer.status else f"no answer within {ANSWER_SECONDS:g} s"
            self._world.violate(str(activity.get("name") or activity["type"]), "dispatch_failed", reason)
        return answer


def card_of(activity: Json) -> Json:
    """The adaptive card in an activity. Raises LookupError when there is none."""
    for attachment in activity.get("attachments") or ():
        if attachment.get("contentType") == ADAPTIVE:
            return dict(attachment["content"])
    raise LookupError("no adaptive card in this activity")


def find_action(card: Json, title: str) -> Json:
    """The button of a card with this title, wherever it stands. Raises LookupError when there is none."""
    for action in _actions(card):
        if action.get("title") == title:
            return action
    raise LookupError(f"no button {title!r}; there are {[action.get('title') for action in _actions(card)]}")


def _actions(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if str(value.get("type", "")).startswith("Action."):
            yield value
        for key, item in value.items():
            if key not in ("data", "fallback"):
                yield from _actions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _actions(item)
