"""``expert``: calls somebody who knows the system."""

from __future__ import annotations

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.model import PersonRef
from core.views import Field, Form, Message, View


async def form(desk: Desk, call: Call) -> Form:
    who = Field("expert", "person", "field.expert", options=forms.people(desk), hint_key="field.expert_hint")
    what = Field("skill", "text", "field.skill", max_length=100)
    return await forms.of_ticket(desk, call, "expert", who, what)


@command("expert", "expert 42 [@name] [skill]", form=form, actions=("call_expert",))
async def expert(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    first, _, skill = rest.partition(" ")
    named = call.fields.get("expert") or (first if first.startswith(("@", "<@")) else "")
    if not named:
        skill = rest
    if named:
        person: PersonRef | None = await reading.person(desk, call, named, "expert")
    else:
        person = desk.policy.expert(await desk.ticket(ticket_id))
    asked = c.CallExpert(person, (call.fields.get("skill") or skill).strip())
    await desk.work.execute(ticket_id, asked, call.by, call.origin, once=call.once)
    if person is None:
        return Message("message.expert_wanted", {"ticket_id": ticket_id}, ticket_id=ticket_id)
    return Message("message.expert_called", {"ticket_id": ticket_id, "expert": person}, ticket_id=ticket_id)
