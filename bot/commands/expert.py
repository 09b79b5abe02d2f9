"""``expert``: calls somebody who knows the system, and the answers of whoever is called."""

from __future__ import annotations

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.desk.show import link_of
from core.model import PersonRef
from core.views import Field, Form, Message, Notice, View


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
    wanted: PersonRef | None = await reading.person(desk, call, named, "expert") if named else None
    asked = c.CallExpert(wanted, (call.fields.get("skill") or skill).strip())
    person = await desk.work.call_expert(ticket_id, asked, call.by, call.origin, once=call.once)
    if person is None:
        return Message("message.expert_wanted", {"ticket_id": ticket_id}, ticket_id=ticket_id)
    return Message("message.expert_called", {"ticket_id": ticket_id, "expert": person}, ticket_id=ticket_id)


@command("expert_accept", "expert_accept 42", hidden=True, replaces=True)
async def accept(desk: Desk, call: Call) -> View:
    """Whoever is called comes."""
    return await _answer(desk, call, accepted=True)


@command("expert_decline", "expert_decline 42", hidden=True, replaces=True)
async def decline(desk: Desk, call: Call) -> View:
    """Whoever is called does not come."""
    return await _answer(desk, call, accepted=False)


async def _answer(desk: Desk, call: Call, *, accepted: bool) -> View:
    ticket_id, _ = reading.ticket_and_rest(call)
    done = await desk.work.calls.answer(ticket_id, call.by, accepted, call.origin, once=call.once)
    if accepted:
        key = "message.call_accepted_assigned" if done.assigned else "message.call_accepted"
    else:
        key = "message.call_declined" if done.following else "message.call_declined_last"
    following = {"next": done.following} if done.following else {}
    return Notice(
        key,
        ticket_id,
        done.ticket.title,
        {"ticket_id": ticket_id, "caller": done.caller, **following},
        link=link_of(ticket_id, desk.policy),
        actions=("resolve",) if accepted else (),
        priority=done.ticket.priority,
        version=done.ticket.version,
    )
