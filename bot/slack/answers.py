"""Showing somebody a view: in the answer to Slack, by a modal, or by a message that only they see."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from slack_bolt.response import BoltResponse

import blocks
from bot.slack.api import CallFailed, Outcome, SlackApi
from bot.slack.calls import Place
from bot.slack.inflight import Inflight
from core.errors import DeskError
from core.i18n import Words
from core.views import Form, Message, View

# A trigger_id lives for three seconds, and Slack waits as long for an answer.
TRIGGER_SECONDS = 2.5
SETTLE_SECONDS = 2.0
_POST_ATTEMPTS = 3
_UPDATE_ATTEMPTS = 3
_WAIT_AT_MOST = 30.0

_log = logging.getLogger(__name__)


def nothing() -> BoltResponse:
    """Taken, and nothing to show."""
    return BoltResponse(status=200, body="")


def trouble(status: int, code: str) -> BoltResponse:
    """An answer to Slack itself. With 503 it may come again soon; what is wrong with a request stays wrong."""
    headers: dict[str, str | Sequence[str]] = {"Retry-After": "5"} if status == 503 else {"X-Slack-No-Retry": "1"}
    body = {"error": {"code": code, "message": code.replace("_", " ")}}
    return BoltResponse(status=status, body=body, headers=headers)


def ephemeral(view: View, words: Words) -> dict[str, Any]:
    """A message that only the asker sees, as the answer to a command or to a response_url."""
    shown = blocks.render(view, words)
    return {"response_type": "ephemeral", "text": shown.text, "blocks": shown.blocks}


def page(views: Sequence[View], words: Words) -> dict[str, Any]:
    """A modal that shows views below each other and takes no input."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": words.text("slack.modal_title")},
        "close": {"type": "plain_text", "text": words.text("form.close")},
        "blocks": [block for view in views for block in blocks.render(view, words).blocks],
    }


def modal(view: View, words: Words, place: Place) -> dict[str, Any]:
    """A form that comes back with its place; anything else as a page."""
    if not isinstance(view, Form):
        return page((view,), words)
    return blocks.modal(msgspec.structs.replace(view, context={**view.context, **place.context()}), words)


class Shown(msgspec.Struct, frozen=True):
    """What a window is to show, in whose words, and where it was asked for."""

    view: View
    words: Words
    place: Place


async def _made(make: Callable[[], Awaitable[Shown]], words: Words, place: Place) -> Shown:
    """What ``make`` gives, or why it gives nothing."""
    try:
        return await make()
    except DeskError as error:
        return Shown(Message(error.key, error.facts, is_error=True), words, place)
    except Exception:
        reference = secrets.token_hex(4)
        _log.exception("a window has nothing to show (reference %s)", reference)
        return Shown(Message("error.internal", {"reference": reference}, is_error=True), words, place)


