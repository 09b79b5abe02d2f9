"""Submitted modals. The answer to Slack's request marks wrong fields in place, or closes the modal.

https://docs.slack.dev/surfaces/modals#handling_submissions
"""

from __future__ import annotations

from typing import Any

from slack_bolt.response import BoltResponse

import blocks
from blocks.text import one_line
from bot.slack import calls
from bot.slack.answers import page
from bot.slack.calls import Place
from bot.slack.payloads import ViewSubmission, read
from bot.slack.reception import Reception
from bot.slack.seen import AlreadyDone, MarkDone
from bot.slack.sources import taken
from core.i18n import Words
from core.views import Form, Message
from core.views import View as DeskView

_KEEP_SECONDS = 24 * 3600
_SENTENCE_LIMIT = 300
_CLOSE = {"response_action": "clear"}


class Submissions:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        """One success per opened modal; after errors it may be sent again. Raises Busy while another process has it."""
        submission = read(body, ViewSubmission)
        key = f"slack:submit:{submission.view.id}"
        try:
            answer = await self._reception.once.run(key, _KEEP_SECONDS, lambda done: self._submit(submission, done))
        except AlreadyDone:
            answer = _CLOSE
        return BoltResponse(status=200, body=answer)

    async def refuse(self, body: dict[str, Any], view: DeskView) -> BoltResponse:
        """Say ``view`` at the first input, so that what was typed stays; without inputs, in place of the form."""
        submission = read(body, ViewSubmission)
        words = self._reception.people.last_words(submission.user.id)
        answer = _refusal(view, words, _inputs(submission))
        return BoltResponse(status=200, body=answer or _CLOSE)

    async def _submit(self, submission: ViewSubmission, done: MarkDone) -> dict[str, Any]:
        people, user = self._reception.people, submission.user
        tenant = (submission.team.id if submission.team else None) or user.team_id or ""
        person = await people.meet(user.id, tenant, user.name or user.username)
        ids = await people.ids(calls.chosen_people(submission.view), tenant)
        asked, private = calls.submitted(submission.view, ids)
        place = Place.returned(user.id, private)
        call = self._reception.call(asked, person, place, submitted=True)
        view = await self._reception.dispatch(call)
        refused = _refusal(view, call.words, _inputs(submission))
        if refused is not None:
            return refused
        await done()
        if place.source:
            await self._reception.seen.first_time(*taken(place.channel, place.source))
        if not place.channel:
            return {"response_action": "update", "view": page((view,), call.words)}
        await self._reception.answers.whisper(view, call.words, place)
        return _CLOSE


def _inputs(submission: ViewSubmission) -> list[str]:
    return list(submission.view.state.values) if submission.view.state else []


def _refusal(view: DeskView, words: Words, inputs: list[str]) -> dict[str, Any] | None:
    """What keeps the modal open: marked fields, another form, an error of no field; None for success."""
    if isinstance(view, Form):
        if not view.errors:
            return {"response_action": "update", "view": blocks.modal(view, words)}
        if inputs:
            return _errors(blocks.field_errors(view.errors, words, inputs))
        return {"response_action": "update", "view": blocks.modal(view, words)}
    if isinstance(view, Message) and view.is_error:
        if inputs:
            return _errors({inputs[0]: _plain_sentence(view, words)})
        return {"response_action": "update", "view": page((view,), words)}
    return None


def _errors(told: dict[str, str]) -> dict[str, Any]:
    return {"response_action": "errors", "errors": told}


def _plain_sentence(view: Message, words: Words) -> str:
    """What stands beside an input is plain text: nothing in it is parsed, so nothing is escaped."""
    return one_line(words.say(view.key, words.refusal(view.facts), str), _SENTENCE_LIMIT)
