"""The commands by name. A slash command, a mention, a button, a form and a card's submit all end here.

A command is one file that calls ``command``; the manifests, the help and the dispatcher read this registry.
"""

from __future__ import annotations

import difflib
import logging
import uuid
from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace

from bot.commands.call import Call
from core.desk.desk import Desk
from core.errors import BadField, DeskError
from core.i18n import Words
from core.views import Field, FieldError, Form, Message, View

_log = logging.getLogger(__name__)
Handler = Callable[[Desk, Call], Awaitable[View]]
MakeForm = Callable[[Desk, Call], Awaitable[Form]]


class Command(msgspec.Struct, frozen=True):
    """``usage`` is literal; ``actions`` are the cards' action ids that mean this command; ``form`` makes the form
    that a click opens and that a refused submission is shown in again, and that is the answer to exactly
    ``form_after`` typed words; ``replaces`` says that its answer, unless it is a refusal, takes the place of the
    message that was clicked."""

    name: str
    usage: str
    run: Handler
    form: MakeForm | None = None
    actions: tuple[str, ...] = ()
    hidden: bool = False
    form_after: int | None = None
    replaces: bool = False


COMMANDS: dict[str, Command] = {}
_BY_WORD: dict[str, Command] = {}


def command(
    name: str,
    usage: str,
    *,
    form: MakeForm | None = None,
    actions: tuple[str, ...] = (),
    hidden: bool = False,
    form_after: int | None = None,
    replaces: bool = False,
) -> Callable[[Handler], Handler]:
    """Register ``run`` under ``name``; help shows it unless it is ``hidden``."""

    def register(run: Handler) -> Handler:
        entry = Command(name, usage, run, form, actions, hidden, form_after, replaces)
        COMMANDS[name] = entry
        for word in (name, *actions):
            _BY_WORD[word] = entry
        return run

    return register


def find(word: str) -> Command | None:
    return _BY_WORD.get(word.lower())


def opens_form(name: str, text: str, ticket_id: int | None = None, *, fields: bool = False) -> bool:
    """Whether the answer will be a form, unless it is a refusal: known before anything is read.

    ``fields`` says that a button brought values of its own.
    """
    entry = find(name)
    if entry is None or entry.form is None:
        return False
    if ticket_id is not None and not text.strip():
        return not fields
    return entry.form_after == len(text.split()) + (ticket_id is not None)


def replaces(name: str, answer: View) -> bool:
    """Whether ``answer`` takes the place of the message in which ``name`` was clicked."""
    entry = find(name)
    return entry is not None and entry.replaces and not (isinstance(answer, Message) and answer.is_error)


def nearest(word: str) -> str | None:
    """The command that a mistyped word probably means."""
    shown = [entry.name for entry in COMMANDS.values() if not entry.hidden]
    close = difflib.get_close_matches(word.lower(), shown, n=1, cutoff=0.5)
    return close[0] if close else None


class Dispatch:
    """The doors' dispatcher (``bot.commands.call.Dispatcher``)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, call: Call) -> View:
        entry = find(call.name) if call.name else COMMANDS["help"]
        if entry is None:
            entry, call = COMMANDS["help"], replace(call, name="", text=call.name)
        try:
            return await self._answer(entry, call)
        except DeskError as error:
            return Message(error.key, dict(error.facts), is_error=True, ticket_id=call.ticket_id)
        except Exception:
            reference = uuid.uuid4().hex[:8]
            _log.exception("the command %s failed (reference %s)", entry.name, reference)
            return Message("error.internal", {"reference": reference}, is_error=True, ticket_id=call.ticket_id)

    async def _answer(self, entry: Command, call: Call) -> View:
        try:
            if entry.form is not None and _is_click(call):
                return await entry.form(self._desk, call)
            return await entry.run(self._desk, call)
        except BadField as error:
            return await self._again(entry, call, error)

    async def _again(self, entry: Command, call: Call, error: BadField) -> View:
        """The form once more with what is wrong at its field, or a message where there is none."""
        facts = {name: value for name, value in error.facts.items() if name not in ("field", "why")}
        if entry.form is not None and call.submitted:
            form = await entry.form(self._desk, call)
            if any(field.name == error.facts["field"] for field in form.fields):
                wrong = FieldError(error.facts["field"], _why(error, call.words), facts)
                return replace(form, fields=_filled(form.fields, call.fields), errors=(wrong,))
        label = f"field.{error.facts['field']}"
        field = call.words.text(label) if call.words.has(label) else error.facts["field"]
        why = call.words.say(_why(error, call.words), facts, str)
        return Message(error.key, {"field": field, "why": why}, is_error=True, ticket_id=call.ticket_id)


def _why(error: BadField, words: Words) -> str:
    """The key of what is wrong; a reason that has no words of its own is told all the same."""
    key = f"error.field.{error.facts['why']}"
    return key if words.has(key) else "error.field.unfit"


def _is_click(call: Call) -> bool:
    """Whether this came from a card's button: it names its ticket and brings no words and no form."""
    return call.ticket_id is not None and not call.submitted and not call.text.strip() and not call.fields


def _filled(fields: tuple[Field, ...], values: dict[str, str]) -> tuple[Field, ...]:
    return tuple(replace(field, initial=values.get(field.name, field.initial)) for field in fields)
