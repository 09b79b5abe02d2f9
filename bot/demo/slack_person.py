"""A person in Slack: types, clicks and submits in the stand-in, and the product hears of it as it would from Slack.

Whatever the product answers is shown as Slack would show it; an answer that is late, wrong or not there stands in the
stand-in's ``violations``.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Mapping
from typing import Protocol

import aiohttp

from bot.demo import slack_payloads as payloads
from bot.demo.answer import Answer, read_body
from bot.demo.block_kit_lint import lint_options
from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_facts import ACK_SECONDS
from bot.demo.slack_records import Conversation, Ephemeral, Json, Message, OpenView, ResponseUrl, SlackRefusal
from bot.demo.slack_socket import EnvelopeKind, NotConnected

# What a client turns into links of its own; all other text arrives escaped.
_LINKS = re.compile(r"(<(?:@[UW]\w+|#C\w+|!subteam\^S\w+|!(?:here|channel|everyone)|https?://[^<>\s]+)>)")


class SlackDoor(Protocol):
    """The way from Slack to the product."""

    async def deliver(self, kind: EnvelopeKind, payload: Json, *, retry: int = 0, reason: str = "") -> Answer:
        """Hand over one payload and wait for the acknowledgement."""


class HttpDoor:
    """Signed requests to the product's /slack/events."""

    def __init__(self, stand_in: SlackStandIn, session: aiohttp.ClientSession, url: str, signing_secret: str) -> None:
        self._stand_in, self._session, self._url, self._secret = stand_in, session, url, signing_secret

    async def deliver(self, kind: EnvelopeKind, payload: Json, *, retry: int = 0, reason: str = "") -> Answer:
        content_type = "application/x-www-form-urlencoded"
        if kind == "slash_commands":
            body = payloads.form(payload)
        elif kind == "interactive":
            body = payloads.interaction(payload)
        else:
            body, content_type = json.dumps(payload, ensure_ascii=False).encode(), "application/json"
        headers = payloads.signed_headers(self._secret, int(self._stand_in.workspace.clock()), body)
        headers["Content-Type"] = content_type
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason or "http_timeout"}
        timeout = aiohttp.ClientTimeout(total=ACK_SECONDS)
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as response:
                return Answer(response.status, read_body(await response.text()))
        except (aiohttp.ClientError, TimeoutError):
            return Answer(0)


class SocketDoor:
    """Socket Mode: envelopes down the connection that the product holds open."""

    def __init__(self, stand_in: SlackStandIn) -> None:
        self._stand_in = stand_in

    async def deliver(self, kind: EnvelopeKind, payload: Json, *, retry: int = 0, reason: str = "") -> Answer:
        try:
            return Answer(200, await self._stand_in.sockets.deliver(kind, payload, retry=retry, reason=reason))
        except (NotConnected, ConnectionError, TimeoutError):
            return Answer(0)


