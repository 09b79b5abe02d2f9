"""``status``: shows a ticket's state, or moves it to another one."""

from __future__ import annotations

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.errors import BadField
from core.lifecycle import MOVES
from core.model import Status, Ticket
from core.views import Field, Form, Message, Option, View

_TO: dict[Status, type[c.Command]] = {
    Status.IN_PROGRESS: c.Start,
    Status.WAITING: c.Wait,
    Status.RESOLVED: c.Resolve,
    Status.CLOSED: c.Close,
    Status.NEW: c.Reopen,
    Status.ASSIGNED: c.Reopen,
}


async def form(desk: Desk, call: Call) -> Form:
    ticket = await desk.ticket(call.ticket_id or 0)
    choices = tuple(Option(status.value, label_key=f"status.{status.value}") for status in _reachable(ticket))
    select = Field("status", "select", "field.status", required=True, options=choices)
    return await forms.of_ticket(desk, call, "status", select, forms.text_area("note"))


def _reachable(ticket: Ticket) -> list[Status]:
    """The states that one move leads to from here."""
    legal = MOVES[ticket.status]
    reachable = [status for status, command in _TO.items() if command.verb in legal and status is not ticket.status]
    return [status for status in reachable if status is not Status.ASSIGNED]


@command("status", "status 42 [waiting]", form=form, actions=("update_status",))
async def status(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    wanted = call.fields.get("status") or rest
    if not wanted and not call.submitted:
        return await desk.card(ticket_id)
    if not wanted:
        raise BadField(field="status", why="required")
    to = reading.choice(Status, wanted, "status", call.words)
    note = (call.fields.get("note") or "").strip()
    command = _command(to, note)
    before = await desk.ticket(ticket_id)
    if before.status is to:
        return Message("message.unchanged", {"ticket_id": ticket_id}, ticket_id=ticket_id)
    if to is Status.ASSIGNED and before.status is Status.NEW:
        command = c.Assign(call.by.ref)
    after = await desk.work.execute(ticket_id, command, call.by, call.origin, once=call.once)
    if note and not isinstance(command, (c.Wait, c.Resolve, c.Reopen)):
        after = await desk.work.execute(ticket_id, c.Note(note), call.by, call.origin)
    return Message("message.status", {"ticket_id": ticket_id, "status": after.status}, ticket_id=ticket_id)


def _command(to: Status, note: str) -> c.Command:
    kind = _TO[to]
    if kind is c.Wait:
        return c.Wait(note)
    if kind is c.Resolve:
        return c.Resolve(note)
    return c.Reopen(note) if kind is c.Reopen else kind()
