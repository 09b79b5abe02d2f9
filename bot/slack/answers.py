"""Showing somebody a view: in the answer to Slack, by a modal, or by a message that only they see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from slack_bolt.response import BoltResponse

import blocks
from bot.slack.api import CallFailed, Outcome, SlackApi
from bot.slack.calls import Place
from bot.slack.inflight import Inflight
from core.i18n import Words
from core.views import Form, Message, View

# A trigger_id lives for three seconds, and Slack waits as long for an answer.
TRIGGER_SECONDS = 2.5
SETTLE_SECONDS = 2.0
_POST_ATTEMPTS = 3
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


def page(view: View, words: Words) -> dict[str, Any]:
    """A modal that shows a view and takes no input."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": words.text("slack.modal_title")},
        "close": {"type": "plain_text", "text": words.text("form.close")},
        "blocks": blocks.render(view, words).blocks,
    }


class Answers:
    def __init__(self, api: SlackApi, inflight: Inflight) -> None:
        self._api = api
        self._inflight = inflight

    async def open(self, form: Form, words: Words, trigger_id: str, place: Place) -> None:
        """Open a form; if that fails, tell the person to ask again. Waits two seconds at most, and goes on then."""
        await self._inflight.settle(self._open(form, words, trigger_id, place), SETTLE_SECONDS)

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
        marked = msgspec.structs.replace(form, context={**form.context, **place.context()})
        view = blocks.modal(marked, words)
        try:
            await self._api.call("views.open", {"trigger_id": trigger_id, "view": view}, seconds=TRIGGER_SECONDS)
        except CallFailed as error:
            _log.warning("the form %s could not be opened: %s", form.name, error.code)
            await self._whisper(Message("slack.click_again", is_error=True), words, place, replace=False)

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