class SlackUser:
    """``id`` of somebody in the workspace, and the door to the product."""

    def __init__(self, stand_in: SlackStandIn, id: str, door: SlackDoor) -> None:
        self._stand_in, self._workspace, self._modals = stand_in, stand_in.workspace, stand_in.modals
        self._person = stand_in.workspace.person(id)
        self._door = door
        self.id = id

    async def command(self, command: str, text: str, channel: str) -> Answer:
        """Type ``/command text`` in a channel (id or name)."""
        place = self._channel(channel)
        trigger = self._modals.issue_trigger(self.id)
        url = self._stand_in.response_urls.issue(place.id, self.id)
        fields = payloads.slash_command_payload(
            self._workspace.app, self._person, place, command, escape(text), trigger, url
        )
        answer = await self._deliver("slash_commands", fields)
        self._show_answer(place, answer)
        return answer

    async def say(self, text: str, channel: str, thread_ts: str | None = None, files: tuple[str, ...] = ()) -> Message:
        """Write a message; the product hears of it when its bot is in the channel, twice when it is mentioned.
        ``files`` are names of what is sent along."""
        place = self._channel(channel)
        thread = self._workspace.root_of(place, thread_ts)
        ts = self._workspace.next_ts()
        message = Message(ts, place.id, self.id, escape(text), thread_ts=thread)
        if files:
            message.subtype, message.files = "file_share", [self._file(name) for name in files]
        self._workspace.post(place, message)
        app, client_id = self._workspace.app, str(uuid.uuid4())
        if app.bot_user in place.members:
            parent = place.messages.get(thread or "")
            above = {"parent_user_id": parent.user} if parent is not None else {}
            events = [payloads.message_event(app, message, place, client_id) | above]
            if f"<@{app.bot_user}>" in message.text:
                events.append(payloads.app_mention_event(app, message, client_id) | above)
            await asyncio.gather(*(self._tell(event) for event in events))
        shared = self._stand_in.unfurls.share(message.text, self.id, message)
        if shared is not None:
            await self._tell(shared)
        return message

    async def edit(self, channel: str, ts: str, text: str) -> Answer:
        """Change what one wrote."""
        place = self._channel(channel)
        message, before = self._written(place, ts)
        self._workspace.edit(message, text=escape(text))
        app, now = self._workspace.app, self._workspace.next_ts()
        return await self._tell(payloads.message_changed_event(app, before, message, place, now))

    async def delete(self, channel: str, ts: str) -> Answer:
        """Delete what one wrote."""
        place = self._channel(channel)
        message, before = self._written(place, ts)
        self._workspace.delete(place, message)
        return await self._tell(payloads.message_deleted_event(before, place, self._workspace.next_ts()))

    async def compose(self, text: str) -> str | None:
        """Type links into a message that is not sent; the id of the preview, if there are links of the app in it."""
        shared = self._stand_in.unfurls.share(escape(text), self.id, None)
        if shared is None:
            return None
        await self._tell(shared)
        return str(shared["unfurl_id"])

    async def click(self, channel: str, ts: str, action_id: str, value: object = None, block_id: str = "") -> Answer:
        """Press a button of a message or ephemeral, or pick ``value`` in one of its menus."""
        place = self._channel(channel)
        message: Message | Ephemeral | None = place.messages.get(ts) or self._workspace.ephemerals.get(ts)
        if message is None:
            raise LookupError(f"no message {ts} in {place.name}")
        blocks = message.blocks or _unfurled(message)
        block, element = _find(blocks, action_id, block_id)
        trigger = self._modals.issue_trigger(self.id)
        url = self._stand_in.response_urls.issue(place.id, self.id, message=ts, thread_ts=message.thread_ts)
        payload = payloads.block_actions_payload(
            self._workspace.app, self._person, self._action(block, element, value), trigger_id=trigger,
            message=message, channel=place, state=_state(blocks, block, element, value), answer_to=url,
        )  # fmt: skip
        return await self._deliver("interactive", payload)

    async def click_in_view(self, view_id: str, action_id: str, value: object = None, block_id: str = "") -> Answer:
        """The same in a modal or on the Home tab."""
        view = self._view(view_id)
        block, element = _find(view.content["blocks"], action_id, block_id)
        shown = self._modals.payload(view, _state(view.content["blocks"], block, element, value))
        trigger = self._modals.issue_trigger(self.id, None if view.type == "home" else view.id)
        payload = payloads.block_actions_payload(
            self._workspace.app, self._person, self._action(block, element, value), trigger_id=trigger, view=shown
        )
        return await self._deliver("interactive", payload)

    async def submit(self, view_id: str, answers: Mapping[str, Mapping[str, object]]) -> Answer:
        """Send a modal off with ``answers[block_id][action_id]``; what is not named keeps its initial value.

        Raises ValueError, and sends nothing, when an answer is missing that the view demands: so does Slack's client.
        """
        view = self._view(view_id)
        values = payloads.view_state(view.content["blocks"], answers)
        _demand(view.content["blocks"], values)
        shown = self._modals.payload(view, values)
        trigger = self._modals.issue_trigger(self.id, view.id)
        payload = payloads.view_submission_payload(self._workspace.app, self._person, shown, trigger)
        answer = await self._deliver("interactive", payload)
        if answer.ok:
            self._modals.answer_submission(view, answer.body)
        return answer

    async def close(self, view_id: str, *, whole_stack: bool = False) -> Answer | None:
        """Cancel a modal; the product hears of it if the view asks for that."""
        view = self._view(view_id)
        cleared = whole_stack or bool(view.content["clear_on_close"])
        self._modals.close(view_id, whole_stack=cleared)
        if not view.content["notify_on_close"]:
            return None
        shown = self._modals.payload(view)
        payload = payloads.view_closed_payload(self._workspace.app, self._person, shown, is_cleared=cleared)
        return await self._deliver("interactive", payload)

    async def search(self, view_id: str, action_id: str, typed: str, block_id: str = "") -> Answer:
        """Type into an external select of a modal; the answer holds the options."""
        view = self._view(view_id)
        block, element = _find(view.content["blocks"], action_id, block_id)
        if not str(element["type"]).endswith("external_select"):
            raise LookupError(f"{block['block_id']} asks for no options")
        payload = payloads.options_payload(
            self._workspace.app, self._person, element, block["block_id"], typed, self._modals.payload(view)
        )
        answer = await self._deliver("interactive", payload)
        if answer.ok and (problems := lint_options(answer.body)):
            self._workspace.violate("block_suggestion", "invalid_options", *problems)
        return answer

    async def shortcut(self, callback_id: str, channel: str = "", ts: str = "") -> Answer:
        """A global shortcut, or one from the menu of the message ``ts`` in ``channel``."""
        app, now, trigger = self._workspace.app, self._workspace.next_ts(), self._modals.issue_trigger(self.id)
        payload = payloads.shortcut_payload(app, self._person, callback_id, trigger, now)
        if ts:
            place = self._channel(channel)
            url = self._stand_in.response_urls.issue(place.id, self.id, message=ts)
            payload = payloads.message_action_payload(
                app, self._person, callback_id, place.messages[ts], place, trigger_id=trigger, answer_to=url, ts=now
            )
        return await self._deliver("interactive", payload)

    async def open_home(self) -> Answer:
        """Look at the app's Home tab."""
        home = self._modals.homes.get(self.id)
        shown = self._modals.payload(home) if home else None
        channel = self._workspace.open_direct((self.id,))
        return await self._tell(payloads.home_opened_event(self.id, channel.id, self._workspace.next_ts(), shown))

    async def react(self, channel: str, ts: str, name: str) -> Answer:
        message = self._channel(channel).messages[ts]
        self._workspace.react(message, self.id, name)
        return await self._tell(payloads.reaction_event(message, self.id, name, self._workspace.next_ts()))

    # parts

    def _written(self, place: Conversation, ts: str) -> tuple[Message, Json]:
        """A message of this person's, and how it shows now."""
        message = place.messages.get(ts)
        if message is None or message.user != self.id:
            raise LookupError(f"{self._person.name} wrote no message {ts}")
        return message, message.payload(self._workspace.app.team, with_metadata=False)

    def _file(self, name: str) -> Json:
        file, domain = self._workspace.next_id("F"), self._workspace.app.domain
        link = f"https://{domain}.slack.com/files/{self.id}/{file}/{name}"
        return {"id": file, "name": name, "title": name, "user": self.id, "permalink": link}

    def _channel(self, reference: str) -> Conversation:
        channel = self._workspace.channels.get(reference) or self._workspace.find(reference)
        if channel is None or (channel.kind != "channel" and self.id not in channel.members):
            raise LookupError(f"{self._person.name} sees no channel {reference}")
        return channel

    def _view(self, view_id: str) -> OpenView:
        view = self._modals.view(view_id)
        if view is None or view.user != self.id:
            raise LookupError(f"{self._person.name} sees no view {view_id}")
        return view

    def _action(self, block: Json, element: Json, value: object) -> Json:
        return payloads.action_of(element, block["block_id"], value, self._workspace.next_ts())

    async def _tell(self, event: Json) -> Answer:
        app, event_id = self._workspace.app, self._workspace.next_id("Ev")
        return await self._deliver(
            "events_api", payloads.event_payload(app, event, event_id, int(self._workspace.clock()))
        )

    async def _deliver(self, kind: EnvelopeKind, payload: Json) -> Answer:
        answer = await self._door.deliver(kind, payload)
        if not answer.ok:
            reason = f"status {answer.status}" if answer.status else f"no answer within {ACK_SECONDS:g} s"
            self._workspace.violate(kind, "dispatch_failed", reason, str(payload.get("type") or payload["command"]))
        return answer

    def _show_answer(self, channel: Conversation, answer: Answer) -> None:
        """The body of an answer to a slash command is shown like something sent to its response_url."""
        if not answer.ok or not answer.body:
            return
        body = answer.body if isinstance(answer.body, dict) else {"text": str(answer.body)}
        source = ResponseUrl("", channel.id, self.id, 0.0, 1)
        try:
            self._stand_in.response_urls.answer(source, body)
        except SlackRefusal as refusal:
            self._workspace.violate("slash_commands", refusal.code, *refusal.messages)


