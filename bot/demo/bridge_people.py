"""What people do on the page, done as they: typed, clicked and sent off in the stand-ins, from where it travels on.

Everything here may raise ``NotPossible``, whose text the person is shown, or LookupError for what is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.demo.answer import Answer
from bot.demo.installation import Installation
from bot.demo.slack_person import SlackUser
from bot.demo.slack_records import ChangeKind, Json
from bot.demo.teams_person import TeamsUser
from core.i18n import Words


class NotPossible(Exception):
    """``key`` names the text that says why."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key, self.facts = key, facts

    def text(self, language: str) -> str:
        return Words(language).text(self.key, **self.facts)


class SlackCommand(msgspec.Struct, frozen=True):
    user: str
    channel: str
    text: str
    thread_ts: str | None = None


class SlackAction(msgspec.Struct, frozen=True):
    """``action`` is an entry of ``actions`` as in block_actions; it stands in a message or in a view."""

    user: str
    action: dict[str, Any]
    channel: str = ""
    ts: str | None = None
    view_id: str | None = None


class SlackSubmit(msgspec.Struct, frozen=True):
    user: str
    view_id: str
    values: dict[str, dict[str, dict[str, Any]]] = {}


class SlackClose(msgspec.Struct, frozen=True):
    user: str
    view_id: str | None = None


class SlackOptions(msgspec.Struct, frozen=True):
    """``text`` is what was typed so far into an external select, which ``block_id`` names."""

    user: str
    view_id: str
    block_id: str
    text: str = ""


class TeamsMessage(msgspec.Struct, frozen=True):
    user: str
    conversation: str
    text: str
    mention: bool = False
    mentions: list[str] = []
    reply_to: str | None = None


class TeamsSubmit(msgspec.Struct, frozen=True):
    user: str
    conversation: str
    activity_id: str
    data: Any = None
    verb: str | None = None
    execute: bool = False


class TeamsDialog(msgspec.Struct, frozen=True):
    user: str
    conversation: str
    data: dict[str, Any]


class Hands:
    """One method for each thing that the page can ask for."""

    def __init__(self, place: Installation) -> None:
        self._place = place

    # Slack

    async def slack_command(self, asked: SlackCommand) -> Json:
        """A slash command that the app has, or a message."""
        user, text = self._slack_user(asked.user), asked.text.strip()
        if not text:
            return {}
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            if command not in self._commands():
                raise NotPossible("demo.problem.no_such_command", command=command)
            _check(await user.command(command, rest.strip(), asked.channel))
        else:
            await user.say(text, asked.channel, asked.thread_ts)
        return {}

    async def slack_action(self, asked: SlackAction) -> Json:
        user, action = self._slack_user(asked.user), asked.action
        action_id, block_id = str(action.get("action_id", "")), str(action.get("block_id", ""))
        if asked.view_id:
            _check(await user.click_in_view(asked.view_id, action_id, _picked(action), block_id))
        else:
            _check(await user.click(asked.channel, asked.ts or "", action_id, _picked(action), block_id))
        return {}

    async def slack_submit(self, asked: SlackSubmit) -> Json:
        """What became of the modal: gone, refused at some fields, or replaced."""
        user, modals = self._slack_user(asked.user), self._place.slack.modals
        values = {
            block: {action: _picked(state) for action, state in held.items()} for block, held in asked.values.items()
        }
        errors: list[Any] = []

        def listen(change: Any) -> None:
            if change.kind is ChangeKind.VIEW_ERRORS and change.user == asked.user:
                errors.append(change.payload["errors"])

        feed = self._place.slack.workspace.feed
        feed.callbacks.append(listen)
        try:
            _check(await user.submit(asked.view_id, values))
        except ValueError as error:
            raise NotPossible("demo.problem.incomplete") from error
        finally:
            feed.callbacks.remove(listen)
        if errors:
            return {"errors": errors[-1]}
        stack = modals.stacks.get(asked.user)
        return {"view": modals.payload(stack[-1]), "view_id": stack[-1].id} if stack else {"ok": True}

    async def slack_close(self, asked: SlackClose) -> Json:
        """Closing what is closed already is fine."""
        if asked.view_id and self._place.slack.modals.view(asked.view_id) is not None:
            await self._slack_user(asked.user).close(asked.view_id)
        return {}

    async def slack_options(self, asked: SlackOptions) -> Json:
        """What an external select of a modal offers. Its action id is that of other fields, too."""
        view = self._place.slack.modals.view(asked.view_id)
        elements = {block["block_id"]: block.get("element", {}) for block in view.content["blocks"]} if view else {}
        action_id = elements[asked.block_id]["action_id"]
        user = self._slack_user(asked.user)
        answer = _check(await user.search(asked.view_id, action_id, asked.text, asked.block_id))
        return answer.body if isinstance(answer.body, dict) else {"options": []}

    # Teams

    async def teams_message(self, asked: TeamsMessage) -> Json:
        user, text = self._teams_user(asked.user), asked.text.strip()
        if text or asked.mention:
            await user.say(text, asked.conversation, mention=asked.mention, root=asked.reply_to or "")
        return {}

    async def teams_submit(self, asked: TeamsSubmit) -> Json:
        kind = "Action.Execute" if asked.execute else "Action.Submit"
        data = asked.data if isinstance(asked.data, Mapping) else {}
        action = {"type": kind, "data": dict(data)} | ({"verb": asked.verb} if asked.verb else {})
        answer = await self._teams_user(asked.user).press(asked.conversation, asked.activity_id, action)
        return _task(_check(answer))

    async def teams_dialog(self, asked: TeamsDialog) -> Json:
        answer = await self._teams_user(asked.user).submit_dialog(asked.data, asked.conversation)
        return _task(_check(answer)) or {"done": True}

    # parts

    def _slack_user(self, user: str) -> SlackUser:
        return self._place.slack_users[user]

    def _teams_user(self, user: str) -> TeamsUser:
        return self._place.teams_users[user]

    def _commands(self) -> set[str]:
        """What is installed with the app: its command and the short forms."""
        commands = self._place.service.settings.slack.commands
        return {f"/{name}" for name in (commands.root, *commands.aliases)}


def _check(answer: Answer) -> Answer:
    if not answer.ok:
        raise NotPossible("demo.problem.no_answer")
    return answer


def _picked(state: Mapping[str, Any]) -> object:
    """What was typed or chosen, as the stand-in's people say it."""
    option = state.get("selected_option")
    if isinstance(option, Mapping):
        return option.get("value")
    if "selected_options" in state:
        return [chosen["value"] for chosen in state["selected_options"] or ()]
    for name, value in state.items():
        if name.startswith("selected_") and name != "selected_option":
            return value
    return state.get("value")


def _task(answer: Answer) -> Json:
    """A dialog or a message from the answer to an invoke; empty for neither."""
    body: Json = answer.body if isinstance(answer.body, dict) else {}
    task: Json = body.get("task") or {}
    shown: Any = task.get("value", body.get("value"))
    if isinstance(shown, dict) and task.get("type") == "continue":
        return {"dialog": {"title": shown["title"], "card": shown["card"]["content"]}}
    return {"message": shown} if isinstance(shown, str) else {}
