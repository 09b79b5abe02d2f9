"""``assign`` and the card's "assign to me"."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.views import Field, Form, Message, View


async def form(desk: Desk, call: Call) -> Form:
    field = Field("assignee", "person", "field.assignee", required=True, options=forms.people(desk))
    return await forms.of_ticket(desk, call, "assign", field)


@command("assign", "assign 42 @name | me", form=form, form_after=1)
async def assign(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    wanted = call.fields.get("assignee") or rest
    if not wanted:
        return await form(desk, replace(call, ticket_id=ticket_id))
    assignee = await reading.person(desk, call, wanted, "assignee")
    ticket = await desk.work.execute(ticket_id, c.Assign(assignee), call.by, call.origin, once=call.once)
    key = "message.assigned_to_me" if assignee.id == call.by.id else "message.assigned"
    return Message(key, {"ticket_id": ticket_id, "assignee": assignee}, ticket_id=ticket.id)


@command("assign_to_me", "assign_to_me 42", hidden=True)
async def assign_to_me(desk: Desk, call: Call) -> View:
    """One click: whoever is first gets it, and the second is told who has it."""
    ticket_id, _ = reading.ticket_and_rest(call)
    mine = c.Assign(call.by.ref, only_if_unassigned=True)
    await desk.work.execute(ticket_id, mine, call.by, call.origin, once=call.once)
    return Message("message.assigned_to_me", {"ticket_id": ticket_id}, ticket_id=ticket_id)
