"""The moves that may carry a sentence: start, wait, escalate, resolve, reopen, close, note."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import Handler, MakeForm, command
from core import commands as c
from core.desk.desk import Desk
from core.views import Form, Message, View


def _form(name: str, field: str, *, required: bool = False) -> MakeForm:
    async def make(desk: Desk, call: Call) -> Form:
        return await forms.of_ticket(desk, call, name, forms.text_area(field, required=required))

    return make


def _move(
    done_key: str, make: Callable[[str], c.Command], field: str | None = None, needed: MakeForm | None = None
) -> Handler:
    """Runs the command that ``make`` builds from the sentence, given as words or in the form's ``field``. ``needed`` is
    the form that asks for a sentence that cannot be left out."""

    async def run(desk: Desk, call: Call) -> View:
        ticket_id, rest = reading.ticket_and_rest(call)
        sentence = (call.fields.get(field) if field else None) or rest
        if needed is not None and not sentence and not call.submitted:
            return await needed(desk, replace(call, ticket_id=ticket_id))
        after = await desk.work.execute(ticket_id, make(sentence), call.by, call.origin, once=call.once)
        return Message(done_key, {"ticket_id": ticket_id, "status": after.status}, ticket_id=ticket_id)

    return run


command("start", "start 42")(_move("message.started", lambda _: c.Start()))
command("wait", "wait 42 [reason]", form=_form("wait", "reason"))(_move("message.waiting", c.Wait, "reason"))
command("escalate", "escalate 42 [reason]", form=_form("escalate", "reason"))(
    _move("message.escalated", c.Escalate, "reason")
)
command("resolve", "resolve 42 [resolution]", form=_form("resolve", "resolution"))(
    _move("message.resolved", c.Resolve, "resolution")
)
command("reopen", "reopen 42 [reason]")(_move("message.reopened", c.Reopen, "reason"))
command("close", "close 42")(_move("message.closed", lambda _: c.Close()))
_note_form = _form("note", "note", required=True)
command("note", "note 42 text", form=_note_form, form_after=1)(_move("message.noted", c.Note, "note", _note_form))
