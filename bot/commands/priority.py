"""``priority``: how much it matters."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.model import Priority
from core.views import Field, Form, Message, View


async def form(desk: Desk, call: Call) -> Form:
    ticket = await desk.ticket(call.ticket_id or 0)
    field = Field(
        "priority",
        "select",
        "field.priority",
        required=True,
        initial=ticket.priority.value,
        options=forms.options(Priority),
    )
    return await forms.of_ticket(desk, call, "priority", field)


@command("priority", "priority 42 high", form=form, actions=("change_priority", "prioritize"), form_after=1)
async def priority(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    wanted = call.fields.get("priority") or rest
    if not wanted:
        return await form(desk, replace(call, ticket_id=ticket_id))
    level = reading.choice(Priority, wanted, "priority", call.words)
    before = await desk.ticket(ticket_id)
    await desk.work.execute(ticket_id, c.Prioritize(level), call.by, call.origin, once=call.once)
    key = "message.priority_same" if before.priority is level else "message.priority_changed"
    return Message(key, {"ticket_id": ticket_id, "priority": level, "before": before.priority}, ticket_id=ticket_id)