def escape(text: str) -> str:
    """What a person typed, as Slack hands it on: ``& < >`` escaped, except where the client made a link."""
    parts = _LINKS.split(text)
    return "".join(
        part if index % 2 else part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for index, part in enumerate(parts)
    )


def _unfurled(message: Message | Ephemeral) -> list[Json]:
    """What apps show of the links in a message."""
    attachments = message.attachments if isinstance(message, Message) else []
    return [block for attachment in attachments for block in attachment.get("blocks", [])]


def _find(blocks: list[Json], action_id: str, block_id: str) -> tuple[Json, Json]:
    for block in blocks:
        for element in payloads.elements_of(block):
            if element["action_id"] == action_id and block_id in ("", block["block_id"]):
                return block, element
    raise LookupError(f"nothing here is called {action_id}")


def _state(blocks: list[Json], block: Json, element: Json, value: object) -> Json:
    picked = {block["block_id"]: {element["action_id"]: value}} if payloads.holds_value(element) else {}
    return payloads.view_state(blocks, picked)


def _demand(blocks: list[Json], values: Json) -> None:
    for block in blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        for state in values.get(block["block_id"], {}).values():
            if not any(held for key, held in state.items() if key != "type"):
                raise ValueError(f"{block['block_id']} must be filled in")
