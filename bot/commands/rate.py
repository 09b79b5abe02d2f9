"""``rate``: how the requester found it, 1 to 5, and why."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.views import Field, Form, RatingRequest, View


async def form(desk: Desk, call: Call) -> Form:
    """What was said before is filled in, so that a changed mind replaces it."""
    ticket = await desk.ticket(call.ticket_id or 0)
    given = str(ticket.satisfaction) if ticket.satisfaction is not None else None
    score = Field("score", "rating", "field.score", required=True, initial=given)
    comment = forms.text_area("comment", initial=ticket.satisfaction_comment)
    return await forms.of_ticket(desk, call, "rate", score, replace(comment, hint_key="field.comment_hint"))


@command("rate", "rate 42 5 [comment]", form=form, form_after=1)
async def rate(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    first, _, said = rest.partition(" ")
    given = call.fields.get("score") or first
    if not given and not call.submitted:
        return await form(desk, replace(call, ticket_id=ticket_id))
    score = reading.whole_number(given, "score", 1, 5)
    # A click on a score says nothing about the comment; a form that comes back without one takes it away.
    comment = call.fields.get("comment", said or ("" if call.submitted else None))
    ticket = await desk.work.execute(ticket_id, c.Rate(score, comment), call.by, call.origin, once=call.once)
    return RatingRequest(ticket.id, ticket.title, ticket.satisfaction, ticket.satisfaction_comment)