class Answers:
    def __init__(self, api: SlackApi, inflight: Inflight) -> None:
        self._api = api
        self._inflight = inflight

    async def open(self, form: Form, words: Words, trigger_id: str, place: Place) -> None:
        """Open a form; if that fails, tell the person to ask again. Waits two seconds at most, and goes on then."""
        await self._inflight.settle(self._open(form, words, trigger_id, place), SETTLE_SECONDS)

    async def load(
        self, make: Callable[[], Awaitable[Shown]], words: Words, trigger_id: str, place: Place, *, above: bool = False
    ) -> None:
        """Open a window at once, for a trigger_id does not wait, and show in it what ``make`` gives.

        ``above``: on top of the modal that was clicked in. Waits two seconds at most, and goes on then.
        """
        await self._inflight.settle(self._load(make, words, trigger_id, place, above), SETTLE_SECONDS)

    async def change(self, view_id: str, hash: str | None, views: Sequence[View], words: Words) -> None:
        """Show ``views`` in a modal that is open."""
        await self._inflight.settle(self._update(view_id, hash, page(views, words)), SETTLE_SECONDS)

    async def whisper(self, view: View, words: Words, place: Place, *, replace: bool = False) -> None:
        """Show a view to the asker alone, at ``place``; ``replace`` puts it where the clicked message is.

        Waits two seconds at most and goes on after that; what Slack refuses is logged.
        """
        await self._inflight.settle(self._whisper(view, words, place, replace), SETTLE_SECONDS)

    async def post(self, view: View, words: Words, place: Place) -> None:
        """Answer in the open, where a message was written. What may have arrived is never sent again."""
        shown = blocks.render(view, words)
        message = {
            "channel": place.channel,
            "thread_ts": place.thread or None,
            "text": shown.text,
            "blocks": shown.blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        wait = await self._attempt(message)
        if wait is not None:
            self._inflight.spawn(self._post_later(message, wait))

    async def _open(self, form: Form, words: Words, trigger_id: str, place: Place) -> None:
        arguments = {"trigger_id": trigger_id, "view": modal(form, words, place)}
        try:
            await self._api.call("views.open", arguments, seconds=TRIGGER_SECONDS)
        except CallFailed as error:
            await self._not_opened(error, words, place)

    async def _load(
        self, make: Callable[[], Awaitable[Shown]], words: Words, trigger_id: str, place: Place, above: bool
    ) -> None:
        method = "views.push" if above else "views.open"
        arguments = {"trigger_id": trigger_id, "view": blocks.loading_modal(words)}
        opening = self._inflight.spawn(self._api.call(method, arguments, seconds=TRIGGER_SECONDS))
        shown = await _made(make, words, place)
        try:
            view = (await opening)["view"]
        except CallFailed as error:
            await self._not_opened(error, words, place)
            return
        await self._update(view["id"], view.get("hash"), modal(shown.view, shown.words, shown.place))

    async def _not_opened(self, error: CallFailed, words: Words, place: Place) -> None:
        _log.warning("a window could not be opened: %s", error)
        await self._whisper(Message("slack.click_again", is_error=True), words, place, replace=False)

    async def _update(self, view_id: str, hash: str | None, view: dict[str, Any]) -> None:
        """Nothing to do where the window was closed (not_found) or shows something newer (hash_conflict)."""
        arguments = {"view_id": view_id, "hash": hash, "view": view}
        for attempt in range(_UPDATE_ATTEMPTS):
            try:
                await self._api.call("views.update", arguments)
                return
            except CallFailed as error:
                if error.code in ("not_found", "hash_conflict"):
                    return
                _log.warning("a window could not be filled: %s", error)
                if error.outcome is Outcome.REFUSED:
                    return
                await asyncio.sleep(min(error.after or 0.5 * 2**attempt, _WAIT_AT_MOST))

    async def _whisper(self, view: View, words: Words, place: Place, replace: bool) -> None:
        message = ephemeral(view, words)
        try:
            if not await self._responded(place.response_url, {**message, "replace_original": replace}):
                await self._tell(message, place)
        except CallFailed as error:
            _log.warning("an answer did not arrive: %s", error)

    async def _responded(self, response_url: str, message: dict[str, Any]) -> bool:
        """False when the response_url is used up, too old or not there. Raises CallFailed for other troubles."""
        if not response_url:
            return False
        try:
            await self._api.respond(response_url, message)
        except CallFailed as error:
            if error.outcome is Outcome.REFUSED:
                return False
            raise
        return True

    async def _tell(self, message: dict[str, Any], place: Place) -> None:
        """Without a response_url: in the channel for one pair of eyes, or in the person's direct messages."""
        text = {"text": message["text"], "blocks": message["blocks"]}
        if not place.channel:
            await self._api.call("chat.postMessage", {"channel": place.user, **text})
            return
        where = {"channel": place.channel, "user": place.user, "thread_ts": place.thread or None}
        await self._api.call("chat.postEphemeral", {**where, **text})

    async def _attempt(self, message: dict[str, Any]) -> float | None:
        """None when the message is sent or lost, else the seconds to wait before it is worth another attempt."""
        try:
            await self._api.call("chat.postMessage", message)
        except CallFailed as error:
            if error.outcome in (Outcome.LIMITED, Outcome.NOT_SENT):
                return min(error.after or 1.0, _WAIT_AT_MOST)
            _log.warning("an answer did not arrive: %s", error)
        return None

    async def _post_later(self, message: dict[str, Any], wait: float | None) -> None:
        for _ in range(_POST_ATTEMPTS - 1):
            if wait is None:
                return
            await asyncio.sleep(wait)
            wait = await self._attempt(message)
        if wait is not None:
            _log.warning("an answer was given up after %d attempts", _POST_ATTEMPTS)
